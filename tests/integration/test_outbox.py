"""What waits to be written to Shopify, in Azure tables."""

from datetime import UTC, datetime, timedelta

import pytest
from fixtures.write_back import azure_tables, new_table

from shared.store.outbox import Outbox

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
LATER = NOON + timedelta(minutes=5)


@pytest.fixture(scope="module")
async def service(wire: None):
    async with azure_tables() as service:
        yield service


@pytest.fixture
async def outbox(service):
    return Outbox(await new_table(service))


async def due(outbox: Outbox, now: datetime = NOON, *, limit: int = 100, store: str = "nordlys"):
    return [(row.order_id, row.number) for row in await outbox.due(store, now, limit=limit)]


async def test_a_row_is_due_from_the_moment_it_was_put(outbox):
    await outbox.put("nordlys", 5001, "SN5001", now=NOON)
    assert await due(outbox, NOON - timedelta(seconds=1)) == []
    assert await due(outbox) == [(5001, "SN5001")]


async def test_each_store_has_its_own_rows(outbox):
    await outbox.put("nordlys", 5001, "SN5001", now=NOON)
    assert await due(outbox, store="prairie") == []


async def test_putting_the_same_twice_leaves_one_row(outbox):
    for _ in range(2):
        await outbox.put("nordlys", 5001, "SN5001", now=NOON)
    assert await due(outbox) == [(5001, "SN5001")]


async def test_a_later_number_replaces_the_earlier_one(outbox):
    await outbox.put("nordlys", 5001, "SN5001", now=NOON)
    await outbox.put("nordlys", 5001, "SN5001A", now=LATER)
    assert await due(outbox, LATER) == [(5001, "SN5001A")]


async def test_rows_come_by_order_id_and_no_more_than_asked(outbox):
    for order_id in (10_000_000_000, 9, 820982911946154508):
        await outbox.put("nordlys", order_id, "SN", now=NOON)
    assert [order_id for order_id, _ in await due(outbox, limit=2)] == [9, 10_000_000_000]


async def test_a_settled_row_is_gone_and_may_be_settled_again(outbox):
    await outbox.put("nordlys", 5001, "SN5001", now=NOON)
    (row,) = await outbox.due("nordlys", NOON, limit=1)
    assert await outbox.settle(row)
    assert await outbox.settle(row)
    assert await due(outbox) == []


@pytest.mark.parametrize("number", ["SN5001", "SN5001A"])
async def test_a_row_that_was_put_again_is_not_settled_by_who_read_the_earlier_one(outbox, number):
    await outbox.put("nordlys", 5001, "SN5001", now=NOON)
    (row,) = await outbox.due("nordlys", NOON, limit=1)
    await outbox.put("nordlys", 5001, number, now=NOON)
    assert not await outbox.settle(row)
    assert await due(outbox) == [(5001, number)]


async def test_a_row_that_was_put_off_waits_and_counts(outbox):
    await outbox.put("nordlys", 5001, "SN5001", now=NOON)
    (row,) = await outbox.due("nordlys", NOON, limit=1)
    await outbox.put_off(row, LATER)
    assert await due(outbox, LATER - timedelta(seconds=1)) == []
    (row,) = await outbox.due("nordlys", LATER, limit=1)
    assert (row.number, row.due, row.attempts) == ("SN5001", LATER, 1)


async def test_a_row_that_was_put_again_is_not_put_off_by_who_read_the_earlier_one(outbox):
    await outbox.put("nordlys", 5001, "SN5001", now=NOON)
    (row,) = await outbox.due("nordlys", NOON, limit=1)
    await outbox.put("nordlys", 5001, "SN5001A", now=NOON)
    await outbox.put_off(row, LATER)
    (row,) = await outbox.due("nordlys", NOON, limit=1)
    assert (row.number, row.attempts) == ("SN5001A", 0)
