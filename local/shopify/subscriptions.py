"""Webhook subscriptions through the Admin API."""

import re
from typing import Any
from urllib.parse import urlsplit

from local.shopify.ids import gid
from local.shopify.model import Subscription
from local.shopify.nodes import Request, not_simulated, parse_gid, utc
from local.shopify.state import Shop
from local.shopify.topics import ENDPOINTS, graphql_name
from local.shopify.user_errors import user_error

TOPICS = {graphql_name(topic): topic for topic in ENDPOINTS}
_MAX_BYTES = 65_535
#: Of webhooks about orders; not recorded of a mutation of GraphQL, so that the field is a choice.
_NOT_APPROVED = "This app is not approved to subscribe to webhook topics containing protected customer data."


def subscription_document(shop: Shop, subscription: Subscription) -> dict[str, Any]:
    """`apiVersion` is the app's, whatever the version of the call that made it."""
    created, version = utc(subscription.created_at), shop.webhook_version
    return {
        "__typename": "WebhookSubscription",
        "id": gid("WebhookSubscription", subscription.id),
        "legacyResourceId": subscription.id,
        "topic": graphql_name(subscription.topic),
        "uri": subscription.uri,
        "callbackUrl": subscription.uri,
        "endpoint": {"__typename": "WebhookHttpEndpoint", "callbackUrl": subscription.uri},
        "format": subscription.format,
        "filter": subscription.filter,
        "includeFields": subscription.include_fields,
        "metafieldNamespaces": [],
        "metafields": [],
        "name": subscription.name,
        "apiVersion": {"handle": version, "displayName": version, "supported": True},
        "createdAt": created,
        "updatedAt": utc(subscription.updated_at or subscription.created_at),
    }


def create_subscription(request: Request, topic: str, given: dict[str, Any]) -> dict[str, Any]:
    """WebhookSubscriptionCreate. Besides https, http to 127.0.0.1 is accepted, for tests."""
    if topic not in TOPICS:
        raise not_simulated(f"webhooks of the topic {topic}")
    made = Subscription(
        id=request.shop.next_id(),
        topic=TOPICS[topic],
        uri="",
        created_at=request.shop.clock(),
        through_api=True,
    )
    return _store(request, made, given)


def update_subscription(request: Request, id_: str, given: dict[str, Any]) -> dict[str, Any]:
    """WebhookSubscriptionUpdate: what is given replaces what was, the topic stays."""
    known = _own(request, id_)
    if known is None:
        problem = user_error(["id"], "Webhook subscription does not exist")
        return {"webhookSubscription": None, "userErrors": [problem]}
    return _store(request, known, given)


def delete_subscription(request: Request, id_: str) -> dict[str, Any]:
    known = _own(request, id_)
    if known is None:
        problem = user_error(["id"], "Webhook subscription does not exist")
        return {"deletedWebhookSubscriptionId": None, "userErrors": [problem]}
    del request.shop.subscriptions[known.id]
    return {"deletedWebhookSubscriptionId": id_, "userErrors": []}


def _own(request: Request, id_: str) -> Subscription | None:
    """One that was made through the API: those of shopify.app.toml are not in its reach."""
    known = request.shop.subscriptions.get(parse_gid(id_, "WebhookSubscription"))
    return known if known and known.through_api else None


def _store(request: Request, subscription: Subscription, given: dict[str, Any]) -> dict[str, Any]:
    """All that is wrong is reported at once, and then nothing is changed."""
    extras = {key for key in ("metafieldNamespaces", "metafields") if given.get(key)}
    if extras:
        raise not_simulated(f"webhook subscriptions with {', '.join(sorted(extras))}")
    uri = given.get("uri") or given.get("callbackUrl") or ("" if "uri" in given else subscription.uri)
    if uri.startswith(("arn:", "pubsub://")):
        raise not_simulated("webhooks to Amazon EventBridge and Google Pub/Sub")
    wanted_format = given.get("format") or subscription.format
    wanted_filter = (given["filter"] or "") if "filter" in given else subscription.filter
    others = [each for each in request.shop.subscriptions.values() if each is not subscription]
    slot = (subscription.topic, uri, wanted_format, wanted_filter)
    taken = any((each.topic, each.uri, each.format, each.filter) == slot for each in others)
    found = (
        _uri_problem(uri, taken=taken),
        _name_problem(others, given.get("name")),
        _filter_problem(wanted_filter),
        None if request.shop.protected_data_approved else user_error(None, _NOT_APPROVED),
    )
    problems = [each for each in found if each]
    if problems:
        return {"webhookSubscription": None, "userErrors": problems}
    subscription.uri, subscription.format, subscription.filter = uri, wanted_format, wanted_filter
    subscription.name = given.get("name", subscription.name)
    if "includeFields" in given:
        subscription.include_fields = given["includeFields"] or []
    subscription.updated_at = request.shop.clock()
    request.shop.subscriptions[subscription.id] = subscription
    return {"webhookSubscription": subscription_document(request.shop, subscription), "userErrors": []}


def _uri_problem(uri: str, *, taken: bool) -> dict[str, Any] | None:
    field = ["webhookSubscription", "callbackUrl"]
    if not uri.strip():
        return user_error(field, "Address can't be blank")
    if len(uri.encode()) > _MAX_BYTES:
        return user_error(field, "Address is too big (maximum is 64 KB)")
    parts = urlsplit(uri)
    if parts.scheme != "https" and (parts.scheme, parts.hostname) != ("http", "127.0.0.1"):
        return user_error(field, f"Address protocol {parts.scheme}:// is not supported")
    if not parts.hostname:
        return user_error(field, "Address is invalid")
    if parts.hostname.endswith((".myshopify.com", "shopify.com")):
        return user_error(field, "Address cannot be a Shopify or an internal domain")
    return user_error(field, "Address for this topic has already been taken") if taken else None


def _name_problem(others: list[Subscription], name: str | None) -> dict[str, Any] | None:
    field = ["webhookSubscription", "name"]
    if name is None:
        return None
    if not name:
        return user_error(field, "Name is too short (minimum is 1 character)")
    if not re.fullmatch(r"[\w-]+", name, re.ASCII):
        text = "Name name field can only contain alphanumeric characters, underscores, and hyphens"
        return user_error(field, text)
    if any(each.name and each.name.casefold() == name.casefold() for each in others):
        return user_error(field, "Name already exists, no duplicate allowed")
    return None


def _filter_problem(text: str) -> dict[str, Any] | None:
    if len(text.encode()) > _MAX_BYTES:
        return user_error(["webhookSubscription"], "The specified filter exceeds the maximum allowed size.")
    if text and ":" not in text:
        message = "The specified filter is invalid, please ensure you specify the field(s) you wish to filter on."
        return user_error(["webhookSubscription"], message)
    return None
