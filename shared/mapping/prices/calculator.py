"""The prices of a list on a day, item by item."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Self

from shared.errors import ErrorCode, RefusedError
from shared.mapping.prices.book import PriceBook
from shared.mapping.prices.listed import GivenPrices, PricedItem, listed_price
from shared.mapping.prices.search import PriceSearchOfDay
from shared.mapping.prices.shown import item_label, list_label
from shared.mapping.prices.terms import ListTerms
from shared.model import Item, ListedPrice

type GivenByItem = Mapping[Item, Mapping[int, Decimal | None]]
"""Prices of the tenant's own service: item -> quantity asked for -> price of one piece, None for none."""


@dataclass(frozen=True, slots=True)
class ListCalculator:
    terms: ListTerms
    book: PriceBook
    search: PriceSearchOfDay
    list_prices: PriceSearchOfDay | None
    given: GivenByItem | None
    """None where the app computes the prices itself."""
    computed: dict[Hashable, ListedPrice] = field(default_factory=dict)
    """By what they are computed from: most variants of an item have the same price."""

    @classmethod
    def of_day(cls, book: PriceBook, terms: ListTerms, day: date, *, given: GivenByItem | None = None) -> Self:
        """`day` is the store's. Compare-at prices are always computed from F&O's rows."""
        search = PriceSearchOfDay.of_list(book, terms, day)
        return cls(terms, book, search, PriceSearchOfDay.of_list_price(book, terms, day), given)

    def price_of(self, item: Item) -> ListedPrice:
        """Raises RefusedError with the code of what keeps the list from showing a price (docs/prices.md lists them)."""
        sales_item = self.book.sales_item(item)
        if sales_item is None:
            raise RefusedError(ErrorCode.PRICE_MISSING, item=item_label(item), list=list_label(self.terms), quantity=1)
        tax_group, quantities = self.book.tax_group(item), self.book.quantities_of(item)
        list_prices = None if self.list_prices is None else self.list_prices.of_item(item, sales_item)
        if self.given is not None:
            given = GivenPrices(self.given.get(item, {}))
            return listed_price(PricedItem(item, sales_item, tax_group, given, list_prices, quantities), self.terms)
        prices = self.search.of_item(item, sales_item)
        basis = (sales_item.number, tax_group, quantities, prices.basis, list_prices and list_prices.basis)
        if basis not in self.computed:
            priced = PricedItem(item, sales_item, tax_group, prices, list_prices, quantities)
            self.computed[basis] = listed_price(priced, self.terms)
        return self.computed[basis]
