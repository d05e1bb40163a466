"""The mutations of fulfilments, with the user errors as recorded from live stores. Nothing is applied on an error."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from local.shopify.loading import find_fulfillment, find_fulfillment_order
from local.shopify.mutation_root import MutationRoot
from local.shopify.nodes import Request, not_simulated, parse_gid, require
from local.shopify.order import LineItem, Order
from local.shopify.order_nodes import OrderNode
from local.shopify.routing_nodes import FulfillmentNode, shipment_event
from local.shopify.shipping import (
    Parcel,
    cancel_fulfillment,
    fulfill_parcel,
    record_event,
    replace_tracking,
    tracking_of,
)
from local.shopify.shipping_records import Fulfillment, FulfillmentOrder, Tracking
from local.shopify.user_errors import user_error

NO_FULFILLMENT_ORDER = "Fulfillment order does not exist."
NO_LINE = "Fulfillment order line item does not exist."
BAD_QUANTITY = "Invalid fulfillment order line item quantity requested."
_ADDRESS = ("address1", "address2", "city", "countryCode", "provinceCode", "zip")


def may_write(request: Request, location_id: int) -> bool:
    """Whether the token may change what is assigned to the location."""
    service = request.shop.locations[location_id].fulfillment_service
    kind = "merchant_managed" if service is None else "third_party"
    return f"write_{kind}_fulfillment_orders" in request.scopes


def find_writable(request: Request, number: int) -> tuple[Order, FulfillmentOrder] | None:
    """A fulfilment order that the token may change. Others do not exist for it: an assumption."""
    found = find_fulfillment_order(request, number)
    return found if found and may_write(request, found[1].location_id) else None


class FulfillmentMutations(MutationRoot):
    def fulfillment_create(self, fulfillment: dict[str, Any], message: str | None = None) -> dict[str, Any]:  # noqa: ARG002 - for a fulfilment service
        found, problem = _parcel(self._request, fulfillment)
        if found is None:
            return {"fulfillment": None, "userErrors": problem}
        order, parcel = found
        made, events = fulfill_parcel(self._request.shop, order, parcel)
        self._changed(order, events)
        return self._fulfillment(order, made)

    def fulfillment_tracking_info_update(
        self, fulfillment_id: str, tracking_info_input: dict[str, Any], *, notify_customer: bool | None = None
    ) -> dict[str, Any]:
        found = self._writable_fulfillment(fulfillment_id)
        company, tracking = _tracking(tracking_info_input)
        if found is None:
            return _no_fulfillment(["fulfillmentId"])
        order, made = found
        events = replace_tracking(self._request.shop, order, made, company, tracking, notify=bool(notify_customer))
        self._changed(order, events)
        return self._fulfillment(order, made)

    def fulfillment_cancel(self, id_: str) -> dict[str, Any]:
        access = self._request.schema.access("Mutation", "fulfillmentCreate")
        assert access is not None
        require(self._request, "fulfillmentCancel", access)
        found = self._writable_fulfillment(id_)
        if found is None:
            return {"fulfillment": None, "userErrors": [user_error(["id"], "Fulfillment not found.")]}
        order, made = found
        events = cancel_fulfillment(self._request.shop, order, made)
        if events:
            self._changed(order, events)
        return self._fulfillment(order, made)

    def fulfillment_event_create(self, fulfillment_event: dict[str, Any]) -> dict[str, Any]:
        number = parse_gid(fulfillment_event["fulfillmentId"], "Fulfillment")
        found = find_fulfillment(self._request, number)
        if found is None:
            problem = user_error(["fulfillmentEvent", "fulfillmentId"], "Fulfillment does not exist.")
            return {"fulfillmentEvent": None, "userErrors": [problem]}
        order, made = found
        given = {key: value for key, value in fulfillment_event.items() if value is not None}
        if "estimatedDeliveryAt" in given:
            given["estimatedDeliveryAt"] = datetime.fromisoformat(given["estimatedDeliveryAt"])
        happened_at = (
            datetime.fromisoformat(given["happenedAt"]) if "happenedAt" in given else self._request.shop.clock()
        )
        happened, events = record_event(self._request.shop, made, given["status"], given, happened_at)
        self._changed(order, events)
        return {"fulfillmentEvent": shipment_event(happened), "userErrors": []}

    def _writable_fulfillment(self, id_: str) -> tuple[Order, Fulfillment] | None:
        found = find_fulfillment(self._request, parse_gid(id_, "Fulfillment"))
        return found if found and may_write(self._request, found[1].location_id) else None

    def _fulfillment(self, order: Order, made: Fulfillment) -> dict[str, Any]:
        node = FulfillmentNode(OrderNode(self._request, order), order, made)
        return {"fulfillment": node, "userErrors": []}


def _no_fulfillment(field: list[str]) -> dict[str, Any]:
    return {"fulfillment": None, "userErrors": [user_error(field, "Fulfillment does not exist.")]}


type _Problems = list[dict[str, Any]]


def _parcel(request: Request, given: Mapping[str, Any]) -> tuple[tuple[Order, Parcel] | None, _Problems]:
    """What is to be fulfilled, or what is wrong. Quantities are looked at before anything else, as recorded."""
    rows = given["lineItemsByFulfillmentOrder"]
    if not rows:
        raise not_simulated("fulfillmentCreate without fulfillment orders")
    numbers = [parse_gid(row["fulfillmentOrderId"], "FulfillmentOrder") for row in rows]
    zero = [
        user_error(
            ["fulfillment", "lineItemsByFulfillmentOrder", str(i), "fulfillmentOrderLineItems", str(j), "quantity"],
            "Quantity must be greater than 0",
        )
        for i, row in enumerate(rows)
        for j, item in enumerate(row.get("fulfillmentOrderLineItems") or [])
        if item["quantity"] < 1
    ]
    if zero:
        return None, zero
    found = [find_writable(request, number) for number in numbers]
    known = [each for each in found if each]
    problem = NO_FULFILLMENT_ORDER if len(known) < len(found) else _mixed(known) or _unfulfillable(request, known)
    if problem:
        return None, [user_error(["fulfillment"], problem)]
    order = known[0][0]
    units, problem = _units(order, [(part, row) for (_, part), row in zip(known, rows, strict=True)])
    if problem:
        return None, [user_error(["fulfillment"], problem)]
    company, tracking = _tracking(given.get("trackingInfo") or {})
    address = given.get("originAddress")
    parcel = Parcel(
        units,
        company,
        tracking,
        notify=bool(given.get("notifyCustomer")),
        origin_address=address and {key: address.get(key) for key in _ADDRESS},
    )
    return (order, parcel), []


def _mixed(found: Sequence[tuple[Order, FulfillmentOrder]]) -> str | None:
    orders = list(dict.fromkeys(order.id for order, _ in found))
    if len(orders) > 1:
        return f"All fulfillment orders must belong to the same order. Multiple orders with ids {orders} were found."
    locations = list(dict.fromkeys(part.location_id for _, part in found))
    if len(locations) > 1:
        return (
            "All fulfillment orders must be assigned to a single location. "
            f"Multiple locations with ids {locations} were found."
        )
    return None


def _unfulfillable(request: Request, found: Sequence[tuple[Order, FulfillmentOrder]]) -> str | None:
    for _, part in found:
        status = part.status(request.shop.clock())
        if status not in ("OPEN", "IN_PROGRESS"):
            return f"Fulfillment order {part.id} has an unfulfillable status= {status.lower()}."
    return None


def _units(
    order: Order, rows: Sequence[tuple[FulfillmentOrder, Mapping[str, Any]]]
) -> tuple[list[tuple[FulfillmentOrder, LineItem, int]], str | None]:
    """The units of each fulfilment order; all that remains where a row names no lines."""
    lines = {line.id: line for line in order.lines}
    wanted: dict[tuple[int, int], tuple[FulfillmentOrder, LineItem, int]] = {}
    for part, row in rows:
        all_of_it = [(each.id, each.remaining) for each in part.lines if each.remaining]
        items = row.get("fulfillmentOrderLineItems") or []
        asked = [(parse_gid(item["id"], "FulfillmentOrderLineItem"), item["quantity"]) for item in items]
        for number, quantity in asked or all_of_it:
            line = next((each for each in part.lines if each.id == number), None)
            if line is None:
                return [], NO_LINE
            _, _, before = wanted.get((part.id, number), (part, lines[line.line_id], 0))
            if before + quantity > line.remaining:
                return [], BAD_QUANTITY
            wanted[part.id, number] = (part, lines[line.line_id], before + quantity)
    return list(wanted.values()), None


def _tracking(given: Mapping[str, Any]) -> tuple[str | None, tuple[Tracking, ...]]:
    values = {key: value for key, value in given.items() if value is not None}
    if {"number", "numbers"} <= values.keys() or {"url", "urls"} <= values.keys():
        raise not_simulated("tracking with one number (or URL) and a list of them")
    numbers = values.get("numbers", [values["number"]] if "number" in values else [])
    urls = values.get("urls", [values["url"]] if "url" in values else [])
    return values.get("company"), tracking_of(values.get("company"), numbers, urls)
