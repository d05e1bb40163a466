"""The entity sets of F&O that the app uses, with their keys and the fields that it reads.

tests/contract/test_d365_fields.py compares this file with the metadata of a real environment: F&O refuses a whole
request for one field that it does not know.
"""

from __future__ import annotations

from typing import Final

CUSTOMERS: Final = "CustomersV3"
SALES_ORDERS: Final = "SalesOrderHeadersV4"
SALES_ORDER_LINES: Final = "SalesOrderLinesV3"
SALES_ORDERS_WITH_LINES: Final = "SalesOrderHeadersV2"
"""The same orders; of SALES_ORDERS lines cannot be expanded."""
EXPANDED_LINES: Final = "SalesOrderLines"
"""The same lines, and the navigation to them from SALES_ORDERS_WITH_LINES."""
SALES_LINE_PROGRESS: Final = "SalesLineBiEntities"
WAREHOUSE_LINES: Final = "WHSSalesLineBiEntities"
PRODUCTS: Final = "ReleasedProductsV2"
VARIANTS: Final = "ReleasedProductVariantsV2"
ON_HAND: Final = "WarehousesOnHandV2"
ON_HAND_BY_STATUS: Final = "WarehouseInventoryStatusesOnHandV2"
COVERAGE: Final = "ItemCoverageSettingsV2"
TAX_CODES: Final = "TaxCodes"
TAX_RATES: Final = "TaxCodeValuesV2"
TAX_GROUPS: Final = "TaxGroups"
TAX_GROUP_CODES: Final = "TaxGroupDatas"
ITEM_TAX_GROUPS: Final = "TaxItemGroupHeadings"
ITEM_TAX_GROUP_CODES: Final = "TaxItemGroups"
PAYMENT_JOURNALS: Final = "CustomerPaymentJournalHeaders"
PAYMENT_LINES: Final = "CustomerPaymentJournalLines"
RETURN_ORDERS: Final = "ReturnOrderHeadersV2"
RETURN_LINES: Final = "ReturnOrderLinesV2"
SALES_INVOICES: Final = "SalesInvoiceHeadersV4"
POSTED_INVOICES: Final = "CustInvoiceJourBiEntities"
INVOICES: Final = "FreeTextInvoiceHeaders"
PACKING_SLIPS: Final = "CustPackingSlipJourBiEntities"
PACKING_SLIP_LINES: Final = "CustPackingSlipTransBiEntities"
PACKING_SLIP_VERSIONS: Final = "CustPackingSlipVersionBiEntities"
"""Of all companies: it has no dataAreaId."""
SLIP_TRACKING: Final = "PackingSlipTrackingInformation"
SALES_TABLE: Final = "SalesTableBiEntities"
CREDIT_HOLDS: Final = "CredManTableBiEntities"
"""Of all companies: it has Company instead of dataAreaId."""
INVOICE_LINES: Final = "FreeTextInvoiceLines"
ITEM_STAMPS: Final = "InventTableBiEntities"
GLOBAL_PRODUCTS: Final = "ProductsV2"
PRODUCT_TEXTS: Final = "ProductTranslations"
BARCODES: Final = "ProductBarcodesV3"
ATTRIBUTE_VALUES: Final = "ProductAttributeValuesV3"
CATEGORIES: Final = "ProductCategories"
PRODUCT_CATEGORIES: Final = "ProductCategoryAssignments"
ASSORTMENTS: Final = "RetailAssortments"
ASSORTMENT_LINES: Final = "RetailAssortmentProductLines"
COUNTRIES: Final = "AddressCountryRegions"
RELEASED_ATTACHMENTS: Final = "ReleasedProductDocumentAttachments"
PRODUCT_ATTACHMENTS: Final = "ProductDocumentAttachments"
MASTER_COLORS: Final = "ProductMasterColors"
MASTER_CONFIGURATIONS: Final = "ProductMasterConfigurations"
MASTER_SIZES: Final = "ProductMasterSizes"
MASTER_STYLES: Final = "ProductMasterStyles"
MASTER_VERSIONS: Final = "ProductMasterVersions"
COLOR_NAMES: Final = "ProductMasterColorTranslations"
CONFIGURATION_NAMES: Final = "ProductMasterConfigurationTranslations"
SIZE_NAMES: Final = "ProductMasterSizeTranslations"
STYLE_NAMES: Final = "ProductMasterStyleTranslations"
PRICE_AGREEMENTS: Final = "SalesPriceAgreements"
LINE_DISCOUNTS: Final = "SalesLineDiscountAgreements"
PRICE_GROUPS: Final = "PriceCustomerGroups"
UNIT_CONVERSIONS: Final = "ProductSpecificUnitOfMeasureConversions"
"""Of all companies: it has no dataAreaId."""
ORDER_SETTINGS: Final = "ProductDefaultOrderSettings"
VARIANT_ORDER_SETTINGS: Final = "ProductSpecificOrderSettingsV3"

