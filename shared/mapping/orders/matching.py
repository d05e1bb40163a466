"""Which lines of F&O's sales order are ours, and how many pieces of the current order each of them is to have.

An existing line keeps its warehouse; only additional pieces are allocated. Lines that staff added in F&O are never
touched.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Final

from shared.errors import ErrorCode, RefusedError
from shared.mapping.orders.allocation import AllocatedPart, Allocation, BookedPrice, Need
from shared.mapping.orders.differences import quantity_before
from shared.mapping.orders.items import service_item
from shared.model import COMPONENTS, Component, FoLine, FoOrder, FoStatus, Item, LineKind, Money, Order, source_of
from shared.rules import ChangeKind, Decision, StoreRules, Warehouse


@dataclass(frozen=True, slots=True)
class LinkedOrder:
    """What the order's link holds about its lines and header in F&O."""

    sources: Mapping[str, str] = field(default_factory=dict)
    """InventoryLotId -> the line's source in Shopify (PlannedLine.source)."""
    promised: Mapping[str, str] = field(default_factory=dict)
    """LineNumber -> source, of lines that may have been written: set before the write."""
    lots: frozenset[str] = frozenset()
    """Our InventoryLotIds, of links of older versions, which have no sources."""
    fingerprints: Mapping[str, str] = field(default_factory=dict)
    held: str = ""


def number_key(number: Decimal) -> str:
    """A LineNumber as the link holds it: F&O may answer 1, 1.0 or 1.0000."""
    return f"{number.normalize():f}"


type OwnLines = Mapping[str, Sequence[FoLine]]
"""By source, in the order of their numbers."""


def own_lines(fo: FoOrder, order: Order, rules: StoreRules, link: LinkedOrder) -> OwnLines:
    """Our lines, by source. Lines that were reduced to nothing are left out.

    Lines in the link are recognised by their lot. A line whose write was not confirmed is recognised by its number and
    Shopify's id on it. Where the link has no lines, and in further orders, Shopify's id alone decides.
    Raises RefusedError FO_LINE_UNKNOWN for a line of ours whose source is unknown.
    """
    own: defaultdict[str, list[FoLine]] = defaultdict(list)
    blank = not link.sources and not link.lots
    for line in sorted(fo.lines, key=lambda line: line.number):
        if line.status is FoStatus.CANCELLED and not line.quantity:
            continue
        source = link.sources.get(line.lot) or _planned_source(line, link)
        if source is None and (blank or line.lot in link.lots or line.order != fo.number):
            source = _source_by_id(line, order, rules)
            if source is None and line.lot in link.lots and line.external:
                raise RefusedError(ErrorCode.FO_LINE_UNKNOWN, lot=line.lot, item=line.item, sales_order=line.order)
        if source is not None:
            own[source].append(line)
    return own


def without_given_up(
    own: OwnLines, order: Order, given_up: Mapping[str, str], fingerprints: Mapping[str, str]
) -> OwnLines:
    """Our lines as if units that F&O gave up, and that Shopify has taken off since, had never been ordered: the sales
    order does not change for them. `given_up` is by InventoryLotId.

    Units that Shopify adds to the line later do not come instead of them: `fingerprints` tell how many F&O got last.
    """
    left = {source_of(COMPONENTS[line.kind], line.id): line.quantity for line in order.lines}
    before = {source: quantity_before(source, fingerprints) for source in own}
    return {
        source: _shortened(lines, _fewest(left.get(source, 0), before[source]), given_up, order.currency)
        if any(line.lot in given_up for line in lines)
        else lines
        for source, lines in own.items()
    }


def _fewest(wanted: int, before: Decimal | None) -> Decimal:
    return Decimal(wanted) if before is None else min(Decimal(wanted), before)


def _shortened(lines: Sequence[FoLine], wanted: Decimal, given_up: Mapping[str, str], currency: str) -> list[FoLine]:
    excess = sum((line.quantity for line in lines), Decimal(0)) - wanted
    found = []
    for line in lines:
        taken = max(min(excess, Decimal(given_up.get(line.lot, "0"))), Decimal(0))
        excess -= taken
        if taken and taken < line.quantity:
            shorter = line.without(taken)
            found.append(replace(shorter, amount=Money(shorter.amount, currency).rounded().amount))
        elif not taken:
            found.append(line)
    return found


