"""Which figures are read, computed and set together."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self

from shared.mapping.stock.figures import Listing
from shared.model import Level, LevelId
from shared.shopify.admin.client import QueryRunner
from shared.shopify.inventory import BATCH, NoLevel, read_levels

_FIGURES: Final = 4 * BATCH
"""In one wave at most, so that the readings are fresh when they are used, and the calls that set them are full."""


@dataclass(frozen=True, slots=True)
class Wave:
    """Figures that are set together, and what Shopify has just shown of each."""

    listings: list[Listing]
    shown: dict[LevelId, Level | NoLevel]


@dataclass(frozen=True, slots=True)
class Waves:
    """Reads Shopify's figures of many listings, wave by wave: each is read after the one before was set.

    By their items' ids: that costs 4 points for 250 of a location, and a page of the shop's items 35.
    """

    admin: QueryRunner
    left: deque[list[Listing]]
    """Not read yet, item by item."""

    @classmethod
    def over(cls, items: Iterable[list[Listing]], *, admin: QueryRunner) -> Self:
        return cls(admin, deque(items))

    @property
    def is_over(self) -> bool:
        return not self.left

    async def read(self) -> Wave:
        """The next wave, in which the listings of an item are together."""
        listings: list[Listing] = []
        while self.left and (not listings or len(listings) + len(self.left[0]) <= _FIGURES):
            listings += self.left.popleft()
        return Wave(listings, await read_levels(self.admin, [listing.level for listing in listings]))
