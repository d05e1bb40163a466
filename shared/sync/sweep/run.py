"""The timer's work: what webhooks missed, and whether both systems still agree.

    changes         orders that changed in Shopify and that no event told us of are put onto the orders' queue, as
                    events of our own: the flow fetches and converges them as it does any other
    subscriptions   topics that a shop no longer sends are told of
    comparison      orders that F&O has are compared with it, some in each run, all of them in the course of time

It writes neither to F&O nor to Shopify. Whoever stops in between is followed by a run that begins where progress was
last saved; what is sent twice is dropped by the queue, or finds nothing to do.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from itertools import batched, compress
from typing import Final

from shared.bus.publisher import Publisher
from shared.errors import RefusedError, ThrottledError, TransientError
from shared.rules import StoreRules
from shared.shopify.sweep import ListedOrder, changed_orders, read_subscriptions
from shared.store.blobs import Snapshots
from shared.store.journal import Journal
from shared.sync.each_store import side_by_side
from shared.sync.orders.flow import OrderPorts
from shared.sync.sweep.comparison import compare_some
from shared.sync.sweep.missed import event_of, has_heard
from shared.sync.sweep.progress import Progress
from shared.sync.sweep.subscriptions import tell_lost_topics
from shared.telemetry import correlated, emit

_MOST: Final = 5000
"""Changed orders of a store that one run looks at; the next goes on from there."""

_AT_ONCE: Final = 25
"""Orders whose links are read side by side."""

_LASTS: Final = timedelta(minutes=3)
"""After that nothing is begun: the host ends a function after 4 minutes (functionTimeout in host.json)."""


@dataclass(frozen=True, slots=True)
class SweepPorts:
    orders: OrderPorts
    queue: Publisher
    """Into the orders' queue."""
    journal: Journal
    snapshots: Snapshots


@dataclass(slots=True)
class Report:
    """What one run found in one store, in orders."""

    changed: int = 0
    """Looked at."""
    missed: int = 0
    """Put onto the queue."""
    halted: str | None = None
    """Why the run ended early."""


async def sweep_orders(ports: SweepPorts, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
    """Every store's orders. Being throttled is no trouble: the rest waits for the next run. Raises what side_by_side
    does.
    """
    runs = (_sweep(rules, ports, now) for rules in ports.orders.rules.values() if rules.flows.orders)
    await side_by_side(runs, otherwise="not every store was swept")


async def _sweep(rules: StoreRules, ports: SweepPorts, now: Callable[[], datetime]) -> None:
    began = now()
    report = Report()
    with correlated(store=rules.key, flow="sweep"):
        try:
            await _Sweep(rules, ports, now, began, report).everything()
        except ThrottledError as throttled:
            report.halted = throttled.reason
        except RefusedError as refusal:
            report.halted = refusal.code
            raise
        except TransientError as trouble:
            report.halted = type(trouble).__name__
            raise
        finally:
            level = logging.WARNING if report.missed or report.halted else logging.INFO
            emit("sweep.done", level=level, **asdict(report), seconds=(now() - began).total_seconds())


@dataclass(frozen=True, slots=True)
class _Sweep:
    """A run under way, for one store."""

    rules: StoreRules
    ports: SweepPorts
    now: Callable[[], datetime]
    began: datetime
    report: Report

    async def everything(self) -> None:
        admin = self.ports.orders.admins[self.rules.key]
        progress = await Progress.load(self.ports.snapshots, self.rules.key, now=self.began)
        try:
            await self._find_changes(progress)
            subscriptions = await read_subscriptions(admin)
            progress.subscribed = tell_lost_topics(self.rules.key, subscriptions, subscribed=progress.subscribed)
            ended = await compare_some(self.rules, self.ports, progress, now=self.now, until=self.began + _LASTS)
            self.report.halted = self.report.halted or ended
        finally:
            await progress.save()

    @property
    def _settled_since(self) -> datetime:
        return self.began - timedelta(minutes=self.rules.sweep.settle_minutes)

    async def _find_changes(self, progress: Progress) -> None:
        """Sends what was missed, and moves `progress.since` on: to where the run was cut short, or to the overlap
        before the latest change.
        """
        newest = progress.since
        async for page in changed_orders(self.ports.orders.admins[self.rules.key], progress.since):
            if self.report.changed >= _MOST or (self.report.changed and self.now() >= self.began + _LASTS):
                self.report.halted = "more orders changed than one run looks at"
                progress.since = newest
                return
            settled = [order for order in page if order.updated_at <= self._settled_since]
            await self._look_at(settled)
            newest = settled[-1].updated_at if settled else newest
            if len(settled) < len(page):
                break
        progress.since = max(progress.since, newest - timedelta(minutes=self.rules.sweep.overlap_minutes))

    async def _look_at(self, orders: Sequence[ListedOrder]) -> None:
        self.report.changed += len(orders)
        for some in batched(orders, _AT_ONCE, strict=False):
            is_missed = await asyncio.gather(*(self._is_missed(order) for order in some))
            missed = list(compress(some, is_missed))
            await asyncio.gather(*(self.ports.queue.publish(event_of(self.rules.key, order)) for order in missed))
            self.report.missed += len(missed)
            for order in missed:
                emit("sweep.order_missed", level=logging.WARNING, order=order.id, updated_at=order.updated_at)

    async def _is_missed(self, order: ListedOrder) -> bool:
        """Whether neither the link has this state of the order or a later one, nor an event told of it.

        An order whose events say nothing new to F&O keeps an older version in its link, and so does one whose change
        is parked: the journal knows of both, so that neither is sent again.
        """
        link = await self.ports.orders.links.get(self.rules.key, order.id)
        if link is not None and (link.given_up or link.version >= order.updated_at):
            return False
        life = await self.ports.journal.history(self.rules.key, str(order.id))
        return not has_heard(life, order.updated_at, overdue=self._settled_since)