DIMENSIONS: Final = (
    "ProductColorId",
    "ProductConfigurationId",
    "ProductSizeId",
    "ProductStyleId",
    "ProductVersionId",
)
"""Product dimensions in the order of shared.model.Item: colour, configuration, size, style, version."""
COVERAGE_DIMENSIONS: Final = tuple(f"Coverage{name}" for name in DIMENSIONS)
PRICE_DIMENSIONS: Final = (
    "ProductColorId",
    "ProductconfigurationId",
    "ProductSizeId",
    "ProductStyleId",
    "ProductVersionId",
)
"""As SalesPriceAgreements spells them."""

PUBLIC_NAMES: Final = {
    CUSTOMERS: "CustomerV3",
    SALES_ORDERS: "SalesOrderHeaderV4",
    SALES_ORDER_LINES: "SalesOrderLineV3",
    SALES_ORDERS_WITH_LINES: "SalesOrderHeaderV2",
    EXPANDED_LINES: "SalesOrderLine",
    SALES_LINE_PROGRESS: "SalesLineBiEntity",
    WAREHOUSE_LINES: "WHSSalesLineBiEntity",
    PRODUCTS: "ReleasedProductV2",
    VARIANTS: "ReleasedProductVariantV2",
    ON_HAND: "WarehouseOnHandV2",
    ON_HAND_BY_STATUS: "WarehouseInventoryStatusOnHandV2",
    COVERAGE: "ItemCoverageSettingV2",
    TAX_CODES: "TaxCode",
    TAX_RATES: "TaxCodeValueV2",
    TAX_GROUPS: "TaxGroup",
    TAX_GROUP_CODES: "TaxGroupData",
    ITEM_TAX_GROUPS: "TaxItemGroupHeading",
    ITEM_TAX_GROUP_CODES: "TaxItemGroup",
    PAYMENT_JOURNALS: "CustomerPaymentJournalHeader",
    PAYMENT_LINES: "CustomerPaymentJournalLine",
    RETURN_ORDERS: "ReturnOrderHeaderV2",
    RETURN_LINES: "ReturnOrderLineV2",
    SALES_INVOICES: "SalesInvoiceHeaderV4",
    POSTED_INVOICES: "CustInvoiceJourBiEntity",
    INVOICES: "FreeTextInvoiceHeader",
    PACKING_SLIPS: "CustPackingSlipJourBiEntity",
    PACKING_SLIP_LINES: "CustPackingSlipTransBiEntity",
    PACKING_SLIP_VERSIONS: "CustPackingSlipVersionBiEntity",
    SLIP_TRACKING: "PackingSlipTrackingInformationEntity",
    SALES_TABLE: "SalesTableBiEntity",
    CREDIT_HOLDS: "CredManTableBiEntity",
    INVOICE_LINES: "FreeTextInvoiceLine",
    ITEM_STAMPS: "InventTableBiEntity",
    ORDER_SETTINGS: "ProductDefaultOrderSetting",
    VARIANT_ORDER_SETTINGS: "ProductSpecificOrderSettingV3",
    GLOBAL_PRODUCTS: "ProductV2",
    PRODUCT_TEXTS: "ProductTranslation",
    BARCODES: "ProductBarcodeV3",
    ATTRIBUTE_VALUES: "ProductAttributeValueV3",
    CATEGORIES: "ProductCategory",
    PRODUCT_CATEGORIES: "ProductCategoryAssignment",
    ASSORTMENTS: "RetailAssortment",
    ASSORTMENT_LINES: "RetailAssortmentProductLine",
    COUNTRIES: "AddressCountryRegion",
    RELEASED_ATTACHMENTS: "ReleasedProductDocumentAttachment",
    PRODUCT_ATTACHMENTS: "ProductDocumentAttachment",
    MASTER_COLORS: "ProductMasterColor",
    MASTER_CONFIGURATIONS: "ProductMasterConfiguration",
    MASTER_SIZES: "ProductMasterSize",
    MASTER_STYLES: "ProductMasterStyle",
    MASTER_VERSIONS: "ProductMasterVersion",
    COLOR_NAMES: "ProductMasterColorTranslation",
    CONFIGURATION_NAMES: "ProductMasterConfigurationTranslation",
    SIZE_NAMES: "ProductMasterSizeTranslation",
    STYLE_NAMES: "ProductMasterStyleTranslation",
    PRICE_AGREEMENTS: "SalesPriceAgreement",
    LINE_DISCOUNTS: "SalesLineDiscountAgreement",
    PRICE_GROUPS: "PriceCustomerGroup",
    UNIT_CONVERSIONS: "ProductSpecificUnitOfMeasureConversion",
}
"""The public entity behind each set, whose metadata tell its fields. Only that of sales orders is documented: where F&O
does not know a name, every field counts as there.
"""
READ_IF_THERE: Final = {
    PRODUCTS: frozenset({"IsBatchNumberActive", "IsSerialNumberActive", "IsCatchWeightProduct"}),
    **dict.fromkeys((VARIANTS, ON_HAND, ON_HAND_BY_STATUS, SALES_ORDER_LINES, BARCODES), frozenset(DIMENSIONS)),
    COVERAGE: frozenset(
        {
            *COVERAGE_DIMENSIONS,
            "CoverageInventoryStatusId",
            "CoverageItemBatchNumber",
            "CoverageItemSerialNumber",
            "CoverageWarehouseLocationId",
        }
    ),
    PRICE_AGREEMENTS: frozenset({*PRICE_DIMENSIONS, "AttributeBasedPricingId"}),
    **dict.fromkeys((LINE_DISCOUNTS, VARIANT_ORDER_SETTINGS), frozenset(DIMENSIONS)),
}
"""Fields that configuration keys take away: what they tell does not exist then."""
WRITTEN_IF_THERE: Final = {
    CUSTOMERS: frozenset({"AddressDescription", "PrimaryContactEmailDescription", "PrimaryContactPhoneDescription"}),
    SALES_ORDERS: frozenset({"DeliveryAddressDescription", "URL"}),
}
"""Fields for people."""

