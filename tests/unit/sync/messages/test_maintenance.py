"""While F&O is known to be away messages wait for the end of the window, spend no attempt, and timers do nothing."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from shared import triggers
from shared.bus.envelope import Envelope
from shared.d365.odata.breaker import CLOSED, BreakerState, SharedBreaker
from shared.errors import MaintenanceError
from shared.flows import BY_TIMER, EXPORT, STOCK, Flow
from shared.model.maintenance import Maintenance, read_maintenance
from shared.operator.__main__ import show_maintenance
from shared.sync.messages.dispatch import QueuePorts, handle_message
from shared.sync.messages.outcome import Done, MessageOutcome
from tests.builders.log_events import events_in

NOW = datetime(2026, 11, 29, 3, tzinfo=UTC)
END = datetime(2026, 11, 29, 5, tzinfo=UTC)
MAINTENANCE = read_maintenance("Sun 02:00-05:00")
ALWAYS = read_maintenance("; ".join(f"{day} 00:00-00:00" for day in ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")))
ENVELOPE = Envelope("orders", "event-1", "shopify", "nordlys", "orders/create", "42", NOW, "", b'{"id":42}')


class Recorder:
    """Queue, journal and parking, each of which only records what it is given."""

    def __init__(self) -> None:
        self.sent: list[tuple[Envelope, datetime]] = []
        self.entries: list[Any] = []
        self.parked: list[Any] = []

    async def publish(self, envelope: Envelope, *, at: datetime) -> None:
        self.sent.append((envelope, at))

    async def write(self, entry: Any) -> None:
        self.entries.append(entry)

    async def park(self, message: Any) -> None:
        self.parked.append(message)


def ports(recorder: Any, now: datetime) -> QueuePorts:
    return QueuePorts(
        queue=recorder, claims=recorder, journal=recorder, parking=recorder, now=lambda: now, maintenance=MAINTENANCE
    )


async def booked(_: Envelope) -> MessageOutcome:
    return Done("booked")


async def handle(envelope: Envelope, at: QueuePorts) -> None:
    await handle_message(booked, envelope.body, envelope.properties(), envelope.message_id, at)


async def test_a_message_waits_for_the_end_of_the_window_and_says_so() -> None:
    recorder = Recorder()
    await handle(ENVELOPE, ports(recorder, NOW))
    ((copy, when),) = recorder.sent
    assert END <= when <= END + timedelta(seconds=2)
    assert (copy.attempt, copy.tries) == (2, 1)
    (entry,) = recorder.entries
    assert (entry.outcome, entry.note) == ("waiting", "F&O is in maintenance until 2026-11-29 05:00 UTC")


async def test_however_often_it_waits_it_is_never_parked_for_that() -> None:
    recorder = Recorder()
    waiting = replace(ENVELOPE, attempt=50, waits=0, occurred_at=NOW - timedelta(days=9))
    await handle(waiting, ports(recorder, NOW))
    assert recorder.parked == []
    assert len(recorder.sent) == 1


async def test_after_the_window_it_is_handled() -> None:
    recorder = Recorder()
    await handle(ENVELOPE, ports(recorder, END))
    assert recorder.sent == []
    assert [entry.outcome for entry in recorder.entries] == ["done"]


class BreakerRow:
    async def load(self) -> tuple[BreakerState, str | None]:
        return CLOSED, None

    async def save(self, state: BreakerState, etag: str | None) -> str | None:
        raise AssertionError("a window is no failure")


async def test_a_flow_under_way_makes_no_call_either() -> None:
    now = [NOW]
    breaker = SharedBreaker(BreakerRow(), maintenance=MAINTENANCE, now=lambda: now[0])
    with pytest.raises(MaintenanceError) as caught:
        await breaker.before()
    assert caught.value.retry_after == END - NOW
    now[0] = END
    await breaker.before()


RUNS: list[object] = []


async def note_run(given: object) -> None:
    RUNS.append(given)


@pytest.mark.parametrize(
    ("flow", "maintenance", "runs"),
    [
        pytest.param(STOCK, ALWAYS, [], id="needs F&O"),
        pytest.param(EXPORT, ALWAYS, ["ports"], id="needs no F&O"),
        pytest.param(STOCK, read_maintenance(""), ["ports"], id="no window"),
    ],
)
async def test_a_timer_that_needs_fo_does_nothing_and_says_so(
    flow: Flow, maintenance: Maintenance, runs: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "connector")
    RUNS.clear()
    assert flow.timer is not None
    services = SimpleNamespace(ports={flow.name: "ports"}, maintenance=maintenance)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(BY_TIMER, flow.timer.function, replace(flow, handler=f"{__name__}:note_run"))
        patch.setattr(triggers, "_services", lambda: services)
        await triggers.run(flow.timer.function)
    assert runs == RUNS
    assert len(events_in(caplog, "timer.skipped")) == 1 - len(runs)
    assert len(events_in(caplog, "timer.succeeded")) == 1


def test_the_operator_is_told_why_orders_wait() -> None:
    lines: list[str] = []
    show_maintenance(MAINTENANCE, NOW, lines.append)
    assert lines == [
        "F&O is in maintenance until 2026-11-29 05:00 UTC: until then every order waits, which is no failure"
    ]
    show_maintenance(MAINTENANCE, END, lines.append)
    assert len(lines) == 1
