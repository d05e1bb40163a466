"""The app's webhook subscriptions in a shop, as far as they were made through the Admin API.

Shopify does not list those of the app's configuration (shopify.app.toml), and no one can change them here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from shared.shopify import queries
from shared.shopify.admin.answers import user_errors
from shared.shopify.admin.client import AdminClient
from shared.shopify.paging import node_pages

_FORMAT: Final = "JSON"
TAKEN: Final = "has already been taken"
"""In Shopify's refusal of a second subscription to the same topic with the same address, format and filter."""


@dataclass(frozen=True, slots=True)
class Subscription:
    id: str
    topic: str
    """As GraphQL names it: ORDERS_CREATE."""
    uri: str
    is_whole: bool = True
    """Whether it sends all events of its topic, with whole bodies, as JSON."""
    has_filter: bool = False


def graphql_name(topic: str) -> str:
    """ORDERS_CREATE for orders/create."""
    return topic.upper().replace("/", "_")


async def read_subscriptions(admin: AdminClient) -> list[Subscription]:
    return [_read(node) async for nodes in node_pages(admin, "subscriptions", "webhookSubscriptions") for node in nodes]


async def subscribe(admin: AdminClient, topic: str, uri: str) -> str:
    """Makes a subscription. Returns "", or why Shopify refused it. Raises what AdminClient.run does."""
    variables = {"topic": graphql_name(topic), "subscription": {"uri": uri, "format": _FORMAT}}
    return _refusal(await admin.run(queries.load("subscribe"), variables), "webhookSubscriptionCreate")


async def repair(admin: AdminClient, known: Subscription, uri: str) -> str:
    """Gives a subscription this address, and has it send everything, without a gap: its topic and its id stay. Returns
    "", or why Shopify refused it. Raises what AdminClient.run does.
    """
    wanted: dict[str, Any] = {"uri": uri, "format": _FORMAT, "includeFields": None}  # null is every field
    if known.has_filter:
        wanted["filter"] = ""
    variables = {"id": known.id, "subscription": wanted}
    return _refusal(await admin.run(queries.load("subscription_repair"), variables), "webhookSubscriptionUpdate")


def _read(node: dict[str, Any]) -> Subscription:
    has_filter = bool(node["filter"])
    return Subscription(
        id=node["id"],
        topic=node["topic"],
        uri=node["uri"],
        is_whole=node["format"] == _FORMAT and not has_filter and not node["includeFields"],
        has_filter=has_filter,
    )


def _refusal(data: dict[str, Any], mutation: str) -> str:
    return "; ".join(error.message for error in user_errors(data[mutation]))
