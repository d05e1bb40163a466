"""Nodes by their global ids."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from local.shopify.catalogue_nodes import InventoryItemNode, LevelNode, LocationNode
from local.shopify.media.nodes import PictureNode
from local.shopify.nodes import Node, Request, not_simulated
from local.shopify.order import Order
from local.shopify.order_nodes import OrderNode
from local.shopify.order_parts import CustomerNode
from local.shopify.products.nodes import ProductNode, VariantNode
from local.shopify.record_nodes import RefundNode, ReturnNode, TransactionNode
from local.shopify.routing import routed
from local.shopify.routing_nodes import FulfillmentNode, FulfillmentOrderNode, is_visible
from local.shopify.shipping_records import Fulfillment, FulfillmentOrder

_READABLE = timedelta(days=60)


def load(request: Request, kind: str, number: int) -> Any:
    """The node behind a global id, None if there is none."""
    shop = request.shop
    match kind:
        case "Order":
            order = find_order(request, number)
            return OrderNode(request, order) if order else None
        case "FulfillmentOrder":
            found = find_fulfillment_order(request, number)
            return FulfillmentOrderNode(OrderNode(request, found[0]), *found) if found else None
        case "Fulfillment" | "Refund" | "Return" | "OrderTransaction":
            return _of_an_order(request, kind, number)
        case "Customer":
            customers = (o.customer for o in shop.orders.values() if o.customer)
            customer = next((c for c in customers if c.id == number), None)
            return CustomerNode(request, customer) if customer else None
        case "Product":
            product = shop.products.get(number)
            return ProductNode(request, product) if product else None
        case "MediaImage":
            picture = shop.pictures.get(number)
            return PictureNode(request, picture) if picture else None
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


def find_order(request: Request, number: int) -> Order | None:
    order = request.shop.orders.get(number)
    return order if order and is_readable(request, order) else None


def find_fulfillment_order(request: Request, number: int) -> tuple[Order, FulfillmentOrder] | None:
    """One that the token may see, with its order."""
    for order in request.shop.orders.values():
        for part in order.fulfillment_orders:
            if part.id == number:
                may_see = is_readable(request, order) and is_visible(request, part)
                return (order, part) if may_see and part in routed(request.shop, order) else None
    return None


def find_fulfillment(request: Request, number: int) -> tuple[Order, Fulfillment] | None:
    orders = (order for order in request.shop.orders.values() if is_readable(request, order))
    found = ((order, each) for order in orders for each in order.fulfillments)
    return next(((order, each) for order, each in found if each.id == number), None)
