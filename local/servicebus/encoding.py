"""Described AMQP values: the sections of messages and the performatives of frames."""

from typing import Any

from proton import Data, DataException, Described, ulong

from local.servicebus.errors import MalformedMessageError


def encode_described(code: int, value: Any) -> bytes:
    """`code` is the descriptor."""
    data = Data()
    data.put_object(Described(ulong(code), value))
    encoded: bytes = data.encode()
    return encoded


def decode_described(payload: bytes) -> tuple[int, object, int]:
    """The descriptor and value at the start of the payload, and how many bytes they take. Raises MalformedMessageError.

    The descriptor must be a small ulong, as all of AMQP's own are.
    """
    data = Data()
    try:
        length: int = data.decode(payload)
        data.rewind()
        data.next()
        described: Any = data.get_object()
    except DataException as error:
        raise MalformedMessageError(f"The transfer is not AMQP: {error}") from error
    return payload[2], _copied(described.value), length


def _copied(value: object) -> object:
    """Proton gives binaries as views into `Data`, which is released after the decoding."""
    match value:
        case memoryview():
            return bytes(value)
        case list():
            return [_copied(item) for item in value]
        case dict():
            return {key: _copied(item) for key, item in value.items()}
        case _:
            return value
