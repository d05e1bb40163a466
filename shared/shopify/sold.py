"""Units that orders have taken from stock, and from which location."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from shared.model import Sale
from shared.shopify import queries
from shared.shopify.admin.client import QueryRunner
from shared.shopify.gid import gid_of, number_of
from shared.shopify.paging import node_pages, search_time

_AT_ONCE: Final = 5
"""Orders to a call: more could exceed Shopify's limit of 1,000 points a query."""


@dataclass(frozen=True, slots=True)
class OrderHead:
    id: int
    created_at: datetime
    updated_at: datetime
    cancelled_at: datetime | None


async def read_orders_since(admin: QueryRunner, moment: datetime) -> list[OrderHead]:
    """The orders created at or after the moment, oldest first, cancelled and fulfilled ones included.

    Shopify's search lags behind the shop by some seconds, so that the newest orders may be missing.
    """
    query = f"created_at:>={search_time(moment)}"
    return [
        OrderHead(
            id=number_of(node["id"]),
            created_at=datetime.fromisoformat(node["createdAt"]),
            updated_at=datetime.fromisoformat(node["updatedAt"]),
            cancelled_at=datetime.fromisoformat(node["cancelledAt"]) if node["cancelledAt"] else None,
        )
        async for nodes in node_pages(admin, "stock_orders", "orders", query=query)
        for node in nodes
    ]


async def read_sales(admin: QueryRunner, orders: Sequence[int]) -> dict[int, list[Sale]]:
    """The units that each order took, as ordered, before any refund, shipped or not.

    Units that no fulfilment order accounts for (routing takes a moment; a cancelled one releases its units) have no
    location.
    """
    sales: dict[int, list[Sale]] = {}
    for start in range(0, len(orders), _AT_ONCE):
        batch = orders[start : start + _AT_ONCE]
        ids = [gid_of("Order", order) for order in batch]
        data = await admin.run(queries.load("stock_order_units"), {"orders": ids})
        for order, gid, node in zip(batch, ids, data["nodes"], strict=True):
            sales[order] = await _sales(admin, gid, node) if node else []
    return sales


async def _sales(admin: QueryRunner, gid: str, node: dict[str, Any]) -> list[Sale]:
    ordered = _units(node["lineItems"]["nodes"])
    parts = node["fulfillmentOrders"]
    pages = [parts["pageInfo"], *(part["lineItems"]["pageInfo"] for part in parts["nodes"])]
    rest = node["lineItems"]["pageInfo"]
    located: list[Sale] = []
    if not rest["hasNextPage"] and not any(page["hasNextPage"] for page in pages):
        located = [sale for part in parts["nodes"] if part["status"] != "CANCELLED" for sale in _located(part)]
    while rest["hasNextPage"]:
        variables = {"order": gid, "after": rest["endCursor"]}
        page = (await admin.run(queries.load("stock_order_lines"), variables))["order"]["lineItems"]
        ordered += _units(page["nodes"])
        rest = page["pageInfo"]
    for sale in located:
        ordered[sale.inventory_item] -= sale.units
    return [*located, *(Sale(item, None, units) for item, units in ordered.items() if units > 0)]


def _located(part: dict[str, Any]) -> Iterable[Sale]:
    place = part["assignedLocation"]["location"]
    location = number_of(place["id"]) if place else None
    for line in part["lineItems"]["nodes"]:
        if line["inventoryItemId"] is not None:
            yield Sale(number_of(line["inventoryItemId"]), location, line["totalQuantity"])


def _units(lines: Iterable[dict[str, Any]]) -> Counter[int]:
    """Ordered units by inventory item. Lines without a variant take no stock."""
    units: Counter[int] = Counter()
    for line in lines:
        if line["variant"] is not None:
            units[number_of(line["variant"]["inventoryItem"]["id"])] += line["quantity"]
    return units
