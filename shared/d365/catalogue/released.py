"""The released products of a company, their variants, and what stops their sales."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from sys import intern
from typing import Final

from shared.d365.catalogue.asked import CatalogueSource, day_of
from shared.d365.entities import ORDER_SETTINGS, PRODUCTS, VARIANT_ORDER_SETTINGS, VARIANTS
from shared.d365.items import item_of
from shared.model import Item
from shared.model.fo_order import FoRow
from shared.model.fo_product import FoProduct, FoStop, FoVariant

RELEASED_FIELDS: Final = (
    "ItemNumber",
    "ProductNumber",
    "ProductSubType",
    "ProductType",
    "ProductLifecycleStateId",
    "ItemModelGroupId",
    "SellStartDate",
    "SellEndDate",
    "ProductLifeCycleValidFromDate",
    "ProductLifeCycleValidToDate",
    "SalesUnitSymbol",
    "NetProductWeight",
    "TareProductWeight",
    "OriginCountryRegionId",
    "OriginStateId",
    "IntrastatCommodityCode",
    "SalesSalesTaxItemGroupCode",
    "UnitCost",
    "UnitCostQuantity",
)
VARIANT_FIELDS: Final = (
    "ItemNumber",
    "ProductVariantNumber",
    "ProductConfigurationId",
    "ProductSizeId",
    "ProductColorId",
    "ProductStyleId",
    "ProductVersionId",
    "ProductLifecycleStateId",
    "SalesSalesTaxItemGroupCode",
)


@dataclass(slots=True)
class ReleasedProducts:
    products: dict[str, FoProduct] = field(default_factory=dict)
    """By item number, without what other sets know of them."""
    variants: defaultdict[str, list[FoVariant]] = field(default_factory=lambda: defaultdict(list))
    """By item number."""
    stopped: set[str] = field(default_factory=set)
    """Item numbers that are not sold at any site."""
    stops: defaultdict[str, list[FoStop]] = field(default_factory=lambda: defaultdict(list))
    """By item number: what is not sold at single sites, or of single variants."""

    @property
    def product_numbers(self) -> set[str]:
        return {product.product_number for product in self.products.values()}


async def read_released(source: CatalogueSource) -> ReleasedProducts:
    """Products first: what other sets have more then belongs to products that were released meanwhile."""
    found = ReleasedProducts()
    async for row in source.rows(PRODUCTS, "ItemNumber", source.items, select=RELEASED_FIELDS):
        product = _product(row)
        found.products[product.item_number] = product
    async for row in source.rows(VARIANTS, "ItemNumber", source.items, select=VARIANT_FIELDS):
        if row["ItemNumber"] in found.products:
            found.variants[row["ItemNumber"]].append(_variant(row))
    async for row in source.rows(ORDER_SETTINGS, "ItemNumber", source.items):
        if row["IsSalesProcessingStopped"] == "Yes":
            found.stopped.add(row["ItemNumber"])
    async for row in source.rows(VARIANT_ORDER_SETTINGS, "ItemNumber", source.items):
        # Without the first field, the default settings are in force at the site.
        if row["AreSalesDefaultOrderSettingsOverridden"] == "Yes" and row["IsSalesProcessingStopped"] == "Yes":
            found.stops[row["ItemNumber"]].append(FoStop(row["OperationalSiteId"], compact(item_of(row))))
    return found


def compact(item: Item) -> Item:
    """With one copy of each text that many items have: of 60,000 variants few have a colour of their own."""
    return Item(*map(intern, item))


def _product(row: FoRow) -> FoProduct:
    return FoProduct(
        item_number=row["ItemNumber"],
        product_number=row["ProductNumber"] or row["ItemNumber"],
        is_master=row["ProductSubType"] == "ProductMaster",
        is_service=row["ProductType"] == "Service",
        lifecycle_state=intern(row["ProductLifecycleStateId"]),
        model_group=intern(row["ItemModelGroupId"]),
        sold_from=day_of(row["SellStartDate"]),
        sold_until=day_of(row["SellEndDate"]),
        valid_from=day_of(row["ProductLifeCycleValidFromDate"]),
        valid_until=day_of(row["ProductLifeCycleValidToDate"]),
        sales_unit=intern(row["SalesUnitSymbol"]),
        net_weight=Decimal(row["NetProductWeight"]),
        tare_weight=Decimal(row["TareProductWeight"]),
        origin_country=intern(row["OriginCountryRegionId"]),
        origin_state=intern(row["OriginStateId"]),
        commodity_code=intern(row["IntrastatCommodityCode"]),
        tax_group=intern(row["SalesSalesTaxItemGroupCode"]),
        cost=Decimal(row["UnitCost"]),
        cost_quantity=Decimal(row["UnitCostQuantity"]),
    )


def _variant(row: FoRow) -> FoVariant:
    return FoVariant(
        compact(item_of(row)),
        row["ProductVariantNumber"],
        intern(row["ProductLifecycleStateId"]),
        intern(row["SalesSalesTaxItemGroupCode"]),
    )
