"""How many new variants Shopify takes from a large shop on one day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_MANY: Final = 50_000
"""From so many variants on, Shopify limits how many are new on a day."""


@dataclass(slots=True)
class NewVariants:
    """Counts variants as they are created. Those of a product that is taken over, as the shop has it, are not new."""

    most: int = 0
    """On one day, by the rules; 0 for no limit."""
    in_shop: int = 0
    """Of all products."""
    today: int = 0
    """Created on this day, in earlier runs too."""

    def take(self, count: int) -> bool:
        """Whether so many may be created now. They count from then on, also where Shopify's answer is lost."""
        is_large = self.in_shop + count > _MANY
        if count and self.most and is_large and self.today + count > self.most:
            return False
        self.in_shop += count
        self.today += count
        return True

    def give_back(self, count: int) -> None:
        """Of those that were taken, the ones that are not created."""
        self.in_shop -= count
        self.today -= count
