"""Money that moved for an order: payments and refunds, as the payment provider reports them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from shared.model.money import Money


class TransactionKind(StrEnum):
    AUTHORIZATION = "authorization"
    SALE = "sale"
    CAPTURE = "capture"
    VOID = "void"
    REFUND = "refund"
    CHANGE = "change"
    """Cash given back at the counter."""


class TransactionStatus(StrEnum):
    SUCCESS = "success"
    PENDING = "pending"
    FAILURE = "failure"
    ERROR = "error"
    AWAITING_RESPONSE = "awaiting_response"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Transaction:
    """One movement at one provider. Only SALE, CAPTURE and REFUND with SUCCESS move money."""

    id: int
    kind: TransactionKind
    status: TransactionStatus
    gateway: str
    """The provider's key: "shopify_payments", "paypal", "gift_card", "manual" ..."""
    amount: Money
    """In the order's booked currency side."""
    paid: Money
    """In the currency that the buyer paid in."""
    exchange_rate: Decimal | None
    """Booked currency per paid currency at the moment of payment, where both differ."""
    cash_rounding: Money
    """What cash was rounded by: settled = amount + cash_rounding."""
    processed_at: datetime
    parent_id: int | None
    """The authorization of a capture, the sale or capture of a refund."""
    is_test: bool
    expires_at: datetime | None = None
    """When an authorization expires, where Shopify says so."""

    @property
    def moves_money(self) -> bool:
        moving = {TransactionKind.SALE, TransactionKind.CAPTURE, TransactionKind.REFUND, TransactionKind.CHANGE}
        return self.kind in moving and self.status is TransactionStatus.SUCCESS

    @property
    def is_pending(self) -> bool:
        """Whether the provider has still to move the money."""
        return self.status in (TransactionStatus.PENDING, TransactionStatus.AWAITING_RESPONSE)

    @property
    def counts(self) -> bool:
        """Whether the money moved or is about to."""
        return self.moves_money or self.is_pending
