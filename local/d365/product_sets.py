"""Entity sets of products and their prices, and how the five product dimensions are named in them."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

RELEASED_PRODUCTS: Final = "ReleasedProductsV2"
RELEASED_VARIANTS: Final = "ReleasedProductVariantsV2"
PRODUCTS: Final = "ProductsV2"
MASTERS: Final = "ProductMasters"
VARIANTS: Final = "ProductVariantsV2"
TEXTS: Final = "ProductTranslations"
BARCODES: Final = "ProductBarcodesV3"
BARCODES_BY_PRODUCT: Final = "ProductNumberIdentifiedBarcodes"
ATTRIBUTES: Final = "ProductAttributes"
ATTRIBUTE_TEXTS: Final = "ProductAttributeTranslations"
ATTRIBUTE_VALUES: Final = "ProductAttributeValuesV3"
HIERARCHIES: Final = "ProductCategoryHierarchies"
HIERARCHY_ROLES: Final = "ProductCategoryHierarchyRoles"
CATEGORIES: Final = "ProductCategories"
ASSIGNMENTS: Final = "ProductCategoryAssignments"
STATES: Final = "ProductLifecycleStates"
STATE_PROCESSES: Final = "ProductLifecycleStateProcesses"
ORDER_SETTINGS: Final = "ProductDefaultOrderSettings"
SPECIFIC_ORDER_SETTINGS: Final = "ProductSpecificOrderSettingsV3"
SELLABLE: Final = "SellableReleasedProducts"
PHYSICAL_DIMENSIONS: Final = "PhysicalProductDimensionDetails"
RELEASED_ATTACHMENTS: Final = "ReleasedProductDocumentAttachments"
ATTACHMENTS: Final = "ProductDocumentAttachments"
ASSORTMENTS: Final = "RetailAssortments"
ASSORTMENT_PRODUCTS: Final = "RetailAssortmentProductLines"
ASSORTMENT_CHANNELS: Final = "RetailAssortmentChannelLines"
COUNTRIES: Final = "AddressCountryRegions"
UNIT_CONVERSIONS: Final = "ProductSpecificUnitOfMeasureConversions"
ITEM_TABLE: Final = "InventTableBiEntities"
ITEM_MODULES: Final = "InventTableModuleBiEntities"
PRICES: Final = "SalesPriceAgreements"
DISCOUNTS: Final = "SalesLineDiscountAgreements"
PRICE_GROUPS: Final = "PriceCustomerGroups"
CUSTOMER_DISCOUNT_GROUPS: Final = "LineDiscountCustomerGroups"
ITEM_DISCOUNT_GROUPS: Final = "LineDiscountProductGroups"
SALES_AGREEMENTS: Final = "SalesAgreements"
SALES_AGREEMENT_LINES: Final = "SalesAgreementLines"

SYSTEM_LANGUAGE: Final = "en-US"
"""Entities without a language of their own show texts in it."""


class DimensionTables(NamedTuple):
    """`translations` is "" where F&O translates no values; `value_key` and `name` are fields of that set."""

    values: str
    translations: str = ""
    value_key: str = ""
    name: str = ""


DIMENSION_TABLES: Final[Mapping[str, DimensionTables]] = MappingProxyType(
    {
        f"Product{kind}Id": DimensionTables(
            f"ProductMaster{kind}s",
            f"ProductMaster{kind}Translations",
            f"ProductMaster{kind}Id",
            f"Translated{kind}Name",
        )
        for kind in ("Color", "Size", "Style", "Configuration")
    }
    | {"ProductVersionId": DimensionTables("ProductMasterVersions")},
)
"""By the field of a variant."""

STORED: Final = frozenset(
    {
        PRODUCTS,
        VARIANTS,
        RELEASED_VARIANTS,
        TEXTS,
        BARCODES,
        ATTRIBUTES,
        ATTRIBUTE_TEXTS,
        ATTRIBUTE_VALUES,
        HIERARCHIES,
        HIERARCHY_ROLES,
        CATEGORIES,
        ASSIGNMENTS,
        STATES,
        STATE_PROCESSES,
        ORDER_SETTINGS,
        SPECIFIC_ORDER_SETTINGS,
        PHYSICAL_DIMENSIONS,
        RELEASED_ATTACHMENTS,
        ATTACHMENTS,
        ASSORTMENTS,
        ASSORTMENT_PRODUCTS,
        ASSORTMENT_CHANNELS,
        COUNTRIES,
        UNIT_CONVERSIONS,
        PRICES,
        DISCOUNTS,
        PRICE_GROUPS,
        CUSTOMER_DISCOUNT_GROUPS,
        ITEM_DISCOUNT_GROUPS,
        SALES_AGREEMENTS,
        SALES_AGREEMENT_LINES,
        *(tables.values for tables in DIMENSION_TABLES.values()),
        *(tables.translations for tables in DIMENSION_TABLES.values() if tables.translations),
    },
)
"""Sets over tables of their own, which OData only reads here. Other sets of products are computed from them."""
NEEDED: Final = frozenset(
    {
        PRODUCTS,
        VARIANTS,
        RELEASED_PRODUCTS,
        RELEASED_VARIANTS,
        TEXTS,
        *(tables.values for tables in DIMENSION_TABLES.values()),
    },
)
"""What every product is written into."""
