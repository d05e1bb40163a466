"""Whether a shop still sends us what the app takes."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from urllib.parse import urlsplit

from shared.shopify.sweep import Subscription
from shared.sync.messages.intake import TOPICS
from shared.telemetry import emit


def lost_topics(store: str, subscriptions: Iterable[Subscription]) -> list[str]:
    """The topics that no subscription sends to our address of their family, whatever host it names."""
    sent = {(each.topic, _address(each.uri)) for each in subscriptions}
    return sorted(
        topic
        for family, topics in TOPICS.items()
        for topic in topics
        if (_graphql_name(topic), f"webhooks/shopify/{store}/{family}") not in sent
    )


def tell_lost_topics(store: str, subscriptions: Iterable[Subscription], *, subscribed: bool) -> bool:
    """Tells of each, and gives whether this shop's subscriptions are ours to watch: `subscribed`, or some are listed.

    Shopify deletes a subscription of the Admin API after 8 failed deliveries. Those of the app's own configuration
    (shopify.app.toml) it neither deletes nor lists: where none was ever listed, there is nothing to lose.
    """
    lost = lost_topics(store, subscriptions)
    watched = subscribed or len(lost) < sum(map(len, TOPICS.values()))
    for topic in lost if watched else ():
        emit("webhooks.subscription_lost", level=logging.WARNING, topic=topic)
    return watched


def _address(uri: str) -> str:
    """The last four parts of the path."""
    return "/".join(urlsplit(uri).path.split("/")[-4:])


def _graphql_name(topic: str) -> str:
    return topic.upper().replace("/", "_")
