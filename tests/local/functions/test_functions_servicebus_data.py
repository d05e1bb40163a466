"""A received message as a function sees it, through Microsoft's own converter."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from azure.functions.servicebus import ServiceBusMessage, ServiceBusMessageInConverter
from azure.servicebus import ServiceBusReceivedMessage
from azure.servicebus._pyamqp.message import Header, Message, Properties

from local.functions.servicebus_data import message_body, message_metadata, message_trace

TRACE_PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def received(**overrides: Any) -> ServiceBusReceivedMessage:
    """What azure-servicebus makes of a message from the wire, where names and text are bytes."""
    parts: dict[str, Any] = {
        "properties": Properties(message_id=b"m-1", correlation_id=b"c-1", group_id=b"bucket-7", subject=b"label"),
        "header": Header(delivery_count=2),
        "message_annotations": {b"x-opt-sequence-number": 42, b"x-opt-enqueued-time": 1_795_424_400_123},
        "application_properties": {b"flow": b"orders", b"schema": 1, b"big": 2**40, b"yes": True},
        "data": [b'{"id":', b"1}"],
        **overrides,
    }
    return ServiceBusReceivedMessage(Message(**parts), receiver=None, frame=[None, None, b"\x00" * 16])


def as_function_sees(message: ServiceBusReceivedMessage) -> ServiceBusMessage:
    decoded = ServiceBusMessageInConverter.decode(message_body(message), trigger_metadata=message_metadata(message))
    assert isinstance(decoded, ServiceBusMessage)
    return decoded


def test_function_sees_the_message_as_it_was_sent() -> None:
    message = as_function_sees(received())
    assert message.get_body() == b'{"id":1}'
    assert message.message_id == "m-1"
    assert message.correlation_id == "c-1"
    assert message.session_id == "bucket-7"
    assert message.subject == "label"
    assert message.sequence_number == 42
    assert message.enqueued_time_utc == datetime.fromtimestamp(1_795_424_400.123, UTC)
    assert message.application_properties == {"flow": "orders", "schema": 1, "big": 2**40, "yes": True}
    assert message.user_properties == message.application_properties


def test_first_delivery_counts_as_one() -> None:
    # The AMQP header counts the failed deliveries before this one.
    assert as_function_sees(received(header=Header(delivery_count=0))).delivery_count == 1
    assert as_function_sees(received(header=Header(delivery_count=9))).delivery_count == 10


def test_message_without_session_or_properties_is_read() -> None:
    message = as_function_sees(received(properties=Properties(message_id=b"m-1"), application_properties=None))
    assert message.session_id is None
    assert message.application_properties == {}


def test_property_values_that_json_lacks_become_text() -> None:
    values = {
        b"at": datetime(2026, 11, 23, 8, 30, tzinfo=UTC),
        b"id": UUID(int=1),
        b"raw": b"\xff\x00",
    }
    properties = as_function_sees(received(application_properties=values)).application_properties
    assert properties == {
        "at": "2026-11-23T08:30:00.000000Z",
        "id": "00000000-0000-0000-0000-000000000001",
        "raw": "/wA=",
    }


def test_body_that_is_no_data_is_refused() -> None:
    with pytest.raises(ValueError, match="m-1 has an AMQP body of type VALUE"):
        message_body(received(data=None, value="text"))


@pytest.mark.parametrize("name", [b"Diagnostic-Id", b"traceparent"])
def test_trace_of_the_sender_goes_on(name: bytes) -> None:
    message = received(application_properties={name: TRACE_PARENT.encode()})
    assert message_trace(message).parent == TRACE_PARENT


@pytest.mark.parametrize("value", ["", "nonsense", TRACE_PARENT.upper(), "00-" + "0" * 32 + TRACE_PARENT[35:]])
def test_invalid_trace_is_replaced_by_a_new_one(value: str) -> None:
    parent = message_trace(received(application_properties={b"traceparent": value.encode()})).parent
    assert parent != value
    version, trace, span, flags = parent.split("-")
    assert (version, len(trace), len(span), flags) == ("00", 32, 16, "01")
