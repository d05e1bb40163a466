"""What staff, other apps and third parties do to the fulfilment orders of an order, as steps.

`fulfillment_order` is an id; by default the first that is not closed.
"""

from collections.abc import Mapping
from typing import Any

from local.shopify.cart import CartError
from local.shopify.events import Event, find_line
from local.shopify.holding import Wish, hold, release_holds
from local.shopify.moving import Wanted, move
from local.shopify.order import Order
from local.shopify.routing import is_at_service
from local.shopify.shipping_records import FulfillmentOrder
from local.shopify.state import Shop


def hold_units(shop: Shop, order: Order, params: Mapping[str, Any]) -> list[Event]:
    """{fulfillment_order?, lines?: [{line, quantity}], reason?, notes?, handle?, app?: id of the app that holds}."""
    part = _part(order, params)
    units = _units(order, part, params)
    if units and part.holds:
        raise CartError("a part of a fulfilment order that is on hold cannot be held")
    wish = Wish(params.get("reason", "OTHER"), params.get("notes"), params.get("handle", ""), params.get("app"))
    return hold(shop, order, part, wish, units)[2]


def release(shop: Shop, order: Order, params: Mapping[str, Any]) -> list[Event]:
    """{fulfillment_order?, hold?: id}, by default all of its holds."""
    part = _part(order, params)
    chosen = [each for each in part.holds if params.get("hold") in (None, each.id)]
    if not chosen:
        raise CartError("there is no such hold")
    return release_holds(shop, order, part, chosen)


def move_units(shop: Shop, order: Order, params: Mapping[str, Any]) -> list[Event]:
    """{fulfillment_order?, to: location, lines?: [{line, quantity}]}."""
    part = _part(order, params)
    if params["to"] not in shop.locations or params["to"] == part.location_id:
        raise CartError("Cannot change location.")
    return move(shop, order, part, params["to"], _units(order, part, params))[1]


def progress(shop: Shop, order: Order, params: Mapping[str, Any]) -> list[Event]:
    """Staff report progress: {fulfillment_order?}."""
    part = _part(order, params)
    if part.status(shop.clock()) not in ("OPEN", "IN_PROGRESS"):
        raise CartError("Cannot report progress on a fulfillment order in this state.")
    part.in_progress, part.updated_at = True, shop.clock()
    return []


def service(shop: Shop, order: Order, params: Mapping[str, Any]) -> list[Event]:
    """What a third party was asked, or answered: {fulfillment_order?, status: submitted, accepted, rejected or closed}.

    An accepted one is in progress, as recorded; a closed one is incomplete.
    """
    part = _part(order, params)
    status = params["status"].upper()
    if not is_at_service(shop, part) or status not in ("SUBMITTED", "ACCEPTED", "REJECTED", "CLOSED"):
        raise CartError(f"the fulfilment order cannot be {status}")
    part.request_status, part.updated_at = status, shop.clock()
    part.in_progress = status == "ACCEPTED"
    return []


def _part(order: Order, params: Mapping[str, Any]) -> FulfillmentOrder:
    wanted = params.get("fulfillment_order")
    found = [each for each in order.fulfillment_orders if not each.is_closed and wanted in (None, each.id)]
    if not found:
        raise CartError("there is no such open fulfilment order")
    return found[0]


def _units(order: Order, part: FulfillmentOrder, params: Mapping[str, Any]) -> Wanted | None:
    units = []
    for each in params.get("lines", []):
        row = part.line(find_line(order, each["line"]).id)
        if row is None or not 1 <= each["quantity"] <= row.remaining:
            raise CartError("Invalid fulfillment order line item quantity requested.")
        units.append((row, each["quantity"]))
    return units or None
