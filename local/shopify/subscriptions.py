"""Webhook subscriptions through the Admin API."""

import re
from typing import Any
from urllib.parse import urlsplit

from local.shopify.ids import gid
from local.shopify.inventory import user_error
from local.shopify.model import Subscription
from local.shopify.nodes import Request, not_simulated, utc
from local.shopify.topics import ALL_TOPICS, graphql_name

TOPICS = {graphql_name(topic): topic for topic in ALL_TOPICS}
_MAX_URI = 65_535


def subscription_document(subscription: Subscription) -> dict[str, Any]:
    created = utc(subscription.created_at)
    version = subscription.api_version
    return {
        "__typename": "WebhookSubscription",
        "id": gid("WebhookSubscription", subscription.id),
        "legacyResourceId": subscription.id,
        "topic": graphql_name(subscription.topic),
        "uri": subscription.uri,
        "callbackUrl": subscription.uri,
        "endpoint": {"__typename": "WebhookHttpEndpoint", "callbackUrl": subscription.uri},
        "format": "JSON",
        "filter": subscription.filter or "",
        "includeFields": subscription.include_fields,
        "metafieldNamespaces": [],
        "metafields": [],
        "name": subscription.name,
        "apiVersion": {"handle": version, "displayName": version, "supported": True},
        "createdAt": created,
        "updatedAt": created,
    }


def create_subscription(request: Request, topic: str, given: dict[str, Any]) -> dict[str, Any]:
    """WebhookSubscriptionCreate. Besides https, http to 127.0.0.1 is accepted, for tests."""
    if topic not in TOPICS:
        raise not_simulated(f"webhooks of the topic {topic}")
    extras = {"filter", "metafieldNamespaces", "metafields"} & given.keys()
    if extras:
        raise not_simulated(f"webhook subscriptions with {', '.join(sorted(extras))}")
    uri = given.get("uri") or given.get("callbackUrl") or ""
    if uri.startswith(("arn:", "pubsub://")):
        raise not_simulated("webhooks to Amazon EventBridge and Google Pub/Sub")
    if given.get("format", "JSON") != "JSON":
        raise not_simulated(f"webhooks in {given['format']}")
    found = (_uri_problem(request, TOPICS[topic], uri), _name_problem(request, given.get("name")))
    problems = [each for each in found if each]
    if problems:
        return {"webhookSubscription": None, "userErrors": problems}
    subscription = Subscription(
        id=request.shop.next_id(),
        topic=TOPICS[topic],
        uri=uri,
        api_version=request.version,
        created_at=request.shop.clock(),
        through_api=True,
        name=given.get("name"),
        include_fields=given.get("includeFields") or [],
    )
    request.shop.subscriptions[subscription.id] = subscription
    return {"webhookSubscription": subscription_document(subscription), "userErrors": []}


def _uri_problem(request: Request, topic: str, uri: str) -> dict[str, Any] | None:
    field = ["webhookSubscription", "callbackUrl"]
    if not uri.strip():
        return user_error(field, "Address can't be blank")
    if len(uri.encode()) > _MAX_URI:
        return user_error(field, "Address is too big (maximum is 64 KB)")
    parts = urlsplit(uri)
    if parts.scheme != "https" and (parts.scheme, parts.hostname) != ("http", "127.0.0.1"):
        return user_error(field, f"Address protocol {parts.scheme}:// is not supported")
    if not parts.hostname:
        return user_error(field, "Address is invalid")
    if parts.hostname.endswith((".myshopify.com", "shopify.com")):
        return user_error(field, "Address cannot be a Shopify or an internal domain")
    if any((s.topic, s.uri) == (topic, uri) for s in request.shop.subscriptions.values()):
        return user_error(field, "Address for this topic has already been taken")
    return None


def _name_problem(request: Request, name: str | None) -> dict[str, Any] | None:
    field = ["webhookSubscription", "name"]
    if name is None:
        return None
    if not name:
        return user_error(field, "Name is too short (minimum is 1 character)")
    if not re.fullmatch(r"[\w-]+", name, re.ASCII):
        text = "Name name field can only contain alphanumeric characters, underscores, and hyphens"
        return user_error(field, text)
    if any(s.name and s.name.casefold() == name.casefold() for s in request.shop.subscriptions.values()):
        return user_error(field, "Name already exists, no duplicate allowed")
    return None
