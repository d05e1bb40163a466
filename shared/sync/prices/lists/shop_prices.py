"""The shop's own prices: read once as a whole, then what changed, and written one product a call."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Final

from shared.mapping.prices.plan import ShownVariant
from shared.model import ListedPrice, ShopPrice
from shared.shopify.admin.client import QueryRunner
from shared.shopify.prices import read_variant_page
from shared.store.blobs import Snapshots
from shared.sync.prices.lists.memory import KnownPrice, PriceMemory

_OVERLAP: Final = timedelta(minutes=10)
"""How far a search for changes reaches back before the last one: Shopify's search may show a change late."""


async def load_shop_prices(snapshots: Snapshots, store: str) -> PriceMemory:
    return await PriceMemory.load(snapshots, f"prices/{store}/shop", [])


async def read_shop_prices(
    memory: PriceMemory, admin: QueryRunner, *, now: datetime, full_hours: int, is_late: Callable[[], bool]
) -> bool:
    """Reads every price, or those of variants that changed since the last reading. Returns whether that is done: a
    reading that takes longer than a run goes on in the next one.
    """
    reading = memory.begin_reading(now, full_hours=full_hours)
    since = None if reading.is_full else (memory.searched_at or now) - _OVERLAP
    while not is_late():
        page = await read_variant_page(admin, after=reading.after, since=since)
        memory.note_shown({price.variant: _known(price) for price in page.prices}, after=page.after)
        if page.after is None:
            memory.end_reading(keeps_written=False)
            return True
    return False


def shop_variants(memory: PriceMemory) -> Iterator[ShownVariant]:
    for variant, known in memory.prices.items():
        yield ShownVariant(variant, known.product, known.sku, known.shown, known.written)


def _known(price: ShopPrice) -> KnownPrice:
    return KnownPrice(price.product, price.sku, ListedPrice(price.price, price.compare_at))
