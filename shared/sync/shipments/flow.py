"""The shipments of one order: Shopify's fulfilments become what F&O's packing slips say, in the order's session.

Both sides are read, the next steps are planned and carried out, and both are read again, until nothing is left to do.
Shopify's fulfilments have no field for a slip and its mutation takes no idempotency key, so that what is about to be
made is stored first: after an attempt whose outcome is unknown, the fulfilment is found by its units.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from shared.d365.packing_slips import read_slips
from shared.errors import ErrorCode, NotYetError, OutcomeUnknownError, RefusedError
from shared.mapping.shipments.plan import (
    CancelFulfillment,
    CreateFulfillment,
    MoveFulfillmentOrder,
    OpenFulfillmentOrder,
    ShipmentPlan,
    ShipmentStep,
    UpdateTracking,
    adopt,
    plan_shipments,
)
from shared.model import Component, PackingSlip, SentPart, SentSlip, ShopShipments
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
from shared.sync.shipments.converged import Converged
from shared.sync.shipments.ports import ShipmentPorts

_ROUNDS: Final = 12
"""Plans for one event: each slip may be cancelled, moved, made and tracked, one kind of step after another."""
_SETTLING: Final = timedelta(seconds=20)
"""Until Shopify shows a fulfilment that it may be making, before the order is read again."""
_GOODS: Final = f"{Component.PRODUCTS}:", f"{Component.CUSTOM_LINES}:"
"""Sources of lines that Shopify has something to fulfil for."""


@dataclass(slots=True)
class ShipmentReport:
    """What one event did."""

    made: int = 0
    cancelled: int = 0
    tracked: int = 0
    moved: int = 0
    findings: tuple[RefusedError, ...] = ()
    wait_until: datetime | None = None
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
            )
            if count
        ]
        return f"shipments: {', '.join(done)}" if done else "Shopify has all shipments"

    @property
    def evidence(self) -> Mapping[str, object]:
        return {"slips": self.slips} if self.slips else {}


async def converge_shipments(link: OrderLink, rules: StoreRules, ports: ShipmentPorts) -> Converged:
    """Raises RefusedError for what cannot be shown (after all that can be is), NotYetError while a slip waits for its
    tracking number, OutcomeUnknownError and what the clients raise.
    """
    report = await _Shipping(link, rules, ports).run()
    return Converged(link, report.note, report.evidence)


class _Shipping:
    def __init__(self, link: OrderLink, rules: StoreRules, ports: ShipmentPorts) -> None:
        self._link = link
        self._rules = rules
        self._shipments: Shipments = ports.shipments
        self._admin: AdminClient = ports.admins[rules.key]
        self._fo = ports.fo
        self._now = ports.now
        self._stored: dict[str, StoredSlip] = {}
        self._report = ShipmentReport()

    async def run(self) -> ShipmentReport:
        link = self._link
        slips = await read_slips(self._fo, link.company, link.numbers)
        self._stored = await self._shipments.of_order(link.store, link.order_id)
        if not slips and not self._stored:
            return self._report
        self._report.slips = sorted(slip.key for slip in slips)
        for _ in range(_ROUNDS):
            shop = await read_shipments(self._admin, link.order_id)
            if shop is None:
                raise RefusedError(ErrorCode.ORDER_GONE, order=link.order_id)
            await self._adopt(shop, slips)
            plan = self._plan(slips, shop)
            if not plan.steps:
                return self._end(plan)
            for step in plan.steps:
                await self._carry_out(step, shop, slips)
        raise RefusedError(ErrorCode.SHIPMENT_REFUSED, message=f"the order still differs after {_ROUNDS} attempts")

    def _plan(self, slips: list[PackingSlip], shop: ShopShipments) -> ShipmentPlan:
        return plan_shipments(
            slips,
            {key: stored.slip for key, stored in self._stored.items()},
            shop,
            self._rules,
            line_ids=line_ids_of(self._link),
            now=self._now(),
        )

    def _end(self, plan: ShipmentPlan) -> ShipmentReport:
        self._report.findings, self._report.wait_until = plan.findings, plan.wait_until
        if plan.findings:
            raise plan.findings[0]
        if plan.wait_until is not None:
            wait = plan.wait_until - self._now()
            raise NotYetError("a packing slip waits for its tracking number", retry_after=max(wait, timedelta(0)))
        return self._report

    async def _adopt(self, shop: ShopShipments, slips: list[PackingSlip]) -> None:
        """Finds out what became of fulfilments that an earlier attempt was about to make."""
        tracking = {slip.key: slip.tracking for slip in slips}
        for key, stored in list(self._stored.items()):
            if stored.slip.intent or stored.slip.tells:
                await self._put(key, adopt(stored.slip, shop.fulfillments, tracking.get(key, ())))

    async def _carry_out(self, step: ShipmentStep, shop: ShopShipments, slips: list[PackingSlip]) -> None:
        match step:
            case CancelFulfillment(slip, part):
                await cancel_fulfillment(self._admin, part.fulfillment_id)
                left = tuple(each for each in slip.parts if each.fulfillment_id != part.fulfillment_id)
                await self._put(slip.key, replace(self._slip(slip.key), parts=left))
                self._report.cancelled += 1
            case OpenFulfillmentOrder(order):
                await open_fulfillment_order(self._admin, order)
                self._report.moved += 1
            case MoveFulfillmentOrder(order, location, units):
                await move_units(self._admin, order, location, units)
                self._report.moved += 1
            case CreateFulfillment():
                await self._create(step, shop, slips)
                self._report.made += 1
            case UpdateTracking(key, part, tracking, company, is_told):
                sent = self._slip(key)
                if is_told:
                    await self._put(key, replace(sent, tells=True))
                await update_tracking(self._admin, part.fulfillment_id, tracking, company, notify=is_told)
                parts = tuple(
                    replace(each, tracking=tracking) if each.fulfillment_id == part.fulfillment_id else each
                    for each in sent.parts
                )
                await self._put(key, replace(sent, parts=parts, is_told=sent.is_told or is_told))
                self._report.tracked += 1

    async def _create(self, step: CreateFulfillment, shop: ShopShipments, slips: list[PackingSlip]) -> None:
        sales_order = next(slip.sales_order for slip in slips if slip.key == step.key)
        seen = tuple(each.id for each in shop.fulfillments)
        sent = replace(self._slip(step.key), intent=step.units, tells=step.is_told, seen=seen)
        await self._put(step.key, sent, sales_order=sales_order)
        try:
            made = await create_fulfillment(self._admin, step.orders, step.tracking, step.company, notify=step.is_told)
        except OutcomeUnknownError as unknown:
            raise OutcomeUnknownError(unknown.reason, retry_after=_SETTLING) from unknown
        except RefusedError:
            await self._put(step.key, replace(sent, intent={}, tells=False, seen=()))
            raise
        part = SentPart(fulfillment_id=made, units=step.units, tracking=step.tracking)
        await self._put(
            step.key,
            SentSlip(key=step.key, parts=(*sent.parts, part), is_told=sent.is_told or step.is_told),
        )

    def _slip(self, key: str) -> SentSlip:
        stored = self._stored.get(key)
        return stored.slip if stored is not None else SentSlip(key=key)

    async def _put(self, key: str, slip: SentSlip, *, sales_order: str = "") -> None:
        stored = self._stored.get(key)
        if stored is None:
            stored = StoredSlip(self._link.store, self._link.order_id, slip, sales_order)
        is_untracked = any(not part.tracking for part in slip.parts)
        since = (stored.untracked_since or self._now()) if is_untracked else None
        self._stored[key] = await self._shipments.put(replace(stored, slip=slip, untracked_since=since))


def line_ids_of(link: OrderLink) -> dict[str, int]:
    """InventoryLotId -> order line in Shopify, of the lines that are goods."""
    return {lot: int(source.rpartition(":")[2]) for lot, source in link.sources.items() if source.startswith(_GOODS)}
