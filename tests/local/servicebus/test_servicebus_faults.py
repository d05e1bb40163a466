"""Trouble on demand, and what a broken connection leaves behind; the emulator as a process with its control port."""

from __future__ import annotations

import asyncio
import gc
import json
import signal
import sys
import time
from urllib.request import Request, urlopen

import pytest
from azure.servicebus import NEXT_AVAILABLE_SESSION
from azure.servicebus.aio import ServiceBusClient
from azure.servicebus.exceptions import (
    OperationTimeoutError,
    ServiceBusError,
    ServiceBusServerBusyError,
    SessionCannotBeLockedError,
)
from builders.root import ROOT
from fixtures.servicebus import (
    MovableClock,
    bodies,
    emulator,
    has_consumer,
    message,
    opened,
    receive,
    receiver,
    sender,
    until,
)

from local.servicebus import SendAction, SendFault

# The SDK never closes the socket of a connection that the other side cut. Python says so when it collects the socket,
# which has to happen here and not in whatever test comes later.
pytestmark = [pytest.mark.wire, pytest.mark.filterwarnings("ignore::ResourceWarning")]


@pytest.fixture(autouse=True)
def _collect_sockets_the_sdk_leaks():
    yield
    gc.collect()


def fault(action: SendAction, **more) -> SendFault:
    return SendFault(entity="q", action=action, **more)


async def test_a_refused_send_stores_nothing_and_the_next_one_passes():
    async with emulator(queues=[{"name": "q"}]) as bus, opened(bus, sender("q")) as (out,):
        bus.faults.inject(fault(SendAction.REFUSE, count=1))
        with pytest.raises(ServiceBusServerBusyError):
            await out.send_messages(message("1"))
        await out.send_messages(message("2"))
        assert bus.namespace.depths()["q"].active == 1


@pytest.mark.parametrize(("action", "stored"), [(SendAction.LOSE, 0), (SendAction.SILENCE, 1)])
async def test_a_send_that_is_never_confirmed_times_out(action, stored):
    async with emulator(queues=[{"name": "q"}]) as bus, opened(bus, sender("q")) as (out,):
        bus.faults.inject(fault(action, count=1))
        with pytest.raises(OperationTimeoutError):
            await out.send_messages(message("1"), timeout=0.3)
        assert bus.namespace.depths()["q"].active == stored
        await out.send_messages(message("2"), timeout=2)
        assert bus.namespace.depths()["q"].active == stored + 1


async def test_a_delayed_confirmation_comes_after_its_time():
    async with emulator(queues=[{"name": "q"}]) as bus, opened(bus, sender("q")) as (out,):
        bus.faults.inject(fault(SendAction.DELAY, seconds=0.4))
        started = time.monotonic()
        await out.send_messages(message("1"))
        assert time.monotonic() - started >= 0.4
        bus.faults.clear()
        started = time.monotonic()
        await out.send_messages(message("2"))
        assert time.monotonic() - started < 0.4


async def test_a_confirmation_after_the_sender_left_does_no_harm():
    async with emulator(queues=[{"name": "q"}]) as bus:
        bus.faults.inject(fault(SendAction.DELAY, seconds=0.5, count=1))
        async with opened(bus, sender("q")) as (out,):
            with pytest.raises(OperationTimeoutError):
                await out.send_messages(message("1"), timeout=0.1)
        async with opened(bus, sender("q")) as (out,):
            await out.send_messages(message("2"))
        assert bus.namespace.depths()["q"].active == 2


async def test_the_sdk_sends_again_over_a_new_connection():
    async with emulator(queues=[{"name": "q"}]) as bus:
        async with (
            ServiceBusClient.from_connection_string(bus.connection_string, retry_backoff_factor=0.01) as client,
            client.get_queue_sender("q") as out,
        ):
            await out.send_messages(message("1"))
            assert bus.drop_connections() == 1
            await out.send_messages(message("2"), timeout=5)
            assert bus.detach_links("q") == 1
            await out.send_messages(message("3"), timeout=5)
        assert bus.namespace.depths()["q"].active == 3


async def test_a_dropped_receivers_messages_stay_locked_until_their_time():
    clock = MovableClock()
    async with emulator(clock=clock, queues=[{"name": "q"}]) as bus, opened(bus, sender("q")) as (out,):
        await out.send_messages(message("x"))
        async with opened(bus, receiver("q")) as (into,):
            await receive(into)
            bus.detach_links("q")
        assert bus.namespace.depths()["q"].locked == 1
        clock.move(bus, 61)
        async with opened(bus, receiver("q")) as (into,):
            (again,) = await receive(into)
            assert again.delivery_count == 1


async def test_a_detached_session_receiver_frees_its_session_at_once():
    queue = {"name": "q", "requiresSession": True}
    async with emulator(queues=[queue]) as bus, opened(bus, sender("q")) as (out,):
        await out.send_messages(message("x", session_id="a"))
        async with opened(bus, receiver("q", session_id="a")) as (into,):
            (got,) = await receive(into)
            bus.detach_links("q")
            async with opened(bus, receiver("q", session_id=NEXT_AVAILABLE_SESSION)) as (other,):
                assert bodies(await receive(other)) == ["x"]
                with pytest.raises(ServiceBusError):
                    await into.complete_message(got)


