"""Whether a sales order is to be held in F&O, by the risk and the tags of the order in Shopify."""

from __future__ import annotations

from shared.model import HoldReason, Order, OrderState
from shared.rules import StoreRules


def hold_reason(state: OrderState, rules: StoreRules, *, held: str = "") -> HoldReason | None:
    """Why the order is to be held, if it is; `held` is why we hold it already.

    A webhook of the order has neither risk nor transactions: a hold for risk lasts until the order is fetched.
    """
    if state.order.cancelled_at is not None:
        return None
    at_risk = held == HoldReason.RISK if state.transactions is None else state.risk in rules.orders.hold_risks
    if at_risk:
        return HoldReason.RISK
    return HoldReason.TAG if _is_tagged(state.order, rules) else None


def _is_tagged(order: Order, rules: StoreRules) -> bool:
    tag = rules.orders.hold_tag
    return tag is not None and tag.casefold() in (each.casefold() for each in order.tags)
