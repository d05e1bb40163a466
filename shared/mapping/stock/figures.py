"""The stock figure that Shopify is to show, computed from on-hand in F&O: no I/O.

A figure is what may be promised (ATP) in the warehouses behind a location, times the location's share, less the
buffer, less what Shopify has sold there and F&O does not know yet; whole units, never negative.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final, NamedTuple

from shared.model import Item, Level, LevelId, OnHand, Sale, SoldUnits
from shared.rules.sections.stock import StockRules

_NOTHING: Final = Decimal(0)

FORMULA: Final = 1
"""Number of the formula of `figures_of_item`. Raise it when that changes, so that all figures are computed again."""


class FigureOutcome(StrEnum):
    """The result for a figure in a run."""

    UNCHANGED = "unchanged since Shopify was last compared"
    EQUAL = "Shopify shows it already"
    LOWERED = "lowered"
    RAISED = "raised"
    NO_ROW = "F&O has no on-hand row in the location's warehouses"
    FROZEN = "not raised: too many orders wait for F&O, or the units of some are not known yet"
    SETTLING = "not raised yet: Shopify changed it a moment ago"
    WITHHELD = "not raised: another figure of the SKU could not be set, or F&O may lack units that an edit added"
    REFUSED = "refused by Shopify"
    STALE = "kept changing while it was being set"
    NOT_STOCKED = "not stocked at the location in Shopify"
    NOT_TRACKED = "Shopify does not count it"
    GONE = "deleted in Shopify"


class StockedItem(NamedTuple):
    """One SKU, and the F&O item behind it."""

    sku: str
    item: Item
    inventory_item: int
    """Shopify's."""
    variant_id: int


@dataclass(frozen=True, slots=True)
class Listing:
    """One SKU at one location, and the F&O item behind it."""

    sku: str
    item: Item
    level: LevelId
    variant_id: int


def listings_of(stocked: StockedItem, locations: Iterable[int]) -> list[Listing]:
    """The item's figures: one at each location."""
    sku, item, inventory_item, variant_id = stocked
    return [Listing(sku, item, LevelId(inventory_item, location), variant_id) for location in locations]


@dataclass(frozen=True, slots=True)
class WarehouseStock:
    """One item in one warehouse, in inventory units."""

    warehouse: str
    available: Decimal
    """Physical less reserved."""
    incoming: Decimal
    open_issues: Decimal
    safety: Decimal

    def promisable(self, rules: StockRules) -> Decimal:
        """What may be promised; negative when more is promised than there is and the shortage is shared.

        Safety stock only lowers what is available: it never makes the result negative.
        """
        net = self.available + self.incoming * rules.count_incoming / 100 - self.open_issues
        free = net - min(self.safety, max(net, _NOTHING))
        return max(free, _NOTHING) if rules.shortage == "local" else free


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a figure should be, and why."""

    listing: Listing
    stock: tuple[WarehouseStock, ...]
    atp: Decimal
    """Summed over the warehouses, before share and buffer."""
    offered: int
    """After share and buffer, and never negative: what there is for orders that F&O does not know of."""
    unknown: int
    """Units of such orders: sold at the location, or at another one that does not have them."""
    figure: int | None
    """None: leave Shopify's figure as it is."""
    is_withheld: bool = False
    """The rules do not sell it: it shows 0, whatever F&O has."""

    @property
    def basis(self) -> str:
        """Everything that the figure was computed from, as text.

        The same figure from another basis must be compared with Shopify again: a sale that was imported and a
        receipt of as many units leave the figure, but Shopify shows less.
        """
        parts = (f"{each.available},{each.incoming},{each.open_issues},{each.safety}" for each in self.stock)
        return ";".join((*parts, str(self.unknown), *(["withheld"] if self.is_withheld else [])))


def figures_of_item(
    stocked: StockedItem,
    rows: Iterable[OnHand],
    *,
    safety: Mapping[tuple[Item, str], Decimal],
    sales: Sequence[Sale],
    warehouses: Mapping[int, Sequence[str]],
    rules: StockRules,
    withheld: Container[int],
) -> list[Wanted]:
    """An item's figures at all locations, which are the keys of `warehouses`: those behind each location.

    `rows` and `sales` (of orders that F&O does not know) are of this item only; `withheld` are variants of Shopify that
    are not sold.
    """
    listings = listings_of(stocked, warehouses)
    stock = {warehouse: found for (_, warehouse), found in by_warehouse(rows, safety).items()}
    units = units_taken(sales, listings)
    figures = [
        compute_figure(
            listing,
            [stock[name] for name in warehouses[listing.level.location] if name in stock],
            unknown=units[listing.level],
            rules=rules,
        )
        for listing in listings
    ]
    return withhold(spread_shortages(figures, sales), withheld)


