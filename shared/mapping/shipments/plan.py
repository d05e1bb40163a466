"""How Shopify's fulfilments become what F&O's packing slips say. Nothing is written.

Each order line converges to: fulfilled = the greater of what F&O delivered and what others fulfilled in Shopify, at
most what is ordered. Only fulfilments that the app made are ever changed or cancelled: one of a slip that got smaller
is cancelled and made again without a second notice to the buyer, a slip that grew gets a further one.

The steps of one plan are of one kind, since each changes what Shopify has: after they are carried out, the next plan is
made of what Shopify has then, until one has no steps.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from shared.errors import ErrorCode, RefusedError
from shared.mapping.shipments.carriers import tracking_company, tracking_of
from shared.model import (
    Fulfillment,
    FulfillmentOrder,
    PackingSlip,
    ParcelLine,
    SentPart,
    SentSlip,
    ShopShipments,
    Tracking,
)
from shared.rules import StoreRules

_CREATE: Final = "CREATE_FULFILLMENT"
_MOVE: Final = "MOVE"
_SCHEDULED: Final = "SCHEDULED"
_ENDED: Final = frozenset({"CLOSED", "CANCELLED"})
_WITHOUT_PARCEL: Final = frozenset({"RETAIL", "NONE"})
"""Methods of which nothing is sent: handed over at the counter, or downloaded."""


@dataclass(frozen=True, slots=True)
class CancelFulfillment:
    slip: SentSlip
    part: SentPart


@dataclass(frozen=True, slots=True)
class OpenFulfillmentOrder:
    fulfillment_order_id: int


@dataclass(frozen=True, slots=True)
class MoveFulfillmentOrder:
    fulfillment_order_id: int
    location_id: int
    units: Mapping[int, int]
    """Fulfilment order line -> units."""


@dataclass(frozen=True, slots=True)
class CreateFulfillment:
    key: str
    """Of the packing slip."""
    orders: Mapping[int, Mapping[int, int]]
    """Fulfilment order, all of one location -> its line -> units."""
    units: Mapping[int, int]
    """Order line -> units."""
    tracking: tuple[Tracking, ...]
    company: str
    """The carrier's name as Shopify spells it; "" for none."""
    is_told: bool
    """Whether Shopify writes to the buyer."""


@dataclass(frozen=True, slots=True)
class UpdateTracking:
    key: str
    part: SentPart
    tracking: tuple[Tracking, ...]
    company: str
    is_told: bool


type ShipmentStep = CancelFulfillment | OpenFulfillmentOrder | MoveFulfillmentOrder | CreateFulfillment | UpdateTracking


@dataclass(frozen=True, slots=True)
class ShipmentPlan:
    steps: tuple[ShipmentStep, ...]
    """All of one kind; empty once Shopify has what F&O has, as far as it goes."""
    findings: tuple[RefusedError, ...] = ()
    """What cannot be shown in Shopify."""
    wait_until: datetime | None = None
    """When a slip that waits for its tracking number is to be sent without."""


def plan_shipments(
    slips: Sequence[PackingSlip],
    sent: Mapping[str, SentSlip],
    shop: ShopShipments,
    rules: StoreRules,
    *,
    line_ids: Mapping[str, int],
    now: datetime,
) -> ShipmentPlan:
    """The next steps. `line_ids` has the order line of each sales line (InventoryLotId) that stands for goods.

    Raises RefusedError SHIPPED_FRACTION for a packing slip with a part of a unit.
    """
    slips = [replace(slip, tracking=tracking_of(slip, rules)) for slip in slips]
    planner = _Planner(shop, rules, now, sent)
    wanted = {slip.key: _units(slip, line_ids) for slip in slips}
    planner.cancel_outdated(wanted)
    if not planner.steps:
        planner.cancel_doubled(wanted)
    if planner.steps:
        return planner.plan()
    planner.create_missing(sorted(slips, key=lambda slip: (slip.created_at, slip.key)), wanted)
    if not planner.steps:
        planner.update_tracking(slips)
    return planner.plan()


def _units(slip: PackingSlip, line_ids: Mapping[str, int]) -> Counter[int]:
    """Order line -> units that left. What came back, and lines that are no goods of the order, do not count."""
    units: Counter[int] = Counter()
    for lot, quantity in slip.units.items():
        if quantity <= 0 or lot not in line_ids:
            continue
        if quantity != quantity.to_integral_value():
            raise RefusedError(ErrorCode.SHIPPED_FRACTION, slip=slip.number, quantity=quantity, lot=lot)
        units[line_ids[lot]] += int(quantity)
    return units


