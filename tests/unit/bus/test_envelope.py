"""An envelope is read from Service Bus as it was sent; other messages are refused."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from shared.bus.encoding import to_message
from shared.bus.envelope import SCHEMA, SESSION_BUCKETS, Claim, Envelope, read_envelope
from shared.errors import RefusedError

ENVELOPE = Envelope(
    flow="orders",
    event_id="b54557e4",
    source="shopify",
    store="nordlys",
    topic="orders/create",
    entity_id="5551234567890",
    occurred_at=datetime(2026, 11, 23, 8, 0, tzinfo=UTC),
    traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    body=b'{"id":5551234567890}',
)


def test_what_is_sent_is_what_is_read() -> None:
    assert read_envelope(ENVELOPE.body, ENVELOPE.properties()) == ENVELOPE
    claimed = replace(ENVELOPE, body=b"", claim=Claim("nordlys/b54557e4", "ab" * 32), attempt=3)
    assert read_envelope(b"", claimed.properties()) == claimed


def test_everything_about_one_order_is_one_session() -> None:
    create = ENVELOPE
    update = replace(ENVELOPE, event_id="another", topic="orders/updated")
    assert create.session_id == update.session_id == "orders-44"
    assert len({replace(ENVELOPE, entity_id=str(number)).session_id for number in range(5000)}) == SESSION_BUCKETS


def test_a_second_try_has_an_id_of_its_own_and_the_same_try_the_same() -> None:
    again = ENVELOPE.next_attempt(is_wait=True)
    assert (ENVELOPE.message_id, again.message_id, again.next_attempt(is_wait=False).message_id) == (
        "b54557e4",
        "b54557e4:r2",
        "b54557e4:r3",
    )
    message = to_message(again)
    assert (message.message_id, message.session_id, message.correlation_id) == (
        "b54557e4:r2",
        ENVELOPE.session_id,
        "b54557e4",
    )


def test_waits_are_kept_and_are_no_tries() -> None:
    waited = ENVELOPE.next_attempt(is_wait=True).next_attempt(is_wait=False)
    assert (waited.attempt, waited.waits, waited.tries) == (3, 1, 2)
    assert read_envelope(waited.body, waited.properties()) == waited
    assert "waits" not in ENVELOPE.properties(), "older releases wrote none"


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        pytest.param({"attempt": 2, "waits": 2}, "its waits are 2", id="more waits than attempts"),
        pytest.param({"flow": None}, "'flow' is missing", id="no flow"),
        pytest.param({"attempt": "many"}, "invalid literal", id="attempt is no number"),
        pytest.param({"occurred_at": "yesterday"}, "Invalid isoformat", id="no date"),
        pytest.param({"schema": SCHEMA + 1}, f"reads up to {SCHEMA}", id="from a newer release"),
        pytest.param({"schema": 0}, "schema is 0", id="from before the first"),
    ],
)
def test_a_message_with_bad_properties_is_refused_with_the_reason(change: dict[str, object], problem: str) -> None:
    properties = {name: value for name, value in {**ENVELOPE.properties(), **change}.items() if value is not None}
    with pytest.raises(RefusedError) as caught:
        read_envelope(b"{}", properties)
    assert caught.value.code == "ENVELOPE_UNREADABLE"
    assert problem in caught.value.cause
