"""When F&O's own tables about a released product changed. Their stamps are the only ones that products have."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import Final, Self

from local.d365.edm import Values

ITEM_FIELDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "SearchName": "NameAlias",
        "ProductLifecycleStateId": "ProductLifecycleStateId",
        "NetProductWeight": "NetWeight",
        "TareProductWeight": "TaraWeight",
        "GrossDepth": "grossDepth",
        "GrossProductHeight": "grossHeight",
        "GrossProductWidth": "grossWidth",
        "ProductVolume": "UnitVolume",
        "OriginCountryRegionId": "OrigCountryRegionId",
        "OriginStateId": "OrigStateId",
        "PrimaryVendorAccountNumber": "PrimaryVendorId",
        "BuyerGroupId": "ItemBuyerGroupId",
        "CostGroupId": "CostGroupId",
        "ProductionGroupId": "ProdGroupId",
        "ProductCoverageGroupId": "ReqGroupId",
        "CommissionProductGroupId": "CommissionGroupId",
        "PackageClassId": "PackagingGroupId",
        "BatchNumberGroupCode": "BatchNumGroupId",
        "SerialNumberGroupCode": "SerialNumGroupId",
        "AlternativeItemNumber": "AltItemId",
        "DefaultProductColorId": "StandardInventColorId",
        "DefaultProductSizeId": "StandardInventSizeId",
        "DefaultProductStyleId": "StandardInventStyleId",
        "DefaultProductConfigurationId": "StandardConfigId",
        "DefaultProductVersionId": "StandardInventVersionId",
        "IsIntrastatExcluded": "IntrastatExclude",
        "IsPhantom": "Phantom",
    },
)
"""Fields of ReleasedProductsV2 that are in F&O's table of items, with their names in InventTableBiEntities."""
_UNSEEN_ITEM_FIELDS: Final = frozenset({"IntrastatCommodityCode"})
"""In the table of items too, which shows a record id for them."""
MODULE_FIELDS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "Invent": {
            "UnitCost": "Price",
            "UnitCostQuantity": "PriceUnit",
            "UnitCostDate": "PriceDate",
            "InventoryUnitSymbol": "UnitId",
            "FixedCostCharges": "Markup",
        },
        "Purch": {
            "PurchasePrice": "Price",
            "PurchasePriceQuantity": "PriceUnit",
            "PurchasePriceDate": "PriceDate",
            "PurchaseUnitSymbol": "UnitId",
            "FixedPurchasePriceCharges": "Markup",
            "PurchaseSalesTaxItemGroupCode": "TaxItemGroupId",
            "PurchaseLineDiscountProductGroupCode": "LineDisc",
            "PurchaseMultilineDiscountProductGroupCode": "MultiLineDisc",
        },
        "Sales": {
            "SalesPrice": "Price",
            "SalesPriceQuantity": "PriceUnit",
            "SalesPriceDate": "PriceDate",
            "SalesUnitSymbol": "UnitId",
            "FixedSalesPriceCharges": "Markup",
            "IsSalesPriceIncludingCharges": "AllocateMarkup",
            "SalesSalesTaxItemGroupCode": "TaxItemGroupId",
            "SalesLineDiscountProductGroupCode": "LineDisc",
            "SalesMultilineDiscountProductGroupCode": "MultiLineDisc",
            "WillTotalSalesDiscountCalculationIncludeProduct": "EndDisc",
            "SalesRetailInventoryAvailabilityBuffer": "RetailInventoryAvailabilityBuffer",
            "SalesOverdeliveryPercentage": "OverDeliveryPct",
            "SalesUnderdeliveryPercentage": "UnderDeliveryPct",
        },
    },
)
"""By F&O's ModuleInventPurchSales: fields of ReleasedProductsV2, with their names in InventTableModuleBiEntities."""


@dataclass(frozen=True, slots=True)
class ItemStamps:
    item: datetime
    modules: Mapping[str, datetime]

    @classmethod
    def of_new(cls, created: datetime) -> Self:
        return cls(created, dict.fromkeys(MODULE_FIELDS, created))

    def moved(self, before: Values, after: Values, now: datetime) -> Self:
        """After a change of a record of ReleasedProductsV2. Fields of no table here leave all stamps."""
        item = ITEM_FIELDS.keys() | _UNSEEN_ITEM_FIELDS
        changed = {name for name in after if before[name] != after[name]}
        modules = {
            module: now if changed & fields.keys() else self.modules[module] for module, fields in MODULE_FIELDS.items()
        }
        return replace(self, item=now if changed & item else self.item, modules=modules)
