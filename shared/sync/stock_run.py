"""The timer's work: one stock run for every store that has the flow on, and its report to people."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from shared.d365.client import ODataClient
from shared.errors import RefusedError, TransientError
from shared.rules import StoreRules
from shared.shopify.client import AdminClient
from shared.store.blobs import Snapshots
from shared.store.journal import Entry, Journal
from shared.store.links import OrderLinks
from shared.sync.stock import push_stock
from shared.sync.stock_report import StockReport
from shared.telemetry import correlated, tell


@dataclass(frozen=True, slots=True)
class StockPorts:
    rules: Mapping[str, StoreRules]
    admins: Mapping[str, AdminClient]
    """Both by store key."""
    fo: ODataClient
    links: OrderLinks
    snapshots: Snapshots
    journal: Journal


async def push_all_stock(ports: StockPorts) -> None:
    """Runs the stores side by side. One store's trouble does not keep the others from their stock; it is raised at
    the end, so that the timer's run counts as failed.
    """
    stores = [rules for rules in ports.rules.values() if rules.flows.stock]
    ends = await asyncio.gather(*(_push(rules, ports) for rules in stores), return_exceptions=True)
    troubles = [end for end in ends if isinstance(end, BaseException)]
    if troubles:
        raise ExceptionGroup("stock was not pushed for every store", [_plain(trouble) for trouble in troubles])


async def _push(rules: StoreRules, ports: StockPorts) -> None:
    began = datetime.now(UTC)
    with correlated(store=rules.key, flow="stock"):
        try:
            report = await push_stock(
                rules,
                admin=ports.admins[rules.key],
                fo=ports.fo,
                links=ports.links,
                snapshots=ports.snapshots,
                now=lambda: datetime.now(UTC),
            )
        except (RefusedError, TransientError) as trouble:
            tell("stock.failed", level=logging.WARNING, cause=str(trouble))
            raise
        await _tell(report, began, ports.journal)


async def _tell(report: StockReport, began: datetime, journal: Journal) -> None:
    """One event for the run, one journal entry for each problem that somebody has to mend, none for a quiet run."""
    now = datetime.now(UTC)
    tell(
        "stock.pushed",
        run=report.run,
        changed=report.changed,
        figures=len(report.figures),
        problems=len(report.problems),
        backlog=report.backlog,
        frozen=report.frozen,
        busy=report.busy,
        shopify_calls=report.shopify_calls,
        fo_calls=report.fo_calls,
        seconds=round((now - began).total_seconds(), 3),
    )
    for number, problem in enumerate(report.problems):
        tell("stock.problem", level=logging.WARNING, code=problem.code, cause=problem.cause)
        await journal.write(
            Entry(
                store=report.store,
                entity_id="stock",
                event_id=f"{report.run}-{number}",
                topic="stock",
                attempt=1,
                at=now,
                outcome="parked",
                note=f"{problem.code}: {problem.cause}",
                evidence={**problem.details, "next_step": problem.next_step, "owner": problem.entry.owner},
            )
        )


def _plain(trouble: BaseException) -> Exception:
    """A run that was cancelled is no trouble of a store: that goes on to the caller as it is."""
    if isinstance(trouble, Exception):
        return trouble
    raise trouble
