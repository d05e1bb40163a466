"""Sending in batches over a link that is replaced before it stalls, without Service Bus."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from azure.servicebus.exceptions import MessageSizeExceededError, ServiceBusError

from shared.bus.envelope import Envelope
from shared.bus.publisher import Publisher
from shared.errors import OutcomeUnknownError

ENVELOPE = Envelope("orders", "event-1", "shopify", "nordlys", "orders/create", "42", datetime.now(UTC), "", b"{}")
MINUTE = 60.0


class Batch:
    def __init__(self, most):
        self.ids, self._most = [], most

    def add_message(self, message):
        if len(self.ids) == self._most or message.message_id.startswith("huge"):
            raise MessageSizeExceededError
        self.ids.append(message.message_id)


class Sender:
    """One link. Its sends fail with `error`, and wait for `gate`."""

    def __init__(self, bus):
        self.bus, self.is_open = bus, True

    async def __aenter__(self):
        return self

    async def send_messages(self, sent):
        assert self.is_open
        if self.bus.gate is not None:
            await self.bus.gate.wait()
        if self.bus.error is not None:
            raise self.bus.error
        self.bus.sent.append(sent.ids if isinstance(sent, Batch) else [sent.message_id])

    async def create_message_batch(self):
        return Batch(self.bus.most)

    async def close(self):
        self.is_open = False
        if self.bus.error_of_close is not None:
            raise self.bus.error_of_close


class Bus:
    def __init__(self):
        self.links, self.sent = [], []
        self.error = self.error_of_close = self.gate = None
        self.most = 100
        self.now = 0.0

    def open(self):
        self.links.append(Sender(self))
        return self.links[-1]

    def publisher(self, deadline=5.0):
        return Publisher(self.open, deadline=deadline, clock=lambda: self.now)


def event(name):
    return replace(ENVELOPE, event_id=name)


@pytest.fixture
def bus():
    return Bus()


async def test_a_link_is_used_again_while_it_is_not_idle_for_long(bus):
    publisher = bus.publisher()
    for number in range(10):
        await publisher.publish(event(str(number)))
        bus.now += 8 * MINUTE
    assert len(bus.links) == 1


async def test_a_link_that_was_idle_for_more_than_eight_minutes_is_closed_and_replaced(bus):
    publisher = bus.publisher()
    await publisher.publish(event("1"))
    bus.now += 8 * MINUTE + 1
    await publisher.publish(event("2"))
    assert [link.is_open for link in bus.links] == [False, True]
    assert bus.sent == [["1"], ["2"]]


async def test_a_link_is_idle_since_its_last_message_and_not_since_it_was_opened(bus):
    publisher = bus.publisher()
    for number in range(4):
        await publisher.publish(event(str(number)))
        bus.now += 5 * MINUTE
    bus.now += 4 * MINUTE
    await publisher.publish(event("5"))
    assert [link.is_open for link in bus.links] == [False, True]


async def test_a_broken_link_is_closed_every_caller_hears_of_it_and_the_next_message_takes_another_one(bus):
    publisher = bus.publisher()
    bus.error, bus.error_of_close = ServiceBusError("detached"), ServiceBusError("already")
    results = await asyncio.gather(*(publisher.publish(event(name)) for name in "ab"), return_exceptions=True)
    assert [(type(each), str(each)) for each in results] == [
        (OutcomeUnknownError, "Service Bus did not confirm: ServiceBusError")
    ] * 2
    bus.error = bus.error_of_close = None
    await publisher.publish(event("c"))
    assert [link.is_open for link in bus.links] == [False, True]
    assert bus.sent == [["c"]]


async def test_a_message_that_is_not_confirmed_in_time_is_an_unknown_outcome(bus):
    publisher = bus.publisher(deadline=0.01)
    bus.gate = asyncio.Event()
    with pytest.raises(OutcomeUnknownError, match=r"Service Bus did not confirm"):
        await publisher.publish(event("1"))
    await publisher.close()


async def test_messages_that_arrive_during_a_send_share_the_next_one(bus):
    publisher = bus.publisher()
    bus.gate = asyncio.Event()
    first = asyncio.create_task(publisher.publish(event("1")))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    others = [asyncio.create_task(publisher.publish(event(name))) for name in "abc"]
    await asyncio.sleep(0)
    assert not first.done()
    bus.gate.set()
    await asyncio.gather(first, *others)
    assert bus.sent == [["1"], ["a", "b", "c"]]


async def test_a_batch_takes_a_hundred_messages(bus):
    publisher = bus.publisher()
    await asyncio.gather(*(publisher.publish(event(str(number))) for number in range(150)))
    assert [len(sent) for sent in bus.sent] == [100, 50]


async def test_messages_that_do_not_fit_one_batch_go_in_several_and_a_large_one_alone(bus):
    publisher = bus.publisher()
    bus.most = 2
    await asyncio.gather(*(publisher.publish(event(name)) for name in ("a", "b", "c", "huge", "d")))
    assert sorted(name for sent in bus.sent for name in sent) == ["a", "b", "c", "d", "huge"]
    assert ["huge"] in bus.sent
    assert max(len(sent) for sent in bus.sent) == 2


async def test_closing_closes_the_link(bus):
    publisher = bus.publisher()
    await publisher.publish(event("1"))
    await publisher.close()
    assert not bus.links[0].is_open
    await bus.publisher().close()
