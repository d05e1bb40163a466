"""What is said and shown of a product: texts, attributes, categories, barcodes, pictures."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from local.d365 import product_sets as sets
from local.d365.catalogue.part import Part
from local.d365.catalogue.records import CatalogueError, write_record
from local.d365.edm import Value
from local.d365.product_sets import SYSTEM_LANGUAGE
from local.d365.tables import Row
from local.d365.world import DIMENSIONS, UNIT

BARCODE_SETUP: Final = "EAN13"
_VALUE_FIELDS: Final = {
    "Currency": "CurrencyValue",
    "DateTime": "DateTimeValue",
    "Decimal": "DecimalValue",
    "Integer": "IntegerValue",
    "Text": "TextValue",
    "TrueFalse": "BooleanValue",
}
"""Of an attribute's value, by its data type."""


class Contents(Part):
    def set_text(self, product: str, language: str, name: str, description: str = "") -> None:
        self.write(sets.TEXTS, _text(product, language, name, description))

    def _add_text(self, product: str, language: str, name: str, description: str = "") -> None:
        """Of a product that no company has yet, whose name is nowhere else."""
        write_record(self._books, sets.TEXTS, _text(product, language, name, description))

    def write(self, set_name: str, raw: Mapping[str, Any]) -> Row:
        """What a person types into a form: a new record, or fields of the one that has this key."""
        row = write_record(self._books, set_name, raw)
        if set_name == sets.TEXTS and str(row.values["LanguageId"]).casefold() == SYSTEM_LANGUAGE.casefold():
            for released in self._books.rows(sets.RELEASED_PRODUCTS):
                item = self._books.item(str(released.values["dataAreaId"]), released.values["ItemNumber"])
                if item is not None and released.values["ProductNumber"] == row.values["ProductNumber"]:
                    self._books.put_item(replace(item, name=str(row.values["ProductName"])))
        return row

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


def _text(product: str, language: str, name: str, description: str) -> dict[str, str]:
    return {"ProductNumber": product, "LanguageId": language, "ProductName": name, "Description": description}
