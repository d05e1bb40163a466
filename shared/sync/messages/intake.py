"""From Shopify's webhook to Service Bus: verified, published, and only then acknowledged."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final, Protocol

from azure.core.exceptions import AzureError

from shared.bus.envelope import WEBHOOK, Claim, Envelope
from shared.bus.publisher import Publisher
from shared.errors import ErrorCode, OutcomeUnknownError, WebhookIgnoredError, WebhookRefusedError
from shared.flows import BY_FAMILY, BY_TOPIC, ORDERS, Flow
from shared.mapping.shopify.events import naming_body, order_id_of
from shared.settings import Secret
from shared.shopify import webhooks
from shared.store.blobs import Bodies
from shared.store.journal import JournalEntry
from shared.telemetry import PerMinute, Span, annotate, correlated, count, emit, span

# A Service Bus message of the Standard tier holds 256 KB with all its properties; larger bodies go to Blob Storage.
CLAIM_ABOVE: Final = 200_000
STORAGE_TIMEOUT: Final = 2.0  # seconds; the rest of Shopify's five is for Service Bus

# The address is open to the world, and each line of telemetry costs money: further ones are only counted.
TOLD: Final = 20  # refused, ignored or slow ones a minute, for each code and process
# Those that go well are only counted, by store and topic: the host writes a row for each request, in its own process.
SLOW: Final = 2.0  # seconds, of the five that Shopify waits
# The signature does not cover the topic: whoever has one signed body can send it with any.
NOTES: Final = 100  # of a process

_ACCEPTED: Final = 200
_REFUSED: Final = 400
_FAILED: Final = 500  # what Functions answers when anything but a refusal is raised


@dataclass(frozen=True, slots=True)
class StoreIntake:
    """What the intake has to know about one store."""

    shop_domain: str
    secrets: tuple[Secret, ...]
    flows: frozenset[str]
    """Names of those that are switched on."""
    api_version: str = ""
    """Of the bodies that the app reads."""
    lacks_secrets: bool = False
    """Whether any secret of the store is missing, of its webhooks or of its Admin API."""


class Notes(Protocol):
    """The journal."""

    async def write(self, entry: JournalEntry) -> None: ...


@dataclass(frozen=True, slots=True)
class IntakePorts:
    stores: Mapping[str, StoreIntake]
    """By store key."""
    publisher: Publisher
    claims: Bodies
    notes: Notes
    max_bytes: int
    """Of a larger body only the order's id is published: the order is fetched."""
    told: PerMinute = field(default_factory=lambda: PerMinute(TOLD))
    versions: set[tuple[str, str]] = field(default_factory=set)
    """Store and API version of bodies in another version that this process has reported."""
    noted: set[tuple[str, ErrorCode, str]] = field(default_factory=set)
    """Store, code and topic of the notes that this process has stored."""


@dataclass(frozen=True, slots=True)
class _Arrival:
    traceparent: str
    """Of the host's row."""
    began: int
    """As time.time_ns gives it."""

    def span(self) -> AbstractContextManager[Span]:
        """A row of the app's own, below the host's: with the store, the topic and the order, which the host does not
        know.
        """
        return span("webhook", "server", self.traceparent, began=self.began)


async def receive_webhook(
    family: str, store: str, headers: Mapping[str, str], body: bytes, *, traceparent: str, ports: IntakePorts
) -> Envelope:
    """The envelope, once Service Bus has confirmed it.

    Raises WebhookIgnoredError for a signed webhook that the app has no use for, once a note of it is stored, and
    WebhookRefusedError where nothing was accepted: Shopify then sends the webhook again. Both have the answer's status.
    """
    arrival = _Arrival(traceparent, time.time_ns())
    known = store if store in ports.stores else "unknown"
    with correlated(flow=BY_FAMILY[family].name, store=known):
        try:
            envelope = await _take(store, headers, body, traceparent, ports)
        except (WebhookRefusedError, WebhookIgnoredError) as answer:
            _report(answer, ports, store=known, size=len(body), arrival=arrival)
            raise
        except BaseException as error:
            with arrival.span() as failed:
                failed.add({"status": _FAILED})
                failed.fail(type(error).__name__)
            raise
        count("webhook.accepted", store=store, topic=envelope.topic)
        seconds = (time.time_ns() - arrival.began) / 1e9
        if seconds >= SLOW and ports.told.allows("slow"):
            with arrival.span() as slow:
                slow.add({"status": _ACCEPTED})
                emit("webhook.slow", level=logging.WARNING, seconds=round(seconds, 3), bytes=len(body))
    return envelope


async def _take(store: str, headers: Mapping[str, str], body: bytes, traceparent: str, ports: IntakePorts) -> Envelope:
    """Verifies and publishes. What it finds out is added to the telemetry around it."""
    webhook = _verify(store, headers, body, ports)
    annotate(topic=webhook.topic, event_id=webhook.event_id)
    _compare_version(webhook, store, traceparent, ports)
    flow = await _flow_for(webhook, store, ports)
    order_id = await _order_id(webhook)
    annotate(flow=flow.name, entity_id=order_id)
    envelope = Envelope(
        flow=flow.queue or ORDERS.name,
        event_id=webhook.event_id,
        source=WEBHOOK,
        store=store,
        topic=webhook.topic,
        entity_id=order_id,
        occurred_at=webhook.triggered_at,
        traceparent=traceparent,
        body=naming_body(int(order_id)) if order_id and len(body) > ports.max_bytes else body,
    )
    return await _publish(envelope, ports)