class _Planner:
    def __init__(self, shop: ShopShipments, rules: StoreRules, now: datetime, sent: Mapping[str, SentSlip]) -> None:
        self._shop = shop
        self._rules = rules
        self._now = now
        self._sent = sent
        self._active = {each.id: each for each in shop.fulfillments if each.is_active}
        self.steps: list[ShipmentStep] = []
        self._findings: list[RefusedError] = []
        self._wait_until: datetime | None = None

    def plan(self) -> ShipmentPlan:
        return ShipmentPlan(tuple(self.steps), tuple(self._findings), self._wait_until)

    def cancel_outdated(self, wanted: Mapping[str, Counter[int]]) -> None:
        """Of a slip that got smaller, or that F&O does not have any more."""
        for key, slip in self._sent.items():
            left = Counter(wanted.get(key, Counter()))
            for part in self._parts(slip):
                if any(units > left[line] for line, units in part.units.items()):
                    self.steps.append(CancelFulfillment(slip, part))
                else:
                    left -= Counter(dict(part.units))

    def cancel_doubled(self, wanted: Mapping[str, Counter[int]]) -> None:
        """Of units that others have fulfilled too, and that left only once: the latest of the app's fulfilments, which
        is made again for the rest.
        """
        ours: Counter[int] = Counter()
        parts = [(slip, part) for slip in self._sent.values() for part in self._parts(slip)]
        for _, part in parts:
            ours.update(part.units)
        left = sum(wanted.values(), Counter())
        doubled = (ours + self._by_others()) - left
        for slip, part in sorted(parts, key=lambda each: -each[1].fulfillment_id):
            if any(doubled[line] for line in part.units):
                self.steps.append(CancelFulfillment(slip, part))
                doubled -= Counter(dict(part.units))

    def create_missing(self, slips: Iterable[PackingSlip], wanted: Mapping[str, Counter[int]]) -> None:
        """Fulfilments for units that left and that neither the app nor others have shown. What others fulfilled counts
        for the oldest slips first.
        """
        others = self._by_others()
        rest = _OpenLines(self._shop.orders)
        for slip in slips:
            sent = self._sent.get(slip.key, SentSlip(key=slip.key))
            missing = Counter(wanted[slip.key])
            for part in self._parts(sent):
                missing -= Counter(dict(part.units))
            covered = missing & others
            others -= covered
            missing -= covered
            if wanted[slip.key] and not self._locations(slip):
                self._tell(ErrorCode.SHIPPED_FROM_UNKNOWN_WAREHOUSE, slip, warehouse=slip.warehouse)
            if missing:
                self._create(slip, sent, missing, rest)

    def _locations(self, slip: PackingSlip) -> list[int]:
        return [each.location for each in self._rules.warehouses if each.id == slip.warehouse]

    def _create(self, slip: PackingSlip, sent: SentSlip, missing: Counter[int], rest: _OpenLines) -> None:
        if not slip.tracking and not sent.parts and (until := self._waits_until(slip)) is not None:
            self._wait_until = until if self._wait_until is None else min(until, self._wait_until)
            return
        locations = self._locations(slip)
        taken = rest.take(missing, locations)
        if any(order.status == _SCHEDULED for order in taken):
            self.steps += [OpenFulfillmentOrder(order.id) for order in taken if order.status == _SCHEDULED]
            return
        moves = self._moves(taken, locations)
        if moves:
            self.steps += moves
            return
        is_told = self._is_told(slip, sent)
        for orders in _by_location(taken):
            units: Counter[int] = Counter()
            for lines in orders.values():
                for line, count in lines.items():
                    units[line.line_id] += count
            self.steps.append(
                CreateFulfillment(
                    key=slip.key,
                    orders={
                        order.id: {line.id: count for line, count in lines.items()} for order, lines in orders.items()
                    },
                    units=dict(units),
                    tracking=slip.tracking,
                    company=tracking_company(slip, self._rules),
                    is_told=is_told,
                )
            )
            is_told = False  # one notice for a slip
            missing -= units
        if missing:
            self._tell_why(slip, missing)

    def _moves(
        self, taken: Mapping[FulfillmentOrder, Mapping[ParcelLine, int]], locations: Sequence[int]
    ) -> list[ShipmentStep]:
        """Moves to the location of the warehouse that shipped, where the rules and Shopify let the app."""
        if not locations or self._rules.shipments.other_warehouse != "move":
            return []
        return [
            MoveFulfillmentOrder(order.id, locations[0], {line.id: count for line, count in lines.items()})
            for order, lines in taken.items()
            if order.location_id not in locations and _MOVE in order.actions
        ]

    def update_tracking(self, slips: Iterable[PackingSlip]) -> None:
        """Of slips that got their numbers, or other ones, after they were sent."""
        for slip in slips:
            sent = self._sent.get(slip.key)
            if sent is None or not slip.tracking:
                continue
            is_told = self._is_told(slip, sent)
            for part in self._parts(sent):
                if numbers_of(part.tracking) != numbers_of(slip.tracking):
                    company = tracking_company(slip, self._rules)
                    self.steps.append(UpdateTracking(slip.key, part, slip.tracking, company, is_told))
                    is_told = False

    def _parts(self, slip: SentSlip) -> list[SentPart]:
        """The app's fulfilments of the slip that Shopify still has; staff may have cancelled one."""
        return [part for part in slip.parts if part.fulfillment_id in self._active]

    def _by_others(self) -> Counter[int]:
        ours = {part.fulfillment_id for slip in self._sent.values() for part in slip.parts}
        units: Counter[int] = Counter()
        for fulfillment in self._active.values():
            if fulfillment.id not in ours:
                units.update(fulfillment.units)
        return units

    def _waits_until(self, slip: PackingSlip) -> datetime | None:
        minutes = self._rules.shipments.wait_of(slip.delivery_mode)
        until = slip.created_at + timedelta(minutes=minutes)
        return until if self._now < until else None

    def _is_told(self, slip: PackingSlip, sent: SentSlip) -> bool:
        if sent.is_told:
            return False
        notify = self._rules.shipments.notify
        return notify == "always" or (notify == "with_tracking" and bool(slip.tracking))

    def _tell_why(self, slip: PackingSlip, missing: Counter[int]) -> None:
        """Why units that left cannot be shown: the first reason that holds for any of them."""
        lines = set(missing)
        concerned = [
            order
            for order in self._shop.orders
            if any(line.line_id in lines and line.remaining for line in order.lines)
        ]
        units = missing.total()
        if any(order.is_third_party for order in concerned):
            self._tell(ErrorCode.SHIPPED_AT_THIRD_PARTY, slip, units=units)
        elif held := next((order for order in concerned if order.status == "ON_HOLD"), None):
            reasons = ", ".join(reason for _, reason in held.holds) or "unknown"
            self._tell(ErrorCode.SHIPPED_ON_HOLD, slip, units=units, reasons=reasons)
        else:
            self._tell(ErrorCode.SHIPPED_MORE_THAN_OPEN, slip, units=units)

    def _tell(self, code: ErrorCode, slip: PackingSlip, **details: object) -> None:
        refused = RefusedError(code, slip=slip.number, sales_order=slip.sales_order, store=self._rules.key, **details)
        self._findings.append(refused)


