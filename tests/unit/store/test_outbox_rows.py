"""A number waits in the outbox until its time, and is settled once, unless it was put again meanwhile."""

from datetime import timedelta
from typing import Any

from shared.store.outbox import Outbox
from tests.builders.memory_table import MemoryTable
from tests.builders.payments import NOON

MINUTE = timedelta(minutes=1)


def outbox() -> Outbox:
    table: Any = MemoryTable()
    return Outbox(table)


async def due(box: Outbox, at: Any = NOON, limit: int = 10) -> list[tuple[int, str, int]]:
    return [(row.order_id, row.number, row.attempts) for row in await box.due("nordlys", at, limit=limit)]


async def test_a_number_is_due_from_its_time_on_in_its_store_alone() -> None:
    box = outbox()
    await box.put("nordlys", 42, "SN42", now=NOON)
    await box.put("prairie", 43, "SN43", now=NOON)
    assert await due(box, NOON - timedelta(seconds=1)) == []
    assert await due(box) == [(42, "SN42", 0)]


async def test_no_more_than_the_limit_are_read() -> None:
    box = outbox()
    for number in (9, 10, 11):
        await box.put("nordlys", number, f"SN{number}", now=NOON)
    assert [each[0] for each in await due(box, limit=2)] == [9, 10]


async def test_each_time_a_number_is_put_off_counts_and_a_new_number_counts_anew() -> None:
    box = outbox()
    await box.put("nordlys", 42, "SN42", now=NOON)
    for attempts in (1, 2):
        (row,) = await box.due("nordlys", NOON + attempts * MINUTE, limit=1)
        await box.put_off(row, NOON + (attempts + 1) * MINUTE)
        assert await due(box, NOON + attempts * MINUTE) == []
        assert await due(box, NOON + (attempts + 1) * MINUTE) == [(42, "SN42", attempts)]
    await box.put("nordlys", 42, "SN42-B", now=NOON)
    assert await due(box) == [(42, "SN42-B", 0)]


async def test_what_was_put_again_meanwhile_is_neither_settled_nor_put_off() -> None:
    box = outbox()
    await box.put("nordlys", 42, "SN42", now=NOON)
    (row,) = await box.due("nordlys", NOON, limit=1)
    await box.put("nordlys", 42, "SN42-B", now=NOON)
    assert not await box.settle(row)
    await box.put_off(row, NOON + MINUTE)
    (newer,) = await box.due("nordlys", NOON, limit=1)
    assert (newer.number, newer.attempts) == ("SN42-B", 0)
    assert await box.settle(newer)
    assert await due(box) == []
