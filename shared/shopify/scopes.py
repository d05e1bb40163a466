"""The access scopes that the app needs in Shopify, flow by flow: what a merchant is asked to grant, and no more.

tests/contract/test_graphql_documents.py computes the same from the documents that each flow sends.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

DOCUMENTS: Final[dict[str, tuple[str, ...]]] = {
    "orders": (
        "order_further_parcels",
        "order_lines",
        "order_parcel_lines",
        "order_parcels",
        "order_part_ids",
        "order_refund_adjustments",
        "order_refund_lines",
        "order_refund_shipping",
        "order_refund_transactions",
        "order_refunds",
        "order_shipping_lines",
        "order_state",
        "order_transactions",
        "sweep_orders",
        "sweep_subscriptions",
    ),
    "stock": (
        "stock_level_page",
        "stock_levels",
        "stock_order_lines",
        "stock_order_units",
        "stock_orders",
        "stock_set",
        "stock_variants",
    ),
    "write_back": ("write_back_numbers", "write_back_state", "write_back_tag"),
}
"""queries/<name>.graphql that each flow sends."""

REQUIRED_SCOPES: Final[dict[str, frozenset[str]]] = {
    "orders": frozenset({"read_orders", "read_customers", "read_products", "read_locations", "read_returns"}),
    "stock": frozenset({"read_orders", "read_products", "write_inventory", "read_merchant_managed_fulfillment_orders"}),
    "write_back": frozenset({"write_orders"}),
}
"""Writing includes reading; webhooks about orders need no more. Of fulfilment orders only those at the merchant's own
locations, whose stock F&O keeps.
"""


def missing_scopes(granted: Iterable[str], needed: Iterable[str]) -> list[str]:
    """The needed scopes that are not granted. Shopify grants reading with writing and does not name it again."""
    have = set(granted)
    have |= {scope.replace("write_", "read_", 1) for scope in have if scope.startswith("write_")}
    return sorted(set(needed) - have)
