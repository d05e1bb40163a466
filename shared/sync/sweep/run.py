"""The flow sweep: changes whose webhook was missed, and differences between both systems.

holds           a hold that is gone in F&O while its reason stands is set again (shared/sync/sweep/holds.py)
changes         an order that changed in Shopify without an event is put onto the orders' queue, as an event of the app:
                the flow of orders fetches and converges it as any other. One that is neither in F&O nor parked
                15 minutes after it was placed is reported as late
subscriptions   topics that a shop does not send are subscribed to, or reported
comparison      orders in Shopify are compared with F&O, some in each run, all of them over time

What was put onto the queue is neither sent again nor compared before it is settled (shared/sync/sweep/healing.py). To
Shopify it writes subscriptions alone, and to F&O holds: those that are gone, and where several sales orders have the
reference of one order, one for each that is not kept (shared/sync/sweep/duplicates.py). After an interrupted run the
next begins where progress was last saved; an event that is sent twice has nothing to do the second time.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from itertools import batched
from typing import Final

from shared.flows import SWEEP
from shared.rules import StoreRules
from shared.shopify.sweep import ListedOrder, changed_orders
from shared.sync.each_store import for_each_store, noting_halt
from shared.sync.sweep.comparison import compare_some
from shared.sync.sweep.healing import Healer, Healing
from shared.sync.sweep.holds import restore_holds
from shared.sync.sweep.missed import has_ended, is_recorded
from shared.sync.sweep.ports import SweepPorts
from shared.sync.sweep.progress import Progress
from shared.sync.sweep.subscriptions import look_after_subscriptions
from shared.telemetry import count, emit

_MAX_ORDERS: Final = 5000
"""Changed orders of a store that one run checks; the next run continues."""

_AT_ONCE: Final = 25
"""Orders whose links are read concurrently."""

_LATE: Final = timedelta(minutes=15)
"""After which an order should be in F&O, or parked."""

_TOLD: Final = 100
"""Late orders of a run that have an event each; further ones are only counted, as in an outage of F&O."""

_TIME_LIMIT: Final = timedelta(minutes=3)
"""No step begins after it: the run is cut off after FLOW_TIME (shared/sync/deadline.py)."""


@dataclass(slots=True)
class SweepReport:
    """What one run did in one store, in orders."""

    changed: int = 0
    """Checked."""
    missed: int = 0
    """Put onto the queue, or left as `sweep.heal` says."""
    late: int = 0
    """Neither in F&O nor parked a quarter of an hour after they were placed."""
    halted: str | None = None
    """Why the run ended early."""


async def sweep_orders(ports: SweepPorts, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
    """Every store's orders. What throttling leaves undone waits for the next run. Raises what for_each_store does."""
    await for_each_store(SWEEP, ports.orders.rules.values(), lambda rules: _sweep(rules, ports, now))


async def _sweep(rules: StoreRules, ports: SweepPorts, now: Callable[[], datetime]) -> None:
    began = now()
    report = SweepReport()
    try:
        with noting_halt(report):
            await _Sweep(rules, ports, now, began, report).run()
    finally:
        level = logging.WARNING if report.missed or report.late or report.halted else logging.INFO
        emit("sweep.done", level=level, **asdict(report), seconds=(now() - began).total_seconds())


@dataclass(frozen=True, slots=True)
class _Sweep:
    """One run for one store."""

    rules: StoreRules
    ports: SweepPorts
    now: Callable[[], datetime]
    began: datetime
    report: SweepReport

    async def run(self) -> None:
        """Holds come first, and trouble with one keeps nothing else from being done."""
        try:
            self.report.halted = await restore_holds(self.rules, self.ports, now=self.now, until=self._until)
        finally:
            await self._find_and_compare()

    async def _find_and_compare(self) -> None:
        admin = self.ports.orders.admins[self.rules.key]
        progress = await Progress.load(self.ports.snapshots, self.rules.key, now=self.began)
        try:
            await self._find_changes(progress)
            await look_after_subscriptions(
                self.rules, admin, self.ports.own_address, self.ports.journal, progress, self.now()
            )
            ended = await compare_some(self.rules, self.ports, progress, now=self.now, until=self._until)
            self.report.halted = self.report.halted or ended
        finally:
            await progress.save()

    @property
    def _until(self) -> datetime:
        return self.began + _TIME_LIMIT

    @property
    def _settled_since(self) -> datetime:
        return self.began - timedelta(minutes=self.rules.sweep.settle_minutes)

    async def _find_changes(self, progress: Progress) -> None:
        """Sends missed changes, and moves `progress.since` on: to where the run ended early, or to the overlap before
        the latest change.
        """
        newest = progress.since
        async for page in changed_orders(self.ports.orders.admins[self.rules.key], progress.since):
            if self.report.changed >= _MAX_ORDERS or (self.report.changed and self.now() >= self._until):
                self.report.halted = "more orders changed than one run checks"
                progress.since = newest
                return
            settled = [order for order in page if order.updated_at <= self._settled_since]
            await self._send_missed(settled)
            newest = settled[-1].updated_at if settled else newest
            if len(settled) < len(page):
                break
        progress.since = max(progress.since, newest - timedelta(minutes=self.rules.sweep.overlap_minutes))

    async def _send_missed(self, orders: Sequence[ListedOrder]) -> None:
        self.report.changed += len(orders)
        for some in batched(orders, _AT_ONCE, strict=False):
            found = await asyncio.gather(*(self._missed(order) for order in some))
            missed = [(kind, order) for kind, order in zip(found, some, strict=True) if kind is not None]
            healer = Healer(self.rules, self.ports, self.now, self.began)
            await asyncio.gather(*(healer.heal(kind, order, "a change") for kind, order in missed))
            self.report.missed += len(missed)

    async def _missed(self, order: ListedOrder) -> Healing | None:
        """What F&O lacks, if neither the link nor the journal has this state of the order or a later one, and no
        event that a sweep sent is still in the queue.

        An order whose events change nothing in F&O keeps an older version in its link, and so does one whose change is
        parked: the journal has both, so that neither is sent again. The link of an order that is only claimed has the
        version that is to be booked, whether or not F&O took it.
        """
        link = await self.ports.orders.links.get(self.rules.key, order.id)
        if link is not None and (link.given_up or (link.is_decided and link.version >= order.updated_at)):
            return None
        entries = await self.ports.journal.history(self.rules.key, str(order.id))
        if not (link is not None and link.sales_order) and not has_ended(entries):
            self._report_if_late(order)
        healer = Healer(self.rules, self.ports, self.now, self.began)
        if is_recorded(entries, order.updated_at, overdue=self._settled_since) or healer.is_under_way(entries):
            return None
        return "states" if link is not None and link.sales_order else "orders"

    def _report_if_late(self, order: ListedOrder) -> None:
        """For an alert. Each run whose search still finds the order reports it again, until it is booked or parked."""
        age = self.began - order.created_at
        if age < _LATE:
            return
        self.report.late += 1
        if self.report.late > _TOLD:
            count("sweep.order_late", store=self.rules.key)
            return
        emit(
            "sweep.order_late",
            level=logging.WARNING,
            entity_id=str(order.id),
            order=order.name,
            seconds=round(age.total_seconds()),
        )
