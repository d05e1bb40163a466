"""Cancellation and risk assessment of an order."""

from collections.abc import Mapping
from typing import Any

from local.shopify.balance import open_authorizations, outstanding
from local.shopify.cart import CartError
from local.shopify.events import Event, touch, transaction_events
from local.shopify.order import Order
from local.shopify.payments import void
from local.shopify.records import Adjustment, Risk
from local.shopify.refunding import everything, refund
from local.shopify.state import Shop

CANCEL_REASONS = ("customer", "declined", "fraud", "inventory", "other", "staff")
RISK_LEVELS = ("HIGH", "MEDIUM", "LOW", "NONE", "PENDING")


def cancel(shop: Shop, order: Order, params: Mapping[str, Any]) -> list[Event]:
    """Cancel the whole order: {reason?, restock?, refund?, note?}. Authorizations are voided, payments are refunded.

    Without `refund` the merchant keeps the money. Cancelling a part is a refund with the restock type cancel.
    """
    reason = params.get("reason", "other")
    if reason not in CANCEL_REASONS:
        raise CartError(f"no such reason: {reason!r}")
    if order.cancelled_at:
        raise CartError("Cannot cancel an order that has already been canceled")
    if order.returns:
        raise CartError("Cannot cancel an order that has returns")
    if order.live_fulfillments:
        raise CartError("Cannot cancel an order that has outstanding fulfillments")
    voided = [
        void(shop, order, {"parent": each.id}) for each in open_authorizations(order) if _untouched(order, each.id)
    ]
    whole = everything(order, restock=params.get("restock", True), refund_money=params.get("refund", True))
    events = refund(shop, order, {**whole, "note": params.get("note", "")})
    unpaid = outstanding(order)
    if unpaid:
        # Fees are no part of a refund, and are not owed after a cancellation.
        order.refunds[-1].adjustments.append(Adjustment(shop.next_id(), "REFUND_DISCREPANCY", -unpaid))
    touch(shop, order, same_second=params.get("same_second", False))
    order.cancelled_at, order.cancel_reason = order.updated_at, reason
    return [Event("orders/cancelled", order), *events, *transaction_events(voided)]


def _untouched(order: Order, authorization: int) -> bool:
    return not any(each.parent_id == authorization for each in order.transactions)


def assess(shop: Shop, order: Order, params: Mapping[str, Any]) -> list[Event]:
    """A risk assessment by Shopify, or by an app: {level: low|medium|high|none|pending, provider?: {id, title}}.

    It takes the place of an earlier one by the same provider. Nothing is sent of one that is pending.
    """
    level = params["level"].upper()
    if level not in RISK_LEVELS:
        raise CartError(f"no such risk: {level!r}")
    by = params.get("provider")
    made = Risk(level, shop.clock(), (by["id"], by["title"]) if by else None)
    order.risks = [each for each in order.risks if each.provider != made.provider] + [made]
    return [] if level == "PENDING" else [Event("orders/risk_assessment_changed", made)]
