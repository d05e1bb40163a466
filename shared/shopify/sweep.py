"""What a sweep asks of a shop: which orders changed, which orders there are, which webhooks it still sends."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from shared.shopify import queries
from shared.shopify.inventory import number_of

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
    after: str | None = None
    while True:
        listed, after = await _page(admin, f"updated_at:>={_quoted(since)}", "UPDATED_AT", after)
        yield listed
        if after is None:
            return


async def orders_from(admin: AdminClient, first_id: int, *, created_since: datetime) -> list[ListedOrder]:
    """In one call the first 250 orders from this id on that were created since the moment, by their ids."""
    listed, _ = await _page(admin, f"created_at:>={_quoted(created_since)} AND id:>={first_id}", "ID", None)
    return listed


async def read_subscriptions(admin: AdminClient) -> list[Subscription]:
    """Those that the app made through the Admin API; Shopify does not list those of the app's own configuration."""
    found: list[Subscription] = []
    after: str | None = None
    while True:
        page = (await admin.run(queries.load("sweep_subscriptions"), {"after": after}))["webhookSubscriptions"]
        found += [Subscription(node["topic"], node["uri"]) for node in page["nodes"]]
        after = _next(page)
        if after is None:
            return found


async def _page(admin: AdminClient, query: str, sort: str, after: str | None) -> tuple[list[ListedOrder], str | None]:
    variables = {"query": query, "sort": sort, "after": after}
    page = (await admin.run(queries.load("sweep_orders"), variables))["orders"]
    listed = [ListedOrder(number_of(node["id"]), datetime.fromisoformat(node["updatedAt"])) for node in page["nodes"]]
    return listed, _next(page)


def _next(page: dict[str, Any]) -> str | None:
    """The cursor of the next page, None after the last."""
    return page["pageInfo"]["endCursor"] if page["pageInfo"]["hasNextPage"] else None


def _quoted(moment: datetime) -> str:
    # Without the quotes Shopify cuts the time at its colons and matches every order.
    return f"'{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}'"
