"""Between AMQP messages on the wire and `Content`.

Only header and message annotations are written anew: properties, application properties and body go out byte for byte
as they came in (a dead-lettered message gets two more application properties). Section codes: AMQP 1.0, part 3.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from proton import int32 as amqp_int
from proton import symbol, timestamp, ubyte, uint

from local.servicebus.encoding import decode_described, encode_described
from local.servicebus.errors import MalformedMessageError, MessageTooLargeError
from local.servicebus.message import Content, Message

MAX_MESSAGE_BYTES = 256 * 1024
"""Azure's limit in the Standard tier, for a message and for a batch."""

_HEADER, _DELIVERY_ANNOTATIONS, _ANNOTATIONS, _PROPERTIES, _APPLICATION_PROPERTIES = 0x70, 0x71, 0x72, 0x73, 0x74
_DATA, _FOOTER = 0x75, 0x78
_DESCRIPTOR = b"\x00\x53"  # a described value whose descriptor is a small ulong, the next byte
_MAX_TTL_MS = 2**32 - 1
_DEFAULT_PRIORITY = 4

_LOCK_TOKEN = symbol("x-opt-lock-token")
_SCHEDULED = "x-opt-scheduled-enqueue-time"
_BROKER_ANNOTATIONS = frozenset(
    {
        "x-opt-sequence-number",
        "x-opt-enqueue-sequence-number",
        "x-opt-enqueued-time",
        "x-opt-locked-until",
        "x-opt-message-state",
    }
)


def decode(payload: bytes) -> list[Content]:
    """The contents of a transfer: one message, or those of a batch. Raises MalformedMessageError, MessageTooLargeError.

    A batch (message format 0x80013700) is a message whose data sections are encoded messages. Proton does not give the
    message format, so the data sections decide: they all begin like a message. A body of text or JSON never does.
    """
    if len(payload) > MAX_MESSAGE_BYTES:
        raise MessageTooLargeError(
            f"The received message (size: {len(payload)} bytes) exceeds the limit ({MAX_MESSAGE_BYTES} bytes)."
        )
    envelope = _Envelope.split(payload)
    parts = envelope.batched_messages()
    return [_Envelope.split(part).content() for part in parts] if parts else [envelope.content()]


def encode(message: Message) -> bytes:
    """The message as a receiver gets it."""
    content = message.content
    application_properties = content.application_properties_section
    if message.dead_letter is not None:
        note = {
            "DeadLetterReason": message.dead_letter.reason,
            "DeadLetterErrorDescription": message.dead_letter.description,
        }
        merged = {**content.properties, **{key: text for key, text in note.items() if text is not None}}
        application_properties = encode_described(_APPLICATION_PROPERTIES, merged)
    lock = message.lock
    token = b"" if lock is None else encode_described(_DELIVERY_ANNOTATIONS, {_LOCK_TOKEN: lock.token})
    return b"".join(
        (
            encode_described(_HEADER, _header(message)),
            token,
            encode_described(_ANNOTATIONS, _annotations(message)),
            content.properties_section,
            application_properties,
            content.body_sections,
        )
    )


def to_milliseconds(seconds: float) -> timestamp:
    return timestamp(int(seconds * 1000))


def _header(message: Message) -> list[object]:
    if message.expires_at is not None:
        lifetime: float | None = message.expires_at - message.enqueued_at
    else:
        lifetime = message.content.time_to_live
    ttl = None if lifetime is None else uint(min(int(lifetime * 1000), _MAX_TTL_MS))
    return [True, ubyte(message.content.priority), ttl, None, uint(message.delivery_count)]


def _annotations(message: Message) -> dict[symbol, object]:
    own: dict[symbol, object] = {
        symbol(name): value for name, value in message.content.annotations.items() if name not in _BROKER_ANNOTATIONS
    }
    own[symbol("x-opt-sequence-number")] = message.sequence_number
    own[symbol("x-opt-enqueue-sequence-number")] = message.enqueued_sequence_number
    own[symbol("x-opt-enqueued-time")] = to_milliseconds(message.enqueued_at)
    own[symbol("x-opt-message-state")] = amqp_int(message.state)
    if message.lock is not None:
        own[symbol("x-opt-locked-until")] = to_milliseconds(message.lock.locked_until)
    return own


