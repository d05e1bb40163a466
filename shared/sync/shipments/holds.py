"""The holds of one order: each is copied to the other system, as far as the store's rules say, and goes with it.

Both sides are read, the next steps are planned and carried out, and both are read again: a hold that ended meanwhile
leaves no copy. Whether an order whose hold in Shopify ended may go on in F&O is decided by the flow of orders, which
knows every other reason to hold it: it gets an event for that.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from shared.bus.envelope import HEALING, Envelope
from shared.d365.order_changes import read_fo_order
from shared.d365.order_holds import read_fo_holds
from shared.errors import ErrorCode, RefusedError
from shared.flows import ORDERS
from shared.mapping.orders.holds import holdable
from shared.mapping.shipments.holds import HANDLES, HoldStep, PlaceHold, ReleaseHolds, plan_holds
from shared.mapping.shopify.events import naming_body
from shared.model import HoldOrigin, HoldReason, HoldRecord, Part
from shared.rules import StoreRules
from shared.shopify.holds import place_hold, read_holds, release_holds
from shared.store.links import OrderLink
from shared.sync.orders.safety import hold_all
from shared.sync.shipments.converged import ConvergedPart
from shared.sync.shipments.ports import ShipmentPorts

SHOP_HOLD_ENDED: Final = "holds/ended"
"""The topic of an event after which the flow of orders decides whether the order stays held in F&O."""
_ROUNDS: Final = 4
"""Plans for one event. One is enough, unless holds change at the same moment."""


async def converge_holds(link: OrderLink, rules: StoreRules, ports: ShipmentPorts) -> ConvergedPart:
    """Its findings are holds that cannot be copied, and those whose copy a person released.

    Raises RefusedError for what Shopify refuses, OutcomeUnknownError and what the clients raise.
    """
    is_nothing_to_do = not (rules.holds.to_shopify or rules.holds.from_shopify or link.holds)
    if is_nothing_to_do and link.held != HoldReason.SHOP:
        return ConvergedPart(link, "")
    return await _Holding(link, rules, ports).run()


class _Holding:
    def __init__(self, link: OrderLink, rules: StoreRules, ports: ShipmentPorts) -> None:
        self._link = link
        self._rules = rules
        self._ports = ports
        self._admin = ports.admins[rules.key]
        self._notes: list[str] = []

    async def run(self) -> ConvergedPart:
        for _ in range(_ROUNDS):
            standing = await self._standing_in_fo()
            shop = await read_holds(self._admin, self._link.order_id)
            rules = self._rules.holds
            plan = plan_holds(standing, shop, self._link.holds, rules, sales_order=self._link.sales_order)
            await self._store(plan.record)
            await self._follow_shopify()
            if not plan.steps:
                same = "" if plan.findings else "both systems have the same holds"
                return ConvergedPart(self._link, "; ".join(self._notes) or same, findings=plan.findings)
            for step in plan.steps:
                await self._carry_out(step)
        raise RefusedError(ErrorCode.HOLD_REFUSED, message=f"the holds still differ after {_ROUNDS} attempts")

    async def _standing_in_fo(self) -> frozenset[HoldOrigin]:
        """F&O's own holds that the rules copy. The flag is the app's where the link says so."""
        copied, link = self._rules.holds.to_shopify, self._link
        if not copied or link.given_up:
            return frozenset()
        numbers = link.numbers
        found = await read_fo_holds(self._ports.fo, link.company, numbers, credit=HoldOrigin.CREDIT in copied)
        stands = {
            HoldOrigin.CREDIT: found.is_in_credit_control,
            HoldOrigin.STAFF: found.is_stopped and not link.held,
        }
        return frozenset(origin for origin in copied if stands[origin])

    async def _store(self, record: HoldRecord) -> None:
        """A release from Shopify's hold ends with the hold."""
        released = self._link.released
        if not record.is_held_in_shop:
            released = {reason: why for reason, why in released.items() if reason != HoldReason.SHOP}
        if (record, released) != (self._link.holds, self._link.released):
            self._link = await self._ports.links.put(replace(self._link, holds=record, released=released))

    async def _follow_shopify(self) -> None:
        """Holds the sales order in F&O for Shopify's hold, or has it released."""
        link = self._link
        if link.given_up:
            return
        if not link.holds.is_held_in_shop:
            if link.held == HoldReason.SHOP:
                await self._end()
            return
        is_unfinished = link.held == HoldReason.SHOP and link.is_holding
        if HoldReason.SHOP in link.released or (link.held and not is_unfinished):
            return
        fo = await read_fo_order(self._ports.fo, link.company, link.numbers)
        numbers = holdable(fo, link.sources) if fo is not None else []
        if numbers:
            self._link = await hold_all(numbers, link, HoldReason.SHOP, self._ports.fo, self._ports.links)
            self._notes.append(f"held in F&O: {', '.join(numbers)}")
        elif is_unfinished:
            self._link = await self._ports.links.put(replace(link, is_holding=False))

    async def _end(self) -> None:
        """A change that a person has to decide keeps the order held; else the flow of orders decides."""
        link = self._link
        if link.parked_parts & {Part.ORDER, Part.READING}:
            self._link = await self._ports.links.put(replace(link, held=HoldReason.CHANGE))
            return
        now = self._ports.now()
        event = Envelope(
            flow=ORDERS.name,
            event_id=f"hold-ended-{link.store}-{link.order_id}-{now:%Y%m%dT%H%M%S%f}",
            source=HEALING,
            store=link.store,
            topic=SHOP_HOLD_ENDED,
            entity_id=str(link.order_id),
            occurred_at=now,
            traceparent="",
            body=naming_body(link.order_id),
        )
        await self._ports.queue.publish(event)
        self._notes.append("no longer held in Shopify: F&O follows")

    async def _carry_out(self, step: HoldStep) -> None:
        match step:
            case PlaceHold(order, origin):
                rule = self._rules.holds.to_shopify[origin]
                handle = HANDLES[origin]
                await place_hold(self._admin, order, handle=handle, reason=rule.reason, notes=rule.notes)
                self._notes.append(f"{origin} hold of F&O set in Shopify")
            case ReleaseHolds(order, ids):
                await release_holds(self._admin, order, ids)
                self._notes.append(f"{len(ids)} released in Shopify")
