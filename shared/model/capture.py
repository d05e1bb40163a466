"""Authorised money of an order in Shopify, and what F&O invoiced of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from shared.model.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorization:
    """Money that a payment provider keeps for the order. Amounts are in the buyer's currency."""

    id: int
    gateway: str
    uncaptured: Money
    """What was not captured of it, whether or not it still can be."""
    left: Money
    """What can still be captured; zero once it has expired, was voided, or was captured for the last time."""
    is_multiple: bool
    """Whether it can be captured more than once."""
    takes_final: bool
    """Whether a capture can release the rest."""
    is_voided: bool
    authorized_at: datetime
    expires_at: datetime | None
    """None where Shopify does not say."""


@dataclass(frozen=True, slots=True)
class Captured:
    """A capture, by whomever."""

    id: int
    authorization_id: int
    amount: Money
    counts: bool
    """Whether the money moved or is about to; False for one that failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundedMoney:
    refund_id: int
    amount: Money
    """What was paid back."""
    returned: Money
    """What the goods of it cost that had left: F&O credits them by documents of their own."""
    has_lines: bool
    cancels: bool
    """Whether all of its lines were taken off the order before they left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPayments:
    """What Shopify has of an order's money. Amounts are in the buyer's currency."""

    placed: tuple[Money, Money]
    """The order's total as it was placed, in the shop's currency and in the buyer's: its own exchange rate."""
    received: Money
    """All that was paid or is about to be, before refunds."""
    outstanding: Money
    """What the order still costs; below zero what the buyer is owed."""
    is_cancelled: bool
    authorizations: tuple[Authorization, ...]
    captures: tuple[Captured, ...]
    refunds: tuple[RefundedMoney, ...]
    is_pending: bool = False
    """Whether something of what was received is not sure yet: it may fail."""


@dataclass(frozen=True, slots=True)
class Invoicing:
    """How far F&O has invoiced the sales orders of an order."""

    total: Money
    """Posted invoices less credit notes, with tax and charges, in the booked currency."""
    is_complete: bool
    """Whether nothing is left to be invoiced."""
    is_cancelled: bool
    """Whether all of its sales orders are canceled."""
