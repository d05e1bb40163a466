"""A process's slots for calls to F&O: taken from leases, which it renews beside the calls."""

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shared.d365.odata.lease_holder import LeaseHolder
from shared.d365.odata.leases import LeaseTerms
from shared.d365.odata.slots import LeasedSlots
from shared.errors import StorageAwayError, TransientError
from shared.flows import ORDERS, STOCK, running
from tests.builders.lease_row import LeaseRow

START = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
TERMS = LeaseTerms()
QUICK = replace(TERMS, renewal=timedelta(milliseconds=20), poll=timedelta(milliseconds=2))
"""The background task at a hundred times its pace; leases are those of a clock that tests move."""


@pytest.fixture(autouse=True)
async def nothing_left():
    """Ends the renewing tasks of the test: all tests share one event loop."""
    yield
    left = [task for task in asyncio.all_tasks() if task.get_coro().__name__ == "_keep_renewed"]
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)


class Fo:
    """Some processes, by one clock, and one row."""

    def __init__(self, terms=QUICK):
        self.now = START
        self.row = LeaseRow()
        self.terms = terms

    def process(self, ceiling=8):
        return LeasedSlots(self.row, ceiling=ceiling, longest_call=240 * SECOND, terms=self.terms, now=lambda: self.now)

    def holder(self, name, ceiling=8):
        """The part of a process that renews when it is told to."""
        return LeaseHolder(
            self.row,
            member=name,
            group="orders",
            ceiling=ceiling,
            longest_call=240 * SECOND,
            terms=TERMS,
            now=lambda: self.now,
            on_free=lambda: None,
        )

    def wait(self, seconds):
        self.now += seconds * SECOND


async def taken(slots, number, *, flow=ORDERS):
    found = []
    with running(flow):
        for _ in range(number):
            slot = await asyncio.wait_for(slots.take(), 5)
            slot.start()
            found.append(slot)
    return found


async def waiting(slots, number, *, flow=ORDERS):
    """Calls that have had their chance to get a slot."""
    with running(flow):
        calls = [asyncio.create_task(slots.take()) for _ in range(number)]
    await asyncio.sleep(0.05)
    return calls


async def until(condition):
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - the row sends no event
            await asyncio.sleep(0.002)


async def test_calls_that_come_together_cost_one_renewal():
    fo = Fo()
    calls = await waiting(fo.process(), 8)
    assert all(call.done() for call in calls)
    assert (fo.row.loads, fo.row.saves) == (1, 1)


async def test_a_call_beyond_the_ceiling_waits_for_the_end_of_another():
    fo = Fo()
    process = fo.process(ceiling=2)
    first, _ = await taken(process, 2)
    (third,) = await waiting(process, 1)
    assert not third.done()
    first.free(ended=True)
    (await third).start()


async def test_calls_cost_no_call_to_the_table():
    fo = Fo(replace(TERMS, renewal=timedelta(seconds=60)))
    process = fo.process()
    for _ in range(1000):
        (slot,) = await taken(process, 1)
        slot.free(ended=True)
    assert fo.row.loads + fo.row.saves == 2


async def test_without_calls_everything_is_given_back_and_nothing_renewed():
    fo = Fo()
    process = fo.process()
    for slot in await taken(process, 3):
        slot.free(ended=True)
    await until(lambda: not fo.row.leases.members)
    calls = fo.row.loads + fo.row.saves
    await asyncio.sleep(0.06)
    assert fo.row.loads + fo.row.saves == calls
    assert len(await taken(process, 1)) == 1


async def test_a_process_that_joins_gets_its_part_as_calls_end():
    fo = Fo()
    one, other = fo.process(), fo.process()
    slots = await taken(one, 8)
    more, others = await waiting(one, 8), await waiting(other, 8)
    assert not any(call.done() for call in others)
    for slot in slots:
        slot.free(ended=True)
    await until(lambda: sum(call.done() for call in others) == 4)
    assert sum(call.done() for call in more) == 4
    for call in (*more, *others):
        call.cancel()


async def test_groups_of_one_process_have_leases_of_their_own():
    fo = Fo()
    process = fo.process()
    orders = await waiting(process, 20)
    stock = await waiting(process, 20, flow=STOCK)
    (await orders[0]).free(ended=True)
    await until(lambda: any(call.done() for call in stock))
    assert [call.done() for call in stock].count(True) == 1
    for call in (*orders, *stock):
        call.cancel()


async def test_a_call_that_timed_out_keeps_its_slot_until_fo_has_ended_it():
    fo = Fo()
    process = fo.process(ceiling=1)
    (slot,) = await taken(process, 1)
    fo.wait(120)
    slot.free(ended=False)
    (call,) = await waiting(process, 1)
    fo.wait(119)
    await asyncio.sleep(0.05)
    assert not call.done()
    fo.wait(1)
    await asyncio.wait_for(call, 5)


async def test_a_process_stops_before_its_lease_ends_for_the_others():
    fo = Fo()
    one, other = fo.holder("one"), fo.holder("other")
    await one.renew(8)
    fo.wait(9)
    assert one.limit() == 8
    fo.wait(1)
    assert one.limit() == 1
    await other.renew(8)
    assert other.limit() == 0
    fo.wait(5)
    await other.renew(8)
    assert (one.limit(), other.limit()) == (1, 7)


