"""One container of Azure Blob Storage in memory, as far as the app asks of it: blobs by name, and their ETags."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import count
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import ResourceExistsError, ResourceModifiedError, ResourceNotFoundError


@dataclass(frozen=True, slots=True)
class Blob:
    name: str
    body: bytes
    etag: str

    @property
    def properties(self) -> Blob:
        return self

    async def readall(self) -> bytes:
        return self.body


class MemoryContainer:
    def __init__(self) -> None:
        self.blobs: dict[str, Blob] = {}
        self._etags = count(1)

    async def upload_blob(self, name: str, data: Any, *, overwrite: bool = False, **condition: Any) -> dict[str, str]:
        known = self.blobs.get(name)
        if known and not overwrite:
            raise ResourceExistsError
        if condition:
            assert condition["match_condition"] is MatchConditions.IfNotModified
            if known is None or known.etag != condition["etag"]:
                raise ResourceModifiedError
        body = data.encode() if isinstance(data, str) else data if isinstance(data, bytes) else data.read()
        self.blobs[name] = Blob(name, body, f"W/{next(self._etags)}")
        return {"etag": self.blobs[name].etag}

    async def download_blob(self, name: str) -> Blob:
        if name not in self.blobs:
            raise ResourceNotFoundError
        return self.blobs[name]

    async def list_blobs(self) -> AsyncIterator[Blob]:
        for name in sorted(self.blobs):
            yield self.blobs[name]

    async def list_blob_names(self, *, name_starts_with: str) -> AsyncIterator[str]:
        for name in sorted(self.blobs):
            if name.startswith(name_starts_with):
                yield name

    def get_blob_client(self, name: str) -> _BlobClient:
        return _BlobClient(self, name)


@dataclass(frozen=True, slots=True)
class _BlobClient:
    container: MemoryContainer
    name: str

    async def upload_blob(self, data: bytes, **options: Any) -> dict[str, str]:
        return await self.container.upload_blob(self.name, data, **options)
