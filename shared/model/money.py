"""Amounts of money. Decimal only: a float never touches an amount."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Final

# ISO 4217 currencies whose smallest unit is not a hundredth. Every other currency has two decimals.
_MINOR_DIGITS: Final = {
    **dict.fromkeys(
        (
            "BIF",
            "CLP",
            "DJF",
            "GNF",
            "ISK",
            "JPY",
            "KMF",
            "KRW",
            "PYG",
            "RWF",
            "UGX",
            "UYI",
            "VND",
            "VUV",
            "XAF",
        ),
        0,
    ),
    **dict.fromkeys(("XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}


class CurrencyMismatchError(ValueError):
    """Two currencies in one calculation: always a bug in the caller, never caused by data."""


def minor_digits(currency: str) -> int:
    """Decimals of the currency's smallest unit (ISO 4217): EUR 2, JPY 0, KWD 3."""
    return _MINOR_DIGITS.get(currency, 2)


@lru_cache
def smallest_unit(currency: str) -> Decimal:
    """The smallest amount that can be paid: EUR 0.01, JPY 1, KWD 0.001."""
    return Decimal(1).scaleb(-minor_digits(currency))


@dataclass(frozen=True, slots=True)
class Money:
    """An exact amount in one currency (ISO 4217 code). Arithmetic refuses to mix currencies."""

    amount: Decimal
    currency: str

    def __add__(self, other: Money) -> Money:
        return Money(self.amount + self._same(other), self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.amount - self._same(other), self.currency)

    def __neg__(self) -> Money:
        return Money(-self.amount, self.currency)

    def __abs__(self) -> Money:
        return Money(abs(self.amount), self.currency)

    def __mul__(self, factor: Decimal | int) -> Money:
        return Money(self.amount * factor, self.currency)

    def __lt__(self, other: Money) -> bool:
        return self.amount < self._same(other)

    def __le__(self, other: Money) -> bool:
        return self.amount <= self._same(other)

    def __bool__(self) -> bool:
        return bool(self.amount)

    def __str__(self) -> str:
        return f"{self.amount:.{minor_digits(self.currency)}f} {self.currency}"

    def rounded(self) -> Money:
        """To the currency's smallest unit, half away from zero, as F&O and Shopify round amounts."""
        return Money(self._rounded(), self.currency)

    def is_whole(self) -> bool:
        """Whether the amount can be paid: it has no fraction of the currency's smallest unit."""
        return self.amount == self._rounded()

    def split(self, weights: Sequence[int | Decimal]) -> tuple[Money, ...]:
        """Shares in proportion to the weights that sum to exactly this amount (largest remainder).

        Equal remainders go to the earlier share. Raises ValueError for no weights, a negative weight, weights
        that sum to zero, or an amount that is not whole.
        """
        total = sum((Decimal(weight) for weight in weights), Decimal(0))
        if total <= 0 or any(weight < 0 for weight in weights):
            raise ValueError("weights must be non-negative and sum to more than zero")
        if not self.is_whole():
            raise ValueError(f"{self.amount} {self.currency} has fractions of the smallest unit")
        unit = smallest_unit(self.currency)
        sign = -1 if self.amount < 0 else 1
        units = int(abs(self.amount) / unit)
        exact = [units * Decimal(weight) / total for weight in weights]
        shares = [int(share) for share in exact]
        by_remainder = sorted(range(len(exact)), key=lambda index: shares[index] - exact[index])
        for index in by_remainder[: units - sum(shares)]:
            shares[index] += 1
        return tuple(Money(sign * share * unit, self.currency) for share in shares)

    def _rounded(self) -> Decimal:
        return self.amount.quantize(smallest_unit(self.currency), ROUND_HALF_UP)

    def _same(self, other: Money) -> Decimal:
        if other.currency != self.currency:
            raise CurrencyMismatchError(f"{self.currency} and {other.currency} cannot be calculated together")
        return other.amount


def total(amounts: Iterable[Money], currency: str) -> Money:
    """The sum of the amounts, zero in the given currency for none of them."""
    none = Money(Decimal(0), currency)
    return Money(sum((none._same(each) for each in amounts), none.amount), currency)  # noqa: SLF001 - one check
