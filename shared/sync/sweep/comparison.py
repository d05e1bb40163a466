"""The sweep's comparison: some orders in each run, in the order of their ids, and then from the first one again."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from textwrap import shorten
from typing import Final

from shared.errors import RefusedError, ThrottledError, TransientError
from shared.mapping.reconciliation import Sums
from shared.model import Money
from shared.rules import StoreRules
from shared.shopify.sweep import ListedOrder, orders_from
from shared.store.journal import Journal, JournalEntry
from shared.store.links import OrderLink
from shared.sync.orders.reading import StateReader
from shared.sync.sweep.duplicates import Duplicates, hold_duplicates
from shared.sync.sweep.healing import Healer, Healing
from shared.sync.sweep.missed import JournalEntries, is_recorded, is_settled
from shared.sync.sweep.ports import SweepPorts
from shared.sync.sweep.progress import Progress
from shared.sync.sweep.reconciliation import Comparison, compare_order
from shared.telemetry import emit

_NOTE: Final = 2000
"""Characters of the journal's note; its evidence has every difference."""


@dataclass(slots=True)
class Tally:
    """The result of one run's comparison, in orders."""

    agreeing: int = 0
    differing: int = 0
    differences: int = 0
    """In all differing orders together."""
    missed: int = 0
    """Not compared: the order, a payment, refund or change was missed. Put onto the queue, if the rules say so."""
    healed: int = 0
    """Put onto the queue because the sales order differs."""
    busy: int = 0
    """Not compared: an event about the order is on its way, or parked."""
    unknown: int = 0
    """Not compared: the app did not book the order in F&O, and nothing of it was missed."""
    refused: int = 0
    """Not compared: today's rules do not translate the order."""
    shopify: dict[str, Money] = field(default_factory=dict)
    fo: dict[str, Money] = field(default_factory=dict)
    """By currency: the sum of the compared sales orders' lines in F&O, and above what it should be."""

    def add(self, sums: Sums) -> None:
        for side, amount in ((self.shopify, sums.shopify), (self.fo, sums.fo)):
            side[amount.currency] = side.get(amount.currency, amount * 0) + amount


async def compare_some(
    rules: StoreRules, ports: SweepPorts, progress: Progress, *, now: Callable[[], datetime], until: datetime
) -> str | None:
    """Compares the next orders and moves `progress.next_id` on. Returns why it ended early, or None.

    Raises TransientError for an order that cannot be read now; the next run begins after it.
    """
    if not rules.sweep.sample:
        return None
    began = now()
    comparison = _ComparisonRun(rules, ports, now, began, Tally(), Healer(rules, ports, now, began))
    try:
        return await comparison.of_some(progress, until)
    finally:
        comparison.report()


