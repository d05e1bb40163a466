"""A message as it was sent, and its state in the broker. Times are UTC seconds since 1970."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Protocol
from uuid import UUID


class MessageState(IntEnum):
    """The values of the annotation `x-opt-message-state`."""

    ACTIVE = 0
    DEFERRED = 1
    SCHEDULED = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """A message as its sender made it. The encoded sections are opaque to the broker and go out as they came in."""

    message_id: str | None = None
    session_id: str | None = None
    correlation_id: str | None = None
    to: str | None = None
    reply_to: str | None = None
    subject: str | None = None
    reply_to_session_id: str | None = None
    content_type: str | None = None
    properties: Mapping[str, object] = field(default_factory=dict)
    annotations: Mapping[str, object] = field(default_factory=dict)
    priority: int = 4
    """AMQP's default is 4. Service Bus delivers in order whatever it is."""
    time_to_live: float | None = None
    scheduled_for: float | None = None
    properties_section: bytes = b""
    application_properties_section: bytes = b""
    body_sections: bytes = b""
    size: int = 0


@dataclass(frozen=True, slots=True)
class DeadLetterNote:
    """Why a message was dead-lettered: the application properties DeadLetterReason and DeadLetterErrorDescription."""

    reason: str | None
    description: str | None


class LockHolder(Protocol):
    """A session receiver; its locks on messages of a session end with it."""

    @property
    def locked_until(self) -> float: ...


@dataclass(slots=True)
class Lock:
    token: UUID
    until: float
    session: LockHolder | None = None

    @property
    def locked_until(self) -> float:
        return self.until if self.session is None else self.session.locked_until


@dataclass(slots=True, kw_only=True)
class Message:
    """One copy of a content in one store."""

    content: Content
    sequence_number: int
    enqueued_sequence_number: int
    """The number given where the message was first accepted; differs after forwarding."""
    enqueued_at: float
    expires_at: float | None = None
    state: MessageState = MessageState.ACTIVE
    delivery_count: int = 0
    """Failed deliveries so far, as in the AMQP header."""
    lock: Lock | None = None
    dead_letter: DeadLetterNote | None = None
