"""A message on Service Bus: the webhook's raw body, and the properties that routing needs."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from shared.errors import ErrorCode, RefusedError

SCHEMA: Final = 1
"""Increased when older releases could not read newer messages; a release reads all versions up to its own."""

WEBHOOK: Final = "shopify"
"""The source of a message that Shopify sent."""
OPERATOR: Final = "operator"
"""The source of a message that a person sends again; it is processed although the order has parked messages."""

HEALING: Final = "sweep-heal"
"""The source of an event that mends a sales order: it is compared with F&O although Shopify's order did not change."""

SESSION_BUCKETS: Final = 64
"""All messages about one order are in one of this many sessions, so that one worker at a time processes them.

Equal to maxConcurrentSessions in host.json, so that one instance can take them all: a session beyond that would wait
until another has been idle for sessionIdleTimeout. How many calls F&O gets at once is decided elsewhere, by slots
(shared/d365/odata/leases.py): an order needs one for a part of its time, so that there are several sessions for each.
With another number an order may have messages in two sessions for a while: two workers at once book it once all the
same, as docs/architecture.md says of sessions.
"""

_PROPERTIES_LIMIT: Final = 4_000
"""Characters of all properties of a message together: a parked row has them as JSON, in one text of at most 32 Ki."""
_MAX_ATTEMPT: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Claim:
    """The blob that holds a body too large for a message (claim check)."""

    blob: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Envelope:
    flow: str
    """The queue's name, by which the topic's subscriptions filter."""
    event_id: str
    """Shopify's webhook id: the same on every delivery of one webhook."""
    source: str
    store: str
    topic: str
    """As Shopify names it: "orders/create"."""
    entity_id: str
    """The id of the order or other entity that it is about; "" if the body has none."""
    occurred_at: datetime
    traceparent: str
    body: bytes
    """As Shopify signed it; empty if it is in a blob."""
    claim: Claim | None = None
    attempt: int = 1
    waits: int = 0
    """How many attempts before this one only waited for what has to happen first, and failed at nothing."""

    @property
    def session_id(self) -> str:
        """The same for all events about this entity, in every process and release."""
        key = f"{self.store}/{self.entity_id or self.event_id}".encode()
        return f"{self.flow}-{int.from_bytes(hashlib.sha256(key).digest()[:4]) % SESSION_BUCKETS}"

    @property
    def message_id(self) -> str:
        """The same for the same attempt, so that duplicate detection drops a second copy."""
        return self.event_id if self.attempt == 1 else f"{self.event_id}:r{self.attempt}"

    @property
    def tries(self) -> int:
        """Attempts that count: this one and those that failed before it."""
        return self.attempt - self.waits

    def next_attempt(self, *, is_wait: bool) -> Envelope:
        return replace(self, attempt=self.attempt + 1, waits=self.waits + is_wait)

    def properties(self) -> dict[str, str | int]:
        """The application properties of the message; `flow` is what the topic filters on."""
        claim = {"claim_blob": self.claim.blob, "claim_sha256": self.claim.sha256} if self.claim else {}
        return {
            "schema": SCHEMA,
            "flow": self.flow,
            "event_id": self.event_id,
            "source": self.source,
            "store": self.store,
            "topic": self.topic,
            "entity_id": self.entity_id,
            "occurred_at": self.occurred_at.isoformat(),
            "traceparent": self.traceparent,
            "Diagnostic-Id": self.traceparent,  # read by Azure Monitor
            "attempt": self.attempt,
            **({"waits": self.waits} if self.waits else {}),
            **claim,
        }


def read_envelope(body: bytes, properties: Mapping[str, object]) -> Envelope:
    """The envelope of a received message. Raises RefusedError ENVELOPE_UNREADABLE for bad properties."""
    length = sum(len(str(name)) + len(str(value)) for name, value in properties.items())
    if length > _PROPERTIES_LIMIT:
        raise RefusedError(ErrorCode.ENVELOPE_UNREADABLE, problem=f"its properties have {length} characters")
    try:
        schema = int(str(properties["schema"]))
        envelope = Envelope(
            flow=str(properties["flow"]),
            event_id=str(properties["event_id"]),
            source=str(properties["source"]),
            store=str(properties["store"]),
            topic=str(properties["topic"]),
            entity_id=str(properties["entity_id"]),
            occurred_at=_aware(str(properties["occurred_at"])),
            traceparent=str(properties["traceparent"]),
            body=body,
            claim=Claim(str(properties["claim_blob"]), str(properties["claim_sha256"]))
            if "claim_blob" in properties
            else None,
            attempt=int(str(properties["attempt"])),
            waits=int(str(properties.get("waits", 0))),
        )
    except KeyError as missing:
        raise RefusedError(ErrorCode.ENVELOPE_UNREADABLE, problem=f"the property {missing} is missing") from None
    except ValueError as wrong:
        raise RefusedError(ErrorCode.ENVELOPE_UNREADABLE, problem=str(wrong)) from None
    if not 1 <= envelope.tries <= envelope.attempt <= _MAX_ATTEMPT:
        problem = f"its attempt is {envelope.attempt}, its waits are {envelope.waits}"
        raise RefusedError(ErrorCode.ENVELOPE_UNREADABLE, problem=problem)
    if not 1 <= schema <= SCHEMA:
        raise RefusedError(
            ErrorCode.ENVELOPE_UNREADABLE, problem=f"its schema is {schema}, this release reads up to {SCHEMA}"
        )
    return envelope


def _aware(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
