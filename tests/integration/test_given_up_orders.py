"""An order that is given up while F&O has it and the app does not know so, or before F&O has it.

A worker may die after F&O created the sales order and before its number is recorded. Both systems are simulated.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from local.d365 import Simulator
from local.d365.edm import number
from local.d365.journals import LINES as PAYMENTS
from local.d365.sales_tables import HEADERS, lines_of
from local.d365.tables import Row
from shared.store.links import OrderLink
from tests.builders.both_sides import App, app_in_process
from tests.builders.checkouts import ADDRESSES, BUYER
from tests.builders.histories import History, SimulatedOrder, Webhook
from tests.builders.strategies import strategy

RULES = {
    "nordlys": {"store": "nordlys"},
    "prairie": {"store": "prairie", "number": "sequence"},
}
"""Where the app numbers the sales order, and where F&O does."""


class DiedError(Exception):
    """The worker is gone."""


@pytest.fixture(scope="module")
async def shared_app() -> AsyncIterator[App]:
    async with app_in_process() as app:
        yield app


@pytest.fixture(params=sorted(RULES))
def app(shared_app: App, request: pytest.FixtureRequest) -> App:
    shared_app.reset(strategy(**RULES[request.param]))
    return shared_app


def cancelled(store: str, *, payment: Any = "unpaid", refund: bool = False) -> History:
    lines = [{"sku": "TENT-2P" if store == "nordlys" else "TEE-RED-L", "quantity": 2, "tax": []}]
    checkout = {"customer": BUYER, "shipping_address": ADDRESSES[store], "lines": lines, "payment": payment}
    simulated = SimulatedOrder(store, checkout)
    simulated.step("cancel", {"refund": refund})
    return simulated.history()


def of_topic(history: History, topic: str) -> Webhook:
    return next(each for each in history.webhooks if each.topic == topic)


def unreadable(webhook: Webhook) -> Webhook:
    payload = json.loads(webhook.body)
    payload["line_items"][0]["quantity"] = "three"
    return replace(webhook, body=json.dumps(payload).encode())


def headers(fo: Simulator) -> list[Row]:
    return list(fo.books.rows(HEADERS))


def open_orders(fo: Simulator) -> list[str]:
    """Sales orders that F&O would ship."""
    return [
        header.values["SalesOrderNumber"]
        for header in headers(fo)
        if header.values["IsSalesProcessingStopped"] != "Yes"
        and any(line.values["SalesOrderLineStatus"] == "Backorder" for line in lines_of(fo.books, header))
    ]


async def die_before_the_number_is_recorded(app: App, history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    """F&O has the order, and the link has nothing but the claim."""
    put = app.links.put

    async def put_no_number(link: OrderLink) -> OrderLink:
        if link.sales_order:
            raise DiedError
        return await put(link)

    app.shopify.show(history.store, history.steps[0].order)
    with monkeypatch.context() as patch:
        patch.setattr(app.links, "put", put_no_number)
        with pytest.raises(DiedError):
            await app.handle(of_topic(history, "orders/create"))
    assert len(headers(app.fo)) == 1
    link = await app.link(history.order.id)
    assert link is not None
    assert not link.sales_order
    assert link.claimed_until is not None


async def let_the_claim_end(app: App, order_id: int) -> None:
    link = await app.link(order_id)
    assert link is not None
    await app.links.put(replace(link, claimed_until=datetime.now(UTC) - timedelta(seconds=1)))


@pytest.mark.parametrize("can_be_read", [True, False])
async def test_an_order_that_a_dead_worker_created_is_found_when_it_is_cancelled(
    app: App, monkeypatch: pytest.MonkeyPatch, *, can_be_read: bool
) -> None:
    history = cancelled(app.rules.key)
    await die_before_the_number_is_recorded(app, history, monkeypatch)
    await let_the_claim_end(app, history.order.id)
    number = headers(app.fo)[0].values["SalesOrderNumber"]
    app.shopify.show(history.store, history.order)
    webhook = of_topic(history, "orders/cancelled")
    await app.handle(webhook if can_be_read else unreadable(webhook))
    assert open_orders(app.fo) == []
    link = await app.link(history.order.id)
    assert link is not None
    assert link.sales_order == number
    assert not link.not_booked
    assert bool(await app.parked()) is not can_be_read


async def test_a_cancellation_waits_for_the_worker_that_creates_the_order(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    history = cancelled(app.rules.key)
    await die_before_the_number_is_recorded(app, history, monkeypatch)
    app.shopify.show(history.store, history.order)
    webhook = of_topic(history, "orders/cancelled")
    for each in (webhook, unreadable(webhook)):
        await app.handle(each)
        assert app.waiting.pop() == each
    await let_the_claim_end(app, history.order.id)
    await app.handle(webhook)
    assert not app.waiting
    assert open_orders(app.fo) == []


@pytest.mark.parametrize("can_be_read", [True, False])
async def test_a_late_checkout_does_not_bring_back_a_cancelled_order(app: App, *, can_be_read: bool) -> None:
    """The body of the checkout is of before; Shopify's API says what is so now."""
    history = cancelled(app.rules.key)
    app.shopify.show(history.store, history.order)
    webhook = of_topic(history, "orders/cancelled")
    await app.handle(webhook if can_be_read else unreadable(webhook))
    await app.handle(of_topic(history, "orders/create"))
    assert headers(app.fo) == []
    link = await app.link(history.order.id)
    assert link is not None
    assert "cancelled" in link.not_booked


async def test_two_workers_at_once_create_an_order_once(app: App) -> None:
    history = cancelled(app.rules.key)
    app.shopify.show(history.store, history.steps[0].order)
    webhook: Any = of_topic(history, "orders/create")
    await asyncio.gather(app.handle(webhook), app.handle(webhook))
    assert len(app.waiting) == 1
    await let_the_claim_end(app, history.order.id)
    await app.redeliver_waiting()
    assert not app.waiting
    (header,) = headers(app.fo)
    assert open_orders(app.fo) == [header.values["SalesOrderNumber"]]
    (line,) = lines_of(app.fo.books, header)
    assert number(line.values, "OrderedSalesQuantity") == 2
    assert not await app.parked()


def with_totals_of_before(webhook: Webhook) -> Webhook:
    """The cancellation, whose totals Shopify has not computed anew."""
    payload = json.loads(webhook.body)
    for name in ("current_total_price", "current_total_tax", "current_subtotal_price"):
        old = name.removeprefix("current_")
        payload |= {name: payload[old], f"{name}_set": payload[f"{old}_set"]}
    return replace(webhook, body=json.dumps(payload).encode())


@pytest.mark.parametrize("payment", ["unpaid", {"gateway": "shopify_payments"}])
async def test_a_cancellation_whose_totals_are_stale_stops_the_order_at_once(app: App, payment: Any) -> None:
    history = cancelled(app.rules.key, payment=payment, refund=payment != "unpaid")
    total = history.steps[0].order.original_total.shop
    app.shopify.show(history.store, history.steps[0].order)
    await app.handle(of_topic(history, "orders/create"))
    assert len(open_orders(app.fo)) == 1
    app.shopify.show(history.store, history.order)
    for webhook in history.webhooks:
        if webhook.topic == "order_transactions/create":
            await app.handle(webhook)
    await app.handle(with_totals_of_before(of_topic(history, "orders/cancelled")))
    assert headers(app.fo) == []
    assert not await app.parked()
    assert not app.waiting
    money = [
        number(row.values, "CreditAmount") - number(row.values, "DebitAmount") for row in app.fo.books.rows(PAYMENTS)
    ]
    assert money == ([] if payment == "unpaid" else [total, -total])
