"""The shop's own prices: all of them once a day, and what changed in between."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from shared.errors import TransientError
from shared.mapping.prices.plan import ShownVariant
from shared.model import ListedPrice, ShopPrice
from shared.shopify.admin.client import QueryRunner
from shared.shopify.prices import ALL_VARIANTS, price_of, read_variant_page
from shared.store.blobs import Snapshots
from shared.sync.bulk.reading import LISTED_IN_BULK, BulkList, BulkReading, NoList
from shared.sync.prices.lists.memory import KnownPrice, PriceMemory

_OVERLAP: Final = timedelta(minutes=10)
"""How far a search for changes reaches back before the last one: Shopify's search may show a change late."""


async def load_shop_prices(snapshots: Snapshots, store: str) -> PriceMemory:
    return await PriceMemory.load(snapshots, f"prices/{store}/shop", [])


@dataclass(slots=True)
class ShopPriceReading:
    """One run's. A big shop is listed in bulk; meanwhile the runs read what changed, as at any other time."""

    memory: PriceMemory
    admin: QueryRunner
    bulk: BulkReading
    variants: int
    """How many the shop has, or more than LISTED_IN_BULK."""
    now: datetime
    full_hours: int
    is_late: Callable[[], bool]
    is_under_way: bool = False
    """Shopify is making the list of all prices."""

    async def read(self) -> bool:
        """Returns whether Shopify's prices are known now: what takes longer than a run goes on in the next one."""
        if self.memory.reading is None:
            await self._begin()
        return self.memory.reading is not None and await self._read_pages()

    async def _begin(self) -> None:
        """Nothing is begun while Shopify makes the very first list."""
        memory = self.memory
        is_due = memory.is_full_reading_due(self.now, self.full_hours)
        if is_due and self.variants >= LISTED_IN_BULK:
            listed = await self.bulk.ask(ALL_VARIANTS, "Listing the shop's prices")
            if isinstance(listed, BulkList) and await self._take(listed):
                return
            self.is_under_way = listed is NoList.UNDER_WAY
        if is_due and not self.is_under_way:
            memory.begin_reading(self.now)
        elif memory.read_at is not None:
            memory.begin_reading(self.now, since=(memory.searched_at or self.now) - _OVERLAP)

    async def _take(self, listed: BulkList) -> bool:
        """The list as the first part of a full reading, whose pages have what changed since. False where the list is
        not whole.
        """
        reading = self.memory.begin_reading(listed.job.started_at)
        try:
            async for row in self.bulk.rows(listed):
                price = price_of(row)
                self.memory.note_shown({price.variant: _known(price)}, after=None)
        except TransientError as error:
            self.memory.reading = None
            await self.bulk.end(listed, unused=f"{error.reason}. Pages are read instead")
            return False
        reading.since = listed.changed_since
        await self.memory.save()
        await self.bulk.end(listed)
        return True

    async def _read_pages(self) -> bool:
        reading = self.memory.reading
        while reading is not None and not self.is_late():
            page = await read_variant_page(self.admin, after=reading.after, since=reading.since)
            self.memory.note_shown({price.variant: _known(price) for price in page.prices}, after=page.after)
            if page.after is None:
                self.memory.end_reading(keeps_written=False)
                return True
        return False


def shop_variants(memory: PriceMemory) -> Iterator[ShownVariant]:
    for variant, known in memory.prices.items():
        yield ShownVariant(variant, known.product, known.sku, known.shown, known.written)


def _known(price: ShopPrice) -> KnownPrice:
    return KnownPrice(price.product, price.sku, ListedPrice(price.price, price.compare_at))
