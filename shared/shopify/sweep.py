"""Reading what a sweep compares: orders that changed, orders in the order of their ids."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.shopify import queries
from shared.shopify.admin.client import AdminClient
from shared.shopify.gid import number_of
from shared.shopify.paging import node_pages, search_time


@dataclass(frozen=True, slots=True)
class ListedOrder:
    id: int
    updated_at: datetime
    """By Shopify's clock, to the second."""
    created_at: datetime
    name: str = ""
    """For people: #1001."""


async def changed_orders(admin: AdminClient, since: datetime) -> AsyncIterator[list[ListedOrder]]:
    """The orders updated at or after the moment, page by page, the least recently updated first.

    Shopify's search lags behind the shop by some seconds, so that the newest changes may be missing.
    """
    variables = {"query": f"updated_at:>={search_time(since)}", "sort": "UPDATED_AT"}
    async for nodes in node_pages(admin, "sweep_orders", "orders", **variables):
        yield [_listed(node) for node in nodes]


async def orders_from(admin: AdminClient, first_id: int, *, created_since: datetime) -> list[ListedOrder]:
    """The first 250 orders with this id or a higher one that were created since the moment, by id, in one call."""
    query = f"created_at:>={search_time(created_since)} AND id:>={first_id}"
    data = await admin.run(queries.load("sweep_orders"), {"query": query, "sort": "ID", "after": None})
    return [_listed(node) for node in data["orders"]["nodes"]]


def _listed(node: dict[str, Any]) -> ListedOrder:
    return ListedOrder(
        number_of(node["id"]),
        datetime.fromisoformat(node["updatedAt"]),
        datetime.fromisoformat(node["createdAt"]),
        node["name"],
    )
