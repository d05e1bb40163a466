"""Which of many orders F&O has: what is read to find out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from shared.store.links import OrderLinks

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


class Page:
    def __init__(self, rows):
        self.rows = iter(rows)

    def __aiter__(self):
        return self

    async def __anext__(self):
        try:
            return next(self.rows)
        except StopIteration:
            raise StopAsyncIteration from None


class Table:
    """Order id -> F&O's number, or its columns, in pages as Table Storage gives them; counts what is read."""

    def __init__(self, links, *, empty_first=False):
        self.links = links
        self.empty_first = empty_first
        self.requests, self.rows_read = 0, 0

    def query_entities(self, query, *, parameters, select, results_per_page):
        assert query == "PartitionKey eq @store and RowKey ge @first and RowKey le @last"
        assert parameters["store"] == "nordlys"
        first, last = (int(parameters[name].removeprefix("order-")) for name in ("first", "last"))
        self.found = [number for number in sorted(self.links) if first <= number <= last]
        self.size = results_per_page
        return self

    async def by_page(self):
        if self.empty_first:
            self.requests += 1
            yield Page([])
        for start in range(0, max(len(self.found), 1), self.size):
            self.requests += 1
            rows = self.found[start : start + self.size]
            self.rows_read += len(rows)
            yield Page([{"RowKey": f"order-{number:020d}", **self.columns(number)} for number in rows])

    def columns(self, number):
        link = self.links[number]
        return link if isinstance(link, dict) else {"sales_order": link, "version": NOON.isoformat()}


@pytest.mark.parametrize("empty_first", [False, True])
async def test_orders_that_are_linked_to_a_sales_order_are_known(empty_first):
    table = Table({1: "S1", 2: "", 3: "S3", 4: "S4"}, empty_first=empty_first)
    assert await OrderLinks(table).known("nordlys", [5, 3, 1, 2, 3]) == {1: NOON, 3: NOON}


async def test_nothing_asked_is_nothing_read():
    table = Table({1: "S1"})
    assert await OrderLinks(table).known("nordlys", []) == {}
    assert table.requests == 0


async def test_all_of_many_orders_take_a_request_for_a_thousand():
    table = Table({number: f"S{number}" for number in range(5000)})
    assert await OrderLinks(table).known("nordlys", range(5000)) == dict.fromkeys(range(5000), NOON)
    assert table.requests == 5


async def test_one_old_order_among_new_ones_does_not_make_all_between_be_read():
    table = Table({number: f"S{number}" for number in range(100_000)})
    asked = {7, *range(99_980, 100_000), 100_001}
    assert await OrderLinks(table).known("nordlys", asked) == dict.fromkeys(asked - {100_001}, NOON)
    assert (table.requests, table.rows_read) == (3, 44 + 20)


@pytest.mark.parametrize(
    ("columns", "counted"),
    [
        ({}, NOON),
        ({"parked_version": "", "given_up": False}, NOON),
        ({"parked_version": (NOON + timedelta(hours=1)).isoformat()}, NOON + timedelta(hours=1)),
        ({"parked_version": (NOON - timedelta(hours=1)).isoformat()}, NOON),
        ({"given_up": True}, datetime.max.replace(tzinfo=UTC)),
    ],
    ids=["older release", "applied", "parked", "applied after it was parked", "given up"],
)
async def test_of_a_known_order_it_is_told_up_to_when_its_goods_count(columns, counted):
    table = Table({1: {"sales_order": "S1", "version": NOON.isoformat(), **columns}})
    assert await OrderLinks(table).known("nordlys", [1]) == {1: counted}
