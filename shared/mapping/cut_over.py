"""Which orders are left as they are when a store goes live: older ones, and those that were fulfilled without F&O."""

from __future__ import annotations

from shared.errors import ErrorCode, RefusedError
from shared.model import DeliveryMethod, Order, OrderState
from shared.rules import StoreRules


def is_before_first_day(order: Order, rules: StoreRules) -> bool:
    """Whether the order was placed before the store's first day, in the store's time zone."""
    first = rules.orders.first_day
    return first is not None and order.created_at.astimezone(rules.zone).date() < first


def units_already_fulfilled(state: OrderState) -> dict[int, int]:
    """Order line id -> units that Shopify shows as fulfilled; only of goods that F&O would ship.

    Goods over the counter and lines that need no shipping are fulfilled when they are sold: they are not in it.
    """
    if not _are_goods_sent(state):
        return {}
    return {
        line.id: fulfilled
        for line in state.order.lines
        if line.requires_shipping and (fulfilled := min(state.shipped.get(line.id, 0), line.quantity)) > 0
    }


def is_finished(state: OrderState) -> bool:
    """Whether nothing of the order is left to be delivered: F&O would have nothing to do but to book it."""
    if state.order.is_given_up or not _are_goods_sent(state):
        return True
    fulfilled = units_already_fulfilled(state)
    return all(fulfilled.get(line.id, 0) == line.quantity for line in state.order.lines if line.requires_shipping)


def refuse_before_first_day(order: Order, rules: StoreRules) -> None:
    """Raises RefusedError ORDER_BEFORE_FIRST_DAY for an order from before the first day."""
    if is_before_first_day(order, rules):
        day = order.created_at.astimezone(rules.zone).date()
        raise RefusedError(
            ErrorCode.ORDER_BEFORE_FIRST_DAY, day=day, first_day=rules.orders.first_day, store=rules.key, order=order.id
        )


def refuse_already_fulfilled(state: OrderState, rules: StoreRules) -> None:
    """Raises RefusedError ALREADY_FULFILLED where the store parks such orders; see is_held_as_fulfilled."""
    fulfilled = units_already_fulfilled(state)
    if fulfilled and rules.orders.already_fulfilled == "park":
        titles = {line.id: line.sku or line.title for line in state.order.lines}
        goods = ", ".join(f"{units} x {titles[line_id]}" for line_id, units in fulfilled.items())
        raise RefusedError(ErrorCode.ALREADY_FULFILLED, goods=goods, store=rules.key)


def is_held_as_fulfilled(state: OrderState, rules: StoreRules) -> bool:
    """Whether a new sales order is to be held, because its goods are fulfilled and the store holds such orders."""
    return rules.orders.already_fulfilled == "hold" and bool(units_already_fulfilled(state))


def _are_goods_sent(state: OrderState) -> bool:
    """Whether the order has goods that are neither sold over the counter nor handed over there."""
    order = state.order
    if not order.has_goods_to_ship or state.delivery is DeliveryMethod.RETAIL:
        return False
    return order.location_id is None or order.shipping_address is not None