KEYS: Final[dict[str, tuple[str, ...]]] = {
    CUSTOMERS: ("dataAreaId", "CustomerAccount"),
    SALES_ORDERS: ("dataAreaId", "SalesOrderNumber"),
    SALES_ORDER_LINES: ("dataAreaId", "InventoryLotId"),
    SALES_ORDERS_WITH_LINES: ("dataAreaId", "SalesOrderNumber"),
    EXPANDED_LINES: ("dataAreaId", "InventoryLotId"),
    SALES_LINE_PROGRESS: ("dataAreaId", "SalesId", "LineCreationSequenceNumber"),
    WAREHOUSE_LINES: ("dataAreaId", "InventTransId"),
    PRODUCTS: ("dataAreaId", "ItemNumber"),
    VARIANTS: (
        "dataAreaId",
        "ProductMasterNumber",
        *DIMENSIONS,
    ),
    ON_HAND: (
        "dataAreaId",
        "ItemNumber",
        *DIMENSIONS,
        "InventorySiteId",
        "InventoryWarehouseId",
    ),
    ON_HAND_BY_STATUS: (
        "dataAreaId",
        "ItemNumber",
        *DIMENSIONS,
        "InventorySiteId",
        "InventoryWarehouseId",
        "InventoryStatusId",
    ),
    COVERAGE: (
        "dataAreaId",
        "ItemNumber",
        "CoverageWarehouseLocationId",
        "CoverageItemBatchNumber",
        "CoverageWarehouseId",
        "CoverageItemSerialNumber",
        "CoverageSiteId",
        "CoverageInventoryStatusId",
        *COVERAGE_DIMENSIONS,
    ),
    TAX_CODES: ("dataAreaId", "TaxCode"),
    TAX_RATES: ("dataAreaId", "TaxCodeId", "FromDate", "ToDate", "MinimumLimit", "MaximumLimit"),
    TAX_GROUPS: ("dataAreaId", "TaxGroupCode"),
    TAX_GROUP_CODES: ("dataAreaId", "TaxGroupId", "TaxCodeId"),
    ITEM_TAX_GROUPS: ("dataAreaId", "TaxItemGroup"),
    ITEM_TAX_GROUP_CODES: ("dataAreaId", "TaxItemGroupCode", "TaxCodeId"),
    PAYMENT_JOURNALS: ("dataAreaId", "JournalBatchNumber"),
    PAYMENT_LINES: ("dataAreaId", "JournalBatchNumber", "LineNumber"),
    RETURN_ORDERS: ("dataAreaId", "ReturnOrderNumber"),
    RETURN_LINES: ("dataAreaId", "ReturnOrderNumber", "ReturnInventoryLotId"),
    SALES_INVOICES: ("dataAreaId", "InvoiceNumber", "InvoiceDate", "LedgerVoucher"),
    POSTED_INVOICES: ("dataAreaId", "SourceKey"),
    INVOICES: ("dataAreaId", "InvoiceIdentifier"),
    PACKING_SLIPS: ("dataAreaId", "SourceDocumentHeader"),
    PACKING_SLIP_LINES: ("dataAreaId", "SourceDocumentLine"),
    PACKING_SLIP_VERSIONS: ("CustPackingSlipJour", "VersionDateTime"),
    SLIP_TRACKING: ("dataAreaId", "SalesOrderNumber", "PackingSlipNumber", "DeliveryDate", "TrackingNumber"),
    SALES_TABLE: ("dataAreaId", "SalesId"),
    CREDIT_HOLDS: ("CredManId", "Company"),
    INVOICE_LINES: ("dataAreaId", "LineNumber", "ParentRecId"),
    ITEM_STAMPS: ("dataAreaId", "ItemId"),
    GLOBAL_PRODUCTS: ("ProductNumber",),
    PRODUCT_TEXTS: ("ProductNumber", "LanguageId"),
    BARCODES: (
        "dataAreaId",
        "ItemNumber",
        *DIMENSIONS,
        "ProductQuantityUnitSymbol",
        "BarcodeSetupId",
        "Barcode",
    ),
    ATTRIBUTE_VALUES: ("ProductNumber", "AttributeTypeName", "AttributeName"),
    CATEGORIES: ("ProductCategoryHierarchyName", "CategoryName"),
    PRODUCT_CATEGORIES: ("ProductNumber", "ProductCategoryName", "ProductCategoryHierarchyName"),
    ASSORTMENTS: ("AssortmentID",),
    ASSORTMENT_LINES: ("AssortmentId", "LineNumber", "Status"),
    COUNTRIES: ("CountryRegion",),
    RELEASED_ATTACHMENTS: (
        "dataAreaId",
        "ItemNumber",
        "DocumentAttachmentTypeCode",
        "AttachmentDescription",
        "AttachedDateTime",
    ),
    PRODUCT_ATTACHMENTS: (
        "ProductNumber",
        "DocumentAttachmentTypeCode",
        "AttachmentDescription",
        "AttachedDateTime",
    ),
    MASTER_COLORS: ("ProductMasterNumber", "ProductColorId"),
    MASTER_CONFIGURATIONS: ("ProductMasterNumber", "ProductConfigurationId"),
    MASTER_SIZES: ("ProductMasterNumber", "ProductSizeId"),
    MASTER_STYLES: ("ProductMasterNumber", "ProductStyleId"),
    MASTER_VERSIONS: ("ProductMasterNumber", "ProductVersionId"),
    COLOR_NAMES: ("ProductMasterNumber", "ProductMasterColorId", "LanguageId"),
    CONFIGURATION_NAMES: ("ProductMasterNumber", "ProductMasterConfigurationId", "LanguageId"),
    SIZE_NAMES: ("ProductMasterNumber", "ProductMasterSizeId", "LanguageId"),
    STYLE_NAMES: ("ProductMasterNumber", "ProductMasterStyleId", "LanguageId"),
    PRICE_AGREEMENTS: ("dataAreaId", "RecordId"),
    LINE_DISCOUNTS: ("dataAreaId", "RecordId"),
    PRICE_GROUPS: ("dataAreaId", "GroupCode"),
    UNIT_CONVERSIONS: ("ProductNumber", "FromUnitSymbol", "ToUnitSymbol"),
    ORDER_SETTINGS: ("dataAreaId", "ItemNumber"),
    VARIANT_ORDER_SETTINGS: ("dataAreaId", "ItemNumber", "OperationalSiteId", *DIMENSIONS),
}

