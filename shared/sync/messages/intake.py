"""From Shopify's webhook to Service Bus: verified, published, and only then acknowledged."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from azure.core.exceptions import AzureError

from shared.bus.envelope import Claim, Envelope
from shared.bus.publisher import Publisher
from shared.errors import ErrorCode, OutcomeUnknownError, WebhookRefusedError
from shared.flows import BY_FAMILY
from shared.mapping.shopify.events import order_id_of
from shared.settings import Secret
from shared.shopify import webhooks
from shared.store.blobs import Bodies
from shared.telemetry import PerMinute, annotate, correlated, count, emit, span

# A Service Bus message of the Standard tier holds 256 KB with all its properties; larger bodies go to Blob Storage.
CLAIM_ABOVE: Final = 200_000
CLAIM_TIMEOUT: Final = 2.0  # seconds; the rest of Shopify's five is for Service Bus

# The address is open to the world, and each line of telemetry costs money: further refusals are only counted.
REFUSALS_TOLD: Final = 20  # a minute, for each code and process

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
    lacks_secrets: bool = False
    """Whether any secret of the store is missing, of its webhooks or of its Admin API."""


@dataclass(frozen=True, slots=True)
class IntakePorts:
    stores: Mapping[str, StoreIntake]
    """By store key."""
    publisher: Publisher
    claims: Bodies
    max_bytes: int
    told: PerMinute = field(default_factory=lambda: PerMinute(REFUSALS_TOLD))


async def receive_webhook(
    family: str, store: str, headers: Mapping[str, str], body: bytes, *, traceparent: str, ports: IntakePorts
) -> Envelope:
    """The envelope, once Service Bus has confirmed it. Raises WebhookRefusedError with the status to answer: then
    nothing was accepted, and Shopify sends the webhook again.
    """
    flow = BY_FAMILY[family]
    known = store if store in ports.stores else "unknown"
    with correlated(flow=flow.name, store=known), span("webhook", "server", traceparent) as received:
        received.add({"status": _FAILED})
        try:
            webhook = _check(family, store, headers, body, ports)
            order_id = _order_id(webhook)
            annotate(topic=webhook.topic, event_id=webhook.event_id, entity_id=order_id)
            envelope = Envelope(
                flow=flow.name,
                event_id=webhook.event_id,
                source="shopify",
                store=store,
                topic=webhook.topic,
                entity_id=order_id,
                occurred_at=webhook.triggered_at,
                traceparent=received.traceparent,
                body=body,
            )
            envelope = await _publish(envelope, ports)
        except WebhookRefusedError as refusal:
            status = refusal.entry.status or _REFUSED
            received.add({"status": status})
            refused = {"code": refusal.code, "status": status, "bytes": len(body)}
            if ports.told.allows(refusal.code):
                emit("webhook.refused", level=logging.WARNING, **refused)
            else:
                received.leave_out()
                count("webhook.refused", **refused)
            raise
        received.add({"status": _ACCEPTED})
        emit("webhook.accepted", bytes=len(body))
    return envelope


def _check(family: str, store: str, headers: Mapping[str, str], body: bytes, ports: IntakePorts) -> webhooks.Webhook:
    known = ports.stores.get(store)
    if known is None:
        raise WebhookRefusedError(ErrorCode.UNKNOWN_STORE, store=store[:60])
    flow = BY_FAMILY[family]
    if flow.name not in known.flows:
        raise WebhookRefusedError(ErrorCode.FLOW_OFF, store=store, flow=flow.switch)
    if known.lacks_secrets:
        raise WebhookRefusedError(ErrorCode.SECRETS_MISSING, store=store)
    return webhooks.verify_webhook(
        headers,
        body,
        secrets=known.secrets,
        shop_domain=known.shop_domain,
        topics=flow.webhooks[family],
        max_bytes=ports.max_bytes,
    )


def _order_id(webhook: webhooks.Webhook) -> str:
    """The id of the order that the webhook is about, "" if none is found: the event then has a session of its own, and
    its flow parks it.

    Only a body of orders/* without the gid is parsed here, as an includeFields setting of the subscription makes them:
    its order_id may be a nested one. Parsing all bodies would cost every webhook what few need.
    """
    if webhook.has_gid or (webhook.order_id and not webhook.topic.startswith("orders/")):
        return webhook.order_id
    try:
        payload = json.loads(webhook.body)
    except (ValueError, RecursionError):
        return webhook.order_id
    found = order_id_of(payload, webhook.topic)
    return webhook.order_id if found is None else str(found)


async def _publish(envelope: Envelope, ports: IntakePorts) -> Envelope:
    """The envelope as it was sent, with the trace that its receiver continues."""
    try:
        if len(envelope.body) > CLAIM_ABOVE:
            envelope = await _store_body(envelope, ports.claims)
        with span("publish", "producer") as sending:
            envelope = replace(envelope, traceparent=sending.traceparent or envelope.traceparent)
            await ports.publisher.publish(envelope)
    except OutcomeUnknownError as failure:
        raise WebhookRefusedError(ErrorCode.NOT_QUEUED) from failure
    return envelope


async def _store_body(envelope: Envelope, claims: Bodies) -> Envelope:
    """Moves the body to a blob named after the event, so that a retry of Shopify writes the same blob again."""
    blob = f"{envelope.store}/{envelope.event_id}"
    try:
        async with asyncio.timeout(CLAIM_TIMEOUT):
            digest = await claims.put(blob, envelope.body)
    except (AzureError, TimeoutError) as failure:
        raise WebhookRefusedError(ErrorCode.NOT_QUEUED) from failure
    return replace(envelope, body=b"", claim=Claim(blob, digest))
