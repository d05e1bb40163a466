"""How far a price changes, also where a price list has none of its own before or after: then with what the buyer would
see otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from statistics import median
from typing import Self

from shared.mapping.prices.changes import PriceChange, percent_between
from shared.mapping.prices.terms import ListTerms
from shared.model import ListedPrice
from shared.sync.prices.lists.memory import PriceMemory


@dataclass(frozen=True, slots=True)
class PriceComparison:
    """Of one list; of the shop's own prices, `on_list` is `shop`."""

    terms: ListTerms
    on_list: PriceMemory
    shop: PriceMemory
    shop_currency: str
    usual_ratio: Decimal | None
    """Of the list's prices to the shop's own; None for a list without prices."""

    @classmethod
    def of_list(cls, terms: ListTerms, on_list: PriceMemory, shop: PriceMemory, shop_currency: str) -> Self:
        ratios = [
            known.shown.price / price
            for variant, known in on_list.prices.items()
            if known.shown is not None and (price := _shown_price(shop, variant)) is not None
        ]
        return cls(terms, on_list, shop, shop_currency, median(ratios) if ratios else None)

    def percent(self, change: PriceChange) -> Decimal | None:
        """None where there is no price to compare with.

        A price that begins may be near the shop's own price, or as far from it as the list's other prices are, or near
        the last one that the flow wrote. One that ends is compared with what follows it.
        """
        match change.before, change.after:
            case ListedPrice() as before, ListedPrice() as after:
                return percent_between(before, after)
            case None, ListedPrice() as after:
                return min((percent_between(each, after) for each in self._before(change.variant)), default=None)
            case ListedPrice() as before, None:
                follows = self._shown_by_shop(change.variant)
                return None if follows is None else percent_between(before, follows)
        return Decimal(0)

    def _before(self, variant: int) -> Iterator[ListedPrice]:
        if (shown := self._shown_by_shop(variant)) is not None:
            yield shown
        if (usual := self._usual(variant)) is not None:
            yield usual
        if (last := self.on_list.last_written(variant)) is not None:
            yield last

    def _shown_by_shop(self, variant: int) -> ListedPrice | None:
        """What Shopify shows where the list has no price of its own: the shop's, converted by a rate of which the
        list's other prices give an idea.
        """
        if self.terms.currency != self.shop_currency:
            return self._usual(variant)
        price = _shown_price(self.shop, variant)
        return None if price is None else ListedPrice(price)

    def _usual(self, variant: int) -> ListedPrice | None:
        price = _shown_price(self.shop, variant)
        return None if price is None or self.usual_ratio is None else ListedPrice(price * self.usual_ratio)


def _shown_price(shop: PriceMemory, variant: int) -> Decimal | None:
    """None for a price of 0 too: there is nothing to compare with."""
    known = shop.prices.get(variant)
    return None if known is None or known.shown is None or not known.shown.price else known.shown.price
