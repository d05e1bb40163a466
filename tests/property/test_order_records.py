"""What was decided about an order outlives the data it came from; no unreadable event leaves a cancelled order open.

Random histories of an order in the Shopify simulator; the app and F&O as in test_order_histories. What Shopify has lost
of an order is gone in its webhooks and in its API alike: many events have the order fetched.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from copy import copy
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local.d365 import Simulator
from local.d365.sales_tables import HEADERS, lines_of
from local.shopify.order import Order
from shared.error_catalogue import ErrorCode
from tests.builders.both_sides import App, running_apps
from tests.builders.deliveries import Delivery, deliveries, in_order
from tests.builders.fo_books import books_of, without_traces
from tests.builders.fo_people import ship_and_invoice
from tests.builders.histories import History, Webhook, histories
from tests.builders.sales import with_rules
from tests.builders.strategies import strategy

type Payload = dict[str, Any]

STRATEGIES: Final[Mapping[str, dict[str, Any]]] = {
    "nordlys": {"store": "nordlys"},
    "prairie": {"store": "prairie", "number": "sequence"},
}
HOMES: Final = {"nordlys": {"country": "DE"}, "prairie": {"province": "NY"}}
"""Where a store is at home: not where its buyers live, so that an order whose address is gone is taxed elsewhere."""
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


@dataclass(frozen=True)
class Loss:
    """Something that Shopify loses of an order, in its webhooks and in its API alike."""

    of_body: Callable[[Payload, Collection[int]], None]
    """Of the body of a webhook, for the lines of these ids."""
    of_order: Callable[[Order, Collection[int]], None]


def no_product_in_body(payload: Payload, lines: Collection[int]) -> None:
    for line in payload["line_items"]:
        if line["id"] in lines and line["product_id"] is not None:
            line.update(product_id=None, variant_id=None, product_exists=False)


def no_product(order: Order, lines: Collection[int]) -> None:
    order.lines = [replace(line, variant=None) if line.id in lines else line for line in order.lines]


def another_sku_in_body(payload: Payload, lines: Collection[int]) -> None:
    for line in payload["line_items"]:
        if line["id"] in lines and line["sku"]:
            line["sku"] += "-OLD"


def another_sku(order: Order, lines: Collection[int]) -> None:
    order.lines = [
        replace(line, sku=f"{line.sku}-OLD") if line.id in lines and line.sku else line for line in order.lines
    ]


NO_BUYER: Final = dict.fromkeys(("customer", "shipping_address", "billing_address", "email", "phone"))


def no_buyer_in_body(payload: Payload, lines: Collection[int]) -> None:
    payload.update(NO_BUYER, contact_email=None)


def no_buyer(order: Order, lines: Collection[int]) -> None:
    for name in NO_BUYER:
        setattr(order, name, None)


LOSSES: Final = {
    "product": Loss(no_product_in_body, no_product),
    "sku": Loss(another_sku_in_body, another_sku),
    "buyer": Loss(no_buyer_in_body, no_buyer),
}


def forgetting(history: History, losses: Collection[str]) -> History:
    """The history, of whose order Shopify has lost this at every step after the first.

    A line is complete in the step that adds it, and a buyer until the address has been changed for the last time: the
    app learns of both.
    """
    steps = list(history.steps[:1])
    moved = max((at for at, moment in enumerate(history.steps) if "shipping_address" in moment.wish), default=0)
    for at, (before, moment) in enumerate(pairwise(history.steps), 1):
        known = {line.id for line in before.order.lines}
        gone = [LOSSES[each] for each in sorted(losses) if each != "buyer" or at > moved]
        order = copy(moment.order)
        for loss in gone:
            loss.of_order(order, known)
        webhooks = list(moment.webhooks)
        for loss in gone:
            webhooks = [spoiled(each, partial(loss.of_body, lines=known)) for each in webhooks]
        steps.append(replace(moment, order=order, webhooks=tuple(webhooks)))
    return replace(history, steps=tuple(steps))


def no_prices(payload: Payload) -> None:
    for line in payload["line_items"]:
        del line["price"], line["price_set"]


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
    app.reset(with_rules(strategy(**STRATEGIES[name]), **HOMES[name]))
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
def forgotten(draw: st.DrawFn) -> tuple[str, History, History]:
    """A history, and the same one of whose order Shopify has lost some of what it was booked from."""
    name = draw(st.sampled_from(sorted(STRATEGIES)))
    history = draw(histories(STRATEGIES[name]["store"], currencies=CURRENCIES[name]))
    return name, history, forgetting(history, draw(st.sets(st.sampled_from(sorted(LOSSES)), min_size=1)))


@pytest.mark.timeout(600)  # a failure is reduced to a small example first
@over_the_wire
@given(scenario=forgotten())
async def test_an_order_ends_the_same_whatever_became_of_its_products_and_its_buyer(
    apps: tuple[App, ...], scenario: tuple[str, History, History]
) -> None:
    name, history, forgetful = scenario
    for app, each in zip(apps, (history, forgetful), strict=True):
        await deliver(app, each, name, in_order(each), ships=True)
    whole, lossy = apps
    assert ErrorCode.UNKNOWN_SKU not in await whole.parked()
    assert await lossy.parked() == await whole.parked()
    assert without_traces(books_of(lossy.fo)) == without_traces(books_of(whole.fo))


@st.composite
def unreadable(draw: st.DrawFn) -> tuple[str, History, tuple[Delivery, ...]]:
    """Of an order that is cancelled at last: late, in another order and twice. No body that says so can be read or adds
    up; others may be spoiled too. Only webhooks with the order come: it is fetched for others.
    """
    name = draw(st.sampled_from(sorted(STRATEGIES)))
    history = draw(histories(STRATEGIES[name]["store"], currencies=CURRENCIES[name], longest=3, last="cancel"))
    plan = []
    for delivery in draw(deliveries(history)):
        payload = json.loads(delivery.webhook.body)
        if "line_items" not in payload:
            continue
        spoils = sorted(UNREADABLE) if payload["cancelled_at"] else [None, *sorted(UNREADABLE)]
        change = draw(st.sampled_from(spoils))
        webhook = delivery.webhook if change is None else spoiled(delivery.webhook, UNREADABLE[change])
        plan.append(replace(delivery, webhook=webhook))
    return name, history, tuple(plan)


KEPT: Final = {"FEES", "DUTIES"}
"""The items of what a buyer may still owe of a cancelled order."""


def open_and_not_held(fo: Simulator) -> list[str]:
    return [
        header.values["SalesOrderNumber"]
        for header in fo.books.rows(HEADERS)
        if header.values["IsSalesProcessingStopped"] != "Yes"
        and any(
            line.values["SalesOrderLineStatus"] == "Backorder" and line.values["ItemNumber"] not in KEPT
            for line in lines_of(fo.books, header)
        )
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
