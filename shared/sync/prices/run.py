"""The flow prices: one run for every store that has it on, and its report.

The last run that changed a price or found a problem is stored as `prices/<store>/report.json` in the container `state`.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime

from shared.errors import DeniedError, RefusedError, TransientError
from shared.flows import PRICES
from shared.rules import StoreRules
from shared.store.journal import JournalEntry
from shared.sync.each_store import for_each_store
from shared.sync.prices.flow import push_prices
from shared.sync.prices.ports import PricePorts
from shared.sync.prices.report import PriceReport, explained_prices
from shared.sync.prices.state import fingerprint
from shared.telemetry import emit

_NAMED = ("item", "sku", "list")
"""Details of a problem that go with its event: codes and numbers of F&O and Shopify."""


async def push_all_prices(ports: PricePorts, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
    """F&O's prices to every store that has the flow on. Raises what for_each_store does."""
    await for_each_store(PRICES, ports.rules.values(), lambda rules: _push(rules, ports, now))


async def _push(rules: StoreRules, ports: PricePorts, now: Callable[[], datetime]) -> None:
    began = now()
    try:
        await push_prices(
            rules,
            admin=ports.admins[rules.key],
            fo=ports.fo,
            snapshots=ports.snapshots,
            journal=ports.journal,
            files=ports.files,
            now=now,
            tell=lambda report: _tell(report, began, now(), ports),
        )
    except TransientError as error:
        code = error.code if isinstance(error, DeniedError) else None
        emit("prices.failed", level=logging.WARNING, reason=type(error).__name__, code=code)
        raise


async def _tell(report: PriceReport, began: datetime, ended: datetime, ports: PricePorts) -> None:
    """One event for the run, one journal entry for each problem that was not told before."""
    emit(
        "prices.pushed",
        level=logging.WARNING if report.halted else logging.INFO,
        run=report.run,
        changed=report.changed,
        held=report.held,
        prices=sum(sum(each.outcomes.values()) for each in report.lists),
        problems=len(report.all_problems),
        halted=report.halted or None,
        shopify_calls=report.shopify_calls,
        fo_calls=report.fo_calls,
        seconds=round((ended - began).total_seconds(), 3),
    )
    for number, problem in enumerate(report.news):
        await _tell_problem(problem, report, number, ended, ports)
    if report.changed or report.all_problems:
        document = json.dumps(explained_prices(report), ensure_ascii=False).encode()
        await ports.reports.put(f"prices/{report.store}/report.json", document)


async def _tell_problem(
    problem: RefusedError, report: PriceReport, number: int, at: datetime, ports: PricePorts
) -> None:
    where = {name: problem.details.get(name) for name in _NAMED}
    emit("prices.problem", level=logging.WARNING, code=problem.code, owner=problem.entry.owner, **where)
    await ports.journal.write(
        JournalEntry(
            store=report.store,
            entity_id="prices",
            event_id=f"{report.run}-{number}",
            topic="prices",
            attempt=1,
            at=at,
            outcome="parked",
            note=f"{problem.code}: {problem.cause}",
            evidence={
                "mark": fingerprint(problem),
                "next_step": problem.next_step,
                "owner": problem.entry.owner,
                **problem.details,
            },
        )
    )
