"""How long a bucket stays with its worker: a busy one for hours, that of a killed one until its lock ends.

The times are those of host.json and infra/topology.json, a hundred times shorter.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final

import pytest
from azure.servicebus import NEXT_AVAILABLE_SESSION, ServiceBusMessage, ServiceBusReceivedMessage
from azure.servicebus.aio import ServiceBusClient
from builders.root import ROOT
from fixtures.functions_host import SETTINGS, functions_host

from local.functions.config import load_host_config
from local.functions.listener import Listener
from local.servicebus import load
from local.servicebus.server import ServiceBusEmulator
from local.servicebus.topology import Topology

SCALE: Final = 100
HOST: Final = load_host_config(ROOT, {}).service_bus
LOCK: Final = load(ROOT / "infra/topology.json").queues[0].lock_duration.total_seconds() / SCALE
MINUTE: Final = 60 / SCALE
MESSAGES: Final = range(6)


def bus_with(lock: float, queue: str = "orders") -> ServiceBusEmulator:
    entity: dict[str, Any] = {"name": queue, "requiresSession": True, "lockDuration": f"PT{lock:g}S"}
    return ServiceBusEmulator(Topology.model_validate({"queues": [entity]}))


async def send(bus: ServiceBusEmulator, *messages: ServiceBusMessage, queue: str = "orders") -> None:
    async with (
        ServiceBusClient.from_connection_string(bus.connection_string) as client,
        client.get_queue_sender(queue) as sender,
    ):
        await sender.send_messages(list(messages))


class Workers:
    """Two workers, and what each has done with the messages of one order."""

    def __init__(self, work: float) -> None:
        self.work = work
        """Seconds for each message."""
        self.at_work = 0
        self.most_at_once = 0
        self.done: list[tuple[str, str]] = []
        """Worker and message."""

    async def process(self, worker: str, message: ServiceBusReceivedMessage) -> bool:
        self.at_work += 1
        self.most_at_once = max(self.most_at_once, self.at_work)
        await asyncio.sleep(self.work)
        self.at_work -= 1
        self.done.append((worker, str(message.message_id)))
        return True

    @asynccontextmanager
    async def listening(self, bus: ServiceBusEmulator, renewal: float) -> AsyncIterator[None]:
        listeners = []
        async with (
            ServiceBusClient.from_connection_string(bus.connection_string, retry_total=0) as one,
            ServiceBusClient.from_connection_string(bus.connection_string, retry_total=0) as other,
        ):
            for name, client in (("one", one), ("other", other)):
                listener = Listener(
                    source=name,
                    open_receiver=partial(client.get_queue_receiver, "orders", session_id=NEXT_AVAILABLE_SESSION),
                    process=partial(self.process, name),
                    slots=1,
                    session_idle_timeout=1,
                    lock_renewal=renewal,
                )
                listener.start()
                listeners.append(listener)
            try:
                yield
            finally:
                await asyncio.gather(*(listener.stop(5) for listener in listeners))


async def busy_for_ten_minutes(renewal: float) -> Workers:
    """Six messages of one order, with a hundred seconds' work each."""
    workers = Workers(work=100 / SCALE)
    async with bus_with(LOCK) as bus:
        await send(bus, *(ServiceBusMessage(b"x", message_id=str(number), session_id="b") for number in MESSAGES))
        async with workers.listening(bus, renewal):
            until = time.monotonic() + 30 * MINUTE
            while {name for _, name in workers.done} != {str(number) for number in MESSAGES}:
                assert time.monotonic() < until
                await asyncio.sleep(0.05)
    return workers


@pytest.mark.usefixtures("wire")
async def test_a_bucket_that_is_busy_for_ten_minutes_stays_with_its_worker() -> None:
    workers = await busy_for_ten_minutes(HOST.max_auto_lock_renewal / SCALE)
    assert [name for _, name in workers.done] == [str(number) for number in MESSAGES]
    assert len({worker for worker, _ in workers.done}) == 1
    assert workers.most_at_once == 1


@pytest.mark.usefixtures("wire")
async def test_renewal_for_five_minutes_lets_two_workers_have_one_order_at_once() -> None:
    """What the host does as well: the setting above is not for nothing."""
    workers = await busy_for_ten_minutes(5 * MINUTE)
    assert workers.most_at_once == 2
    assert max(Counter(name for _, name in workers.done).values()) >= 2


@pytest.mark.usefixtures("wire")
async def test_the_bucket_of_a_killed_worker_is_free_when_its_lock_ends() -> None:
    async with bus_with(2, "in-sessions") as bus:
        settings = {**SETTINGS, "ServiceBusConnection": bus.connection_string}
        async with functions_host(settings) as host:
            await send(bus, ServiceBusMessage(b"hang once", message_id="m", session_id="b"), queue="in-sessions")
            async with asyncio.timeout(10):
                while not bus.namespace.depths()["in-sessions"].locked:  # noqa: ASYNC110 - no event tells
                    await asyncio.sleep(0.02)
            host.process.kill()
            killed = time.monotonic()
            await host.process.wait()
        async with (
            ServiceBusClient.from_connection_string(bus.connection_string) as client,
            client.get_queue_receiver("in-sessions", session_id=NEXT_AVAILABLE_SESSION, max_wait_time=10) as receiver,
        ):
            (again,) = await receiver.receive_messages(max_message_count=1, max_wait_time=10)
            assert time.monotonic() - killed < 2 + 1
            assert (again.message_id, again.delivery_count) == ("m", 1)
