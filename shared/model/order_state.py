"""Everything about an order at one moment, as F&O has to follow it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from shared.model.money import CurrencyMismatchError, Money
from shared.model.order import DeliveryMethod, Order
from shared.model.payment import Transaction
from shared.model.refund import OpenReturns, Refund


class Risk(StrEnum):
    """Shopify's assessment of fraud."""

    NONE = "none"
    """Nothing was found, or nothing yet."""
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class HoldReason(StrEnum):
    """Why we hold a sales order in F&O. A hold without a reason was set by staff."""

    RISK = "risk"
    ASSESSMENT = "pending risk assessment"
    """Shopify has not assessed its risk yet."""
    TAG = "tag"
    CHANGE = "change"
    """A change that a person has to decide about."""
    FULFILMENT = "fulfilment in Shopify"
    """Its goods were fulfilled before F&O had it: shipping them again is for a person to decide."""
    STAFF = "fulfilled by staff"
    """Others than the app fulfilled goods in Shopify that F&O would send again."""
    CANCELLATION = "cancellation"
    """Cancelled or refunded in Shopify, and not yet carried out in F&O."""
    SHOP = "hold in Shopify"
    """Staff or another app hold it in Shopify."""


@dataclass(frozen=True, slots=True)
class Rate:
    """An order's own exchange rate as two amounts that are worth the same: no digit is lost in a division."""

    booked: Money
    """The order's total as it was placed, on the side that is booked."""
    paid: Money
    """The same in the currency that the buyer pays in; not zero."""

    def convert(self, paid: Money) -> Money:
        """The buyer's money on the booked side, rounded to its smallest unit. Converting the full total returns exactly
        the booked total.

        Raises CurrencyMismatchError for money in any other currency.
        """
        if paid.currency != self.paid.currency:
            raise CurrencyMismatchError(f"the rate is for {self.paid.currency}, not for {paid.currency}")
        return Money(self.booked.amount * paid.amount / self.paid.amount, self.booked.currency).rounded()

    def present(self, booked: Money) -> Money:
        """Money of the booked side in the buyer's currency, rounded to its smallest unit; the inverse of `convert`.

        Raises CurrencyMismatchError for money in any other currency, and ZeroDivisionError where nothing was booked.
        """
        if booked.currency != self.booked.currency:
            raise CurrencyMismatchError(f"the rate is for {self.booked.currency}, not for {booked.currency}")
        return Money(self.paid.amount * booked.amount / self.booked.amount, self.paid.currency).rounded()


@dataclass(frozen=True, slots=True)
class OrderState:
    """An order as it is now.

    `order` has what is to be delivered: quantities after edits and after goods that were refunded before they were
    shipped, with discounts, taxes and total to match. Goods that were delivered and came back are still in it, and in
    the refunds, or in `returned` until they are refunded.
    """

    order: Order
    refunds: tuple[Refund, ...]
    transactions: tuple[Transaction, ...] | None
    """None when the source has none (a webhook of the order); all of them otherwise."""
    risk: Risk
    """The highest of all assessments and of Shopify's recommendation; NONE when the source has none (a webhook)."""
    shipped: Mapping[int, int]
    """Order line id -> units fulfilled in Shopify."""
    parcels: Mapping[int, Mapping[int, int]] = field(default_factory=dict)
    """Fulfilment in Shopify -> order line id -> units. Their sum is `shipped`."""
    would_send_again: bool | None = None
    """Whether F&O has units still to deliver that others than the app fulfilled in Shopify. None if nobody looked."""
    is_being_assessed: bool = False
    """Whether Shopify is still to assess its risk. It assesses online orders with a payment by a gateway."""
    delivery: DeliveryMethod | None = None
    """Of the fulfilment orders. None when the source has none (a webhook), and before Shopify has routed the order."""
    assigned_location: int | None = None
    """The Shopify location that is to hand over or to ship all of the goods; None where it is not one."""
    readings: tuple[str, ...] = ()
    """How Shopify's amounts were understood, where only their sums could decide it."""
    rate: Rate | None = None
    """None where the buyer pays in the booked currency, and for an order of nothing."""
    costs_now: tuple[Money, Money] | None = None
    """The total after edits and refunds, as it is booked and as the buyer pays it; None where both are one."""
    returned: OpenReturns | None = field(default_factory=OpenReturns)
    """None where only the order's sales agreements, which were not read, can tell it from what edits removed."""