def _planned_source(line: FoLine, link: LinkedOrder) -> str | None:
    """The source of the line that we planned under this number. A line that staff added first has no Shopify id."""
    source = link.promised.get(number_key(line.number))
    if source is None or not line.external:
        return None
    shopify_id = source.rpartition(":")[2]
    return source if line.external == shopify_id or not line.external.isdecimal() else None


def _source_by_id(line: FoLine, order: Order, rules: StoreRules) -> str | None:
    """By Shopify's id on the line; charges of the whole order share its id and are recognised by their item."""
    if not line.external.isdecimal():
        return None
    shopify_id = int(line.external)
    for one in order.lines:
        if one.id == shopify_id and (one.id != order.id or line.item == rules.orders.tip_item):
            return source_of(COMPONENTS[one.kind], one.id)
    if any(shipping.id == shopify_id for shipping in order.shipping):
        return source_of(Component.SHIPPING, shopify_id)
    if shopify_id != order.id:
        is_shipping = line.item == rules.orders.shipping_item
        return source_of(Component.SHIPPING if is_shipping else Component.PRODUCTS, shopify_id)
    charges = {service_item(component, rules): component for component in _BY_ITEM} | {
        rules.tax.service_item: Component.TAX,
        rules.tax.difference_item: Component.TAX_DIFFERENCE,
    }
    component = charges.get(line.item)
    return source_of(component, shopify_id) if component else None


_BY_ITEM: Final = (Component.DUTIES, Component.FEES, Component.CASH_ROUNDING, Component.TIPS)
"""Charges of the whole order, whose lines have the order's id."""


@dataclass(frozen=True, slots=True)
class Kept:
    """How many pieces a line of F&O is to have; `line` is None for one that is to be written."""

    line: FoLine | None
    quantity: int
    warehouse: Warehouse | None


@dataclass(frozen=True, slots=True)
class MatchedLines:
    """The order's lines matched to F&O's, before additional pieces have a warehouse."""

    own: OwnLines
    kept: Mapping[int, Sequence[Kept]]
    """By the id of the order line."""
    wanted: tuple[Need, ...]
    """Additional pieces that need stock."""
    growing: Mapping[int, FoStatus]
    """Order line ids with additional pieces, and the line status by which the rules decide about them."""
    in_place: frozenset[int]
    """Those of them whose existing lines may grow."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Every piece of the order on a line, with its warehouse."""

    own: OwnLines
    allocation: Allocation
    lines: Mapping[int, Sequence[FoLine | None]]
    """By order line id, for each part of the allocation the F&O line that it is, or None."""
    growing: Mapping[int, FoStatus]


def match_lines(
    order: Order,
    items: Mapping[int, Item],
    own: OwnLines,
    rules: StoreRules,
    fingerprints: Mapping[str, str],
) -> MatchedLines:
    """Fewer pieces are taken off the last line that is not shipped; additional ones are placed as the rules say.

    `fingerprints` are of the lines as they were last brought to F&O. Pieces that staff took off or added, and that the
    rules leave to them, are placed on the lines that there are, where the plan ignores the difference.
    """
    kept: dict[int, list[Kept]] = {}
    wanted: list[Need] = []
    growing: dict[int, FoStatus] = {}
    in_place: set[int] = set()
    known = {warehouse.id: warehouse for warehouse in reversed(rules.warehouses)}
    for line in order.lines:
        source = source_of(COMPONENTS[line.kind], line.id)
        its = own.get(source, ())
        is_kept = rules.changes.by_staff == "keep" and quantity_before(source, fingerprints) == line.quantity
        stocked = line.kind is LineKind.PRODUCT and line.requires_shipping
        quantities = [int(each.quantity) for each in its]
        missing = line.quantity - sum(quantities)
        fresh: list[Kept] = []
        if not its and is_kept:
            fresh.append(Kept(None, line.quantity, rules.warehouses[0] if stocked else None))
        elif not its:
            wanted += [Need(line.id, items[line.id], line.quantity)] if stocked else []
        elif missing < 0:
            quantities = _taken(its, quantities, -missing)
        elif missing > 0 and is_kept:
            quantities[_line_to_grow(its)] += missing
        elif missing > 0:
            at = _line_to_grow(its)
            growing[line.id] = its[at].status
            decision = rules.changes.decide(ChangeKind.QUANTITY_UP, its[at].status)
            in_line = decision is Decision.APPLY and not its[at].status.is_closed
            if in_line:
                in_place.add(line.id)
            if decision in (Decision.HOLD, Decision.IGNORE) or (in_line and not stocked):
                quantities[at] += missing
            elif stocked:
                wanted.append(Need(line.id, items[line.id], missing))
            else:
                fresh.append(Kept(None, missing, None))
        kept[line.id] = [
            Kept(each, quantity, known.get(each.warehouse, rules.warehouses[0]) if stocked else None)
            for each, quantity in zip(its, quantities, strict=True)
            if quantity
        ] + fresh
    return MatchedLines(own, kept, tuple(wanted), growing, frozenset(in_place))


