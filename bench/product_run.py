"""One run of the flow products in a process of its own, for its figures: `python -m bench.product_run`.

Takes the addresses of the simulators and a folder for its snapshots; prints the figures as JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from bench.one_run import Files, NoJournal, opened, peak_memory
from local.stack import ROOT
from shared.model import Item, VariantPrices
from shared.rules import StoreRules, load_store, load_tenant
from shared.sync.counting import CountingRunner
from shared.sync.prices.quotes import quotes
from shared.sync.products.flow import ProductsPush
from shared.sync.products.open_shop import open_shop


def store() -> StoreRules:
    rules = load_store(ROOT / "config/stores/prairie.toml", load_tenant(ROOT / "config/tenants/local.toml"))
    data = rules.model_dump(exclude_unset=True)
    data["flows"] |= {"products": True, "prices": True}
    data["products"] |= {"adopt": True, "full_minutes": 0}
    return StoreRules.model_validate(data)


async def run(given: dict[str, Any]) -> dict[str, Any]:
    rules, snapshots = store(), Files(Path(given["folder"]))
    later = timedelta(minutes=given["minutes"])

    def now() -> datetime:
        return datetime.now(UTC) + later

    async with opened(given, rules) as (admin, fo, http):

        async def prices_of(of: StoreRules, items: Collection[Item]) -> VariantPrices:
            return await quotes(of, fo, items, now=now)

        shopify = CountingRunner(admin)
        push = ProductsPush(
            rules=rules,
            admin=shopify,
            fo=fo,
            snapshots=snapshots,  # type: ignore[arg-type]
            open_shop=partial(open_shop, files=http, snapshots=snapshots, journal=NoJournal(), now=now),  # type: ignore[arg-type]
            quotes=prices_of,
            now=now,
        )
        before, began = time.process_time(), time.perf_counter()
        report = await push.run()
        processor, seconds = time.process_time() - before, time.perf_counter() - began
    return {
        "processor": processor,
        "seconds": seconds,
        "peak": peak_memory(),
        "read": report.read,
        "done": len(report.done),
        "pending": report.pending + report.under_way + bool(report.halted),
        "problems": sorted({problem.code for its in report.problems.values() for problem in its}),
        "shopify_calls": shopify.calls,
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(run(json.loads(sys.argv[1])))))
