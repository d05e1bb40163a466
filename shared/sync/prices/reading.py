"""What F&O says about prices, read once for all lists of a store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import Final

from shared.d365.odata.client import CountedReader
from shared.d365.prices.agreements import (
    AgreementScope,
    read_line_discounts,
    read_price_agreements,
    read_priorities,
)
from shared.d365.prices.items import SoldItems, read_conversions, read_quantities, read_sold_items
from shared.mapping.prices.book import PriceBook, conversion_factors
from shared.mapping.prices.terms import ListTerms, price_rules
from shared.model import Item
from shared.model.trade_agreement import DiscountAgreement, PriceAgreement
from shared.rules import StoreRules

_FEW_ROWS: Final = 10
"""May be deleted between two runs without an operator."""

type RowsByLastDay = Mapping[str, int]
"""Last day of validity, "" for none -> how many rows. What ends by itself is not missing the day after."""


@dataclass(frozen=True, slots=True)
class FoPrices:
    """Of the store's company."""

    book: PriceBook
    by_number: Mapping[str, Item]
    """What the shop's SKUs stand for, in lower case."""
    rows: Mapping[str, RowsByLastDay] = field(default_factory=dict)
    """How many rows each reading gave, by what they are."""

    def item_of(self, sku: str) -> Item | None:
        """None too for a variant whose master was not read: nothing is known of its price."""
        item = self.by_number.get(sku.casefold())
        return item if item is not None and self.book.sales_item(item) is not None else None


async def read_fo_prices(
    rules: StoreRules,
    fo: CountedReader,
    lists: Collection[ListTerms],
    *,
    day: date,
    accounts: Collection[str] = (),
    groups: Collection[str] = (),
    items: Collection[str] | None = None,
) -> FoPrices:
    """Rows that are valid on the day or later; of further customers and price groups too; of all items or of some.

    Raises what the client raises: then nothing is known, and nothing may be written.
    """
    settings = price_rules(rules)
    by_variant = rules.orders.product_identity == "variant"
    sold = await read_sold_items(fo, rules.company, items, with_variants=by_variant)
    scope = AgreementScope(
        groups={group for terms in lists for group in (*terms.groups, terms.list_price_group) if group} | set(groups),
        accounts={terms.account for terms in lists if terms.account} | set(accounts),
        day=day,
        items=items,
    )
    agreements = await read_price_agreements(fo, rules.company, scope)
    discounts: list[DiscountAgreement] = []
    if settings.source == "agreements":
        discount_groups = {terms.discount_group for terms in lists if terms.discount_group}
        discounts = await read_line_discounts(
            fo, rules.company, AgreementScope(discount_groups, scope.accounts, day, items)
        )
    by_priority = settings.choose == "priority" and settings.source == "agreements"
    by_quantity = any(terms.quantity_rules for terms in lists)
    book = PriceBook(
        items=sold.items,
        agreements=agreements,
        discounts=discounts,
        conversions=await _conversions(rules, fo, sold, agreements),
        priorities=await read_priorities(fo, rules.company) if by_priority else {},
        tax_groups=sold.tax_groups,
        quantities=await read_quantities(fo, rules.company, items) if by_quantity else {},
    )
    rows = {
        "released items": {"": len(sold.items)},
        "item numbers": {"": len(sold.by_number)},
        "sales price agreements": _by_last_day(agreements),
        "line discounts": _by_last_day(discounts),
    }
    if by_priority:
        rows["price groups"] = {"": len(book.priorities)}
    if by_quantity:
        rows["order quantities"] = {"": len(book.quantities)}
    return FoPrices(book, sold.by_number, rows)


def _by_last_day(rows: Iterable[PriceAgreement | DiscountAgreement]) -> RowsByLastDay:
    return Counter(row.terms.last_day.isoformat() if row.terms.last_day else "" for row in rows)


def missing_rows(
    before: Mapping[str, RowsByLastDay], now: Mapping[str, RowsByLastDay], *, day: date, least_share: int
) -> dict[str, tuple[int, int]]:
    """Of what fewer rows were read than can be: how many now, and how many of the last reading are still valid. What
    the rules do not need any more is left out.

    A reading without any row is short; else one that lacks more than a few rows, and has less than the least share.
    """
    short = {}
    for what, by_last_day in before.items():
        if what not in now:
            continue
        expected = sum(count for last, count in by_last_day.items() if not last or last >= day.isoformat())
        found = sum(now.get(what, {}).values())
        is_few = found * 100 < expected * least_share and expected - found > _FEW_ROWS
        if is_few or (expected and not found):
            short[what] = (found, expected)
    return short


async def _conversions(
    rules: StoreRules, fo: CountedReader, sold: SoldItems, agreements: Collection[PriceAgreement]
) -> dict[tuple[str, str, str], Fraction]:
    """Of the products with a row in another unit than their sales unit, where the rules convert it."""
    if price_rules(rules).other_units != "convert":
        return {}
    products = set()
    for row in agreements:
        item = sold.items.get(row.terms.item.number.casefold())
        if item is not None and row.terms.unit.casefold() != item.sales_unit.casefold():
            products.add(item.product)
    return conversion_factors(await read_conversions(fo, rules.company, products)) if products else {}
