"""Webhooks that name a fulfilment order alone: its order is looked up, and the event goes on in the order's session.

Each ends in one event that names the order and the parts that may have changed. Sent again, it is the same event.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any, Final

from shared.bus.envelope import Envelope
from shared.errors import ErrorCode, RefusedError
from shared.mapping.shopify.events import fulfillment_order_of, is_of_own_hold
from shared.model import Part
from shared.rules import StoreRules
from shared.shopify.holds import order_of
from shared.sync.messages.outcome import Done
from shared.sync.shipments.moved_event import moved_event
from shared.sync.shipments.ports import ShipmentPorts

_HELD: Final = frozenset({"fulfillment_holds/added", "fulfillment_orders/placed_on_hold"})
"""Topics of a new hold. The others may also let a shipment go on that waits for them."""
_DIGITS: Final = 16


async def pass_on(envelope: Envelope, payload: Any, rules: StoreRules, ports: ShipmentPorts) -> Done:
    """Raises RefusedError ORDER_NOT_NAMED for a body that names no fulfilment order, and what the client does."""
    part = fulfillment_order_of(payload)
    if part is None:
        raise RefusedError(ErrorCode.ORDER_NOT_NAMED, topic=envelope.topic)
    if envelope.topic in _HELD:
        if not rules.holds.from_shopify:
            return Done("holds of Shopify are not copied: [holds]")
        if is_of_own_hold(payload):
            return Done("the app set this hold itself")
    order_id = await order_of(ports.admins[rules.key], part)
    if order_id is None:
        return Done(f"Shopify shows no fulfilment order {part}")
    parts = {Part.HOLDS} if envelope.topic in _HELD else {Part.HOLDS, Part.SHIPMENTS}
    digest = sha256(envelope.event_id.encode()).hexdigest()[:_DIGITS]
    await ports.queue.publish(moved_event(rules, order_id, parts, digest, envelope.occurred_at))
    return Done(f"goes on with order {order_id}")
