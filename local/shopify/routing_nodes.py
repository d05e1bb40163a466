"""Fulfilment orders, as GraphQL objects."""

from typing import Any

from local.shopify.catalogue_nodes import LocationNode
from local.shopify.ids import gid
from local.shopify.nodes import Connection, Node, connect, utc
from local.shopify.order import LineItem, Order
from local.shopify.order_parts import LineItemNode


def _status(order: Order) -> str:
    """CLOSED when all is shipped, CANCELLED when nothing was shipped and nothing is to be."""
    shipped = any(line.fulfilled for line in order.lines)
    if any(line.unfulfilled for line in order.lines):
        return "IN_PROGRESS" if shipped else "OPEN"
    return "CLOSED" if shipped else "CANCELLED"


class FulfillmentOrderNode(Node):
    """The one fulfilment order of an order: all units shipped or to be shipped, at the assigned location."""

    typename = "FulfillmentOrder"

    def __init__(self, owner: Node, order: Order) -> None:
        super().__init__(owner.request)
        self._order, self.order = order, owner
        self.id = gid("FulfillmentOrder", order.fulfillment_order_id)
        self.order_id = gid("Order", order.id)
        self.order_name = order.name
        self.status = _status(order)
        self.request_status = "UNSUBMITTED"
        self.fulfillment_holds: list[Any] = []
        self.fulfill_by = None
        self.created_at = self.updated_at = self.fulfill_at = utc(order.created_at)
        self.order_processed_at = utc(order.created_at)

    def assigned_location(self) -> dict[str, Any]:
        location = self.shop.locations[self._order.location_id]
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
            "id": gid("DeliveryMethod", self._order.fulfillment_order_id),
            "methodType": self._order.delivery_method,
            "minDeliveryDateTime": None,
            "maxDeliveryDateTime": None,
        }

    def supported_actions(self) -> list[dict[str, Any]]:
        names = ("CREATE_FULFILLMENT", "HOLD", "MOVE", "SPLIT") if self.status in ("OPEN", "IN_PROGRESS") else ()
        return [{"action": name, "externalUrl": None} for name in names]

    def line_items(self, **window: Any) -> Connection:
        return connect(
            self.request,
            [line for line in self._order.lines if line.fulfilled or line.unfulfilled],
            self._line_item,
            lambda line: (line.fulfillment_line_id, line.fulfillment_line_id),
            **window,
        )

    def _line_item(self, line: LineItem) -> dict[str, Any]:
        item_id = line.variant.inventory_item_id if line.variant else None
        return {
            "id": gid("FulfillmentOrderLineItem", line.fulfillment_line_id),
            "lineItem": LineItemNode(self.request, self._order, line),
            "inventoryItemId": gid("InventoryItem", item_id) if item_id else None,
            "sku": line.sku,
            "productTitle": line.title,
            "variantTitle": line.variant.title if line.variant else None,
            "requiresShipping": line.requires_shipping,
            "totalQuantity": line.fulfilled + line.unfulfilled,
            "remainingQuantity": line.unfulfilled,
        }
