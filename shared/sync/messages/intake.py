"""From Shopify's webhook to Service Bus: checked, published, and only then acknowledged."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from azure.core.exceptions import AzureError

from shared.bus.envelope import Claim, Envelope
from shared.bus.publisher import Publisher
from shared.errors import ErrorCode, OutcomeUnknownError, WebhookRefusedError
from shared.settings import Secret
from shared.shopify import webhooks
from shared.store.blobs import Bodies
from shared.telemetry import annotate, correlated, emit, span

# A Service Bus message of the Standard tier holds 256 KB with all its properties; larger bodies are set aside.
CLAIM_ABOVE: Final = 200_000
CLAIM_TIMEOUT: Final = 2.0  # seconds; what is left of Shopify's five is for Service Bus

_TAKEN: Final = 200
_REFUSED: Final = 400
_OUR_FAULT: Final = 500  # what Functions answers when anything but a refusal is raised

FLOW: Final = "orders"
TOPICS: Final = {
    "orders": frozenset(
        {
            "orders/create",
            "orders/updated",
            "orders/edited",
            "orders/cancelled",
            "orders/paid",
            "orders/fulfilled",
            "orders/partially_fulfilled",
            "orders/risk_assessment_changed",
        }
    ),
    "refunds": frozenset({"refunds/create"}),
    "transactions": frozenset({"order_transactions/create"}),
}
"""Family, which is the last part of a webhook's address -> its topics. All tell of an order, and all go the way of the
orders: what happens to one order is one session, handled one after the other."""


@dataclass(frozen=True, slots=True)
class Door:
    """What the intake needs to know of one store."""

    shop_domain: str
    secrets: tuple[Secret, ...]
    flows: frozenset[str]
    """Those that are switched on."""


@dataclass(frozen=True, slots=True)
class IntakePorts:
    doors: Mapping[str, Door]
    """By store key."""
    publisher: Publisher
    claims: Bodies
    max_bytes: int


async def receive_webhook(
    family: str, store: str, headers: Mapping[str, str], body: bytes, *, traceparent: str, ports: IntakePorts
) -> Envelope:
    """Gives the envelope when Service Bus has it. Raises WebhookRefusedError with the status to answer: then nothing
    was taken on and Shopify keeps the webhook.
    """
    known = store if store in ports.doors else "unknown"
    with correlated(flow=FLOW, store=known), span("webhook", "server", traceparent) as received:
        received.add({"status": _OUR_FAULT})
        try:
            webhook = _check(family, store, headers, body, ports)
            annotate(topic=webhook.topic, event_id=webhook.event_id, entity_id=webhook.order_id)
            envelope = Envelope(
                flow=FLOW,
                event_id=webhook.event_id,
                source="shopify",
                store=store,
                topic=webhook.topic,
                entity_id=webhook.order_id,
                occurred_at=webhook.triggered_at,
                traceparent=received.traceparent,
                body=body,
            )
            envelope = await _publish(envelope, ports)
        except WebhookRefusedError as refusal:
            status = refusal.entry.status or _REFUSED
            received.add({"status": status})
            emit("webhook.refused", level=logging.WARNING, code=refusal.code, status=status, bytes=len(body))
            raise
        received.add({"status": _TAKEN})
        emit("webhook.accepted", bytes=len(body))
    return envelope


def _check(family: str, store: str, headers: Mapping[str, str], body: bytes, ports: IntakePorts) -> webhooks.Webhook:
    door = ports.doors.get(store)
    if door is None:
        raise WebhookRefusedError(ErrorCode.UNKNOWN_STORE, store=store[:60])
    if FLOW not in door.flows:
        raise WebhookRefusedError(ErrorCode.FLOW_OFF, store=store, flow=FLOW)
    return webhooks.verify_webhook(
        headers,
        body,
        secrets=door.secrets,
        shop_domain=door.shop_domain,
        topics=TOPICS[family],
        max_bytes=ports.max_bytes,
    )


async def _publish(envelope: Envelope, ports: IntakePorts) -> Envelope:
    """Gives the envelope as it was sent: whoever receives it continues the trace from its sending."""
    try:
        if len(envelope.body) > CLAIM_ABOVE:
            envelope = await _set_aside(envelope, ports.claims)
        with span("publish", "producer") as sending:
            envelope = replace(envelope, traceparent=sending.traceparent or envelope.traceparent)
            await ports.publisher.publish(envelope)
    except OutcomeUnknownError as failure:
        raise WebhookRefusedError(ErrorCode.NOT_QUEUED) from failure
    return envelope


async def _set_aside(envelope: Envelope, claims: Bodies) -> Envelope:
    """Body to Blob Storage under the event's own name, so that a retry of Shopify writes the same blob again."""
    blob = f"{envelope.store}/{envelope.event_id}"
    try:
        async with asyncio.timeout(CLAIM_TIMEOUT):
            digest = await claims.put(blob, envelope.body)
    except (AzureError, TimeoutError) as failure:
        raise WebhookRefusedError(ErrorCode.NOT_QUEUED) from failure
    return replace(envelope, body=b"", claim=Claim(blob, digest))
