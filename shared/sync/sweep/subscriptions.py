"""Whether a shop sends the topics that the app receives, to the app's address. What is missing or wrong is repaired.

Shopify deletes a subscription of the Admin API after 8 failed deliveries. Those of the app's own configuration
(shopify.app.toml) it neither deletes nor lists, and no one can change them through the API: a store that has them says
so (`sweep.subscriptions`), and is only told of what is lost.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from shared.errors import DeniedError, ErrorCode, RefusedError
from shared.flows import FLOWS
from shared.rules import StoreRules
from shared.shopify.admin.client import AdminClient
from shared.shopify.subscriptions import TAKEN, Subscription, graphql_name, read_subscriptions, repair, subscribe
from shared.store.journal import Journal, JournalEntry
from shared.sync.sweep.progress import Progress
from shared.telemetry import emit

_TOPIC: Final = "sweep/subscriptions"
"""Of the journal's rows about refused subscriptions."""


def lost_topics(store: str, families: Mapping[str, frozenset[str]], subscriptions: Iterable[Subscription]) -> list[str]:
    """The topics that no subscription sends to the path of their family, on any host."""
    sent = {(each.topic, "/".join(_path(each.uri))) for each in subscriptions}
    return sorted(
        topic
        for family, topics in families.items()
        for topic in topics
        if (graphql_name(topic), f"webhooks/shopify/{store}/{family}") not in sent
    )


async def look_after_subscriptions(  # noqa: PLR0917 - what a sweep has
    rules: StoreRules, admin: AdminClient, own_address: str, journal: Journal, progress: Progress, now: datetime
) -> None:
    """The topics of the flows that are on. Reports each that is lost, for as long as it is. Raises what AdminClient.run
    does of the list and TransientError of a change; what Shopify refuses of one topic keeps no other.
    """
    listed = await read_subscriptions(admin)
    families = {family: topics for flow in FLOWS if rules.runs(flow) for family, topics in flow.webhooks.items()}
    if rules.sweep.subscriptions == "toml" or not own_address:
        _report_lost(rules.key, families, listed, progress)
        return
    keeper = _Keeper(rules.key, admin, listed)
    for family, topics in sorted(families.items()):
        for topic in sorted(topics):
            await keeper.keep(topic, f"{own_address}/api/webhooks/shopify/{rules.key}/{family}")
    for refusal in keeper.refused.values():
        emit(
            "webhooks.subscription_lost",
            level=logging.WARNING,
            topic=refusal.details["topic"],
            code=refusal.code,
            owner=refusal.entry.owner,
        )
    await _note(rules.key, keeper.refused, journal, progress, now)


def _report_lost(
    store: str, families: Mapping[str, frozenset[str]], listed: Iterable[Subscription], progress: Progress
) -> None:
    """Where none was ever listed, none can be lost."""
    lost = lost_topics(store, families, listed)
    progress.subscribed = progress.subscribed or len(lost) < sum(map(len, families.values()))
    for topic in lost if progress.subscribed else ():
        emit("webhooks.subscription_lost", level=logging.WARNING, topic=topic)


@dataclass(frozen=True, slots=True)
class _Keeper:
    """The subscriptions of one shop."""

    store: str
    admin: AdminClient
    listed: list[Subscription]
    refused: dict[str, RefusedError] = field(default_factory=dict)
    """By topic."""

    async def keep(self, topic: str, uri: str) -> None:
        """Sees to it that a subscription sends the topic there. None is deleted: a second one is harmless."""
        own = [each for each in self.listed if each.topic == graphql_name(topic) and self._is_ours(each)]
        if any(each.is_whole and each.uri == uri for each in own):
            return
        try:
            message = await (repair(self.admin, own[0], uri) if own else subscribe(self.admin, topic, uri))
        except DeniedError as denied:
            message = denied.refusal.cause
        except RefusedError as refusal:
            message = refusal.cause
        if not message:
            change = "repaired" if own else "made"
            emit("webhooks.subscription_repaired", level=logging.WARNING, topic=topic, change=change)
        elif TAKEN not in message:  # the app's configuration sends the topic there already
            self.refused[topic] = RefusedError(ErrorCode.SUBSCRIPTION_REFUSED, topic=topic, message=message)

    def _is_ours(self, subscription: Subscription) -> bool:
        """Whether it sends to this app: at another host where the app has moved, or to another family by mistake."""
        return _path(subscription.uri)[:-1] == ["webhooks", "shopify", self.store]


async def _note(
    store: str, refused: Mapping[str, RefusedError], journal: Journal, progress: Progress, now: datetime
) -> None:
    """A row of the journal for each refusal that the last run did not have."""
    for topic, refusal in refused.items():
        if progress.refused.get(topic) == refusal.cause:
            continue
        await journal.write(
            JournalEntry(
                store=store,
                entity_id="",
                event_id=f"subscription-{topic}",
                topic=_TOPIC,
                attempt=1,
                at=now,
                outcome="refused",
                note=f"{refusal.code}: {refusal.cause}",
                evidence={"next_step": refusal.next_step, "owner": refusal.entry.owner},
            )
        )
    progress.refused = {topic: refusal.cause for topic, refusal in refused.items()}


def _path(uri: str) -> list[str]:
    """The last four parts of the path."""
    return urlsplit(uri).path.split("/")[-4:]
