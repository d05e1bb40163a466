"""Whether the app computes prices as F&O does: prices that F&O gave on order lines, of orders that are none of the
shop's, are compared with what the app computes for the same item, customer, quantity and day.

Prices before line discounts: F&O keeps those apart from the price of a line.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Final

from shared.d365.odata.client import CountedReader
from shared.d365.prices.order_lines import PricedOrderLine, read_priced_lines
from shared.errors import ErrorCode, RefusedError
from shared.mapping.orders.plan import order_id_of
from shared.mapping.prices.book import PriceBook
from shared.mapping.prices.search import PriceSearchOfDay
from shared.mapping.prices.shown import item_label, rounded
from shared.mapping.prices.terms import ListTerms, price_rules, shop_terms
from shared.rules import StoreRules
from shared.sync.prices.reading import read_fo_prices
from shared.sync.prices.report import ProofReport

_LINES: Final = 200
"""Compared in a run at most."""


async def prove_prices(rules: StoreRules, fo: CountedReader, *, now: datetime) -> ProofReport:
    """Compares lines of the last `proof_days`. Raises what the client raises."""
    settings = price_rules(rules)
    since = now - timedelta(days=settings.proof_days)
    lines = await read_priced_lines(fo, rules.company, groups=settings.proof_groups, created_since=since, most=_LINES)
    others = [line for line in lines if not _is_ours(line, rules)]
    if not others:
        return ProofReport(0, [], 0)
    found = await read_fo_prices(
        rules,
        fo,
        [shop_terms(settings)],
        day=since.astimezone(rules.zone).date(),
        accounts={line.account for line in others},
        groups=settings.proof_groups,
        items={line.item.number for line in others},
    )
    return compare_lines(rules, found.book, others)


def compare_lines(rules: StoreRules, book: PriceBook, lines: Iterable[PricedOrderLine]) -> ProofReport:
    differences: list[RefusedError] = []
    compared = passed_over = 0
    for line in lines:
        try:
            own = _own_price(rules, book, line)
        except (RefusedError, _OtherUnitError):
            own = None
        if own is None:
            passed_over += 1
            continue
        compared += 1
        given = rounded(Fraction(line.price), line.currency)
        if rounded(own, line.currency) != given:
            differences.append(
                RefusedError(
                    ErrorCode.PRICE_PROOF_DIFFERS,
                    order=line.sales_order,
                    item=item_label(line.item),
                    quantity=f"{line.quantity.normalize():f}",
                    currency=line.currency,
                    fo=given,
                    own=rounded(own, line.currency),
                )
            )
    return ProofReport(compared, differences, passed_over)


class _OtherUnitError(Exception):
    """The line is in another unit than the item's sales unit, or its item is gone."""


def _own_price(rules: StoreRules, book: PriceBook, line: PricedOrderLine) -> Fraction | None:
    """None where the app finds none: F&O converts base prices to other currencies. Raises RefusedError where the app
    would refuse the price.
    """
    sales_item = book.sales_item(line.item)
    if sales_item is None or sales_item.sales_unit.casefold() != line.unit.casefold():
        raise _OtherUnitError
    terms = _terms_of(line, shop_terms(price_rules(rules)))
    search = PriceSearchOfDay.of_list(replace(book, discounts=()), terms, _day(line, rules))
    return search.of_item(line.item, sales_item).at(Fraction(line.quantity))


def _terms_of(line: PricedOrderLine, terms: ListTerms) -> ListTerms:
    """As the line's own customer buys."""
    return replace(
        terms,
        currency=line.currency,
        account=line.account.casefold(),
        groups=frozenset({line.group.casefold()}),
        list_price_group=None,
    )


def _day(line: PricedOrderLine, rules: StoreRules) -> date:
    return line.created.astimezone(rules.zone).date()


def _is_ours(line: PricedOrderLine, rules: StoreRules) -> bool:
    """An order of the connector has the prices of Shopify."""
    return line.origin == rules.orders.origin_code or order_id_of(rules.key, line.reference) is not None
