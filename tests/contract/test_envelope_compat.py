"""Messages that older releases left in the queues are read by this one: frozen as they were sent, replayed here.

While a new release rolls out, both run side by side, and a parked message may be replayed months later. Files are never
edited: a new schema version gets files of its own.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from shared.bus.envelope import SCHEMA, Claim, Envelope, read_envelope
from shared.errors import RefusedError

SAMPLES = sorted((Path(__file__).parent / "envelopes").glob("*.json"))


def sample(name: str) -> dict[str, Any]:
    return json.loads((Path(__file__).parent / "envelopes" / f"{name}.json").read_text())


def read(message: dict[str, Any], **changes: object) -> Envelope:
    return read_envelope(message["body"].encode(), message["properties"] | changes)


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_a_message_of_an_older_release_is_read_and_keeps_its_identity(path: Path) -> None:
    """Its session may be another one since: tests/integration/test_two_sessions.py."""
    message = json.loads(path.read_text())
    envelope = read(message)
    assert envelope.message_id == message["message_id"]
    assert envelope.body == message["body"].encode()


def test_every_schema_version_up_to_ours_has_its_samples() -> None:
    versions = {json.loads(path.read_text())["properties"]["schema"] for path in SAMPLES}
    assert versions == set(range(1, SCHEMA + 1))


def test_the_first_versions_fields_mean_what_they_meant() -> None:
    assert read(sample("v1-order-created")) == Envelope(
        flow="orders",
        event_id="b54557e4-bdd9-4b37-8a5f-bf7d70bcd043",
        source="shopify",
        store="nordlys",
        topic="orders/create",
        entity_id="5551234567890",
        occurred_at=datetime(2026, 11, 23, 8, 0, 0, 290670, tzinfo=UTC),
        traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        body=b'{"id":5551234567890}',
    )


def test_a_copy_that_waits_and_a_body_set_aside_survive_an_upgrade() -> None:
    waiting = read(sample("v1-third-attempt"))
    assert (waiting.attempt, waiting.message_id) == (3, "b54557e4-bdd9-4b37-8a5f-bf7d70bcd043:r3")
    claimed = read(sample("v1-body-set-aside"))
    assert claimed.claim == Claim("nordlys/b54557e4-bdd9-4b37-8a5f-bf7d70bcd043", "ab" * 32)


def test_what_a_newer_release_adds_without_a_new_schema_is_ignored() -> None:
    message = sample("v1-order-created")
    assert read(message, added_later="something") == read(message)


def test_a_newer_schema_is_refused_and_not_guessed_at() -> None:
    with pytest.raises(RefusedError) as caught:
        read(sample("v1-order-created"), schema=SCHEMA + 1)
    assert caught.value.code == "ENVELOPE_UNREADABLE"
