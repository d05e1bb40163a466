"""For any rows of trade agreements the list shows what trying out every quantity, and every order of the rows, gives
(tests/builders/brute_prices.py), or is refused where that is undecided.
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from builders.brute_prices import Buyer, UndecidedError, tiers, unit_price
from builders.price_rows import DAY, book, list_terms, sales_item, terms
from hypothesis import event, given, settings
from hypothesis import strategies as st

from shared.d365.prices.agreements import RowValues, price_agreement
from shared.errors import ErrorCode, RefusedError
from shared.mapping.prices.calculator import ListCalculator
from shared.mapping.prices.search import PriceSearchOfDay
from shared.model import Item

MOST = 40
TAX = {"shop_includes_tax": True, "tax_rates": ({"item_tax_group": "FULL", "rate": Decimal("0.21")},)}
FACTOR = Decimal("1.21")
VARIANTS = [("RED", "M"), ("RED", "L"), ("BLUE", "M")]


UNDECIDED = {
    ErrorCode.PRICE_MISSING,
    ErrorCode.PRICE_TIERS_UNUSABLE,
    ErrorCode.PRICE_ZERO,
    ErrorCode.PRICES_OVERLAP,
}


def days() -> st.SearchStrategy[str]:
    near = st.integers(-3, 3).map(lambda offset: DAY + timedelta(days=offset))
    never = st.just(date(1900, 1, 1))
    return st.one_of(never, never, near).map(lambda day: f"{day}T12:00:00Z")


@st.composite
def rows(draw: st.DrawFn) -> dict:
    first = draw(st.sampled_from([0, 0, 1, 2, 5, 10, 20]))
    return {
        "RecordId": Decimal(draw(st.integers(1, 10**9))),
        "ItemNumber": draw(st.sampled_from(["SHIRT", "SHIRT", "SHIRT", "BOOT"])),
        "ProductColorId": draw(st.sampled_from(["", "", "", "", "RED", "BLUE"])),
        "ProductSizeId": draw(st.sampled_from(["", "", "", "", "M", "L"])),
        "CustomerAccountNumber": (account := draw(st.sampled_from(["", "", "", "C-1", "C-2"]))),
        "PriceCustomerGroupCode": "" if account else draw(st.sampled_from(["", "DEALER", "DEALER", "WEB", "OTHER"])),
        "PriceCurrencyCode": draw(st.sampled_from(["EUR", "EUR", "EUR", "USD"])),
        "QuantityUnitySymbol": "ea",
        "FromQuantity": Decimal(first),
        "ToQuantity": Decimal(draw(st.sampled_from([0, 0, first + 3, first + 8]))),
        "PriceApplicableFromDate": draw(days()),
        "PriceApplicableToDate": draw(days()),
        "PriceSiteId": "",
        "PriceWarehouseId": "",
        "WillSearchContinue": draw(st.sampled_from(["Yes", "Yes", "Yes", "Yes", "No"])),
        "IsGenericCurrencySearchEnabled": "No",
        "AttributeBasedPricingId": "",
        "Price": Decimal(draw(st.integers(1, 4000))) / 100,
        "SalesPriceQuantity": Decimal(draw(st.sampled_from([0, 1, 1, 4, 10]))),
        "FixedPriceCharges": Decimal(0),
    }


def simple(given_rows: list[dict]) -> list[dict]:
    """Rows between which F&O decides, and whose prices fall with the quantity."""
    same = {"WillSearchContinue": "Yes", "ProductSizeId": "", "PriceApplicableFromDate": f"{DAY}T12:00:00Z"}
    return [row | same | {"Price": 1 + row["Price"] / (1 + row["FromQuantity"])} for row in given_rows]


def _record(row: dict) -> Decimal:
    return row["RecordId"]


def any_rows() -> st.SearchStrategy[list[dict]]:
    return st.one_of(
        st.lists(rows(), max_size=5, unique_by=_record), st.lists(rows(), max_size=7, unique_by=_record).map(simple)
    )


def book_of(given_rows: list[dict], base: Decimal):
    items = [sales_item("SHIRT", str(base), is_master=True)]
    return book(*(price_agreement(row, RowValues()) for row in given_rows), items=items)


@settings(max_examples=400)
@given(
    given_rows=any_rows(),
    base=st.integers(1, 5000).map(lambda cents: Decimal(cents) / 100),
    variant=st.sampled_from(VARIANTS),
    is_dealer=st.booleans(),
    counts_base=st.sampled_from([True, True, False]),
    is_specific=st.booleans(),
)
def test_a_list_shows_what_trying_out_gives(
    given_rows: list[dict],
    base: Decimal,
    variant: tuple[str, str],
    *,
    is_dealer: bool,
    counts_base: bool,
    is_specific: bool,
) -> None:
    color, size = variant
    item = {
        "ItemNumber": "SHIRT",
        "ProductColorId": color,
        "ProductSizeId": size,
        "SalesPrice": base,
        "SalesPriceQuantity": Decimal(1),
    }
    rules = TAX | {"dimensions": "specific" if is_specific else "any"}
    rules |= {} if counts_base else {"base_currency": None}
    if is_dealer:
        by = list_terms(rules=rules, groups=("DEALER",), customer="C-1", tiers=True)
        buyer = Buyer(frozenset({"DEALER"}), "EUR", account="C-1", base=counts_base, specific=is_specific)
    else:
        by, buyer = terms(**rules), Buyer(frozenset({"WEB"}), "EUR", base=counts_base, specific=is_specific)
    prices = book_of(given_rows, base)
    calculator = ListCalculator.of_day(prices, by, DAY)
    most = MOST if is_dealer else 1
    try:
        expected = tiers(given_rows, item, buyer, DAY, most=most, factor=FACTOR)
    except UndecidedError:
        event("undecided")
        with pytest.raises(RefusedError) as refused:
            calculator.price_of(Item("SHIRT", color=color, size=size))
        assert refused.value.code in UNDECIDED
        return
    shown = calculator.price_of(Item("SHIRT", color=color, size=size))
    event(f"tiers: {len(shown.tiers)}")
    assert [(1, shown.price), *((each.minimum, each.price) for each in shown.tiers)] == expected


@settings(max_examples=100)
@given(given_rows=any_rows(), quantity=st.integers(1, MOST))
def test_the_price_at_any_quantity_is_that_of_the_search(given_rows: list[dict], quantity: int) -> None:
    item = {
        "ItemNumber": "SHIRT",
        "ProductColorId": "RED",
        "ProductSizeId": "M",
        "SalesPrice": Decimal(9),
        "SalesPriceQuantity": Decimal(1),
    }
    search = PriceSearchOfDay.of_list(book_of(given_rows, Decimal(9)), terms(), DAY)
    prices = search.of_item(Item("SHIRT", color="RED", size="M"), search.book.items["shirt"])
    try:
        expected = unit_price(given_rows, item, Buyer(frozenset({"WEB"}), "EUR"), DAY, quantity)
    except UndecidedError:
        with pytest.raises(RefusedError) as refused:
            prices.at(quantity)
        assert refused.value.code is ErrorCode.PRICES_OVERLAP
        return
    found = prices.at(quantity)
    assert found is not None
    assert abs(found - Fraction(expected)) < Fraction(1, 10**20)  # the other calculator divides decimals
