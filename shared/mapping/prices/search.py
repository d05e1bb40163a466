"""F&O's search for a price: which rows of trade agreements count for an item, a quantity and a day.

The rule that Microsoft documents (Activate price/discount; Price management), as far as it decides:

- rows of the customer come before rows of its price group, and those before rows for all customers. The search goes on
  to the next of them unless a row was found without *Find next*; of all that were found the lowest price counts.
- rows that name product dimensions (colour, size ...) come before rows that name fewer: only where none fits do the
  others count. That is documented for Commerce; with `dimensions = "any"` all of them count alike.
- a row covers the quantities from its first up to its last, which is not included.
- where no row fits, the base price counts.

What it does not decide is refused: rows beside one without *Find next* that give different prices (the search ends at
the row that the database returns first), and rows of which each names a dimension that the other leaves open.

With `choose = "priority"` the rows of the price group with the highest pricing priority count alone, whatever *Find
next* says, as in Commerce.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from fractions import Fraction
from typing import Final, NamedTuple, Self

from shared.errors import ErrorCode, RefusedError
from shared.mapping.prices.book import PriceBook
from shared.mapping.prices.discounts import DiscountSearch, Quantity
from shared.mapping.prices.shown import item_label, list_label
from shared.mapping.prices.terms import ListTerms
from shared.model import Item
from shared.model.trade_agreement import AgreementTerms, PriceAgreement, SalesItem

type _Rank = tuple[int, int]
"""Rows of a lower one come first."""

type PriceBasis = tuple[tuple[int, ...], tuple[int, ...]]
"""RecordIds of the prices and of the line discounts that count for an item."""

_CUSTOMER: Final[_Rank] = (0, 0)
_GROUP: Final = 1
_ALL: Final[_Rank] = (2, 0)


class _Row(NamedTuple):
    """A row that counts for an item of the list, per piece."""

    rank: _Rank
    named: frozenset[int]
    """Which dimensions it names, by position in Item."""
    first: Fraction
    last: Fraction
    """Not included; 0 for no limit."""
    price: Fraction
    ends_search: bool
    record: int

    def covers(self, quantity: Quantity) -> bool:
        return self.first <= quantity and (self.last == 0 or quantity < self.last)


@dataclass(frozen=True, slots=True)
class PriceSearchOfDay:
    """The prices of one list on one day, by F&O's rows."""

    book: PriceBook
    terms: ListTerms
    rows: Mapping[str, Sequence[tuple[_Rank, PriceAgreement]]]
    """Item number in lower case -> rank and row of those that may count."""
    converted: frozenset[str]
    """Items with a row in another currency that F&O may convert to that of the list."""
    discounts: DiscountSearch
    used: dict[tuple[str, int], _Row | None] = field(default_factory=dict)
    """By item number and RecordId: rows of the last item as `_usable` made them, which are the same for all of its
    variants.
    """

    @classmethod
    def of_list(cls, book: PriceBook, terms: ListTerms, day: date) -> Self:
        rows: defaultdict[str, list[tuple[_Rank, PriceAgreement]]] = defaultdict(list)
        converted = set()
        for row in book.agreements:
            if not row.terms.is_valid(day) or (rank := _rank(row.terms, terms, book)) is None:
                continue
            number = row.terms.item.number.casefold()
            if row.terms.currency.casefold() == terms.currency.casefold():
                rows[number].append((rank, row))
            elif row.terms.any_currency:
                converted.add(number)
        discounts = DiscountSearch.of_list(book, terms, day)
        return cls(book, terms, dict(rows), frozenset(converted), discounts)

    @classmethod
    def of_list_price(cls, book: PriceBook, terms: ListTerms, day: date) -> Self | None:
        """Of the prices beside which those of the list are shown; None where the merchant decides them."""
        if terms.list_price_group is None:
            return None
        groups = frozenset({terms.list_price_group})
        alone = replace(terms, account=None, groups=groups, search=frozenset({"group"}), base_currency=None)
        return cls.of_list(replace(book, discounts=()), alone, day)

    def of_item(self, item: Item, sales_item: SalesItem) -> AgreementPrices:
        """Raises RefusedError PRICE_UNIT_UNKNOWN, PRICE_DEPENDS or PRICE_NEGATIVE for a row that counts and cannot be
        used.
        """
        if not sales_item.sales_unit:
            raise self._refusal(ErrorCode.PRICE_UNIT_UNKNOWN, item, unit="(none)", sales_unit="(none)")
        rows = [
            used
            for rank, row in self.rows.get(item.number.casefold(), ())
            if row.terms.item.number and _fits(row.terms.item, item)
            if (used := self._used(rank, row, item, sales_item)) is not None
        ]
        return AgreementPrices(self, item, sales_item, tuple(rows))

    def _used(self, rank: _Rank, row: PriceAgreement, item: Item, sales_item: SalesItem) -> _Row | None:
        key = (item.number, row.record)
        if key not in self.used:
            if self.used and next(iter(self.used))[0] != item.number:
                self.used.clear()
            self.used[key] = self._usable(rank, row, item, sales_item)
        return self.used[key]

    def _usable(self, rank: _Rank, row: PriceAgreement, item: Item, sales_item: SalesItem) -> _Row | None:
        terms = row.terms
        if terms.site or terms.warehouse:
            if self.terms.leaves_warehouses_out:
                return None
            raise self._refusal(ErrorCode.PRICE_DEPENDS, item, what=f"the warehouse {terms.warehouse or terms.site}")
        if row.attributes:
            raise self._refusal(ErrorCode.PRICE_DEPENDS, item, what="attributes of the batch")
        if row.charges:
            raise self._refusal(ErrorCode.PRICE_DEPENDS, item, what="the quantity, by fixed price charges")
        if row.price < 0:
            raise self._refusal(ErrorCode.PRICE_NEGATIVE, item)
        pieces = pieces_per_unit(self.book, self.terms, item, sales_item, terms.unit)
        if pieces is None:
            return None
        price = Fraction(row.price) / Fraction(row.per or 1) / pieces
        named = frozenset(at for at in range(1, len(terms.item)) if terms.item[at])
        first, last = Fraction(terms.from_quantity) * pieces, Fraction(terms.to_quantity) * pieces
        return _Row(rank, named, first, last, price, not terms.searches_on, row.record)

    def _refusal(self, code: ErrorCode, item: Item, **details: object) -> RefusedError:
        return RefusedError(code, item=item_label(item), list=list_label(self.terms), **details)


