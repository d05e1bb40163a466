"""What was paid and what is still owed. Amounts are at the order's exchange rate, never at a payment's."""

from datetime import datetime
from decimal import Decimal

from local.shopify.money import MoneyBag, total
from local.shopify.order import Order
from local.shopify.records import Transaction
from local.shopify.totals import current

_IN = ("SALE", "CAPTURE")


def received(order: Order) -> MoneyBag:
    return _settled(order, _IN)


def refunded(order: Order) -> MoneyBag:
    return _settled(order, ("REFUND",))


def net_payment(order: Order) -> MoneyBag:
    return received(order) - refunded(order)


def outstanding(order: Order) -> MoneyBag:
    """Positive: the buyer owes; negative: the merchant does."""
    return current(order).total - net_payment(order)


def owed_to_buyer(order: Order) -> MoneyBag:
    """What the merchant owes the buyer, else zero."""
    open_ = outstanding(order)
    return -open_ if open_.presentment < 0 else order.zero


def _settled(order: Order, kinds: tuple[str, ...]) -> MoneyBag:
    return total((t.settles for t in order.transactions if t.kind in kinds and t.succeeded), order.zero)


def rounding(order: Order, kinds: tuple[str, ...]) -> MoneyBag:
    found = (t.rounding for t in order.transactions if t.kind in kinds and t.succeeded and t.rounding is not None)
    return total(found, order.zero)


def children(order: Order, parent: Transaction, kind: str) -> list[Transaction]:
    """The child transactions of one kind, without failed ones."""
    return [
        each
        for each in order.transactions
        if each.parent_id == parent.id and each.kind == kind and each.status in ("SUCCESS", "PENDING")
    ]


def capturable(order: Order, authorization: Transaction) -> Decimal:
    """What can still be captured of a successful authorization, in the buyer's currency."""
    if not authorization.succeeded or authorization.is_expired or children(order, authorization, "VOID"):
        return Decimal(0)
    captures = children(order, authorization, "CAPTURE")
    if any(each.is_final for each in captures) or (captures and not authorization.multi_capturable):
        return Decimal(0)
    captured = (each.settles.presentment for each in captures)
    return authorization.settles.presentment - sum(captured, Decimal(0))


def refundable(order: Order, payment: Transaction) -> Decimal:
    """What can still be given back of a sale or capture, in the buyer's currency."""
    if payment.kind not in _IN or not payment.succeeded:
        return Decimal(0)
    back = (each.settles.presentment for each in children(order, payment, "REFUND"))
    return payment.settles.presentment - sum(back, Decimal(0))


def expire(order: Order, now: datetime) -> None:
    """Ends the authorizations whose time is over."""
    for each in order.transactions:
        if each.expires_at is not None and each.expires_at <= now and each.kind == "AUTHORIZATION":
            each.is_expired = True


def open_authorizations(order: Order) -> list[Transaction]:
    return [each for each in order.transactions if each.kind == "AUTHORIZATION" and capturable(order, each) > 0]


def total_capturable(order: Order) -> MoneyBag:
    found = open_authorizations(order)
    return total((each.settles.settled_by(capturable(order, each)) for each in found), order.zero)


def financial_status(order: Order) -> str:
    """REST's `financial_status`. A cancelled order without a payment is voided."""
    paid, back = received(order).presentment, refunded(order).presentment
    if back:
        return "refunded" if back >= paid else "partially_refunded"
    if not paid:
        if open_authorizations(order):
            return "authorized"
        if order.original_total.presentment == 0:
            return "paid"
        if any(each.is_expired for each in order.transactions):
            return "expired"
        voided = any(each.kind == "VOID" and each.succeeded for each in order.transactions)
        return "voided" if voided or order.cancelled_at else "pending"
    return "paid" if outstanding(order).presentment <= 0 else "partially_paid"


def has_no_payment_details(order: Order) -> bool:
    """GraphQL has no financial status for an unpaid order without transactions or terms, as apps create them."""
    return not order.transactions and not order.payment_terms and financial_status(order) == "pending"


def gateways(order: Order) -> list[str]:
    """The gateways in the order of their first use; refunds and voids have their parent's."""
    return list(dict.fromkeys(t.gateway for t in order.transactions if t.kind not in ("REFUND", "VOID")))


def fulfillment_status(order: Order) -> str | None:
    if not order.live_fulfillments:
        return None
    return "partial" if any(line.unfulfilled for line in order.lines) else "fulfilled"
