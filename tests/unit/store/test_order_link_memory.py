"""What the link records of an order's lines is read from Table Storage as it was written."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from azure.core.exceptions import ResourceExistsError, ResourceModifiedError, ResourceNotFoundError
from azure.data.tables import UpdateMode

from shared.errors import TransientError
from shared.model import SoldUnits
from shared.store.links import OrderLink, OrderLinks
from tests.builders.memory_table import MemoryTable


class Entity(dict[str, Any]):
    metadata: dict[str, str]


class Table:
    """One row with ETags, as Table Storage keeps it."""

    def __init__(self) -> None:
        self.row: dict[str, Any] | None = None
        self.version = 0
        self.sent: dict[str, Any] = {}
        """What the last update wrote."""

    async def get_entity(self, partition: str, row: str) -> Entity:
        del partition, row
        if self.row is None:
            raise ResourceNotFoundError
        entity = Entity(self.row)
        entity.metadata = {"etag": str(self.version)}
        return entity

    async def create_entity(self, row: dict[str, Any], **options: Any) -> dict[str, str]:
        del options
        if self.row is not None:
            raise ResourceExistsError
        return self._written(row)

    async def update_entity(
        self, row: dict[str, Any], *, etag: str, mode: UpdateMode, **options: Any
    ) -> dict[str, str]:
        del options
        assert mode is UpdateMode.MERGE
        if etag != str(self.version):
            raise ResourceModifiedError
        self.sent = row
        return self._written({**(self.row or {}), **row})

    def _written(self, row: dict[str, Any]) -> dict[str, str]:
        assert all(len(value) <= 32_768 for value in row.values() if isinstance(value, str))
        self.row, self.version = dict(row), self.version + 1
        return {"etag": str(self.version)}


LINK = OrderLink(
    store="nordlys",
    order_id=5551,
    version=datetime(2026, 11, 2, tzinfo=UTC),
    sales_order="SN5551",
    lots={"1": "NLEU-000001"},
    sources={f"NLEU-{number:06d}": f"products:{number}" for number in range(2000)},
    promised={"2": "products:12"},
    further=("SN5551B", "SN5551C"),
    fingerprints={"address": "0123456789abcdef"},
    held="risk",
    released={"tag": "the buyer called (by Kim), 2026-11-02 08:00 UTC"},
    applied_at=datetime(2026, 11, 2, 8, 30, 0, 250_000, tzinfo=UTC),
)


async def test_all_that_is_remembered_comes_back():
    links = OrderLinks(Table())  # type: ignore[arg-type] # what OrderLinks uses of it
    await links.put(LINK)
    assert await links.get("nordlys", 5551) == replace(LINK, etag="1")


async def test_a_link_that_was_put_can_be_put_again():
    links = OrderLinks(Table())  # type: ignore[arg-type] # what OrderLinks uses of it
    first = await links.put(LINK)
    await links.put(replace(first, held=""))
    with pytest.raises(TransientError, match="changed by another worker"):
        await links.put(first)


async def test_only_what_differs_from_the_row_is_written():
    table = Table()
    links = OrderLinks(table)  # type: ignore[arg-type] # what OrderLinks uses of it
    keys = {"PartitionKey": "nordlys", "RowKey": "order-00000000000000005551"}
    written = await links.put(LINK)
    await links.put(replace(written, held="tag"))
    assert table.sent == {**keys, "held": "tag"}
    read = await links.get("nordlys", 5551)
    assert read is not None
    again = await links.put(replace(read, held=LINK.held))
    assert table.sent == {**keys, "held": LINK.held}
    assert again == await links.get("nordlys", 5551) == replace(LINK, etag="3")


async def test_a_new_row_has_no_columns_without_a_value_and_keeps_those_that_lose_it():
    table = Table()
    links = OrderLinks(table)  # type: ignore[arg-type] # what OrderLinks uses of it
    bare = await links.put(OrderLink("nordlys", 5551, LINK.version))
    keys = {"PartitionKey", "RowKey"}
    every_row = {"version", "sales_order", "digest", "parked_digest", "company", "customer_account", "location_id"}
    assert table.row is not None
    assert set(table.row) == keys | every_row
    assert await links.get("nordlys", 5551) == bare
    full = await links.put(replace(LINK, sold=(SoldUnits("TENT", 2, 7),), given_up=True, stored=bare.stored, etag="1"))
    assert await links.get("nordlys", 5551) == full
    await links.put(replace(bare, stored=full.stored, etag="2"))
    assert (table.row["held"], table.row["goods_0"], table.row["given_up"]) == ("", "{}", False)
    assert await links.get("nordlys", 5551) == replace(bare, etag="3")


async def test_a_value_that_became_shorter_leaves_nothing_of_the_longer_one():
    table = Table()
    links = OrderLinks(table)  # type: ignore[arg-type] # what OrderLinks uses of it
    long = await links.put(LINK)
    short = await links.put(replace(long, sources={"NLEU-000001": "products:1"}))
    assert table.sent["sources_1"] == ""
    assert (await links.get("nordlys", 5551)) == replace(short, etag="2")
    await links.put(replace(short, sources=LINK.sources))
    assert (await links.get("nordlys", 5551)) == replace(LINK, etag="3")


async def test_a_hold_ends_the_release_from_its_reason():
    link = replace(LINK, released={"tag": "why", "risk": "why"})
    assert link.held_for("tag", is_holding=True) == replace(link, held="tag", is_holding=True, released={"risk": "why"})


async def test_the_orders_that_the_app_holds_are_found_among_all_rows_of_the_store():
    links = OrderLinks(MemoryTable())  # type: ignore[arg-type] # a table in memory
    others = [
        replace(LINK, order_id=1, held=""),
        replace(LINK, order_id=2, store="prairie"),
        replace(LINK, order_id=3, sales_order=""),
        replace(LINK, order_id=4, given_up=True),
    ]
    for link in others:
        await links.put(link)
    held = await links.put(LINK)
    assert await links.held("nordlys") == [held]
    await links.put(replace((await links.held("nordlys"))[0], held=""))
    assert await links.held("nordlys") == []


async def test_a_row_from_before_changes_were_tracked_is_read():
    table = Table()
    links = OrderLinks(table)  # type: ignore[arg-type] # what OrderLinks uses of it
    await links.put(LINK)
    assert table.row is not None
    new = ("sources_", "promised_", "said_", "further", "held", "applied_at")
    table.row = {name: value for name, value in table.row.items() if not name.startswith(new)}
    found = await links.get("nordlys", 5551)
    missing = {"sources": {}, "promised": {}, "further": (), "fingerprints": {}, "held": "", "applied_at": None}
    assert found == replace(LINK, **missing, etag="1")  # type: ignore[arg-type] # the fields' own types
