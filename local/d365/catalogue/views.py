"""Sets of products that F&O computes from its tables, and what it adds to those that it stores."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final

from local.d365 import product_sets as sets
from local.d365.books import Books, folded
from local.d365.catalogue.records import Show, text_of
from local.d365.edm import Value, Values
from local.d365.entities import View
from local.d365.item_stamps import ITEM_FIELDS, MODULE_FIELDS, ItemStamps
from local.d365.tables import Row, RowKey, SparseValues
from local.d365.world import DIMENSIONS, Item

_MASTER_FIELDS: Final = (
    "NMFCCode",
    "ProductType",
    "ProductStyleGroupId",
    "STCCCode",
    "IsProductVariantUnitConversionEnabled",
    "AreIdenticalConfigurationsAllowed",
    "StorageDimensionGroupName",
    "IsAutomaticVariantGenerationEnabled",
    "ProductSizeGroupId",
    "VariantConfigurationTechnology",
    "ProductDimensionGroupName",
    "IsProductKit",
    "IsCatchWeightProduct",
    "ProductColorGroupId",
    "RetailProductCategoryName",
    "ProductSearchName",
    "TrackingDimensionGroupName",
    "HarmonizedSystemCode",
)
"""That ProductMasters and ProductsV2 have both."""
_BARCODE_FIELDS: Final = (
    "dataAreaId",
    "ProductQuantityUnitSymbol",
    "BarcodeSetupId",
    "Barcode",
    "ProductDescription",
    "ProductQuantity",
    "IsDefaultScannedBarcode",
    "IsDefaultDisplayedBarcode",
    "IsDefaultPrintedBarcode",
)


class StoredSet(View):
    """A set over a table of its own that OData only reads. `show` adds what other tables have about a record."""

    def __init__(self, books: Books, name: str, show: Show | None = None) -> None:
        super().__init__(books.schema.sets[name], self._shown)
        self._books = books
        self._name = name
        self._show = show

    def _shown(self) -> Iterable[Row]:
        rows = self._books.rows(self._name)
        return rows if self._show is None else (self._show(self._books, row) for row in rows)

    def find(self, key: RowKey) -> Row | None:
        row = self._books.rows(self._name).get(folded(key))
        return row if row is None or self._show is None else self._show(self._books, row)


def with_product_text(books: Books, row: Row) -> Row:
    """ProductsV2 and ProductVariantsV2, with name and description."""
    number = row.values.get("ProductVariantNumber") or row.values["ProductNumber"]
    name, description = text_of(books, str(number))
    return _with(row, {"ProductName": name, "ProductDescription": description})


def masters(books: Books) -> Iterator[Row]:
    """ProductMasters: the masters of ProductsV2."""
    for row in books.rows(sets.PRODUCTS):
        if row.values["ProductSubType"] == "ProductMaster":
            number = row.values["ProductNumber"]
            name, description = text_of(books, str(number))
            taken = {field: row.values[field] for field in _MASTER_FIELDS}
            texts: dict[str, Value] = {"ProductNumber": number, "ProductName": name, "ProductDescription": description}
            yield _seen(books, sets.MASTERS, row, texts | taken)


def barcodes_by_product(books: Books) -> Iterator[Row]:
    """ProductNumberIdentifiedBarcodes: the same barcodes by the number of the product or of the variant."""
    numbers: dict[tuple[str, str], Mapping[tuple[Value, ...], str]] = {}
    for row in books.rows(sets.BARCODES):
        company, number = str(row.values["dataAreaId"]), str(row.values["ItemNumber"])
        item = books.item(company, number)
        if item is None:
            continue
        variants = numbers.setdefault((company, number), _by_dimensions(item))
        product = variants.get(tuple(row.values[name] for name in DIMENSIONS), _product_of(books, item))
        taken = {field: row.values[field] for field in _BARCODE_FIELDS}
        yield _seen(books, sets.BARCODES_BY_PRODUCT, row, taken | {"ProductNumber": product})


def sellable(books: Books) -> Iterator[Row]:
    """SellableReleasedProducts: products without variants, and variants. Empty where nobody set up dual-write."""
    if not books.tenant.dual_write:
        return
    for row in books.rows(sets.RELEASED_PRODUCTS):
        released, company = row.values, str(row.values["dataAreaId"])
        item = books.item(company, released["ItemNumber"])
        if item is None or (released["ProductSubType"] == "ProductMaster" and not item.variants):
            continue
        settings = books.find(sets.ORDER_SETTINGS, company, item.number)
        common: dict[str, Value] = {
            "dataAreaId": company,
            "ProductType": released["ProductType"],
            "IsStockedProduct": "Yes" if item.stocked else "No",
            "IsSalesStopped": "No" if settings is None else settings.values["IsSalesProcessingStopped"],
            "SalesPrice": released["SalesPrice"],
            "CurrencyCode": books.world.companies[company].currency,
            "UnitCost": released["UnitCost"],
            "SalesUnitSymbol": released["SalesUnitSymbol"],
            "InventoryUnitSymbol": released["InventoryUnitSymbol"],
        }
        for number in item.variants or (released["ProductNumber"],):
            name, description = text_of(books, str(number))
            texts: dict[str, Value] = {"ProductNumber": number, "ProductName": name, "ProductDescription": description}
            yield _seen(books, sets.SELLABLE, row, common | texts)


def item_table(books: Books) -> Iterator[Row]:
    """InventTableBiEntities: F&O's table of items, with the stamp of its own fields."""
    for key, row in books.rows(sets.RELEASED_PRODUCTS).items():
        product = books.find(sets.PRODUCTS, row.values["ProductNumber"])
        own: dict[str, Value] = {theirs: row.values[ours] for ours, theirs in ITEM_FIELDS.items()}
        own |= {
            "ItemId": row.values["ItemNumber"],
            "ItemType": row.values["ProductType"],
            "Product": 0 if product is None else product.record_id,
        }
        yield _stamped(books, sets.ITEM_TABLE, row, own, _stamps(books, key, row).item)