def place_lines(matched: MatchedLines, order: Order, rules: StoreRules, extra: Allocation | None) -> Placement:
    """With the allocation of what is wanted, None where nothing is."""
    places: dict[int, Sequence[Kept]] = {}
    for line in order.lines:
        kept = list(matched.kept[line.id])
        for part in extra.parts.get(line.id, ()) if extra else ():
            at = _line_to_extend(kept, part) if line.id in matched.in_place else None
            if at is None:
                kept.append(Kept(None, part.quantity, part.warehouse))
            else:
                kept[at] = Kept(kept[at].line, kept[at].quantity + part.quantity, kept[at].warehouse)
        places[line.id] = kept
    preferred = extra.preferred if extra else _first_warehouse(places.values()) or rules.warehouses[0]
    reasons = ("lines that F&O has stay in their warehouses",) if any(matched.kept.values()) else ()
    return Placement(
        own=matched.own,
        allocation=Allocation(
            preferred,
            {line.id: _as_parts(places[line.id]) for line in order.lines if places[line.id]},
            (*reasons, *(extra.reasons if extra else ())),
        ),
        lines={line_id: tuple(each.line for each in its) or (None,) for line_id, its in places.items()},
        growing=matched.growing,
    )


def _taken(lines: Sequence[FoLine], quantities: Sequence[int], units: int) -> list[int]:
    """The quantities less so many units, taken from what was cancelled in F&O, then what is open, then what was
    shipped.
    """
    left = list(quantities)
    cancelled = [line.status is FoStatus.CANCELLED for line in lines]
    room = [
        quantity if gone else int(line.remaining) for line, quantity, gone in zip(lines, left, cancelled, strict=True)
    ]
    last_first = range(len(lines) - 1, -1, -1)
    for rooms in (
        {at: room[at] for at in last_first if cancelled[at]},
        {at: room[at] for at in last_first if not cancelled[at]},
        {at: left[at] for at in last_first},
    ):
        for at, its_room in rooms.items():
            taken = min(units, its_room, left[at])
            left[at] -= taken
            units -= taken
    return left


def _line_to_grow(lines: Sequence[FoLine]) -> int:
    """The position of the line whose status decides about additional pieces: the last open one, else the last."""
    return max(range(len(lines)), key=lambda at: (lines[at].is_open, at))


def _line_to_extend(kept: Sequence[Kept], part: AllocatedPart) -> int | None:
    for at, each in enumerate(kept):
        line = each.line
        if line is None or line.status.is_closed or part.warehouse is None:
            continue
        if line.warehouse == part.warehouse.id and line.is_open:
            return at
    return None


def _first_warehouse(places: Iterable[Sequence[Kept]]) -> Warehouse | None:
    return next((kept.warehouse for its in places for kept in its if kept.warehouse is not None), None)


def _as_parts(kept: Sequence[Kept]) -> tuple[AllocatedPart, ...]:
    return tuple(AllocatedPart(each.quantity, each.warehouse, _settled(each)) for each in kept)


def _settled(kept: Kept) -> BookedPrice | None:
    """What the line costs, where it keeps its pieces."""
    line = kept.line
    if line is None or line.quantity != kept.quantity:
        return None
    pieces = line.quantity / line.price_unit
    net = pieces * (line.price - line.discount) + line.charges
    return BookedPrice(pieces * line.price, net, firm=line.is_invoiced or not line.is_open)
