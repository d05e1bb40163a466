"""What travels through Service Bus: the webhook's raw body, and beside it the little that routing needs."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from shared.errors import ErrorCode, RefusedError

SCHEMA: Final = 1
"""Grows when an older reader could not understand a newer message; readers accept all up to their own."""

OPERATOR: Final = "operator"
"""The source of a message that a person sends again: what waits for a person does not stop it."""

SESSION_BUCKETS: Final = 8
"""Everything about one order lands in one of so many sessions, so that one worker at a time has it. As many as F&O
stands calls at once, since each session sends one: however many instances there are, F&O gets no more. And as many
as host.json's maxConcurrentSessions: a session beyond that waits until another has been idle for
sessionIdleTimeout."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Where a body too large for a message was set aside."""

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
    """The id of what it is about; "" when the body would not tell."""
    occurred_at: datetime
    traceparent: str
    body: bytes
    """As Shopify signed it; empty when set aside."""
    claim: Claim | None = None
    attempt: int = 1

    @property
    def session_id(self) -> str:
        """The bucket of this entity: equal for all events about it, in every process and release."""
        key = f"{self.store}/{self.entity_id or self.event_id}".encode()
        return f"{self.flow}-{int.from_bytes(hashlib.sha256(key).digest()[:4]) % SESSION_BUCKETS}"

    @property
    def message_id(self) -> str:
        """The same for the same attempt, so that duplicate detection drops what was sent twice."""
        return self.event_id if self.attempt == 1 else f"{self.event_id}:r{self.attempt}"

    def next_attempt(self) -> Envelope:
        return replace(self, attempt=self.attempt + 1)

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
            "Diagnostic-Id": self.traceparent,  # where Azure Monitor looks for the trace of a message
            "attempt": self.attempt,
            **claim,
        }


def read_envelope(body: bytes, properties: Mapping[str, object]) -> Envelope:
    """The envelope of a received message. Raises RefusedError ENVELOPE_UNREADABLE for anything that is not ours."""
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
        )
    except KeyError as missing:
        raise RefusedError(ErrorCode.ENVELOPE_UNREADABLE, problem=f"the property {missing} is missing") from None
    except ValueError as wrong:
        raise RefusedError(ErrorCode.ENVELOPE_UNREADABLE, problem=str(wrong)) from None
    if not 1 <= schema <= SCHEMA:
        raise RefusedError(
            ErrorCode.ENVELOPE_UNREADABLE, problem=f"its schema is {schema}, this release reads up to {SCHEMA}"
        )
    return envelope


def _aware(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
