"""The flow stock: one run for every store that has it on, and its report.

The last run that changed a figure or found a problem is stored as `stock/<store>/report.json` in the container `state`:
every figure that it looked at, with its on-hand, its available-to-promise and its sales unknown to F&O, to explain what
Shopify shows.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from shared.d365.odata.client import ODataClient
from shared.errors import RefusedError, TransientError
from shared.flows import STOCK
from shared.rules import StoreRules
from shared.shopify.admin.client import AdminClient
from shared.store.blobs import Bodies, Snapshots
from shared.store.journal import Journal, JournalEntry
from shared.store.links import OrderLinks
from shared.sync.each_store import for_each_store
from shared.sync.stock.flow import push_stock
from shared.sync.stock.report import StockReport, explained
from shared.telemetry import emit


@dataclass(frozen=True, slots=True)
class StockPorts:
    rules: Mapping[str, StoreRules]
    admins: Mapping[str, AdminClient]
    """Both by store key."""
    fo: ODataClient
    links: OrderLinks
    snapshots: Snapshots
    reports: Bodies
    journal: Journal


async def push_all_stock(ports: StockPorts, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
    """F&O's sellable stock to every store that has the flow on. Raises what for_each_store does."""
    await for_each_store(STOCK, ports.rules.values(), lambda rules: _push(rules, ports, now))


async def _push(rules: StoreRules, ports: StockPorts, now: Callable[[], datetime]) -> None:
    began = now()
    try:
        report = await push_stock(
            rules,
            admin=ports.admins[rules.key],
            fo=ports.fo,
            links=ports.links,
            snapshots=ports.snapshots,
            now=now,
        )
    except TransientError as error:
        emit("stock.failed", level=logging.WARNING, reason=type(error).__name__)
        raise
    except RefusedError as refusal:
        await _problem(refusal, rules.key, f"{rules.key}-{began:%Y%m%dT%H%M%S}", ports.journal, now())
        raise
    await _report(report, began, now(), ports)


async def _report(report: StockReport, began: datetime, ended: datetime, ports: StockPorts) -> None:
    """One event for the run, one journal entry for each problem that a person has to correct."""
    emit(
        "stock.pushed",
        run=report.run,
        changed=report.changed,
        figures=len(report.figures) + report.unchanged,
        problems=len(report.problems),
        backlog=report.backlog,
        frozen=report.frozen,
        halted=report.halted or None,
        busy=report.busy,
        shopify_calls=report.shopify_calls,
        fo_calls=report.fo_calls,
        seconds=round((ended - began).total_seconds(), 3),
    )
    for number, problem in enumerate(report.problems):
        await _problem(problem, report.store, f"{report.run}-{number}", ports.journal, ended)
    if report.changed or report.problems:
        document = json.dumps(explained(report), ensure_ascii=False).encode()
        await ports.reports.put(f"stock/{report.store}/report.json", document)


async def _problem(problem: RefusedError, store: str, event_id: str, journal: Journal, at: datetime) -> None:
    where = {name: problem.details.get(name) for name in ("sku", "location")}
    emit("stock.problem", level=logging.WARNING, code=problem.code, owner=problem.entry.owner, **where)
    await journal.write(
        JournalEntry(
            store=store,
            entity_id="stock",
            event_id=event_id,
            topic="stock",
            attempt=1,
            at=at,
            outcome="parked",
            note=f"{problem.code}: {problem.cause}",
            evidence={**problem.details, "next_step": problem.next_step, "owner": problem.entry.owner},
        )
    )
