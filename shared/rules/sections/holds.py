"""Which holds of an order are copied to the other system: `[holds]`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from shared.model import HoldOrigin
from shared.rules.base import Rules

ShopHoldReason = Literal[
    "AWAITING_PAYMENT",
    "AWAITING_RETURN_ITEMS",
    "HIGH_RISK_OF_FRAUD",
    "INCORRECT_ADDRESS",
    "INVENTORY_OUT_OF_STOCK",
    "ONLINE_STORE_POST_PURCHASE_CROSS_SELL",
    "OTHER",
    "UNKNOWN_DELIVERY_DATE",
]


class CopiedHold(Rules):
    """How a hold of F&O is shown in Shopify."""

    reason: ShopHoldReason = Field(description="Shopify's reason of the hold (FulfillmentHoldReason).")
    notes: str = Field(
        default="Held in Dynamics 365", max_length=255, description="What staff read beside the hold in Shopify."
    )


class HoldRules(Rules):
    credit: CopiedHold | None = Field(
        default=None,
        description="Holds of F&O's credit management in Shopify. Without this table they are not copied.",
    )
    staff: CopiedHold | None = Field(
        default=None,
        description="Orders that staff hold in F&O (*Do not process*), in Shopify; those that the app holds there are "
        "never copied. Without this table none is.",
    )
    from_shopify: tuple[ShopHoldReason, ...] = Field(
        default=(),
        description="Reasons of holds in Shopify for which the order is held in F&O, whoever set them there but this "
        "app. F&O holds an order as a whole: one held fulfilment order is enough. Default: none.",
    )

    @property
    def to_shopify(self) -> dict[HoldOrigin, CopiedHold]:
        """By the hold's origin in F&O."""
        rules = {HoldOrigin.CREDIT: self.credit, HoldOrigin.STAFF: self.staff}
        return {origin: rule for origin, rule in rules.items() if rule is not None}
