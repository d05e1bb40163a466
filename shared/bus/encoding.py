"""A message as the bytes that go over the wire: AMQP 1.0, part 3.2 (message format), in the types of part 1.6.

azure-servicebus encodes each message of a batch twice, to measure it and to send it, and takes a dozen calls for each
value. Here it is encoded once. These bytes are put into the SDK's batch through attributes that are not public:
`takes_bytes` compares a batch that was filled so with one that the SDK filled, and where they differ, the SDK encodes.
"""

from __future__ import annotations

import struct
from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import Any, Final

from azure.servicebus import ServiceBusMessage, ServiceBusMessageBatch
from azure.servicebus.exceptions import MessageSizeExceededError

from shared.bus.envelope import Claim, Envelope

CONTENT_TYPE: Final = "application/json"

_PROPERTIES: Final = b"\x00\x53\x73"
_APPLICATION_PROPERTIES: Final = b"\x00\x53\x74"
_DATA: Final = b"\x00\x53\x75"
_NULL: Final = b"\x40"
_SYMBOL: Final = b"\xa3" + bytes([len(CONTENT_TYPE)]) + CONTENT_TYPE.encode()

_SMALL: Final = 256
"""Of one byte: lengths below it have the short form, as have lists and maps whose size and count are one byte each."""


def to_message(envelope: Envelope, *, at: datetime | None = None) -> ServiceBusMessage:
    """The message as the SDK encodes it, to be delivered not before `at`."""
    return ServiceBusMessage(
        envelope.body,
        message_id=envelope.message_id,
        session_id=envelope.session_id,
        correlation_id=envelope.event_id,
        subject=envelope.topic,
        content_type=CONTENT_TYPE,
        application_properties={str(name): value for name, value in envelope.properties().items()},
        scheduled_enqueue_time_utc=at,
    )


def add(batch: ServiceBusMessageBatch, envelope: Envelope, at: datetime | None) -> None:
    """Puts the message into the batch. Raises MessageSizeExceededError if it does not fit."""
    if at is None and type(batch) is ServiceBusMessageBatch and takes_bytes():
        _add_bytes(batch, envelope)
    else:
        batch.add_message(to_message(envelope, at=at))


@cache
def takes_bytes() -> bool:
    """Whether batches of the installed SDK are what `_add_bytes` assumes; found out once in a process."""
    moment = datetime(2026, 1, 2, tzinfo=UTC)
    small = Envelope("orders", "1", "shopify", "store", "orders/create", "42", moment, "", b"{}")
    large = Envelope("orders", "é2", "sweep", "store", "", "", moment, "00-1-2-01", b"-" * 300, Claim("a/b", "c"), 2, 1)
    theirs, ours = ServiceBusMessageBatch(), ServiceBusMessageBatch()
    try:
        for envelope in (small, large):
            theirs.add_message(to_message(envelope))
            _add_bytes(ours, envelope)
        return _parts(ours) == _parts(theirs)
    except Exception:  # noqa: BLE001 - another SDK may fail in any way; messages go out all the same, encoded by it
        return False


def _parts(batch: ServiceBusMessageBatch) -> dict[str, Any]:
    """All that the batch consists of, but for its messages before they were encoded: `_add_bytes` does not have them,
    and the SDK reads them only to link its own spans.
    """
    return {name: value for name, value in vars(batch).items() if name != "_messages"}


def _add_bytes(batch: Any, envelope: Envelope) -> None:
    encoded = encode(envelope)
    size = batch._size + len(encoded) + (5 if len(encoded) < _SMALL else 8)  # noqa: SLF001 - see the module's docstring
    if size > batch.max_size_in_bytes:
        raise MessageSizeExceededError(message=f"The batch is full at {batch.max_size_in_bytes} bytes")
    batch._message[5].append(encoded)  # noqa: SLF001 - its data sections
    batch._size = size  # noqa: SLF001
    batch._count += 1  # noqa: SLF001
    if batch._count == 1:  # noqa: SLF001 - the batch has the properties of its first message
        batch._amqp_transport.set_batch_envelope_properties(  # noqa: SLF001
            batch._message,  # noqa: SLF001
            envelope.message_id,
            envelope.session_id,
            None,
        )


def encode(envelope: Envelope) -> bytearray:
    """The message that `to_message` describes, without a time of delivery: properties, application properties, body."""
    properties = (
        _string(envelope.message_id),
        _NULL,  # user-id
        _NULL,  # to
        _string(envelope.topic),
        _NULL,  # reply-to
        _string(envelope.event_id),
        _SYMBOL,
        _NULL,  # content-encoding
        _NULL,  # absolute-expiry-time
        _NULL,  # creation-time
        _string(envelope.session_id),
        _NULL,  # group-sequence
        _NULL,  # reply-to-group-id
    )
    values = [
        part
        for name, value in envelope.properties().items()
        for part in (_string(name), _integer(value) if isinstance(value, int) else _string(value))
    ]
    return bytearray().join(
        (
            _PROPERTIES,
            _compound(b"\xc0", b"\xd0", properties),
            _APPLICATION_PROPERTIES,
            _compound(b"\xc1", b"\xd1", values),
            _DATA,
            *_sized(b"\xa0", b"\xb0", envelope.body),
        )
    )


@lru_cache(maxsize=256)  # names, stores and topics come with every message, its ids and its trace several times in one
def _string(text: str) -> bytes:
    return b"".join(_sized(b"\xa1", b"\xb1", text.encode()))


def _integer(value: int) -> bytes:
    """Not negative, and below 2 ** 31."""
    return struct.pack(">Bb", 0x54, value) if value < _SMALL // 2 else struct.pack(">Bi", 0x71, value)


def _sized(short: bytes, long: bytes, raw: bytes) -> tuple[bytes, bytes]:
    """What comes before the bytes, and the bytes, which may be many."""
    length = len(raw)
    return short + length.to_bytes(1) if length < _SMALL else long + length.to_bytes(4), raw


def _compound(short: bytes, long: bytes, values: tuple[bytes, ...] | list[bytes]) -> bytes:
    """A list or a map. Its size includes the count, of one byte or of four."""
    joined, count = b"".join(values), len(values)
    if count < _SMALL and len(joined) + 1 < _SMALL:
        return short + bytes((len(joined) + 1, count)) + joined
    return long + struct.pack(">II", len(joined) + 4, count) + joined