class _OpenLines:
    """Units of fulfilment orders that can be fulfilled now, as slips take them."""

    def __init__(self, orders: Iterable[FulfillmentOrder]) -> None:
        self._orders = [
            order
            for order in orders
            if order.status not in _ENDED
            and order.method not in _WITHOUT_PARCEL
            and not order.is_third_party
            and (_CREATE in order.actions or order.status == _SCHEDULED)
        ]
        self._left = {line.id: line.remaining for order in self._orders for line in order.lines}

    def take(
        self, wanted: Mapping[int, int], locations: Sequence[int]
    ) -> dict[FulfillmentOrder, dict[ParcelLine, int]]:
        """Units of the wanted order lines, from fulfilment orders at these locations first."""
        taken: dict[FulfillmentOrder, dict[ParcelLine, int]] = {}
        left = Counter(dict(wanted))
        for order in sorted(self._orders, key=lambda order: (order.location_id not in locations, order.id)):
            for line in order.lines:
                count = min(left[line.line_id], self._left[line.id])
                if count > 0:
                    taken.setdefault(order, {})[line] = count
                    self._left[line.id] -= count
                    left[line.line_id] -= count
        return taken


def _by_location(
    taken: Mapping[FulfillmentOrder, Mapping[ParcelLine, int]],
) -> list[dict[FulfillmentOrder, Mapping[ParcelLine, int]]]:
    """Shopify takes one location in a call."""
    groups: dict[int | None, dict[FulfillmentOrder, Mapping[ParcelLine, int]]] = {}
    for order, lines in taken.items():
        groups.setdefault(order.location_id, {})[order] = lines
    return list(groups.values())


def adopt(sent: SentSlip, fulfillments: Iterable[Fulfillment], tracking: tuple[Tracking, ...]) -> SentSlip:
    """The record of a slip after an attempt whose outcome is unknown: with the fulfilment that it made, if it made one,
    and whether the buyer was told.

    What it made is a fulfilment that was not there before, with just the units that were sent. New numbers that
    Shopify has, of the slip's `tracking`, were told with them.
    """
    live = {each.id: each for each in fulfillments if each.is_active}
    known = {*sent.seen, *(part.fulfillment_id for part in sent.parts)}
    made = next(
        (each for each in live.values() if sent.intent and each.id not in known and dict(each.units) == sent.intent),
        None,
    )
    parts = tuple(
        replace(part, tracking=tracking) if _has_numbers(live.get(part.fulfillment_id), tracking) else part
        for part in sent.parts
    )
    is_done = made is not None if sent.intent else parts != sent.parts
    if made is not None:
        parts = (*parts, SentPart(fulfillment_id=made.id, units=made.units, tracking=made.tracking or tracking))
    return SentSlip(key=sent.key, parts=parts, is_told=sent.is_told or (sent.tells and is_done))


def _has_numbers(fulfillment: Fulfillment | None, tracking: Sequence[Tracking]) -> bool:
    return fulfillment is not None and bool(tracking) and numbers_of(fulfillment.tracking) == numbers_of(tracking)


def numbers_of(tracking: Iterable[Tracking]) -> list[str]:
    """Shopify makes addresses of its own, so that numbers alone tell whether it has them."""
    return [each.number for each in tracking]
