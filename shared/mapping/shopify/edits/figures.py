"""An order's totals as Shopify gives them."""

from __future__ import annotations

from dataclasses import dataclass

from shared.mapping.shopify.fields import Amounts, Block
from shared.model import Money, Order


@dataclass(frozen=True, slots=True)
class Figures:
    """An order's totals as Shopify gives them."""

    total: Money
    tax: Money
    shipping: Money | None
    """After discounts; None where the API version lacks it."""
    duties: Money
    fees: Money
    discounts: Money | None = None
    """Of lines and shipping; None where they are not known."""


def read_figures(payload: Block, amounts: Amounts, *, duties_included: bool) -> Figures:
    """The totals after edits and refunds; where the API version lacks one, that of before.

    Raises RefusedError NOT_AN_ORDER, NEGATIVE_AMOUNT.
    """

    def latest(name: str, before: str = "") -> str:
        return f"current_{name}" if f"current_{name}" in payload else f"{before}{name}"

    duties = latest("total_duties_set", "original_")
    has_shipping = payload.get("current_shipping_price_set") is not None
    has_discounts = payload.get("current_total_discounts_set") is not None
    return Figures(
        total=amounts.required(payload, latest("total_price"), "", signed=True),  # goodwill may exceed what is left
        tax=amounts.required(payload, latest("total_tax"), ""),
        shipping=amounts.optional(payload, "current_shipping_price_set", "") if has_shipping else None,
        duties=amounts.zero if duties_included else amounts.optional(payload, duties, ""),
        fees=amounts.optional(payload, latest("total_additional_fees_set", "original_"), ""),
        discounts=amounts.optional(payload, "current_total_discounts_set", "") if has_discounts else None,
    )


def figures_of(order: Order, like: Figures) -> Figures:
    """The order's own totals; no shipping where the other figures have none, and their discounts."""
    return Figures(
        total=order.total,
        tax=order.total_tax,
        shipping=None if like.shipping is None else order.shipping_net,
        duties=order.duties,
        fees=order.additional_fees,
        discounts=like.discounts,
    )
