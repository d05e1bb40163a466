"""How the buyer of an order gets the goods."""

from __future__ import annotations

from enum import StrEnum


class DeliveryMethod(StrEnum):
    """The values are those of Shopify's DeliveryMethodType."""

    SHIPPING = "SHIPPING"
    PICK_UP = "PICK_UP"
    PICKUP_POINT = "PICKUP_POINT"
    LOCAL = "LOCAL"
    RETAIL = "RETAIL"
    NONE = "NONE"
