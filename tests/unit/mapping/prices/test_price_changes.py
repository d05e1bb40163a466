"""Which shown prices are written, held by whom, and by how much they change."""

from decimal import Decimal

import pytest

from shared.mapping.prices.changes import (
    PriceChange,
    PriceOutcome,
    by_name,
    decide_price,
    most_changes,
    percent_between,
    texts,
    with_shown_compare_at,
)
from shared.model import ListedPrice, PriceTier, QuantityRule


def price(amount, compare_at=None, *tiers, quantities=None):
    return ListedPrice(
        Decimal(amount),
        None if compare_at is None else Decimal(compare_at),
        tuple(PriceTier(minimum, Decimal(each)) for minimum, each in tiers),
        quantities,
    )


def change(before, after, *, sku="TENT-2P", variant=9001):
    return PriceChange(variant, 8001, sku, before, after, PriceOutcome.SET)


@pytest.mark.parametrize(
    ("shown", "wanted", "written", "outcome"),
    [
        ("10", "10", None, PriceOutcome.EQUAL),
        ("10", "10", "12", PriceOutcome.EQUAL),
        ("10", "12", None, PriceOutcome.SET),
        ("10", "12", "10", PriceOutcome.SET),
        ("11", "12", "10", PriceOutcome.SET),
        ("11", "10", "10", PriceOutcome.SET_BACK),
        (None, "10", "10", PriceOutcome.SET_BACK),
        (None, "10", None, PriceOutcome.SET),
        ("10", None, "10", PriceOutcome.ENDED),
        ("11", None, "10", PriceOutcome.ENDED),
        ("10", None, None, PriceOutcome.NOT_OURS),
        (None, None, "10", PriceOutcome.EQUAL),
    ],
)
def test_a_price_is_written_unless_it_is_shown_or_the_merchants(shown, wanted, written, outcome):
    prices = [None if each is None else price(each) for each in (shown, wanted, written)]
    assert decide_price(*prices, overwrite="set_back") is outcome
    left = {PriceOutcome.SET_BACK: PriceOutcome.EDITED}
    assert decide_price(*prices, overwrite="tell") is left.get(outcome, outcome)


def test_amounts_are_compared_as_numbers():
    assert decide_price(price("10.0"), price("10.00"), None, overwrite="tell") is PriceOutcome.EQUAL


@pytest.mark.parametrize(
    ("before", "after", "percent"),
    [
        (price("10"), price("20"), "50"),
        (price("20"), price("10"), "50"),
        (price("2.49"), price("249"), "99"),
        (price("249"), price("2.49"), "99"),
        (price("0"), price("5"), "0"),
        (price("10"), price("0"), "100"),
        (price("10", None, (5, "8")), price("10", None, (5, "2")), "75"),
        (price("10", None, (5, "8")), price("10"), "20"),
        (price("10"), price("10", None, (5, "4")), "60"),
        (price("10", "20"), price("10", "90"), "0"),
    ],
)
def test_the_greatest_change_at_any_quantity_counts(before, after, percent):
    assert percent_between(before, after) == Decimal(percent)


def test_a_merchants_compare_at_price_stays():
    assert with_shown_compare_at(price("10"), price("12", "15")) == price("10", "15")
    assert with_shown_compare_at(price("10", "11"), None) == price("10")
    assert with_shown_compare_at(None, price("12", "15")) is None


@pytest.mark.parametrize(("shown", "most"), [(0, 10), (49, 10), (50, 10), (100, 20), (1009, 201)])
def test_a_share_of_the_prices_may_change_but_always_some(shown, most):
    assert most_changes(shown, percent=20, floor=10) == most


def test_changes_are_told_by_sku():
    rule = QuantityRule(6, 18, 3)
    found = by_name(
        [
            change(price("249"), price("2.49", "5")),
            change(price("1"), price("2"), variant=9002),
            change(price("1"), price("2"), sku="", variant=9003),
            change(None, price("10", None, (10, "9"), quantities=rule), sku="B"),
            change(price("3", None, quantities=QuantityRule(2)), None, sku="C"),
        ],
        {"TENT-2P"},
    )
    assert texts(found) == {
        "TENT-2P (variant 9001)": "249.00 -> 2.49, instead of 5.00",
        "TENT-2P (variant 9002)": "1.00 -> 2.00",
        "variant 9003": "1.00 -> 2.00",
        "B": "(none) -> 10.00, from 10 9.00, ordered by 3 from 6 to 18",
        "C": "3.00, ordered by 1 from 2 -> (none)",
    }


def test_amounts_are_written_alike_however_many_zeros_they_have():
    assert change(price("249.0"), price("2.4900")).text == "249.00 -> 2.49"
    assert change(price("1.2345"), price("1E+1")).text == "1.2345 -> 10.00"
