"""What one run of a flow needs in a process of its own: clients of the simulators, and snapshots in a folder."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import httpx
from azure.core.credentials import AccessToken

from shared.d365.odata.client import ODataClient
from shared.d365.odata.slots import Slots
from shared.rules import StoreRules
from shared.settings import Secret
from shared.shopify.admin.client import AdminClient
from shared.shopify.admin.tokens import ClientCredentials
from shared.store.journal import JournalEntry

_TIMEOUT: Final = 120


@dataclass(frozen=True, slots=True)
class Files:
    """Snapshots as files of a folder."""

    folder: Path

    async def read(self, name: str) -> tuple[dict[str, Any] | None, str | None]:
        path = self._path(name)
        return (json.loads(path.read_bytes()), "1") if path.exists() else (None, None)

    async def write(self, name: str, value: dict[str, Any], etag: str | None) -> str:  # noqa: ARG002 - one writer
        self._path(name).write_text(json.dumps(value, separators=(",", ":")), encoding="utf-8")
        return "1"

    async def names(self, prefix: str) -> list[str]:
        found = (path.stem.replace("~", "/") for path in self.folder.glob("*.json"))
        return sorted(name for name in found if name.startswith(prefix))

    def _path(self, name: str) -> Path:
        return self.folder / f"{name.replace('/', '~')}.json"


class NoJournal:
    async def write(self, entry: JournalEntry) -> None:
        pass


class _Credential:
    def __init__(self, token: str) -> None:
        self._token = token

    async def get_token(self, *_: str, **__: object) -> AccessToken:
        return AccessToken(self._token, int(time.time()) + 3600)

    async def close(self) -> None:
        pass


class _NoBreaker:
    async def before(self) -> None:
        pass

    async def success(self) -> None:
        pass

    async def failure(self, wait: timedelta | None = None) -> None:
        pass


class _Slot:
    among = 1

    def start(self) -> None:
        pass

    def free(self, *, ended: bool) -> None:
        pass


class _Slots:
    async def take(self) -> _Slot:
        return _Slot()


@asynccontextmanager
async def opened(
    given: dict[str, Any], rules: StoreRules, *, transport: httpx.AsyncBaseTransport | None = None
) -> AsyncIterator[tuple[AdminClient, ODataClient, httpx.AsyncClient]]:
    """Clients of the simulators at the addresses `shopify` and `fo`, and one for files; `token` is F&O's, and
    `transport` carries its calls.
    """
    slots: Slots = _Slots()
    async with httpx.AsyncClient(timeout=_TIMEOUT) as http:
        url = f"{given['shopify']}/{rules.shop_domain}"
        secret = Secret(f"dev-{rules.key}-new")
        tokens = ClientCredentials(http, url, client_id=f"dev-{rules.key}-client", client_secret=secret, scopes=())
        admin = AdminClient(
            http,
            url,
            api_version=rules.api_version,
            tokens=tokens,
            on_call=lambda _: None,
            on_other_version=lambda _: None,
        )
        fo = ODataClient(
            given["fo"],
            _Credential(given["token"]),  # type: ignore[arg-type]
            slots=slots,
            timeout=_TIMEOUT,
            breaker=_NoBreaker(),
            on_call=lambda _: None,
            transport=transport,
        )
        yield admin, fo, http
        await fo.aclose()


def peak_memory() -> float:
    """Megabytes. Not by getrusage, which counts the memory of the process that started this one."""
    [line] = [each for each in Path("/proc/self/status").read_text().splitlines() if each.startswith("VmHWM")]
    return int(line.split()[1]) / 1024
