"""A received message as the trigger data of the Functions host."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from azure.functions.meta import Datum
from azure.servicebus import ServiceBusReceivedMessage
from azure.servicebus.amqp import AmqpMessageBodyType

from local.functions.invocations import TraceContext, continue_trace


def message_body(message: ServiceBusReceivedMessage) -> Datum:
    """The body's bytes. Raises ValueError for AMQP values and sequences, which Functions does not read."""
    if message.body_type is not AmqpMessageBodyType.DATA:
        raise ValueError(f"message {message.message_id} has an AMQP body of type {message.body_type.name}, not data")
    return Datum(b"".join(message.body), "bytes")


def message_metadata(message: ServiceBusReceivedMessage) -> dict[str, Datum]:
    """The trigger metadata, under the names that azure.functions.servicebus reads.

    The .NET host sends text as a string and everything else as JSON, and leaves out what has no value. Its
    DeliveryCount starts at 1, whereas the AMQP header counts failed deliveries from 0.
    """
    properties = json.dumps(application_properties(message))
    texts = {
        "ContentType": message.content_type,
        "CorrelationId": message.correlation_id,
        "DeadLetterErrorDescription": message.dead_letter_error_description,
        "DeadLetterReason": message.dead_letter_reason,
        "DeadLetterSource": message.dead_letter_source,
        "Label": message.subject,
        "LockToken": str(message.lock_token) if message.lock_token else None,
        "MessageId": message.message_id,
        "PartitionKey": message.partition_key,
        "ReplyTo": message.reply_to,
        "ReplyToSessionId": message.reply_to_session_id,
        "SessionId": message.session_id,
        "Subject": message.subject,
        "To": message.to,
        "EnqueuedTimeUtc": _timestamp(message.enqueued_time_utc),
        "ExpiresAtUtc": _timestamp(message.expires_at_utc),
        "LockedUntil": _timestamp(message.locked_until_utc),
        "ScheduledEnqueueTimeUtc": _timestamp(message.scheduled_enqueue_time_utc),
    }
    numbers = {
        "DeliveryCount": (message.delivery_count or 0) + 1,
        "EnqueuedSequenceNumber": message.enqueued_sequence_number,
        "SequenceNumber": message.sequence_number,
        "State": int(message.state),
    }
    return {
        "ApplicationProperties": Datum(properties, "json"),
        "UserProperties": Datum(properties, "json"),
        **{name: Datum(text, "string") for name, text in texts.items() if text is not None},
        **{name: Datum(str(number), "json") for name, number in numbers.items() if number is not None},
    }


def message_trace(message: ServiceBusReceivedMessage) -> TraceContext:
    """The sender's trace, from the property `Diagnostic-Id` of the Azure SDKs, or else from `traceparent`."""
    properties = application_properties(message)
    parent = properties.get("Diagnostic-Id") or properties.get("traceparent")
    state = properties.get("tracestate")
    return continue_trace(str(parent) if parent else None, str(state) if state else None)


def application_properties(message: ServiceBusReceivedMessage) -> dict[str, Any]:
    """The properties, text as text: azure-servicebus hands over names and strings as bytes."""
    properties: dict[str | bytes, Any] = message.application_properties or {}
    return {_text(name): _json_value(value) for name, value in properties.items()}


def _json_value(value: Any) -> Any:
    if isinstance(value, str | int | float | bool | None):
        return value
    if isinstance(value, bytes):
        return _text(value)
    if isinstance(value, datetime):
        return _timestamp(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    return str(value)


def _text(value: str | bytes) -> str:
    if isinstance(value, str):
        return value
    try:
        return value.decode()
    except UnicodeDecodeError:
        # .NET's JSON writes binary values in base64.
        return base64.b64encode(value).decode()


def _timestamp(moment: datetime | None) -> str | None:
    if moment is None:
        return None
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
