"""One message of a queue, from its receipt to its end: done, waiting or parked. Nothing else can become of it.

Functions settles a message for us: returning completes it, raising gives it back to the queue. So whatever must
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
from shared.store.journal import Entry, Journal
from shared.store.parking import ParkedMessage, Parking
from shared.store.proofs import cut_proof
from shared.sync.messages.outcome import Done, Outcome, Park, Retry, RetryPolicy
from shared.telemetry import annotate, correlated, span, tell

type Flow = Callable[[Envelope], Awaitable[Outcome]]


@dataclass(frozen=True, slots=True)
class Desk:
    """Where messages go that are not simply done."""

    queue: Publisher
    """Back into the flow's own queue, for copies that wait."""
    claims: Bodies
    journal: Journal
    parking: Parking
    policy: RetryPolicy = field(default_factory=RetryPolicy)


async def handle_message(
    flow: Flow, body: bytes, properties: Mapping[str, object], message_id: str, desk: Desk
) -> None:
    """Runs the flow on one message and sees to its outcome. Raises only when that itself failed: the queue delivers
    the message again then, up to its max delivery count.
    """
    try:
        envelope = read_envelope(body, properties)
    except RefusedError as error:
        stranger = Envelope("unknown", message_id, "unknown", "unknown", "unknown", "", datetime.now(UTC), "", body)
        await _park(stranger, error, body, {}, desk)
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
        # The trace of an event of our own begins here, and its later attempts belong to it.
        await _handle(flow, replace(envelope, traceparent=envelope.traceparent or handling.traceparent), desk)


async def _handle(flow: Flow, envelope: Envelope, desk: Desk) -> None:
    body = envelope.body
    try:
        if envelope.claim:
            body = await desk.claims.get(envelope.claim.blob, sha256=envelope.claim.sha256)
        outcome = await flow(replace(envelope, body=body))
    except RefusedError as refusal:
        outcome = Park(refusal)
    except TransientError as trouble:
        outcome = Retry(trouble)
    now = datetime.now(UTC)
    if isinstance(outcome, Retry) and desk.policy.is_exhausted(envelope.attempt, envelope.occurred_at, now):
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
                desk,
                document=outcome.document,
                evidence=outcome.evidence,
                result=outcome.note,
            )
        case Retry(error):
            await _wait(envelope, error, now, desk)
        case Park(error, then):
            await _park(envelope, error, body, envelope.properties(), desk)
            if then is not None:
                await then()


async def _wait(envelope: Envelope, error: TransientError, now: datetime, desk: Desk) -> None:
    """A copy of the message sleeps in the queue; its id is the next attempt's, so a second copy is dropped."""
    until = now + desk.policy.wait(envelope.attempt, error)
    copy = envelope.next_attempt()
    await desk.queue.publish(copy, at=until)
    await _record(envelope, "waiting", error.reason, now, desk, until=until, reason=type(error).__name__)


async def _park(
    envelope: Envelope, error: RefusedError, body: bytes, properties: Mapping[str, str | int], desk: Desk
) -> None:
    now = datetime.now(UTC)
    await desk.parking.park(
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
        desk,
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
    desk: Desk,
    *,
    document: str = "",
    until: datetime | None = None,
    evidence: Mapping[str, object] | None = None,
    level: int = logging.INFO,
    **told: object,
) -> None:
    """For people in the journal, with all reasons; for telemetry with what is `told`, since a note may quote F&O or the
    buyer.
    """
    entry = Entry(
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
    await desk.journal.write(entry)
    annotate(outcome=outcome, document=document or None, seconds=round(entry.seconds, 3))
    tell(
        f"message.{outcome}",
        level=level,
        waiting_until=entry.waiting_until,
        **told,
    )
