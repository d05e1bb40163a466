"""What F&O showed as ready of goods that the buyer picks up, and what the buyer was told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class PickUp:
    picked: Mapping[str, Decimal] = field(default_factory=dict)
    """InventoryLotId -> units that had left or were picked when F&O first showed the sales order as picked."""
    told: Mapping[int, Mapping[int, int]] = field(default_factory=dict)
    """Fulfilment order of which the buyer was told -> order line -> units that were open then."""
    telling: Mapping[int, Mapping[int, int]] = field(default_factory=dict)
    """The same of what Shopify is asked to tell; empty once its answer is known."""
