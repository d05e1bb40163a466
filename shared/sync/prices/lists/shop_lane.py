"""The way of the shop's own prices to Shopify: one call for each product, or one bulk operation for many.

An operation goes on over several runs. What it was given is stored with the prices that are known before it is started,
so that the prices that it set count as written by the flow. While it works, nothing else writes to its products.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from shared.errors import OutcomeUnknownError, RefusedError, TransientError
from shared.mapping.prices.changes import price_text
from shared.model import ListedPrice
from shared.shopify.bulk import BulkResult, BulkStatus
from shared.shopify.prices import VARIANT_PRICES, NewPrice, rejections_of, variant_prices_input
from shared.sync.bulk.lane import MOST, UNREADABLE, WORTHWHILE, BulkLane
from shared.sync.prices.lists.memory import PriceMemory
from shared.sync.prices.lists.writing import SingleCalls, new_prices
from shared.sync.prices.ports import LaneOutcome, ProductPrices

_SENT: Final = "sent in bulk"
"""Of the memory's extra values: product -> variant, price and compare-at price of each line."""


@dataclass(slots=True)
class ShopPriceLane:
    single: SingleCalls
    bulk: BulkLane
    memory: PriceMemory
    is_under_way: bool = False
    """Shopify is working on an operation."""
    avoids_bulk: bool = False
    """The last operation did not carry out all that it was given: this run uses single calls, which say why."""

    async def settle(self) -> None:
        """Takes what an operation of an earlier run has set. Raises TransientError where its results end early: the
        next runs read them again for an hour.
        """
        found = await self.bulk.jobs.resume()
        if found is None:
            self.memory.drop_extra(_SENT)
            return
        job, state = found
        if not state.status.is_over:
            self.is_under_way = True
            return
        self.avoids_bulk = state.status is not BulkStatus.COMPLETED
        sent, unused = self.memory.extra.get(_SENT, {}), ""
        try:
            async for product, result in self.bulk.results(job, state):
                self._take(sent.get(product, []), result)
        except TransientError:
            if not self.bulk.is_given_up(state):
                raise
            self.avoids_bulk, unused = True, UNREADABLE
        self.memory.drop_extra(_SENT)
        await self.memory.save()
        await self.bulk.jobs.end(job, state, unused=unused)

    async def write(self, products: Sequence[ProductPrices], *, keeps_compare_at: bool) -> LaneOutcome:
        """By an operation if they are many; what it works on was not reached by this run."""
        sent = self.memory.extra.get(_SENT, {}) if self.is_under_way else {}
        free = [each for each in products if str(each.product) not in sent]
        if len(free) < WORTHWHILE or self.avoids_bulk:
            return await self.single.write(free, keeps_compare_at=keeps_compare_at)
        if self.is_under_way:
            return LaneOutcome()
        try:
            await self._start(free[:MOST], keeps_compare_at=keeps_compare_at)
        except OutcomeUnknownError:
            self.is_under_way = True  # it may be
        except (TransientError, RefusedError):  # as where Shopify carries out as many operations as it does at once
            self.memory.drop_extra(_SENT)
            return await self.single.write(free, keeps_compare_at=keeps_compare_at)
        return LaneOutcome()

    async def _start(self, products: Sequence[ProductPrices], *, keeps_compare_at: bool) -> None:
        prices = {each.product: new_prices(each, keeps_compare_at=keeps_compare_at) for each in products}
        sent = {str(product): [_stored(price) for price in its] for product, its in prices.items()}
        self.memory.set_extra(**{_SENT: sent})
        await self.memory.save()
        calls = {str(product): variant_prices_input(product, its) for product, its in prices.items()}
        await self.bulk.start(VARIANT_PRICES, "Setting prices of products", calls)
        self.is_under_way = True

    def _take(self, sent: Sequence[Sequence[Any]], result: BulkResult) -> None:
        if result.payload is None:
            self.avoids_bulk = True
            return
        prices = [_of_stored(each) for each in sent]
        rejections = rejections_of(result.errors, prices)
        whole = next((each for each in rejections if each.variant is None), None)
        by_variant = {each.variant: each for each in rejections}
        for price in prices:
            rejection = whole or by_variant.get(price.variant)
            after = ListedPrice(price.price, price.compare_at)
            if rejection is None:
                self.memory.note_written(price.variant, after)
            elif rejection.is_gone:
                self.memory.forget([price.variant])
            else:
                self.memory.note_refusal(price.variant, price_text(after), rejection.message)


def _stored(price: NewPrice) -> list[Any]:
    compare_at = None if price.compare_at is None else f"{price.compare_at:f}"
    return [price.variant, f"{price.price:f}", compare_at]


def _of_stored(row: Sequence[Any]) -> NewPrice:
    variant, price, compare_at = row
    return NewPrice(variant, Decimal(price), None if compare_at is None else Decimal(compare_at), keeps_compare_at=True)
