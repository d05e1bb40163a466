"""Barcodes, customs codes, attributes and categories of products."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from sys import intern
from typing import Final

from shared.d365.catalogue.asked import CatalogueSource, day_of
from shared.d365.catalogue.released import compact
from shared.d365.entities import ATTRIBUTE_VALUES, BARCODES, GLOBAL_PRODUCTS, PRODUCT_CATEGORIES
from shared.d365.items import item_of
from shared.d365.odata.filters import any_of
from shared.model import Item
from shared.model.fo_order import FoRow
from shared.model.fo_product import FoAttribute, FoBarcode, FoCategory


async def read_barcodes(source: CatalogueSource) -> dict[str, dict[Item, list[FoBarcode]]]:
    """By item number, and by item with its dimensions."""
    found: defaultdict[str, defaultdict[Item, list[FoBarcode]]] = defaultdict(lambda: defaultdict(list))
    async for row in source.rows(BARCODES, "ItemNumber", source.items):
        barcode = FoBarcode(row["Barcode"], intern(row["ProductQuantityUnitSymbol"]), intern(row["BarcodeSetupId"]))
        found[row["ItemNumber"]][compact(item_of(row))].append(barcode)
    return dict(found)


async def read_hs_codes(source: CatalogueSource, products: Collection[str]) -> dict[str, str]:
    """By product number, of those that have one."""
    return {
        row["ProductNumber"]: intern(row["HarmonizedSystemCode"])
        async for row in source.rows(GLOBAL_PRODUCTS, "ProductNumber", products)
        if row["HarmonizedSystemCode"] and row["ProductNumber"] in products
    }


async def read_attributes(
    source: CatalogueSource, numbers: Collection[str], names: Collection[str]
) -> dict[str, tuple[FoAttribute, ...]]:
    """By product number, of products and of variants: those of these names that have a value."""
    if not names:
        return {}
    found: defaultdict[str, list[FoAttribute]] = defaultdict(list)
    where = any_of("AttributeName", sorted(names))
    async for row in source.rows(ATTRIBUTE_VALUES, "ProductNumber", numbers, where=where):
        if row["ProductNumber"] in numbers and row["AttributeName"] in names:
            found[row["ProductNumber"]].append(_attribute(row))
    return {number: tuple(attributes) for number, attributes in found.items()}


async def read_categories(
    source: CatalogueSource, products: Collection[str], hierarchies: Collection[str]
) -> dict[str, tuple[FoCategory, ...]]:
    """By product number: its categories in these hierarchies, by name."""
    if not hierarchies:
        return {}
    found: defaultdict[str, set[FoCategory]] = defaultdict(set)
    where = any_of("ProductCategoryHierarchyName", sorted(hierarchies))
    async for row in source.rows(PRODUCT_CATEGORIES, "ProductNumber", products, where=where):
        if row["ProductNumber"] in products:
            category = FoCategory(intern(row["ProductCategoryHierarchyName"]), intern(row["ProductCategoryName"]))
            found[row["ProductNumber"]].add(category)
    return {number: tuple(sorted(categories)) for number, categories in found.items()}


def _attribute(row: FoRow) -> FoAttribute:
    read = _VALUES.get(row["DataType"], _text)
    currency = row["CurrencyCode"] if row["DataType"] == "Currency" else ""
    return FoAttribute(intern(row["AttributeName"]), intern(row["DataType"]), read(row), currency)


def _text(row: FoRow) -> str:
    return str(row["TextValue"])


def _moment(row: FoRow) -> str:
    return row["DateTimeValue"] if day_of(row["DateTimeValue"] or "") else ""


_VALUES: Final[Mapping[str, Callable[[FoRow], str]]] = {
    "Currency": lambda row: str(row["CurrencyValue"]),
    "DateTime": _moment,
    "Decimal": lambda row: str(row["DecimalValue"]),
    "Integer": lambda row: str(row["IntegerValue"]),
    "TrueFalse": lambda row: str(row["BooleanValue"]),
}
