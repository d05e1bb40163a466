"""Hostile messages over Azure's tables and blobs: each ends with a parked row and its whole body."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from fixtures.sweep import Storage, azure_storage

from shared.bus.envelope import Claim, Envelope
from shared.errors import ErrorCode, RefusedError
from shared.store.blobs import Bodies
from shared.store.journal import Journal
from shared.store.parking import Parking
from shared.sync.messages.dispatch import QueuePorts, handle_message
from shared.sync.messages.outcome import Done, MessageOutcome, RetryPolicy

ENVELOPE = Envelope(
    flow="orders",
    event_id="event-1",
    source="shopify",
    store="nordlys",
    topic="orders/create",
    entity_id="42",
    occurred_at=datetime.now(UTC),
    traceparent="",
    body=b"\xff" * 300_000,
    attempt=RetryPolicy().max_failures,
)
LONG = "\N{GRINNING FACE}" * 20_000
BROKEN = "a\ud800/\x00"


class Queue:
    async def publish(self, envelope: Envelope, *, at: datetime | None = None) -> None:
        raise AssertionError("nothing is sent")


@dataclass
class Scene:
    storage: Storage
    ports: QueuePorts
    parking: Parking

    async def handle(self, problem: Exception, properties: dict[str, Any], message_id: str = "event-1") -> None:
        async def flow(_: Envelope) -> MessageOutcome:
            raise problem

        await handle_message(flow, ENVELOPE.body, properties, message_id, self.ports)


@pytest.fixture(scope="module")
async def storage(wire: None) -> AsyncIterator[Storage]:
    async with azure_storage() as started:
        yield started


@pytest.fixture
async def scene(storage: Storage) -> Scene:
    bodies = Bodies(await storage.container())
    parking = Parking(await storage.table(), bodies)
    return Scene(storage, QueuePorts(Queue(), bodies, Journal(await storage.table()), parking), parking)


def refused(text: str) -> RefusedError:
    proof = {"subject": text, "totals": [], "lines": [{"name": text, "difference": "1.00 EUR"}]}
    return RefusedError(ErrorCode.NOT_AN_ORDER, problem=text).with_proof(proof)


OURS = ENVELOPE.properties()


@pytest.mark.parametrize(
    ("problem", "properties", "message_id", "code"),
    [
        pytest.param(refused(LONG), OURS, "event-1", "NOT_AN_ORDER", id="a cause of 40,000 units"),
        pytest.param(refused(BROKEN), OURS, "event-1", "NOT_AN_ORDER", id="half a character in the cause"),
        pytest.param(ZeroDivisionError(LONG), OURS, "event-1", "APP_FAILED", id="a bug"),
        pytest.param(
            refused("x"),
            {**OURS, "entity_id": LONG},
            "m" * 128,
            "ENVELOPE_UNREADABLE",
            id="properties that are too long",
        ),
        pytest.param(refused("x"), {**OURS, "entity_id": "e" * 2_000}, "event-1", "NOT_AN_ORDER", id="a long entity"),
        pytest.param(
            refused("x"),
            {**OURS, "event_id": "/\\?%" * 300, "store": "s" * 600},
            "event-1",
            "NOT_AN_ORDER",
            id="long ids",
        ),
        pytest.param(
            refused("x"), {**OURS, "attempt": 2**70}, "event-1", "ENVELOPE_UNREADABLE", id="an impossible attempt"
        ),
        pytest.param(refused("x"), {LONG: LONG}, BROKEN, "ENVELOPE_UNREADABLE", id="no message of the app's"),
        pytest.param(refused("x"), {}, "", "ENVELOPE_UNREADABLE", id="no id"),
    ],
)
async def test_each_hostile_message_is_parked_with_its_body(
    scene: Scene, problem: Exception, properties: dict[str, Any], message_id: str, code: str
) -> None:
    await scene.handle(problem, properties, message_id)
    (row,) = await scene.parking.open()
    assert row.code == code
    assert await scene.parking.body(row) == ENVELOPE.body
    assert [each.event_id for each in await scene.parking.of_event(row.event_id)] == [row.event_id]


@pytest.mark.parametrize("blob", ["..", "", "x" * 3_000, "\N{GRINNING FACE}" * 400, "a?b#c"])
async def test_a_claim_with_an_impossible_name_is_parked(scene: Scene, blob: str) -> None:
    claimed = replace(ENVELOPE, body=b"", claim=Claim(blob, "00"))
    await scene.handle(AssertionError("no body"), claimed.properties())
    (row,) = await scene.parking.open()
    assert row.code == ErrorCode.CLAIM_MISSING


async def test_a_row_that_the_flow_cannot_store_parks_its_message(scene: Scene) -> None:
    table = await scene.storage.table()

    async def flow(_: Envelope) -> MessageOutcome:
        await table.create_entity({"PartitionKey": "p", "RowKey": "r", "text": "x" * 40_000})
        return Done("never")

    await handle_message(flow, ENVELOPE.body, OURS, "event-1", scene.ports)
    (row,) = await scene.parking.open()
    assert row.code == ErrorCode.APP_FAILED
