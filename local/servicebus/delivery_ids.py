"""Delivery ids of a client that sends on several links at once.

Azure takes transfers whose delivery ids are repeated or out of order; azure-servicebus sends such ids when coroutines
share a connection. Proton's engine would end the connection. So transfers are numbered anew on their way to the engine,
and dispositions get the client's numbers back. What cannot be read is passed on, for the engine to refuse.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from proton import uint

from local.servicebus.encoding import decode_described, encode_described
from local.servicebus.errors import MalformedMessageError

_PROTOCOL_HEADER = b"AMQP"
_HEADER_BYTES = 8  # of a protocol header, and of a frame
_AMQP_FRAME = 0
_BEGIN, _TRANSFER, _DISPOSITION, _END = 0x11, 0x14, 0x15, 0x17
_PERFORMATIVES = {bytes((0x00, 0x53, code)): code for code in (_BEGIN, _TRANSFER, _DISPOSITION, _END)}
_ID_COUNT = 2**32


@dataclass(slots=True)
class _Session:
    """The transfers of one client session."""

    next_id: int | None = None
    unfinished: dict[int, int] = field(default_factory=dict)
    """Link handle -> id of the delivery whose remaining frames are still to come."""
    client_ids: dict[int, int] = field(default_factory=dict)
    """Our id -> the client's id, where they differ."""


class DeliveryIds:
    """One connection's translation. Both methods take any piece of the byte stream and give what is complete of it."""

    def __init__(self) -> None:
        self._received, self._sent = _FrameBuffer(), _FrameBuffer()
        self._sessions: dict[int, _Session] = {}
        """By the client's channel."""
        self._client_channels: dict[int, int] = {}
        """The client's channel by ours."""

    def from_client(self, data: bytes) -> bytes:
        return b"".join(self._renumbered(frame) for frame in self._received.frames(data))

    def to_client(self, data: bytes) -> bytes:
        return b"".join(self._restored(frame) for frame in self._sent.frames(data))

    def _renumbered(self, frame: bytes) -> bytes:
        match _performative(frame):
            case code if code == _BEGIN:
                self._sessions[_channel(frame)] = _Session()
            case code if code == _END:
                self._sessions.pop(_channel(frame), None)
            case code if code == _TRANSFER and (session := self._sessions.get(_channel(frame))) is not None:
                return _numbered(frame, session)
        return frame

    def _restored(self, frame: bytes) -> bytes:
        code = _performative(frame)
        if code == _BEGIN:
            (client_channel,) = _first(1, _fields(frame))
            if isinstance(client_channel, int):
                self._client_channels[_channel(frame)] = client_channel
            return frame
        session = self._sessions.get(self._client_channels.get(_channel(frame), -1))
        if code != _DISPOSITION or session is None or not session.client_ids:
            return frame
        return _with_client_ids(frame, session)


class _FrameBuffer:
    """Puts frames together from the pieces in which a connection delivers them."""

    def __init__(self) -> None:
        self._rest = b""

    def frames(self, data: bytes) -> Iterator[bytes]:
        """Complete frames and protocol headers, in order."""
        self._rest += data
        start = 0
        while len(self._rest) - start >= _HEADER_BYTES:
            head = self._rest[start : start + 4]
            # A size below the header's own is no frame; it is passed on all the same.
            size = _HEADER_BYTES if head == _PROTOCOL_HEADER else max(int.from_bytes(head), _HEADER_BYTES)
            if len(self._rest) - start < size:
                break
            yield self._rest[start : start + size]
            start += size
        self._rest = self._rest[start:]


def _numbered(frame: bytes, session: _Session) -> bytes:
    """The transfer with the id that is next on its session."""
    fields = _fields(frame)
    handle, client_id, _, _, settled, more = _first(6, fields)
    if not isinstance(handle, int):
        return frame
    number = session.unfinished.pop(handle, None)
    if number is None:
        if not isinstance(client_id, int):
            return frame
        number = client_id if session.next_id is None else session.next_id
        session.next_id = (number + 1) % _ID_COUNT
        if number != client_id and not settled:
            session.client_ids[number] = client_id
    if more:
        session.unfinished[handle] = number
    if client_id in (None, number):
        return frame
    return _rewritten(frame, [handle, uint(number), *fields[2:]])


def _with_client_ids(frame: bytes, session: _Session) -> bytes:
    """Our disposition of what the client sent: one for each delivery, since its ids need not be a range."""
    fields = _fields(frame)
    is_receiver, first, last, settled = _first(4, fields)
    if not is_receiver or not isinstance(first, int):
        return frame
    ids = range(first, (last if isinstance(last, int) else first) + 1)
    rewritten = []
    for number in ids:
        client_id = session.client_ids.pop(number, number) if settled else session.client_ids.get(number, number)
        rewritten.append(_rewritten(frame, [True, uint(client_id), None, *fields[3:]]))
    return b"".join(rewritten)


def _performative(frame: bytes) -> int | None:
    """The code of those that matter here; None for any other frame and for protocol headers."""
    if frame[:4] == _PROTOCOL_HEADER or frame[5] != _AMQP_FRAME:
        return None
    start = frame[4] * 4
    return _PERFORMATIVES.get(frame[start : start + 3])


def _channel(frame: bytes) -> int:
    return int.from_bytes(frame[6:8])


def _fields(frame: bytes) -> list[Any]:
    """Those of the performative, none if it cannot be read."""
    try:
        _, fields, _ = decode_described(frame[frame[4] * 4 :])
    except MalformedMessageError:
        return []
    return fields if isinstance(fields, list) else []


def _first(count: int, fields: list[Any]) -> list[Any]:
    """So many fields; AMQP leaves out those at the end that are null."""
    return (fields + [None] * count)[:count]


def _rewritten(frame: bytes, fields: list[Any]) -> bytes:
    """The frame with other fields in its performative; the payload stays."""
    start = frame[4] * 4
    code, _, length = decode_described(frame[start:])
    body = encode_described(code, fields) + frame[start + length :]
    return (start + len(body)).to_bytes(4) + frame[4:start] + body
