"""F&O's sellable stock to a store's locations: read, decide, write what changed, store what was written.

Why it does not oversell. Of the figures that are set together, Shopify's are read first, then the orders that F&O
does not know, then F&O's on-hand; a new figure is set only if Shopify still shows the first reading:

- a sale before the first reading is included in the figure that was read, and is either an unknown order or in F&O;
- a sale after it changes Shopify's figure, so that Shopify refuses to set it and everything is read again;
- an order that F&O gets between the second and the third reading is subtracted twice. The next run corrects that.

In any other order a sale can fall between two readings and never be counted. It makes no difference whether Shopify is
asked for single figures or for pages of them, nor that a sale happens between two pages: each figure is compared with
its own reading. Two risks remain. Shopify's search may not show an order of the last seconds: a figure that Shopify has
changed so recently is not raised. A sale and a cancellation between reading and setting may leave the figure as it was:
an order that was cancelled since the run began still counts as sold.

All figures of a SKU are set together, those that fall before those that rise, and none rises while another that
should fall could not be set: goods sold at one location and booked on another's warehouse are not offered twice.
SKUs with a figure that falls come first.

Each run begins by asking Shopify which figures changed (shown_changes.py). Those that differ from what was last set are
read and corrected like figures that changed in F&O.

What F&O does not sell any more and the shop still has (shared/sync/withheld.py) shows 0 everywhere: such a figure only
falls.

A run that ends early (Shopify's query budget is spent, the time limit is reached) has stored what it set; the figures
that it did not reach are marked as uncertain, and the next run begins with them.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Final

from shared.d365.odata.client import RowReader
from shared.d365.on_hand import read_on_hand
from shared.errors import ThrottledError, TransientError
from shared.mapping.stock import (
    FigureOutcome,
    Listing,
    Wanted,
    by_warehouse,
    compute_figure,
    decide,
    spread_shortages,
    units_taken,
    withhold,
)
from shared.model import Level, LevelId
from shared.rules import StoreRules
from shared.shopify.admin.client import QueryRunner
from shared.shopify.inventory import Change, FigureRejection, NoLevel, read_levels, set_available
from shared.store.blobs import Snapshots
from shared.store.links import OrderLinks
from shared.sync.counting import CountingReader, CountingRunner
from shared.sync.stock.catalogue import Assortment, load_assortment
from shared.sync.stock.memory import FigureMemory
from shared.sync.stock.report import ReportBuilder, StockReport
from shared.sync.stock.shown_changes import ShownChanges
from shared.sync.stock.unknown_sales import UnknownSales
from shared.sync.stock.waves import Wave, Waves
from shared.sync.stock.writing import FigureStep, set_figures
from shared.sync.withheld import read_withheld

_ROUNDS: Final = 3
"""How often a figure that keeps changing is read in one run."""

_TIME_LIMIT: Final = timedelta(minutes=3)
"""No batch begins after it: the run is cut off after FLOW_TIME (shared/sync/deadline.py)."""

_ABSENT: Final = {
    NoLevel.GONE: FigureOutcome.GONE,
    NoLevel.NOT_TRACKED: FigureOutcome.NOT_TRACKED,
    NoLevel.NOT_STOCKED: FigureOutcome.NOT_STOCKED,
}


async def push_stock(
    rules: StoreRules,
    *,
    admin: QueryRunner,
    fo: RowReader,
    links: OrderLinks,
    snapshots: Snapshots,
    now: Callable[[], datetime],
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> StockReport:
    """One run for one store.

    Raises TransientError and RefusedError of the clients for what concerns the run as a whole; single figures that
    cannot be set are in the report.
    """
    began = now()
    run = f"{rules.key}-{began:%Y%m%dT%H%M%S.%f}"
    memory = await FigureMemory.load(snapshots, store=rules.key, run=run)
    if memory.is_leased(began):
        return StockReport(store=rules.key, run=run, busy=True)
    shopify, counted_fo = CountingRunner(admin), CountingReader(fo)
    # Also while the flow products is off: what it stopped is still stopped.
    withheld, _ = await read_withheld(snapshots, rules.key)
    assortment = await load_assortment(
        rules, admin=shopify, fo=counted_fo, snapshots=snapshots, now=began, withheld=withheld
    )
    sales = await UnknownSales.load(
        shopify, links, snapshots, store=rules.key, rules=rules.stock, known_before=_known_before(rules), now=began
    )
    changes = await ShownChanges.load(
        snapshots, store=rules.key, rules=rules.stock, now=began, start=memory.compared_at
    )
    push = _StockPush(
        rules, shopify, counted_fo, memory, assortment, frozenset(withheld), sales, changes, run, began, now, sleep
    )
    await push.run_all()
    await sales.save(assortment.listings)
    await changes.save()
    return StockReport(
        store=rules.key,
        run=run,
        figures=tuple(push.report.figures.values()),
        unlisted=assortment.unlisted,
        problems=(*assortment.problems, *push.report.problems),
        backlog=push.backlog,
        frozen=push.frozen,
        halted=push.halted,
        shopify_calls=shopify.calls,
        fo_calls=counted_fo.calls,
    )


def _known_before(rules: StoreRules) -> datetime | None:
    """The first moment of the store's first day; None where the rules have none."""
    day = rules.orders.first_day
    return None if day is None else datetime.combine(day, time.min, rules.zone)