@dataclass(frozen=True, slots=True)
class AgreementPrices:
    """The price of one item on a list, as a function of the quantity."""

    search: PriceSearchOfDay
    item: Item
    sales_item: SalesItem
    rows: tuple[_Row, ...]

    @property
    def basis(self) -> PriceBasis:
        """Variants of an item with the same basis have the same price at any quantity."""
        discounts = self.search.discounts.records(self.item, self.sales_item)
        return tuple(row.record for row in self.rows), discounts

    def at(self, quantity: Quantity) -> Fraction | None:
        """Of one piece, less line discounts, with or without tax as F&O has it. None where F&O has no price.

        Raises RefusedError PRICES_OVERLAP where F&O's rule does not decide, and what the discounts raise.
        """
        price = self._agreed(quantity)
        if price is None:
            price = self._base()
        return None if price is None else self.search.discounts.lower(price, self.item, self.sales_item, quantity)

    def thresholds(self) -> set[Fraction]:
        """Quantities at which the price may change."""
        limits = {limit for row in self.rows for limit in (row.first, row.last)}
        return limits | self.search.discounts.thresholds(self.item, self.sales_item)

    def _agreed(self, quantity: Quantity) -> Fraction | None:
        covering: defaultdict[_Rank, list[_Row]] = defaultdict(list)
        for row in self.rows:
            if row.covers(quantity):
                covering[row.rank].append(row)
        found: list[Fraction] = []
        for rank in sorted(covering):
            rows = covering[rank]
            if self.search.terms.specific_first:
                rows = self._most_specific(rows, quantity)
            lowest = min(row.price for row in rows)
            counts = not found or lowest < min(found)
            found.append(lowest)
            if self.search.terms.by_priority:
                break
            ends = [row for row in rows if row.ends_search]
            if counts and any(row.price != lowest for row in ends):
                raise self._overlap(rows, quantity)
            if ends:
                break
        return min(found) if found else None

    def _most_specific(self, rows: Sequence[_Row], quantity: Quantity) -> list[_Row]:
        most = max((row.named for row in rows), key=len)
        best = [row for row in rows if row.named == most]
        if any(not row.named <= most for row in rows):
            raise self._overlap(rows, quantity)
        return best

    def _base(self) -> Fraction | None:
        terms, sales_item = self.search.terms, self.sales_item
        if self.item.number.casefold() in self.search.converted:
            raise self._depends("a price in another currency, which F&O converts")
        if not terms.has_base_price:
            return None
        if sales_item.charges:
            raise self._depends("the quantity, by fixed price charges")
        return Fraction(sales_item.base_price) / Fraction(sales_item.base_per or 1)

    def _depends(self, what: str) -> RefusedError:
        return RefusedError(
            ErrorCode.PRICE_DEPENDS, item=item_label(self.item), list=list_label(self.search.terms), what=what
        )

    def _overlap(self, rows: Iterable[_Row], quantity: Quantity) -> RefusedError:
        return RefusedError(
            ErrorCode.PRICES_OVERLAP,
            item=item_label(self.item),
            list=list_label(self.search.terms),
            quantity=quantity,
            records=", ".join(str(row.record) for row in sorted(rows, key=lambda row: row.record)),
        )