def item_modules(books: Books) -> Iterator[Row]:
    """InventTableModuleBiEntities: price, unit and tax group for inventory, purchase and sales, each with its stamp."""
    for key, row in books.rows(sets.RELEASED_PRODUCTS).items():
        stamps = _stamps(books, key, row)
        for module, fields in MODULE_FIELDS.items():
            own: dict[str, Value] = {theirs: row.values[ours] for ours, theirs in fields.items()}
            own |= {"ItemId": row.values["ItemNumber"], "ModuleType": module}
            yield _stamped(books, sets.ITEM_MODULES, row, own, stamps.modules[module])


VIEWS: Final[Mapping[str, Callable[[Books], Iterator[Row]]]] = MappingProxyType(
    {
        sets.MASTERS: masters,
        sets.BARCODES_BY_PRODUCT: barcodes_by_product,
        sets.SELLABLE: sellable,
        sets.ITEM_TABLE: item_table,
        sets.ITEM_MODULES: item_modules,
    },
)
SHOWN: Final[Mapping[str, Show]] = MappingProxyType(
    {
        sets.PRODUCTS: with_product_text,
        sets.VARIANTS: with_product_text,
        sets.RELEASED_VARIANTS: with_product_text,
    },
)


def _by_dimensions(item: Item) -> Mapping[tuple[Value, ...], str]:
    return {dimensions: number for number, dimensions in item.variants.items()}


def _product_of(books: Books, item: Item) -> Value:
    row = books.find(sets.RELEASED_PRODUCTS, item.company, item.number)
    return item.number if row is None else row.values["ProductNumber"]


def _stamps(books: Books, key: RowKey, row: Row) -> ItemStamps:
    return books.item_stamps.get(key) or ItemStamps.of_new(row.created)


def _stamped(books: Books, set_name: str, row: Row, values: Values, modified: datetime) -> Row:
    kernel: dict[str, Value] = {
        "dataAreaId": row.values["dataAreaId"],
        "SysDataAreaId": row.values["dataAreaId"],
        "SourceKey": row.record_id,
        "SysCreatedDateTime": row.created.replace(microsecond=0),
        "SysModifiedDateTime": modified.replace(microsecond=0),
    }
    return _seen(books, set_name, row, {**kernel, **values})


def _seen(books: Books, set_name: str, row: Row, values: Values) -> Row:
    return Row(books.record(set_name, values), row.record_id, row.version, row.created, row.modified)


def _with(row: Row, changes: Values) -> Row:
    values = row.values
    values = values.changed(changes) if isinstance(values, SparseValues) else {**values, **changes}
    return Row(values, row.record_id, row.version, row.created, row.modified)
