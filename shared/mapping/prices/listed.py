"""What a list shows for an item: price, compare-at price, quantity breaks, quantity rule."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor
from typing import Protocol

from shared.errors import ErrorCode, RefusedError
from shared.mapping.prices.shown import item_label, list_label, shown_price
from shared.mapping.prices.terms import ListTerms
from shared.model import Item, ListedPrice, PriceTier, QuantityRule
from shared.model.trade_agreement import OrderQuantities, SalesItem

_ANY: QuantityRule = QuantityRule()


class UnitPrices(Protocol):
    """The price of one item on a list, as a function of the quantity."""

    def at(self, quantity: int) -> Fraction | None:
        """Of one piece, with or without tax as F&O has it; None for no price."""
        ...

    def thresholds(self) -> Iterable[Fraction]:
        """Quantities at which the price may change."""
        ...


@dataclass(frozen=True, slots=True)
class GivenPrices:
    """Prices that the tenant's own service gave, by quantity."""

    prices: Mapping[int, Decimal | None]

    def at(self, quantity: int) -> Fraction | None:
        """The price for the greatest quantity asked for that is not greater than this one."""
        asked = max((each for each in self.prices if each <= quantity), default=None)
        price = None if asked is None else self.prices[asked]
        return None if price is None else Fraction(price)

    def thresholds(self) -> Iterable[Fraction]:
        return [Fraction(each) for each in self.prices]


@dataclass(frozen=True, slots=True)
class PricedItem:
    """An item, and what its prices are computed from."""

    item: Item
    sales_item: SalesItem
    tax_group: str
    prices: UnitPrices
    list_prices: UnitPrices | None = None
    """Beside which the list's prices are shown; None where the merchant decides that."""
    quantities: OrderQuantities | None = None


def listed_price(priced: PricedItem, terms: ListTerms) -> ListedPrice:
    """What the list shows. A quantity break that is not cheaper than the price before it is left out.

    Raises RefusedError PRICE_MISSING for an item that F&O has no price for, PRICE_TIERS_UNUSABLE and
    PRICE_QUANTITIES_UNUSABLE for what Shopify cannot express, and what its parts raise.
    """
    rule = quantity_rule(priced, terms) if terms.quantity_rules else None
    first = (rule or _ANY).minimum
    price = _shown(priced, terms, priced.prices, first)
    if price is None:
        raise _refusal(ErrorCode.PRICE_MISSING, priced, terms, quantity=first)
    compare_at = _shown(priced, terms, priced.list_prices, first) if priced.list_prices else None
    if compare_at is not None and compare_at <= price:
        compare_at = None
    return ListedPrice(price, compare_at, tuple(_tiers(priced, terms, price, rule or _ANY)), rule)


def quantity_rule(priced: PricedItem, terms: ListTerms) -> QuantityRule | None:
    """F&O's order quantities as Shopify has them: minimum and maximum are multiples of the increment, as every quantity
    that F&O takes is. None where F&O has no limits.

    Raises RefusedError PRICE_QUANTITIES_UNUSABLE.
    """
    given = priced.quantities
    if given is None or not (given.minimum > 1 or given.maximum or given.multiple):
        return None
    if priced.sales_item.sales_unit.casefold() != priced.sales_item.inventory_unit.casefold():
        raise _unusable(priced, terms, "they are in the inventory unit, and the item is sold in another")
    increment = given.multiple or Decimal(1)
    if increment < 0 or increment % 1 or given.minimum < 0 or given.maximum < 0:
        raise _unusable(priced, terms, "they are no whole numbers of pieces")
    step = int(increment)
    minimum = max(1, ceil(given.minimum / step)) * step
    maximum = floor(given.maximum / step) * step if given.maximum else None
    if maximum is not None and maximum < minimum:
        raise _unusable(priced, terms, f"no quantity from {given.minimum:f} to {given.maximum:f} is a multiple")
    rule = QuantityRule(minimum, maximum, step)
    return None if rule == _ANY else rule


def _tiers(priced: PricedItem, terms: ListTerms, price: Decimal, rule: QuantityRule) -> Iterable[PriceTier]:
    if not terms.tiers:
        return
    lowest = price
    for limit in sorted({each for each in priced.prices.thresholds() if each > rule.minimum}):
        if rule.maximum is not None and limit > rule.maximum:
            return
        if limit.denominator != 1:
            raise _tiers_unusable(priced, terms, f"a price begins at {limit} pieces")
        if limit % rule.increment:
            raise _tiers_unusable(priced, terms, f"{limit} is no multiple of {rule.increment}, by which it is ordered")
        tier = _shown(priced, terms, priced.prices, int(limit))
        if tier is None:
            raise _tiers_unusable(priced, terms, f"F&O has no price for {limit} pieces")
        if tier < lowest:
            lowest = tier
            yield PriceTier(int(limit), tier)


def _shown(priced: PricedItem, terms: ListTerms, prices: UnitPrices, quantity: int) -> Decimal | None:
    price = prices.at(quantity)
    return None if price is None else shown_price(price, terms, item=priced.item, tax_group=priced.tax_group)


def _unusable(priced: PricedItem, terms: ListTerms, problem: str) -> RefusedError:
    return _refusal(ErrorCode.PRICE_QUANTITIES_UNUSABLE, priced, terms, problem=problem)


def _tiers_unusable(priced: PricedItem, terms: ListTerms, problem: str) -> RefusedError:
    return _refusal(ErrorCode.PRICE_TIERS_UNUSABLE, priced, terms, problem=problem)


def _refusal(code: ErrorCode, priced: PricedItem, terms: ListTerms, **details: object) -> RefusedError:
    return RefusedError(code, item=item_label(priced.item), list=list_label(terms), **details)