def pieces_per_unit(book: PriceBook, terms: ListTerms, item: Item, sales_item: SalesItem, unit: str) -> Fraction | None:
    """How many sales units one unit of a row has; None for a row that the rules leave out.

    Raises RefusedError PRICE_UNIT_UNKNOWN.
    """
    if unit.casefold() == sales_item.sales_unit.casefold():
        return Fraction(1)
    if terms.other_units == "leave_out":
        return None
    pieces = book.per_unit(sales_item.product, unit, sales_item.sales_unit) if terms.other_units == "convert" else None
    if pieces is None:
        raise RefusedError(
            ErrorCode.PRICE_UNIT_UNKNOWN,
            item=item_label(item),
            list=list_label(terms),
            unit=unit or "(none)",
            sales_unit=sales_item.sales_unit,
        )
    return pieces


def unlisted_currencies(book: PriceBook, lists: Sequence[ListTerms], day: date) -> Iterator[tuple[str, str, int]]:
    """Price group, currency and number of valid rows, of those in a currency for which no list has the group."""
    listed = {(group, terms.currency.casefold()) for terms in lists for group in terms.groups}
    listed |= {
        (terms.list_price_group, terms.currency.casefold()) for terms in lists if terms.list_price_group is not None
    }
    known = {group for group, _ in listed}
    found: defaultdict[tuple[str, str], int] = defaultdict(int)
    for row in book.agreements:
        group, currency = row.terms.group.casefold(), row.terms.currency.casefold()
        if group in known and (group, currency) not in listed and row.terms.is_valid(day):
            found[row.terms.group, row.terms.currency] += 1
    for (group, currency), count in sorted(found.items()):
        yield group, currency, count


def _rank(row: AgreementTerms, terms: ListTerms, book: PriceBook) -> _Rank | None:
    """None for a row that is not for the list's buyers."""
    if row.account:
        is_ours = terms.account is not None and row.account.casefold() == terms.account
        return _CUSTOMER if is_ours and "customer" in terms.search else None
    if row.group:
        group = row.group.casefold()
        if group not in terms.groups or "group" not in terms.search:
            return None
        return _GROUP, -book.priorities.get(group, 0) if terms.by_priority else 0
    return _ALL if "all" in terms.search else None


def _fits(named: Item, item: Item) -> bool:
    """Whether a row that names these dimensions is for the item."""
    return all(not ours or ours.casefold() == its.casefold() for ours, its in zip(named[1:], item[1:], strict=True))
