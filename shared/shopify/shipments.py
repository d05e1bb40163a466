"""Reading what of an order can be fulfilled and what was, and making fulfilments."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from shared.errors import ErrorCode, RefusedError
from shared.model import Fulfillment, FulfillmentOrder, ParcelLine, ShopShipments, Tracking
from shared.shopify import queries
from shared.shopify.admin.answers import Json, user_errors
from shared.shopify.admin.client import AdminClient
from shared.shopify.gid import gid_of, number_of
from shared.shopify.paging import all_nodes

_SENT: Final = 100
"""Where shipments_state.graphql cuts off the fulfilments."""
_CANCELLED: Final = "CANCELLED"
_REQUESTED: Final = frozenset({"SUBMITTED", "ACCEPTED", "CANCELLATION_REQUESTED", "CANCELLATION_REJECTED"})
"""Request statuses of a fulfilment order that a fulfilment service has."""


async def read_shipments(admin: AdminClient, order_id: int) -> ShopShipments | None:
    """What Shopify has of the order, in one call for an ordinary one; None for an order that it does not have.

    Raises what AdminClient.run does, and RefusedError SHOPIFY_SHAPE for more fulfilments than Shopify lists.
    """
    gid = gid_of("Order", order_id)
    order: Json | None = (await admin.run(queries.load("shipments_state"), {"order": gid}))["order"]
    if order is None:
        return None
    sent: list[Json] = order["fulfillments"]
    if len(sent) >= _SENT:
        raise RefusedError(
            ErrorCode.SHOPIFY_SHAPE, what="shipments_state", problem=f"an order has {_SENT} fulfilments or more"
        )
    parts = await all_nodes(admin, {**order, "id": gid}, "fulfillmentOrders", "order", "shipments_further")
    orders = [
        _fulfillment_order(node, await all_nodes(admin, node, "lineItems", "fulfillmentOrder", "shipments_open_lines"))
        for node in parts
    ]
    fulfillments = [
        _fulfillment(node, await all_nodes(admin, node, "fulfillmentLineItems", "fulfillment", "order_parcel_lines"))
        for node in sent
    ]
    return ShopShipments(
        orders=tuple(orders), fulfillments=tuple(fulfillments), is_cancelled=order["cancelledAt"] is not None
    )


def _fulfillment_order(node: Json, lines: Iterable[Json]) -> FulfillmentOrder:
    location = node["assignedLocation"]["location"]
    method = node["deliveryMethod"]
    is_requested = node["requestStatus"] in _REQUESTED
    return FulfillmentOrder(
        id=number_of(node["id"]),
        status=node["status"],
        location_id=number_of(location["id"]) if location else None,
        actions=frozenset(each["action"] for each in node["supportedActions"]),
        lines=tuple(
            ParcelLine(number_of(line["id"]), number_of(line["lineItem"]["id"]), line["remainingQuantity"])
            for line in lines
        ),
        method=method["methodType"] if method else "SHIPPING",
        is_third_party=is_requested or bool(location and location["isFulfillmentService"]),
        is_requested=is_requested,
        holds=tuple((number_of(hold["id"]), hold["displayReason"]) for hold in node["fulfillmentHolds"]),
    )


def _fulfillment(node: Json, lines: Iterable[Json]) -> Fulfillment:
    units: Counter[int] = Counter()
    for line in lines:
        units[number_of(line["lineItem"]["id"])] += line["quantity"]
    return Fulfillment(
        id=number_of(node["id"]),
        is_active=node["status"] != _CANCELLED,
        units=dict(units),
        tracking=tuple(Tracking(each["number"] or "", each["url"] or "") for each in node["trackingInfo"]),
    )


async def create_fulfillment(
    admin: AdminClient,
    orders: Mapping[int, Mapping[int, int]],
    tracking: Sequence[Tracking],
    company: str,
    *,
    notify: bool,
) -> int:
    """The new fulfilment's id. `orders` has the units by fulfilment order and its line, all of one location.

    Raises RefusedError SHIPMENT_REFUSED with Shopify's words, and OutcomeUnknownError: Shopify takes no idempotency
    key, so that the order has to be read before another attempt.
    """
    fulfillment = {
        "lineItemsByFulfillmentOrder": [
            {
                "fulfillmentOrderId": gid_of("FulfillmentOrder", order),
                "fulfillmentOrderLineItems": [
                    {"id": gid_of("FulfillmentOrderLineItem", line), "quantity": count} for line, count in lines.items()
                ],
            }
            for order, lines in orders.items()
        ],
        "notifyCustomer": notify,
        **({"trackingInfo": _tracking_input(tracking, company)} if tracking else {}),
    }
    payload = (await admin.run(queries.load("shipments_create"), {"fulfillment": fulfillment}))["fulfillmentCreate"]
    _refuse(payload)
    return number_of(payload["fulfillment"]["id"])


async def update_tracking(
    admin: AdminClient, fulfillment_id: int, tracking: Sequence[Tracking], company: str, *, notify: bool
) -> None:
    """Raises RefusedError SHIPMENT_REFUSED."""
    variables = {
        "fulfillment": gid_of("Fulfillment", fulfillment_id),
        "tracking": _tracking_input(tracking, company),
        "notify": notify,
    }
    _refuse((await admin.run(queries.load("shipments_track"), variables))["fulfillmentTrackingInfoUpdate"])


async def cancel_fulfillment(admin: AdminClient, fulfillment_id: int) -> None:
    """Raises RefusedError SHIPMENT_REFUSED."""
    variables = {"fulfillment": gid_of("Fulfillment", fulfillment_id)}
    _refuse((await admin.run(queries.load("shipments_cancel"), variables))["fulfillmentCancel"])


async def open_fulfillment_order(admin: AdminClient, order: int) -> None:
    """Raises RefusedError SHIPMENT_REFUSED."""
    variables = {"order": gid_of("FulfillmentOrder", order)}
    _refuse((await admin.run(queries.load("shipments_open"), variables))["fulfillmentOrderOpen"])


async def move_units(admin: AdminClient, order: int, location_id: int, units: Mapping[int, int]) -> None:
    """Raises RefusedError SHIPMENT_REFUSED, for example where the location does not stock the item."""
    variables = {
        "order": gid_of("FulfillmentOrder", order),
        "location": gid_of("Location", location_id),
        "lines": [{"id": gid_of("FulfillmentOrderLineItem", line), "quantity": count} for line, count in units.items()],
    }
    _refuse((await admin.run(queries.load("shipments_move"), variables))["fulfillmentOrderMove"])


def _tracking_input(tracking: Iterable[Tracking], company: str) -> Json:
    """Shopify takes one carrier for all numbers, and addresses only for all of them or none."""
    parcels = list(tracking)
    urls = [each.url for each in parcels]
    return {
        **({"company": company} if company else {}),
        "numbers": [each.number for each in parcels],
        **({"urls": urls} if all(urls) else {}),
    }


def _refuse(payload: Json) -> None:
    errors = user_errors(payload)
    if errors:
        raise RefusedError(ErrorCode.SHIPMENT_REFUSED, message="; ".join(error.message for error in errors))
