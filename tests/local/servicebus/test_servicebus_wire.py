"""Messages on the wire: what the SDK encodes is understood, what comes out is what went in."""

from uuid import uuid4

import pytest
from azure.servicebus import ServiceBusReceivedMessage
from hypothesis import given
from hypothesis import strategies as st
from proton import Data, Described, Message, symbol, ubyte, ulong

from local.servicebus import wire
from local.servicebus.errors import MalformedMessageError, MessageTooLargeError
from local.servicebus.message import Content, DeadLetterNote, Lock
from local.servicebus.message import Message as StoredMessage


def section(code: int, value) -> bytes:
    data = Data()
    data.put_object(Described(ulong(code), value))
    return data.encode()


def stored(content: Content, **more) -> StoredMessage:
    return StoredMessage(content=content, sequence_number=7, enqueued_sequence_number=3, enqueued_at=1000.0, **more)


def received(message: StoredMessage) -> ServiceBusReceivedMessage:
    return ServiceBusReceivedMessage.from_bytes(wire.encode(message))


def sent(body: bytes, **properties) -> bytes:
    message = Message(body=body, inferred=True, id=properties.pop("id", None), properties=properties or None)
    return message.encode()


@given(body=st.binary(min_size=1, max_size=300), text=st.text(max_size=20), number=st.integers(-(2**31), 2**31 - 1))
def test_body_and_properties_go_through_unchanged(body, text, number):
    if body.startswith(b"\x00"):
        body = b"x" + body
    (content,) = wire.decode(sent(body, id="m", text=text, number=number))
    got = received(stored(content))
    assert b"".join(got.body) == body
    assert (got.message_id, got.application_properties) == ("m", {b"text": text.encode(), b"number": number})


def test_a_batch_is_taken_apart_and_a_json_body_is_not():
    parts = [sent(b"one", id="1"), sent(b"two", id="2")]
    batch = section(0x73, ["envelope"]) + b"".join(section(0x75, part) for part in parts)
    assert [content.message_id for content in wire.decode(batch)] == ["1", "2"]
    two_sections = section(0x75, b'{"a": 1}') + section(0x75, b'{"b": 2}')
    (content,) = wire.decode(two_sections)
    assert content.body_sections == two_sections


def test_binary_values_stay_valid_after_the_decoding():
    (content,) = wire.decode(section(0x74, {"raw": b"\x01" * 100, "more": [b"\x02" * 100]}) + section(0x75, b"x"))
    assert content.properties == {"raw": b"\x01" * 100, "more": [b"\x02" * 100]}


def test_senders_cannot_forge_what_the_broker_annotates():
    annotations = {symbol("x-opt-sequence-number"): 99, symbol("x-opt-partition-key"): "p"}
    (content,) = wire.decode(section(0x72, annotations) + section(0x75, b"x"))
    got = received(stored(content))
    assert (got.sequence_number, got.enqueued_sequence_number, got.partition_key) == (7, 3, "p")


def test_a_dead_letter_has_its_reason_among_its_own_properties():
    (content,) = wire.decode(sent(b"x", flow="orders"))
    got = received(stored(content, dead_letter=DeadLetterNote("bad", None), delivery_count=3))
    assert got.application_properties == {b"flow": b"orders", b"DeadLetterReason": b"bad"}
    assert got.delivery_count == 3


def test_the_time_to_live_that_is_sent_is_the_one_that_counts():
    (content,) = wire.decode(section(0x70, [True, None, 60_000]) + section(0x75, b"x"))
    assert content.time_to_live == 60.0
    got = received(stored(content, expires_at=1010.0))
    assert got.time_to_live is not None
    assert got.time_to_live.total_seconds() == 10


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\x00S",
        b"hello",
        b"\x00Ss",
        section(0x73, [*[None] * 10, 5]) + section(0x75, b"x"),
        section(0x74, ["no map"]) + section(0x75, b"x"),
        b"\x00Su\xa0",
    ],
)
def test_what_is_no_message_is_refused(payload):
    with pytest.raises(MalformedMessageError):
        wire.decode(payload)


def test_the_limit_is_256_kb_with_everything():
    overhead = len(sent(b"x" * 1000)) - 1000
    wire.decode(sent(b"x" * (wire.MAX_MESSAGE_BYTES - overhead)))
    with pytest.raises(MessageTooLargeError):
        wire.decode(sent(b"x" * (wire.MAX_MESSAGE_BYTES - overhead + 1)))


def test_a_message_may_have_no_body():
    (content,) = wire.decode(section(0x73, ["m"]) + section(0x74, {"only": "properties"}))
    got = received(stored(content))
    assert (got.message_id, got.application_properties) == ("m", {b"only": b"properties"})


@pytest.mark.parametrize(("sent_priority", "kept"), [(9, 9), (None, 4)])
def test_the_priority_is_kept(sent_priority, kept):
    header = section(0x70, [True, None if sent_priority is None else ubyte(sent_priority)])
    (content,) = wire.decode(header + section(0x75, b"x"))
    assert received(stored(content)).raw_amqp_message.header.priority == kept


def test_the_lock_token_stands_in_the_delivery_annotations_while_there_is_a_lock():
    (content,) = wire.decode(section(0x75, b"x"))
    token = uuid4()
    locked = received(stored(content, lock=Lock(token, 1030.0)))
    assert locked.raw_amqp_message.delivery_annotations == {b"x-opt-lock-token": token}
    assert not received(stored(content)).raw_amqp_message.delivery_annotations
