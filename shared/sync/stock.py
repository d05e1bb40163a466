"""F&O's sellable stock to a store's locations: read, decide, write what changed, remember.

Why it does not oversell. Shopify's figure is read first, then the orders that F&O does not know, then F&O's on-hand,
and the new figure is set only if Shopify still shows the first reading:

- a sale before the first reading is in the figure that was read, and either among the unknown orders or in F&O;
- a sale after it changes Shopify's figure, so that the setting is refused and everything is read again;
- an order that F&O gets between the second and the third reading is subtracted twice. The next run mends that.

In any other order a sale can fall between two readings and be counted never. Two things remain. Shopify's search may
not show an order of the last seconds: a figure that Shopify has changed so recently is not raised. A sale and a
cancellation between reading and setting may leave the figure as it was: an order that was cancelled since the run
began still counts as sold.

Within a run, figures that fall are set before figures that rise, and no figure of a SKU rises while another that
should fall could not be set: goods sold at one location and booked on another's warehouse are not offered twice.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, cast

from shared.d365.on_hand import read_on_hand
from shared.errors import RefusedError
from shared.mapping.stock import Listing, Outcome, Wanted, by_warehouse, decide, units_taken, want
from shared.model import Item, Level, LevelId
from shared.shopify.inventory import BATCH, Change, NoLevel, Objection, read_levels, set_available
from shared.sync.stock_catalogue import Assortment, load_assortment
from shared.sync.stock_memory import Memory
from shared.sync.stock_report import CountedAdmin, CountedFo, FigureReport, StockReport
from shared.sync.stock_sales import UnknownSales
from shared.sync.stock_writing import Step, set_figures

if TYPE_CHECKING:
    from shared.d365.client import ODataClient
    from shared.rules import StoreRules
    from shared.shopify.client import AdminClient
    from shared.store.blobs import Snapshots
    from shared.store.links import OrderLinks

_WAVE: Final = 4 * BATCH
"""Figures that are read, computed and set together: few enough for the readings to be fresh when they are used."""

_ROUNDS: Final = 3
"""How often a figure that keeps changing is read in one run."""

_ABSENT: Final = {
    NoLevel.GONE: Outcome.GONE,
    NoLevel.NOT_TRACKED: Outcome.NOT_TRACKED,
    NoLevel.NOT_STOCKED: Outcome.NOT_STOCKED,
}


async def push_stock(
    rules: StoreRules,
    *,
    admin: AdminClient,
    fo: ODataClient,
    links: OrderLinks,
    snapshots: Snapshots,
    now: Callable[[], datetime],
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> StockReport:
    """One run for one store.

    Raises the adapters' TransientError and RefusedError for what concerns the run as a whole; single figures that
    cannot be set are in the report.
    """
    began = now()
    run = f"{rules.key}-{began:%Y%m%dT%H%M%S.%f}"
    memory = await Memory.load(snapshots, store=rules.key, run=run)
    if memory.is_taken(began):
        return StockReport(store=rules.key, run=run, busy=True)
    shopify_calls, fo_calls = CountedAdmin(admin), CountedFo(fo)
    # They count and hand on; the readers need nothing else of the clients.
    admin, fo = cast("AdminClient", shopify_calls), cast("ODataClient", fo_calls)
    assortment = await load_assortment(rules, admin=admin, fo=fo, snapshots=snapshots, now=began)
    sales = await UnknownSales.load(admin, links, snapshots, store=rules.key, rules=rules.stock, now=began)
    push = _Push(rules, admin, fo, memory, assortment, sales, run, began, now, sleep)
    await push.everything()
    await sales.save()
    return StockReport(
        store=rules.key,
        run=run,
        figures=tuple(push.figures.values()),
        unlisted=assortment.unlisted,
        problems=(*assortment.problems, *push.problems),
        backlog=push.backlog,
        frozen=push.frozen,
        shopify_calls=shopify_calls.calls,
        fo_calls=fo_calls.calls,
    )


@dataclass(slots=True)
class _Push:
    """A run under way."""

    rules: StoreRules
    admin: AdminClient
    fo: ODataClient
    memory: Memory
    assortment: Assortment
    sales: UnknownSales
    run: str
    began: datetime
    now: Callable[[], datetime]
    sleep: Callable[[float], Awaitable[None]]
    figures: dict[LevelId, FigureReport] = field(default_factory=dict)
    problems: list[RefusedError] = field(default_factory=list)
    backlog: int = 0

    @property
    def frozen(self) -> bool:
        return self.backlog > self.rules.stock.freeze_backlog

    async def everything(self) -> None:
        """Finds the figures that may have to change, and changes them, those that fall first."""
        if self.assortment.is_new:
            self.memory.refused.clear()
        wanted = await self._survey(self.assortment.listings)
        self.memory.forget_refusals(wanted)
        compared_at = self.memory.compared_at
        compare_all = compared_at is None or self.began >= compared_at + timedelta(
            hours=self.rules.stock.full_compare_hours
        )
        candidates = [each for each in wanted if self._may_differ(each, compare_all=compare_all)]
        for wave in self._waves(candidates):
            await self.memory.take_turn(self.now())
            await self._converge(wave)
        if compare_all:
            self.memory.compared_at = self.began
        if candidates or compare_all:
            await self.memory.end_turn()

    async def _survey(self, listings: Sequence[Listing]) -> list[Wanted]:
        """What the figures should be. Orders before on-hand: see the top of this file."""
        taken = await self.sales.read(listings)
        self.backlog = taken.backlog
        units = units_taken(taken.sales, listings)
        behind: defaultdict[int, list[str]] = defaultdict(list)
        for warehouse in self.rules.warehouses:
            behind[warehouse.location].append(warehouse.id)
        rows = await read_on_hand(
            self.fo,
            self.rules.company,
            {listing.item for listing in listings},
            [warehouse.id for warehouse in self.rules.warehouses],
        )
        stock = by_warehouse(rows, self.assortment.safety)
        return [
            want(
                listing,
                [stock[at] for name in behind[listing.level.location] if (at := (listing.item, name)) in stock],
                unknown=units[listing.level],
                rules=self.rules.stock,
            )
            for listing in listings
        ]

    def _may_differ(self, wanted: Wanted, *, compare_all: bool) -> bool:
        """Whether Shopify has to be asked; if not, the figure's outcome is settled here."""
        level, figure = wanted.listing.level, wanted.figure
        remembered = self.memory.figures.get(level)
        if figure is None:
            outcome = Outcome.NO_ROW
        elif self.memory.refused.get(level) == figure:
            outcome = Outcome.REFUSED
        elif compare_all or remembered is None:
            return True
        elif self.memory.is_current(wanted):
            outcome = Outcome.UNCHANGED
        elif self.frozen and figure >= remembered[0]:
            outcome = Outcome.FROZEN
        else:
            return True
        self.figures[level] = FigureReport(wanted, outcome)
        return False

    def _waves(self, candidates: Iterable[Wanted]) -> Iterator[list[Listing]]:
        """All figures of the candidates' items, an item's together; first the items with a figure that falls.

        All of them, because an order that was sold at one location may have been booked on another's warehouse.
        """
        falls: dict[Item, bool] = {}
        for each in candidates:
            falls[each.listing.item] = falls.get(each.listing.item, False) or self._falls(each)
        of_item: defaultdict[Item, list[Listing]] = defaultdict(list)
        for listing in self.assortment.listings:
            of_item[listing.item].append(listing)
        wave: list[Listing] = []
        for item in sorted(falls, key=lambda item: not falls[item]):
            if wave and len(wave) + len(of_item[item]) > _WAVE:
                yield wave
                wave = []
            wave += of_item[item]
        if wave:
            yield wave

    def _falls(self, wanted: Wanted) -> bool:
        remembered = self.memory.figures.get(wanted.listing.level)
        return remembered is None or wanted.figure is None or wanted.figure < remembered[0]

    async def _converge(self, listings: list[Listing]) -> None:
        """Reads, computes and sets, again and again for items whose figures change meanwhile."""
        for _ in range(_ROUNDS):
            steps = await self._look(listings)
            written = await set_figures(steps, send=self._send)
            for step in written.done:
                self._note(step.wanted, step.outcome, step.before)
                self.memory.remember(step.wanted)
            for step in written.withheld:
                self._note(step.wanted, Outcome.WITHHELD, step.before)
            for step, message in written.refused:
                self._refuse(step, message)
            for step in written.stale:
                self._note(step.wanted, Outcome.STALE, step.before)
            moving = {step.wanted.listing.item for step in written.stale}
            listings = [listing for listing in listings if listing.item in moving]
            if not listings:
                return
        self.problems += [
            RefusedError("STOCK_STALE", sku=step.wanted.listing.sku, location=step.wanted.listing.level.location)
            for step in written.stale
        ]

    async def _look(self, listings: Sequence[Listing]) -> list[Step]:
        """What has to be set, by a fresh reading of everything: Shopify's figures, then orders, then on-hand."""
        settled_before = self.now() - timedelta(seconds=self.rules.stock.settle_seconds)
        shown = await read_levels(self.admin, [listing.level for listing in listings])
        stuck = self._stuck(shown)
        steps: list[Step] = []
        for wanted in await self._survey(listings):
            level = wanted.listing.level
            found = shown[level]
            if wanted.figure is None:
                self._note(wanted, Outcome.NO_ROW)
            elif self.memory.refused.get(level) == wanted.figure:
                self._note(wanted, Outcome.REFUSED)
            elif isinstance(found, NoLevel):
                self._absent(wanted, _ABSENT[found])
            else:
                outcome = decide(
                    wanted.figure,
                    found,
                    frozen=self.frozen,
                    withheld=level.inventory_item in stuck,
                    settled_before=settled_before,
                )
                if outcome in {Outcome.LOWERED, Outcome.RAISED}:
                    steps.append(Step(wanted, wanted.figure, found.available, outcome))
                    continue
                self._note(wanted, outcome, found.available)
                if outcome is Outcome.EQUAL:
                    self.memory.remember(wanted)
        return steps

    def _stuck(self, shown: Mapping[LevelId, Level | NoLevel]) -> set[int]:
        """Inventory items with a figure that should fall, and that Shopify will not have lowered."""
        return {
            level.inventory_item
            for level, figure in self.memory.refused.items()
            if isinstance(found := shown.get(level), Level) and found.available > figure
        }

    async def _send(self, steps: Sequence[Step]) -> list[Objection]:
        self.memory.assert_turn(self.now())
        changes = [Change(step.wanted.listing.level, step.before, step.after) for step in steps]
        return await set_available(self.admin, changes, run=self.run, sleep=self.sleep)

    def _absent(self, wanted: Wanted, outcome: Outcome) -> None:
        """Nothing can be set; told once, until the figure changes or everything is compared again."""
        self._note(wanted, outcome)
        self.memory.remember(wanted)
        if outcome is Outcome.NOT_STOCKED and wanted.figure:
            listing = wanted.listing
            self.problems.append(
                RefusedError(
                    "STOCK_NOT_STOCKED", quantity=wanted.figure, sku=listing.sku, location=listing.level.location
                )
            )

    def _refuse(self, step: Step, message: str) -> None:
        listing = step.wanted.listing
        self._note(step.wanted, Outcome.REFUSED, step.before)
        self.memory.refused[listing.level] = step.after
        self.problems.append(
            RefusedError(
                "STOCK_REFUSED",
                quantity=step.after,
                sku=listing.sku,
                location=listing.level.location,
                message=message,
            )
        )

    def _note(self, wanted: Wanted, outcome: Outcome, before: int | None = None) -> None:
        """The figure's outcome, unless a second look at what this run has set finds it as it should be."""
        earlier = self.figures.get(wanted.listing.level)
        if not (earlier and earlier.is_changed and outcome is Outcome.EQUAL):
            self.figures[wanted.listing.level] = FigureReport(wanted, outcome, before)
