"""State that is too large for a message or a row, in Blob Storage: message bodies and the last stock figures."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Final

from azure.core import MatchConditions
from azure.core.exceptions import (
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)
from azure.storage.blob.aio import ContainerClient

from shared.errors import ErrorCode, RefusedError, TransientError
from shared.store import tables

CLAIMS: Final = "claims"
PARKED: Final = "parked"
STATE: Final = "state"
EXPORTS: Final = "exports"


class Bodies:
    """Bytes by name. A webhook's body is always written under the same name, so that writing it twice is harmless."""

    def __init__(self, container: ContainerClient) -> None:
        self._container = container

    async def put(self, name: str, body: bytes) -> str:
        """Stores the body; returns its SHA-256 in hex."""
        await self._container.upload_blob(name, body, overwrite=True)
        return hashlib.sha256(body).hexdigest()

    async def get(self, name: str, *, sha256: str) -> bytes:
        """The body. Raises RefusedError CLAIM_MISSING if it is missing, differs from what was stored, or has an
        impossible name.
        """
        try:
            download = await self._container.download_blob(name)
            body = await download.readall()
        except (ValueError, HttpResponseError) as problem:
            is_absent = isinstance(problem, (ValueError, ResourceNotFoundError))
            if is_absent or tables.is_refused(problem):
                raise RefusedError(ErrorCode.CLAIM_MISSING, blob=name) from None
            raise
        if hashlib.sha256(body).hexdigest() != sha256:
            raise RefusedError(ErrorCode.CLAIM_MISSING, blob=name)
        return body


class Snapshots:
    """Small JSON documents that one flow rewrites as a whole; an ETag decides between two writers."""

    def __init__(self, container: ContainerClient) -> None:
        self._container = container

    async def read(self, name: str) -> tuple[dict[str, Any] | None, str | None]:
        """The document and its ETag, or (None, None)."""
        try:
            download = await self._container.download_blob(f"{name}.json")
            value: dict[str, Any] = json.loads(await download.readall())
        except ResourceNotFoundError:
            return None, None
        return value, download.properties.etag

    async def names(self, prefix: str) -> list[str]:
        """The documents whose name begins so."""
        found = self._container.list_blob_names(name_starts_with=prefix)
        return sorted([name.removesuffix(".json") async for name in found if name.endswith(".json")])

    async def write(self, name: str, value: dict[str, Any], etag: str | None) -> str:
        """Replaces the state that was read; returns the new ETag.

        Raises TransientError when another writer was faster.
        """
        body = json.dumps(value, separators=(",", ":")).encode()
        blob = self._container.get_blob_client(f"{name}.json")
        try:
            if etag is None:
                written = await blob.upload_blob(body)
            else:
                written = await blob.upload_blob(
                    body, overwrite=True, etag=etag, match_condition=MatchConditions.IfNotModified
                )
        except (ResourceExistsError, ResourceModifiedError):
            raise TransientError(f"{name} was written by another run at the same time") from None
        return str(written["etag"])
