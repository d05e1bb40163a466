"""What an order costs of Shopify's query budget: what its webhook has is not asked for, and nothing older is booked."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.errors import NotYetError
from shared.sync.orders.flow import sync_order
from tests.builders.both_sides import App, app_in_process
from tests.builders.histories import Webhook
from tests.builders.one_order import VAT, OneOrder, checkout
from tests.builders.sales import with_rules
from tests.builders.strategies import strategy

RULES = strategy("nordlys")
FIVE = [{"sku": "TENT-2P", "quantity": quantity, "price": "20", "tax": VAT} for quantity in range(1, 6)]


@pytest.fixture(scope="module")
async def app() -> AsyncIterator[App]:
    async with app_in_process() as one:
        yield one


def points(app: App) -> int:
    return sum(call.actual or 0 for call in app.shopify.simulator.calls)


def asked(app: App) -> list[str]:
    return [call.operation for call in app.shopify.simulator.calls]


async def deliver_all(order: OneOrder) -> None:
    """All that Shopify sends for a new order, the last state of it twice within a second."""
    order.app.shopify.simulator.calls.clear()
    *first, last = order.pending()
    for webhook in (*first, last, replace(last, topic="orders/updated", number=last.number + 100)):
        await order.send(webhook)


async def test_an_unpaid_order_costs_three_points_at_most(app: App) -> None:
    await deliver_all(order := OneOrder(app, RULES, checkout("nordlys", *FIVE, payment="unpaid")))
    assert len(order.lines) == 5
    assert points(app) <= 3


async def test_a_paid_order_costs_ten_points_at_most_and_is_booked_with_its_payment(app: App) -> None:
    await deliver_all(order := OneOrder(app, RULES, checkout("nordlys", *FIVE)))
    assert len(order.paid) == 1
    assert points(app) <= 10


async def test_where_no_rule_asks_for_the_risk_an_unpaid_order_costs_nothing(app: App) -> None:
    rules = with_rules(RULES, orders={"hold_risks": ()})
    await deliver_all(order := OneOrder(app, rules, checkout("nordlys", *FIVE, payment="unpaid")))
    assert len(order.lines) == 5
    assert not asked(app)


@pytest.mark.parametrize(("minutes", "is_booked"), [(14, False), (16, True)])
async def test_a_body_that_is_ahead_of_shopify_waits_for_a_quarter_of_an_hour(
    app: App, minutes: int, *, is_booked: bool
) -> None:
    """Shopify goes on showing an earlier state than its webhook has."""
    order = OneOrder(app, RULES, checkout("nordlys", *FIVE))
    (created, *_) = order.pending()
    body = json.loads(created.body)
    body["updated_at"] = (datetime.fromisoformat(body["updated_at"]) + timedelta(seconds=1)).isoformat()
    envelope = app._envelope(replace(created, body=json.dumps(body).encode()))
    old = replace(envelope, occurred_at=envelope.occurred_at - timedelta(minutes=minutes))
    if is_booked:
        await sync_order(old, app._ports)
    else:
        with pytest.raises(NotYetError, match="does not show the order of the event yet"):
            await sync_order(old, app._ports)
    assert len(order.rows("SalesOrderHeadersV4")) == is_booked


async def test_a_risk_found_since_the_webhook_holds_the_order(app: App) -> None:
    order = OneOrder(app, RULES, checkout("nordlys", *FIVE, risk="low"))
    (created, *_) = order.pending()
    order.change("risk", level="high")
    await order.send(created)
    assert order.header["IsSalesProcessingStopped"] == "Yes"


async def test_a_method_of_delivery_is_asked_for_where_a_rule_needs_it(app: App) -> None:
    rules = with_rules(RULES, orders={"delivery": {"local": {"delivery_mode": "EXPR"}}})
    await deliver_all(order := OneOrder(app, rules, checkout("nordlys", *FIVE, payment="unpaid")))
    assert len(order.lines) == 5
    assert sorted(asked(app)) == ["OrderDelivery", "OrderRisk"]


STOPS: dict[str, dict[str, Any]] = {
    "edit": {"quantities": {"TENT-2P": 7}},
    "cancel": {},
    "fulfill": {},
    "amend": {"tags": ["hold"]},
}


@pytest.mark.parametrize("step", STOPS)
async def test_an_order_that_was_changed_since_its_webhook_in_what_stops_it_is_read_whole(app: App, step: str) -> None:
    order = OneOrder(app, RULES, checkout("nordlys", *FIVE, payment="unpaid"))
    (created, *_) = order.pending()
    order.change(step, **STOPS[step])
    app.shopify.simulator.calls.clear()
    await order.send(created)
    assert asked(app)[:2] == ["OrderRisk", "OrderState"]


async def test_of_an_order_whose_number_changed_since_its_webhook_the_body_is_booked(app: App) -> None:
    order = OneOrder(app, RULES, checkout("nordlys", *FIVE, payment="unpaid"))
    (created, *_) = order.pending()
    before = order.order.name
    order.change("amend", po_number="PO-7")
    app.shopify.simulator.calls.clear()
    await order.send(created)
    assert asked(app) == ["OrderRisk"]
    assert order.header["CustomerRequisitionNumber"] == before
    await order.deliver()
    assert order.header["CustomerRequisitionNumber"] == "PO-7"


async def test_a_body_without_the_fields_that_show_payments_is_no_unpaid_order(app: App) -> None:
    order = OneOrder(app, RULES, checkout("nordlys", *FIVE))
    app.shopify.simulator.calls.clear()
    (created, *_) = order.pending()
    payload = json.loads(created.body)
    for key in ("financial_status", "payment_gateway_names"):
        del payload[key]
    await order.send(replace(created, body=json.dumps(payload).encode()))
    assert asked(app) == ["OrderPayments"]
    assert len(order.paid) == 1


async def hand_over(order: OneOrder, webhook: Webhook, *, attempt: int = 1, minutes: float = 0) -> None:
    """The webhook, handled as this attempt and this long after it happened."""
    app = order.app
    app.shopify.show(app.rules.key, order.order)
    app.shopify.simulator.calls.clear()
    envelope = app._envelope(webhook)
    happened = envelope.occurred_at - timedelta(minutes=minutes)
    await app._handle(replace(envelope, attempt=attempt, occurred_at=happened))


OLD: dict[str, dict[str, Any]] = {"handled again": {"attempt": 2}, "queued for long": {"minutes": 1.1}}


@pytest.mark.parametrize("why", OLD)
async def test_an_event_that_is_not_fresh_books_the_order_as_it_is_now(app: App, why: str) -> None:
    order = OneOrder(app, RULES, checkout("nordlys", *FIVE, payment="unpaid"))
    (created, *_) = order.pending()
    order.change("amend", po_number="PO-7")
    await hand_over(order, created, **OLD[why])
    assert asked(app) == ["OrderRisk", "OrderState"]
    assert order.header["CustomerRequisitionNumber"] == "PO-7"


@pytest.mark.parametrize("why", OLD)
async def test_an_event_that_is_not_fresh_costs_no_more_where_the_order_did_not_change(app: App, why: str) -> None:
    order = OneOrder(app, RULES, checkout("nordlys", *FIVE))
    *_, latest = order.pending()
    await hand_over(order, latest, **OLD[why])
    assert (asked(app), len(order.paid)) == (["OrderPayments"], 1)


@pytest.mark.parametrize("payments", [True, False])
@pytest.mark.parametrize("why", OLD)
async def test_an_order_that_was_fulfilled_since_is_not_booked_as_open_where_no_rule_asks_for_the_risk(
    app: App, why: str, *, payments: bool
) -> None:
    rules = with_rules(RULES, orders={"hold_risks": (), "already_fulfilled": "hold"})
    rules = rules if payments else rules.model_copy(update={"payments": None})
    order = OneOrder(app, rules, checkout("nordlys", *FIVE, payment="unpaid"))
    (created, *_) = order.pending()
    order.change("fulfill")
    await hand_over(order, created, **OLD[why])
    assert asked(app)[:2] == ["OrderRisk", "OrderState"]
    assert order.header["IsSalesProcessingStopped"] == "Yes"


async def test_an_event_that_waited_books_the_order_as_it_is_now(app: App) -> None:
    order = OneOrder(app, RULES, checkout("nordlys", *FIVE, payment="unpaid"))
    (created, *_) = order.pending()
    order.change("amend", po_number="PO-7")
    app.shopify.show(app.rules.key, order.order)
    await app._handle(replace(app._envelope(created), waits=1, attempt=2))
    assert order.header["CustomerRequisitionNumber"] == "PO-7"
