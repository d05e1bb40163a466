"""Queues through the real SDK: sending, peek-lock and its outcomes, dead letters, deferral, peeking, credit."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from azure.servicebus import (
    ServiceBusClient as SyncClient,
)
from azure.servicebus import (
    ServiceBusMessageState,
    ServiceBusReceiveMode,
    ServiceBusSubQueue,
)
from azure.servicebus.amqp import AmqpAnnotatedMessage, AmqpMessageBodyType
from azure.servicebus.exceptions import MessageLockLostError
from fixtures.servicebus import MovableClock, bodies, emulator, message, opened, receive, receiver, sender

pytestmark = pytest.mark.wire


async def test_a_message_arrives_with_everything_its_sender_put_into_it():
    sent = message(
        '{"id": 1}',
        message_id="m-1",
        correlation_id="c-1",
        subject="orders/create",
        content_type="application/json",
        reply_to="answers",
        reply_to_session_id="r-1",
        to="somewhere",
        session_id="s-1",
        partition_key="s-1",
        time_to_live=timedelta(hours=1),
        application_properties={"flow": "orders", "n": 5, "yes": True, "x": 1.5},
    )
    async with emulator(queues=[{"name": "q"}]) as bus, opened(bus, sender("q"), receiver("q")) as (out, into):
        await out.send_messages(sent)
        (got,) = await receive(into)
        assert (str(got), got.message_id, got.correlation_id, got.subject) == (
            '{"id": 1}',
            "m-1",
            "c-1",
            "orders/create",
        )
        assert (got.content_type, got.reply_to, got.to, got.session_id) == (
            "application/json",
            "answers",
            "somewhere",
            "s-1",
        )
        assert (got.reply_to_session_id, got.partition_key, got.time_to_live) == ("r-1", "s-1", timedelta(hours=1))
        assert got.application_properties == {
            b"flow": b"orders",
            b"n": 5,
            b"yes": True,
            b"x": 1.5,
        }
        assert (got.sequence_number, got.enqueued_sequence_number, got.delivery_count) == (1, 1, 0)
        assert abs(got.enqueued_time_utc - datetime.now(UTC)) < timedelta(seconds=5)
        assert got.locked_until_utc - got.enqueued_time_utc >= timedelta(seconds=59)
        assert got.expires_at_utc == got.enqueued_time_utc + timedelta(hours=1)
        assert isinstance(got.lock_token, UUID)
        assert got.state is ServiceBusMessageState.ACTIVE


async def test_bodies_keep_their_kind():
    bodies_sent = [
        AmqpAnnotatedMessage(value_body={"a": [1, None, "x"]}),
        AmqpAnnotatedMessage(sequence_body=[[1, 2], ["x"]]),
        AmqpAnnotatedMessage(data_body=[b"one", b"two"]),
    ]
    async with emulator(queues=[{"name": "q"}]) as bus, opened(bus, sender("q"), receiver("q")) as (out, into):
        for body in bodies_sent:
            await out.send_messages(body)
        value, sequence, data = (got.raw_amqp_message for got in await receive(into, 3))
        assert (value.body_type, value.body) == (AmqpMessageBodyType.VALUE, {b"a": [1, None, b"x"]})
        assert (sequence.body_type, list(sequence.body)) == (AmqpMessageBodyType.SEQUENCE, [[1, 2], [b"x"]])
        assert (data.body_type, list(data.body)) == (AmqpMessageBodyType.DATA, [b"one", b"two"])


async def test_a_batch_arrives_as_its_messages_in_order():
    async with emulator(queues=[{"name": "q"}]) as bus, opened(bus, sender("q"), receiver("q")) as (out, into):
        batch = await out.create_message_batch()
        for number in range(20):
            batch.add_message(message(str(number), message_id=f"m-{number}"))
        await out.send_messages(batch)
        await out.send_messages([message("last")])
        assert bodies(await receive(into, 21)) == [*map(str, range(20)), "last"]


async def test_each_outcome_has_its_effect():
    async with (
        emulator(queues=[{"name": "q"}]) as bus,
        opened(bus, sender("q"), receiver("q"), receiver("q", sub_queue=ServiceBusSubQueue.DEAD_LETTER)) as links,
    ):
        out, into, dead = links
        await out.send_messages([message(name) for name in ("complete", "abandon", "dead-letter", "defer")])
        complete, abandon, dead_letter, defer = await receive(into, 4)
        assert bus.namespace.depths()["q"].locked == 4
        await into.complete_message(complete)
        await into.abandon_message(abandon)
        await into.dead_letter_message(dead_letter, reason="bad", error_description="very bad")
        await into.defer_message(defer)
        depth = bus.namespace.depths()["q"]
        assert (depth.active, depth.deferred, depth.dead_letter, depth.locked) == (1, 1, 1, 0)

        (again,) = await receive(into)
        assert (str(again), again.delivery_count) == ("abandon", 1)
        (buried,) = await receive(dead)
        assert (buried.dead_letter_reason, buried.dead_letter_error_description) == ("bad", "very bad")
        await dead.complete_message(buried)
        (deferred,) = await into.receive_deferred_messages([defer.sequence_number])
        assert (str(deferred), deferred.state) == ("defer", ServiceBusMessageState.DEFERRED)
        await into.complete_message(deferred)
        await into.complete_message(again)
        depth = bus.namespace.depths()["q"]
        assert (depth.active, depth.deferred, depth.dead_letter) == (0, 0, 0)


async def test_a_deferred_message_can_be_dead_lettered_and_abandoned_by_token():
    async with emulator(queues=[{"name": "q"}]) as bus, opened(bus, sender("q"), receiver("q")) as (out, into):
        await out.send_messages(message("x"))
        (got,) = await receive(into)
        await into.defer_message(got)
        (deferred,) = await into.receive_deferred_messages(got.sequence_number)
        await into.abandon_message(deferred)
        (deferred,) = await into.receive_deferred_messages(got.sequence_number)
        assert deferred.delivery_count == 1
        await into.dead_letter_message(deferred, reason="enough")
        (dead,) = bus.namespace.mailbox("q", dead_letters=True).peek(1, 1)
        assert dead.dead_letter is not None
        assert dead.dead_letter.reason == "enough"


async def test_the_broker_reports_a_lost_lock():
    clock = MovableClock()
    async with (
        emulator(clock=clock, queues=[{"name": "q", "lockDuration": "PT30S"}]) as bus,
        opened(bus, sender("q"), receiver("q")) as (out, into),
    ):
        await out.send_messages([message("1"), message("2")])
        first, second = await receive(into, 2)
        clock.move(bus, 20)
        await into.renew_message_lock(second)
        clock.move(bus, 20)
        with pytest.raises(MessageLockLostError):
            await into.complete_message(first)
        with pytest.raises(MessageLockLostError):
            await into.renew_message_lock(first)
        await into.complete_message(second)
        (again,) = await receive(into)
        assert (str(again), again.delivery_count) == ("1", 1)


async def test_an_expired_lock_redelivers_to_a_waiting_receiver_until_the_count_is_full():
    async with (
        emulator(queues=[{"name": "q", "lockDuration": "PT0.2S", "maxDeliveryCount": 2}]) as bus,
        opened(bus, sender("q"), receiver("q"), receiver("q", sub_queue=ServiceBusSubQueue.DEAD_LETTER)) as links,
    ):
        out, into, dead = links
        await out.send_messages(message("poison"))
        assert [(await receive(into))[0].delivery_count for _ in range(2)] == [0, 1]
        (buried,) = await receive(dead)
        assert (buried.dead_letter_reason, buried.delivery_count) == ("MaxDeliveryCountExceeded", 2)


async def test_an_expired_message_goes_to_the_dead_letters():
    clock = MovableClock()
    async with (
        emulator(clock=clock, queues=[{"name": "q", "deadLetteringOnMessageExpiration": True}]) as bus,
        opened(bus, sender("q"), receiver("q", sub_queue=ServiceBusSubQueue.DEAD_LETTER)) as (out, dead),
    ):
        await out.send_messages(message("late", time_to_live=timedelta(seconds=60)))
        clock.move(bus, 61)
        (buried,) = await receive(dead)
        assert (str(buried), buried.dead_letter_reason) == ("late", "TTLExpiredException")


async def test_receive_and_delete_leaves_nothing_behind():
    async with (
        emulator(queues=[{"name": "q"}]) as bus,
        opened(bus, sender("q"), receiver("q", receive_mode=ServiceBusReceiveMode.RECEIVE_AND_DELETE)) as (out, into),
    ):
        await out.send_messages([message("1"), message("2")])
        assert bodies(await receive(into, 2)) == ["1", "2"]
        assert bus.namespace.depths()["q"].active == 0


async def test_peeking_shows_all_and_starts_where_asked():
    async with emulator(queues=[{"name": "q"}]) as bus, opened(bus, sender("q"), receiver("q")) as (out, into):
        await out.send_messages([message(str(number)) for number in range(5)])
        await receive(into)
        assert bodies(await into.peek_messages(10, sequence_number=1)) == ["0", "1", "2", "3", "4"]
        assert bodies(await into.peek_messages(2, sequence_number=3)) == ["2", "3"]
        assert await into.peek_messages(10, sequence_number=6) == []
        assert bus.namespace.depths()["q"].locked == 1


async def test_peeking_large_messages_answers_with_what_fits():
    async with emulator(queues=[{"name": "q"}]) as bus, opened(bus, sender("q"), receiver("q")) as (out, into):
        for _ in range(3):
            await out.send_messages(message("x" * 100_000))
        assert [len(await into.peek_messages(10)) for _ in range(3)] == [2, 1, 0]


async def test_a_receiver_gets_no_more_than_it_gave_credit_for():
    async with (
        emulator(queues=[{"name": "q"}]) as bus,
        opened(bus, sender("q"), receiver("q", prefetch_count=2), receiver("q")) as (out, greedy, other),
    ):
        await out.send_messages([message(str(number)) for number in range(10)])
        first, *_ = await receive(greedy, 1)
        assert str(first) == "0"
        locked = bus.namespace.depths()["q"].locked
        assert 3 <= locked <= 4
        assert len(await receive(other, 10 - locked)) == 10 - locked


async def test_a_receiver_that_closes_gives_back_what_it_had_not_handed_out():
    async with emulator(queues=[{"name": "q"}]) as bus, opened(bus, sender("q"), receiver("q")) as (out, into):
        async with opened(bus, receiver("q", prefetch_count=5)) as (greedy,):
            await out.send_messages([message(str(number)) for number in range(4)])
            (held,) = await receive(greedy)
        depth = bus.namespace.depths()["q"]
        assert (depth.active, depth.locked) == (4, 1)
        rest = await receive(into, 3)
        assert bodies(rest) == ["1", "2", "3"]
        assert [one.delivery_count for one in rest] == [0, 0, 0]
        assert str(held) == "0"


async def test_competing_receivers_share_the_messages():
    async with (
        emulator(queues=[{"name": "q"}]) as bus,
        opened(bus, sender("q"), receiver("q"), receiver("q")) as (out, one, two),
    ):
        await out.send_messages([message(str(number)) for number in range(40)])
        assert len(await receive(one, 20)) == len(await receive(two, 20)) == 20


async def test_the_synchronous_client_works_as_well():
    def talk(connection_string: str) -> list[str]:
        with (
            SyncClient.from_connection_string(connection_string) as client,
            client.get_queue_sender("q") as out,
            client.get_queue_receiver("q", max_wait_time=2) as into,
        ):
            out.send_messages([message("1"), message("2")])
            got = into.receive_messages(max_message_count=2)
            for one in got:
                into.complete_message(one)
            return bodies(got)

    async with emulator(queues=[{"name": "q"}]) as bus:
        assert await asyncio.to_thread(talk, bus.connection_string) == ["1", "2"]
        assert bus.namespace.depths()["q"].active == 0
