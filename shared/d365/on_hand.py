"""F&O's on-hand stock by warehouse, of all inventory statuses or of some, and the safety stock to keep there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Final

from shared.d365.entities import COVERAGE, COVERAGE_DIMENSIONS, ON_HAND, ON_HAND_BY_STATUS, READ
from shared.d365.items import item_of
from shared.d365.odata.client import RowReader
from shared.d365.odata.filters import Filter, all_of, any_of, chunks
from shared.model import Item, OnHand
from shared.model.fo_order import FoRow

_FEW: Final = 200
"""Up to this many items are filtered by number; for more, reading the whole warehouses takes fewer calls."""


async def read_on_hand(
    client: RowReader,
    company: str,
    items: Collection[Item],
    warehouses: Collection[str],
    *,
    statuses: Collection[str] = (),
) -> list[OnHand]:
    """The stock of each item in each warehouse. An item without a row has no record in F&O, which is not zero.

    With statuses, only stock of these counts (and all of a warehouse without warehouse management, whose stock has no
    status); what orders want counts whatever its status. An item with no stock but of other statuses has none.
    Rows of other items are dropped page by page: a whole warehouse may have 100,000.
    """
    wanted = frozenset(items)
    entity_set = ON_HAND_BY_STATUS if statuses else ON_HAND
    found: dict[tuple[Item, str, str], OnHand] = {}
    for where in _pieces("InventoryWarehouseId", wanted, warehouses):
        async for rows in client.pages(entity_set, company=company, where=where, select=READ[entity_set]):
            for row in rows:
                if (item := item_of(row)) in wanted:
                    stock = _on_hand(item, row, is_counted=not statuses or _has_status(row, statuses))
                    key = (item, stock.site, stock.warehouse)
                    found[key] = _together(found[key], stock) if key in found else stock
    return list(found.values())


def _has_status(row: FoRow, statuses: Collection[str]) -> bool:
    return row["AreWarehouseManagementProcessesUsed"] == "No" or row["InventoryStatusId"] in statuses


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


def _pieces(warehouse_field: str, items: Collection[Item], warehouses: Collection[str]) -> Iterator[Filter]:
    if not items or not warehouses:
        return
    in_warehouses = any_of(warehouse_field, warehouses)
    numbers = sorted({item.number for item in items})
    if len(numbers) > _FEW:
        yield in_warehouses
    else:
        yield from (all_of(in_warehouses, of_items) for of_items in chunks("ItemNumber", numbers))
