"""One message of a queue, from its receipt to its outcome: done, waiting or parked.

The Functions host settles the message: returning completes it, raising returns it to the queue. So whatever must
outlive the message (a scheduled copy, a parked record) is confirmed before this returns.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from traceback import walk_tb
from typing import Final

from azure.core.exceptions import AzureError

from shared.bus.envelope import Envelope, read_envelope
from shared.bus.publisher import Publisher
from shared.errors import DeniedError, ErrorCode, MaintenanceError, RefusedError, StorageAwayError, TransientError
from shared.model.maintenance import Maintenance
from shared.store.blobs import Bodies
from shared.store.journal import Journal, JournalEntry
from shared.store.outage import is_outage, storage_away
from shared.store.parking import ParkedMessage, Parking
from shared.store.proofs import cut_proof
from shared.sync.deadline import FLOW_TIME, ended_after
from shared.sync.messages.outcome import Done, MessageOutcome, Park, Parts, Retry, RetryPolicy, as_parts, is_wait
from shared.telemetry import Span, annotate, correlated, emit, span

_FOREIGN: Final = "unknown"
"""Source, flow and store of a message that is not the app's: kept whole, under its message id."""

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
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    remember: Callable[[Envelope], Awaitable[object]] | None = None
    """Stores that the event was parked as a whole, so that a later one of the same subject closes it."""
    flow_time: timedelta = FLOW_TIME
    """After it the handler is cut off, and the message waits."""
    maintenance: Maintenance = field(default_factory=Maintenance)
    """While F&O is away messages wait for the end of the window, unread."""


LAST_DELIVERY: Final = 9
"""From this delivery on a message is parked unread: after maxDeliveryCount the queue dead-letters it unrecorded."""


async def handle_message(  # noqa: PLR0917 - what the queue's message has
    handler: MessageHandler,
    body: bytes,
    properties: Mapping[str, object],
    message_id: str,
    ports: QueuePorts,
    delivery: int = 1,
) -> None:
    """Runs the handler on one message and carries out its outcome. Raises only when that fails: the queue then delivers
    the message again, up to its max delivery count. While the app's storage is away, a copy of the message waits.

    Every message that cannot be handled is parked: one that is not the app's, one at which the app fails, and one whose
    handling never came to an end because the process died or ran out of time.
    """
    try:
        envelope = read_envelope(body, properties)
    except RefusedError as error:
        now = ports.now()
        own_id = message_id or sha256(body).hexdigest()
        foreign = Envelope(_FOREIGN, own_id, _FOREIGN, _FOREIGN, _FOREIGN, "", now, "", body)
        await _carry_out(as_parts(Park(error)), foreign, body, now, ports)
        return
    if delivery >= LAST_DELIVERY:
        handler = _never_handled(delivery)
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
        traced = replace(envelope, traceparent=envelope.traceparent or handling.traceparent)
        await _handle(handler, traced, ports, handling)


async def _handle(handler: MessageHandler, envelope: Envelope, ports: QueuePorts, handling: Span) -> None:
    body = envelope.body
    try:
        async with ended_after(ports.flow_time):
            if (until := ports.maintenance.until(now := ports.now())) is not None:
                raise MaintenanceError(until, now)  # noqa: TRY301
            if envelope.claim:
                body = await ports.claims.get(envelope.claim.blob, sha256=envelope.claim.sha256)
            if envelope.source == _FOREIGN:
                raise RefusedError(ErrorCode.ENVELOPE_UNREADABLE, problem="another sender wrote it")  # noqa: TRY301
            outcome = await handler(replace(envelope, body=body))
    except RefusedError as refusal:
        outcome = _remembered(Parts(Done(""), parked=(Park(refusal),)), envelope, ports)
    except TransientError as failure:
        outcome = Retry(failure)
    except Exception as failure:  # noqa: BLE001 - whatever the app fails at is parked
        if isinstance(failure, AzureError) and is_outage(failure):
            outcome = Retry(storage_away(failure))
        else:
            handling.fail(type(failure).__name__)
            outcome = _failed(failure, envelope, ports)
    parts = as_parts(outcome)
    now = ports.now()
    if parts.retry is not None and ports.policy.is_exhausted(
        parts.retry.error, envelope.tries, envelope.occurred_at, now
    ):
        parked = (*parts.parked, _exhausted(envelope, parts.retry, now))
        parts = _remembered(replace(parts, parked=parked, retry=None), envelope, ports)
    await _carry_out(parts, envelope, body, now, ports)


def _never_handled(delivery: int) -> MessageHandler:
    async def handler(_: Envelope) -> MessageOutcome:
        problem = "its handling did not end, because the process ended or ran out of time"
        raise RefusedError(ErrorCode.APP_FAILED, times=delivery - 1, problem=problem)

    return handler


def _failed(failure: Exception, envelope: Envelope, ports: QueuePorts) -> MessageOutcome:
    """A bug, or data that storage does not take. Names the place and never the data."""
    *_, (frame, line) = walk_tb(failure.__traceback__)
    problem = f"{type(failure).__name__} in {frame.f_globals.get('__name__')}, line {line}"
    emit("message.failed", level=logging.ERROR, problem=problem)
    if envelope.tries < ports.policy.max_failures:
        return Retry(TransientError(f"the app failed: {problem}"))
    refusal = RefusedError(ErrorCode.APP_FAILED, times=envelope.tries, problem=problem)
    return _remembered(Parts(Done(""), parked=(Park(refusal),)), envelope, ports)


