"""How the buyer of an order gets the goods, and which location serves the order, by the store's rules."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from shared.errors import ErrorCode, NotYetError, RefusedError
from shared.mapping.personal_data import withheld
from shared.model import DeliveryMethod, Order, OrderRecord, OrderState
from shared.rules import StoreRules

_ROUTING_TIME: Final = timedelta(minutes=30)
"""After it an order without fulfilment orders is taken not to get any."""
_WAIT: Final = timedelta(minutes=1)


def needs_delivery_method(state: OrderState, rules: StoreRules, known: OrderRecord | None = None) -> bool:
    """Whether to fetch the order before it is booked: a webhook does not contain how the goods are delivered.

    An order with a shipping address is shipped, unless the rules have other methods with an address.
    """
    order, delivery = state.order, rules.orders.delivery
    if known is not None or state.transactions is not None or not order.has_goods_to_ship:
        return False
    if order.location_id is not None:
        return delivery.retail is not None
    if order.shipping_address is not None:
        return delivery.local is not None or delivery.pickup_point is not None
    return _is_pick_up_told_apart(rules)


def may_depend_on_method(order: Order, rules: StoreRules) -> bool:
    """Whether anything in F&O may depend on how the goods are delivered: not where they are shipped as all others."""
    delivery = rules.orders.delivery
    is_shipped = order.shipping_address is not None and order.location_id is None
    return order.has_goods_to_ship and not (is_shipped and delivery.local is None and delivery.pickup_point is None)


def with_delivery(state: OrderState, rules: StoreRules, known: OrderRecord | None = None, *, now: datetime) -> Order:
    """The order with its delivery method, and with the location that serves it where a rule says that one does.

    What is recorded stays, unless Shopify shows another method now. Raises NotYetError while Shopify has not routed an
    order without a shipping address, RefusedError PICK_UP_WITHOUT_RULE, and PICK_UP_DIVIDED for pick-up at more than
    one location or of a part of the order.
    """
    order = state.order
    if known is not None and (known.delivery is None or state.delivery in (None, known.delivery)):
        return replace(order, delivery=known.delivery, served_by=known.served_by)
    if not may_depend_on_method(order, rules):
        return replace(order, delivery=DeliveryMethod.SHIPPING) if order.has_goods_to_ship else order
    method, location = _routed(state, rules, now)
    rule = rules.orders.delivery.of(method)
    if method is DeliveryMethod.PICK_UP and _is_pick_up_told_apart(rules):
        if location is None:
            raise RefusedError(ErrorCode.PICK_UP_DIVIDED)
        if rule is None:
            raise RefusedError(ErrorCode.PICK_UP_WITHOUT_RULE, location=location, store=rules.key)
    return replace(order, delivery=method, served_by=location if rule is not None and rule.at_location else None)


class _Routed(NamedTuple):
    method: DeliveryMethod | None
    location: int | None


_UNTOLD: Final = _Routed(None, None)


def _routed(state: OrderState, rules: StoreRules, now: datetime) -> _Routed:
    """As Shopify routed the order, else as the rule of its shipping method says."""
    order = state.order
    if state.delivery is not None:
        return _Routed(state.delivery, state.assigned_location)
    if order.shipping_address is not None or order.location_id is not None or not order.has_goods_to_ship:
        return _UNTOLD
    for shipping in order.shipping:
        rule = next((rule for rule in rules.shipping if rule.fits(shipping.code, shipping.title)), None)
        if rule is not None and rule.pick_up_at is not None:
            return _Routed(DeliveryMethod.PICK_UP, rule.pick_up_at)
    is_withheld = withheld(order, None) is not None
    if _is_pick_up_told_apart(rules) and not is_withheld and now - order.created_at < _ROUTING_TIME:
        raise NotYetError("Shopify has not routed this order without a shipping address yet", retry_after=_WAIT)
    return _UNTOLD


def _is_pick_up_told_apart(rules: StoreRules) -> bool:
    """Not where the store books every order without an address in the same way."""
    return rules.orders.delivery.pick_up is not None or rules.orders.address_without_shipping == "refuse"
