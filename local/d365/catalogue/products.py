"""What people of the product department do: create products, release them, approve them and stop them again."""

from collections.abc import Collection
from dataclasses import replace
from decimal import Decimal
from typing import Final

from local.d365 import product_sets as sets
from local.d365.catalogue.approval import Approval
from local.d365.catalogue.contents import BARCODE_SETUP, Contents
from local.d365.catalogue.pictures import picture
from local.d365.catalogue.records import CatalogueError, is_product, typed_fields
from local.d365.catalogue.values import Values
from local.d365.product_sets import DIMENSION_TABLES, SYSTEM_LANGUAGE
from local.d365.tables import Row
from local.d365.world import DIMENSIONS, UNIT, Item
from local.d365.world_products import ProductData, ReleaseData, VariantData

_GROUP_ORDER: Final = ("Size", "Color", "Style", "Configuration", "Version")


class Catalogue(Contents, Values, Approval):
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
                self._add_text(product.number, language, text.name, text.description)
            for dimension, values in product.values.items():
                self.add_values(product.number, dimension, values)
            self._create_variants(product.number, product.variants)
            for attribute, value in product.attributes.items():
                self.set_attribute(product.number, attribute, value)
            for hierarchy, category in product.categories:
                self.assign_category(product.number, hierarchy, category)

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
                self._add_text(variant.number, SYSTEM_LANGUAGE, variant.name)
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

    def _name(self, product: str) -> str:
        row = self._books.find(sets.TEXTS, product, SYSTEM_LANGUAGE)
        return product if row is None else str(row.values["ProductName"])


def _dimension_group(dimensions: Collection[str]) -> str:
    return "".join(kind for kind in _GROUP_ORDER if f"Product{kind}Id" in dimensions)
