"""F&O's line discounts, folded into the price of a list where the rules say so, and else a reason to have none.

Multi-line and total discounts depend on a whole order, which a list of prices cannot show: they are not looked at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Self

from shared.errors import ErrorCode, RefusedError
from shared.mapping.prices.book import PriceBook, by_item_number
from shared.mapping.prices.shown import item_label, list_label
from shared.mapping.prices.terms import ListTerms
from shared.model import Item
from shared.model.trade_agreement import AgreementTerms, DiscountAgreement, SalesItem

type Quantity = int | Fraction
"""In sales units: whole pieces on a list, any number on an order line."""


@dataclass(frozen=True, slots=True)
class DiscountSearch:
    """The line discounts that the buyers of a list have on a day."""

    terms: ListTerms
    rows: Mapping[str, Sequence[DiscountAgreement]]
    """By item number in lower case; under "" those of product groups and of all items."""

    @classmethod
    def of_list(cls, book: PriceBook, terms: ListTerms, day: date) -> Self:
        ours = [row for row in book.discounts if row.terms.is_valid(day) and _is_for(row.terms, terms)]
        return cls(terms, by_item_number(ours))

    def lower(self, price: Fraction, item: Item, sales_item: SalesItem, quantity: Quantity) -> Fraction:
        """The price less the line discount at this quantity.

        Raises RefusedError PRICE_DISCOUNTED where the rules fold none, and PRICES_OVERLAP for several: F&O adds them up
        or not by settings that no entity shows.
        """
        rows = [row for row in self._of(item, sales_item) if _covers(row.terms, quantity)]
        if not rows:
            return price
        if not self.terms.folds_discounts:
            raise self._refusal(ErrorCode.PRICE_DISCOUNTED, item)
        if len(rows) > 1:
            records = ", ".join(str(row.record) for row in sorted(rows, key=lambda row: row.record))
            raise self._refusal(ErrorCode.PRICES_OVERLAP, item, quantity=quantity, records=records)
        [row] = rows
        if where := row.terms.warehouse or row.terms.site:
            raise self._refusal(ErrorCode.PRICE_DEPENDS, item, what=f"the warehouse {where}")
        if row.amount and row.terms.currency.casefold() != self.terms.currency.casefold():
            raise self._refusal(ErrorCode.PRICE_DEPENDS, item, what="a discount in another currency")
        return (price - Fraction(row.amount)) * (1 - Fraction(row.percent) / 100)

    def thresholds(self, item: Item, sales_item: SalesItem) -> set[Fraction]:
        """Quantities at which a discount begins or ends."""
        return {
            Fraction(limit)
            for row in self._of(item, sales_item)
            for limit in (row.terms.from_quantity, row.terms.to_quantity)
        }

    def records(self, item: Item, sales_item: SalesItem) -> tuple[int, ...]:
        """RecordIds of those that count for the item at some quantity."""
        return tuple(row.record for row in self._of(item, sales_item))

    def _of(self, item: Item, sales_item: SalesItem) -> list[DiscountAgreement]:
        """Those of the item, in its sales unit: F&O searches by the unit of the line."""
        if not self.rows:
            return []
        rows = [*self.rows.get(item.number.casefold(), ()), *self.rows.get("", ())]
        return [row for row in rows if self._is_of(row, item, sales_item)]

    def _is_of(self, row: DiscountAgreement, item: Item, sales_item: SalesItem) -> bool:
        if row.terms.unit and row.terms.unit.casefold() != sales_item.sales_unit.casefold():
            return False
        if (row.terms.site or row.terms.warehouse) and self.terms.leaves_warehouses_out:
            return False
        if not row.terms.item.number:
            return not row.item_group or row.item_group.casefold() == sales_item.discount_group.casefold()
        named = row.terms.item
        return all(not ours or ours.casefold() == its.casefold() for ours, its in zip(named[1:], item[1:], strict=True))

    def _refusal(self, code: ErrorCode, item: Item, **details: object) -> RefusedError:
        return RefusedError(code, item=item_label(item), list=list_label(self.terms), **details)


def _is_for(row: AgreementTerms, terms: ListTerms) -> bool:
    if row.account:
        return terms.account is not None and row.account.casefold() == terms.account and "customer" in terms.search
    if row.group:
        return row.group.casefold() == terms.discount_group and "group" in terms.search
    return "all" in terms.search


def _covers(terms: AgreementTerms, quantity: Quantity) -> bool:
    return terms.from_quantity <= quantity and (terms.to_quantity == 0 or quantity < terms.to_quantity)
