"""A variant's own fields: barcode, weight, customs, cost, tax, and whether it is stocked and shipped."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from shared.errors import ErrorCode, RefusedError
from shared.mapping.countries import find_province
from shared.mapping.products.wanted.sources import fitting
from shared.model import Item, Weight, smallest_unit
from shared.model.fo_product import FoBarcode, FoCatalogueTerms, FoProduct
from shared.rules import ProductRules

_UNITS: Final[Mapping[str, str]] = {"kg": "KILOGRAMS", "g": "GRAMS", "lb": "POUNDS", "oz": "OUNCES"}
_SEPARATORS: Final = re.compile(r"[\s.\-]+")
_HS_DIGITS: Final = range(6, 14)
"""Digits that Shopify takes; it strips punctuation and blanks."""
_NO_PROVINCE: Final = "?"


@dataclass(frozen=True, slots=True)
class ItemFields:
    """What all variants of a product have alike: F&O has it on the item."""

    weight: Weight | None = None
    hs_code: str | None = None
    origin_country: str | None = None
    origin_province: str | None = None
    cost: Decimal | None = None
    tracked: bool | None = None
    requires_shipping: bool | None = None


def item_fields(
    product: FoProduct, terms: FoCatalogueTerms, rules: ProductRules, problems: list[RefusedError]
) -> ItemFields:
    """Only what the app owns and F&O has. What F&O has and Shopify does not take is added to the problems."""
    owns = rules.owners.owned
    country = _country(product, terms, problems) if owns("origin") else None
    return ItemFields(
        weight=_weight(product, rules) if owns("weight") else None,
        hs_code=_hs_code(product, problems) if owns("hs_code") else None,
        origin_country=country,
        origin_province=_province(country, product.origin_state) if country else None,
        cost=_cost(product, rules) if owns("cost") else None,
        tracked=is_tracked(product, rules) if owns("tracked") else None,
        requires_shipping=not product.is_service if owns("requires_shipping") else None,
    )


def is_tracked(product: FoProduct, rules: ProductRules) -> bool:
    groups = {each.casefold() for each in rules.not_stocked_groups}
    return not product.is_service and product.model_group.casefold() not in groups


def barcode_of(item: Item, product: FoProduct, rules: ProductRules) -> str | None:
    """The barcode of the sales unit, else the first one. Raises RefusedError PRODUCT_TEXT_TOO_LONG.

    F&O marks a default barcode, but real companies mark none.
    """
    setups = {each.casefold() for each in rules.barcode_setups}
    found = [each for each in product.barcodes.get(item, ()) if not setups or each.setup.casefold() in setups]
    unit = product.sales_unit.casefold()
    chosen = min(found, key=lambda each: _preference(each, unit), default=None)
    return None if chosen is None else fitting(chosen.code.strip(), product.item_number, "barcode") or None


def _preference(barcode: FoBarcode, unit: str) -> tuple[bool, str, str]:
    return barcode.unit.casefold() != unit, barcode.setup, barcode.code


def _weight(product: FoProduct, rules: ProductRules) -> Weight | None:
    weight = product.net_weight + (product.tare_weight if rules.weight == "gross" else 0)
    # F&O has 0 for a weight that nobody entered.
    return Weight(weight, _UNITS[rules.weight_unit]) if weight and rules.weight_unit else None


def _hs_code(product: FoProduct, problems: list[RefusedError]) -> str | None:
    text = product.hs_code.strip() or product.commodity_code.strip()
    code = _SEPARATORS.sub("", text)
    if not code:
        return None
    if not (code.isascii() and code.isdecimal() and len(code) in _HS_DIGITS):
        problems.append(RefusedError(ErrorCode.PRODUCT_HS_CODE_WRONG, item=product.item_number, hs_code=text))
        return None
    return code


def _country(product: FoProduct, terms: FoCatalogueTerms, problems: list[RefusedError]) -> str | None:
    if not product.origin_country:
        return None
    code = terms.countries.get(product.origin_country)
    if not code:
        problems.append(
            RefusedError(ErrorCode.PRODUCT_COUNTRY_UNKNOWN, item=product.item_number, country=product.origin_country)
        )
    return code or None


def _province(country: str, state: str) -> str | None:
    """F&O's states are the company's own codes: only one of ISO 3166-2 is sent."""
    found = find_province(country, state, _NO_PROVINCE) if state else _NO_PROVINCE
    return None if found == _NO_PROVINCE else found


def _cost(product: FoProduct, rules: ProductRules) -> Decimal | None:
    if not product.cost or rules.cost_currency is None:
        return None
    return (product.cost / (product.cost_quantity or 1)).quantize(smallest_unit(rules.cost_currency), ROUND_HALF_UP)
