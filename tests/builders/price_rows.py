"""F&O's prices in the model's language: items, rows of trade agreements, and the rules of a list."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from itertools import count
from typing import Any

from shared.mapping.prices.book import PriceBook, conversion_factors
from shared.mapping.prices.calculator import ListCalculator
from shared.mapping.prices.terms import ListTerms, terms_of
from shared.model import Item, ListedPrice
from shared.model.trade_agreement import (
    AgreementTerms,
    DiscountAgreement,
    OrderQuantities,
    PriceAgreement,
    SalesItem,
    UnitConversion,
)
from shared.rules.sections.prices import PriceRules

DAY = date(2026, 11, 29)
TENT = Item("TENT-2P")
RED_M = Item("SHIRT", color="RED", size="M")
RED_L = Item("SHIRT", color="RED", size="L")
_RECORDS = count(10_000)
BLUE_M = Item("SHIRT", color="BLUE", size="M")


def price_rules(**keys: Any) -> PriceRules:
    plain = {
        "currency": "EUR",
        "groups": ("WEB",),
        "base_currency": "EUR",
        "fo_includes_tax": False,
        "shop_includes_tax": False,
    }
    return PriceRules.model_validate(plain | keys)


def terms(**keys: Any) -> ListTerms:
    """Of the shop's own prices."""
    return terms_of(price_rules(**keys))[0]


def list_terms(*, rules: dict[str, Any] | None = None, **keys: Any) -> ListTerms:
    """Of a price list."""
    plain = {"name": "B2B", "currency": "EUR", "groups": ("DEALER",), "company_locations": (5001,)}
    return terms_of(price_rules(lists=(plain | keys,), **(rules or {})))[1]


def sales_item(number: str = "TENT-2P", base: str = "100", **fields: Any) -> SalesItem:
    plain: dict[str, Any] = {
        "number": number,
        "product": number,
        "is_master": False,
        "sales_unit": "ea",
        "inventory_unit": "ea",
        "base_price": Decimal(base),
        "base_per": Decimal(1),
        "tax_group": "FULL",
    }
    return SalesItem(**plain | fields)


def _terms(item: Item, fields: dict[str, Any]) -> AgreementTerms:
    plain: dict[str, Any] = {
        "account": "",
        "group": "WEB",
        "item": item,
        "currency": "EUR",
        "unit": "ea",
        "from_quantity": Decimal(0),
        "to_quantity": Decimal(0),
        "first_day": None,
        "last_day": None,
        "searches_on": True,
    }
    given = {
        name: Decimal(value) if name in {"from_quantity", "to_quantity"} else value for name, value in fields.items()
    }
    return AgreementTerms(**plain | given)


def row(price: str, item: Item = TENT, *, record: int | None = None, per: str = "1", **fields: Any) -> PriceAgreement:
    own = {name: fields.pop(name) for name in ("charges", "attributes") if name in fields}
    return PriceAgreement(
        next(_RECORDS) if record is None else record, _terms(item, fields), Decimal(price), Decimal(per), **own
    )


def discount(
    percent: str = "0", item: Item = TENT, *, amount: str = "0", record: int = 1, item_group: str = "", **fields: Any
) -> DiscountAgreement:
    return DiscountAgreement(
        record, _terms(item, {"group": ""} | fields), item_group, Decimal(amount), Decimal(percent)
    )


def conversion(pieces: int, *, unit: str = "box", product: str = "TENT-2P", **fields: Any) -> UnitConversion:
    plain: dict[str, Any] = {"factor": Decimal(pieces), "numerator": 1, "denominator": 1, "has_offset": False}
    return UnitConversion(product=product, from_unit=unit, to_unit="ea", **plain | fields)


def quantities(minimum: str = "0", maximum: str = "0", multiple: str = "0") -> OrderQuantities:
    return OrderQuantities(Decimal(minimum), Decimal(maximum), Decimal(multiple))


def book(*agreements: PriceAgreement, **parts: Any) -> PriceBook:
    items = parts.pop("items", None) or (sales_item(), sales_item("SHIRT", is_master=True))
    conversions = conversion_factors(parts.pop("conversions", ()))
    return PriceBook(
        items={each.number.casefold(): each for each in items},
        agreements=agreements,
        conversions=conversions,
        **parts,
    )


def price_of(prices: PriceBook, by: ListTerms | None = None, item: Item = TENT, day: date = DAY) -> ListedPrice:
    return ListCalculator.of_day(prices, by or terms(), day).price_of(item)
