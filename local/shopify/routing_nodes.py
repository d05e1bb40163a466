"""Fulfilment orders and fulfilments, as GraphQL objects. Each belongs to the node of its order, `owner`."""

from typing import Any

from local.shopify.catalogue_nodes import LocationNode
from local.shopify.ids import APP_ID, gid
from local.shopify.nodes import Connection, Node, Request, connect, first_of, money, utc
from local.shopify.order import LineItem, Order
from local.shopify.order_parts import LineItemNode
from local.shopify.routing import is_at_service, supported_actions
from local.shopify.shipping_records import (
    Fulfillment,
    FulfillmentLine,
    FulfillmentOrder,
    FulfillmentOrderLine,
    Hold,
    ShipmentEvent,
)
from local.shopify.stock import is_stocked

_REASONS = {
    "AWAITING_PAYMENT": "Awaiting payment",
    "AWAITING_RETURN_ITEMS": "Awaiting return items",
    "HIGH_RISK_OF_FRAUD": "High risk of fraud",
    "INCORRECT_ADDRESS": "Incorrect address",
    "INVENTORY_OUT_OF_STOCK": "Inventory out of stock",
    "ONLINE_STORE_POST_PURCHASE_CROSS_SELL": "Online store post purchase cross sell",
    "OTHER": "Other",
    "UNKNOWN_DELIVERY_DATE": "Unknown delivery date",
}


def is_visible(request: Request, part: FulfillmentOrder) -> bool:
    """Whether the token may see it: each kind of location has a scope of its own."""
    kind = "third_party" if is_at_service(request.shop, part) else "merchant_managed"
    return f"read_{kind}_fulfillment_orders" in request.scopes


class FulfillmentOrderNode(Node):
    """Units of an order at the location that they are assigned to."""

    typename = "FulfillmentOrder"

    def __init__(self, owner: Node, order: Order, part: FulfillmentOrder) -> None:
        super().__init__(owner.request)
        self._owner, self._order, self._part = owner, order, part
        self.order = owner
        self.id = gid("FulfillmentOrder", part.id)
        self.order_id = gid("Order", order.id)
        self.order_name = order.name
        self.status = part.status(self.shop.clock())
        self.request_status = part.request_status
        self.fulfillment_holds = [hold_node(each) for each in part.holds]
        self.fulfill_by = None
        self.fulfill_at = utc(part.fulfill_at)
        self.created_at, self.updated_at = utc(part.created_at), utc(part.updated_at)
        self.order_processed_at = utc(order.created_at)

    def assigned_location(self) -> dict[str, Any]:
        location = self.shop.locations[self._part.location_id]
        return {
            "location": LocationNode(self.request, location),
            "name": location.name,
            "address1": None,
            "address2": None,
            "city": location.city,
            "province": location.province,
            "countryCode": location.country,
            "zip": None,
            "phone": None,
        }

    def delivery_method(self) -> dict[str, Any]:
        return {
            "id": gid("DeliveryMethod", self._part.id),
            "methodType": self._part.delivery_method,
            "minDeliveryDateTime": None,
            "maxDeliveryDateTime": None,
        }

    def supported_actions(self) -> list[dict[str, Any]]:
        names = supported_actions(self.shop, self._order, self._part)
        return [{"action": name, "externalUrl": None} for name in names]

    def line_items(self, **window: Any) -> Connection:
        return connect(self.request, self._part.lines, self._line_item, lambda row: (row.id, row.id), **window)

    def _line_item(self, row: FulfillmentOrderLine) -> dict[str, Any]:
        line = _line(self._order, row.line_id)
        item_id = line.variant.inventory_item_id if line.variant else None
        return {
            "id": gid("FulfillmentOrderLineItem", row.id),
            "lineItem": LineItemNode(self.request, self._order, line),
            "inventoryItemId": gid("InventoryItem", item_id) if item_id else None,
            "sku": line.sku,
            "productTitle": line.title,
            "variantTitle": line.variant.title if line.variant else None,
            "requiresShipping": line.requires_shipping,
            "totalQuantity": row.total,
            "remainingQuantity": row.remaining,
        }

    def fulfillments(self, **window: Any) -> Connection:
        found = [
            each
            for each in self._order.fulfillments
            if any(units.fulfillment_order_id == self._part.id for units in each.taken)
        ]
        return connect(
            self.request,
            found,
            lambda each: FulfillmentNode(self._owner, self._order, each),
            lambda each: (each.id, each.id),
            **window,
        )

    def locations_for_move(self, **window: Any) -> Connection:
        """All other locations, and whether they stock all that remains."""
        others = [each for each in self.shop.locations.values() if each.id != self._part.location_id]
        lines = [_line(self._order, row.line_id) for row in self._part.lines if row.remaining]
        return connect(
            self.request,
            others,
            lambda location: {
                "location": LocationNode(self.request, location),
                "movable": all(is_stocked(self.shop, line, location.id) for line in lines),
            },
            lambda location: (location.id, location.id),
            **window,
        )