@dataclass(frozen=True, slots=True)
class _ComparisonRun:
    """One run for one store."""

    rules: StoreRules
    ports: SweepPorts
    now: Callable[[], datetime]
    began: datetime
    tally: Tally
    healer: Healer

    @property
    def _settled_since(self) -> datetime:
        return self.began - timedelta(minutes=self.rules.sweep.settle_minutes)

    async def of_some(self, progress: Progress, until: datetime) -> str | None:
        created_since = self.began - timedelta(days=self.rules.sweep.window_days)
        admin = self.ports.orders.admins[self.rules.key]
        listed = await orders_from(admin, progress.next_id, created_since=created_since)
        some = listed[: self.rules.sweep.sample]
        for order in some:
            progress.next_id = order.id
            if self.now() >= until:
                return "time limit reached"
            try:
                await self._compare(order, progress)
            except ThrottledError:
                raise
            except TransientError:
                progress.next_id = order.id + 1  # or one order would stop every run
                raise
        progress.next_id = some[-1].id + 1 if len(some) == self.rules.sweep.sample else 0
        return None

    def report(self) -> None:
        if self.tally != Tally():
            sides = {
                name: ", ".join(str(amount) for _, amount in sorted(side.items()))
                for name, side in (("shopify", self.tally.shopify), ("fo", self.tally.fo))
            }
            level = logging.WARNING if self.tally.differing else logging.INFO
            emit("reconciliation.done", level=level, **{**asdict(self.tally), **sides})

    async def _compare(self, order: ListedOrder, progress: Progress) -> None:
        """Orders that changed since `progress.since` are checked for missed events by this run or the next."""
        link = await self.ports.orders.links.get(self.rules.key, order.id)
        if link is None and order.created_at >= progress.began:
            await self._find_unbooked(order)
            return
        if link is None or link.given_up:
            self.tally.unknown += 1
            return
        duplicates = Duplicates((link.sales_order, *link.further))
        try:
            duplicates = await hold_duplicates(link, self.rules, self.ports.orders)
            found = await self._compared(order, link, duplicates, progress.since)
        except RefusedError as refusal:
            self._refused(order, link, refusal)
            found = None
        if found is not None:
            await self._conclude(order, found)
        elif duplicates.findings:
            await self._report(order, Comparison(order.name, duplicates.kept[0], duplicates.findings))

    async def _compared(
        self, order: ListedOrder, link: OrderLink, duplicates: Duplicates, since: datetime
    ) -> Comparison | None:
        """None for an order that is not compared now, which is counted here."""
        if not link.sales_order:
            if link.not_booked or link.has_parked or duplicates.findings:
                self.tally.unknown += 1
            else:
                await self._find_unbooked(order)
            return None
        entries = await self._history(order)
        if self.healer.is_under_way(entries):
            self.tally.busy += 1
            return None
        is_missed = link.version < order.updated_at and not is_recorded(
            entries, order.updated_at, overdue=self._settled_since
        )
        if is_missed and order.updated_at < since:
            await self._miss("states", order, "a change")
            return None
        if is_missed or order.updated_at > self._settled_since or not is_settled(entries):
            self.tally.busy += 1
            return None
        admin = self.ports.orders.admins[self.rules.key]
        reader = StateReader(order.id, self.rules, admin, self.now(), order.updated_at, link.record, booked=link.digest)
        state = await reader.fetch()
        found = None
        if state is not None and state.order.version == order.updated_at:
            found = await compare_order(state, link, duplicates, self.rules, self.ports.orders)
        if found is None:
            self.tally.busy += 1
        return found

    async def _find_unbooked(self, order: ListedOrder) -> None:
        """An order that F&O lacks, though no event about it is on its way or parked."""
        entries = await self._history(order)
        if self.healer.is_under_way(entries) or order.updated_at > self._settled_since or not is_settled(entries):
            self.tally.busy += 1
        else:
            await self._miss("orders", order, "F&O lacks the order")

    async def _history(self, order: ListedOrder) -> JournalEntries:
        return await self.ports.journal.history(self.rules.key, str(order.id))

    def _refused(self, order: ListedOrder, link: OrderLink, refusal: RefusedError) -> None:
        self.tally.refused += 1
        emit(
            "reconciliation.refused",
            level=logging.WARNING,
            order=order.id,
            sales_order=link.sales_order,
            code=refusal.code,
            owner=refusal.entry.owner,
        )

    async def _conclude(self, order: ListedOrder, found: Comparison) -> None:
        if found.sums is not None:
            self.tally.add(found.sums)
        if found.findings:
            await self._report(order, found)
        if found.missed:
            await self._miss("states", order, ", ".join(found.missed))
        elif not found.findings:
            self.tally.agreeing += 1
        elif found.is_healable and "differences" in self.rules.sweep.heal:
            await self.healer.heal("differences", order, "the sales order differs")
            self.tally.healed += 1

    async def _miss(self, kind: Healing, order: ListedOrder, what: str) -> None:
        await self.healer.heal(kind, order, what)
        self.tally.missed += 1

    async def _report(self, order: ListedOrder, found: Comparison) -> None:
        self.tally.differing += 1
        self.tally.differences += len(found.findings)
        await report(found, order.id, self.rules.key, self.ports.journal, began=self.began, at=self.now())


async def report(
    found: Comparison, order_id: int, store: str, journal: Journal, *, began: datetime, at: datetime
) -> None:
    """Logs and counts each finding, and writes all of them into the journal; `began` is when the run did."""
    for finding in found.findings:
        emit(
            "reconciliation.difference",
            level=logging.WARNING,
            code=finding.refusal.code,
            order=found.name,
            sales_order=found.sales_order,
            owner=finding.refusal.entry.owner,
            shopify=finding.shopify,
            fo=finding.fo,
        )
    note = "; ".join(f"{finding.refusal.code}: {finding.refusal.cause}" for finding in found.findings)
    await journal.write(
        JournalEntry(
            store=store,
            entity_id=str(order_id),
            event_id=f"reconciliation-{began:%Y%m%dT%H%M%SZ}",
            topic="reconciliation",
            attempt=1,
            at=at,
            outcome="differs",
            note=shorten(note, _NOTE, placeholder=" ..."),
            document=found.sales_order,
            evidence={"differences": [finding.as_dict() for finding in found.findings]},
        )
    )
