"""Nodes by their global ids."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from local.shopify.catalogue_nodes import InventoryItemNode, LevelNode, LocationNode, ProductNode, VariantNode
from local.shopify.nodes import Node, Request, not_simulated
from local.shopify.order import Order
from local.shopify.order_nodes import OrderNode
from local.shopify.order_parts import CustomerNode
from local.shopify.record_nodes import FulfillmentNode, RefundNode, ReturnNode, TransactionNode
from local.shopify.routing_nodes import FulfillmentOrderNode

_READABLE = timedelta(days=60)


def load(request: Request, kind: str, number: int) -> Any:
    """The node behind a global id, None if there is none."""
    shop = request.shop
    match kind:
        case "Order":
            order = shop.orders.get(number)
            order = order if order and is_readable(request, order) else None
            return OrderNode(request, order) if order else None
        case "FulfillmentOrder":
            order = next((o for o in shop.orders.values() if o.fulfillment_order_id == number), None)
            return FulfillmentOrderNode(OrderNode(request, order), order) if order else None
        case "Fulfillment" | "Refund" | "Return" | "OrderTransaction":
            return _of_an_order(request, kind, number)
        case "Customer":
            customers = (o.customer for o in shop.orders.values() if o.customer)
            customer = next((c for c in customers if c.id == number), None)
            return CustomerNode(request, customer) if customer else None
        case "Product":
            variants = [v for v in shop.variants.values() if v.product_id == number]
            return ProductNode(request, variants) if variants else None
        case "ProductVariant":
            variant = shop.variants.get(number)
            return VariantNode(request, variant) if variant else None
        case "InventoryItem":
            variant = shop.variant_by_item.get(number)
            return InventoryItemNode(request, variant) if variant else None
        case "InventoryLevel":
            level = next((each for each in shop.levels.values() if each.id == number), None)
            return LevelNode(request, level) if level else None
        case "Location":
            location = shop.locations.get(number)
            return LocationNode(request, location) if location else None
        case _:
            raise not_simulated(f"nodes of the type {kind}")


def is_readable(request: Request, order: Order) -> bool:
    """Orders of the last 60 days, and with the scope read_all_orders those before too."""
    return "read_all_orders" in request.scopes or order.created_at > request.shop.clock() - _READABLE


def _of_an_order(request: Request, kind: str, number: int) -> Any:
    """A refund, fulfilment, return or transaction by its own id."""
    kinds: dict[str, tuple[Callable[[Order], Sequence[Any]], Callable[[Node, Order, Any], Node]]] = {
        "Fulfillment": (lambda order: order.fulfillments, FulfillmentNode),
        "Refund": (lambda order: order.refunds, RefundNode),
        "Return": (lambda order: order.returns, ReturnNode),
        "OrderTransaction": (lambda order: order.transactions, TransactionNode),
    }
    happened, node = kinds[kind]
    orders = (order for order in request.shop.orders.values() if is_readable(request, order))
    found = ((order, each) for order in orders for each in happened(order) if each.id == number)
    return next((node(OrderNode(request, order), order, each) for order, each in found), None)
