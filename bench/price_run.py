"""One run of the flow prices in a process of its own, for its processor time and memory: `python -m bench.price_run`.

Takes the addresses of the simulators and a folder for its snapshots; prints the figures as JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx
from azure.core.credentials import AccessToken

from local.stack import ROOT
from shared.d365.odata.client import ODataClient
from shared.d365.odata.slots import Slots
from shared.rules import StoreRules, load_store, load_tenant
from shared.settings import Secret
from shared.shopify.admin.client import AdminClient
from shared.shopify.admin.tokens import ClientCredentials
from shared.sync.brake import confirm
from shared.sync.prices.flow import push_prices
from shared.sync.prices.report import PriceReport

DEALERS: Final = {
    "name": "Dealers",
    "currency": "EUR",
    "groups": ("DEALER",),
    "company_locations": (77001001,),
    "tiers": True,
}
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


def store() -> StoreRules:
    rules = load_store(ROOT / "config/stores/nordlys.toml", load_tenant(ROOT / "config/tenants/local.toml"))
    data = rules.model_dump(exclude_unset=True)
    data["orders"] |= {"product_identity": "variant"}
    data["flows"] |= {"prices": True}
    data["prices"] |= {"lists": (DEALERS,)}
    return StoreRules.model_validate(data)


def _peak() -> float:
    """Megabytes. Not by getrusage, which counts the memory of the process that started this one."""
    [line] = [each for each in Path("/proc/self/status").read_text().splitlines() if each.startswith("VmHWM")]
    return int(line.split()[1]) / 1024


async def run(given: dict[str, Any]) -> dict[str, Any]:
    rules, snapshots = store(), Files(Path(given["folder"]))
    later = timedelta(minutes=given["minutes"])

    def now() -> datetime:
        return datetime.now(UTC) + later

    async def tell(report: PriceReport) -> None:
        pass

    slots: Slots = _Slots()
    async with httpx.AsyncClient(timeout=_TIMEOUT) as http:
        url = f"{given['shopify']}/{rules.shop_domain}"
        tokens = ClientCredentials(
            http, url, client_id="dev-nordlys-client", client_secret=Secret("dev-nordlys-new"), scopes=()
        )
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
        )
        if given["confirm"]:
            await confirm(snapshots, rules.key, "prices", now())  # type: ignore[arg-type]
        before = time.process_time()
        began = time.perf_counter()
        report = await push_prices(rules, admin=admin, fo=fo, snapshots=snapshots, now=now, tell=tell)  # type: ignore[arg-type]
        processor, seconds = time.process_time() - before, time.perf_counter() - began
        await fo.aclose()
    return {
        "processor": processor,
        "seconds": seconds,
        "peak": _peak(),
        "changed": report.changed,
        "held": report.held,
        "halted": report.halted,
        "problems": sorted({problem.code for problem in report.all_problems}),
        "shopify_calls": report.shopify_calls,
        "fo_calls": report.fo_calls,
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(run(json.loads(sys.argv[1])))))
