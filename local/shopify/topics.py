"""Webhook topics that the simulator sends, and the app's function for each."""

from collections.abc import Iterable

#: Topic -> the last part of the address: `{webhooks}/{store}/{part}`.
_ORDERS = {
    "orders/create": "orders",
    "orders/updated": "orders",
    "orders/edited": "orders",
    "orders/cancelled": "orders",
    "orders/paid": "orders",
    "orders/fulfilled": "orders",
    "orders/partially_fulfilled": "orders",
    "orders/risk_assessment_changed": "orders",
    "refunds/create": "refunds",
    "returns/request": "refunds",
    "returns/approve": "refunds",
    "returns/close": "refunds",
    "order_transactions/create": "transactions",
    "fulfillments/create": "fulfillments",
    "fulfillments/update": "fulfillments",
    "fulfillment_orders/moved": "fulfillment_orders",
    "fulfillment_orders/placed_on_hold": "fulfillment_orders",
    "fulfillment_orders/hold_released": "fulfillment_orders",
    "fulfillment_holds/added": "fulfillment_holds",
    "fulfillment_holds/released": "fulfillment_holds",
}
#: Of products, stock and bulk operations: `all` does not name them.
_CATALOGUE = {
    "products/create": "products",
    "products/update": "products",
    "products/delete": "products",
    "inventory_levels/update": "inventory_levels",
    "bulk_operations/finish": "bulk_operations",
}
ENDPOINTS = {**_ORDERS, **_CATALOGUE}
ALL_TOPICS = tuple(_ORDERS)
#: Topics that every shop subscribes to at start.
DEFAULT_TOPICS = ("orders/create", "orders/updated")


def graphql_name(topic: str) -> str:
    return topic.upper().replace("/", "_")


def parse_topics(text: str) -> tuple[str, ...]:
    """`all` for those of orders, or a list with commas; raises ValueError for a topic that is not simulated."""
    chosen = ALL_TOPICS if text == "all" else tuple(filter(None, (each.strip() for each in text.split(","))))
    check_topics(chosen)
    return chosen


def check_topics(topics: Iterable[str]) -> None:
    unknown = [topic for topic in topics if topic not in ENDPOINTS]
    if unknown:
        raise ValueError(f"not simulated: {', '.join(unknown)}")
