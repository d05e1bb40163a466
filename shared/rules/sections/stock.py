"""What stock a store shows: `[stock]`, `[[stock.shares]]`, `[[stock.buffers]]`.

Quantities are in the item's inventory unit; one of it must be one piece in Shopify.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Literal

from pydantic import AwareDatetime, Field

from shared.rules.base import Rules


class Share(Rules):
    location: int = Field(gt=0, description="Shopify location.")
    percent: int = Field(ge=0, le=100, description="Part of its warehouses' stock that it may sell.")


class Buffer(Rules):
    sku: str = Field(min_length=1, description='Pattern as file names have them ("TENT-*"); case matters.')
    units: int = Field(ge=0, description="Units of such a SKU that no location shows.")


class StockRules(Rules):
    count_incoming: int = Field(
        default=0,
        ge=0,
        le=100,
        description="Part of the receipts on order that is sold before it has arrived, in percent.",
    )
    shortage: Literal["shared", "local"] = Field(
        default="shared",
        description="What a warehouse does that has promised more than it has. shared: the location's "
        "other warehouses make it good, so less is shown; safe wherever one may ship for another. local: it "
        "counts as empty, for retailers who replenish it from elsewhere. Safety stock never makes a shortage.",
    )
    shares: tuple[Share, ...] = Field(
        default=(),
        description="Locations that may sell only a part; the others have all of their warehouses' stock. A share is "
        "of what is left, and two stores are not set at the same moment: leave a buffer where they share a warehouse.",
    )
    buffer: int = Field(default=0, ge=0, description="Units that no location shows of a SKU that no buffer names.")
    buffers: tuple[Buffer, ...] = Field(default=(), description="The first that fits the SKU counts.")
    missing_row: Literal["skip", "zero"] = Field(
        default="skip",
        description="An item without an on-hand row in any warehouse of the location: leave Shopify's figure as "
        "it is, or show 0. F&O has no row for what a warehouse never held, so this alone is not “sold out”.",
    )
    orders_from: AwareDatetime | None = Field(
        default=None,
        description="Go-live: F&O is taken to know every older Shopify order. Default: the first run.",
    )
    write_behind_overlap_minutes: int = Field(
        default=10,
        ge=1,
        le=1440,
        description="How far behind the newest order that F&O knows the search for unknown orders starts "
        "again. An order that Shopify's search shows even later has come by its webhook by then.",
    )
    settle_seconds: int = Field(
        default=30,
        ge=0,
        le=3600,
        description="A figure that Shopify changed less than this ago is not raised yet: the order behind the "
        "change may not be in Shopify's search. Lowering is never delayed.",
    )
    freeze_backlog: int = Field(
        default=200,
        ge=1,
        description="While more orders than this wait for F&O, figures are only lowered.",
    )
    full_compare_hours: int = Field(
        default=24,
        ge=1,
        description="How often every figure is compared with Shopify, to mend what others changed there.",
    )
    catalogue_minutes: int = Field(
        default=60,
        ge=1,
        description="How long Shopify's variants, F&O's items and safety stock are used before they are read "
        "again. Figures that Shopify refused are tried again then.",
    )

    def share_of(self, location: int) -> Decimal:
        """The location's part of its warehouses' stock, as a fraction."""
        percent = next((share.percent for share in self.shares if share.location == location), 100)
        return Decimal(percent) / 100

    def buffer_of(self, sku: str) -> int:
        return next((buffer.units for buffer in self.buffers if fnmatchcase(sku, buffer.sku)), self.buffer)

    def mistakes(self, served: Iterable[tuple[str, int]]) -> list[str]:
        """What contradicts the store's warehouses, given as (warehouse, Shopify location); one line each."""
        locations: defaultdict[str, set[int]] = defaultdict(set)
        for warehouse, location in served:
            locations[warehouse].add(location)
        known = {location for its in locations.values() for location in its}
        named = Counter(share.location for share in self.shares)
        return [
            *(f"shares: no warehouse serves location {location}" for location in named if location not in known),
            *(f"shares: location {location} is named twice" for location, times in named.items() if times > 1),
            *(
                f"shares: the locations of warehouse {warehouse} share more than 100 % of its stock"
                for warehouse, its in sorted(locations.items())
                if sum(self.share_of(location) for location in its) > 1
            ),
        ]
