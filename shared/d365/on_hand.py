"""F&O's on-hand stock by warehouse, of all inventory statuses or of some, and the safety stock to keep there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Iterable, Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Final

from shared.d365.entities import COVERAGE, COVERAGE_DIMENSIONS, KEYS, ON_HAND, ON_HAND_BY_STATUS, READ
from shared.d365.items import item_of
from shared.d365.odata.client import RowReader
from shared.d365.odata.filters import Filter, all_of, any_of, chunks
from shared.model import Item, OnHand
from shared.model.fo_order import FoRow

_FEW: Final = 200
"""Up to this many items are always filtered by number; for more, reading the whole warehouses takes fewer calls."""

_ROWS_WORTH_A_NUMBER: Final = 25
"""A call that filters by item number names some twenty, and takes F&O about as long as 500 rows of a long list (an
estimate, not measured): more items than 200 are still filtered by number where that is less.
"""

type _ByKey = dict[tuple[str | None, ...], FoRow]
"""An item's rows, each once, by the fields of their set's key; None for those that F&O does not have."""


async def read_on_hand(
    client: RowReader,
    company: str,
    items: Collection[Item],
    warehouses: Collection[str],
    *,
    statuses: Collection[str] = (),
    rows_in_all: int = 0,
) -> list[OnHand]:
    """The stock of each item in each warehouse. An item without a row has no record in F&O, which is not zero.

    With statuses, only stock of these counts (and all of a warehouse without warehouse management, whose stock has no
    status); what orders want counts whatever its status. An item with no stock but of other statuses has none.
    `rows_in_all` is how many rows these warehouses have together, where that is known.
    """
    wanted = frozenset(items)
    rows: defaultdict[Item, _ByKey] = defaultdict(dict)
    most = max(_FEW, rows_in_all // _ROWS_WORTH_A_NUMBER)
    for where in _pieces("InventoryWarehouseId", wanted, warehouses, most=most):
        async for item, its in _by_item(client, company, where, statuses):
            if item in wanted:
                rows[item] |= its
    found: dict[tuple[Item, str, str], OnHand] = {}
    for item, its in rows.items():
        for stock in stock_of(item, its.values(), statuses):
            key = (item, stock.site, stock.warehouse)
            found[key] = _together(found[key], stock) if key in found else stock
    return list(found.values())


async def survey_on_hand(
    client: RowReader,
    company: str,
    items: Collection[Item],
    warehouses: Collection[str],
    *,
    statuses: Collection[str] = (),
) -> AsyncIterator[tuple[Item, list[FoRow]]]:
    """The rows of these items, and perhaps of others, in the warehouses: item by item, with one page in memory at a
    time.

    F&O tells no time of their last change (no set of on-hand has one), so all are read. An item comes twice where
    F&O's rows moved between two pages.
    """
    for where in _pieces("InventoryWarehouseId", items, warehouses):
        async for item, its in _by_item(client, company, where, statuses):
            yield item, list(its.values())


async def _by_item(
    client: RowReader, company: str, where: Filter, statuses: Collection[str]
) -> AsyncIterator[tuple[Item, _ByKey]]:
    """Pages are ordered by the set's key, which begins with the item. F&O pages by counting rows: where one was added
    meanwhile, the next page repeats a row. The later of both counts.
    """
    entity_set = ON_HAND_BY_STATUS if statuses else ON_HAND
    key = KEYS[entity_set]
    item: Item | None = None
    its: _ByKey = {}
    async for rows in client.pages(entity_set, company=company, where=where, select=READ[entity_set]):
        for row in rows:
            if (of := item_of(row)) != item:
                if item is not None:
                    yield item, its
                item, its = of, {}
            its[tuple(map(row.get, key))] = row
        del rows  # before the next page is read
    if item is not None:
        yield item, its


def fingerprint(rows: Iterable[FoRow], statuses: Collection[str]) -> str:
    """All of an item's rows that its figures depend on, as text."""
    if statuses:
        return ";".join([f"{_counts(row)},{row['InventoryStatusId']},{_is_managed(row)}" for row in rows])
    return ";".join(map(_counts, rows))


def _counts(row: FoRow) -> str:
    return (
        f"{row['InventoryWarehouseId']},{row['AvailableOnHandQuantity']},{row['OrderedQuantity']},"
        f"{row['OnOrderQuantity']}"
    )


def stock_of(item: Item, rows: Iterable[FoRow], statuses: Collection[str] = ()) -> list[OnHand]:
    """The item's rows; with statuses, see read_on_hand."""
    return [_on_hand(item, row, is_counted=not statuses or _has_status(row, statuses)) for row in rows]


def _has_status(row: FoRow, statuses: Collection[str]) -> bool:
    return not _is_managed(row) or row["InventoryStatusId"] in statuses


def _is_managed(row: FoRow) -> bool:
    return bool(row["AreWarehouseManagementProcessesUsed"] != "No")


def _on_hand(item: Item, row: FoRow, *, is_counted: bool) -> OnHand:
    share = Decimal(int(is_counted))
    return OnHand(
        item=item,
        site=row["InventorySiteId"],
        warehouse=row["InventoryWarehouseId"],
        physical=row["OnHandQuantity"] * share,
        reserved=row["ReservedOnHandQuantity"] * share,
        available=row["AvailableOnHandQuantity"] * share,
        incoming=row["OrderedQuantity"] * share,
        open_issues=row["OnOrderQuantity"],
    )


def _together(one: OnHand, other: OnHand) -> OnHand:
    return replace(
        one,
        physical=one.physical + other.physical,
        reserved=one.reserved + other.reserved,
        available=one.available + other.available,
        incoming=one.incoming + other.incoming,
        open_issues=one.open_issues + other.open_issues,
    )


async def read_safety_stock(
    client: RowReader, company: str, items: Collection[Item], warehouses: Collection[str]
) -> dict[tuple[Item, str], Decimal]:
    """The minimum on-hand of an item in a warehouse (item coverage); settings for locations and batches added up."""
    wanted = frozenset(items)
    minimum: defaultdict[tuple[Item, str], Decimal] = defaultdict(Decimal)
    for where in _pieces("CoverageWarehouseId", wanted, warehouses):
        async for rows in client.pages(COVERAGE, company=company, where=where, select=READ[COVERAGE]):
            for row in rows:
                if (item := item_of(row, COVERAGE_DIMENSIONS)) in wanted:
                    minimum[item, row["CoverageWarehouseId"]] += row["MinimumOnHandInventoryQuantity"]
    return dict(minimum)


def _pieces(
    warehouse_field: str, items: Collection[Item], warehouses: Collection[str], *, most: int = _FEW
) -> Iterator[Filter]:
    """Filters for the items: by number for `most` of them at most."""
    if not items or not warehouses:
        return
    in_warehouses = any_of(warehouse_field, warehouses)
    numbers = {item.number for item in items}
    if len(numbers) > most:
        yield in_warehouses
    else:
        yield from (all_of(in_warehouses, of_items) for of_items in chunks("ItemNumber", sorted(numbers)))
