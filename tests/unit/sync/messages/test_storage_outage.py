"""While the app's own storage is away messages wait, however they would have ended, and no delivery is spent."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ServiceRequestError,
    ServiceResponseError,
)
from builders.memory_table import MemoryTable

from shared.bus.envelope import Claim, Envelope
from shared.errors import OutcomeUnknownError, RefusedError, TransientError
from shared.store.journal import Journal
from shared.store.parking import Parking
from shared.sync.messages.dispatch import QueuePorts, handle_message
from shared.sync.messages.outcome import Done, MessageOutcome, Park, Parts, Retry
from tests.builders.log_events import events_in

BEGAN = datetime(2026, 11, 28, 9, tzinfo=UTC)
AWAY = timedelta(minutes=10)
ENVELOPE = Envelope(
    flow="orders",
    event_id="event-1",
    source="shopify",
    store="nordlys",
    topic="orders/create",
    entity_id="42",
    occurred_at=BEGAN,
    traceparent="",
    body=b'{"id":42}',
)


def status(code: int) -> HttpResponseError:
    error = HttpResponseError("refused")
    error.status_code = code
    return error


OUTAGES = {
    "unreachable": ServiceRequestError("cannot connect"),
    "answer lost": ServiceResponseError("connection reset"),
    "500": status(500),
    "503 server busy": status(503),
    "429": status(429),
    "408": status(408),
    "403, a role was taken away": status(403),
    "no token": ClientAuthenticationError("no identity endpoint"),
}


@dataclass
class Storage:
    """Tables and blobs in memory, away until a time."""

    clock: Callable[[], datetime]
    error: AzureError
    until: datetime
    journal: MemoryTable = field(default_factory=MemoryTable)
    parked: MemoryTable = field(default_factory=MemoryTable)
    blobs: dict[str, bytes] = field(default_factory=dict)
    asked_while_away: int = 0

    def reach(self) -> None:
        if self.clock() < self.until:
            self.asked_while_away += 1
            raise self.error

    async def put(self, name: str, body: bytes) -> str:
        self.reach()
        self.blobs[name] = body
        return "sha"

    async def get(self, name: str, *, sha256: str) -> bytes:
        self.reach()
        return self.blobs.setdefault(name, b"large")


class TableAway:
    """A table of the storage."""

    def __init__(self, storage: Storage, table: MemoryTable) -> None:
        self._storage = storage
        self._table = table

    def __getattr__(self, name: str) -> Any:
        self._storage.reach()
        return getattr(self._table, name)


class World:
    """A queue that delivers what is due, on a clock of its own."""

    def __init__(self, error: AzureError) -> None:
        self.now = BEGAN
        self.storage = Storage(lambda: self.now, error, BEGAN + AWAY)
        self.waiting: deque[tuple[datetime, Envelope]] = deque()
        self.handled = 0

    async def publish(self, envelope: Envelope, *, at: datetime | None = None) -> None:
        self.waiting.append((at or self.now, envelope))

    @property
    def ports(self) -> QueuePorts:
        storage = self.storage
        return QueuePorts(
            queue=self,
            claims=storage,
            journal=Journal(TableAway(storage, storage.journal)),
            parking=Parking(TableAway(storage, storage.parked), storage),
            now=lambda: self.now,
        )

    async def run(self, flow: Callable[[Envelope], Awaitable[MessageOutcome]], envelope: Envelope) -> None:
        """Delivers the message, and its copies when they are due. A delivery that raises fails the test: Service Bus
        counts it, and moves the message to the dead letters after ten.
        """
        self.waiting.append((self.now, envelope))
        while self.waiting:
            due, message = self.waiting.popleft()
            self.now = max(self.now, due)
            self.handled += 1
            await handle_message(flow, message.body, message.properties(), message.message_id, self.ports)

    @property
    def outcomes(self) -> list[str]:
        return [row["outcome"] for row in self.storage.journal.rows.values()]

    @property
    def codes(self) -> list[str]:
        return [row["code"] for row in self.storage.parked.rows.values()]


def done(world: World) -> Callable[[Envelope], Awaitable[MessageOutcome]]:
    """A flow that reads its link first, as every flow does."""

    async def flow(envelope: Envelope) -> MessageOutcome:
        world.storage.reach()
        return Done("created", document="SN1")

    return flow


def without_storage(outcome: MessageOutcome | Exception) -> Callable[[World], Any]:
    def of(world: World) -> Callable[[Envelope], Awaitable[MessageOutcome]]:
        async def flow(envelope: Envelope) -> MessageOutcome:
            if isinstance(outcome, Exception):
                raise outcome
            return outcome

        return flow

    return of


REFUSAL = RefusedError("NO_LINES")


def remembers(world: World) -> Callable[[Envelope], Awaitable[MessageOutcome]]:
    """A refusal, remembered in the link when it is parked; storage goes away in between."""

    async def flow(envelope: Envelope) -> MessageOutcome:
        async def remember() -> None:
            if world.handled == 1:
                raise world.storage.error

        return Parts(Done(""), parked=(Park(REFUSAL),), then=remember)

    world.storage.until = BEGAN
    return flow


@pytest.mark.parametrize("error", OUTAGES.values(), ids=OUTAGES)
async def test_ten_minutes_without_storage_end_as_done_in_the_first_delivery_of_a_copy(error: AzureError) -> None:
    world = World(error)
    await world.run(done(world), ENVELOPE)
    assert world.outcomes == ["done"]
    assert BEGAN + AWAY <= world.now <= BEGAN + 2 * AWAY
    assert world.handled <= 10


@pytest.mark.parametrize(
    ("flow_of", "ends", "codes"),
    [
        pytest.param(done, ["done"], [], id="the flow reads its link"),
        pytest.param(without_storage(Done("created")), ["done"], [], id="only the journal is needed"),
        pytest.param(without_storage(Park(REFUSAL)), ["parked"], ["NO_LINES"], id="it is parked"),
        pytest.param(without_storage(REFUSAL), ["parked"], ["NO_LINES"], id="it is refused"),
        pytest.param(
            without_storage(Parts(Done("x"), parked=(Park(REFUSAL),))), ["parked"], ["NO_LINES"], id="a part is parked"
        ),
        pytest.param(remembers, ["parked", "parked"], ["NO_LINES"], id="the refusal is remembered"),
    ],
)
async def test_however_a_message_ends_it_waits_for_storage(flow_of: Any, ends: list[str], codes: list[str]) -> None:
    world = World(OUTAGES["unreachable"])
    await world.run(flow_of(world), ENVELOPE)
    assert (world.outcomes, world.codes) == (ends, codes)
    assert world.handled > 1


async def test_a_message_that_waits_for_fo_as_well_is_sent_once() -> None:
    world = World(OUTAGES["unreachable"])

    async def flow(envelope: Envelope) -> MessageOutcome:
        return Retry(TransientError("F&O restarts")) if world.now < BEGAN + AWAY else Done("created")

    await world.run(flow, ENVELOPE)
    assert "done" in world.outcomes
    assert world.handled <= 10


async def test_a_large_body_that_cannot_be_read_waits() -> None:
    world = World(OUTAGES["unreachable"])
    await world.run(without_storage(Done("created"))(world), replace(ENVELOPE, body=b"", claim=Claim("b", "00")))
    assert world.outcomes == ["done"]


async def test_a_message_of_another_sender_waits_until_it_can_be_parked() -> None:
    world = World(OUTAGES["unreachable"])
    await handle_message(without_storage(Done("never"))(world), b"hello", {}, "foreign-1", world.ports)
    (due, copy) = world.waiting.popleft()
    world.now = max(due, BEGAN + AWAY)
    await world.run(without_storage(Done("never"))(world), copy)
    assert world.codes == ["ENVELOPE_UNREADABLE"]
    (row,) = world.storage.parked.rows.values()
    assert (row["event_id"], world.storage.blobs[row["blob"]]) == ("foreign-1", b"hello")


async def test_a_day_without_storage_is_waited_for_although_attempts_and_age_are_spent() -> None:
    world = World(OUTAGES["unreachable"])
    world.storage.until = BEGAN + timedelta(days=3)
    await world.run(done(world), ENVELOPE)
    assert world.now >= world.storage.until
    assert world.outcomes == ["done"]


async def test_storage_is_not_asked_again_in_a_delivery_in_which_it_was_away() -> None:
    """Each call takes a minute to fail, and an invocation may last four."""
    world = World(OUTAGES["unreachable"])
    await world.run(done(world), ENVELOPE)
    assert world.storage.asked_while_away == world.handled - 1


@pytest.mark.parametrize("error", [status(400), status(404), status(413)], ids=["400", "404", "413"])
async def test_a_request_that_storage_refuses_is_a_bug_and_no_outage(error: AzureError) -> None:
    world = World(error)
    with pytest.raises(type(error)):
        await world.run(done(world), ENVELOPE)


async def test_without_service_bus_too_the_message_stays_in_the_queue() -> None:
    world = World(OUTAGES["unreachable"])

    async def unconfirmed(envelope: Envelope, *, at: datetime | None = None) -> None:
        raise OutcomeUnknownError("Service Bus did not confirm")

    world.publish = unconfirmed
    with pytest.raises(OutcomeUnknownError):
        await world.run(done(world), ENVELOPE)


async def test_storage_that_comes_back_between_two_calls_parks_nothing() -> None:
    """Attempts and age are spent, and parking works, but nothing is known against the message."""
    world = World(OUTAGES["unreachable"])
    world.now = BEGAN + timedelta(days=3)
    calls = 0

    async def flow(envelope: Envelope) -> MessageOutcome:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise world.storage.error
        return Done("created")

    await world.run(flow, replace(ENVELOPE, attempt=50))
    assert (world.outcomes, world.codes) == (["done"], [])


async def test_what_a_message_waits_for_is_told_although_the_journal_is_away(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The copy is scheduled by then: it must not be scheduled again for the storage."""
    caplog.set_level(logging.INFO, "connector")
    world = World(OUTAGES["unreachable"])
    busy = without_storage(TransientError("F&O is busy", retry_after=timedelta(minutes=7)))(world)
    await handle_message(busy, ENVELOPE.body, ENVELOPE.properties(), ENVELOPE.message_id, world.ports)
    ((due, _),) = world.waiting
    assert due - BEGAN >= timedelta(minutes=7)
    (waiting,) = events_in(caplog, "message.waiting")
    assert waiting["reason"] == "TransientError"
