"""Topics, filters, forwarding, schedules and duplicates through the real SDK; and what the namespace refuses."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from azure.servicebus import ServiceBusMessageState, ServiceBusSubQueue
from azure.servicebus.exceptions import (
    MessageNotFoundError,
    MessageSizeExceededError,
    MessagingEntityNotFoundError,
    ServiceBusError,
)
from builders.root import ROOT
from fixtures.servicebus import (
    MovableClock,
    bodies,
    emulator,
    message,
    opened,
    receive,
    receiver,
    sender,
    subscription_receiver,
    topic_sender,
)

from local.servicebus import ServiceBusEmulator, load

pytestmark = pytest.mark.wire

TOPOLOGY = ROOT / "infra" / "topology.json"


async def test_our_topology_carries_an_order_from_the_topic_to_its_session():
    async with ServiceBusEmulator(load(TOPOLOGY)) as bus, opened(bus, topic_sender("commerce-events")) as (out,):
        for number in (1, 2, 2):
            await out.send_messages(
                message(
                    f"event {number}",
                    message_id=f"event-{number}",
                    session_id="shop/order-7",
                    application_properties={"flow": "orders"},
                )
            )
        await out.send_messages(message("other", session_id="x", application_properties={"flow": "stock"}))
        async with opened(bus, receiver("orders", session_id="shop/order-7")) as (into,):
            got = await receive(into, 2)
            assert bodies(got) == ["event 1", "event 2"]
            assert got[0].session_id == "shop/order-7"
            for one in got:
                await into.complete_message(one)
        assert all(depth.active == depth.dead_letter == 0 for depth in bus.namespace.depths().values())


async def test_each_subscription_gets_its_own_copy_of_what_its_rules_match():
    entities = {
        "topics": [{"name": "t"}],
        "subscriptions": [
            {"topic": "t", "name": "all"},
            {"topic": "t", "name": "urgent", "rule": {"name": "$Default", "correlationFilter": {"label": "urgent"}}},
        ],
    }
    async with (
        emulator(**entities) as bus,
        opened(bus, topic_sender("t"), *(subscription_receiver("t", name) for name in ("all", "urgent"))) as links,
    ):
        out, everything, urgent = links
        await out.send_messages([message("1"), message("2", subject="urgent")])
        got = await receive(everything, 2)
        assert bodies(got) == ["1", "2"]
        await everything.complete_message(got[1])
        (copy,) = await receive(urgent)
        assert str(copy) == "2"
        await urgent.dead_letter_message(copy, reason="no")
        async with opened(bus, subscription_receiver("t", "urgent", sub_queue=ServiceBusSubQueue.DEAD_LETTER)) as (
            dead,
        ):
            (buried,) = await receive(dead)
            assert buried.dead_letter_reason == "no"
            assert buried.subject == "urgent"


async def test_a_message_that_lost_its_session_on_the_way_is_found_in_the_sources_dead_letters():
    entities = {
        "topics": [{"name": "t"}],
        "queues": [{"name": "q", "requiresSession": True}],
        "subscriptions": [{"topic": "t", "name": "s", "forwardTo": "q"}],
    }
    dead_letters = subscription_receiver("t", "s", sub_queue=ServiceBusSubQueue.DEAD_LETTER)
    async with emulator(**entities) as bus, opened(bus, topic_sender("t"), dead_letters) as (out, dead):
        await out.send_messages(message("x", application_properties={"flow": "orders"}))
        (buried,) = await receive(dead)
        assert buried.dead_letter_reason == "Session ID is null"
        assert buried.application_properties[b"flow"] == b"orders"


@pytest.mark.parametrize("by", ["schedule_messages", "scheduled_enqueue_time_utc"])
async def test_a_scheduled_message_comes_when_it_is_due(by):
    clock = MovableClock()
    due = datetime.now(UTC) + timedelta(minutes=10)
    async with emulator(clock=clock, queues=[{"name": "q"}]) as bus, opened(bus, sender("q"), receiver("q")) as links:
        out, into = links
        if by == "schedule_messages":
            (number,) = await out.schedule_messages(message("x"), due)
            assert number == 1
        else:
            await out.send_messages(message("x", scheduled_enqueue_time_utc=due))
        (peeked,) = await into.peek_messages()
        assert (peeked.state, peeked.sequence_number) == (ServiceBusMessageState.SCHEDULED, 1)
        assert abs(peeked.scheduled_enqueue_time_utc - due) < timedelta(milliseconds=2)
        clock.move(bus, 590)
        assert bus.namespace.depths()["q"].scheduled == 1
        clock.move(bus, 11)
        (got,) = await receive(into)
        assert (str(got), got.sequence_number) == ("x", 2)


async def test_a_message_scheduled_to_a_topic_reaches_its_subscribers_by_itself():
    entities = {"topics": [{"name": "t"}], "subscriptions": [{"topic": "t", "name": "s"}]}
    async with (
        emulator(**entities) as bus,
        opened(bus, topic_sender("t"), subscription_receiver("t", "s")) as (out, into),
    ):
        due = datetime.now(UTC) + timedelta(seconds=0.3)
        await out.schedule_messages([message("1"), message("2")], due)
        got = await receive(into, 2)
        assert bodies(got) == ["1", "2"]
        assert got[0].enqueued_time_utc >= due - timedelta(milliseconds=1)


async def test_a_cancelled_message_never_comes():
    clock = MovableClock()
    async with emulator(clock=clock, queues=[{"name": "q"}]) as bus, opened(bus, sender("q")) as (out,):
        numbers = await out.schedule_messages([message("1"), message("2")], datetime.now(UTC) + timedelta(minutes=1))
        await out.cancel_scheduled_messages(numbers[0])
        with pytest.raises(MessageNotFoundError):
            await out.cancel_scheduled_messages(numbers[0])
        clock.move(bus, 61)
        assert [bytes(m.content.body_sections)[-1:] for m in bus.namespace.mailbox("q").peek(1, 10)] == [b"2"]


async def test_a_repeated_message_id_is_confirmed_and_dropped_scheduled_or_not():
    queue = {"name": "q", "requiresDuplicateDetection": True}
    async with emulator(queues=[queue]) as bus, opened(bus, sender("q"), receiver("q")) as (out, into):
        await out.send_messages(message("first", message_id="1"))
        await out.send_messages(message("second", message_id="1"))
        await out.send_messages([message("third", message_id="1"), message("new", message_id="2")])
        await out.schedule_messages(message("late", message_id="2"), datetime.now(UTC) + timedelta(minutes=1))
        assert bodies(await receive(into, 2)) == ["first", "new"]
        assert bus.namespace.depths()["q"].scheduled == 0


@pytest.mark.parametrize(
    "make", [sender("nope"), receiver("nope"), topic_sender("nope"), subscription_receiver("t", "nope")]
)
async def test_an_unknown_entity_is_not_found(make):
    async with emulator(topics=[{"name": "t"}]) as bus:
        with pytest.raises(MessagingEntityNotFoundError):
            async with opened(bus, make):
                raise AssertionError("the link should have been refused")


async def test_a_forwarding_entity_has_no_receiver():
    async with emulator(queues=[{"name": "a", "forwardTo": "b"}, {"name": "b"}]) as bus:
        with pytest.raises(ServiceBusError, match="auto-forwarding"):
            async with opened(bus, receiver("a")):
                raise AssertionError("the link should have been refused")


async def test_a_message_of_256_kb_is_too_large_and_the_link_lives_on():
    async with emulator(queues=[{"name": "q"}]) as bus, opened(bus, sender("q"), receiver("q")) as (out, into):
        with pytest.raises(MessageSizeExceededError):
            await out.send_messages(message("x" * 256 * 1024))
        await out.send_messages(message("x" * 255 * 1024))
        (got,) = await receive(into)
        assert len(str(got)) == 255 * 1024
