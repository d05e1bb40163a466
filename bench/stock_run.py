"""One run of the flow stock in a process of its own, for its processor time and memory: `python -m bench.stock_run`.

Takes the addresses of the simulators and a folder for its snapshots; prints the figures as JSON. With `parse` it only
reads the pages of on-hand that a run reads, and prints the processor time of parsing them.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Collection, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx

from bench.one_run import Files, opened, peak_memory
from local.stack import ROOT
from shared.d365.entities import ON_HAND, READ
from shared.d365.odata.exact_json import decode
from shared.d365.odata.filters import any_of
from shared.rules import StoreRules, load_store, load_tenant
from shared.store.links import OrderLink, PendingSale
from shared.sync.stock.flow import push_stock
from shared.sync.stock.report import explained

LOCATIONS: Final = tuple(range(71_002_001, 71_002_011))
"""Each with a warehouse of its own."""
FIGURES_OF_AN_ITEM: Final = len(LOCATIONS)


def warehouse_of(location: int) -> str:
    return f"W{location % 100:02}"


def store() -> StoreRules:
    rules = load_store(ROOT / "config/stores/nordlys.toml", load_tenant(ROOT / "config/tenants/local.toml"))
    data = rules.model_dump(exclude_unset=True)
    data["warehouses"] = tuple(
        {"id": warehouse_of(location), "site": "EU", "location": location, "country": "NL", "countries": ("*",)}
        for location in LOCATIONS
    )
    return StoreRules.model_validate(data)


class _Links:
    """F&O has every order, as it is in Shopify."""

    async def known(self, store: str, order_ids: Collection[int]) -> dict[int, datetime]:
        del store
        return dict.fromkeys(order_ids, datetime.max.replace(tzinfo=UTC))

    async def get_several(self, store: str, order_ids: Iterable[int]) -> dict[int, OrderLink]:
        latest = datetime.max.replace(tzinfo=UTC)
        return {order: OrderLink(store, order, latest, sales_order=f"SN{order}") for order in order_ids}

    async def parked(self, store: str) -> list[PendingSale]:
        del store
        return []


class _ParsingTimed(httpx.AsyncHTTPTransport):
    """Parses what it carries a second time, to measure that alone."""

    processor = 0.0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await super().handle_async_request(request)
        body = await answer.aread()
        before = time.process_time()
        decode(body)
        self.processor += time.process_time() - before
        headers = [(name, value) for name, value in answer.headers.raw if name.lower() != b"content-encoding"]
        return httpx.Response(answer.status_code, headers=headers, content=body)


async def parse(given: dict[str, Any]) -> dict[str, Any]:
    rules, transport = store(), _ParsingTimed()
    where = any_of("InventoryWarehouseId", [warehouse.id for warehouse in rules.warehouses])
    rows = 0
    async with opened(given, rules, transport=transport) as (_, fo, _):
        async for page in fo.pages(ON_HAND, company=rules.company, where=where, select=READ[ON_HAND]):
            rows += len(page)
    return {"processor": transport.processor, "rows": rows}


async def run(given: dict[str, Any]) -> dict[str, Any]:
    rules, snapshots = store(), Files(Path(given["folder"]))
    moment = datetime.now(UTC) + timedelta(minutes=given["minutes"])

    def now() -> datetime:
        return moment  # the simulators are slow, and no time limit is to end a run

    async with opened(given, rules) as (admin, fo, _):
        before, began = time.process_time(), time.perf_counter()
        report = await push_stock(
            rules,
            admin=admin,
            fo=fo,
            links=_Links(),  # type: ignore[arg-type]
            snapshots=snapshots,  # type: ignore[arg-type]
            now=now,
        )
        if report.changed or report.problems:
            document = json.dumps(explained(report), ensure_ascii=False).encode()
            (Path(given["folder"]) / "report").write_bytes(document)
        processor, seconds = time.process_time() - before, time.perf_counter() - began
    return {
        "processor": processor,
        "seconds": seconds,
        "peak": peak_memory(),
        "changed": report.changed,
        "halted": report.halted,
        "problems": sorted({problem.code for problem in report.problems}),
        "shopify_calls": report.shopify_calls,
        "fo_calls": report.fo_calls,
    }


if __name__ == "__main__":
    asked = json.loads(sys.argv[1])
    print(json.dumps(asyncio.run(parse(asked) if asked["parse"] else run(asked))))
