"""A price of F&O as the buyer sees it: with or without tax, rounded, with the list's ending. Exact: no floats.

Prices are fractions until they are rounded: 100.00 for a box of 12 has no finite decimals.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from math import floor

from shared.errors import ErrorCode, RefusedError
from shared.mapping.prices.terms import ListTerms
from shared.model import Item, minor_digits
from shared.rules.sections.prices import EndingDirection


def shown_price(price: Fraction, terms: ListTerms, *, item: Item, tax_group: str) -> Decimal:
    """The price of one piece on the list, for a price as F&O has it.

    Raises RefusedError PRICE_NEGATIVE, PRICE_TAX_UNKNOWN for an item sales tax group without a rate, and PRICE_ZERO,
    also for what is rounded to 0, unless the rules allow 0.
    """
    if price < 0:
        raise RefusedError(ErrorCode.PRICE_NEGATIVE, item=item_label(item), list=list_label(terms))
    shown = rounded(_with_tax(price, terms, item, tax_group), terms.currency)
    if shown == 0:
        if terms.allow_zero:
            return shown
        raise RefusedError(ErrorCode.PRICE_ZERO, item=item_label(item), list=list_label(terms))
    return shown if terms.ending is None else with_ending(shown, terms.ending, terms.ending_direction)


def rounded(price: Fraction, currency: str) -> Decimal:
    """To the currency's smallest unit, half up. The price is not negative."""
    digits = minor_digits(currency)
    return Decimal(floor(price * 10**digits + Fraction(1, 2))).scaleb(-digits)


def with_ending(price: Decimal, ending: Decimal, direction: EndingDirection) -> Decimal:
    """The next price with that ending. A price above 0 stays above 0: where nothing is below, it goes up."""
    below = (price - ending).to_integral_value("ROUND_FLOOR") + ending
    if below == price:
        return price
    above = below + 1
    if below <= 0:
        return above
    match direction:
        case "up":
            return above
        case "down":
            return below
        case "nearest":
            return below if price - below <= above - price else above


def _with_tax(price: Fraction, terms: ListTerms, item: Item, tax_group: str) -> Fraction:
    if terms.fo_includes_tax == terms.includes_tax:
        return price
    rate = terms.tax_rates.get(tax_group.casefold())
    if rate is None:
        raise RefusedError(
            ErrorCode.PRICE_TAX_UNKNOWN, item=item_label(item), list=list_label(terms), group=tax_group or "(none)"
        )
    return price * (1 + Fraction(rate)) if terms.includes_tax else price / (1 + Fraction(rate))


def item_label(item: Item) -> str:
    """The item with its dimensions, as a person looks it up in F&O: "SHIRT (RED, M)"."""
    dimensions = ", ".join(value for value in item[1:] if value)
    return f"{item.number} ({dimensions})" if dimensions else item.number


def list_label(terms: ListTerms) -> str:
    """The shop, or the name of the price list."""
    return f"price list {terms.name}" if terms.name else "the shop"
