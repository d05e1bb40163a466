"""What an order's link holds of goods to pick up and of what others fulfilled; also of rows without it."""

from datetime import UTC, datetime
from decimal import Decimal

from shared.model import PickUp
from shared.store.links import OrderLink, OrderLinks
from tests.builders.memory_table import MemoryTable

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
KNOWN = PickUp(picked={"NLEU-1": Decimal("2.5")}, told={10: {1: 2}, 11: {1: 1, 2: 3}}, telling={12: {3: 1}})


async def test_a_link_holds_what_was_told_and_what_others_fulfilled():
    links = OrderLinks(MemoryTable())
    await links.put(OrderLink("nordlys", 1, NOON, pick_up=KNOWN, by_staff={"1": 2}, would_send_again=True))
    found = await links.get("nordlys", 1)
    assert (found.pick_up, found.by_staff, found.would_send_again) == (KNOWN, {"1": 2}, True)
    assert repr(found.pick_up.picked["NLEU-1"]) == "Decimal('2.5')"


async def test_a_row_of_an_earlier_release_has_neither():
    table = MemoryTable()
    links = OrderLinks(table)
    await links.put(OrderLink("nordlys", 1, NOON, pick_up=KNOWN, by_staff={"1": 2}, would_send_again=True))
    for row in table.rows.values():
        for column in [name for name in row if name.startswith(("pick_up", "by_staff", "would_send"))]:
            del row[column]
    found = await links.get("nordlys", 1)
    assert (found.pick_up, found.by_staff, found.would_send_again) == (PickUp(), {}, False)
