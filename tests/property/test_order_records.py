"""What was decided about an order outlives the data it came from; no unreadable event leaves a cancelled order open.

Random lives of an order in the Shopify simulator; the app and F&O as in test_order_histories.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local.d365 import Simulator
from local.d365.sales_tables import HEADERS, lines_of
from tests.builders.both_sides import App, running_apps
from tests.builders.deliveries import Delivery, deliveries, in_order
from tests.builders.fo_books import books_of, without_traces
from tests.builders.fo_people import ship_and_invoice
from tests.builders.histories import History, Webhook, histories
from tests.builders.strategies import strategy

type Payload = dict[str, Any]

STRATEGIES: Final[Mapping[str, dict[str, Any]]] = {
    "nordlys": {"store": "nordlys"},
    "prairie": {"store": "prairie", "number": "sequence"},
}
CURRENCIES: Final = {"nordlys": ("EUR", "DKK"), "prairie": ("USD", "CAD")}
over_the_wire = settings(
    max_examples=30,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)


@pytest.fixture(scope="module")
async def apps(wire: None) -> AsyncIterator[tuple[App, ...]]:
    async with running_apps(2) as both:
        yield both


def product_is_deleted(payload: Payload) -> None:
    for line in payload["line_items"]:
        if line["product_id"] is not None:
            line.update(product_id=None, variant_id=None, product_exists=False)


def sku_is_renamed(payload: Payload) -> None:
    for line in payload["line_items"]:
        if line["sku"]:
            line["sku"] += "-OLD"


def buyer_is_erased(payload: Payload) -> None:
    payload.update(customer=None, shipping_address=None, billing_address=None, email="", phone=None, contact_email=None)


FORGETTING: Final = {each.__name__: each for each in (product_is_deleted, sku_is_renamed, buyer_is_erased)}


def no_prices(payload: Payload) -> None:
    del payload["current_total_price_set"]


def words_for_a_quantity(payload: Payload) -> None:
    payload["line_items"][0]["quantity"] = "three"


def another_total(payload: Payload) -> None:
    for money in payload["current_total_price_set"].values():
        money["amount"] = "99999.00"


UNREADABLE: Final = {each.__name__: each for each in (no_prices, words_for_a_quantity, another_total)}


def spoiled(webhook: Webhook, change: Callable[[Payload], None]) -> Webhook:
    payload = json.loads(webhook.body)
    if "line_items" not in payload:
        return webhook
    change(payload)
    return replace(webhook, body=json.dumps(payload).encode())


async def deliver(app: App, history: History, name: str, plan: tuple[Delivery, ...], *, ships: bool) -> None:
    app.reset(strategy(**STRATEGIES[name]))
    for now, moment in enumerate(history.steps):
        app.shopify.show(history.store, moment.order)
        for delivery in plan:
            if delivery.after == now:
                await app.handle(delivery.webhook)
    await app.redeliver_waiting()
    if ships:
        ship_and_invoice(app.fo)
        await app.redeliver_waiting()


@st.composite
def forgotten(draw: st.DrawFn) -> tuple[str, History, tuple[Delivery, ...]]:
    """In order; what came after the checkout has lost some of what the order was booked from."""
    name = draw(st.sampled_from(sorted(STRATEGIES)))
    history = draw(histories(STRATEGIES[name]["store"], currencies=CURRENCIES[name]))
    changes = [FORGETTING[each] for each in draw(st.sets(st.sampled_from(sorted(FORGETTING)), min_size=1))]
    plan = []
    for delivery in in_order(history):
        webhook = delivery.webhook
        for change in changes if delivery.after else ():
            webhook = spoiled(webhook, change)
        plan.append(replace(delivery, webhook=webhook))
    return name, history, tuple(plan)


@pytest.mark.timeout(600)  # a failure is reduced to a small example first
@over_the_wire
@given(scenario=forgotten())
async def test_an_order_ends_the_same_whatever_became_of_its_products_and_its_buyer(
    apps: tuple[App, ...], scenario: tuple[str, History, tuple[Delivery, ...]]
) -> None:
    name, history, plan = scenario
    whole, forgetful = apps
    await deliver(whole, history, name, in_order(history), ships=True)
    await deliver(forgetful, history, name, plan, ships=True)
    assert await forgetful.parked() == await whole.parked()
    assert without_traces(books_of(forgetful.fo)) == without_traces(books_of(whole.fo))


@st.composite
def unreadable(draw: st.DrawFn) -> tuple[str, History, tuple[Delivery, ...]]:
    """Late, in another order and twice; some bodies cannot be read or do not add up."""
    name = draw(st.sampled_from(sorted(STRATEGIES)))
    history = draw(histories(STRATEGIES[name]["store"], currencies=CURRENCIES[name]))
    plan = []
    for delivery in draw(deliveries(history)):
        change = draw(st.sampled_from([None, *sorted(UNREADABLE)]))
        webhook = delivery.webhook if change is None else spoiled(delivery.webhook, UNREADABLE[change])
        plan.append(replace(delivery, webhook=webhook))
    return name, history, tuple(plan)


def open_and_not_held(fo: Simulator) -> list[str]:
    return [
        header.values["SalesOrderNumber"]
        for header in fo.books.rows(HEADERS)
        if header.values["IsSalesProcessingStopped"] != "Yes"
        and any(line.values["SalesOrderLineStatus"] == "Backorder" for line in lines_of(fo.books, header))
    ]


@pytest.mark.timeout(600)
@over_the_wire
@given(scenario=unreadable())
async def test_a_cancelled_order_is_never_open_in_fo_whatever_could_not_be_read(
    apps: tuple[App, ...], scenario: tuple[str, History, tuple[Delivery, ...]]
) -> None:
    name, history, plan = scenario
    app = apps[0]
    await deliver(app, history, name, plan, ships=False)
    if history.order.cancelled_at is not None:
        assert open_and_not_held(app.fo) == []
