"""The Service Bus emulator in this process, and the real SDK in front of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from azure.servicebus import ServiceBusMessage, ServiceBusReceivedMessage
from azure.servicebus.aio import ServiceBusClient

from local.servicebus import ServiceBusEmulator, Topology

type Make = Callable[[ServiceBusClient], Any]


class MovableClock:
    """The real time, moved forward at will."""

    def __init__(self) -> None:
        self._ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self._ahead

    def move(self, bus: ServiceBusEmulator, seconds: float) -> None:
        self._ahead += seconds
        bus.catch_up()


def emulator(*, clock: Callable[[], float] = time.time, idle_timeout: float = 240.0, **entities: Any):
    return ServiceBusEmulator(Topology.model_validate(entities), clock=clock, idle_timeout=idle_timeout)


@asynccontextmanager
async def opened(bus: ServiceBusEmulator, *makers: Make) -> AsyncIterator[list[Any]]:
    """Links, opened and closed together: the SDK takes half a second for each of the two."""
    client = ServiceBusClient.from_connection_string(bus.connection_string, retry_total=0)
    links = [make(client) for make in makers]
    try:
        await asyncio.gather(*(link.__aenter__() for link in links))
        yield links
    finally:
        await asyncio.gather(*(link.close() for link in links))
        await client.close()


def sender(queue: str) -> Make:
    return lambda client: client.get_queue_sender(queue)


def topic_sender(topic: str) -> Make:
    return lambda client: client.get_topic_sender(topic)


def receiver(queue: str, **options: Any) -> Make:
    return lambda client: client.get_queue_receiver(queue, **options)


def subscription_receiver(topic: str, name: str, **options: Any) -> Make:
    return lambda client: client.get_subscription_receiver(topic, name, **options)


def message(body: str = "", **properties: Any) -> ServiceBusMessage:
    return ServiceBusMessage(body, **properties)


async def receive(link: Any, count: int = 1) -> list[ServiceBusReceivedMessage]:
    """Exactly `count` messages, within ten seconds. One call waits long, so that the broker has to act by itself."""
    got: list[ServiceBusReceivedMessage] = []
    async with asyncio.timeout(10):
        while len(got) < count:
            got += await link.receive_messages(max_message_count=count - len(got), max_wait_time=20)
    return got


def bodies(messages: list[ServiceBusReceivedMessage]) -> list[str]:
    return [str(one) for one in messages]


def someone_waits(bus: ServiceBusEmulator) -> bool:
    """Whether a client is at this moment attached, or waiting, to receive."""
    return any(bus._consumers.values())


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - the emulator's inside has no event to wait for
            await asyncio.sleep(0.01)
