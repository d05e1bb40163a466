"""One message of a queue, from its receipt to its outcome: done, waiting or parked.

The Functions host settles the message: returning completes it, raising returns it to the queue. So whatever must
outlive the message (a scheduled copy, a parked record) is confirmed before this returns.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from shared.bus.envelope import Envelope, read_envelope
from shared.bus.publisher import Publisher
from shared.errors import ErrorCode, RefusedError, TransientError
from shared.store.blobs import Bodies
from shared.store.journal import Journal, JournalEntry
from shared.store.parking import ParkedMessage, Parking
from shared.store.proofs import cut_proof
from shared.sync.messages.outcome import Done, MessageOutcome, Park, Retry, RetryPolicy
from shared.telemetry import annotate, correlated, emit, span

type MessageHandler = Callable[[Envelope], Awaitable[MessageOutcome]]


@dataclass(frozen=True, slots=True)
class QueuePorts:
    """What the handling of one queue's messages works with."""

    queue: Publisher
    """The same queue, for scheduled copies."""
    claims: Bodies
    journal: Journal
    parking: Parking
    policy: RetryPolicy = field(default_factory=RetryPolicy)


async def handle_message(
    handler: MessageHandler, body: bytes, properties: Mapping[str, object], message_id: str, ports: QueuePorts
) -> None:
    """Runs the handler on one message and carries out its outcome. Raises only when that fails: the queue then delivers
    the message again, up to its max delivery count.
    """
    try:
        envelope = read_envelope(body, properties)
    except RefusedError as error:
        foreign = Envelope("unknown", message_id, "unknown", "unknown", "unknown", "", datetime.now(UTC), "", body)
        await _park(foreign, error, body, {}, ports)
        return
    with (
        correlated(
            flow=envelope.flow,
            store=envelope.store,
            topic=envelope.topic,
            event_id=envelope.event_id,
            entity_id=envelope.entity_id,
            attempt=envelope.attempt,
        ),
        span(f"sync {envelope.flow}", "consumer", envelope.traceparent) as handling,
    ):
        # The trace of an event that the app itself created begins here; later attempts belong to it.
        await _handle(handler, replace(envelope, traceparent=envelope.traceparent or handling.traceparent), ports)


async def _handle(handler: MessageHandler, envelope: Envelope, ports: QueuePorts) -> None:
    body = envelope.body
    try:
        if envelope.claim:
            body = await ports.claims.get(envelope.claim.blob, sha256=envelope.claim.sha256)
        outcome = await handler(replace(envelope, body=body))
    except RefusedError as refusal:
        outcome = Park(refusal)
    except TransientError as failure:
        outcome = Retry(failure)
    now = datetime.now(UTC)
    if isinstance(outcome, Retry) and ports.policy.is_exhausted(envelope.attempt, envelope.occurred_at, now):
        age = str(now - envelope.occurred_at).split(".")[0]
        outcome = Park(
            RefusedError(ErrorCode.ATTEMPTS_EXHAUSTED, attempts=envelope.attempt, age=age, reason=outcome.error.reason)
        )
    match outcome:
        case Done():
            await _record(
                envelope,
                "done",
                outcome.note,
                now,
                ports,
                document=outcome.document,
                evidence=outcome.evidence,
                result=outcome.note,
            )
        case Retry(error):
            await _wait(envelope, error, now, ports)
        case Park(error, then):
            await _park(envelope, error, body, envelope.properties(), ports)
            if then is not None:
                await then()


async def _wait(envelope: Envelope, error: TransientError, now: datetime, ports: QueuePorts) -> None:
    """Schedules a copy in the queue. Its message id is the next attempt's, so the queue drops a second copy."""
    until = now + ports.policy.wait(envelope.attempt, error)
    copy = envelope.next_attempt()
    await ports.queue.publish(copy, at=until)
    await _record(envelope, "waiting", error.reason, now, ports, until=until, reason=type(error).__name__)


async def _park(
    envelope: Envelope, error: RefusedError, body: bytes, properties: Mapping[str, str | int], ports: QueuePorts
) -> None:
    now = datetime.now(UTC)
    await ports.parking.park(
        ParkedMessage(
            flow=envelope.flow,
            store=envelope.store,
            event_id=envelope.event_id,
            entity_id=envelope.entity_id,
            at=now,
            properties=properties,
            body=body,
            error=error,
        )
    )
    note = f"{error.code}: {error.cause}"
    await _record(
        envelope,
        "parked",
        note,
        now,
        ports,
        evidence={**error.details, **({"proof": cut_proof(error.proof)} if error.proof else {})},
        level=logging.WARNING,
        code=error.code,
        owner=error.entry.owner,
    )


async def _record(
    envelope: Envelope,
    outcome: str,
    note: str,
    now: datetime,
    ports: QueuePorts,
    *,
    document: str = "",
    until: datetime | None = None,
    evidence: Mapping[str, object] | None = None,
    level: int = logging.INFO,
    **fields: object,
) -> None:
    """Writes the outcome to the journal with every reason, and to telemetry with the `fields` alone: a note may quote
    F&O or the buyer.
    """
    entry = JournalEntry(
        store=envelope.store,
        entity_id=envelope.entity_id,
        event_id=envelope.event_id,
        topic=envelope.topic,
        attempt=envelope.attempt,
        at=now,
        outcome=outcome,
        note=note,
        document=document,
        waiting_until=until,
        seconds=(now - envelope.occurred_at).total_seconds(),
        traceparent=envelope.traceparent,
        evidence=evidence or {},
    )
    await ports.journal.write(entry)
    annotate(outcome=outcome, document=document or None, seconds=round(entry.seconds, 3))
    emit(
        f"message.{outcome}",
        level=level,
        waiting_until=entry.waiting_until,
        **fields,
    )
