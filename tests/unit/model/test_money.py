"""Money is exact, keeps to its currency, and splits without losing a cent."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model import CurrencyMismatchError, Money, total


def eur(amount: str) -> Money:
    return Money(Decimal(amount), "EUR")


def test_currencies_never_mix() -> None:
    with pytest.raises(CurrencyMismatchError):
        _ = eur("1") + Money(Decimal(1), "USD")
    with pytest.raises(CurrencyMismatchError):
        _ = eur("1") < Money(Decimal(1), "USD")
    assert eur("1") != Money(Decimal(1), "USD")


def test_amounts_round_half_away_from_zero_to_the_currencys_unit() -> None:
    assert eur("2.345").rounded() == eur("2.35")
    assert eur("-2.345").rounded() == eur("-2.35")
    assert Money(Decimal("2.5"), "JPY").rounded() == Money(Decimal(3), "JPY")
    assert Money(Decimal("1.2345"), "KWD").rounded() == Money(Decimal("1.235"), "KWD")


def test_the_largest_remainder_gets_the_odd_cent() -> None:
    assert eur("10.00").split([1, 1, 1]) == (eur("3.34"), eur("3.33"), eur("3.33"))
    assert eur("0.05").split([1, 6, 3]) == (eur("0.01"), eur("0.03"), eur("0.01"))
    assert eur("-10.00").split([1, 1, 1]) == (eur("-3.34"), eur("-3.33"), eur("-3.33"))


@pytest.mark.parametrize("weights", [[], [0], [1, -1], [-1]])
def test_weights_that_mean_nothing_are_refused(weights: list[int]) -> None:
    with pytest.raises(ValueError, match="weights"):
        eur("1.00").split(weights)


def test_an_amount_with_fractions_of_a_cent_is_not_split() -> None:
    with pytest.raises(ValueError, match="fractions"):
        eur("1.001").split([1, 1])


@given(
    st.integers(-(10**9), 10**9),
    st.lists(st.integers(0, 10**6), min_size=1, max_size=40).filter(any),
    st.sampled_from([("EUR", 2), ("JPY", 0), ("KWD", 3)]),
)
def test_shares_sum_to_the_whole_and_none_is_a_unit_off(
    units: int, weights: list[int], currency: tuple[str, int]
) -> None:
    code, digits = currency
    unit = Decimal(1).scaleb(-digits)
    whole = Money(units * unit, code)
    shares = whole.split(weights)
    assert total(shares, code) == whole
    for share, weight in zip(shares, weights, strict=True):
        assert abs(share.amount - whole.amount * weight / sum(weights)) < unit
