"""Which warehouse ships what, decided from the stock in F&O, with the reason for the journal."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import asin, cos, radians, sin, sqrt
from typing import Final, NamedTuple

from shared.errors import ErrorCode, RefusedError
from shared.mapping.taxes.place import ship_to, warehouse_at
from shared.model import Address, Item, LineKind, OnHand, Order
from shared.rules import StoreRules, Warehouse

_EARTH_RADIUS_KM: Final = 6371.0


class Need(NamedTuple):
    """A line of goods to ship."""

    line_id: int
    item: Item
    quantity: int


class BookedPrice(NamedTuple):
    """The price of a part that F&O has, which is kept when other parts of its line change."""

    gross: Decimal
    """Before discounts, without what a charge of the line makes up for."""
    net: Decimal
    firm: bool
    """It is delivered or invoiced: only the other parts can still change."""


class AllocatedPart(NamedTuple):
    """What one warehouse ships of a line."""

    quantity: int
    warehouse: Warehouse | None
    """None for what needs no stock."""
    booked: BookedPrice | None = None


@dataclass(frozen=True, slots=True)
class Allocation:
    preferred: Warehouse
    """The order's own site and warehouse, for what needs no stock."""
    parts: Mapping[int, tuple[AllocatedPart, ...]]
    """By line id; a line's parts sum to its quantity."""
    reasons: tuple[str, ...]
    """Why, in plain sentences."""


def needs(order: Order, items: Mapping[int, Item]) -> tuple[Need, ...]:
    """The order's goods. Services, gift cards and downloads need no stock."""
    return tuple(
        Need(line.id, items[line.id], line.quantity)
        for line in order.lines
        if line.kind is LineKind.PRODUCT and line.requires_shipping
    )


def allocate(
    wanted: Sequence[Need],
    on_hand: Iterable[OnHand],
    rules: StoreRules,
    *,
    destination: Address | None,
    location_id: int | None,
) -> Allocation:
    """The warehouse of every line, or of every part of it where the rules allow that.

    Where only one warehouse may ship the goods it does, whatever it has: `on_hand` may be empty then. One that holds
    everything is best, the nearest of several. Otherwise, where orders may be split, each line goes to the nearest that
    holds it. What no warehouse has is a back order. Without a destination the goods are handed over at the point of
    sale `location_id`.
    Raises RefusedError NO_WAREHOUSE where no warehouse ships to the destination, LOCATION_WITHOUT_WAREHOUSE where none
    is at the point of sale and the rules do not book such orders at home.
    """
    ranked = _nearest_first(_eligible(rules, destination, location_id), destination)
    if wanted and len(ranked) == 1:
        return _all_from(ranked[0], wanted, f"no other warehouse than {ranked[0].id} may ship it")
    stock = _available(on_hand)
    whole = Counter[Item]()
    for need in wanted:
        whole[need.item] += need.quantity
    for warehouse in ranked:
        if all(stock[warehouse.id, item] >= quantity for item, quantity in whole.items()):
            why = f"{warehouse.id} holds all of it" if wanted else f"{warehouse.id}: nothing needs stock"
            return _all_from(warehouse, wanted, why)
    if rules.allocation.split:
        return _split(wanted, ranked, stock, within_lines=rules.allocation.split_lines)
    warehouse = max(ranked, key=lambda one: sum(stock[one.id, need.item] >= need.quantity for need in wanted))
    why = f"no warehouse holds all of it and orders are not split: {warehouse.id} ships it when it can"
    return _all_from(warehouse, wanted, why)


def _all_from(warehouse: Warehouse, wanted: Sequence[Need], why: str) -> Allocation:
    parts = {need.line_id: (AllocatedPart(need.quantity, warehouse),) for need in wanted}
    return Allocation(warehouse, parts, (why,))


def warehouses_for(order: Order, rules: StoreRules) -> list[Warehouse]:
    """Those that may ship the order's goods. Raises RefusedError as allocate does."""
    return _eligible(rules, *_destination(order))


def allocate_order(order: Order, wanted: Sequence[Need], on_hand: Iterable[OnHand], rules: StoreRules) -> Allocation:
    """The same for the goods of an order: a location that serves it by rule does so alone."""
    destination, location_id = _destination(order)
    return allocate(wanted, on_hand, rules, destination=destination, location_id=location_id)