_SALES_ORDER: Final = (
    "SalesOrderNumber",
    "CustomersOrderReference",
    "IsSalesProcessingStopped",
    "SalesOrderStatus",
    "SalesOrderProcessingStatus",
)
_SALES_ORDER_LINE: Final = (
    "InventoryLotId",
    "LineNumber",
    "ExternalItemNumber",
    "ItemNumber",
    "OrderedSalesQuantity",
    "LineAmount",
)
_ON_HAND: Final = (
    "ItemNumber",
    *DIMENSIONS,
    "InventorySiteId",
    "InventoryWarehouseId",
    "OnHandQuantity",
    "ReservedOnHandQuantity",
    "AvailableOnHandQuantity",
    "OrderedQuantity",
    "OnOrderQuantity",
)

_ATTACHMENT: Final = (
    "DocumentAttachmentTypeCode",
    "AttachmentDescription",
    "AttachedDateTime",
    "IsProductImage",
    "IsDefaultProductImage",
    "ProductImageUsage",
    "FileType",
    "OriginalFileName",
)
"""Of an attachment: never its bytes, which are read one by one."""
PRICED_PRODUCT: Final = (
    "ItemNumber",
    "ProductNumber",
    "ProductSubType",
    "SalesUnitSymbol",
    "InventoryUnitSymbol",
    "SalesPrice",
    "SalesPriceQuantity",
    "FixedSalesPriceCharges",
    "SalesSalesTaxItemGroupCode",
    "SalesLineDiscountProductGroupCode",
)
"""What prices are computed from, of a row of PRODUCTS."""
PRICED_VARIANT: Final = ("ProductVariantNumber", "ItemNumber", *DIMENSIONS, "SalesSalesTaxItemGroupCode")
"""The same of a row of VARIANTS."""
PRICED_LINE: Final = (
    "SalesId",
    "InventTransId",
    "CustAccount",
    "CurrencyCode",
    "SalesPrice",
    "PriceUnit",
    "SalesQty",
    "SalesUnit",
    "CreatedOn",
    "SysModifiedDateTime",
)
"""What F&O's price on an order line is compared by, of a row of SALES_LINE_PROGRESS."""
PRICED_ORDER: Final = (
    "SalesOrderNumber",
    "PriceCustomerGroupCode",
    "SalesOrderOriginCode",
    "CustomersOrderReference",
)
"""The same of a row of SALES_ORDERS."""
_QUANTITIES: Final = ("MinimumSalesOrderQuantity", "MaximumSalesOrderQuantity", "SalesQuantityMultiples")