@dataclass(slots=True)
class _Envelope:
    """A message taken apart into sections, the body still encoded."""

    size: int
    decoded: dict[int, object] = field(default_factory=dict)
    encoded: dict[int, bytes] = field(default_factory=dict)
    body: bytes = b""

    @classmethod
    def split(cls, payload: bytes) -> "_Envelope":
        envelope = cls(len(payload))
        rest = payload
        while _HEADER <= _section_code(rest) < _DATA:
            code, value, length = decode_described(rest)
            envelope.decoded[code] = value
            envelope.encoded[code] = rest[:length]
            rest = rest[length:]
        # Azure takes a message that ends after its properties, without a body.
        if not envelope.encoded and not rest:
            raise MalformedMessageError("The transfer is empty.")
        if rest and not _DATA <= _section_code(rest) < _FOOTER:
            raise MalformedMessageError("The transfer is not an AMQP message.")
        envelope.body = rest
        return envelope

    def batched_messages(self) -> list[bytes]:
        parts = list(self._data_sections())
        return parts if parts and all(_section_code(part) for part in parts) else []

    def content(self) -> Content:
        properties = [*self._list(_PROPERTIES), *[None] * 13]
        annotations = self._map(_ANNOTATIONS)
        header = [*self._list(_HEADER), *[None] * 5]
        ttl, scheduled = header[2], annotations.get(_SCHEDULED)
        return Content(
            message_id=_text(properties[0]),
            to=_text(properties[2]),
            subject=_text(properties[3]),
            reply_to=_text(properties[4]),
            correlation_id=_text(properties[5]),
            content_type=_text(properties[6]),
            session_id=_session_id(properties[10]),
            reply_to_session_id=_text(properties[12]),
            properties=self._map(_APPLICATION_PROPERTIES),
            annotations=annotations,
            priority=header[1] if isinstance(header[1], int) else _DEFAULT_PRIORITY,
            time_to_live=ttl / 1000 if isinstance(ttl, int) else None,
            scheduled_for=scheduled / 1000 if isinstance(scheduled, int) else None,
            properties_section=self.encoded.get(_PROPERTIES, b""),
            application_properties_section=self.encoded.get(_APPLICATION_PROPERTIES, b""),
            body_sections=self.body,
            size=self.size,
        )

    def _list(self, code: int) -> list[object]:
        value = self.decoded.get(code, [])
        if not isinstance(value, list):
            raise MalformedMessageError(f"Section 0x{code:x} is not a list.")
        return value

    def _map(self, code: int) -> Mapping[str, object]:
        value = self.decoded.get(code, {})
        if not isinstance(value, dict):
            raise MalformedMessageError(f"Section 0x{code:x} is not a map.")
        return value

    def _data_sections(self) -> Iterator[bytes]:
        rest = self.body
        while _section_code(rest) == _DATA:
            _, value, length = decode_described(rest)
            yield value if isinstance(value, bytes) else b""
            rest = rest[length:]


def _section_code(payload: bytes) -> int:
    """Which section of a message the payload begins with; 0 if with none."""
    begins = payload[:2] == _DESCRIPTOR and len(payload) > 2
    return payload[2] if begins and _HEADER <= payload[2] <= _FOOTER else 0


def _session_id(value: object) -> str | None:
    """Raises MalformedMessageError for anything but text, which is all that AMQP's group-id may be."""
    if value is None or isinstance(value, str):
        return value
    raise MalformedMessageError(f"The session id of the message is {type(value).__name__}, not text.")


def _text(value: object) -> str | None:
    """Message and correlation ids may also be numbers, UUIDs or binary."""
    if value is None:
        return None
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