def _destination(order: Order) -> tuple[Address | None, int | None]:
    """Where the goods go, and the location that hands them over."""
    if order.served_by is not None:
        return None, order.served_by
    return ship_to(order), order.location_id


def _eligible(rules: StoreRules, destination: Address | None, location_id: int | None) -> list[Warehouse]:
    """Each warehouse once, in the rules' order."""
    if destination is None and location_id is not None and warehouse_at(location_id, rules) is None:
        location_id = None
    fitting: dict[str, Warehouse] = {}
    for warehouse in rules.warehouses:
        if destination is not None:
            fits = warehouse.ships_to(destination.country)
        else:
            fits = location_id is None or warehouse.location == location_id
        if fits:
            fitting.setdefault(warehouse.id, warehouse)
    if destination is not None and not fitting:
        raise RefusedError(ErrorCode.NO_WAREHOUSE, country=destination.country, store=rules.key)
    return list(fitting.values())


def _nearest_first(warehouses: list[Warehouse], destination: Address | None) -> list[Warehouse]:
    """By distance where all coordinates are known, else those of the same country first; then in the rules' order."""
    if destination is None:
        return warehouses
    if destination.latitude is not None and destination.longitude is not None:
        target = (destination.latitude, destination.longitude)
        places = [(one.latitude, one.longitude) for one in warehouses]
        known = [(lat, lon) for lat, lon in places if lat is not None and lon is not None]
        if len(known) == len(warehouses):
            distances = {one.id: _kilometres(target, place) for one, place in zip(warehouses, known, strict=True)}
            return sorted(warehouses, key=lambda one: distances[one.id])
    return sorted(warehouses, key=lambda one: one.country != destination.country)


def _kilometres(start: tuple[float, float], end: tuple[float, float]) -> float:
    """Along the surface of the earth (haversine)."""
    (lat1, lon1), (lat2, lon2) = ((radians(lat), radians(lon)) for lat, lon in (start, end))
    half = sin((lat2 - lat1) / 2) ** 2 + cos(lat1) * cos(lat2) * sin((lon2 - lon1) / 2) ** 2
    return 2 * _EARTH_RADIUS_KM * asin(sqrt(half))


def _available(on_hand: Iterable[OnHand]) -> defaultdict[tuple[str, Item], Decimal]:
    """What each warehouse can still promise: neither reserved nor wanted by open orders."""
    stock: defaultdict[tuple[str, Item], Decimal] = defaultdict(Decimal)
    for row in on_hand:
        stock[row.warehouse, row.item] += row.available - row.open_issues
    return stock


def _split(
    wanted: Sequence[Need],
    ranked: Sequence[Warehouse],
    stock: defaultdict[tuple[str, Item], Decimal],
    *,
    within_lines: bool,
) -> Allocation:
    parts: dict[int, tuple[AllocatedPart, ...]] = {}
    reasons = []
    preferred = ranked[0]
    for need in wanted:
        holder = next((one for one in ranked if stock[one.id, need.item] >= need.quantity), None)
        if holder is not None:
            shares = [(need.quantity, holder)]
            reasons.append(f"{holder.id} holds all {need.quantity} of {need.item.number}")
        elif within_lines:
            shares = _pieces(need, ranked, stock)
            divided = ", ".join(f"{quantity} from {warehouse.id}" for quantity, warehouse in shares)
            reasons.append(f"{need.item.number} is divided: {divided}")
        else:
            shares = [(need.quantity, preferred)]
            reasons.append(f"no warehouse holds {need.quantity} of {need.item.number}: back order at {preferred.id}")
        for quantity, warehouse in shares:
            stock[warehouse.id, need.item] -= quantity
        parts[need.line_id] = tuple(AllocatedPart(quantity, warehouse) for quantity, warehouse in shares)
    return Allocation(preferred, parts, tuple(reasons))


def _pieces(
    need: Need, ranked: Sequence[Warehouse], stock: Mapping[tuple[str, Item], Decimal]
) -> list[tuple[int, Warehouse]]:
    """Whole pieces from the nearest on; what no warehouse has is a back order at the preferred one."""
    taken: dict[str, int] = {}
    missing = need.quantity
    for warehouse in ranked:
        taken[warehouse.id] = min(missing, max(0, int(stock[warehouse.id, need.item])))
        missing -= taken[warehouse.id]
    taken[ranked[0].id] += missing
    return [(taken[one.id], one) for one in ranked if taken[one.id]]