READ: Final[dict[str, tuple[str, ...]]] = {
    CUSTOMERS: ("CustomerAccount",),
    **dict.fromkeys((SALES_ORDERS, SALES_ORDERS_WITH_LINES), _SALES_ORDER),
    **dict.fromkeys((SALES_ORDER_LINES, EXPANDED_LINES), _SALES_ORDER_LINE),
    SALES_LINE_PROGRESS: (
        "SalesId",
        "InventTransId",
        "SalesQty",
        "RemainSalesPhysical",
        "RemainSalesFinancial",
        "SalesStatus",
        "SysModifiedDateTime",
    ),
    WAREHOUSE_LINES: ("InventTransId", "ReleasedQty", "OnWave", "OnWaveQty", "PackingQty"),
    PRODUCTS: (
        "ItemNumber",
        "ProductSubType",
        "IsBatchNumberActive",
        "IsSerialNumberActive",
        "IsCatchWeightProduct",
        "InventoryUnitSymbol",
        "SalesUnitSymbol",
    ),
    VARIANTS: ("ProductVariantNumber", "ItemNumber", *DIMENSIONS),
    ON_HAND: _ON_HAND,
    ON_HAND_BY_STATUS: (*_ON_HAND, "InventoryStatusId", "AreWarehouseManagementProcessesUsed"),
    COVERAGE: ("ItemNumber", *COVERAGE_DIMENSIONS, "CoverageWarehouseId", "MinimumOnHandInventoryQuantity"),
    TAX_CODES: ("TaxCode", "TaxBase", "TaxLimitBase", "TaxRoundOff", "TaxRoundOffType", "TaxCurrencyCodeId"),
    TAX_RATES: ("TaxCodeId", "FromDate", "ToDate", "MinimumLimit", "MaximumLimit", "Value"),
    TAX_GROUPS: ("TaxGroupCode", "RoundingBy"),
    TAX_GROUP_CODES: ("TaxGroupId", "TaxCodeId", "ExemptTax", "ReverseCharge"),
    ITEM_TAX_GROUPS: ("TaxItemGroup",),
    ITEM_TAX_GROUP_CODES: ("TaxItemGroupCode", "TaxCodeId", "ExemptTax"),
    PAYMENT_JOURNALS: ("JournalBatchNumber", "Description", "IsPosted"),
    PAYMENT_LINES: (
        "JournalBatchNumber",
        "LineNumber",
        "PaymentId",
        "PaymentReference",
        "CurrencyCode",
        "CreditAmount",
        "DebitAmount",
    ),
    RETURN_ORDERS: ("ReturnOrderNumber", "CustomersOrderReference", "IsReturnProcessingStopped"),
    RETURN_LINES: ("ReturnInventoryLotId", "ReturningInventoryLotId", "ReturnSalesQuantity", "LineAmount"),
    SALES_INVOICES: ("InvoiceNumber", "SalesOrderNumber", "CurrencyCode", "TotalInvoiceAmount", "TotalTaxAmount"),
    POSTED_INVOICES: ("InvoiceId", "SalesId", "SalesType", "InvoiceAmount", "SysModifiedDateTime"),
    INVOICES: ("InvoiceIdentifier", "CustomerReference", "IsPosted"),
    PACKING_SLIPS: ("SourceKey", "PackingSlipId", "SalesType", "DlvMode", "ShipCarrierId", "inventLocationId"),
    PACKING_SLIP_LINES: (
        "PackingSlipId",
        "SalesId",
        "OrigSalesId",
        "InventTransId",
        "ItemId",
        "Qty",
        "DeliveryDate",
        "CreatedOn",
    ),
    PACKING_SLIP_VERSIONS: ("CustPackingSlipJour", "VersionDateTime", "InternalPackingSlipId"),
    SLIP_TRACKING: ("SalesOrderNumber", "PackingSlipNumber", "TrackingNumber", "TrackingURL"),
    SALES_TABLE: (
        "SalesId",
        "CustomerRef",
        "SalesType",
        "SalesStatus",
        "DlvMode",
        "DocumentStatus",
        "MCROrderStopped",
        "CredManInCreditControl",
        "SysModifiedDateTime",
    ),
    CREDIT_HOLDS: ("SalesId", "Active", "Company", "SysModifiedDateTime"),
    INVOICE_LINES: ("LineNumber", "TransactionCurrencyAmount"),
    ITEM_STAMPS: ("ItemId", "SysModifiedDateTime"),
    GLOBAL_PRODUCTS: ("ProductNumber", "HarmonizedSystemCode"),
    PRODUCT_TEXTS: ("ProductNumber", "LanguageId", "ProductName", "Description"),
    BARCODES: ("ItemNumber", *DIMENSIONS, "ProductQuantityUnitSymbol", "BarcodeSetupId", "Barcode"),
    ATTRIBUTE_VALUES: (
        "ProductNumber",
        "AttributeName",
        "DataType",
        "TextValue",
        "DecimalValue",
        "IntegerValue",
        "BooleanValue",
        "DateTimeValue",
        "CurrencyValue",
        "CurrencyCode",
    ),
    CATEGORIES: (
        "ProductCategoryHierarchyName",
        "CategoryName",
        "ParentProductCategoryName",
        "FriendlyCategoryName",
    ),
    PRODUCT_CATEGORIES: ("ProductNumber", "ProductCategoryHierarchyName", "ProductCategoryName"),
    ASSORTMENTS: ("AssortmentID", "Status", "ValidFrom", "ValidTo"),
    ASSORTMENT_LINES: (
        "AssortmentId",
        "Status",
        "LineType",
        "SourceDataAreaId",
        "ItemId",
        "Color",
        "ConfigurationId",
        "Size",
        "Style",
        "CategoryHierarchyName",
        "CategoryName",
    ),
    COUNTRIES: ("CountryRegion", "ISOcode"),
    RELEASED_ATTACHMENTS: ("ItemNumber", *_ATTACHMENT),
    PRODUCT_ATTACHMENTS: ("ProductNumber", *_ATTACHMENT),
    MASTER_COLORS: ("ProductMasterNumber", "ProductColorId", "DisplaySequenceNumber"),
    MASTER_CONFIGURATIONS: ("ProductMasterNumber", "ProductConfigurationId", "DisplaySequenceNumber"),
    MASTER_SIZES: ("ProductMasterNumber", "ProductSizeId", "DisplaySequenceNumber"),
    MASTER_STYLES: ("ProductMasterNumber", "ProductStyleId", "DisplaySequenceNumber"),
    MASTER_VERSIONS: ("ProductMasterNumber", "ProductVersionId", "DisplaySequenceNumber"),
    COLOR_NAMES: ("ProductMasterNumber", "ProductMasterColorId", "LanguageId", "TranslatedColorName"),
    CONFIGURATION_NAMES: (
        "ProductMasterNumber",
        "ProductMasterConfigurationId",
        "LanguageId",
        "TranslatedConfigurationName",
    ),
    SIZE_NAMES: ("ProductMasterNumber", "ProductMasterSizeId", "LanguageId", "TranslatedSizeName"),
    STYLE_NAMES: ("ProductMasterNumber", "ProductMasterStyleId", "LanguageId", "TranslatedStyleName"),
    PRICE_AGREEMENTS: (
        "RecordId",
        "ItemNumber",
        *PRICE_DIMENSIONS,
        "CustomerAccountNumber",
        "PriceCustomerGroupCode",
        "PriceCurrencyCode",
        "QuantityUnitySymbol",
        "FromQuantity",
        "ToQuantity",
        "PriceApplicableFromDate",
        "PriceApplicableToDate",
        "PriceSiteId",
        "PriceWarehouseId",
        "WillSearchContinue",
        "IsGenericCurrencySearchEnabled",
        "AttributeBasedPricingId",
        "Price",
        "SalesPriceQuantity",
        "FixedPriceCharges",
    ),
    LINE_DISCOUNTS: (
        "RecordId",
        "ItemNumber",
        *DIMENSIONS,
        "LineDiscountProductGroupCode",
        "CustomerAccountNumber",
        "LineDiscountCustomerGroupCode",
        "DiscountCurrencyCode",
        "QuantityUnitSymbol",
        "FromQuantity",
        "ToQuantity",
        "DiscountApplicableFromDate",
        "DiscountApplicableToDate",
        "DiscountSiteId",
        "DiscountWarehouseId",
        "WillSearchContinue",
        "DiscountAmount",
        "DiscountPercentage1",
        "DiscountPercentage2",
    ),
    PRICE_GROUPS: ("GroupCode", "PricingPriority"),
    UNIT_CONVERSIONS: (
        "ProductNumber",
        "FromUnitSymbol",
        "ToUnitSymbol",
        "Factor",
        "Numerator",
        "Denominator",
        "InnerOffset",
        "OuterOffset",
    ),
    ORDER_SETTINGS: ("ItemNumber", "IsSalesProcessingStopped", *_QUANTITIES),
    VARIANT_ORDER_SETTINGS: (
        "ItemNumber",
        *DIMENSIONS,
        "OperationalSiteId",
        "AreSalesDefaultOrderSettingsOverridden",
        "IsSalesProcessingStopped",
        *_QUANTITIES,
    ),
}
