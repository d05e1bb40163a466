"""Released items as they are sold: base price, units, tax group, order quantities, and the variants of masters."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from shared.d365.entities import (
    ORDER_SETTINGS,
    PRICED_PRODUCT,
    PRICED_VARIANT,
    PRODUCTS,
    READ,
    UNIT_CONVERSIONS,
    VARIANT_ORDER_SETTINGS,
    VARIANTS,
)
from shared.d365.items import item_of
from shared.d365.odata.client import CountedReader
from shared.d365.odata.filters import Filter, chunks
from shared.d365.prices.agreements import Interned
from shared.model import Item
from shared.model.fo_order import FoRow
from shared.model.trade_agreement import OrderQuantities, SalesItem, UnitConversion

_FEW: Final = 200
"""Up to this many items are filtered by number; for more, reading all of the company takes fewer calls."""


@dataclass(frozen=True, slots=True)
class SoldItems:
    """What a company sells."""

    items: dict[str, SalesItem] = field(default_factory=dict)
    """By item number in lower case."""
    by_number: dict[str, Item] = field(default_factory=dict)
    """Item number, or number of a variant, in lower case -> item."""
    tax_groups: dict[Item, str] = field(default_factory=dict)
    """Item sales tax group of variants that have one of their own."""


async def read_sold_items(
    client: CountedReader, company: str, numbers: Collection[str] | None = None, *, with_variants: bool = True
) -> SoldItems:
    """All of the company, or these item numbers. Without variants a master counts as an item that is sold itself."""
    number, text = Interned[Decimal](), Interned[str]()
    found = SoldItems()
    async for row in _rows(client, PRODUCTS, company, PRICED_PRODUCT, numbers):
        item = _sales_item(row, number, text)
        found.items[item.number.casefold()] = item
        if not (item.is_master and with_variants):
            found.by_number[item.number.casefold()] = Item(item.number)
    if with_variants:
        async for row in _rows(client, VARIANTS, company, PRICED_VARIANT, numbers):
            variant = Item(*map(text, item_of(row)))
            if row["ProductVariantNumber"]:
                found.by_number[row["ProductVariantNumber"].casefold()] = variant
            master = found.items.get(variant.number.casefold())
            own = text(row["SalesSalesTaxItemGroupCode"])
            if own and (master is None or own.casefold() != master.tax_group.casefold()):
                found.tax_groups[variant] = own
    return found


async def read_quantities(
    client: CountedReader, company: str, numbers: Collection[str] | None = None
) -> dict[Item, OrderQuantities]:
    """Order quantities of items, and of variants whose sales settings replace those of the item at every site."""
    found: dict[Item, OrderQuantities] = {}
    async for row in _rows(client, ORDER_SETTINGS, company, READ[ORDER_SETTINGS], numbers):
        found[Item(row["ItemNumber"])] = _quantities(row)
    async for row in _rows(client, VARIANT_ORDER_SETTINGS, company, READ[VARIANT_ORDER_SETTINGS], numbers):
        if row["AreSalesDefaultOrderSettingsOverridden"] == "Yes" and not row["OperationalSiteId"]:
            found[item_of(row)] = _quantities(row)
    return found


async def read_conversions(client: CountedReader, company: str, products: Collection[str]) -> list[UnitConversion]:
    """Of these products: the set has those of all companies."""
    few = len(products) <= _FEW
    pieces: list[Filter | None] = [*chunks("ProductNumber", sorted(products))] if few else [None]
    ours = {product.casefold() for product in products}
    found: list[UnitConversion] = []
    for where in pieces:
        async for rows in client.pages(
            UNIT_CONVERSIONS, company=company, where=where, select=READ[UNIT_CONVERSIONS], counted=True
        ):
            found += (_conversion(row) for row in rows if row["ProductNumber"].casefold() in ours)
    return found


async def _rows(
    client: CountedReader, entity_set: str, company: str, fields: tuple[str, ...], numbers: Collection[str] | None
) -> AsyncIterator[FoRow]:
    is_few = numbers is not None and len(numbers) <= _FEW
    pieces: list[Filter | None] = [*chunks("ItemNumber", sorted(numbers or ()))] if is_few else [None]
    wanted = None if numbers is None else {number.casefold() for number in numbers}
    for where in pieces:
        async for rows in client.pages(entity_set, company=company, where=where, select=fields, counted=True):
            for row in rows:
                if wanted is None or row["ItemNumber"].casefold() in wanted:
                    yield row


def _sales_item(row: FoRow, number: Interned[Decimal], text: Interned[str]) -> SalesItem:
    return SalesItem(
        number=row["ItemNumber"],
        product=row["ProductNumber"],
        is_master=row["ProductSubType"] == "ProductMaster",
        sales_unit=text(row["SalesUnitSymbol"]),
        inventory_unit=text(row["InventoryUnitSymbol"]),
        base_price=number(row["SalesPrice"]),
        base_per=number(row["SalesPriceQuantity"]),
        tax_group=text(row["SalesSalesTaxItemGroupCode"]),
        discount_group=text(row["SalesLineDiscountProductGroupCode"]),
        charges=number(row["FixedSalesPriceCharges"]),
    )


def _quantities(row: FoRow) -> OrderQuantities:
    return OrderQuantities(
        minimum=row["MinimumSalesOrderQuantity"],
        maximum=row["MaximumSalesOrderQuantity"],
        multiple=row["SalesQuantityMultiples"],
    )


def _conversion(row: FoRow) -> UnitConversion:
    return UnitConversion(
        product=row["ProductNumber"],
        from_unit=row["FromUnitSymbol"],
        to_unit=row["ToUnitSymbol"],
        factor=row["Factor"],
        numerator=int(row["Numerator"]),
        denominator=int(row["Denominator"]),
        has_offset=bool(row["InnerOffset"] or row["OuterOffset"]),
    )
