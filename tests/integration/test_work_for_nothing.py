"""What F&O has no field for costs no call of F&O."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.builders.both_sides import App, app_in_process
from tests.builders.one_order import VAT, OneOrder, checkout
from tests.builders.sales import EU, with_rules
from tests.builders.strategies import strategy

RULES = with_rules(EU, orders={"hold_tag": "Check"})
TENTS = {"sku": "TENT-2P", "quantity": 2, "price": "20", "tax": VAT}


@pytest.fixture(scope="module")
async def app() -> AsyncIterator[App]:
    async with app_in_process() as one:
        yield one


@pytest.mark.parametrize(("key", "values"), [("note", ("Ring twice", None)), ("tags", (["vip"], []))])
async def test_two_hundred_edits_that_fo_has_no_field_for_make_no_call(
    app: App, key: str, values: tuple[Any, Any]
) -> None:
    order = OneOrder(app, RULES, checkout("nordlys", TENTS, payment="unpaid"))
    await order.deliver()
    app.fo.clear_calls()
    for number in range(200):
        await order.step("amend", **{key: values[number % 2]})
    assert not app.fo.http_calls
    link = await app.link(order.order.id)
    assert link is not None
    assert link.version == order.order.updated_at


async def test_a_tag_that_holds_the_order_does_reach_fo(app: App) -> None:
    order = OneOrder(app, RULES, checkout("nordlys", TENTS, payment="unpaid"))
    await order.deliver()
    await order.step("amend", tags=["vip", "check"])
    assert order.header["IsSalesProcessingStopped"] == "Yes"
    await order.step("amend", tags=["vip"])
    assert order.header["IsSalesProcessingStopped"] == "No"


async def test_a_transaction_that_was_booked_with_its_order_makes_no_call(app: App) -> None:
    order = OneOrder(app, strategy("nordlys"), checkout("nordlys", TENTS))
    by_topic = {each.topic: each for each in order.pending()}
    transaction = by_topic.pop("order_transactions/create")
    for webhook in by_topic.values():
        await order.send(webhook)
    assert len(order.paid) == 1
    app.fo.clear_calls()
    app.shopify.simulator.calls.clear()
    assert await app.note(transaction) == "F&O has this transaction: it was booked with its order"
    assert not app.fo.http_calls
    assert not app.shopify.simulator.calls
