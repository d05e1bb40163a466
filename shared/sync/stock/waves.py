"""Which figures are read, computed and set together, and how Shopify is asked for them at the least cost."""

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
"""Of one wave at most: few enough for the readings to be fresh when they are used."""

_PAGES: Final = 8
"""Of one wave at most, for the same reason: where few figures of a page are wanted."""

_WORTH_A_PAGE: Final = 12
"""A figure that is asked for by its item's id costs Shopify's budget 3 points (item, level, quantity), a page of 250
items 35, wanted or not. Pages are turned when that is cheaper over the whole shop."""


@dataclass(slots=True)
class Wave:
    """Figures that are set together, all of an item's among them, and what Shopify showed of each a moment ago."""

    listings: list[Listing] = field(default_factory=list)
    shown: dict[LevelId, Level | NoLevel] = field(default_factory=dict)


@dataclass(slots=True)
class Waves:
    """Reads Shopify's figures of many listings, wave by wave: each is read when the one before has been set."""

    admin: QueryRunner
    missing: dict[int, list[Listing]]
    """What was not read yet: inventory item -> its listings."""
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
        """The next wave. One of pages on which nothing was wanted is empty."""
        return await (self._turn_pages() if self.by_page else self._ask_for_the_next())

    async def _turn_pages(self) -> Wave:
        """Where the wave is full in the middle of a page, the next one begins there, with a reading of its own.

        An item that no page showed is asked for by its id in the end: it may be gone, and the order of the pages is
        Shopify's.
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

    async def _ask_for_the_next(self) -> Wave:
        wave = Wave()
        for item, listings in list(self.missing.items()):
            if wave.listings and len(wave.listings) + len(listings) > _FIGURES:
                break
            wave.listings += self.missing.pop(item)
        wave.shown = await read_levels(self.admin, [listing.level for listing in wave.listings])
        return wave
