"""Session receivers of the real SDK."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest
from azure.servicebus import NEXT_AVAILABLE_SESSION
from azure.servicebus.exceptions import (
    OperationTimeoutError,
    ServiceBusError,
    SessionCannotBeLockedError,
    SessionLockLostError,
)
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
from proton import Data, symbol

from local.servicebus.links import SESSION_FILTER
from local.servicebus.server import session_request

pytestmark = pytest.mark.wire

ORDERS = {"name": "orders", "requiresSession": True, "lockDuration": "PT30S"}


def next_session(**options):
    return receiver("orders", session_id=NEXT_AVAILABLE_SESSION, **options)


async def test_a_receiver_sees_the_messages_of_its_session_in_order():
    async with (
        emulator(queues=[ORDERS]) as bus,
        opened(bus, sender("orders"), receiver("orders", session_id="a")) as (out, into),
    ):
        for body, session_id in (("a1", "a"), ("b1", "b"), ("a2", "a")):
            await out.send_messages(message(body, session_id=session_id))
        assert bodies(await receive(into, 2)) == ["a1", "a2"]
        assert into.session.session_id == "a"
        assert bodies(await into.peek_messages(10, sequence_number=1)) == ["a1", "a2"]


async def test_next_available_receivers_get_different_sessions():
    async with emulator(queues=[ORDERS]) as bus, opened(bus, sender("orders")) as (out,):
        for session_id in ("a", "b"):
            await out.send_messages(message(session_id, session_id=session_id))
        async with opened(bus, next_session(), next_session()) as links:
            assert {link.session.session_id for link in links} == {"a", "b"}
            for link in links:
                (got,) = await receive(link)
                assert str(got) == link.session.session_id
                await link.complete_message(got)


async def test_a_waiting_receiver_gets_the_session_of_the_next_message():
    async with emulator(queues=[ORDERS]) as bus, opened(bus, sender("orders")) as (out,):

        async def wait() -> str:
            async with opened(bus, next_session(max_wait_time=10)) as (into,):
                return str((await receive(into))[0])

        waiting = asyncio.create_task(wait())
        await until(lambda: has_consumer(bus))
        await out.send_messages(message("x", session_id="a"))
        assert await waiting == "x"


async def test_without_a_session_the_wait_ends_with_a_timeout():
    async with emulator(queues=[ORDERS]) as bus:
        with pytest.raises(OperationTimeoutError):
            async with opened(bus, next_session(max_wait_time=0.3)):
                raise AssertionError("no session is there to be received from")


async def test_a_held_session_cannot_be_accepted_until_its_receiver_closes():
    async with emulator(queues=[ORDERS]) as bus, opened(bus, sender("orders")) as (out,):
        await out.send_messages(message("x", session_id="a"))
        async with opened(bus, receiver("orders", session_id="a")) as (holder,):
            await receive(holder)
            with pytest.raises(SessionCannotBeLockedError):
                async with opened(bus, receiver("orders", session_id="a")):
                    raise AssertionError("the session is held")
        async with opened(bus, receiver("orders", session_id="a")) as (into,):
            (got,) = await receive(into)
            assert got.delivery_count == 0


async def test_state_is_kept_between_receivers():
    async with emulator(queues=[ORDERS]) as bus:
        async with opened(bus, receiver("orders", session_id="a")) as (into,):
            assert await into.session.get_state() is None
            await into.session.set_state(b"step 2")
        async with opened(bus, receiver("orders", session_id="a")) as (into,):
            assert await into.session.get_state() == b"step 2"
            await into.session.set_state(None)
            assert await into.session.get_state() is None


async def test_a_renewed_session_lock_keeps_its_messages():
    clock = MovableClock()
    async with (
        emulator(clock=clock, queues=[ORDERS]) as bus,
        opened(bus, sender("orders"), receiver("orders", session_id="a")) as (out, into),
    ):
        await out.send_messages(message("x", session_id="a"))
        (got,) = await receive(into)
        before = into.session.locked_until_utc
        clock.move(bus, 20)
        assert (await into.session.renew_lock() - before).total_seconds() >= 20
        clock.move(bus, 20)
        await into.complete_message(got)
        assert bus.namespace.depths()["orders"].active == 0


async def test_an_expired_session_lock_ends_the_receiver():
    clock = MovableClock()
    async with (
        emulator(clock=clock, queues=[ORDERS]) as bus,
        opened(bus, sender("orders"), receiver("orders", session_id="a")) as (out, into),
    ):
        await out.send_messages(message("x", session_id="a"))
        (got,) = await receive(into)
        clock.move(bus, 31)
        with pytest.raises(SessionLockLostError):
            await into.complete_message(got)
        async with opened(bus, next_session()) as (other,):
            assert (await receive(other))[0].delivery_count == 1


async def test_a_deferred_message_of_a_session_is_found_by_its_receiver():
    async with (
        emulator(queues=[ORDERS]) as bus,
        opened(bus, sender("orders"), receiver("orders", session_id="a")) as (out, into),
    ):
        await out.send_messages(message("x", session_id="a"))
        (got,) = await receive(into)
        await into.defer_message(got)
        (deferred,) = await into.receive_deferred_messages(got.sequence_number)
        await into.complete_message(deferred)
        assert bus.namespace.depths()["orders"].deferred == 0


async def test_a_message_without_session_id_is_refused():
    async with emulator(queues=[ORDERS]) as bus, opened(bus, sender("orders")) as (out,):
        with pytest.raises(ServiceBusError, match="SessionId was not set"):
            await out.send_messages(message("x"))


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (receiver("orders"), "requires sessions"),
        (receiver("plain", session_id="a"), "does not require sessions"),
    ],
)
async def test_a_receiver_of_the_wrong_kind_is_refused(make, problem):
    async with emulator(queues=[ORDERS, {"name": "plain"}]) as bus:
        with pytest.raises(ServiceBusError, match=problem):
            async with opened(bus, make):
                raise AssertionError("the link should have been refused")


async def test_a_session_id_that_is_not_text_is_refused():
    async with emulator(queues=[ORDERS]) as bus:
        with pytest.raises(ServiceBusError, match="not text"):
            async with opened(bus, receiver("orders", session_id=5)):
                raise AssertionError("the link should have been refused")


async def test_the_link_stays_after_the_session_lock_and_gets_nothing_more():
    clock = MovableClock()
    async with (
        emulator(clock=clock, queues=[ORDERS]) as bus,
        opened(bus, sender("orders"), receiver("orders", session_id="a")) as (out, into),
    ):
        await out.send_messages(message("x", session_id="a"))
        (got,) = await receive(into)
        clock.move(bus, 31)
        assert has_consumer(bus), "the client gets the error when it uses the link"
        async with opened(bus, next_session()) as (other,):
            assert bodies(await receive(other)) == ["x"]
        with pytest.raises(SessionLockLostError):
            await into.complete_message(got)
        with pytest.raises(SessionLockLostError):
            await into.receive_messages(max_wait_time=5)


async def test_a_client_that_waits_soon_gets_the_error_of_its_lost_session_lock(monkeypatch):
    monkeypatch.setattr("local.servicebus.links.DETACH_AFTER_LOCK_LOST", 0.2)
    clock = MovableClock()
    async with (
        emulator(clock=clock, queues=[ORDERS]) as bus,
        opened(bus, receiver("orders", session_id="a")) as (into,),
    ):
        waiting = asyncio.create_task(into.receive_messages(max_wait_time=30))
        await asyncio.sleep(0.1)
        clock.move(bus, 31)
        with pytest.raises(SessionLockLostError):
            await asyncio.wait_for(waiting, 10)


@pytest.mark.parametrize(("properties", "seconds"), [(None, 65), ({symbol("com.microsoft:timeout"): 2500}, 2.5)])
def test_a_client_that_names_no_time_waits_sixty_five_seconds_for_a_session(properties, seconds):
    wanted = Data()
    wanted.put_object({SESSION_FILTER: None})
    link = SimpleNamespace(remote_source=SimpleNamespace(filter=wanted), remote_properties=properties)
    assert session_request(link).timeout == seconds