def hold_node(hold: Hold) -> dict[str, Any]:
    return {
        "id": gid("FulfillmentHold", hold.id),
        "reason": hold.reason,
        "reasonNotes": hold.notes,
        "displayReason": _REASONS[hold.reason],
        "handle": hold.handle,
        "heldByApp": None if hold.app is None else {"id": gid("App", hold.app)},
        "heldByRequestingApp": hold.app == APP_ID,
    }


class FulfillmentNode(Node):
    typename = "Fulfillment"

    def __init__(self, owner: Node, order: Order, parcel: Fulfillment) -> None:
        super().__init__(owner.request)
        self.order, self._order, self._parcel = owner, order, parcel
        self.id = gid("Fulfillment", parcel.id)
        self.legacy_resource_id = parcel.id
        self.name = parcel.name
        self.status = "CANCELLED" if parcel.is_cancelled else "SUCCESS"
        self.display_status = _display_status(parcel)
        self.created_at, self.updated_at = utc(parcel.created_at), utc(parcel.updated_at)
        self.total_quantity = sum(row.quantity for row in parcel.lines)
        self.requires_shipping = any(_line(order, row.line_id).requires_shipping for row in parcel.lines)
        self.location = LocationNode(owner.request, self.shop.locations[parcel.location_id])
        self.origin_address = parcel.origin_address
        self.delivered_at = _last(parcel, "DELIVERED")
        self.in_transit_at = _last(parcel, "IN_TRANSIT")
        estimates = [each.given["estimatedDeliveryAt"] for each in parcel.events if "estimatedDeliveryAt" in each.given]
        self.estimated_delivery_at = utc(estimates[-1]) if estimates else None
        self.service = {"handle": "manual", "serviceName": "Manual", "type": "MANUAL"}

    def tracking_info(self, first: int | None = None) -> list[dict[str, Any]]:
        company = self._parcel.tracking_company
        rows = [
            {"company": company, "number": each.number, "url": each.url}
            for each in first_of(self._parcel.tracking, first)
        ]
        return rows or ([{"company": company, "number": None, "url": None}] if company else [])

    def fulfillment_line_items(self, **window: Any) -> Connection:
        return connect(
            self.request,
            self._parcel.lines,
            lambda row: fulfillment_line(self, self._order, row),
            lambda row: (row.id, row.id),
            **window,
        )

    def fulfillment_orders(self, **window: Any) -> Connection:
        ids = {units.fulfillment_order_id for units in self._parcel.taken}
        return connect(
            self.request,
            [each for each in self._order.fulfillment_orders if each.id in ids and is_visible(self.request, each)],
            lambda each: FulfillmentOrderNode(self.order, self._order, each),
            lambda each: (each.id, each.id),
            **window,
        )

    def events(self, **window: Any) -> Connection:
        return connect(
            self.request, self._parcel.events, shipment_event, lambda each: (utc(each.happened_at), each.id), **window
        )


def shipment_event(event: ShipmentEvent) -> dict[str, Any]:
    texts = ("message", "address1", "city", "province", "country", "zip", "latitude", "longitude")
    estimate = event.given.get("estimatedDeliveryAt")
    return {
        "id": gid("FulfillmentEvent", event.id),
        "status": event.status,
        "happenedAt": utc(event.happened_at),
        "createdAt": utc(event.created_at),
        "estimatedDeliveryAt": utc(estimate) if estimate else None,
        **{name: event.given.get(name) for name in texts},
    }


def _display_status(parcel: Fulfillment) -> str:
    if parcel.is_cancelled:
        return "CANCELED"
    return parcel.events[-1].status if parcel.events else "FULFILLED"


def _last(parcel: Fulfillment, status: str) -> str | None:
    moments = [each.happened_at for each in parcel.events if each.status == status]
    return utc(moments[-1]) if moments else None


def fulfillment_line(owner: Node, order: Order, row: FulfillmentLine) -> dict[str, Any]:
    line = _line(order, row.line_id)
    return {
        "id": gid("FulfillmentLineItem", row.id),
        "lineItem": LineItemNode(owner.request, order, line),
        "quantity": row.quantity,
        "originalTotalSet": money(line.price.times(row.quantity)),
    }


def _line(order: Order, number: int) -> LineItem:
    return next(line for line in order.lines if line.id == number)
