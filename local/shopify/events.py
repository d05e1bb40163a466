"""The webhooks that a change of an order causes."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from local.shopify.balance import financial_status
from local.shopify.order import LineItem, Order
from local.shopify.records import OrderEdit, Refund, Return, Risk, Transaction
from local.shopify.shipping_records import Fulfillment, RoutingChange
from local.shopify.state import Shop

Subject = Order | OrderEdit | Refund | Return | Risk | Transaction | Fulfillment | RoutingChange
#: Timestamps show seconds. Real changes can share one; here only where a step asks for it.
_TICK = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Event:
    topic: str
    subject: Subject


def touch(shop: Shop, order: Order, *, same_second: bool = False) -> None:
    """The order changed now. `updated_at` is at least a second later, or the same where the test asks for it."""
    if not same_second:
        order.updated_at = max(shop.clock(), order.updated_at + _TICK)


def transaction_events(transactions: Iterable[Transaction]) -> list[Event]:
    """order_transactions/create, for the statuses success, failure and error only: a pending transaction sends none."""
    return [Event("order_transactions/create", each) for each in transactions if each.status != "PENDING"]


def paid_event(order: Order, before: str) -> list[Event]:
    """orders/paid, if the order became paid."""
    is_paid = financial_status(order) == "paid"
    return [Event("orders/paid", order)] if is_paid and before != "paid" else []


def find_line(order: Order, reference: int | str) -> LineItem:
    """A line by its id, or the first one left with that SKU or title; raises KeyError."""
    for line in order.lines:
        if line.id == reference or (line.current_quantity and reference in (line.sku, line.title)):
            return line
    raise KeyError(f"no line {reference!r}")
