"""What a variant costs on one of the shop's price lists."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True, order=True)
class PriceTier:
    """The price of one piece from a quantity on."""

    minimum: int
    price: Decimal


@dataclass(frozen=True, slots=True)
class QuantityRule:
    """How many pieces an order may have of a variant."""

    minimum: int = 1
    maximum: int | None = None
    increment: int = 1


@dataclass(frozen=True, slots=True)
class ListedPrice:
    """The price of one piece, in the currency of its list, as the buyer sees it."""

    price: Decimal
    compare_at: Decimal | None = None
    """The higher price that it is shown beside; None for none."""
    tiers: tuple[PriceTier, ...] = ()
    """Ascending, from the second quantity on; only on lists that allow them."""
    quantities: QuantityRule | None = None


@dataclass(frozen=True, slots=True)
class ShopPrice:
    """A variant with the price that the shop itself shows, in the shop's currency."""

    variant: int
    product: int
    sku: str
    price: Decimal
    compare_at: Decimal | None
