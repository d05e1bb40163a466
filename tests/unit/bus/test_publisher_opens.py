"""When the publisher opens its sender, keeps it, and lets go of it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any, Self

import pytest
from azure.servicebus import ServiceBusMessageBatch
from azure.servicebus.exceptions import ServiceBusError

from shared.bus.envelope import Envelope
from shared.bus.publisher import Publisher
from shared.errors import OutcomeUnknownError

ENVELOPE = Envelope("orders", "event-1", "shopify", "nordlys", "orders/create", "42", datetime.now(UTC), "", b"{}")
EIGHT_MINUTES = 8 * 60


class Sender:
    """Opens when it may, and sends unless it is broken."""

    def __init__(self, may_open: asyncio.Event, *, is_broken: bool = False) -> None:
        self._may_open = may_open
        self._is_broken = is_broken
        self.sent: list[Any] = []
        self.closed = 0
        self.may_send = asyncio.Event()
        self.may_send.set()

    async def __aenter__(self) -> Self:
        await self._may_open.wait()
        return self

    async def create_message_batch(self) -> ServiceBusMessageBatch:
        return ServiceBusMessageBatch()

    async def send_messages(self, message: Any) -> None:
        if self._is_broken:
            raise ServiceBusError("the link is detached")
        await self.may_send.wait()
        self.sent.append(message)

    async def close(self) -> None:
        self.closed += 1


class Bus:
    """Gives out senders, and remembers them."""

    def __init__(self, *, opens_at_once: bool = True) -> None:
        self.may_open = asyncio.Event()
        if opens_at_once:
            self.may_open.set()
        self.senders: list[Sender] = []
        self.next_is_broken = False
        self.now = 0.0

    def __call__(self) -> Any:
        self.senders.append(Sender(self.may_open, is_broken=self.next_is_broken))
        return self.senders[-1]

    def publisher(self, deadline: float = 0.05) -> Publisher:
        return Publisher(self, deadline=deadline, clock=lambda: self.now)


async def test_warming_opens_the_sender_and_waits_for_nothing() -> None:
    bus = Bus(opens_at_once=False)
    publisher = bus.publisher(deadline=5)
    publisher.warm()
    publisher.warm()
    await asyncio.sleep(0)
    assert len(bus.senders) == 1
    bus.may_open.set()
    await publisher.publish(ENVELOPE)
    assert [len(sender.sent) for sender in bus.senders] == [1]
    await publisher.close()
    assert bus.senders[0].closed == 1


async def test_opening_that_takes_longer_than_a_caller_waits_serves_the_next_caller() -> None:
    bus = Bus(opens_at_once=False)
    publisher = bus.publisher()
    with pytest.raises(OutcomeUnknownError):
        await publisher.publish(ENVELOPE)
    bus.may_open.set()
    await publisher.publish(ENVELOPE)
    assert [(len(sender.sent), sender.closed) for sender in bus.senders] == [(1, 0)]
    await publisher.close()


async def test_sender_that_failed_to_send_is_replaced() -> None:
    bus = Bus()
    bus.next_is_broken = True
    publisher = bus.publisher()
    with pytest.raises(OutcomeUnknownError, match="ServiceBusError"):
        await publisher.publish(ENVELOPE)
    bus.next_is_broken = False
    await publisher.publish(ENVELOPE)
    assert [(len(sender.sent), sender.closed) for sender in bus.senders] == [(0, 1), (1, 0)]
    await publisher.close()


async def test_opening_that_failed_is_begun_anew() -> None:
    bus = Bus()
    refused: list[int] = []

    def refuse_once() -> Any:
        if not refused:
            refused.append(1)
            raise ServiceBusError("no route")
        return bus()

    publisher = Publisher(refuse_once, deadline=1, clock=lambda: 0.0)
    publisher.warm()
    await asyncio.sleep(0)
    await publisher.publish(ENVELOPE)
    assert len(bus.senders[0].sent) == 1
    await publisher.close()


@pytest.mark.parametrize(("idle", "senders"), [(EIGHT_MINUTES, 1), (EIGHT_MINUTES + 1, 2)])
@pytest.mark.parametrize("is_warmed", [True, False])
async def test_link_that_was_idle_for_eight_minutes_is_replaced(idle: float, senders: int, *, is_warmed: bool) -> None:
    bus = Bus()
    publisher = bus.publisher()
    await publisher.publish(ENVELOPE)
    bus.now += idle
    if is_warmed:
        await publisher.warm()
        assert len(bus.senders) == senders
    await publisher.publish(ENVELOPE)
    assert len(bus.senders) == senders
    assert [sender.closed for sender in bus.senders] == [1] * (senders - 1) + [0]
    await publisher.close()


async def test_link_in_use_is_not_taken_for_idle() -> None:
    bus = Bus()
    publisher = bus.publisher(deadline=5)
    await publisher.publish(ENVELOPE)
    bus.now += EIGHT_MINUTES
    (sender,) = bus.senders
    sender.may_send.clear()
    sending = asyncio.create_task(publisher.publish(ENVELOPE))
    await asyncio.sleep(0.01)
    bus.now += 1
    await publisher.warm()
    sender.may_send.set()
    await sending
    assert [(len(each.sent), each.closed) for each in bus.senders] == [(2, 0)]
    await publisher.close()
