"""Goods that come back by a return of Shopify's: they wait for their refund, fees lower the credit,
and a smaller payout is told. Both systems over HTTP.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from tests.builders.both_sides import App, running_apps
from tests.builders.fo_people import close_the_books, ship_and_invoice
from tests.builders.one_order import VAT, OneOrder, checkout
from tests.builders.strategies import strategy

EU = strategy("nordlys")
TENTS = {"sku": "TENT-2P", "quantity": 3, "price": "100.00", "tax": VAT}
ONE_TENT = [{"line": "TENT-2P", "quantity": 1}]


@pytest.fixture(scope="module")
async def app(wire: None) -> AsyncIterator[App]:
    async with running_apps(1) as (one,):
        yield one


async def shipped(app: App, **parts: object) -> OneOrder:
    one = OneOrder(app, EU, checkout("nordlys", TENTS, **parts))
    await one.deliver()
    await one.step("fulfill")
    ship_and_invoice(app.fo)
    return one


async def test_goods_of_a_processed_return_stay_on_the_sales_order_until_they_are_refunded(app: App) -> None:
    one = await shipped(app)
    await one.step("return", action="open", lines=ONE_TENT)
    await one.step("return", action="process", refund=False)
    assert one.order.lines[0].current_quantity == 2
    assert not await app.parked()
    assert one.goods == [("TENT-2P", 3, Decimal("300.00"))]
    assert (one.returned, one.credits) == ([], [])

    await one.step("return", action="refund")
    assert not await app.parked()
    assert not app.waiting
    assert one.goods == [("TENT-2P", 3, Decimal("300.00"))]
    assert one.returned == [("TENT-2P", -1, Decimal("-100.00"))]
    assert one.paid == [Decimal("300.00"), Decimal("-100.00")]
    assert close_the_books(app.fo) == 0


async def test_an_order_that_came_back_as_a_whole_is_not_given_up(app: App) -> None:
    one = await shipped(app)
    await one.step("return", action="open", lines=[{"line": "TENT-2P", "quantity": 3}])
    await one.step("return", action="process", refund=False)
    await one.step("return", action="close")
    assert not await app.parked()
    assert one.goods == [("TENT-2P", 3, Decimal("300.00"))]
    assert (one.returned, one.credits) == ([], [])


async def test_fees_of_a_return_lower_what_is_credited(app: App) -> None:
    one = await shipped(app)
    lines = [{"line": "TENT-2P", "quantity": 1, "restocking_fee": "10.00"}]
    await one.step("return", action="open", lines=lines, shipping_fee="4.50")
    await one.step("return", action="process")
    assert not await app.parked()
    assert not app.waiting
    assert one.returned == [("TENT-2P", -1, Decimal("-100.00"))]
    assert sorted(amount for _, amount in one.credits) == [Decimal("4.50"), Decimal("10.00")]
    assert one.paid == [Decimal("300.00"), Decimal("-85.50")]
    assert close_the_books(app.fo) == 0


async def test_goods_are_credited_in_full_where_less_is_paid_out(app: App) -> None:
    one = await shipped(app)
    await one.step("return", action="open", lines=ONE_TENT)
    await one.step("return", action="process", amount="30")
    assert not await app.parked()
    assert one.returned == [("TENT-2P", -1, Decimal("-100.00"))]
    assert one.credits == []
    assert one.paid == [Decimal("300.00"), Decimal("-30.00")]
    assert close_the_books(app.fo) == Decimal("-70.00")


async def notes(one: OneOrder) -> str:
    """The journal's notes about the webhooks since the last call."""
    one.app.shopify.show("nordlys", one.order)
    return "; ".join([await one.app.note(webhook) for webhook in one.pending()])


async def test_the_journal_has_what_waits_for_a_refund_and_what_was_paid_out_of_a_credit(app: App) -> None:
    one = await shipped(app)
    await one.step("return", action="open", lines=ONE_TENT, shipping_fee="4.50")
    one.change("return", action="process", refund=False)
    assert await notes(one) == (
        "F&O has the order as it is; no money has moved; no refunds; "
        "1 x TENT-2P worth 100.00 EUR came back and wait for a refund; "
        "4.50 EUR is charged for returns and no refund is less by it yet"
    )
    one.change("return", action="refund", amount="30")
    told = await notes(one)
    number = one.order.refunds[0].id
    assert f"The parts of refund {number} sum to 95.50 EUR, but 30.00 EUR was given back" in told
    assert "wait for a refund" not in told


async def test_edited_goods_that_were_shipped_cost_shopify_one_look_at_the_agreements(app: App) -> None:
    one = OneOrder(app, EU, checkout("nordlys", TENTS))
    await one.deliver()
    await one.step("edit", quantities={"TENT-2P": 2})
    await one.step("fulfill")
    assert one.goods == [("TENT-2P", 2, Decimal("200.00"))]
    calls = app.shopify.simulator.calls
    calls.clear()
    for note in ("one", "two"):
        await one.step("amend", note=note)
    assert not await app.parked()
    assert [each.operation for each in calls if each.operation == "OrderAgreements"] == []


async def test_a_rate_in_percent_or_none_is_booked_as_the_fraction_that_the_amounts_prove(app: App) -> None:
    for shown in ("percent", "null"):
        tent = {**TENTS, "tax": [{"title": "BTW", "rate": "0.21", "shown": shown}]}
        one = OneOrder(app, EU, checkout("nordlys", tent))
        await one.deliver()
        assert not await app.parked()
        (line,) = one.lines
        assert (line["SalesTaxItemGroupCode"], one.goods) == ("FULL", [("TENT-2P", 3, Decimal("300.00"))])
