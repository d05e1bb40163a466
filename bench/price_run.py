"""One run of the flow prices in a process of its own, for its processor time and memory: `python -m bench.price_run`.

Takes the addresses of the simulators and a folder for its snapshots; prints the figures as JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from bench.one_run import Files, NoJournal, opened, peak_memory
from local.stack import ROOT
from shared.mapping.prices.changes import PriceOutcome
from shared.rules import StoreRules, load_store, load_tenant
from shared.sync.brake import confirm, digest_of, read_held_changes
from shared.sync.prices.flow import push_prices
from shared.sync.prices.report import PriceReport

DEALERS: Final = {
    "name": "Dealers",
    "currency": "EUR",
    "groups": ("DEALER",),
    "company_locations": (77001001,),
    "tiers": True,
}


def store() -> StoreRules:
    rules = load_store(ROOT / "config/stores/nordlys.toml", load_tenant(ROOT / "config/tenants/local.toml"))
    data = rules.model_dump(exclude_unset=True)
    data["orders"] |= {"product_identity": "variant"}
    data["flows"] |= {"prices": True}
    data["prices"] |= {"lists": (DEALERS,)}
    return StoreRules.model_validate(data)


async def run(given: dict[str, Any]) -> dict[str, Any]:
    rules, snapshots = store(), Files(Path(given["folder"]))
    later = timedelta(minutes=given["minutes"])

    def now() -> datetime:
        return datetime.now(UTC) + later

    async def tell(report: PriceReport) -> None:
        pass

    async with opened(given, rules) as (admin, fo, http):
        if given["confirm"]:
            held = await read_held_changes(snapshots, rules.key)  # type: ignore[arg-type]
            await confirm(snapshots, rules.key, "prices", now(), shown=digest_of(held))  # type: ignore[arg-type]
        before = time.process_time()
        began = time.perf_counter()
        report = await push_prices(
            rules,
            admin=admin,
            fo=fo,
            snapshots=snapshots,  # type: ignore[arg-type]
            journal=NoJournal(),  # type: ignore[arg-type]
            files=http,
            now=now,
            tell=tell,
        )
        processor, seconds = time.process_time() - before, time.perf_counter() - began
    return {
        "processor": processor,
        "seconds": seconds,
        "peak": peak_memory(),
        "changed": report.changed,
        "held": report.held,
        "halted": report.halted,
        "left": sum(each.outcomes[PriceOutcome.LEFT] for each in report.lists),
        "problems": sorted({problem.code for problem in report.all_problems}),
        "shopify_calls": report.shopify_calls,
        "fo_calls": report.fo_calls,
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(run(json.loads(sys.argv[1])))))
