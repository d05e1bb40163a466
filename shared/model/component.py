"""What a line or a charge is for: one vocabulary for orders, refunds, proofs and the rules' keys."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, Self

from shared.model.order import LineKind


class Component(StrEnum):
    """The parts of an order's total and of a refund's worth. The value is the name for people, and stored."""

    singular: str
    """The name of one of them."""
    order_key: str
    """The key in [orders] of the service item that it is booked with, "" where another section has it, or none."""
    account_key: str
    """The key in [refunds.accounts] of the account that it is credited from, "" where a refund has no such part."""

    def __new__(cls, value: str, singular: str = "", order_key: str = "", account_key: str = "") -> Self:
        member = str.__new__(cls, value)
        member._value_ = value
        member.singular = singular or value
        member.order_key = order_key
        member.account_key = account_key
        return member

    PRODUCTS = "products", "product"
    CUSTOM_LINES = "custom lines", "custom line", "custom_line_item", "custom_lines"
    GIFT_CARDS = "gift cards sold", "gift card sold", "gift_card_item", "gift_cards"
    TIPS = "tips", "tip", "tip_item", "tips"
    SHIPPING = "shipping", "", "shipping_item", "shipping"
    DUTIES = "duties", "", "duties_item", "duties"
    FEES = "additional fees", "additional fee", "fees_item", "fees"
    CASH_ROUNDING = "cash rounding", "", "rounding_item"
    TAX = "tax", "", "", "tax"
    TAX_DIFFERENCE = "tax difference", "", "", "tax_difference"
    GOODS_RETURNED = "goods returned", "", "", "goods_returned"
    GOODS_KEPT = "goods kept", "", "", "goods_kept"
    GOODWILL = "goodwill", "", "", "goodwill"
    RESTOCKING_FEE = "restocking fee", "", "", "restocking_fee"
    RETURN_SHIPPING_FEE = "return shipping fee", "", "", "return_shipping_fee"
    DISCREPANCY = "discrepancy", "", "", "discrepancy"


COMPONENTS: Final[Mapping[LineKind, Component]] = {
    LineKind.PRODUCT: Component.PRODUCTS,
    LineKind.CUSTOM: Component.CUSTOM_LINES,
    LineKind.GIFT_CARD: Component.GIFT_CARDS,
    LineKind.TIP: Component.TIPS,
}


def source_of(component: Component, source_id: int) -> str:
    """The name of an order line, a shipping line or a charge: all F&O lines of it share the name."""
    return f"{component}:{source_id}"
