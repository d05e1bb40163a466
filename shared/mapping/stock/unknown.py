"""What an order in Shopify has taken from stock and F&O does not know: no I/O.

Of an order that F&O does not have, that is everything; of one that it has, what an edit added since F&O last got it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from shared.mapping.orders.differences import quantity_before
from shared.model import Component, OrderedGoods, Sale, source_of


def all_units(goods: OrderedGoods) -> list[Sale]:
    """The units that the order took, as ordered, before any refund, shipped or not. What no fulfilment order accounts
    for has no location.
    """
    left: Counter[int] = Counter()
    for line in goods.lines:
        left[line.inventory_item] += line.ordered
    for sale in goods.located:
        left[sale.inventory_item] -= sale.units
    return [*goods.located, *(Sale(item, None, units) for item, units in left.items() if units > 0)]


def as_stocked(goods: OrderedGoods, sold_as: Mapping[int, int]) -> OrderedGoods:
    """The goods as those of the inventory items whose figures they lower, where that is another item's."""
    if not sold_as:
        return goods
    lines = (
        line._replace(inventory_item=sold_as.get(line.inventory_item, line.inventory_item)) for line in goods.lines
    )
    located = (
        replace(sale, inventory_item=sold_as.get(sale.inventory_item, sale.inventory_item)) for sale in goods.located
    )
    return OrderedGoods(tuple(lines), tuple(located))


@dataclass(frozen=True, slots=True)
class AddedUnits:
    """What an order took beyond what F&O last got of it, or what is subtracted already."""

    sales: tuple[Sale, ...] = ()
    unclear: frozenset[int] = frozenset()
    """Inventory items that the order may have taken more of: what F&O has of them is not known."""


def added_units(
    goods: OrderedGoods, fingerprints: Mapping[str, str] | None, *, parked: Iterable[Sale], is_recent: bool
) -> AddedUnits:
    """`fingerprints` are those of the order's link, None where F&O does not have the order. What is `parked` of it is
    subtracted already.

    With `is_recent`, units that were removed count too: the order changed so recently that Shopify's figure may have
    been read before. Units that were shipped and came back count on both sides.
    """
    taken: Counter[int] = Counter()
    known: Counter[int] = Counter()
    unclear: set[int] = set()
    for line in goods.lines:
        taken[line.inventory_item] += line.ordered if is_recent else line.left
        source = source_of(Component.PRODUCTS, line.line_id)
        before = Decimal(0) if fingerprints is None else quantity_before(source, fingerprints)
        if before is None:
            unclear.add(line.inventory_item)
        else:
            known[line.inventory_item] += int(before)
    for sale in parked:
        known[sale.inventory_item] += sale.units
    located: Counter[int] = Counter()
    locations: defaultdict[int, set[int | None]] = defaultdict(set)
    for sale in goods.located:
        located[sale.inventory_item] += sale.units
        locations[sale.inventory_item].add(sale.location)
    sales: list[Sale] = []
    for item, units in (taken | located).items():
        more = units - known[item]
        if more > 0 and item not in unclear:
            is_at_one = len(locations[item]) == 1 and units == located[item]
            sales.append(Sale(item, next(iter(locations[item])) if is_at_one else None, more))
    return AddedUnits(tuple(sales), frozenset(item for item in unclear if taken[item] or located[item]))