def _report(
    answer: WebhookRefusedError | WebhookIgnoredError, ports: IntakePorts, *, store: str, size: int, arrival: _Arrival
) -> None:
    """As a row of its own, or as one of many."""
    is_refused = isinstance(answer, WebhookRefusedError)
    event, level = ("webhook.refused", logging.WARNING) if is_refused else ("webhook.ignored", logging.INFO)
    status = answer.entry.status or _REFUSED
    fields = {"code": answer.code, "status": status, "bytes": size}
    if not ports.told.allows(answer.code):
        count(event, store=store, code=answer.code)
        return
    with arrival.span() as received:
        received.add({"status": status})
        emit(event, level=level, **fields)


def _verify(store: str, headers: Mapping[str, str], body: bytes, ports: IntakePorts) -> webhooks.Webhook:
    known = ports.stores.get(store)
    if known is None:
        raise WebhookRefusedError(ErrorCode.UNKNOWN_STORE, store=store[:60])
    if known.lacks_secrets:
        raise WebhookRefusedError(ErrorCode.SECRETS_MISSING, store=store)
    return webhooks.verify_webhook(headers, body, secrets=known.secrets, shop_domain=known.shop_domain)


def _compare_version(webhook: webhooks.Webhook, store: str, traceparent: str, ports: IntakePorts) -> None:
    """Reports bodies in another API version than the store's, once per process: the app's setting in Shopify decides
    about them, and Shopify retires each version after a year. Fields may be missing then.
    """
    expected, found = ports.stores[store].api_version, (store, webhook.api_version)
    if webhook.api_version in {"", expected} or found in ports.versions or len(ports.versions) >= NOTES:
        return
    ports.versions.add(found)
    with span("compare version", "internal", traceparent):
        emit("shopify.other_version", level=logging.WARNING, traffic="webhooks", version=found[1], expected=expected)


async def _flow_for(webhook: webhooks.Webhook, store: str, ports: IntakePorts) -> Flow:
    """The flow that the topic belongs to, at whichever family's address it arrived: the sweep reports a subscription
    with a wrong address. Raises WebhookIgnoredError where there is none, or the store has it off.
    """
    flow = BY_TOPIC.get(webhook.topic)
    if flow is not None and flow.name in ports.stores[store].flows:
        return flow
    if flow is None:
        ignored = WebhookIgnoredError(ErrorCode.UNKNOWN_TOPIC, topic=webhook.topic)
    else:
        ignored = WebhookIgnoredError(ErrorCode.FLOW_OFF, store=store, flow=flow.switch)
    await _note(ignored, webhook, store, ports)
    raise ignored


async def _note(ignored: WebhookIgnoredError, webhook: webhooks.Webhook, store: str, ports: IntakePorts) -> None:
    """A row of the journal about the first of them; the process only counts those that follow. Without an order: a
    sweep finds the order's changes later as if no webhook had come.
    """
    kind = (store, ignored.code, webhook.topic)
    if kind in ports.noted or len(ports.noted) >= NOTES:
        return
    entry = JournalEntry(
        store=store,
        entity_id="",
        event_id=webhook.event_id,
        topic=webhook.topic,
        attempt=1,
        at=datetime.now(UTC),
        outcome="ignored",
        note=f"{ignored.code}: {ignored.cause}",
    )
    async with _confirmed():
        await ports.notes.write(entry)
    ports.noted.add(kind)


async def _order_id(webhook: webhooks.Webhook) -> str:
    """The id of the order that the webhook is about, "" if none is found: the event then has a session of its own, and
    its flow parks it or looks the order up.

    Only a body of orders/* without the gid is parsed here, as an includeFields setting of the subscription makes them:
    its order_id may be a nested one. Parsing all bodies would cost every webhook what few need.
    """
    if webhook.has_gid or (webhook.order_id and not webhook.topic.startswith("orders/")):
        return webhook.order_id
    try:
        is_large = len(webhook.body) > CLAIM_ABOVE
        parsed = await asyncio.to_thread(json.loads, webhook.body) if is_large else json.loads(webhook.body)
    except (ValueError, RecursionError):
        return webhook.order_id
    found = order_id_of(parsed, webhook.topic)
    return webhook.order_id if found is None else str(found)


async def _publish(envelope: Envelope, ports: IntakePorts) -> Envelope:
    """The envelope as it was sent."""
    if len(envelope.body) > CLAIM_ABOVE:
        envelope = await _store_body(envelope, ports.claims)
    try:
        await ports.publisher.publish(envelope)
    except OutcomeUnknownError as failure:
        raise WebhookRefusedError(ErrorCode.NOT_QUEUED) from failure
    return envelope


async def _store_body(envelope: Envelope, claims: Bodies) -> Envelope:
    """Moves the body to a blob named after the event, so that a retry of Shopify writes the same blob again."""
    blob = f"{envelope.store}/{envelope.event_id}"
    async with _confirmed():
        digest = await claims.put(blob, envelope.body)
    return replace(envelope, body=b"", claim=Claim(blob, digest))


@asynccontextmanager
async def _confirmed() -> AsyncIterator[None]:
    """Around a write to storage, which must end soon. Raises WebhookRefusedError NOT_QUEUED if it does not."""
    try:
        async with asyncio.timeout(STORAGE_TIMEOUT):
            yield
    except (AzureError, TimeoutError) as failure:
        raise WebhookRefusedError(ErrorCode.NOT_QUEUED) from failure
