"""How far a price changes, also where a price list has none of its own before or after: then with what the buyer would
see otherwise.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
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
    ratios: Mapping[int, Decimal]
    """Variant -> the list's price divided by the shop's own, of those that have both above 0."""
    sorted_ratios: Sequence[Decimal]

    @classmethod
    def of_list(cls, terms: ListTerms, on_list: PriceMemory, shop: PriceMemory, shop_currency: str) -> Self:
        ratios = {
            variant: own / price
            for variant in on_list.prices
            if (own := _shown_price(on_list, variant)) is not None
            and (price := _shown_price(shop, variant)) is not None
        }
        return cls(terms, on_list, shop, shop_currency, ratios, sorted(ratios.values()))

    def percent(self, change: PriceChange) -> Decimal | None:
        """None where there is no price to compare with.

        A price that begins may be near the shop's own price, or as far from it as the list's other prices are, or near
        the last one that the flow wrote. One that ends is compared with what follows it. A price of 0 is none to
        compare with: every price would be near it.
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
        if (last := self.on_list.last_written(variant)) is not None and last.price:
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
        price, ratio = _shown_price(self.shop, variant), self._usual_ratio(variant)
        return None if price is None or ratio is None else ListedPrice(price * ratio)

    def _usual_ratio(self, variant: int) -> Decimal | None:
        """The median of all others; None where there are none."""
        others = len(self.sorted_ratios)
        own = others
        if variant in self.ratios:
            others -= 1
            own = bisect_left(self.sorted_ratios, self.ratios[variant])
        if not others:
            return None
        low, high = (self.sorted_ratios[place + (place >= own)] for place in ((others - 1) // 2, others // 2))
        return (low + high) / 2


def _shown_price(prices: PriceMemory, variant: int) -> Decimal | None:
    """None for a price of 0 too: there is nothing to compare with."""
    known = prices.prices.get(variant)
    return None if known is None or known.shown is None or not known.shown.price else known.shown.price
