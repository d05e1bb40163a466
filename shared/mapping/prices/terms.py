"""How the prices of one list are computed: the shop's own, or one of its price lists."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal

from shared.rules import StoreRules
from shared.rules.sections.prices import EndingDirection, PriceListRules, PriceRules, PriceSearch, PriceTaxRate

SHOP: Final = ""
"""The name of the list of the shop's own prices: those on the variants."""


@dataclass(frozen=True, slots=True)
class ListTerms:
    """What decides the prices of a list. Codes of F&O are in lower case, as F&O ignores case."""

    name: str
    """As in the rules; SHOP for the shop's own prices."""
    currency: str
    account: str | None
    groups: frozenset[str]
    discount_group: str | None
    list_price_group: str | None
    """Whose price is the compare-at price; None where compare-at prices are the merchant's."""
    base_currency: str | None
    search: frozenset[PriceSearch]
    by_priority: bool
    specific_first: bool
    """Rows that name more dimensions come before others."""
    other_units: Literal["refuse", "leave_out", "convert"]
    leaves_warehouses_out: bool
    folds_discounts: bool
    fo_includes_tax: bool
    includes_tax: bool
    tax_rates: Mapping[str, Decimal]
    ending: Decimal | None
    ending_direction: EndingDirection
    allow_zero: bool
    tiers: bool
    quantity_rules: bool

    @property
    def has_base_price(self) -> bool:
        """Whether F&O's base prices count for the list. They are in the company's currency only."""
        return self.base_currency == self.currency


def terms_of(rules: PriceRules) -> tuple[ListTerms, ...]:
    """Of the shop's own prices first, then of each price list."""
    return (shop_terms(rules), *(_list_terms(rules, each) for each in rules.lists))


def shop_terms(rules: PriceRules) -> ListTerms:
    return _terms(
        rules,
        name=SHOP,
        currency=rules.currency,
        account=None,
        groups=rules.groups,
        discount_group=rules.discount_group,
        list_price_group=rules.list_price_group,
        includes_tax=rules.shop_includes_tax,
        tax_rates=rules.tax_rates,
        ending=rules.ending,
        tiers=False,
        quantity_rules=False,
    )


def price_rules(rules: StoreRules) -> PriceRules:
    """The section [prices], which a store with the flow on always has (shared/rules/store.py)."""
    if rules.prices is None:
        raise ValueError(f"store {rules.key} has no [prices]")
    return rules.prices


def _list_terms(rules: PriceRules, each: PriceListRules) -> ListTerms:
    return _terms(
        rules,
        name=each.name,
        currency=each.currency,
        account=each.customer,
        groups=each.groups,
        discount_group=each.discount_group,
        list_price_group=each.list_price_group,
        includes_tax=rules.includes_tax(each),
        tax_rates=rules.rates(each),
        ending=rules.ending if each.ending is None else each.ending,
        tiers=each.tiers,
        quantity_rules=each.quantity_rules,
    )


def _terms(
    rules: PriceRules,
    *,
    name: str,
    currency: str,
    account: str | None,
    groups: tuple[str, ...],
    discount_group: str | None,
    list_price_group: str | None,
    includes_tax: bool,
    tax_rates: Iterable[PriceTaxRate],
    ending: Decimal | None,
    tiers: bool,
    quantity_rules: bool,
) -> ListTerms:
    return ListTerms(
        name=name,
        currency=currency,
        account=account and account.casefold(),
        groups=frozenset(group.casefold() for group in groups),
        discount_group=discount_group and discount_group.casefold(),
        list_price_group=list_price_group and list_price_group.casefold(),
        base_currency=rules.base_currency,
        search=frozenset(rules.search),
        by_priority=rules.choose == "priority",
        specific_first=rules.dimensions == "specific",
        other_units=rules.other_units,
        leaves_warehouses_out=rules.by_warehouse == "leave_out",
        folds_discounts=rules.discounts == "fold",
        fo_includes_tax=rules.fo_includes_tax,
        includes_tax=includes_tax,
        tax_rates={each.item_tax_group.casefold(): each.rate for each in tax_rates},
        ending=ending,
        ending_direction=rules.ending_direction,
        allow_zero=rules.allow_zero,
        tiers=tiers,
        quantity_rules=quantity_rules,
    )