@dataclass(slots=True)
class _StockPush:
    """One run for one store."""

    rules: StoreRules
    admin: QueryRunner
    fo: RowReader
    memory: FigureMemory
    assortment: Assortment
    withheld: frozenset[int]
    """Variants that are not sold any more."""
    sales: UnknownSales
    changes: ShownChanges
    run: str
    began: datetime
    now: Callable[[], datetime]
    sleep: Callable[[float], Awaitable[None]]
    report: ReportBuilder = field(default_factory=ReportBuilder)
    backlog: int = 0
    is_complete: bool = True
    """Whether the units of all orders that F&O does not have are known."""
    halted: str = ""

    @property
    def frozen(self) -> bool:
        return self.backlog > self.rules.stock.freeze_backlog or not self.is_complete

    async def run_all(self) -> None:
        """Finds the figures that may have to change, and changes them, those that fall first."""
        if self.assortment.is_new:
            self.memory.refused.clear()
        locations = {warehouse.location for warehouse in self.rules.warehouses}
        raised = await self.changes.mark(self.memory, self.admin, locations)
        self.sales.read_again({level.inventory_item for level in raised})
        wanted = await self._survey(self.assortment.listings)
        self.memory.forget_refusals(wanted)
        interval = timedelta(hours=self.rules.stock.full_compare_hours)
        is_due = self.memory.compared_at is None or self.began >= self.memory.compared_at + interval
        if is_due:
            self.memory.begin_comparison((listing.level for listing in self.assortment.listings), self.began)
        candidates = [each for each in wanted if self._may_differ(each)]
        falling, others = self._by_item(candidates)
        self.memory.mark_uncertain(listing.level for listing in (*falling, *others))
        try:
            for listings in (falling, others):
                await self._work_off(Waves.over(listings, admin=self.admin, shop_items=self.assortment.shop_items))
        except ThrottledError as throttled:
            self.halted = throttled.reason
        if candidates or is_due or self.memory.has_new_marks:
            await self.memory.release_lease()

    async def _work_off(self, waves: Waves) -> None:
        while not waves.is_over:
            if self.now() >= self.began + _TIME_LIMIT:
                self.halted = "time limit reached"
                return
            await self.memory.renew_lease(self.now())
            await self._converge(await waves.read())

    async def _survey(self, listings: Sequence[Listing]) -> list[Wanted]:
        """What the figures should be. Orders are read before on-hand: see the module's docstring."""
        taken = await self.sales.read(listings)
        self.backlog, self.is_complete = taken.backlog, taken.is_complete
        units = units_taken(taken.sales, listings)
        behind: defaultdict[int, list[str]] = defaultdict(list)
        for warehouse in self.rules.warehouses:
            behind[warehouse.location].append(warehouse.id)
        rows = await read_on_hand(
            self.fo,
            self.rules.company,
            {listing.item for listing in listings},
            [warehouse.id for warehouse in self.rules.warehouses],
            statuses=self.rules.stock.statuses,
        )
        stock = by_warehouse(rows, self.assortment.safety)
        figures = [
            compute_figure(
                listing,
                [stock[at] for name in behind[listing.level.location] if (at := (listing.item, name)) in stock],
                unknown=units[listing.level],
                rules=self.rules.stock,
            )
            for listing in listings
        ]
        return withhold(spread_shortages(figures, taken.sales), self.withheld)

    def _may_differ(self, wanted: Wanted) -> bool:
        """Whether the figure has to be read in Shopify; if not, its outcome is recorded here."""
        level, figure = wanted.listing.level, wanted.figure
        if figure is None:
            outcome = FigureOutcome.NO_ROW
        elif self.memory.refused.get(level) == figure:
            outcome = FigureOutcome.REFUSED
        elif self.memory.is_uncertain(level):
            return True
        elif self.memory.is_current(wanted):
            outcome = FigureOutcome.UNCHANGED
        elif self.frozen and figure >= self.memory.figures[level][0]:
            outcome = FigureOutcome.FROZEN
        else:
            return True
        self.report.note(wanted, outcome)
        return False

    def _by_item(self, candidates: Iterable[Wanted]) -> tuple[list[Listing], list[Listing]]:
        """All figures of the candidates' items: first of items with a figure that falls, then of the others.

        All of them, because an order that was sold at one location may be booked on another location's warehouse.
        """
        falls: defaultdict[int, bool] = defaultdict(bool)
        for each in candidates:
            falls[each.listing.level.inventory_item] |= self._falls(each)
        figures = [listing for listing in self.assortment.listings if listing.level.inventory_item in falls]
        falling = [listing for listing in figures if falls[listing.level.inventory_item]]
        return falling, [listing for listing in figures if not falls[listing.level.inventory_item]]

    def _falls(self, wanted: Wanted) -> bool:
        remembered = self.memory.figures.get(wanted.listing.level)
        return remembered is None or wanted.figure is None or wanted.figure < remembered[0]

    async def _converge(self, wave: Wave) -> None:
        """Computes and sets the figures, and repeats that for items whose figures changed meanwhile."""
        listings, shown = wave.listings, wave.shown
        for attempt in range(1, _ROUNDS + 1):
            written = await set_figures(await self._decide(listings, shown), send=self._send)
            for step in written.done:
                self.report.note(step.wanted, step.outcome, step.before)
                self.memory.remember(step.wanted)
            for step in written.withheld:
                self.report.note(step.wanted, FigureOutcome.WITHHELD, step.before)
            for step, message in written.refused:
                self.report.refused(step.wanted, step.before, message)
                self.memory.refused[step.wanted.listing.level] = step.after
            for step in written.stale:
                self.report.note(step.wanted, FigureOutcome.STALE, step.before)
            moving = {step.wanted.listing.item for step in written.stale}
            listings = [listing for listing in listings if listing.item in moving]
            if not listings:
                return
            if attempt < _ROUNDS:
                shown = await read_levels(self.admin, [listing.level for listing in listings])
        for step in written.stale:
            self.report.kept_changing(step.wanted)

    async def _decide(self, listings: Sequence[Listing], shown: Mapping[LevelId, Level | NoLevel]) -> list[FigureStep]:
        """The figures to set. `shown` was read before the orders and F&O's on-hand are read here."""
        settled_before = self.now() - timedelta(seconds=self.rules.stock.settle_seconds)
        stuck = self._stuck(shown)
        steps: list[FigureStep] = []
        for wanted in await self._survey(listings):
            level = wanted.listing.level
            found = shown[level]
            if wanted.figure is None:
                self.report.note(wanted, FigureOutcome.NO_ROW)
            elif self.memory.refused.get(level) == wanted.figure:
                self.report.note(wanted, FigureOutcome.REFUSED)
            elif isinstance(found, NoLevel):
                # Nothing can be set. Reported once, until the figure changes or everything is compared again.
                self.report.absent(wanted, _ABSENT[found])
                self.memory.remember(wanted)
            else:
                outcome = decide(
                    wanted.figure,
                    found,
                    frozen=self.frozen,
                    withheld=level.inventory_item in stuck,
                    settled_before=settled_before,
                )
                if outcome in {FigureOutcome.LOWERED, FigureOutcome.RAISED}:
                    steps.append(FigureStep(wanted, wanted.figure, found.available, outcome))
                    continue
                self.report.note(wanted, outcome, found.available)
                if outcome is FigureOutcome.EQUAL:
                    self.memory.remember(wanted)
                elif outcome is FigureOutcome.FROZEN:
                    self.memory.remember_shown(level, found.available)
        return steps

    def _stuck(self, shown: Mapping[LevelId, Level | NoLevel]) -> set[int]:
        """Inventory items with a figure that should fall and that Shopify refused to lower."""
        return {
            level.inventory_item
            for level, figure in self.memory.refused.items()
            if isinstance(found := shown.get(level), Level) and found.available > figure
        }

    async def _send(self, steps: Sequence[FigureStep]) -> list[FigureRejection]:
        self.memory.assert_lease(self.now())
        changes = [Change(step.wanted.listing.level, step.before, step.after) for step in steps]
        try:
            return await set_available(self.admin, changes, run=self.run, sleep=self.sleep)
        except ThrottledError as throttled:
            # An earlier attempt may have been executed without an answer: the lease must not be released yet.
            raise TransientError(throttled.reason) from throttled
