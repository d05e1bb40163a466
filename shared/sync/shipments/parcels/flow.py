"""The shipments of one order: Shopify's fulfilments become what F&O's packing slips say, in the order's session.

Both sides are read, the next steps are planned and carried out, and planned again, until nothing is left to do. What
Shopify has after a fulfilment or a tracking number is known from the step, so that an order that ships costs one read
and one write; after any other step, or one whose outcome is unknown, Shopify is read again.
Shopify's fulfilments have no field for a slip and its mutation takes no idempotency key, so that what is about to be
made is stored first: after an attempt whose outcome is unknown, the fulfilment is found by its units.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from shared.d365.packing_slips import references_of
from shared.errors import ErrorCode, NotYetError, OutcomeUnknownError, RefusedError
from shared.mapping.shipments.parcels.adoption import adopt
from shared.mapping.shipments.parcels.advance import with_fulfillment, with_tracking
from shared.mapping.shipments.parcels.lines import line_ids_of
from shared.mapping.shipments.parcels.plan import ShipmentPlan, plan_shipments
from shared.mapping.shipments.parcels.steps import (
    CancelFulfillment,
    CreateFulfillment,
    MoveFulfillmentOrder,
    OpenFulfillmentOrder,
    ShipmentStep,
    UpdateTracking,
)
from shared.model import PackingSlip, SentPart, SentSlip, ShopShipments
from shared.rules import StoreRules
from shared.shopify.admin.client import AdminClient
from shared.shopify.shipments import (
    cancel_fulfillment,
    create_fulfillment,
    move_units,
    open_fulfillment_order,
    read_shipments,
    update_tracking,
)
from shared.store.links import OrderLink
from shared.store.shipments import Shipments, StoredSlip
from shared.sync.shipments.converged import ConvergedPart
from shared.sync.shipments.parcels.pick_up import PickUpNotices, may_be_picked
from shared.sync.shipments.parcels.slips import slips_of
from shared.sync.shipments.ports import ShipmentPorts

_ROUNDS: Final = 40
"""Plans for one event: each slip may be cancelled, opened, moved, made and tracked, and moves are made one by one."""
_NEXT_PARCEL: Final = timedelta(hours=2)
"""How long a slip that has a tracking number is asked for those of further parcels."""
_SETTLING: Final = timedelta(seconds=20)
"""Until Shopify shows a fulfilment that it may be making, before the order is read again."""


@dataclass(slots=True)
class ShipmentReport:
    """What one event did."""

    made: int = 0
    cancelled: int = 0
    tracked: int = 0
    moved: int = 0
    told: int = 0
    slips: list[str] = field(default_factory=list)

    @property
    def note(self) -> str:
        done = [
            f"{count} {what}"
            for count, what in (
                (self.made, "fulfilments made"),
                (self.cancelled, "fulfilments cancelled"),
                (self.tracked, "given other tracking numbers"),
                (self.moved, "fulfilment orders moved or opened"),
                (self.told, "told to be ready for pick-up"),
            )
            if count
        ]
        return f"shipments: {', '.join(done)}" if done else "Shopify has all shipments"

    @property
    def evidence(self) -> Mapping[str, object]:
        return {"slips": self.slips} if self.slips else {}


async def converge_shipments(link: OrderLink, rules: StoreRules, ports: ShipmentPorts) -> ConvergedPart:
    """Its findings are what cannot be shown, after all that can be is. It waits while a slip waits for its tracking
    number.

    Raises RefusedError for an order that Shopify does not have, OutcomeUnknownError and what the clients raise.
    """
    return await _Shipping(link, rules, ports).run()


class _Shipping:
    def __init__(self, link: OrderLink, rules: StoreRules, ports: ShipmentPorts) -> None:
        self._link = link
        self._rules = rules
        self._shipments: Shipments = ports.shipments
        self._pick_up = PickUpNotices(link, rules, ports)
        self._admin: AdminClient = ports.admins[rules.key]
        self._fo = ports.fo
        self._now = ports.now
        self._slips: list[PackingSlip] = []
        self._stored: dict[str, StoredSlip] = {}
        self._refused: dict[str, RefusedError] = {}
        """By the key of the slip: what Shopify has refused of it."""
        self._report = ShipmentReport()

    async def run(self) -> ConvergedPart:
        link = self._link
        self._slips = await slips_of(self._fo, self._rules, link.company, link.numbers)
        self._stored = await self._shipments.of_order(link.store, link.order_id)
        if not self._slips and not self._stored and not may_be_picked(link, self._rules):
            return self._end(ShipmentPlan(()))
        self._report.slips = sorted(slip.key for slip in self._slips)
        await self._refuse_hidden()
        shop: ShopShipments | None = None
        for _ in range(_ROUNDS):
            shop = shop or await self._read()
            plan = self._plan(shop)
            if not plan.steps:
                for key in plan.waiting:
                    await self._put(key, self._slip(key), sales_order=self._sales_order(key), is_waiting=True)
                return self._end(plan)
            shop = await self._carry_out_all(plan.steps, shop)
        raise RefusedError(ErrorCode.SHIPMENT_REFUSED, message=f"the order still differs after {_ROUNDS} attempts")

    async def _refuse_hidden(self) -> None:
        """A packing slip that F&O does not have any more was cancelled. Not where its sales order is gone as well: that
        was archived or deleted, or is hidden from the app, and its goods have left all the same.

        Raises RefusedError SHIPPED_ORDER_HIDDEN.
        """
        there = {slip.key for slip in self._slips}
        gone = {each.sales_order for key, each in self._stored.items() if each.slip.parts and key not in there} - {""}
        hidden = gone - (await references_of(self._fo, self._link.company, gone)).keys()
        if hidden:
            raise RefusedError(ErrorCode.SHIPPED_ORDER_HIDDEN, sales_order=", ".join(sorted(hidden)))

    async def _read(self) -> ShopShipments:
        shop = await read_shipments(self._admin, self._link.order_id)
        if shop is None:
            raise RefusedError(ErrorCode.ORDER_GONE, order=self._link.order_id)
        await self._adopt(shop)
        await self._pick_up.tell(shop, self._slips, line_ids_of(self._link.sources))
        return shop

    def _plan(self, shop: ShopShipments) -> ShipmentPlan:
        return plan_shipments(
            self._slips,
            {key: stored.slip for key, stored in self._stored.items()},
            shop,
            self._rules,
            line_ids=line_ids_of(self._link.sources),
            written=self._link.sources.keys(),
            now=self._now(),
            refused=self._refused.keys(),
        )

    def _end(self, plan: ShipmentPlan) -> ConvergedPart:
        wait = None
        if plan.wait_until is not None:
            after = max(plan.wait_until - self._now(), timedelta(0))
            wait = NotYetError("a packing slip waits for its tracking number", retry_after=after)
        findings = (*self._refused.values(), *plan.findings, *self._pick_up.findings)
        self._report.told = self._pick_up.told
        return ConvergedPart(self._pick_up.link, self._report.note, self._report.evidence, findings=findings, wait=wait)

    async def _adopt(self, shop: ShopShipments) -> None:
        """Finds out what became of fulfilments that an attempt was about to make, and forgets cancelled ones."""
        tracking = {slip.key: slip.tracking for slip in self._slips}
        cancelled = {each.id for each in shop.fulfillments if not each.is_active}
        for key, stored in list(self._stored.items()):
            slip = stored.slip
            if slip.intent or slip.tells:
                slip = adopt(slip, shop.fulfillments, tracking.get(key, ()))
            live = tuple(part for part in slip.parts if part.fulfillment_id not in cancelled)
            if (slip, live) != (stored.slip, stored.slip.parts):
                await self._put(key, replace(slip, parts=live))

    async def _carry_out_all(self, steps: Iterable[ShipmentStep], shop: ShopShipments) -> ShopShipments | None:
        """What Shopify has then; None where only Shopify knows."""
        after: ShopShipments | None = shop
        for step in steps:
            key = step.slip.key if isinstance(step, CancelFulfillment) else step.key
            if key in self._refused:
                continue
            try:
                known = await self._carry_out(step, shop)
            except RefusedError as refusal:
                self._refused[key] = refusal
            else:
                shop = known or shop
                after = known and after and shop
        return after

    async def _carry_out(self, step: ShipmentStep, shop: ShopShipments) -> ShopShipments | None:
        match step:
            case CancelFulfillment(slip, part):
                await cancel_fulfillment(self._admin, part.fulfillment_id)
                left = tuple(each for each in slip.parts if each.fulfillment_id != part.fulfillment_id)
                await self._put(slip.key, replace(self._slip(slip.key), parts=left))
                self._report.cancelled += 1
            case OpenFulfillmentOrder(_, order):
                await open_fulfillment_order(self._admin, order)
                self._report.moved += 1
            case MoveFulfillmentOrder(_, order, location, units):
                await move_units(self._admin, order, location, units)
                self._report.moved += 1
            case CreateFulfillment():
                made = await self._create(step, shop)
                self._report.made += 1
                return with_fulfillment(shop, step, made)
            case UpdateTracking():
                await self._track(step)
                self._report.tracked += 1
                return with_tracking(shop, step)
        return None

    async def _create(self, step: CreateFulfillment, shop: ShopShipments) -> int:
        seen = tuple(each.id for each in shop.fulfillments)
        sent = replace(self._slip(step.key), intent=step.units, tells=step.is_told, seen=seen)
        await self._put(step.key, sent, sales_order=self._sales_order(step.key))
        try:
            made = await create_fulfillment(self._admin, step.orders, step.tracking, step.company, notify=step.is_told)
        except OutcomeUnknownError as unknown:
            raise OutcomeUnknownError(unknown.reason, retry_after=_SETTLING) from unknown
        except RefusedError:
            await self._put(step.key, replace(sent, intent={}, tells=False, seen=()))
            raise
        part = SentPart(fulfillment_id=made, units=step.units, tracking=step.tracking, company=step.company)
        await self._put(
            step.key,
            SentSlip(key=step.key, parts=(*sent.parts, part), is_told=sent.is_told or step.is_told),
        )
        return made

    async def _track(self, step: UpdateTracking) -> None:
        sent = self._slip(step.key)
        number = step.part.fulfillment_id
        if step.is_told:
            await self._put(step.key, replace(sent, tells=True))
        await update_tracking(self._admin, number, step.tracking, step.company, notify=step.is_told)
        parts = tuple(
            replace(each, tracking=step.tracking, company=step.company) if each.fulfillment_id == number else each
            for each in sent.parts
        )
        await self._put(step.key, replace(sent, parts=parts, is_told=sent.is_told or step.is_told))

    def _slip(self, key: str) -> SentSlip:
        stored = self._stored.get(key)
        return stored.slip if stored is not None else SentSlip(key=key)

    def _sales_order(self, key: str) -> str:
        return next(slip.sales_order for slip in self._slips if slip.key == key)

    async def _put(self, key: str, slip: SentSlip, *, sales_order: str = "", is_waiting: bool = False) -> None:
        """`is_waiting`: for its tracking number, before it is shown."""
        stored = self._stored.get(key)
        if stored is None:
            stored = StoredSlip(self._link.store, self._link.order_id, slip, sales_order)
        until = stored.ask_until
        if is_waiting or slip.parts:
            is_tracked = not is_waiting and all(part.tracking for part in slip.parts)
            until = self._ask_until(until, is_tracked=is_tracked)
        self._stored[key] = await self._shipments.put(replace(stored, slip=slip, ask_until=until))

    def _ask_until(self, known: datetime | None, *, is_tracked: bool) -> datetime:
        """`known` is from before. Once it has a number only a parcel that is packed a little later may follow."""
        longest = timedelta(days=self._rules.shipments.tracking_days)
        if not is_tracked:
            return known or self._now() + longest
        soon = self._now() + min(_NEXT_PARCEL, longest)
        return min(known, soon) if known is not None else soon
