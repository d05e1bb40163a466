"""What a sweep asks of a shop: which orders changed, which orders there are, which webhooks it still sends."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from shared.shopify import queries
from shared.shopify.gid import number_of
from shared.shopify.paging import node_pages, search_time

if TYPE_CHECKING:
    from shared.shopify.admin.client import AdminClient


@dataclass(frozen=True, slots=True)
class ListedOrder:
    id: int
    updated_at: datetime
    """By Shopify's clock, to the second."""


@dataclass(frozen=True, slots=True)
class Subscription:
    topic: str
    """As GraphQL names it: ORDERS_CREATE."""
    uri: str


async def changed_orders(admin: AdminClient, since: datetime) -> AsyncIterator[list[ListedOrder]]:
    """Page by page the orders that were updated at or after the moment, the longest untouched first.

    Shopify's search runs behind the shop by a little: an order of the last seconds may not be there yet.
    """
    variables = {"query": f"updated_at:>={search_time(since)}", "sort": "UPDATED_AT"}
    async for nodes in node_pages(admin, "sweep_orders", "orders", **variables):
        yield [_listed(node) for node in nodes]


async def orders_from(admin: AdminClient, first_id: int, *, created_since: datetime) -> list[ListedOrder]:
    """In one call the first 250 orders from this id on that were created since the moment, by their ids."""
    query = f"created_at:>={search_time(created_since)} AND id:>={first_id}"
    data = await admin.run(queries.load("sweep_orders"), {"query": query, "sort": "ID", "after": None})
    return [_listed(node) for node in data["orders"]["nodes"]]


async def read_subscriptions(admin: AdminClient) -> list[Subscription]:
    """Those that the app made through the Admin API; Shopify does not list those of the app's own configuration."""
    return [
        Subscription(node["topic"], node["uri"])
        async for nodes in node_pages(admin, "sweep_subscriptions", "webhookSubscriptions")
        for node in nodes
    ]


def _listed(node: dict[str, Any]) -> ListedOrder:
    return ListedOrder(number_of(node["id"]), datetime.fromisoformat(node["updatedAt"]))
