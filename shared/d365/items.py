"""The F&O items that SKUs stand for."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Final, Literal

from shared.d365.entities import DIMENSIONS, PRODUCTS, READ, VARIANTS
from shared.d365.odata.client import RowReader
from shared.d365.odata.filters import Filter, chunks
from shared.model import Item, ItemHandling
from shared.model.fo_order import FoRow

type SkuField = Literal["ItemNumber", "ProductVariantNumber"]
"""The field of F&O whose value a store uses as SKU: the item number, or the number of the item's variant."""

_FEW: Final = 200
"""Up to this many values are filtered by, some twenty to a call; beyond that, reading all items of the company takes
fewer calls."""

_ENTITY_SETS: Final[dict[SkuField, str]] = {"ItemNumber": PRODUCTS, "ProductVariantNumber": VARIANTS}


_WITHOUT_VARIANTS: Final = "Product"


class ItemCache:
    """Items that were found, kept for some minutes.

    A value that was not found is looked up again: its item may have been released since.
    """

    def __init__(self, seconds: float = 300.0, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._items: dict[tuple[str, SkuField, str], tuple[float, Item]] = {}
        self._handling: dict[tuple[str, str], tuple[float, ItemHandling]] = {}

    def get(self, company: str, field: SkuField, value: str) -> Item | None:
        until, item = self._items.get((company, field, value), (0.0, None))
        return item if self._clock() < until else None

    def put(self, company: str, field: SkuField, value: str, item: Item) -> None:
        self._items[company, field, value] = (self._clock() + self._seconds, item)

    def get_handling(self, company: str, number: str) -> ItemHandling | None:
        until, handling = self._handling.get((company, number), (0.0, None))
        return handling if self._clock() < until else None

    def forget_handling(self, company: str, numbers: Iterable[str]) -> None:
        """So that a message that is replayed sees how the items are released then."""
        for number in numbers:
            self._handling.pop((company, number), None)

    def put_handling(self, company: str, number: str, handling: ItemHandling) -> None:
        self._handling[company, number] = (self._clock() + self._seconds, handling)


async def read_items(
    client: RowReader, company: str, field: SkuField, values: Collection[str], *, cache: ItemCache
) -> dict[str, Item]:
    """The released item of each value; a value that F&O does not know is not in the result.

    Among variants, a value that is no variant's number is looked up as the item number of a product without variants.
    F&O ignores case, and so does this: "tent-2p" finds the item TENT-2P, under F&O's spelling.
    """
    found = {value: item for value in values if (item := cache.get(company, field, value))}
    new = await _read_items(client, company, field, [value for value in values if value not in found], cache)
    if field == "ProductVariantNumber":
        others = [value for value in values if value not in found and value not in new]
        new |= await _read_items(client, company, "ItemNumber", others, cache, has_variants=False)
    for value, item in new.items():
        cache.put(company, field, value, item)
    return found | new


async def _read_items(
    client: RowReader,
    company: str,
    field: SkuField,
    values: Collection[str],
    cache: ItemCache,
    *,
    has_variants: bool = True,
) -> dict[str, Item]:
    """Without `has_variants`, only products without variants."""
    entity_set = _ENTITY_SETS[field]
    pieces: Iterable[Filter | None] = chunks(field, values) if len(values) <= _FEW else [None]
    wanted = {value.casefold() for value in values}
    by_number: dict[str, Item] = {}
    for where in pieces:
        async for rows in client.pages(entity_set, company=company, where=where, select=READ[entity_set]):
            ours = {name: row for row in rows if (name := row[field].casefold()) in wanted}
            if not has_variants:
                ours = {name: row for name, row in ours.items() if row["ProductSubType"] == _WITHOUT_VARIANTS}
            by_number |= {name: item_of(row) for name, row in ours.items()}
            if entity_set == PRODUCTS:
                for row in ours.values():
                    cache.put_handling(company, row["ItemNumber"], _handling_of(row))
    return {value: item for value in values if (item := by_number.get(value.casefold()))}


async def read_handling(
    client: RowReader, company: str, numbers: Collection[str], *, cache: ItemCache
) -> dict[str, ItemHandling]:
    """How F&O handles each released item, by item number. Costs no call for items that were read as products."""
    found = {number: handling for number in numbers if (handling := cache.get_handling(company, number))}
    for where in chunks("ItemNumber", [number for number in numbers if number not in found]):
        async for rows in client.pages(PRODUCTS, company=company, where=where, select=READ[PRODUCTS]):
            for row in rows:
                found[row["ItemNumber"]] = _handling_of(row)
                cache.put_handling(company, row["ItemNumber"], found[row["ItemNumber"]])
    return found


def _handling_of(row: FoRow) -> ItemHandling:
    return ItemHandling(
        batches=row.get("IsBatchNumberActive") == "Yes",
        serial_numbers=row.get("IsSerialNumberActive") == "Yes",
        catch_weight=row.get("IsCatchWeightProduct") == "Yes",
        inventory_unit=row["InventoryUnitSymbol"],
        sales_unit=row["SalesUnitSymbol"],
    )


def item_of(row: FoRow, dimensions: Sequence[str] = DIMENSIONS) -> Item:
    """The item of a row by these fields, in the order of `entities.DIMENSIONS`; a product has none of them."""
    return Item(row["ItemNumber"], *(row.get(dimension, "") for dimension in dimensions))
