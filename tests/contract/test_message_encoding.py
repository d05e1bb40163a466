"""The bytes of a message and of a batch, compared with what azure-servicebus makes of the same."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from azure.servicebus import ServiceBusMessageBatch
from azure.servicebus._transport._pyamqp_transport import PyamqpTransport
from azure.servicebus.exceptions import MessageSizeExceededError
from hypothesis import given
from hypothesis import strategies as st

from shared.bus import encoding
from shared.bus.encoding import add, encode, takes_bytes, to_message
from shared.bus.envelope import Claim, Envelope

TEXT = st.text(max_size=300)
ENVELOPES = st.builds(
    Envelope,
    flow=st.sampled_from(["orders", "fo-events"]),
    event_id=st.text(min_size=1, max_size=100),
    source=TEXT,
    store=TEXT,
    topic=st.text(max_size=100),
    entity_id=TEXT,
    occurred_at=st.datetimes(timezones=st.just(UTC)),
    traceparent=TEXT,
    body=st.binary(max_size=700),
    claim=st.none() | st.builds(Claim, TEXT, TEXT),
    attempt=st.integers(1, 1_000_000),
    waits=st.integers(0, 300),
)
MOMENT = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)


def envelope(event: str, body: bytes = b"{}") -> Envelope:
    return Envelope("orders", event, "shopify", "nordlys", "orders/create", "42", MOMENT, "", body)


def encoded_by_the_sdk(one: Envelope) -> bytes:
    message = to_message(one)
    message._message = PyamqpTransport.to_outgoing_amqp_message(message.raw_amqp_message)
    return PyamqpTransport.encode_message(message)


@pytest.fixture
def fresh() -> Iterator[None]:
    """What was found out about the SDK is forgotten, before the test and after it."""
    takes_bytes.cache_clear()
    yield
    takes_bytes.cache_clear()


@given(ENVELOPES)
def test_a_message_has_the_bytes_that_the_sdk_makes_of_it(one: Envelope) -> None:
    assert bytes(encode(one)) == encoded_by_the_sdk(one)


@given(st.lists(ENVELOPES, min_size=1, max_size=4))
def test_a_batch_is_what_the_sdk_makes_of_the_same_messages(several: list[Envelope]) -> None:
    assert takes_bytes()
    ours, theirs = ServiceBusMessageBatch(), ServiceBusMessageBatch()
    for one in several:
        add(ours, one, None)
        theirs.add_message(to_message(one))
    assert (len(ours), ours.size_in_bytes, ours._message) == (len(theirs), theirs.size_in_bytes, theirs._message)


def test_a_full_batch_says_so_at_the_same_byte_as_the_sdk() -> None:
    theirs = ServiceBusMessageBatch()
    theirs.add_message(to_message(envelope("1")))
    exact, short = (ServiceBusMessageBatch(theirs.size_in_bytes - less) for less in (0, 1))
    add(exact, envelope("1"), None)
    with pytest.raises(MessageSizeExceededError):
        add(short, envelope("1"), None)
    assert (len(exact), len(short), short._message[5]) == (1, 0, [])


def test_a_message_for_later_has_its_time() -> None:
    batch = ServiceBusMessageBatch()
    add(batch, envelope("1"), MOMENT)
    assert batch._messages[0].scheduled_enqueue_time_utc == MOMENT


class Renamed(ServiceBusMessageBatch):
    """A batch of an SDK that keeps its size elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self._bytes = self.__dict__.pop("_size")


class Counted(ServiceBusMessageBatch):
    """A batch of an SDK that keeps more than today's."""

    def __init__(self) -> None:
        super().__init__()
        self._bodies = 0

    def _add(self, add_message: Any) -> None:
        super()._add(add_message)
        self._bodies += 1


class Otherwise(ServiceBusMessageBatch):
    """A batch of an SDK that encodes otherwise."""

    def _add(self, add_message: Any) -> None:
        super()._add(add_message)
        self._message[5][-1] = b"-" + self._message[5][-1]


class Refusing(ServiceBusMessageBatch):
    """A batch that fails in a way of its own."""

    @property
    def max_size_in_bytes(self) -> int:
        raise RuntimeError("the size is known once the link is open")


@pytest.mark.usefixtures("fresh")
@pytest.mark.parametrize("batch", [Renamed, Counted, Otherwise, Refusing])
def test_an_sdk_with_other_batches_encodes_by_itself(
    batch: type[ServiceBusMessageBatch], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoding, "ServiceBusMessageBatch", batch)
    assert not takes_bytes()
    public = ServiceBusMessageBatch()
    monkeypatch.setattr(encoding, "ServiceBusMessageBatch", ServiceBusMessageBatch)
    add(public, envelope("1"), None)
    assert [message.message_id for message in public._messages] == ["1"]  # which only the SDK's own way keeps