def _remembered(parts: Parts, envelope: Envelope, ports: QueuePorts) -> Parts:
    """The same, and that the event was parked as a whole is stored as well, once it is."""
    remember, stored = ports.remember, parts.then

    async def then() -> None:
        if stored is not None:
            await stored()
        if remember is not None:
            await remember(envelope)

    return replace(parts, then=then)


def _exhausted(envelope: Envelope, retry: Retry, now: datetime) -> Park:
    if isinstance(retry.error, DeniedError):
        return Park(retry.error.refusal)
    age = str(now - envelope.occurred_at).split(".")[0]
    return Park(RefusedError(ErrorCode.ATTEMPTS_EXHAUSTED, attempts=envelope.tries, age=age, reason=retry.error.reason))


async def _carry_out(parts: Parts, envelope: Envelope, body: bytes, now: datetime, ports: QueuePorts) -> None:
    """Parks what was refused, schedules a copy for what waits, and writes one entry into the journal.

    Where storage is away a copy waits as well: it is handled from the beginning, which finds what is done already.
    """
    try:
        for refused in parts.parked:
            await ports.parking.park(_message(envelope, refused, body, now))
    except AzureError as error:
        parts = Parts(Done(""), retry=Retry(storage_away(error)))
    until = await _wait(parts.retry, envelope, now, ports) if parts.retry is not None else None
    try:
        if parts.retry is None or not isinstance(parts.retry.error, StorageAwayError):
            await ports.journal.write(_entry(parts, envelope, now, until))
            if parts.then is not None:
                await parts.then()
    except AzureError as error:
        away = Retry(storage_away(error))
        parts = Parts(Done(""), retry=parts.retry or away)
        until = until or await _wait(away, envelope, now, ports)
    _announce(parts, envelope, now, until)


async def _wait(retry: Retry, envelope: Envelope, now: datetime, ports: QueuePorts) -> datetime:
    """Schedules a copy, and returns for when. Its message id is the next attempt's, so the queue drops a second one."""
    only_waits = is_wait(retry.error)
    until = now + ports.policy.wait(envelope.attempt if only_waits else envelope.tries, retry.error)
    await ports.queue.publish(envelope.next_attempt(is_wait=only_waits), at=until)
    return until


def _entry(parts: Parts, envelope: Envelope, now: datetime, until: datetime | None) -> JournalEntry:
    """The outcome with every reason. A reason may quote F&O or the buyer."""
    notes = [f"{refused.error.code}: {refused.error.cause}" for refused in parts.parked]
    if parts.retry is not None:
        notes.append(parts.retry.error.reason)
    notes += filter(None, [parts.done.note])
    evidence = dict(parts.done.evidence)
    for refused in parts.parked:
        evidence |= _evidence(refused.error)
    return JournalEntry(
        store=envelope.store,
        entity_id=envelope.entity_id,
        event_id=envelope.event_id,
        topic=envelope.topic,
        attempt=envelope.attempt,
        at=now,
        outcome=_name(parts),
        note="; ".join(notes),
        document=parts.done.document,
        waiting_until=until,
        seconds=(now - envelope.occurred_at).total_seconds(),
        traceparent=envelope.traceparent,
        evidence=evidence,
    )


def _name(parts: Parts) -> str:
    return "parked" if parts.parked else "waiting" if parts.retry is not None else "done"


def _announce(parts: Parts, envelope: Envelope, now: datetime, until: datetime | None) -> None:
    """Sends the outcome to telemetry, without the reasons' texts."""
    outcome, level = _name(parts), logging.INFO
    fields: dict[str, object] = {"result": parts.done.note}
    if parts.parked:
        level = logging.WARNING
        fields = {"code": parts.parked[0].error.code, "owner": parts.parked[0].error.entry.owner}
    elif parts.retry is not None:
        error = parts.retry.error
        fields = {"reason": type(error).__name__, "code": error.code if isinstance(error, DeniedError) else None}
    seconds = (now - envelope.occurred_at).total_seconds()
    annotate(outcome=outcome, document=parts.done.document or None, seconds=round(seconds, 3))
    emit(f"message.{outcome}", level=level, waiting_until=until, **fields)
    for refused in parts.parked[1:]:
        emit("message.parked", level=logging.WARNING, code=refused.error.code, owner=refused.error.entry.owner)


def _evidence(error: RefusedError) -> dict[str, object]:
    return {**error.details, **({"proof": cut_proof(error.proof)} if error.proof else {})}


def _message(envelope: Envelope, refused: Park, body: bytes, now: datetime) -> ParkedMessage:
    return ParkedMessage(
        flow=envelope.flow,
        store=envelope.store,
        event_id=envelope.event_id,
        entity_id=envelope.entity_id,
        at=now,
        properties={} if envelope.source == _FOREIGN else envelope.properties(),
        body=body,
        error=refused.error,
        part=refused.part,
        number=refused.number,
    )
