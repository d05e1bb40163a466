"""Holds of fulfilment orders: of all units, or of some, which splits the fulfilment order."""

from dataclasses import dataclass
from typing import Any

from local.shopify.events import Event
from local.shopify.ids import APP_ID, gid
from local.shopify.moving import Wanted, merge, split
from local.shopify.order import Order
from local.shopify.shipping_records import FulfillmentOrder, Hold, RoutingChange
from local.shopify.state import Shop


@dataclass(frozen=True, slots=True)
class Wish:
    """A hold that is to be placed. `app` None: staff place it."""

    reason: str
    notes: str | None
    handle: str
    app: int | None


def hold(
    shop: Shop, order: Order, part: FulfillmentOrder, wish: Wish, units: Wanted | None
) -> tuple[Hold, FulfillmentOrder | None, list[Event]]:
    """Hold the units, by default all. Those that stay free go to a new fulfilment order, which is given too."""
    free = _free(part, units) if units else []
    remainder = split(shop, order, part, free) if free else None
    held = [
        {"id": gid("FulfillmentOrderLineItem", row.id), "quantity": row.remaining}
        for row in part.lines
        if row.remaining
    ]
    made = Hold(shop.next_routing_id(), wish.reason, wish.notes, wish.handle, wish.app)
    part.holds.append(made)
    part.updated_at = shop.clock()
    if remainder:
        part.remainder_id = remainder.id
    placed = {
        "fulfillment_order": {
            "id": gid("FulfillmentOrder", part.id),
            "status": "on_hold",
            "fulfillment_holds": [_document(each) for each in part.holds],
        },
        "remaining_fulfillment_order": remainder and _status(shop, remainder),
        "held_fulfillment_order_line_items": held,
        "created_fulfillment_hold": _document(made),
    }
    events = [
        Event("fulfillment_orders/placed_on_hold", RoutingChange(placed)),
        Event("fulfillment_holds/added", RoutingChange(_about(part, made))),
    ]
    return made, remainder, events


def _free(part: FulfillmentOrder, units: Wanted) -> Wanted:
    """What a hold of these units leaves free."""
    held = {row.id: quantity for row, quantity in units}
    rows = [(row, row.remaining - held.get(row.id, 0)) for row in part.lines]
    return [(row, quantity) for row, quantity in rows if quantity]


def release_holds(shop: Shop, order: Order, part: FulfillmentOrder, holds: list[Hold]) -> list[Event]:
    """Release these holds. After the last one, the units that a partial hold left free come back, as recorded."""
    part.holds = [each for each in part.holds if each not in holds]
    part.updated_at = shop.clock()
    events = [Event("fulfillment_holds/released", RoutingChange(_about(part, each))) for each in holds]
    if part.holds or not holds:
        return events
    rest = next((each for each in order.fulfillment_orders if each.id == part.remainder_id), None)
    part.remainder_id = None
    if rest and rest.status(shop.clock()) == "OPEN" and rest.location_id == part.location_id:
        merge(shop, [part, rest])
    document = {"fulfillment_order": _status(shop, part)}
    return [*events, Event("fulfillment_orders/hold_released", RoutingChange(document))]


def _status(shop: Shop, part: FulfillmentOrder) -> dict[str, Any]:
    return {"id": gid("FulfillmentOrder", part.id), "status": part.status(shop.clock()).lower()}


def _about(part: FulfillmentOrder, made: Hold) -> dict[str, Any]:
    return {"fulfillment_order": {"id": gid("FulfillmentOrder", part.id)}, "fulfillment_hold": _document(made)}


def _document(made: Hold) -> dict[str, Any]:
    """A hold in a webhook, as the app sees it."""
    return {
        "id": gid("FulfillmentHold", made.id),
        "reason": made.reason.lower(),
        "reason_notes": made.notes,
        "held_by_requesting_app": made.app == APP_ID,
        "handle": made.handle,
        "held_by_app": None if made.app is None else {"id": gid("App", made.app)},
    }
