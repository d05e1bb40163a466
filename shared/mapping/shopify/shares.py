"""The share of a line's discount or tax that went with the units that edits removed.

Shopify's schema says that a line's discounts and taxes include those of removed units. It does not say how the share
of the removed units is rounded, nor what an edit that computes the taxes anew leaves of them. So there are several
ways to understand them, and Shopify's current totals decide between them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from shared.model import Money


@dataclass(frozen=True, slots=True)
class Goods:
    """What became of one line's units: ordered = removed by edits + refunded + left."""

    ordered: int
    removed: int
    left: int


type Share = Callable[[Money, Goods, Money], Money]
"""(amount of all ordered units, goods, what refunds took of the amount) -> what went with the removed units."""


def _of_the_rest(amount: Money, goods: Goods, refunded: Money) -> Money:
    return _part(amount - refunded, goods.removed, goods.removed + goods.left) if goods.removed else amount * 0


def _of_all(amount: Money, goods: Goods, _refunded: Money) -> Money:
    return _part(amount, goods.removed, goods.ordered)


def _one_by_one(amount: Money, goods: Goods, refunded: Money) -> Money:
    rest = amount - refunded
    for units in range(goods.removed + goods.left, goods.left, -1):
        rest -= _part(rest, 1, units)
    return amount - refunded - rest


def _nothing(amount: Money, _goods: Goods, _refunded: Money) -> Money:
    return amount * 0


def _part(amount: Money, units: int, of: int) -> Money:
    return Money(amount.amount * units / of, amount.currency).rounded()


SHARES: Final[Mapping[str, Share]] = {
    "removed units take their share of what refunds left": _of_the_rest,
    "removed units take their share of all": _of_all,
    "removed units take their share one by one": _one_by_one,
    "removed units are left out of the line's amount": _nothing,
}
