"""F&O's sellable stock to a store's locations: read, decide, write what changed, store what was written.

Why it does not oversell. Of the figures that are set together, Shopify's are read first, then the orders that F&O
does not know, or not in their latest state, then F&O's on-hand; a new figure is set only if Shopify still shows the
first reading:

- a sale before the first reading is included in the figure that was read, and is either an unknown order or in F&O;
- a sale after it changes Shopify's figure, so that Shopify refuses to set it and everything is read again;
- an order that F&O gets between the second and the third reading is subtracted twice. The next run corrects that.

The same holds for units that an edit adds to an order that F&O has (unknown/changed_orders.py). Orders that changed in
Shopify are searched with the unknown ones. Of each whose link has an older state, the units are subtracted that it has
in Shopify beyond what the link says F&O got. The links are read between the searches and on-hand, and the app writes
F&O before it writes the link: where the link says that F&O has the units, on-hand is without them. While F&O is
written, and after a lost answer, the link does not say what F&O has of the lines that change: then no figure of their
items rises.

In any other order a sale can fall between two readings and never be counted. It makes no difference whether Shopify is
asked for single figures or for pages of them, nor that a sale happens between two pages: each figure is compared with
its own reading. Three risks remain. Shopify's search may not show an order, or a change, of the last seconds: a figure
that Shopify has changed so recently is not raised. A sale and a cancellation between reading and setting may leave the
figure as it was: an order that was cancelled since the run began still counts as sold, and so do units that were
removed from one, unless F&O and the link had the removal within that time too. Shopify's times are whole seconds: of
two changes of an order within one, where F&O has the first and waits for the second longer than `settle_seconds`, the
second is not seen.

A figure is read in Shopify only if it may have to change: if F&O's rows of its item, the sales or the rules differ from
when it was last found as it should be (survey.py). Before a figure rises, all figures of its item are computed from the
same orders and the same on-hand. Where another of them is not what Shopify was last set to, from the same values, all
are read and set together: those that fall before those that rise, and none rises while another that should fall could
not be set. So goods sold at one location and booked on another's warehouse are not offered twice: that warehouse's
figure differs. Where the others are as they were last set, Shopify shows that or less (sales lower it, and what raises
it is listed among the changes, below), as it does of every figure that is not read. SKUs with a figure that falls come
first.

Each run begins by asking Shopify which figures changed (shown_changes.py). Those that differ from what was last set are
read and corrected like figures that changed in F&O.

What F&O does not sell any more and the shop still has (shared/sync/withheld.py) shows 0 everywhere: such a figure only
falls. Of other variants with one F&O item one has figures at most (shared/mapping/stock/assortment.py).

A run that ends early (Shopify's query budget is spent, the time limit is reached) has stored what it set. One that is
cut off or fails has stored what the waves had set up to some 20 seconds before its last wave began (memory.py). All
figures that are not stored as set are marked as uncertain, and the next run reads them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Final

from shared.d365.odata.client import RowReader
from shared.errors import ThrottledError, TransientError
from shared.mapping.stock.figures import FigureOutcome, Listing, StockedItem, Wanted, decide
from shared.model import Level, LevelId, Sale
from shared.rules import StoreRules
from shared.shopify.admin.client import QueryRunner
from shared.shopify.inventory import Change, FigureRejection, NoLevel, read_levels, set_available
from shared.store.blobs import Snapshots
from shared.store.links import OrderLinks
from shared.sync.counting import CountingReader, CountingRunner
from shared.sync.stock.catalogue import Assortment, Findings, load_assortment
from shared.sync.stock.memory import FigureMemory
from shared.sync.stock.report import ReportBuilder, StockReport
from shared.sync.stock.shown_changes import ShownChanges
from shared.sync.stock.survey import StockSurvey
from shared.sync.stock.unknown.sales import UnknownSales
from shared.sync.stock.waves import Wave, Waves
from shared.sync.stock.writing import FigureStep, set_figures
from shared.sync.withheld import read_withheld

_ROUNDS: Final = 3
"""How often a figure that keeps changing is read in one run."""

_TIME_LIMIT: Final = timedelta(seconds=190)
"""Since the run began. After the first wave, none begins that would end later if it took as long as the longest so far:
the run is cut off after FLOW_TIME (shared/sync/deadline.py).
"""

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
    findings = await Findings.load(snapshots, rules.key)
    assortment = await load_assortment(
        rules,
        admin=shopify,
        fo=counted_fo,
        snapshots=snapshots,
        now=began,
        withheld=withheld,
        findings=findings,
    )
    sales = await UnknownSales.load(
        shopify,
        links,
        snapshots,
        store=rules.key,
        rules=rules.stock,
        known_before=_known_before(rules),
        now=began,
        sold_as=assortment.sold_as,
    )
    changes = await ShownChanges.load(
        snapshots, store=rules.key, rules=rules.stock, now=began, start=memory.compared_at
    )
    survey = StockSurvey(rules, counted_fo, assortment, frozenset(withheld))
    push = _StockPush(rules, shopify, memory, assortment, survey, sales, changes, run, began, now, sleep)
    await push.run_all()
    await sales.save(assortment.items)
    await changes.save()
    await findings.forget_stored()
    return StockReport(
        store=rules.key,
        run=run,
        figures=tuple(push.report.figures.values()),
        unchanged=push.report.unchanged,
        unlisted=findings.unlisted,
        problems=(*findings.problems, *push.report.problems),
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
    memory: FigureMemory
    assortment: Assortment
    survey: StockSurvey
    sales: UnknownSales
    changes: ShownChanges
    run: str
    began: datetime
    now: Callable[[], datetime]
    sleep: Callable[[float], Awaitable[None]]
    report: ReportBuilder = field(default_factory=ReportBuilder)
    backlog: int = 0
    is_complete: bool = True
    """Whether the units of all orders that F&O does not have, or not in their latest state, are known."""
    unclear: frozenset[int] = frozenset()
    """Inventory items that an order may have taken more of than F&O knows, as the last reading found them."""
    halted: str = ""
    items: dict[int, StockedItem] = field(init=False)
    """By Shopify's inventory item."""

    def __post_init__(self) -> None:
        self.items = {each.inventory_item: each for each in self.assortment.items}

    @property
    def frozen(self) -> bool:
        return self.backlog > self.rules.stock.freeze_backlog or not self.is_complete

    async def run_all(self) -> None:
        """Finds the figures that may have to change, and changes them, those that fall first."""
        memory = self.memory
        memory.arrange(self.assortment.items, self.assortment.locations)
        if self.assortment.is_new:
            memory.refused.clear()
        raised = await self.changes.mark(memory, self.admin, self.assortment.locations)
        self.sales.read_again({level.inventory_item for level in raised})
        interval = timedelta(hours=self.rules.stock.full_compare_hours)
        if memory.compared_at is None or self.began >= memory.compared_at + interval:
            memory.begin_comparison(self.began)
        falling, others = await self._find()
        if falling or others:
            memory.mark_uncertain(listing.level for its in (*falling, *others) for listing in its)
            try:
                await self._work_off(Waves.over((*falling, *others), admin=self.admin))
            except ThrottledError as throttled:
                self.halted = throttled.reason
            await memory.release_lease()
        elif memory.has_changes:
            await memory.save()

    async def _find(self) -> tuple[list[list[Listing]], list[list[Listing]]]:
        """The figures that have to be read in Shopify, item by item: those of items with a figure that falls, and the
        others. The outcomes of all other figures are recorded here.
        """
        falling: list[list[Listing]] = []
        others: list[list[Listing]] = []
        settled: list[int] = []
        sales = await self._read_sales(self.assortment.items)
        async for found in self.survey.changed(self.memory, sales, settled):
            for each in found.wanted:
                self.memory.forget_refusal(each)
            candidates = [each for each in found.wanted if self._may_differ(each)]
            if candidates:
                falls = any(self._falls(each) for each in candidates)
                (falling if falls else others).append([each.listing for each in candidates])
            elif all(self._is_settled(each) for each in found.wanted):
                self.memory.settle(found.position, found.digest)
        self.report.unchanged += sum(map(self.memory.figures.count_shown, settled))
        return falling, others

    async def _read_sales(self, items: Sequence[StockedItem]) -> list[Sale]:
        """The sales of these items that F&O does not know. They are read before on-hand: see the module's docstring."""
        taken = await self.sales.read(items)
        self.backlog, self.is_complete, self.unclear = taken.backlog, taken.is_complete, taken.unclear
        return taken.sales

    async def _work_off(self, waves: Waves) -> None:
        """The first wave is worked off however long the survey took: otherwise no run would set a figure."""
        durations: list[timedelta] = []
        while not waves.is_over:
            start = self.now()
            if not durations:
                await self.memory.take_lease(start)
            elif start + max(durations) > self.began + _TIME_LIMIT:
                self.halted = "time limit reached"
                return
            else:
                await self.memory.renew_lease(start)
            await self._converge(await waves.read())
            durations.append(self.now() - start)

    def _may_differ(self, wanted: Wanted) -> bool:
        """Whether the figure has to be read in Shopify; if not, its outcome is recorded here."""
        level, figure = wanted.listing.level, wanted.figure
        before = self.memory.figures.shown(level)
        if figure is None:
            outcome = FigureOutcome.NO_ROW
        elif self.memory.refused.get(level) == figure:
            outcome = FigureOutcome.REFUSED
        elif before is None or self.memory.is_uncertain(level):
            return True
        elif self.memory.is_current(wanted):
            self.report.unchanged += 1
            return False
        elif self.frozen and figure >= before:
            outcome = FigureOutcome.FROZEN
        else:
            return True
        self.report.note(wanted, outcome)
        return False

    def _is_settled(self, wanted: Wanted) -> bool:
        """Whether the figure is as it should be while nothing in F&O changes: as set, or never known to either."""
        if wanted.figure is None:
            return self.memory.figures.shown(wanted.listing.level) is None
        return self.memory.is_current(wanted)

    def _falls(self, wanted: Wanted) -> bool:
        remembered = self.memory.figures.shown(wanted.listing.level)
        return remembered is None or wanted.figure is None or wanted.figure < remembered

    async def _converge(self, wave: Wave) -> None:
        """Computes and sets the figures, and repeats that with all figures of an item where one changed meanwhile, or
        where another one of the item has to be known first.
        """
        shown = wave.shown
        items = [self.items[each] for each in dict.fromkeys(level.inventory_item for level in shown)]
        for attempt in range(1, _ROUNDS + 1):
            steps, moving = await self._decide(items, shown)
            written = await set_figures(steps, send=self._send)
            for step in written.done:
                self.report.note(step.wanted, step.outcome, step.before)
                self.memory.remember(step.wanted)
            for step in written.withheld:
                self.report.note(step.wanted, FigureOutcome.WITHHELD, step.before)
            for step, message in written.refused:
                self.report.refused(step.wanted, step.before, message)
                self.memory.refuse(step.wanted.listing.level, step.after)
            for step in written.stale:
                self.report.note(step.wanted, FigureOutcome.STALE, step.before)
            moving |= {step.wanted.listing.level.inventory_item for step in written.stale}
            if not moving:
                return
            if attempt < _ROUNDS:
                items = [self.items[each] for each in moving]
                levels = [LevelId(item, location) for item in moving for location in self.assortment.locations]
                self.report.look_again(level for level in levels if level not in wave.shown)
                # Before they are read: figures that this round sets may be others than those that the wave marked.
                if self.memory.mark_uncertain(levels):
                    await self.memory.save()
                shown = await read_levels(self.admin, levels)
        for step in written.stale:
            self.report.kept_changing(step.wanted)

    async def _decide(
        self, items: Sequence[StockedItem], shown: Mapping[LevelId, Level | NoLevel]
    ) -> tuple[list[FigureStep], set[int]]:
        """The figures to set, and the inventory items whose figures must all be read before one of them rises.
        `shown` was read before the orders and F&O's on-hand are read here.
        """
        settled_before = self.now() - timedelta(seconds=self.rules.stock.settle_seconds)
        sales = await self._read_sales(items)
        stuck = self._stuck(shown) | self.unclear
        steps: list[FigureStep] = []
        hidden: set[int] = set()
        for stocked, figures in await self.survey.again(items, sales):
            its = [
                step
                for wanted in figures
                if (found := shown.get(wanted.listing.level)) is not None
                and (step := self._step(wanted, found, stuck=stuck, settled_before=settled_before))
            ]
            rising = [step for step in its if step.outcome is FigureOutcome.RAISED]
            if rising and not all(each.listing.level in shown or self._is_as_set(each) for each in figures):
                hidden.add(stocked.inventory_item)
                its = [step for step in its if step not in rising]
            steps += its
        return steps, hidden

    def _is_as_set(self, wanted: Wanted) -> bool:
        return wanted.figure is None or self.memory.is_current(wanted)

    def _step(
        self, wanted: Wanted, found: Level | NoLevel, *, stuck: Container[int], settled_before: datetime
    ) -> FigureStep | None:
        """How the figure is to be set; None where nothing is to be done, which is recorded."""
        level = wanted.listing.level
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
                return FigureStep(wanted, wanted.figure, found.available, outcome)
            self.report.note(wanted, outcome, found.available)
            if outcome is FigureOutcome.EQUAL:
                self.memory.remember(wanted)
            elif outcome is FigureOutcome.FROZEN:
                self.memory.remember_shown(level, found.available)
        return None

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