async def test_the_session_of_a_receiver_that_was_cut_off_stays_locked_until_its_time():
    clock = MovableClock()
    queue = {"name": "q", "requiresSession": True}
    async with emulator(clock=clock, queues=[queue]) as bus:
        async with opened(bus, sender("q")) as (out,):
            await out.send_messages(message("x", session_id="a"))
        async with opened(bus, receiver("q", session_id="a")) as (into,):
            await receive(into)
            bus.drop_connections()
            await until(lambda: not has_consumer(bus))
            clock.move(bus, 58)
            with pytest.raises(SessionCannotBeLockedError):
                async with opened(bus, receiver("q", session_id="a")):
                    raise AssertionError("the session is still locked")
            clock.move(bus, 3)
            async with opened(bus, receiver("q", session_id="a")) as (other,):
                (again,) = await receive(other)
                assert (str(again), again.delivery_count) == ("x", 1)


async def test_a_message_settled_over_a_new_link_is_settled():
    async with emulator(queues=[{"name": "q"}]) as bus, opened(bus, sender("q"), receiver("q")) as (out, into):
        await out.send_messages(message("x"))
        (got,) = await receive(into)
        assert bus.detach_links("q") == 2
        await into.complete_message(got)
        assert bus.namespace.depths()["q"].active == 0


async def test_a_client_that_waits_for_a_session_may_leave():
    queue = {"name": "q", "requiresSession": True}
    any_session = receiver("q", session_id=NEXT_AVAILABLE_SESSION)
    async with emulator(queues=[queue]) as bus:

        async def wait() -> None:
            async with opened(bus, any_session):
                raise AssertionError("there is no session")

        waiting = asyncio.create_task(wait())
        await until(lambda: has_consumer(bus))
        bus.drop_connections()
        with pytest.raises(ServiceBusError):
            await waiting
        assert not has_consumer(bus)
        async with opened(bus, sender("q")) as (out,):
            await out.send_messages(message("x", session_id="a"))
        async with opened(bus, any_session) as (into,):
            assert bodies(await receive(into)) == ["x"]


async def test_a_silent_connection_is_given_up():
    sasl = b"AMQP\x03\x01\x00\x00" + b"\x00\x00\x00\x19\x02\x01\x00\x00\x00\x53\x41\xc0\x0c\x01\xa3\x09ANONYMOUS"
    opening = b"AMQP\x00\x01\x00\x00" + b"\x00\x00\x00\x14\x02\x00\x00\x00\x00\x53\x10\xc0\x07\x01\xa1\x04idle"
    async with emulator(queues=[{"name": "q"}], idle_timeout=0.5) as bus:
        reader, writer = await asyncio.open_connection(*bus.url.removeprefix("amqp://").split(":"))
        writer.write(sasl + opening)
        async with asyncio.timeout(5):
            answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        assert b"amqp:resource-limit-exceeded" in answer


async def test_the_process_serves_reports_depths_takes_faults_and_stops_on_a_signal():
    command = ("-m", "local.servicebus", "--port", "0", "--control-port", "0")
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stderr is not None
    async with asyncio.timeout(20):
        endpoint = (await process.stdout.readline()).decode().removeprefix("READY amqp://").strip()
        control = (await process.stderr.readline()).decode().rsplit(" ", 1)[1].strip()

    def call(method: str, path: str, body: object = None) -> dict:
        data = None if body is None else json.dumps(body).encode()
        with urlopen(Request(control + path, data, method=method)) as answer:
            return json.loads(answer.read())

    secrets = "SharedAccessKeyName=x;SharedAccessKey=y;UseDevelopmentEmulator=true;"
    async with (
        ServiceBusClient.from_connection_string(f"Endpoint=sb://{endpoint};{secrets}", retry_total=0) as client,
        client.get_queue_sender("orders") as out,
    ):
        await out.send_messages(message("x", session_id="a"))
        depths = await asyncio.to_thread(call, "GET", "/depths")
        assert depths["orders"] == {"active": 1, "locked": 0, "deferred": 0, "scheduled": 0, "dead_letter": 0}
        refuse = {"entity": "orders", "action": "refuse", "condition": "amqp:not-allowed"}
        assert (await asyncio.to_thread(call, "POST", "/faults", refuse))["count"] is None
        with pytest.raises(ServiceBusError, match="told to refuse"):
            await out.send_messages(message("y", session_id="a"))
        assert await asyncio.to_thread(call, "DELETE", "/faults") == {}
        await out.send_messages(message("z", session_id="a"))
        assert await asyncio.to_thread(call, "POST", "/links/detach?entity=orders") == {"detached": 1}
        assert await asyncio.to_thread(call, "POST", "/connections/drop") == {"dropped": 1}
    process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(5):
        assert await process.wait() == 0
