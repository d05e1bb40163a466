"""What people of the product department do: create products, release and approve them, and stop them again."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from itertools import count
from typing import Any, Final

from local.d365 import product_sets as sets
from local.d365.books import Books
from local.d365.catalogue.pictures import picture
from local.d365.catalogue.records import CatalogueError, changed, is_product, put, typed_fields, write_record
from local.d365.csdl import EntitySet
from local.d365.edm import Value
from local.d365.product_sets import DIMENSION_TABLES, SYSTEM_LANGUAGE
from local.d365.tables import Row
from local.d365.world import DIMENSIONS, UNIT, Item
from local.d365.world_products import ProductData, ReleaseData, ValueData, VariantData

BARCODE_SETUP: Final = "EAN13"
_GROUP_ORDER: Final = ("Size", "Color", "Style", "Configuration", "Version")
_VALUE_FIELDS: Final = {
    "Currency": "CurrencyValue",
    "DateTime": "DateTimeValue",
    "Decimal": "DecimalValue",
    "Integer": "IntegerValue",
    "Text": "TextValue",
    "TrueFalse": "BooleanValue",
}
"""Of an attribute's value, by its data type."""


class Catalogue:
    """Raises CatalogueError, and then nothing has happened."""

    def __init__(self, books: Books) -> None:
        self._books = books

    def create(self, product: ProductData) -> None:
        """A product with its texts, the values of its dimensions, its variants, attributes and categories."""
        if is_product(self._books, product.number):
            raise CatalogueError(f"product {product.number} exists already")
        with self._books.journal.change_set():
            name = product.texts[SYSTEM_LANGUAGE].name
            self._put(
                sets.PRODUCTS,
                {
                    "ProductNumber": product.number,
                    "ProductSearchName": name,
                    "ProductType": "Item" if product.stocked else "Service",
                    "ProductSubType": "ProductMaster" if product.is_master else "Product",
                    "ProductDimensionGroupName": _dimension_group(product.values),
                    "StorageDimensionGroupName": "SiteWh",
                    "TrackingDimensionGroupName": "None",
                    "VariantConfigurationTechnology": "PredefinedVariants" if product.is_master else None,
                    **typed_fields(self._books, sets.PRODUCTS, product.fields),
                },
            )
            for language, text in product.texts.items():
                self.set_text(product.number, language, text.name, text.description)
            for dimension, values in product.values.items():
                self.add_values(product.number, dimension, values)
            self._create_variants(product.number, product.variants)
            for attribute, value in product.attributes.items():
                self.set_attribute(product.number, attribute, value)
            for hierarchy, category in product.categories:
                self.assign_category(product.number, hierarchy, category)

    def set_text(self, product: str, language: str, name: str, description: str = "") -> None:
        raw = {"ProductNumber": product, "LanguageId": language, "ProductName": name, "Description": description}
        self.write(sets.TEXTS, raw)

    def write(self, set_name: str, raw: Mapping[str, Any]) -> Row:
        """What a person types into a form: a new record, or fields of the one that has this key."""
        row = write_record(self._books, set_name, raw)
        if set_name == sets.TEXTS and str(row.values["LanguageId"]).casefold() == SYSTEM_LANGUAGE.casefold():
            for released in self._books.rows(sets.RELEASED_PRODUCTS):
                item = self._books.item(str(released.values["dataAreaId"]), released.values["ItemNumber"])
                if item is not None and released.values["ProductNumber"] == row.values["ProductNumber"]:
                    self._books.put_item(replace(item, name=str(row.values["ProductName"])))
        return row

    def add_values(self, master: str, dimension: str, values: Iterable[ValueData]) -> None:
        """Behind those that the master has, each with its names by language."""
        tables = DIMENSION_TABLES[dimension]
        held = [row.values for row in self._books.rows(tables.values) if row.values["ProductMasterNumber"] == master]
        start = max((int(Decimal(str(each["DisplaySequenceNumber"]))) for each in held), default=0) + 1
        for value, number in zip(values, count(start), strict=False):
            self._put(
                tables.values,
                {"ProductMasterNumber": master, dimension: value.id, "DisplaySequenceNumber": Decimal(number)},
            )
            for language, name in value.names.items():
                if not tables.translations:
                    raise CatalogueError(f"F&O translates no values of {dimension}")
                key: dict[str, Value] = {"ProductMasterNumber": master, tables.value_key: value.id}
                self._put(tables.translations, {**key, "LanguageId": language, tables.name: name})

    def rename_value(self, master: str, dimension: str, old: str, new: str) -> None:
        """Gives a value another id, which is part of keys: in the values, their names, variants and barcodes."""
        tables = DIMENSION_TABLES[dimension]
        if self._books.find(tables.values, master, old) is None:
            raise CatalogueError(f"product {master} has no {dimension} {old}")
        if self._books.find(tables.values, master, new) is not None:
            raise CatalogueError(f"product {master} has {dimension} {new} already")
        items = {
            (str(row.values["dataAreaId"]), str(row.values["ItemNumber"]))
            for row in self._books.rows(sets.RELEASED_PRODUCTS)
            if row.values["ProductNumber"] == master
        }
        if any((place.company, place.item) in items for place, _ in self._books.stock.items()):
            raise CatalogueError(f"product {master} has stock: renaming what it is counted by is not simulated")
        with self._books.journal.change_set():
            for set_name in (tables.values, sets.VARIANTS, sets.RELEASED_VARIANTS):
                self._rekey(set_name, {"ProductMasterNumber": master, dimension: old}, {dimension: new})
            if tables.translations:
                names = {"ProductMasterNumber": master, tables.value_key: old}
                self._rekey(tables.translations, names, {tables.value_key: new})
            for company, number in items:
                for set_name in (sets.BARCODES, sets.SPECIFIC_ORDER_SETTINGS):
                    key: dict[str, Value] = {"dataAreaId": company, "ItemNumber": number, dimension: old}
                    self._rekey(set_name, key, {dimension: new})
            at = DIMENSIONS.index(dimension)
            self._books.rename_dimension(master, items, at, old, new)

    def add_variants(self, master: str, variants: Collection[VariantData]) -> None:
        """New variants of a master, released in every company that has it."""
        product = self._product(master)
        for variant in variants:
            for dimension, value in zip(DIMENSIONS, variant.dimensions, strict=True):
                if value and self._books.find(DIMENSION_TABLES[dimension].values, master, value) is None:
                    raise CatalogueError(f"product {master} has no {dimension} {value}")
        with self._books.journal.change_set():
            self._create_variants(master, variants)
            for row in self._books.rows(sets.RELEASED_PRODUCTS):
                if row.values["ProductNumber"] == product.values["ProductNumber"]:
                    self._release_variants(row, variants)

    def add(self, product: ProductData, release: ReleaseData) -> None:
        """Creates the product, unless there is one of its number, and releases it with its variants."""
        with self._books.journal.change_set():
            if self._books.find(sets.PRODUCTS, product.number) is None:
                self.create(product)
            self.release(product.number, release, product.variants)

    def release(self, product: str, release: ReleaseData, variants: Collection[VariantData] = ()) -> None:
        """Releases the product in a company, and all variants that it has; `variants` give more about some of them."""
        found, company = self._product(product), release.company
        item = release.item or str(found.values["ProductNumber"])
        if company not in self._books.world.companies:
            raise CatalogueError(f"there is no company {company}")
        if self._books.find(sets.RELEASED_PRODUCTS, company, item) is not None:
            raise CatalogueError(f"company {company} has item {item} already")
        name = self._name(product)
        with self._books.journal.change_set():
            self._put(
                sets.RELEASED_PRODUCTS,
                {
                    "dataAreaId": company,
                    "ItemNumber": item,
                    "ProductNumber": found.values["ProductNumber"],
                    # F&O cuts the search name short and writes it in capitals.
                    "SearchName": name.upper()[:20],
                    "ProductSearchName": name,
                    **{
                        field: found.values[field]
                        for field in (
                            "ProductType",
                            "ProductSubType",
                            "ProductDimensionGroupName",
                            "StorageDimensionGroupName",
                            "TrackingDimensionGroupName",
                        )
                    },
                    "ProductLifecycleStateId": release.state,
                    "InventoryUnitSymbol": UNIT,
                    "PurchaseUnitSymbol": UNIT,
                    "SalesUnitSymbol": UNIT,
                    "SalesPrice": release.price,
                    "SalesPriceQuantity": Decimal(1),
                    "SalesSalesTaxItemGroupCode": release.tax_item_group,
                    "BarcodeSetupId": BARCODE_SETUP,
                    **typed_fields(self._books, sets.RELEASED_PRODUCTS, release.fields),
                },
            )
            settings = typed_fields(self._books, sets.ORDER_SETTINGS, release.order_settings)
            self._put(sets.ORDER_SETTINGS, {"dataAreaId": company, "ItemNumber": item, **settings})
            row = self._books.find(sets.RELEASED_PRODUCTS, company, item)
            assert row is not None
            self._books.put_item(
                Item(
                    company=company,
                    number=item,
                    name=name,
                    price=release.price,
                    tax_item_group=release.tax_item_group,
                    stocked=found.values["ProductType"] == "Item",
                    variants={},
                ),
            )
            known = {variant.number: variant for variant in variants}
            every = self._books.variants_of_product(str(found.values["ProductNumber"]))
            self._release_variants(row, [known.get(each) or VariantData(each, ids) for each, ids in every.items()])
            if release.barcode:
                self.add_barcode(company, item, release.barcode)
            for position, image in enumerate(release.images):
                content = image.content or picture(image.color)
                self.attach_image(company, item, image.file, content, is_default=position == 0)

    def add_barcode(self, company: str, item: str, barcode: str, variant: str = "", unit: str = UNIT) -> None:
        released = self._books.item(company, item)
        if released is None or (variant and variant not in released.variants):
            raise CatalogueError(f"company {company} has no item {item} {variant}".rstrip())
        dimensions = released.variants[variant] if variant else ("",) * len(DIMENSIONS)
        self._put(
            sets.BARCODES,
            {
                "dataAreaId": company,
                "ItemNumber": released.number,
                **dict(zip(DIMENSIONS, dimensions, strict=True)),
                "ProductQuantityUnitSymbol": unit,
                "BarcodeSetupId": BARCODE_SETUP,
                "Barcode": barcode,
                "ProductDescription": released.name,
            },
        )

    def attach_image(self, company: str, item: str, file: str, content: str, *, is_default: bool = False) -> None:
        """`content` is base64 of the file."""
        stem, _, kind = file.rpartition(".")
        write_record(
            self._books,
            sets.RELEASED_ATTACHMENTS,
            {
                "dataAreaId": company,
                "ItemNumber": item,
                "DocumentAttachmentTypeCode": "Image",
                "AttachmentDescription": stem or file,
                "OriginalFileName": file,
                "FileType": kind,
                "IsProductImage": "Yes",
                "IsDefaultProductImage": "Yes" if is_default else "No",
                "Attachment": content,
            },
        )

    def set_attribute(self, product: str, attribute: str, value: Any) -> None:
        """The value of an attribute that is defined, in the field of its data type."""
        rows = self._books.rows(sets.ATTRIBUTES)
        defined = next((row.values for row in rows if row.values["AttributeName"] == attribute), None)
        if defined is None:
            raise CatalogueError(f"there is no attribute {attribute}")
        field = _VALUE_FIELDS.get(str(defined["DataType"]))
        if field is None:
            raise CatalogueError(f"attribute {attribute} has values of other tables")
        shown = ("Yes" if value else "No") if field == "BooleanValue" and isinstance(value, bool) else value
        currency = {"CurrencyCode": defined["DefaultCurrencyCode"]} if field == "CurrencyValue" else {}
        raw = {
            "ProductNumber": product,
            "AttributeTypeName": defined["ProductAttributeTypeName"],
            "AttributeName": attribute,
            "DataType": defined["DataType"],
            field: shown,
            **currency,
        }
        write_record(self._books, sets.ATTRIBUTE_VALUES, raw)

    def assign_category(self, product: str, hierarchy: str, category: str) -> None:
        """In a hierarchy a product has one category: that of before goes."""
        if self._books.find(sets.CATEGORIES, hierarchy, category) is None:
            raise CatalogueError(f"hierarchy {hierarchy} has no category {category}")
        assigned = self._books.rows(sets.ASSIGNMENTS)
        for key, row in assigned.items():
            if (row.values["ProductNumber"], row.values["ProductCategoryHierarchyName"]) == (product, hierarchy):
                assigned.remove(key)
        values: dict[str, Value] = {"ProductNumber": product, "ProductCategoryName": category}
        self._put(sets.ASSIGNMENTS, {**values, "ProductCategoryHierarchyName": hierarchy})

    def set_state(self, company: str, item: str, state: str, variants: Collection[str] | None = None) -> None:
        """
        Gives a lifecycle state to the item and all its variants (as `UpdateProductVariantLifecycleState` does), or only
        to the named variants.
        """
        released = self._released(company, item)
        if state and self._books.find(sets.STATES, state) is None:
            raise CatalogueError(f"there is no lifecycle state {state}")
        rows = self._variant_rows(company, item)
        unknown = set(variants or ()) - rows.keys()
        if unknown:
            raise CatalogueError(f"item {item} has no variant {', '.join(sorted(unknown))}")
        with self._books.journal.change_set():
            if variants is None:
                self._change(sets.RELEASED_PRODUCTS, released, {"ProductLifecycleStateId": state})
            for number, row in rows.items():
                if variants is None or number in variants:
                    self._change(sets.RELEASED_VARIANTS, row, {"ProductLifecycleStateId": state})

    def stop(self, company: str, item: str, *, stopped: bool, variant: str = "", site: str = "") -> None:
        """Stops sales of an item, or lets it be sold again; of one variant or one site by order settings of its own."""
        released = self._books.item(company, item)
        if released is None or (variant and variant not in released.variants):
            raise CatalogueError(f"company {company} has no item {item} {variant}".rstrip())
        flag: dict[str, Value] = {"IsSalesProcessingStopped": "Yes" if stopped else "No"}
        key: dict[str, Value] = {"dataAreaId": company, "ItemNumber": released.number}
        if not variant and not site:
            self._put(sets.ORDER_SETTINGS, key | flag)
            return
        dimensions = released.variants[variant] if variant else ("",) * len(DIMENSIONS)
        key |= {"OperationalSiteId": site, **dict(zip(DIMENSIONS, dimensions, strict=True))}
        self._put(sets.SPECIFIC_ORDER_SETTINGS, key | {"AreSalesDefaultOrderSettingsOverridden": "Yes"} | flag)

    def _create_variants(self, master: str, variants: Collection[VariantData]) -> None:
        for variant in variants:
            if is_product(self._books, variant.number):
                raise CatalogueError(f"product {variant.number} exists already")
            self._put(
                sets.VARIANTS,
                {
                    "ProductMasterNumber": master,
                    **dict(zip(DIMENSIONS, variant.dimensions, strict=True)),
                    "ProductVariantNumber": variant.number,
                    "ProductSearchName": variant.number,
                },
            )
            if variant.name:
                self.set_text(variant.number, SYSTEM_LANGUAGE, variant.name)
        self._books.put_variants(master, {variant.number: variant.dimensions for variant in variants})

    def _release_variants(self, released: Row, variants: Collection[VariantData]) -> None:
        company, item = str(released.values["dataAreaId"]), str(released.values["ItemNumber"])
        known = self._books.item(company, item)
        assert known is not None
        added = {variant.number: variant.dimensions for variant in variants}
        self._books.put_item(replace(known, variants={**known.variants, **added}))
        for variant in variants:
            own = released.values["ProductLifecycleStateId"] if variant.state is None else variant.state
            self._put(
                sets.RELEASED_VARIANTS,
                {
                    "dataAreaId": company,
                    "ProductMasterNumber": released.values["ProductNumber"],
                    "ItemNumber": item,
                    "ProductVariantNumber": variant.number,
                    "ProductSearchName": variant.number,
                    "ProductLifecycleStateId": own,
                    "SalesSalesTaxItemGroupCode": released.values["SalesSalesTaxItemGroupCode"],
                    **dict(zip(DIMENSIONS, variant.dimensions, strict=True)),
                },
            )
            if variant.barcode:
                self.add_barcode(company, item, variant.barcode, variant.number)

    def _product(self, number: str) -> Row:
        row = self._books.find(sets.PRODUCTS, number)
        if row is None:
            raise CatalogueError(f"there is no product {number}")
        return row

    def _released(self, company: str, item: str) -> Row:
        row = self._books.find(sets.RELEASED_PRODUCTS, company, item)
        if row is None:
            raise CatalogueError(f"company {company} has no item {item}")
        return row

    def _name(self, product: str) -> str:
        row = self._books.find(sets.TEXTS, product, SYSTEM_LANGUAGE)
        return product if row is None else str(row.values["ProductName"])

    def _variant_rows(self, company: str, item: str) -> Mapping[str, Row]:
        released = self._books.item(company, item)
        rows = {}
        for number, dimensions in (released.variants if released is not None else {}).items():
            color, configuration, size, style, version = dimensions
            master = self._released(company, item).values["ProductNumber"]
            key = (company, master, configuration, size, color, style, version)
            row = self._books.find(sets.RELEASED_VARIANTS, *key)
            if row is not None:
                rows[number] = row
        return rows

    def _change(self, set_name: str, row: Row, changes: Mapping[str, Value]) -> None:
        put(self._books, set_name, {**{name: row.values[name] for name in self._set(set_name).keys}, **changes})

    def _set(self, set_name: str) -> EntitySet:
        return self._books.schema.sets[set_name]

    def _rekey(self, set_name: str, where: Mapping[str, Value], changes: Mapping[str, Value]) -> None:
        """Changes key fields of the records that have these values."""
        rows, entity_set = self._books.rows(set_name), self._set(set_name)
        for key, row in rows.items():
            if all(row.values[name] == value for name, value in where.items()):
                rows.remove(key)
                self._books.replace(entity_set, row, changed(self._books, set_name, row, changes))

    def _put(self, set_name: str, values: Mapping[str, Value]) -> None:
        put(self._books, set_name, values)


def _dimension_group(dimensions: Collection[str]) -> str:
    return "".join(kind for kind in _GROUP_ORDER if f"Product{kind}Id" in dimensions)
