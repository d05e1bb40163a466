"""What staff and others than the app do to the fulfilments of an order, as steps."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from local.shopify.cart import CartError
from local.shopify.events import Event, find_line
from local.shopify.order import LineItem, Order
from local.shopify.shipping import (
    Parcel,
    cancel_fulfillment,
    fulfill_parcel,
    record_event,
    replace_tracking,
    tracking_of,
)
from local.shopify.shipping_records import Fulfillment, FulfillmentOrder, Tracking
from local.shopify.state import Shop


def fulfill(shop: Shop, order: Order, params: Mapping[str, Any]) -> list[Event]:
    """A parcel from each location: {lines?: [{line, quantity}], location_id?, tracking?, notify?}.

    By default all that can be fulfilled, at every location. `tracking`: {company?, number or numbers?, url or urls?}.
    """
    parts = [
        part
        for part in order.fulfillment_orders
        if part.status(shop.clock()) in ("OPEN", "IN_PROGRESS")
        and params.get("location_id") in (None, part.location_id)
    ]
    company, tracking = _tracking(params.get("tracking", {}))
    by_location: dict[int, list[tuple[FulfillmentOrder, LineItem, int]]] = {}
    for part, line, quantity in _units(order, parts, params.get("lines")):
        by_location.setdefault(part.location_id, []).append((part, line, quantity))
    if not by_location:
        raise CartError("nothing is left to fulfil")
    events: dict[str, list[Event]] = {}
    for units in by_location.values():
        parcel = Parcel(units, company, tracking, notify=params.get("notify", False))
        for event in fulfill_parcel(shop, order, parcel)[1]:
            events.setdefault(event.topic, []).append(event)
    # the order is fulfilled in part or as a whole by the last of its parcels
    topic = "orders/fulfilled" if "orders/fulfilled" in events else "orders/partially_fulfilled"
    return [events[topic][-1], *events["fulfillments/create"]]


def _units(
    order: Order, parts: Sequence[FulfillmentOrder], rows: Sequence[Mapping[str, Any]] | None
) -> list[tuple[FulfillmentOrder, LineItem, int]]:
    lines = {line.id: line for line in order.lines}
    if rows is None:
        return [(part, lines[row.line_id], row.remaining) for part in parts for row in part.lines if row.remaining]
    wanted = [(find_line(order, row["line"]), row["quantity"]) for row in rows]
    if not wanted:
        raise CartError("nothing is left to fulfil")
    if len({line.id for line, _ in wanted}) < len(wanted):
        raise CartError("a parcel has a line once only")
    units = []
    for line, quantity in wanted:
        if quantity < 1:
            raise CartError("Quantity must be greater than 0")
        left = quantity
        for part in parts:
            row = part.line(line.id)
            taken = min(left, row.remaining) if row else 0
            if taken:
                units.append((part, line, taken))
                left -= taken
        if left:
            raise CartError("Invalid fulfillment order line item quantity requested.")
    return units


def _tracking(given: Mapping[str, Any]) -> tuple[str | None, tuple[Tracking, ...]]:
    numbers = given.get("numbers", [given["number"]] if "number" in given else [])
    urls = given.get("urls", [given["url"]] if "url" in given else [])
    return given.get("company"), tracking_of(given.get("company"), numbers, urls)


def unfulfill(shop: Shop, order: Order, params: Mapping[str, Any]) -> list[Event]:
    """Cancel a fulfilment: {fulfillment?: id}, by default the last one that is not cancelled."""
    return cancel_fulfillment(shop, order, _fulfillment(order, params))


def track(shop: Shop, order: Order, params: Mapping[str, Any]) -> list[Event]:
    """Replace the tracking of a fulfilment: {fulfillment?, tracking, notify?}."""
    company, tracking = _tracking(params["tracking"])
    made = _fulfillment(order, params)
    return replace_tracking(shop, order, made, company, tracking, notify=params.get("notify", False))


def deliver(shop: Shop, order: Order, params: Mapping[str, Any]) -> list[Event]:
    """Something happened to a parcel: {fulfillment?, status?: DELIVERED, happened_at?}."""
    happened_at = datetime.fromisoformat(params["happened_at"]) if "happened_at" in params else shop.clock()
    return record_event(shop, _fulfillment(order, params), params.get("status", "DELIVERED"), {}, happened_at)[1]


def _fulfillment(order: Order, params: Mapping[str, Any]) -> Fulfillment:
    found = [each for each in order.fulfillments if params.get("fulfillment") == each.id]
    found = found or ([] if "fulfillment" in params else order.live_fulfillments)
    if not found:
        raise CartError("there is no such fulfilment")
    return found[-1]
