"""How Shopify's fulfilments become what F&O's packing slips say. Nothing is written.

Each order line converges to: fulfilled = the greater of what F&O delivered and what others fulfilled in Shopify, at
most what is ordered. Only fulfilments that the app made are ever changed or cancelled: one of a slip that got smaller
is cancelled and made again without a second notice to the buyer, a slip that grew gets a further one.

The steps of one plan are of one kind: what a cancelled fulfilment or a moved fulfilment order leaves, only Shopify
knows, so that the next plan is made of what Shopify has then, until one has no steps.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.errors import ErrorCode, RefusedError
from shared.mapping.shipments.parcels.adoption import numbers_of
from shared.mapping.shipments.parcels.blocked import BlockedLines
from shared.mapping.shipments.parcels.carriers import is_known_to_shopify, tracking_company, tracking_of
from shared.mapping.shipments.parcels.departed import departed
from shared.mapping.shipments.parcels.open_lines import MOVE, SCHEDULED, OpenLines, Taken, by_location
from shared.mapping.shipments.parcels.steps import (
    CancelFulfillment,
    CreateFulfillment,
    MoveFulfillmentOrder,
    OpenFulfillmentOrder,
    ShipmentStep,
    UpdateTracking,
)
from shared.mapping.shipments.pick_up import PICK_UP, is_collected, open_at_counter
from shared.model import PackingSlip, SentPart, SentSlip, ShopShipments
from shared.rules import StoreRules


@dataclass(frozen=True, slots=True)
class ShipmentPlan:
    steps: tuple[ShipmentStep, ...]
    """All of one kind; empty once Shopify has what F&O has, as far as it goes."""
    findings: tuple[RefusedError, ...] = ()
    """What cannot be shown in Shopify."""
    wait_until: datetime | None = None
    """When a slip that waits for its tracking number is to be sent without."""
    waiting: tuple[str, ...] = ()
    """Keys of the slips that wait for their tracking numbers."""


def plan_shipments(
    slips: Sequence[PackingSlip],
    sent: Mapping[str, SentSlip],
    shop: ShopShipments,
    rules: StoreRules,
    *,
    line_ids: Mapping[str, int],
    written: Collection[str],
    now: datetime,
    refused: Collection[str] = (),
) -> ShipmentPlan:
    """The next steps. `line_ids` has the order line of each sales line (InventoryLotId) that stands for goods,
    `written` the lots of all lines that the app wrote, `refused` the keys of slips of which Shopify has just refused a
    step: they get no other.
    """
    slips = [replace(slip, tracking=tracking_of(slip, rules)) for slip in slips]
    left = {slip.key: departed(slip, line_ids, written) for slip in slips}
    wanted = {key: each.units for key, each in left.items()}
    findings = [finding for each in left.values() for finding in each.findings]
    planner = _Planner(shop, rules, now, sent, refused=refused, findings=findings)
    planner.cancel_outdated(wanted)
    if not planner.steps:
        planner.cancel_doubled(wanted)
    if planner.steps:
        return planner.plan()
    planner.create_missing(sorted(slips, key=lambda slip: (slip.created_at, slip.key)), wanted)
    if not planner.steps:
        planner.update_tracking(slips)
    return planner.plan()


class _Planner:
    def __init__(
        self,
        shop: ShopShipments,
        rules: StoreRules,
        now: datetime,
        sent: Mapping[str, SentSlip],
        *,
        refused: Collection[str],
        findings: Iterable[RefusedError],
    ) -> None:
        self._shop = shop
        self._rules = rules
        self._now = now
        self._sent = sent
        self._refused = refused
        self._active = {each.id: each for each in shop.fulfillments if each.is_active}
        self._blocked = BlockedLines(shop.orders)
        self._at_counter = open_at_counter(shop)
        self._told_carriers: set[str] = set()
        self.steps: list[ShipmentStep] = []
        self._routing: list[ShipmentStep] = []
        """What has to be done to fulfilment orders before anything is made of them."""
        self._findings = list(findings)
        self._wait_until: datetime | None = None
        self._waiting: list[str] = []

    def plan(self) -> ShipmentPlan:
        return ShipmentPlan(tuple(self.steps), tuple(self._findings), self._wait_until, tuple(self._waiting))

    def cancel_outdated(self, wanted: Mapping[str, Counter[int]]) -> None:
        """Of a slip that got smaller, or that F&O does not have any more."""
        for key, slip in self._sent.items():
            if key in self._refused:
                continue
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
            if slip.key not in self._refused and any(doubled[line] for line in part.units):
                self.steps.append(CancelFulfillment(slip, part))
                doubled -= Counter(dict(part.units))

    def create_missing(self, slips: Iterable[PackingSlip], wanted: Mapping[str, Counter[int]]) -> None:
        """Fulfilments for units that left and that neither the app nor others have shown. What others fulfilled counts
        for the oldest slips first.

        Where a fulfilment order has to be opened or moved first, that is the only step: a move may end the one that is
        at the destination.
        """
        others = self._by_others()
        for_staff, orders = Counter[int](), self._shop.orders
        if self._rules.shipments.collected == "staff":
            for_staff.update(self._at_counter)
            orders = tuple(each for each in orders if each.method != PICK_UP)
        rest = OpenLines(orders, from_third_party=self._rules.shipments.third_party == "move")
        for slip in slips:
            sent = self._sent.get(slip.key, SentSlip(key=slip.key))
            missing = Counter(wanted[slip.key])
            for part in self._parts(sent):
                missing -= Counter(dict(part.units))
            covered = missing & others
            others -= covered
            missing -= covered
            handed_over = missing & for_staff
            for_staff -= handed_over
            missing -= handed_over
            if wanted[slip.key] and not self._locations(slip):
                self._tell(ErrorCode.SHIPPED_FROM_UNKNOWN_WAREHOUSE, slip, warehouse=slip.warehouse)
            if missing or self._parts(sent):
                self._tell_carrier(slip)
            if missing and slip.key not in self._refused:
                self._create(slip, sent, missing, rest)
        if self._routing:
            self.steps = self._routing[:1]

    def _locations(self, slip: PackingSlip) -> list[int]:
        return [each.location for each in self._rules.warehouses if each.id == slip.warehouse]

    def _create(self, slip: PackingSlip, sent: SentSlip, missing: Counter[int], rest: OpenLines) -> None:
        is_sent = not missing <= self._at_counter
        if is_sent and not slip.tracking and not sent.parts and (until := self._waits_until(slip)) is not None:
            self._wait_until = until if self._wait_until is None else min(until, self._wait_until)
            self._waiting.append(slip.key)
            return
        locations = self._locations(slip)
        taken = rest.take(missing, locations)
        if routing := [*_opened(slip, taken), *self._moved(slip, taken, locations)]:
            self._routing += routing
            return
        is_told = self._is_told(slip, sent)
        for orders in by_location(taken):
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
                    is_told=is_told and not is_collected(orders),
                )
            )
            is_told = is_told and is_collected(orders)  # one notice for a slip
            missing -= units
        if missing:
            self._tell_why(slip, missing)

    def _moved(self, slip: PackingSlip, taken: Taken, locations: Sequence[int]) -> list[ShipmentStep]:
        """Moves to the location of the warehouse that shipped, where the rules and Shopify let the app."""
        if not locations:
            return []
        return [
            MoveFulfillmentOrder(slip.key, order.id, locations[0], {line.id: count for line, count in lines.items()})
            for order, lines in taken.items()
            if order.location_id not in locations
            and order.method != PICK_UP  # the buyer comes to its location
            and MOVE in order.actions
            and (order.is_third_party or self._rules.shipments.other_warehouse == "move")
        ]

    def update_tracking(self, slips: Iterable[PackingSlip]) -> None:
        """Of slips that got their numbers, or other ones, after they were sent."""
        for slip in slips:
            sent = self._sent.get(slip.key)
            if sent is None or not slip.tracking or slip.key in self._refused:
                continue
            is_told = self._is_told(slip, sent)
            company = tracking_company(slip, self._rules)
            for part in self._parts(sent):
                if not _has_tracking(part, slip, company):
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
        """Why units that left cannot be shown."""
        if self._shop.is_cancelled:
            self._tell(ErrorCode.SHIPPED_AFTER_CANCEL, slip, units=missing.total())
            return
        for why in self._blocked.take(missing):
            self._tell(why.code, slip, units=why.units, **why.details)

    def _tell_carrier(self, slip: PackingSlip) -> None:
        """Tells a carrier once whose tracking page Shopify cannot know."""
        company = tracking_company(slip, self._rules)
        if company in self._told_carriers or is_known_to_shopify(company) or all(each.url for each in slip.tracking):
            return
        self._told_carriers.add(company)
        self._tell(ErrorCode.SHIPPED_BY_UNKNOWN_CARRIER, slip, carrier=company)

    def _tell(self, code: ErrorCode, slip: PackingSlip, **details: object) -> None:
        refused = RefusedError(code, slip=slip.number, sales_order=slip.sales_order, store=self._rules.key, **details)
        self._findings.append(refused)


def _opened(slip: PackingSlip, taken: Taken) -> list[ShipmentStep]:
    return [OpenFulfillmentOrder(slip.key, order.id) for order in taken if order.status == SCHEDULED]


def _has_tracking(part: SentPart, slip: PackingSlip, company: str) -> bool:
    """Whether the fulfilment has the slip's numbers, and where it is known what was sent, its carrier and addresses."""
    if numbers_of(part.tracking) != numbers_of(slip.tracking):
        return False
    return part.company is None or (part.company, part.tracking) == (company, slip.tracking)