def compute_figure(listing: Listing, stock: Sequence[WarehouseStock], *, unknown: int, rules: StockRules) -> Wanted:
    """The figure of a listing, from the stock of those of the location's warehouses that have a row for its item."""
    atp = sum((each.promisable(rules) for each in stock), _NOTHING)
    ours = math.floor(atp * rules.share_of(listing.level.location))
    offered = max(0, ours - rules.buffer_of(listing.sku))
    figure = max(0, offered - unknown) if stock or rules.missing_row == "zero" else None
    return Wanted(listing, tuple(stock), atp, offered, unknown, figure)


def spread_shortages(figures: Sequence[Wanted], sales: Iterable[Sale]) -> list[Wanted]:
    """The figures, where units that were sold at a location and are not there count at all other locations of the item.

    Staff may move a fulfillment order to a location that does not have the goods: F&O will ship them from another.
    """
    sold: Counter[LevelId] = Counter()
    for sale in sales:
        if sale.location is not None:
            sold[LevelId(sale.inventory_item, sale.location)] += sale.units
    lacking = {each.listing.level: max(0, sold[each.listing.level] - each.offered) for each in figures}
    of_item: Counter[int] = Counter()
    for level, units in lacking.items():
        of_item[level.inventory_item] += units
    return [_lowered(each, of_item[(at := each.listing.level).inventory_item] - lacking[at]) for each in figures]


def withhold(figures: Iterable[Wanted], variants: Container[int]) -> list[Wanted]:
    """The figures, with 0 for variants of Shopify that are not sold: everywhere, and without an on-hand row too."""
    return [
        replace(each, figure=0, is_withheld=True) if each.listing.variant_id in variants else each for each in figures
    ]


def _lowered(wanted: Wanted, units: int) -> Wanted:
    if not units:
        return wanted
    figure = None if wanted.figure is None else max(0, wanted.figure - units)
    return replace(wanted, unknown=wanted.unknown + units, figure=figure)


def by_warehouse(
    rows: Iterable[OnHand], safety: Mapping[tuple[Item, str], Decimal]
) -> dict[tuple[Item, str], WarehouseStock]:
    """The rows by item and warehouse, with the safety stock. An item's rows in one warehouse are added up."""
    found: dict[tuple[Item, str], WarehouseStock] = {}
    for row in rows:
        key = (row.item, row.warehouse)
        before = found.get(key) or WarehouseStock(
            row.warehouse, _NOTHING, _NOTHING, _NOTHING, safety.get(key, _NOTHING)
        )
        found[key] = WarehouseStock(
            row.warehouse,
            before.available + row.available,
            before.incoming + row.incoming,
            before.open_issues + row.open_issues,
            before.safety,
        )
    return found


def units_taken(sales: Iterable[Sale], listings: Iterable[Listing]) -> Counter[LevelId]:
    """Units by level. A sale of unknown location counts at every location that sells the item."""
    levels: defaultdict[int, list[LevelId]] = defaultdict(list)
    for listing in listings:
        levels[listing.level.inventory_item].append(listing.level)
    taken: Counter[LevelId] = Counter()
    for sale in sales:
        for level in levels[sale.inventory_item]:
            if sale.location in (None, level.location):
                taken[level] += sale.units
    return taken


def items_of_parked(sold: Iterable[SoldUnits], items: Iterable[StockedItem]) -> list[StockedItem]:
    """What parked orders have taken from: their variants, whatever SKU these have now, and the variants that have the
    order lines' SKUs now. F&O will deliver the items of those SKUs; it ignores the case of a SKU, and so does this.
    """
    sold = list(sold)
    variants = {each.variant_id for each in sold}
    skus = {_without_case(each.sku) for each in sold}
    return [each for each in items if each.variant_id in variants or _without_case(each.sku) in skus]


def sales_of_parked(sold: Sequence[SoldUnits], location: int | None, items: Iterable[StockedItem]) -> list[Sale]:
    """What a parked order has taken, of items that may be more than `items_of_parked` finds. What has no figure is not
    in the result. Mostly an order line's variant is the one that has its SKU; otherwise it takes from both.
    """
    candidates = sorted(items_of_parked(sold, items), key=lambda each: (each.inventory_item, each.variant_id))
    return [
        Sale(candidate.inventory_item, location, each.units)
        for each in sold
        for candidate in candidates
        if candidate.variant_id == each.variant_id or _without_case(candidate.sku) == _without_case(each.sku)
    ]


def _without_case(sku: str) -> str:
    return sku.strip().casefold()


def decide(figure: int, shown: Level, *, frozen: bool, withheld: bool, settled_before: datetime) -> FigureOutcome:
    """What to do about a figure. Lowering is always safe; raising is put off while anything is uncertain."""
    if figure == shown.available:
        return FigureOutcome.EQUAL
    if figure < shown.available:
        return FigureOutcome.LOWERED
    if frozen:
        return FigureOutcome.FROZEN
    if withheld:
        return FigureOutcome.WITHHELD
    return FigureOutcome.SETTLING if shown.changed_at > settled_before else FigureOutcome.RAISED
