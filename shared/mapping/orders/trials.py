"""Orders without money behind them: which a store wants booked all the same."""

from __future__ import annotations

from shared.errors import ErrorCode, RefusedError
from shared.model import Order
from shared.rules import StoreRules


def refuse_test_order(order: Order, rules: StoreRules) -> None:
    """Raises RefusedError TEST_ORDER for a test order, unless the store books those (orders.test_orders)."""
    if order.is_test and rules.orders.test_orders == "refuse":
        raise RefusedError(ErrorCode.TEST_ORDER, store=rules.key)
