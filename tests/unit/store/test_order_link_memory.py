"""What the link records of an order's lines is read from Table Storage as it was written."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from azure.core.exceptions import ResourceExistsError, ResourceModifiedError, ResourceNotFoundError

from shared.errors import TransientError
from shared.store.links import OrderLink, OrderLinks
from tests.builders.memory_table import MemoryTable


class Entity(dict[str, Any]):
    metadata: dict[str, str]


class Table:
    """One row with ETags, as Table Storage keeps it."""

    def __init__(self) -> None:
        self.row: dict[str, Any] | None = None
        self.version = 0

    async def get_entity(self, partition: str, row: str) -> Entity:
        del partition, row
        if self.row is None:
            raise ResourceNotFoundError
        entity = Entity(self.row)
        entity.metadata = {"etag": str(self.version)}
        return entity

    async def create_entity(self, row: dict[str, Any]) -> dict[str, str]:
        if self.row is not None:
            raise ResourceExistsError
        return self._written(row)

    async def update_entity(self, row: dict[str, Any], *, etag: str, **options: Any) -> dict[str, str]:
        del options
        if etag != str(self.version):
            raise ResourceModifiedError
        return self._written(row)

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
