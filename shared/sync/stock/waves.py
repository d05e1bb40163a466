"""Which figures are read, computed and set together, and the cheapest way to read them in Shopify."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import ceil
from typing import Final, Self

from shared.mapping.stock import Listing
from shared.model import Level, LevelId
from shared.shopify.admin.client import QueryRunner
from shared.shopify.inventory import BATCH, NoLevel, read_level_page, read_levels

_FIGURES: Final = 4 * BATCH
"""In one wave at most, so that the readings are fresh when they are used."""

_PAGES: Final = 8
"""In one wave at most, for the same reason, where few figures of a page are wanted."""

_WORTH_A_PAGE: Final = 12
"""A figure that is read by its item's id costs 3 points of Shopify's budget (item, level, quantity), a page of 250
items 35, wanted or not. Pages are read when that is cheaper over the whole shop.
"""


@dataclass(slots=True)
class Wave:
    """Figures that are set together, with all figures of each item, and what Shopify has just shown of each."""

    listings: list[Listing] = field(default_factory=list)
    shown: dict[LevelId, Level | NoLevel] = field(default_factory=dict)


@dataclass(slots=True)
class Waves:
    """Reads Shopify's figures of many listings, wave by wave: each is read after the one before was set."""

    admin: QueryRunner
    missing: dict[int, list[Listing]]
    """Not read yet: inventory item -> its listings."""
    by_page: bool
    locations: list[int]
    after: str | None = None
    """Cursor of the last item that was read."""

    @classmethod
    def over(cls, listings: Iterable[Listing], *, admin: QueryRunner, shop_items: int) -> Self:
        missing: defaultdict[int, list[Listing]] = defaultdict(list)
        for listing in listings:
            missing[listing.level.inventory_item].append(listing)
        figures = [listing.level for its in missing.values() for listing in its]
        locations = sorted({level.location for level in figures})
        pages = ceil(shop_items / BATCH) * len(locations)
        return cls(admin, dict(missing), len(figures) > _WORTH_A_PAGE * pages, locations)

    @property
    def is_over(self) -> bool:
        return not self.missing

    async def read(self) -> Wave:
        """The next wave. It is empty where its pages have no wanted figure."""
        return await (self._read_pages() if self.by_page else self._read_by_id())

    async def _read_pages(self) -> Wave:
        """When the wave is full in the middle of a page, the next wave begins there, with a reading of its own.

        An item that no page showed is read by its id in the end: it may be deleted, or may have moved between pages.
        """
        wave = Wave()
        for _ in range(_PAGES):
            page = await read_level_page(self.admin, self.locations, after=self.after)
            for item in page.items:
                listings = self.missing.get(item.number, [])
                if wave.listings and len(wave.listings) + len(listings) > _FIGURES:
                    return wave
                wave.listings += listings
                wave.shown |= {listing.level: item.levels[listing.level.location] for listing in listings}
                self.missing.pop(item.number, None)
                self.after = item.cursor
            if page.is_last or not self.missing:
                self.by_page = False
                break
            if len(wave.listings) + len(self.locations) > _FIGURES:
                break
        return wave

    async def _read_by_id(self) -> Wave:
        wave = Wave()
        for item, listings in list(self.missing.items()):
            if wave.listings and len(wave.listings) + len(listings) > _FIGURES:
                break
            wave.listings += self.missing.pop(item)
        wave.shown = await read_levels(self.admin, [listing.level for listing in wave.listings])
        return wave
