"""The holds of an order in its link: as they were stored, and found by a query."""

from datetime import UTC, datetime

import pytest

from shared.model import HoldOrigin, HoldPlace, HoldRecord
from shared.store.links import OrderLink, OrderLinks
from tests.builders.memory_table import MemoryTable

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
COPIED = HoldRecord(copied=frozenset({HoldOrigin.STAFF}))
LET_GO = HoldRecord(let_go=frozenset({HoldOrigin.CREDIT}))
HELD = HoldRecord(holds={7: HoldPlace(HoldOrigin.SHOPIFY, 9), 8: HoldPlace(HoldOrigin.STAFF, 9)})


@pytest.mark.parametrize("record", [HoldRecord(), COPIED, LET_GO, HELD])
async def test_a_record_is_read_as_it_was_stored_and_found_unless_it_is_empty(record):
    links = OrderLinks(MemoryTable())
    await links.put(OrderLink("nordlys", 5, NOON, sales_order="SO-1", further=("SO-2",), holds=record))
    await links.put(OrderLink("nordlys", 6, NOON, sales_order="SO-3"))
    await links.put(OrderLink("prairie", 5, NOON, sales_order="SO-4", holds=HELD))
    found = await links.get("nordlys", 5)
    assert found.holds == record
    assert await links.with_holds("nordlys") == ({"SO-1": 5, "SO-2": 5} if record else {})


async def test_a_row_of_an_earlier_release_has_none():
    table = MemoryTable()
    links = OrderLinks(table)
    await links.put(OrderLink("nordlys", 5, NOON, sales_order="SO-1", holds=HELD))
    (row,) = table.rows.values()
    del row["holds"]
    assert (await links.get("nordlys", 5)).holds == HoldRecord()
    assert await links.with_holds("nordlys") == {}


def test_only_a_hold_that_began_in_shopify_holds_the_order_in_fo():
    assert HELD.is_held_in_shop
    assert not HoldRecord(holds={8: HoldPlace(HoldOrigin.STAFF, 9)}).is_held_in_shop
    assert not COPIED.is_held_in_shop
