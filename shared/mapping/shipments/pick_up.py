"""When a buyer is told that goods can be picked up. Nothing is written.

Shopify tells of a whole fulfilment order, so the buyer is told once all that is open of it is ready, and once for the
same units: not again when a packing slip is taken back and posted anew. Units of an order line lie in several
fulfilment orders, or are sent in part: then none of them is told before all open units of the line are ready, since
F&O does not say for which of them the picked ones are.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from shared.errors import ErrorCode, RefusedError
from shared.model import FoOrder, FoStatus, FulfillmentOrder, PackingSlip, PickUp, ShopShipments
from shared.rules import StoreRules

PICK_UP: Final = "PICK_UP"
_CAN_TELL: Final = frozenset({"OPEN", "IN_PROGRESS"})
_HELD: Final = "ON_HOLD"
_NOT_PICKED: Final = (FoStatus.OPEN, FoStatus.CONFIRMED)
_NOTHING: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class PickUpPlan:
    tell: Mapping[int, Mapping[int, int]]
    """Fulfilment order of which the buyer is to be told -> order line -> its open units."""
    findings: tuple[RefusedError, ...]


def open_at_counter(shop: ShopShipments) -> Counter[int]:
    """Order line -> units that the buyer has not picked up yet."""
    return _open(each for each in shop.orders if each.method == PICK_UP)


def is_collected(orders: Iterable[FulfillmentOrder]) -> bool:
    """Whether the buyer picks all of them up: then there is no parcel to write to the buyer about."""
    return all(order.method == PICK_UP for order in orders)


def needs_picked(shop: ShopShipments, rules: StoreRules) -> bool:
    """Whether F&O has to be asked what is picked."""
    return rules.shipments.pick_up == "picked" and bool(open_at_counter(shop))


def delivered_by_lot(slips: Iterable[PackingSlip]) -> Mapping[str, Decimal]:
    """InventoryLotId -> units on packing slips."""
    units: defaultdict[str, Decimal] = defaultdict(Decimal)
    for slip in slips:
        for lot, count in slip.units.items():
            units[lot] += count
    return units


def remember_picked(
    known: Mapping[str, Decimal], fo: FoOrder, delivered: Mapping[str, Decimal]
) -> Mapping[str, Decimal]:
    """`PickUp.picked` after F&O was read. `delivered` is by InventoryLotId.

    F&O shows a whole sales order as picked, and goes on to do so when a line is added. So what counts is what was open
    when it was seen as picked first; it counts until F&O shows the order as not picked any more.
    """
    picked = dict(known)
    for header in fo.headers:
        lines = [line for line in fo.lines if line.order == header.number]
        if header.status is FoStatus.PICKED and not any(line.lot in picked for line in lines):
            picked |= {line.lot: delivered.get(line.lot, _NOTHING) + line.remaining for line in lines if line.is_open}
        elif header.status in _NOT_PICKED:
            picked = {lot: units for lot, units in picked.items() if lot not in {line.lot for line in lines}}
    return picked


def ready_units(
    delivered: Mapping[str, Decimal],
    line_ids: Mapping[str, int],
    fo: FoOrder | None = None,
    picked: Mapping[str, Decimal] | None = None,
) -> Counter[int]:
    """Order line -> units that have left, and those that are picked where F&O was asked. `picked` contains what has
    left since, and `line_ids` is by InventoryLotId, as are the units.
    """
    ready: Counter[int] = Counter()
    for lot, line_id in line_ids.items():
        ready[line_id] += int(delivered.get(lot, _NOTHING))
    for line in fo.lines if fo is not None else ():
        if line.lot in line_ids:
            ahead = (picked or {}).get(line.lot, _NOTHING) - delivered.get(line.lot, _NOTHING)
            ready[line_ids[line.lot]] += int(min(line.remaining, max(_NOTHING, ahead)))
    return ready


def plan_pick_up(
    shop: ShopShipments, ready: Mapping[int, int], known: PickUp, rules: StoreRules, *, left: Mapping[int, int]
) -> PickUpPlan:
    """What the buyer is to be told. By order line, `left` is what is on packing slips, and `ready` that and what is
    picked; `known` is without attempts whose outcome nobody can find out (settle_told).
    """
    figures = _PickUpUnits(shop, ready, left, known)
    tell: dict[int, Mapping[int, int]] = {}
    findings: list[RefusedError] = []
    for order in sorted(shop.orders, key=lambda each: each.id):
        units = _open([order])
        if order.method != PICK_UP or order.is_third_party or not units:
            continue
        if taken_back := figures.taken_back(units):
            findings.append(_finding(ErrorCode.READY_TAKEN_BACK, order, rules, units=taken_back))
        if order.id in known.told or not figures.is_to_tell(units, rules):
            continue
        if order.status in _CAN_TELL:
            tell[order.id] = dict(units)
        elif order.status == _HELD:
            reasons = ", ".join(reason for _, reason in order.holds)
            findings.append(_finding(ErrorCode.READY_ON_HOLD, order, rules, units=units.total(), reasons=reasons))
    return PickUpPlan(tell, tuple(findings))


class _PickUpUnits:
    """Units by order line."""

    def __init__(self, shop: ShopShipments, ready: Mapping[int, int], left: Mapping[int, int], known: PickUp) -> None:
        self._ready, self._left = Counter(dict(ready)), Counter(dict(left))
        self._whole = _open(shop.orders)
        for fulfillment in shop.fulfillments:
            self._whole.update(fulfillment.units if fulfillment.is_active else {})
        self._told: Counter[int] = Counter()
        for lines in known.told.values():
            self._told.update(lines)

    def taken_back(self, lines: Iterable[int]) -> int:
        """Units that the buyer was told of and that are not ready any more; units that were removed do not count."""
        return sum(max(0, min(self._told[line], self._whole[line]) - self._ready[line]) for line in lines)

    def is_to_tell(self, lines: Collection[int], rules: StoreRules) -> bool:
        """Whether all units of the lines are ready, and some of them are news to the buyer, who does not have them."""
        is_handed_over_by_slip = rules.shipments.pick_up == "picked" and rules.shipments.collected == "packing_slip"
        has_all = is_handed_over_by_slip and self._covers(self._left, lines)
        return self._covers(self._ready, lines) and not self._covers(self._told, lines) and not has_all

    def _covers(self, units: Counter[int], lines: Iterable[int]) -> bool:
        return all(units[line] >= self._whole[line] for line in lines)


def settle_told(known: PickUp, shop: ShopShipments) -> PickUp:
    """Without attempts of an unknown outcome whose fulfilment order is open no more: nobody can find out whether the
    buyer was told, and telling again might be a second mail. Of those that are open Shopify is asked again, which does
    not write twice.
    """
    still_open = {order.id for order in shop.orders if _open([order])}
    ended = {order: units for order, units in known.telling.items() if order not in still_open}
    if not ended:
        return known
    telling = {order: units for order, units in known.telling.items() if order in still_open}
    return replace(known, told={**known.told, **ended}, telling=telling)


def _open(orders: Iterable[FulfillmentOrder]) -> Counter[int]:
    units: Counter[int] = Counter()
    for order in orders:
        if order.status not in {"CLOSED", "CANCELLED"}:
            for line in order.lines:
                units[line.line_id] += line.remaining
    return +units


def _finding(code: ErrorCode, order: FulfillmentOrder, rules: StoreRules, **details: object) -> RefusedError:
    return RefusedError(code, fulfillment_order=order.id, store=rules.key, **details)
