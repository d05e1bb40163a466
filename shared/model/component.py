"""What a line of a sales order stands for in Shopify."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from shared.model.order import LineKind


class Component(StrEnum):
    PRODUCTS = "products"
    CUSTOM_LINES = "custom lines"
    GIFT_CARDS = "gift cards sold"
    TIPS = "tips"
    SHIPPING = "shipping"
    DUTIES = "duties"
    FEES = "additional fees"
    CASH_ROUNDING = "cash rounding"
    TAX = "tax"
    TAX_DIFFERENCE = "tax difference"


COMPONENTS: Final = {
    LineKind.PRODUCT: Component.PRODUCTS,
    LineKind.CUSTOM: Component.CUSTOM_LINES,
    LineKind.GIFT_CARD: Component.GIFT_CARDS,
    LineKind.TIP: Component.TIPS,
}


def source_of(component: Component, source_id: int) -> str:
    """The name of an order line, a shipping line or a charge: all F&O lines of it share the name."""
    return f"{component}:{source_id}"
