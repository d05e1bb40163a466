"""What takes too long is cut off before the host restarts the worker, and ends as waiting."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from shared import triggers
from shared.bus.envelope import Envelope
from shared.errors import OutOfTimeError, TransientError
from shared.flows import ORDERS, SWEEP
from shared.model.maintenance import Maintenance
from shared.sync import deadline
from shared.sync.deadline import ended_after
from shared.sync.each_store import noting_halt, side_by_side
from shared.sync.messages.dispatch import QueuePorts, handle_message
from shared.sync.messages.outcome import Done, MessageOutcome

SOON = timedelta(milliseconds=20)
LATER = timedelta(milliseconds=60)
ENVELOPE = Envelope(
    flow="orders",
    event_id="event-1",
    source="shopify",
    store="nordlys",
    topic="orders/create",
    entity_id="42",
    occurred_at=datetime.now(UTC),
    traceparent="",
    body=b'{"id":42}',
)


class Box:
    """Queue, journal or claims: keeps what it is given."""

    def __init__(self) -> None:
        self.kept: list[Any] = []

    async def publish(self, envelope: Envelope, *, at: datetime | None = None) -> None:
        self.kept.append((envelope, at))

    async def write(self, entry: object) -> None:
        self.kept.append(entry)

    async def get(self, name: str, *, sha256: str) -> bytes:
        del name, sha256
        return await hang()


class Stuck(Box):
    async def write(self, entry: object) -> None:
        await hang()


async def hang(*_: object, **__: object) -> Any:
    await asyncio.Event().wait()


def queue_ports(journal: Box | None = None) -> QueuePorts:
    parts: dict[str, Any] = {"queue": Box(), "claims": Box(), "journal": journal or Box(), "parking": None}
    return QueuePorts(**parts, flow_time=SOON)


async def handle(handler: Callable[[Envelope], Any], ports: QueuePorts, envelope: Envelope = ENVELOPE) -> None:
    async with asyncio.timeout(5):
        await handle_message(handler, envelope.body, envelope.properties(), envelope.message_id, ports)


async def test_a_message_that_takes_too_long_waits_for_another_attempt() -> None:
    ports: Any = queue_ports()
    await handle(hang, ports)
    ((copy, when),) = ports.queue.kept
    assert (copy.attempt, copy.message_id) == (2, "event-1:r2")
    (entry,) = ports.journal.kept
    assert (entry.outcome, entry.waiting_until) == ("waiting", when)
    assert entry.note == "not done within 0.02 s: cut off, and begun again from what is stored"


async def test_the_body_of_a_message_counts_too() -> None:
    ports: Any = queue_ports()
    claimed = replace(ENVELOPE, body=b"", claim=SimpleNamespace(blob="a", sha256="00"))
    await handle(hang, ports, claimed)
    assert [copy.attempt for copy, _ in ports.queue.kept] == [2]


async def test_what_a_handler_closes_when_it_is_cut_off_is_waited_for() -> None:
    closed: list[str] = []

    async def handler(_: Envelope) -> MessageOutcome:
        try:
            return await hang()
        finally:
            await asyncio.sleep(0)
            closed.append("closed")

    ports: Any = queue_ports()
    await handle(handler, ports)
    assert closed == ["closed"]
    assert [entry.outcome for entry in ports.journal.kept] == ["waiting"]


async def test_a_timeout_of_the_handlers_own_is_no_deadline() -> None:
    async def handler(_: Envelope) -> MessageOutcome:
        raise TimeoutError

    ports: Any = replace(queue_ports(), flow_time=timedelta(minutes=1))
    await handle(handler, ports)
    (entry,) = ports.journal.kept
    assert entry.note.startswith("the app failed: TimeoutError")


async def test_a_handler_in_time_is_not_disturbed() -> None:
    async def handler(_: Envelope) -> MessageOutcome:
        return Done("created")

    ports: Any = queue_ports()
    await handle(handler, ports)
    assert [entry.outcome for entry in ports.journal.kept] == ["done"]


async def test_a_stopped_host_is_no_deadline() -> None:
    ports: Any = replace(queue_ports(), flow_time=timedelta(minutes=1))
    task = asyncio.create_task(handle(hang, ports))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ports.queue.kept == []


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadline, "FLOW_TIME", SOON)
    monkeypatch.setattr(deadline, "INVOCATION_TIME", LATER)


def use(monkeypatch: pytest.MonkeyPatch, services: object) -> None:
    monkeypatch.setattr(triggers, "_services", lambda: services)


async def test_an_invocation_ends_though_the_journal_does_not_answer(
    monkeypatch: pytest.MonkeyPatch, soon: None
) -> None:
    """It raises, so the queue delivers the message again; its copy has the same id each time."""
    ports: Any = queue_ports(Stuck())
    monkeypatch.setitem(triggers.BY_QUEUE, "orders", replace(ORDERS, handler=f"{__name__}:hang"))
    use(monkeypatch, SimpleNamespace(ports={ORDERS.name: None}, queues={"orders": ports}))
    message: Any = SimpleNamespace(
        get_body=lambda: ENVELOPE.body,
        application_properties=ENVELOPE.properties(),
        message_id=ENVELOPE.message_id,
        delivery_count=1,
    )
    async with asyncio.timeout(5):
        with pytest.raises(OutOfTimeError):
            await triggers.handle("orders", message)
    assert [copy.message_id for copy, _ in ports.queue.kept] == ["event-1:r2"]


class Progress:
    halted: str | None = None
    saved = False


async def slow_sweep(progress: Progress) -> None:
    """As the timers' flows are: one part for each store, and what was reached is stored at the end."""

    async def one_store() -> None:
        try:
            with noting_halt(progress):
                await hang()
        finally:
            await asyncio.sleep(0)
            progress.saved = True

    await side_by_side([one_store()], otherwise="not all")


async def test_a_timers_run_is_cut_off_with_its_progress_stored_and_told(
    monkeypatch: pytest.MonkeyPatch, soon: None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "connector")
    progress = Progress()
    monkeypatch.setitem(triggers.BY_TIMER, "sweep_orders", replace(SWEEP, handler=f"{__name__}:slow_sweep"))
    use(monkeypatch, SimpleNamespace(ports={SWEEP.name: progress}, maintenance=Maintenance()))
    async with asyncio.timeout(5):
        with pytest.raises(OutOfTimeError, match=r"within 0\.02 s"):
            await triggers.run("sweep_orders")
    assert progress.saved
    assert progress.halted == "cut off"
    (told,) = [record.getMessage() for record in caplog.records if "timer.failed" in record.getMessage()]
    assert '"reason": "OutOfTimeError"' in told


async def test_a_timers_run_ends_though_its_progress_cannot_be_stored(
    monkeypatch: pytest.MonkeyPatch, soon: None
) -> None:
    monkeypatch.setitem(triggers.BY_TIMER, "sweep_orders", replace(SWEEP, handler=f"{__name__}:never_stored"))
    use(monkeypatch, SimpleNamespace(ports={SWEEP.name: None}, maintenance=Maintenance()))
    async with asyncio.timeout(5):
        with pytest.raises(OutOfTimeError, match=r"within 0\.06 s"):
            await triggers.run("sweep_orders")


async def never_stored(_: object) -> None:
    try:
        await hang()
    finally:
        await hang()


async def test_other_errors_are_raised_as_they_are() -> None:
    with pytest.raises(TransientError, match="F&O restarts"):
        async with ended_after(timedelta(minutes=1)):
            raise TransientError("F&O restarts")
