"""The metrics for operators, each derived from events that the flows send anyway: this table defines all of them.

In Azure they are rows of AppMetrics: Name as here, the fields of `by` in Properties.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

CALLS: Final = {"fo.call": "F&O", "shopify.call": "Shopify"}
"""Events that are calls to another system, and the system's name: each becomes a span of its trace."""

OF_THE_SPAN: Final = frozenset(
    {"order.booked", "payment.booked", "refund.booked", "message.done", "shopify.asked_together"}
)
"""Events of each message that is processed without trouble: name and fields become attributes of the enclosing span. A
row for each would cost as much again without new information."""


@dataclass(frozen=True, slots=True)
class Metric:
    name: str
    what: str
    event: str
    """The event that it is derived from."""
    by: tuple[str, ...]
    """The event's fields that it can be split by. Each has few values: no ids, no texts."""
    kind: Literal["count", "distribution", "state"] = "count"
    value: str = ""
    """The event's field that is summed, distributed or shown; "" counts the events."""
    unit: str = "1"


METRICS: Final = (
    Metric("orders.booked", "orders booked in F&O", "order.booked", ("store", "company")),
    Metric(
        "orders.lag",
        "from the event in Shopify to the order in F&O",
        "order.booked",
        ("store", "company"),
        kind="distribution",
        value="seconds",
        unit="s",
    ),
    Metric("payments.booked", "payments booked in F&O, payouts included", "payment.booked", ("store", "company")),
    Metric("refunds.booked", "refunds booked in F&O", "refund.booked", ("store", "company")),
    Metric("webhooks.accepted", "webhooks confirmed by Service Bus", "webhook.accepted", ("store", "topic")),
    Metric("webhooks.refused", "webhooks refused", "webhook.refused", ("store", "code")),
    Metric("webhooks.ignored", "signed webhooks without a use", "webhook.ignored", ("store", "code")),
    Metric("messages.done", "messages processed to the end", "message.done", ("store", "flow")),
    Metric(
        "messages.retried",
        "attempts to be repeated",
        "message.waiting",
        ("store", "flow", "reason"),
    ),
    Metric("messages.parked", "messages parked for a person", "message.parked", ("store", "flow", "code")),
    Metric("breaker.open", "1 while calls are paused", "breaker.changed", ("system",), kind="state", value="open"),
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
        "fo.waits",
        "how long calls to F&O waited for a slot",
        "fo.call",
        (),
        kind="distribution",
        value="waited",
        unit="s",
    ),
    Metric("fo.slots", "calls that a process may make at once", "fo.call", (), kind="distribution", value="slots"),
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
    Metric("stock.problems", "stock figures that need a person", "stock.problem", ("store", "code")),
    Metric("products.created", "products that are new in Shopify", "products.pushed", ("store",), value="created"),
    Metric("products.changed", "products changed in Shopify", "products.pushed", ("store",), value="changed"),
    Metric("products.withdrawn", "products not sold any more", "products.pushed", ("store",), value="withdrawn"),
    Metric("products.held", "withdrawals held until an operator confirms", "products.pushed", ("store",), value="held"),
    Metric("products.problems", "products that need a person", "products.problem", ("store", "code")),
    Metric("prices.changed", "prices changed in Shopify", "prices.pushed", ("store",), value="changed"),
    Metric("prices.held", "prices held until an operator confirms", "prices.pushed", ("store",), value="held"),
    Metric("prices.problems", "prices that need a person", "prices.problem", ("store", "code")),
    Metric(
        "write_back.numbers", "sales order numbers set in Shopify", "write_back.pushed", ("store",), value="numbers"
    ),
    Metric("write_back.refused", "sales order numbers that Shopify rejected", "write_back.refused", ("store", "code")),
    Metric(
        "shipments.moved",
        "orders that moved in F&O: packing slips, picking, holds, status, invoices",
        "shipment.moved",
        ("store",),
    ),
    Metric("captures.made", "captures of authorised money for F&O's invoices", "capture.made", ("store", "company")),
    Metric(
        "authorizations.expiring",
        "orders told of because an authorisation is about to expire",
        "authorization.expiring",
        ("store",),
    ),
    Metric("orders.late", "orders in Shopify for 15 minutes and not in F&O", "sweep.order_late", ("store",)),
    Metric("orders.missed", "order changes without a webhook", "sweep.order_missed", ("store",)),
    Metric(
        "reconciliation.differences",
        "differences between Shopify and F&O",
        "reconciliation.difference",
        ("store", "code"),
    ),
    Metric("timers.succeeded", "successful timer runs", "timer.succeeded", ("timer",)),
)
