"""The ways in which a removed unit's share of a line's discount and taxes can be understood."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache
from typing import Final

from shared.model import (
    Money,
    TaxLine,
)


@dataclass(frozen=True, slots=True)
class Goods:
    """What became of one line's units: ordered = removed by edits + refunded + left."""

    ordered: int
    removed: int
    left: int


type RemovedShare = Callable[[Money, Goods, Money], Money]
"""(amount of all ordered units, goods, what refunds took of the amount) -> what went with the removed units."""


def _of_the_rest(amount: Money, goods: Goods, refunded: Money) -> Money:
    return part_of(amount - refunded, goods.removed, goods.removed + goods.left) if goods.removed else amount * 0


def of_all(amount: Money, goods: Goods, _refunded: Money) -> Money:
    return part_of(amount, goods.removed, goods.ordered)


@lru_cache(maxsize=8192)  # asked again for each way to understand the rest of the order
def one_by_one(amount: Money, goods: Goods, refunded: Money) -> Money:
    rest = amount - refunded
    for units in range(goods.removed + goods.left, goods.left, -1):
        rest -= part_of(rest, 1, units)
    return amount - refunded - rest


def _nothing(amount: Money, _goods: Goods, _refunded: Money) -> Money:
    return amount * 0


def part_of(amount: Money, units: int, of: int) -> Money:
    return Money(amount.amount * units / of, amount.currency).rounded()


ONE_BY_ONE: Final = 5_000
"""Removed units of an order, beyond which they are not gone through one by one."""

# Shopify's schema says that a line's discounts and taxes include those of units that edits removed. It does not say how
# the share of the removed units is rounded, nor what an edit that computes the taxes anew leaves of them. So there are
# several ways to understand them, and Shopify's current totals decide between them.
SHARES: Final[Mapping[str, RemovedShare]] = {
    "removed units take their share of what refunds left": _of_the_rest,
    "removed units take their share of all": of_all,
    "removed units take their share one by one": one_by_one,
    "removed units are left out of the line's amount": _nothing,
}


def taxes_by_rates(taxes: Sequence[TaxLine], net: Money, *, included: bool) -> tuple[TaxLine, ...]:
    """The tax lines as Shopify computes them for this amount."""
    divisor = 1 + sum((each.rate for each in taxes), Decimal(0)) if included else Decimal(1)
    return tuple(
        replace(each, amount=Money(net.amount * each.rate / divisor, net.currency).rounded()) for each in taxes
    )
