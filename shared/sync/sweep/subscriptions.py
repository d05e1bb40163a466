"""Whether a shop still sends the topics that the app receives."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from shared.shopify.sweep import Subscription
from shared.telemetry import emit


def lost_topics(store: str, families: Mapping[str, frozenset[str]], subscriptions: Iterable[Subscription]) -> list[str]:
    """The topics that no subscription sends to the path of their family, on any host."""
    sent = {(each.topic, _address(each.uri)) for each in subscriptions}
    return sorted(
        topic
        for family, topics in families.items()
        for topic in topics
        if (_graphql_name(topic), f"webhooks/shopify/{store}/{family}") not in sent
    )


def report_lost_topics(
    store: str, families: Mapping[str, frozenset[str]], subscriptions: Iterable[Subscription], *, subscribed: bool
) -> bool:
    """Reports each, and returns whether the shop has subscriptions to watch: `subscribed`, or some are listed now.

    Shopify deletes a subscription of the Admin API after 8 failed deliveries. Those of the app's own configuration
    (shopify.app.toml) it neither deletes nor lists: where none was ever listed, none can be lost.
    """
    lost = lost_topics(store, families, subscriptions)
    watched = subscribed or len(lost) < sum(map(len, families.values()))
    for topic in lost if watched else ():
        emit("webhooks.subscription_lost", level=logging.WARNING, topic=topic)
    return watched


def _address(uri: str) -> str:
    """The last four parts of the path."""
    return "/".join(urlsplit(uri).path.split("/")[-4:])


def _graphql_name(topic: str) -> str:
    return topic.upper().replace("/", "_")
