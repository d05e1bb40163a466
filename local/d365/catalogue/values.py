"""The values of a master's dimensions."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from itertools import count
from typing import Final

from local.d365 import product_sets as sets
from local.d365.catalogue.part import Part
from local.d365.catalogue.records import CatalogueError, changed
from local.d365.edm import Value
from local.d365.product_sets import DIMENSION_TABLES
from local.d365.world import DIMENSIONS
from local.d365.world_products import ValueData

_MISSPELT: Final = (sets.PRICES, "ProductConfigurationId")
"""Where F&O's metadata has a small letter."""


class Values(Part):
    def add_values(self, master: str, dimension: str, values: Iterable[ValueData]) -> None:
        """Behind those that the master has, each with its names by language."""
        tables = DIMENSION_TABLES[dimension]
        if self._product(master).values["ProductSubType"] != "ProductMaster":
            raise CatalogueError(f"product {master} is no master: it has no dimensions")
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
        """Gives a value another id, wherever it is part of a key, and in trade agreements."""
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
                for set_name in (sets.BARCODES, sets.SPECIFIC_ORDER_SETTINGS, sets.DISCOUNTS, sets.PRICES):
                    field = "ProductconfigurationId" if (set_name, dimension) == _MISSPELT else dimension
                    key: dict[str, Value] = {"dataAreaId": company, "ItemNumber": number, field: old}
                    self._rekey(set_name, key, {field: new})
            at = DIMENSIONS.index(dimension)
            self._books.rename_dimension(master, items, at, old, new)

    def _rekey(self, set_name: str, where: Mapping[str, Value], changes: Mapping[str, Value]) -> None:
        """Changes key fields of the records that have these values."""
        rows, entity_set = self._books.rows(set_name), self._books.schema.sets[set_name]
        for key, row in rows.items():
            if all(row.values[name] == value for name, value in where.items()):
                rows.remove(key)
                self._books.replace(entity_set, row, changed(self._books, set_name, row, changes))
