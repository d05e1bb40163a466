"""What was given back for an order: goods, money, or both."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from shared.model.money import Money, total
from shared.model.payment import Transaction


class Restock(StrEnum):
    """What happens to the goods of a refunded line."""

    CANCEL = "cancel"
    """They were never shipped: the order becomes smaller."""
    RETURN = "return"
    """They come back into stock."""
    NO_RESTOCK = "no_restock"
    """They stay where they are, or are worthless."""
    LEGACY_RESTOCK = "legacy_restock"


@dataclass(frozen=True, slots=True)
class RefundLine:
    line_id: int
    """Of the order line."""
    quantity: int
    restock: Restock
    location_id: int | None
    """Where the goods come back to."""
    subtotal: Money
    """Without tax, or with it when the order's prices include it; after discounts."""
    tax: Money


class AdjustmentReason(StrEnum):
    """The reasons that Shopify documents, in lower case."""

    SHIPPING = "shipping_refund"
    DUTIES = "duties_refund"
    """Ours, for duties that were given back before anything was shipped, or that are taxed."""
    FEES = "additional_fees_refund"
    """Ours, for additional fees that were given back."""
    PENDING = "pending_refund_discrepancy"
    """What a refund is short of while its money is on the way: its transactions show that better."""
    RESTOCK = "restock"
    CUSTOMER = "customer"
    DAMAGE = "damage"
    DISCREPANCY = "discrepancy"
    REFUND_DISCREPANCY = "refund_discrepancy"
    BALANCING = "full_return_balancing_adjustment"


@dataclass(frozen=True, slots=True)
class Adjustment:
    """Money beyond the lines: shipping refunded, goodwill, a restocking fee (negative), a discrepancy."""

    reason: str
    """An AdjustmentReason, or whatever else Shopify names it, in lower case."""
    amount: Money
    tax: Money
    on_order: bool = False
    """Given back before anything was shipped: the order's shipping or duties are smaller by it already."""


@dataclass(frozen=True, slots=True)
class ReturnFee:
    """What the buyer is charged for a return, and gets less by."""

    reason: str
    """RestockingFee or ReturnShippingFee, as Shopify names the type; "" for a fee that it deleted."""
    amount: Money
    """Without tax, or with it when the order's prices include it."""
    tax: Money
    presented: Money | None = None
    """With tax, in the currency that the buyer sees, where that is not the booked one."""

    def plus(self, other: ReturnFee) -> ReturnFee:
        """Both together, of one reason."""
        seen = None if self.presented is None or other.presented is None else self.presented + other.presented
        return ReturnFee(self.reason, self.amount + other.amount, self.tax + other.tax, seen)

    def __neg__(self) -> ReturnFee:
        seen = None if self.presented is None else -self.presented
        return ReturnFee(self.reason, -self.amount, -self.tax, seen)


@dataclass(frozen=True, slots=True)
class OpenReturns:
    """What returns of an order brought back and charged, and no refund deals with yet."""

    lines: tuple[RefundLine, ...] = ()
    fees: tuple[ReturnFee, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.lines or self.fees)


@dataclass(frozen=True, slots=True)
class Refund:
    id: int
    order_id: int
    created_at: datetime
    note: str
    lines: tuple[RefundLine, ...]
    adjustments: tuple[Adjustment, ...]
    duties: Money
    transactions: tuple[Transaction, ...]
    return_id: int | None
    """The return that the goods came back by."""
    presented: Money | None = None
    """What all parts are worth in the currency that the buyer sees, where that is not the booked one."""
    return_fees: tuple[ReturnFee, ...] = ()

    def worth(self, *, taxes_included: bool) -> Money:
        """The value of all its parts, whatever of it has been paid out."""
        on_top = 0 if taxes_included else 1
        amounts = (
            *(line.subtotal + line.tax * on_top for line in self.lines),
            *(each.amount + each.tax * on_top for each in self.adjustments if each.reason != AdjustmentReason.PENDING),
            *(-(fee.amount + fee.tax * on_top) for fee in self.return_fees),
        )
        return total(amounts, self.duties.currency) + self.duties
