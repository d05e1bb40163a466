"""The figures that operators think in. Each is derived from events that the flows tell anyway: this table is all.

In Azure they are rows of AppMetrics: Name as here, the fields of `by` in Properties.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

CALLS: Final = {"fo.call": "F&O", "shopify.call": "Shopify"}
"""Events that are calls to another system, and its name: each becomes a span of its trace."""

OF_THE_SPAN: Final = frozenset({"webhook.accepted", "order.booked", "payment.booked", "refund.booked", "message.done"})
"""Events of each message that goes well: their fields are kept on the span around them, beside their name. A row for
each would cost as much again, and say nothing new."""


@dataclass(frozen=True, slots=True)
class Metric:
    name: str
    what: str
    event: str
    """The event that it is derived from."""
    by: tuple[str, ...]
    """The event's fields that it can be split by. Few values each: no ids, no texts."""
    kind: Literal["count", "distribution", "state"] = "count"
    value: str = ""
    """The event's field that is added, distributed or shown; "" counts the events."""
    unit: str = "1"
    when: tuple[str, str] | None = None
    """Only events with this value in this field."""


METRICS: Final = (
    Metric("orders.in", "new orders taken in", "webhook.accepted", ("store",), when=("topic", "orders/create")),
    Metric("orders.booked", "orders that F&O has now", "order.booked", ("store", "company")),
    Metric(
        "orders.lag",
        "from the event in Shopify to the order in F&O",
        "order.booked",
        ("store", "company"),
        kind="distribution",
        value="seconds",
        unit="s",
    ),
    Metric("payments.booked", "payments in F&O, money given back too", "payment.booked", ("store", "company")),
    Metric("refunds.booked", "refunds that F&O has now", "refund.booked", ("store", "company")),
    Metric("webhooks.accepted", "webhooks that Service Bus has", "webhook.accepted", ("store", "topic")),
    Metric("webhooks.refused", "webhooks not taken on", "webhook.refused", ("store", "code")),
    Metric("messages.done", "messages that are through", "message.done", ("store", "flow")),
    Metric("messages.retried", "attempts that wait for another", "message.waiting", ("store", "flow", "reason")),
    Metric("messages.parked", "messages that wait for a person", "message.parked", ("store", "flow", "code")),
    Metric("breaker.open", "1 while calls are held back", "breaker.changed", ("system",), kind="state", value="open"),
    Metric(
        "fo.calls",
        "calls to F&O and their duration",
        "fo.call",
        ("entity_set", "method", "status"),
        kind="distribution",
        value="seconds",
        unit="s",
    ),
    Metric(
        "shopify.calls",
        "calls to Shopify and their duration",
        "shopify.call",
        ("store", "query", "status"),
        kind="distribution",
        value="seconds",
        unit="s",
    ),
    Metric("shopify.throttled", "queries over Shopify's query budget", "shopify.throttled", ("store", "query")),
    Metric("stock.figures", "stock figures changed in Shopify", "stock.pushed", ("store",), value="changed"),
    Metric("stock.problems", "stock figures that somebody has to mend", "stock.problem", ("store", "code")),
    Metric("write_back.numbers", "numbers of F&O set in Shopify", "write_back.pushed", ("store",), value="numbers"),
    Metric("write_back.refused", "numbers that Shopify did not take", "write_back.refused", ("store", "code")),
    Metric("orders.missed", "changes of orders that no webhook told of", "sweep.order_missed", ("store",)),
    Metric(
        "reconciliation.differences",
        "differences between both systems",
        "reconciliation.difference",
        ("store", "code"),
    ),
    Metric("timers.succeeded", "runs of timers that went through", "timer.succeeded", ("timer",)),
)
