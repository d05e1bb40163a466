"""What stock a store shows: `[stock]`, `[[stock.shares]]`, `[[stock.buffers]]`.

Quantities are in the item's inventory unit; one of it must be one piece in Shopify.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Literal

from pydantic import Field

from shared.rules.base import Rules


class Share(Rules):
    location: int = Field(gt=0, description="Shopify location.")
    percent: int = Field(ge=0, le=100, description="Percentage of its warehouses' stock that it may sell.")


class Buffer(Rules):
    sku: str = Field(min_length=1, description='SKU; `*` and `?` as in file names ("TENT-*"). Case counts.')
    units: int = Field(ge=0, description="Units that no location offers.")


class StockRules(Rules):
    count_incoming: int = Field(
        default=0,
        ge=0,
        le=100,
        description="Percentage of the ordered receipts that is offered before they arrive.",
    )
    shortage: Literal["shared", "local"] = Field(
        default="shared",
        description="How a warehouse counts that has promised more than it has. `shared`: the shortage is subtracted "
        "from the location's other warehouses; use it where one may ship for another. `local`: it counts as empty; use "
        "it where its stock is replenished from elsewhere. Safety stock never causes a shortage.",
    )
    statuses: tuple[str, ...] = Field(
        default=(),
        description='Inventory statuses of F&O whose stock may be sold (["Available"]), in warehouses with warehouse '
        "management; also where an order's warehouse is chosen. Default: all stock counts, blocked stock too.",
    )
    shares: tuple[Share, ...] = Field(
        default=(),
        description="Locations that may sell only a part of their warehouses' stock; all others may sell all of it. "
        "A share is applied before buffers. Stores are not set at the same moment: use a buffer where two stores share "
        "a warehouse.",
    )
    buffer: int = Field(
        default=0, ge=0, description="Units that no location offers of a SKU without an entry in buffers."
    )
    buffers: tuple[Buffer, ...] = Field(
        default=(), description="Units held back by SKU. The first entry that fits decides."
    )
    missing_row: Literal["skip", "zero"] = Field(
        default="skip",
        description="What becomes of an item without an on-hand row in any warehouse of the location: Shopify keeps "
        "its figure (`skip`), or shows 0 (`zero`). F&O has no row for an item that a warehouse never held, so a "
        "missing row does not mean sold out.",
    )
    write_behind_overlap_minutes: int = Field(
        default=10,
        ge=1,
        le=1440,
        description="Minutes before the newest order that F&O has, at which the search for unknown orders starts. An "
        "order that Shopify's search shows later than that has arrived by its webhook. The search for figures that "
        "changed in Shopify starts as many minutes before the last run, and the one for orders that changed as many "
        "before the latest change.",
    )
    settle_seconds: int = Field(
        default=30,
        ge=0,
        le=3600,
        description="Seconds during which a figure that Shopify has just changed is not raised: the order that changed "
        "it may not be in Shopify's search yet. Lowering is never delayed.",
    )
    freeze_backlog: int = Field(
        default=200,
        ge=1,
        description="While more orders than this wait for F&O, figures are only lowered. Parked orders do not count. "
        "Of as many orders the units are read in one run.",
    )
    full_compare_hours: int = Field(
        default=24,
        ge=1,
        description="Hours between two comparisons of every figure with Shopify. They correct what others changed "
        "there and Shopify's search did not show.",
    )
    catalogue_minutes: int = Field(
        default=60,
        ge=1,
        description="Minutes after which Shopify's variants, F&O's items and safety stock are read again. Figures that "
        "Shopify refused are then tried again.",
    )

    def share_of(self, location: int) -> Decimal:
        """The share of its warehouses' stock that the location may sell, as a fraction."""
        percent = next((share.percent for share in self.shares if share.location == location), 100)
        return Decimal(percent) / 100

    def buffer_of(self, sku: str) -> int:
        return next((buffer.units for buffer in self.buffers if fnmatchcase(sku, buffer.sku)), self.buffer)

    def mistakes(self, served: Iterable[tuple[str, int]]) -> list[str]:
        """One line for each contradiction to the store's warehouses, given as (warehouse, Shopify location)."""
        locations: defaultdict[str, set[int]] = defaultdict(set)
        for warehouse, location in served:
            locations[warehouse].add(location)
        known = {location for its in locations.values() for location in its}
        named = Counter(share.location for share in self.shares)
        return [
            *(f"shares: no warehouse serves location {location}" for location in named if location not in known),
            *(f"shares: location {location} is listed twice" for location, times in named.items() if times > 1),
            *(
                f"shares: the locations of warehouse {warehouse} share more than 100 % of its stock"
                for warehouse, its in sorted(locations.items())
                if sum(self.share_of(location) for location in its) > 1
            ),
        ]