async def test_without_the_table_a_process_goes_on_with_one_call_for_two_minutes():
    fo = Fo()
    process = fo.process()
    slots = await taken(process, 3)
    fo.row.is_away = True
    fo.wait(11)
    (call,) = await waiting(process, 1)
    for slot in slots[:2]:
        slot.free(ended=True)
    await asyncio.sleep(0.05)
    assert not call.done()
    slots[2].free(ended=True)
    (await call).free(ended=True)
    fo.wait(110)
    with pytest.raises(StorageAwayError), running(ORDERS):
        await asyncio.wait_for(process.take(), 5)


async def test_a_new_process_makes_no_call_without_the_table():
    fo = Fo()
    fo.row.is_away = True
    with pytest.raises(StorageAwayError), running(ORDERS):
        await asyncio.wait_for(fo.process().take(), 5)


async def test_a_slot_whose_lease_ended_before_the_call_was_sent_is_not_used():
    fo = Fo()
    process = fo.process()
    with running(ORDERS):
        slots = [await asyncio.wait_for(process.take(), 5) for _ in range(2)]
    fo.row.is_away = True
    fo.wait(60)
    with pytest.raises(TransientError, match="lost"):
        slots[0].start()
    slots[0].free(ended=True)
    slots[1].start()


async def test_a_call_gives_up_when_no_slot_becomes_free():
    fo = Fo(replace(QUICK, patience=timedelta(milliseconds=30)))
    process = fo.process(ceiling=1)
    (slot,) = await taken(process, 1)
    with pytest.raises(TransientError, match="no slot"):
        await taken(process, 1)
    slot.free(ended=True)
    assert len(await taken(process, 1)) == 1


async def test_a_call_cancelled_as_it_gets_its_slot_leaves_it_to_the_next():
    fo = Fo()
    process = fo.process(ceiling=1)
    (slot,) = await taken(process, 1)
    first, second = await waiting(process, 2)
    slot.free(ended=True)
    first.cancel()
    with suppress(asyncio.CancelledError):
        await first
    await asyncio.wait_for(second, 5)


async def test_an_answer_that_was_lost_gives_nothing_and_takes_what_it_took():
    fo = Fo()
    one = fo.holder("one")
    await one.renew(8)
    assert one.limit() == 8
    fo.row.loses_answers = True
    for wanted, in_row in ((2, 2), (8, 8)):
        fo.wait(1)
        one._peak = 0
        with pytest.raises(StorageAwayError):
            await one.look(wanted)
        assert fo.row.leases.members["one"].slots == in_row
        assert one.limit() == 2


async def test_slots_kept_for_calls_that_have_ended_are_given_up_before_the_row_says_so():
    fo = Fo()
    one = fo.holder("one")
    await one.renew(3)
    slots = [one.take() for _ in range(3)]
    for slot in slots:
        slot.start()
    fo.wait(5)
    await one.renew(0)
    assert fo.row.leases.members["one"].kept == 3
    for slot in slots[:2]:
        slot.free(ended=True)
    fo.row.loses_answers = True
    with pytest.raises(StorageAwayError):
        await one.look(1)
    assert fo.row.leases.members["one"].kept == 1
    fo.wait(10)
    assert one.limit() == 1


async def test_calls_end_before_their_slots_are_given_up():
    fo = Fo()
    one, other = fo.holder("one"), fo.holder("other")
    await one.renew(8)
    slots = [one.take() for _ in range(6)]
    await other.renew(8)
    await one.look(2)
    assert (one.limit(), fo.row.leases.members["one"].slots) == (4, 6)
    assert one.take() is None
    for slot in slots[:3]:
        slot.free(ended=True)
    await one.look(5)
    assert (one.limit(), fo.row.leases.members["one"].slots) == (4, 4)


async def test_a_look_that_finds_nothing_writes_nothing_until_it_is_time_to_renew():
    fo = Fo()
    one = fo.holder("one", ceiling=2)
    await one.renew(8)
    saves = fo.row.saves
    for _ in range(4):
        fo.wait(1)
        await one.look(8)
    assert fo.row.saves == saves
    fo.wait(1)
    await one.look(8)
    assert fo.row.saves == saves + 1


async def test_a_defect_reaches_the_calls_that_wait():
    class Broken(LeaseRow):
        async def load(self):
            raise KeyError("ceiling")

    fo = Fo()
    fo.row = Broken()
    with pytest.raises(KeyError), running(ORDERS):
        await asyncio.wait_for(fo.process().take(), 5)


async def test_a_renewal_whose_answer_was_lost_leaves_the_event_loop_to_others():
    """The row has what was asked for; the process looks again after a pause, not at once."""
    fo = Fo()
    one, other = fo.process(), fo.process()
    mine, theirs = await taken(one, 1), await taken(other, 7)
    fo.row.loses_answers = True
    calls = await waiting(one, 1)
    fo.row.loses_answers = False
    loads = fo.row.loads
    async with asyncio.timeout(1):  # a loop without a pause would never come back here
        await asyncio.sleep(0.05)
    assert fo.row.loads - loads < 100
    for slot in (*mine, *theirs):
        slot.free(ended=True)
    for call in calls:
        (await asyncio.wait_for(call, 5)).free(ended=True)


async def test_a_call_that_comes_as_the_renewing_task_ends_gets_its_slot():
    fo = Fo()
    slots = fo.process()
    (slot,) = await taken(slots, 1)
    slot.free(ended=True)
    group = slots._groups[ORDERS.name]
    task = group._renewing
    while not task.done():  # noqa: ASYNC110 - the very turn of the loop in which it ends is meant
        await asyncio.sleep(0)
    assert group._renewing is task, "its callback has not run yet"
    with running(ORDERS):
        found = await asyncio.wait_for(slots.take(), 1)
    found.free(ended=True)
