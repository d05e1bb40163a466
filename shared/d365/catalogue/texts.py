"""Names and descriptions of products by language, and the values of their options."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from sys import intern
from typing import Final, NamedTuple

from shared.d365.catalogue.asked import CatalogueNeeds, CatalogueSource
from shared.d365.entities import (
    COLOR_NAMES,
    CONFIGURATION_NAMES,
    MASTER_COLORS,
    MASTER_CONFIGURATIONS,
    MASTER_SIZES,
    MASTER_STYLES,
    MASTER_VERSIONS,
    PRODUCT_TEXTS,
    SIZE_NAMES,
    STYLE_NAMES,
)
from shared.d365.odata.filters import any_of
from shared.model.fo_product import FoText, FoValue

_MASTER: Final = "ProductMasterNumber"


class _ValueSets(NamedTuple):
    """Where F&O has the values of a dimension, and their names. Versions have none."""

    values: str
    names: str = ""
    id_field: str = ""
    name_field: str = ""
    """Both of the set of names."""


_OF_DIMENSION: Final[Mapping[str, _ValueSets]] = {
    "ProductColorId": _ValueSets(MASTER_COLORS, COLOR_NAMES, "ProductMasterColorId", "TranslatedColorName"),
    "ProductConfigurationId": _ValueSets(
        MASTER_CONFIGURATIONS, CONFIGURATION_NAMES, "ProductMasterConfigurationId", "TranslatedConfigurationName"
    ),
    "ProductSizeId": _ValueSets(MASTER_SIZES, SIZE_NAMES, "ProductMasterSizeId", "TranslatedSizeName"),
    "ProductStyleId": _ValueSets(MASTER_STYLES, STYLE_NAMES, "ProductMasterStyleId", "TranslatedStyleName"),
    "ProductVersionId": _ValueSets(MASTER_VERSIONS),
}


@dataclass(slots=True)
class OptionValues:
    """Both by product number of the master."""

    places: defaultdict[str, defaultdict[str, list[FoValue]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )
    """By field of the dimension."""
    names: defaultdict[str, dict[tuple[str, str, str], str]] = field(default_factory=lambda: defaultdict(dict))
    """By field of the dimension, value and language."""


async def read_texts(
    source: CatalogueSource, products: Collection[str], needs: CatalogueNeeds
) -> dict[str, dict[str, FoText]]:
    """By product number and language."""
    if not needs.languages:
        return {}
    fields = ("ProductNumber", "LanguageId", "ProductName", *(["Description"] if needs.descriptions else []))
    where = any_of("LanguageId", needs.languages)
    found: dict[str, dict[str, FoText]] = {}
    async for row in source.rows(PRODUCT_TEXTS, "ProductNumber", products, where=where, select=fields):
        if row["ProductNumber"] in products:
            text = FoText(row["ProductName"], row.get("Description", ""))
            found.setdefault(row["ProductNumber"], {})[_spelled(row["LanguageId"], needs)] = text
    return found


async def read_option_values(
    source: CatalogueSource, masters: Collection[str], dimensions: Collection[str], needs: CatalogueNeeds
) -> OptionValues:
    """Of the dimensions with these fields, which are those that variants have."""
    found = OptionValues()
    for dimension in dimensions:
        sets = _OF_DIMENSION[dimension]
        async for row in source.rows(sets.values, _MASTER, masters):
            if row[_MASTER] in masters:
                value = FoValue(intern(row[dimension]), Decimal(row["DisplaySequenceNumber"]))
                found.places[row[_MASTER]][dimension].append(value)
        if not sets.names or not needs.languages:
            continue
        async for row in source.rows(sets.names, _MASTER, masters, where=any_of("LanguageId", needs.languages)):
            if row[_MASTER] in masters and row[sets.name_field]:
                key = (dimension, intern(row[sets.id_field]), _spelled(row["LanguageId"], needs))
                found.names[row[_MASTER]][key] = intern(row[sets.name_field])
    return found


def _spelled(language: str, needs: CatalogueNeeds) -> str:
    """F&O's language as the rules spell it: F&O compares without case."""
    return next((each for each in needs.languages if each.casefold() == language.casefold()), language)
