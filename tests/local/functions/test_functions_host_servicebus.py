"""Service Bus functions of the local host: a process of its own, the real client, and the emulator between them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest_asyncio
from azure.servicebus import ServiceBusMessage
from azure.servicebus.aio import ServiceBusClient
from fixtures.functions_host import SETTINGS, RunningHost, functions_host

from local.servicebus.server import ServiceBusEmulator
from local.servicebus.topology import Topology

TOPOLOGY = {
    "queues": [{"name": "in-sessions", "requiresSession": True, "lockDuration": "PT5M"}, {"name": "plain"}],
    "topics": [{"name": "events"}],
    "subscriptions": [{"topic": "events", "name": "all"}],
}
TRACE_PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

type Seen = dict[str, Any]


class World:
    """The emulator, a client of it, and a host that runs the sample app against it."""

    def __init__(self, bus: ServiceBusEmulator, host: RunningHost, http: aiohttp.ClientSession) -> None:
        self.bus = bus
        self.host = host
        self.http = http

    async def send(self, entity: str, *messages: ServiceBusMessage) -> None:
        async with ServiceBusClient.from_connection_string(self.bus.connection_string) as client:
            sender = client.get_topic_sender(entity) if entity == "events" else client.get_queue_sender(entity)
            async with sender:
                await sender.send_messages(list(messages))

    async def seen(self, count: int, which: Callable[[Seen], bool]) -> list[Seen]:
        """The deliveries that functions have noted, once there are as many as that."""
        total = 0
        async with asyncio.timeout(20):
            while True:
                async with self.http.get(f"/api/seen?count={total + 1}") as answer:
                    everything = await answer.json()
                found = [each for each in everything if "message_id" in each and which(each)]
                if len(found) >= count:
                    return found
                total = len(everything)

    async def left(self, queue: str, session_id: str | None = None) -> int:
        """How many messages are in the queue, locked ones included."""
        async with ServiceBusClient.from_connection_string(self.bus.connection_string) as client:
            receiver = client.get_queue_receiver(queue, session_id=session_id, max_wait_time=10)
            async with receiver:
                return len(await receiver.peek_messages(max_message_count=10))


@asynccontextmanager
async def start() -> AsyncIterator[World]:
    async with ServiceBusEmulator(Topology.model_validate(TOPOLOGY)) as bus:
        settings = {**SETTINGS, "ServiceBusConnection": bus.connection_string}
        async with functions_host(settings) as host, aiohttp.ClientSession(host.url) as http:
            yield World(bus, host, http)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def world(wire: None) -> AsyncIterator[World]:
    async with start() as world:
        yield world


@pytest_asyncio.fixture(loop_scope="session")
async def own_world(wire: None) -> AsyncIterator[World]:
    """For tests that stop something."""
    async with start() as world:
        yield world


def of_session(session_id: str) -> Callable[[Seen], bool]:
    return lambda seen: seen["session_id"] == session_id


async def test_function_sees_the_message_as_it_was_sent(world: World) -> None:
    message = ServiceBusMessage(
        b'{"id": "\xc3\xa6"}',
        message_id="m-1",
        session_id="bucket-1",
        correlation_id="c-1",
        content_type="application/json",
        application_properties={"flow": "orders", "schema": 1, "Diagnostic-Id": TRACE_PARENT},
    )
    await world.send("in-sessions", message)
    (seen,) = await world.seen(1, of_session("bucket-1"))
    assert seen["function"] == "in_sessions"
    assert seen["body"] == '{"id": "æ"}'
    assert (seen["message_id"], seen["correlation_id"]) == ("m-1", "c-1")
    assert seen["content_type"] == "application/json"
    assert seen["application_properties"] == {"flow": "orders", "schema": 1, "Diagnostic-Id": TRACE_PARENT}
    assert seen["user_properties"] == seen["application_properties"]
    assert seen["delivery_count"] == 1
    assert seen["trace_parent"] == TRACE_PARENT
    assert seen["sequence_number"] >= 1
    assert seen["enqueued"]
    assert len(seen["lock_token"]) == 36


async def test_message_is_gone_once_its_function_has_succeeded(world: World) -> None:
    await world.send("plain", ServiceBusMessage(b"x", message_id="gone"))
    (seen,) = await world.seen(1, lambda seen: seen["message_id"] == "gone")
    assert seen["function"] == "without_sessions"
    async with asyncio.timeout(5):
        while await world.left("plain"):
            pass


async def test_failed_message_comes_again_before_the_next_of_its_session(world: World) -> None:
    await world.send(
        "in-sessions",
        ServiceBusMessage(b"fail once", message_id="a", session_id="failing"),
        ServiceBusMessage(b"next", message_id="b", session_id="failing"),
    )
    seen = await world.seen(3, of_session("failing"))
    assert [(each["message_id"], each["delivery_count"]) for each in seen] == [("a", 1), ("a", 2), ("b", 1)]


async def test_function_past_its_timeout_gets_its_message_again(world: World) -> None:
    await world.send("in-sessions", ServiceBusMessage(b"hang once", message_id="h", session_id="hanging"))
    seen = await world.seen(2, of_session("hanging"))
    assert [each["delivery_count"] for each in seen] == [1, 2]
    await world.host.until_logged("in_sessions failed in 2")


async def test_sessions_keep_their_order_and_idle_ones_make_room_for_others(world: World) -> None:
    # Two sessions at once is what the sample app's host.json allows.
    sessions = [f"order-{number}" for number in range(3)]
    messages = [
        ServiceBusMessage(b"x", message_id=f"{session}-{number}", session_id=session)
        for number in range(4)
        for session in sessions
    ]
    await world.send("in-sessions", *messages)
    for session in sessions:
        seen = await world.seen(4, of_session(session))
        assert [each["message_id"] for each in seen] == [f"{session}-{number}" for number in range(4)]


async def test_subscription_of_a_topic_feeds_its_function(world: World) -> None:
    await world.send("events", ServiceBusMessage(b"told", message_id="t-1"))
    (seen,) = await world.seen(1, lambda seen: seen["message_id"] == "t-1")
    assert (seen["function"], seen["body"]) == ("from_subscription", "told")


async def test_cut_connections_are_taken_up_again(world: World) -> None:
    world.bus.drop_connections()
    await world.send("in-sessions", ServiceBusMessage(b"x", message_id="m", session_id="after-cut"))
    await world.send("plain", ServiceBusMessage(b"x", message_id="after-cut"))
    await world.seen(1, of_session("after-cut"))
    await world.seen(1, lambda seen: seen["message_id"] == "after-cut")


async def test_broker_that_comes_back_is_used_again(own_world: World) -> None:
    bus = own_world.bus
    await own_world.send("plain", ServiceBusMessage(b"x", message_id="before"))
    await own_world.seen(1, lambda seen: seen["message_id"] == "before")
    port = int(bus.url.rsplit(":", 1)[1])
    await bus.stop()
    await own_world.host.until_logged("plain: no connection to Service Bus")
    async with ServiceBusEmulator(Topology.model_validate(TOPOLOGY), port=port) as again:
        own_world.bus = again
        await own_world.send("plain", ServiceBusMessage(b"x", message_id="after"))
        await own_world.seen(1, lambda seen: seen["message_id"] == "after")
        assert await own_world.host.stop() == 0
        assert own_world.host.log.count("plain: no connection to Service Bus") == 1
        assert own_world.host.log.count("plain: connected to Service Bus again") == 1


async def test_stop_settles_what_is_running(own_world: World) -> None:
    await own_world.send("in-sessions", ServiceBusMessage(b"take a second", session_id="s", message_id="m"))
    await own_world.seen(1, of_session("s"))
    assert await own_world.host.stop() == 0
    assert "in_sessions succeeded" in own_world.host.log
    # The session is free again at once, and its message is gone.
    assert await own_world.left("in-sessions", "s") == 0
