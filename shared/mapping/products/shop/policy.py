"""What the rules say about how a product stands in the shop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

MOST_OPTIONS: Final = 3
MOST_VARIANTS: Final = 2048


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopPolicy:
    locations: tuple[int, ...] = ()
    """Where a new variant is stocked, with 0 units."""
    publications: tuple[int, ...] = ()
    """On which a product is published."""
    leaves: Literal["unpublish", "draft"] = "unpublish"
    """What becomes of a product that leaves the rule. Without publications it becomes a draft in either case."""
    delete_variants: bool = False
    visible_at_zero: bool = False
    status: Literal["fo", "once", "never"] = "fo"
    """Who decides whether an approved product can be seen: F&O, staff once it was shown, or staff from the start."""
    has_prices: bool = True
    """The flow of prices is on."""
    pictures: Literal["fo", "once", "never"] = "never"
    """Who owns pictures. With `never` the shop's are not even read."""
    most_variants: int = MOST_VARIANTS
    """Of one product, as the shop limits it."""
    most_options: int = MOST_OPTIONS
