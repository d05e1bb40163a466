"""F&O's on-hand stock by warehouse, and the safety stock to keep there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from decimal import Decimal
from typing import Final

from shared.d365.entities import COVERAGE, COVERAGE_DIMENSIONS, ON_HAND, READ
from shared.d365.items import item_of
from shared.d365.odata.client import RowReader
from shared.d365.odata.filters import Filter, all_of, any_of, chunks
from shared.model import Item, OnHand

_FEW: Final = 200
"""Up to this many items are filtered by number; for more, reading the whole warehouses takes fewer calls."""


async def read_on_hand(
    client: RowReader, company: str, items: Collection[Item], warehouses: Collection[str]
) -> list[OnHand]:
    """Every row of the items in the warehouses. An item without a row has no record in F&O, which is not zero.

    Rows of other items are dropped page by page: a whole warehouse may have 100,000.
    """
    wanted = frozenset(items)
    return [
        OnHand(
            item=item,
            site=row["InventorySiteId"],
            warehouse=row["InventoryWarehouseId"],
            physical=row["OnHandQuantity"],
            reserved=row["ReservedOnHandQuantity"],
            available=row["AvailableOnHandQuantity"],
            incoming=row["OrderedQuantity"],
            open_issues=row["OnOrderQuantity"],
        )
        for where in _pieces("InventoryWarehouseId", wanted, warehouses)
        async for rows in client.pages(ON_HAND, company=company, where=where, select=READ[ON_HAND])
        for row in rows
        if (item := item_of(row)) in wanted
    ]


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
