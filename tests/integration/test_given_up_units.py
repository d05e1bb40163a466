"""Units that F&O gives up and Shopify still has open: told with their worth, or taken off by rule, once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

import pytest

from local.d365.books import key_of
from local.d365.sales_tables import LINES, progress_of, put_progress
from local.d365.slips import LINES as SLIP_LINES
from shared.rules import StoreRules
from tests.builders.both_sides import App, app_in_process
from tests.builders.one_order import REDUCED_VAT, VAT
from tests.builders.order_at_fo import OrderAtFo
from tests.builders.sales import with_rules
from tests.builders.strategies import strategy

EU: Final = with_rules(strategy("nordlys"), flows={"shipments": True})
REFUNDING: Final = with_rules(EU, given_up={"action": "refund"})
BAG: Final = {"sku": "BAG-DOWN", "quantity": 3, "price": "118.00", "tax": VAT}
MAP: Final = {"sku": "MAP-NORDIC", "quantity": 1, "price": "16.95", "tax": REDUCED_VAT}


@pytest.fixture
async def app() -> AsyncIterator[App]:
    async with app_in_process() as one:
        yield one


async def booked(app: App, *lines: dict[str, Any], rules: StoreRules = EU, **parts: Any) -> OrderAtFo:
    one = OrderAtFo(app, rules, *(lines or (BAG, MAP)), **parts)
    await one.deliver()
    assert await app.push_shipments() == []
    return one


async def test_a_short_pick_is_told_once_with_line_units_and_amount(app: App) -> None:
    one = await booked(app)
    one.give_up(BAG_DOWN=1)
    assert await app.push_shipments() == ["GIVEN_UP_IN_FO"]
    (cause,) = await app.causes()
    number = one.header["SalesOrderNumber"]
    assert f"will not deliver 1 x BAG-DOWN (118.00 EUR) of {number}, worth 118.00 EUR together" in cause
    assert "Refund the units in Shopify as removed items" in (await app.next_steps())[0]
    assert await app.push_shipments() == []
    assert len(one.order.refunds) == 0


async def test_what_left_and_what_remains_is_not_given_up(app: App) -> None:
    one = await booked(app)
    one.pack(BAG_DOWN=2)
    await app.push_shipments()
    assert await app.parked() == set()
    one.invoice()
    await app.push_shipments()
    assert await app.parked() == set()
    one.give_up(BAG_DOWN=1)
    await app.push_shipments()
    assert await app.parked() == {"GIVEN_UP_IN_FO"}
    assert "1 x BAG-DOWN" in (await app.causes())[0]


async def test_a_slip_and_the_rest_given_up_in_one_minute_are_told_apart(app: App) -> None:
    one = await booked(app)
    one.pack(BAG_DOWN=2, MAP_NORDIC=1)
    one.give_up(BAG_DOWN=1)
    one.invoice()
    await app.push_shipments()
    assert [line.quantity for each in one.order.live_fulfillments for line in each.lines] == [2, 1]
    assert "1 x BAG-DOWN (118.00 EUR)" in (await app.causes())[0]


async def test_it_closes_when_f_o_delivers_after_all(app: App) -> None:
    one = await booked(app)
    one.give_up(BAG_DOWN=1)
    await app.push_shipments()
    line = app.fo.books.find(LINES, "nleu", one.lot("BAG_DOWN"))
    assert line is not None
    put_progress(app.fo.books, line, replace(progress_of(app.fo.books, line), canceled=Decimal(0)))
    assert await app.push_shipments() == ["F&O gave up nothing"]
    assert await app.parked() == set()
    assert (await one.link()).given_up_units == {}


async def test_it_closes_when_staff_refund_it_in_shopify_and_f_o_stays_as_it_is(app: App) -> None:
    one = await booked(app)
    one.give_up(BAG_DOWN=1)
    await app.push_shipments()
    lines, writes = one.lines, one.fo_writes
    await one.step("refund", lines=[{"line": "BAG-DOWN", "quantity": 1, "restock": "cancel"}])
    assert (one.lines, one.returned, one.credits) == (lines, [], [])
    assert await app.push_shipments() == ["Shopify has nothing open that F&O gave up; F&O has the order as open"]
    assert await app.parked() == set()
    assert one.paid == [Decimal("370.95"), Decimal("-118.00")]
    assert {name for name in one.fo_writes - writes if "PaymentJournal" not in name} == set()


@pytest.mark.parametrize("left", [1, 0])
async def test_units_that_the_buyer_cancels_beside_those_given_up_leave_the_rest_to_be_delivered(
    app: App, left: int
) -> None:
    one = await booked(app)
    one.give_up(BAG_DOWN=1)
    one.pack(MAP_NORDIC=1)
    await app.push_shipments()
    units = [{"line": "BAG-DOWN", "quantity": 3 - left, "restock": "cancel"}]
    await one.step("refund", lines=units)
    await app.push_shipments()
    ordered = [line["OrderedSalesQuantity"] for line in one.lines if line["ItemNumber"] == "BAG-DOWN"]
    assert ordered == ([Decimal(2)] if left else [])  # of which F&O gave up one
    assert await app.parked() == set()


async def test_units_that_are_added_after_some_were_given_up_are_delivered(app: App) -> None:
    one = await booked(app, rules=REFUNDING)
    one.give_up(BAG_DOWN=1)
    await app.push_shipments()
    await one.echo()
    await one.step("edit", quantities={"BAG-DOWN": 4})
    ordered = [line["OrderedSalesQuantity"] for line in one.lines if line["ItemNumber"] == "BAG-DOWN"]
    assert ordered == [Decimal(5)]  # of which F&O gave up one
    await app.push_shipments()
    assert (len(one.order.refunds), await app.parked()) == (1, set())


async def test_a_cancellation_keeps_what_left_beside_what_was_given_up(app: App) -> None:
    one = await booked(app)
    one.pack(BAG_DOWN=1)
    one.give_up(BAG_DOWN=1)
    await app.push_shipments()
    await one.step("refund", lines=[{"line": "BAG-DOWN", "quantity": 2, "restock": "cancel"}])
    await app.push_shipments()
    assert [line["OrderedSalesQuantity"] for line in one.lines if line["ItemNumber"] == "BAG-DOWN"] == [Decimal(2)]
    assert await app.parked() == set()


async def test_by_rule_the_units_are_taken_off_with_their_money_and_a_mail(app: App) -> None:
    one = await booked(app, rules=REFUNDING)
    one.give_up(BAG_DOWN=2)
    assert await app.push_shipments() == ["taken off in Shopify: 2 x BAG-DOWN (236.00 EUR)"]
    (made,) = one.order.refunds
    assert [(line.quantity, line.restock) for line in made.lines] == [(2, "cancel")]
    assert [str(each.amount.presentment) for each in made.transactions] == ["236.00"]
    assert (made.adjustments, [each.kind for each in one.order.notices]) == ([], ["refund"])
    assert (one.shown_line("BAG-DOWN").unfulfilled, await app.parked()) == (1, set())
    lines = one.lines
    await one.echo()
    assert (one.lines, one.returned, one.credits, await app.parked()) == (lines, [], [], set())
    assert one.paid == [Decimal("370.95"), Decimal("-236.00")]
    assert await app.push_shipments() == []
    one.pack(BAG_DOWN=1, MAP_NORDIC=1)
    await app.push_shipments()
    assert await app.parked() == set()
    assert len(one.order.refunds) == 1


async def test_by_rule_the_merchant_may_keep_the_money_and_be_silent(app: App) -> None:
    one = await booked(app, rules=with_rules(EU, given_up={"action": "refund", "money": False, "notify": False}))
    one.give_up(BAG_DOWN=1)
    await app.push_shipments()
    (made,) = one.order.refunds
    assert (made.transactions, one.order.notices) == ([], [])


async def test_units_given_up_one_after_the_other_are_each_taken_off_once(app: App) -> None:
    one = await booked(app, rules=REFUNDING)
    one.give_up(BAG_DOWN=1)
    await app.push_shipments()
    await one.echo()
    one.give_up(BAG_DOWN=1)
    await app.push_shipments()
    await one.echo()
    assert [line.quantity for each in one.order.refunds for line in each.lines] == [1, 1]
    assert [line["OrderedSalesQuantity"] for line in one.lines if line["ItemNumber"] == "BAG-DOWN"] == [Decimal(3)]


@pytest.mark.parametrize("kind", ["reset_after_commit", "connection_reset"])
async def test_a_lost_answer_makes_one_refund(app: App, kind: str) -> None:
    one = await booked(app, rules=REFUNDING)
    app.shopify.simulator.faults.add({"kind": kind, "operation": "GivenUpRefund", "times": 3})
    one.give_up(BAG_DOWN=1)
    assert await app.push_shipments() == ["waits"]
    assert (await one.link()).refund_intent
    await app.ship_waiting()
    assert [line.quantity for each in one.order.refunds for line in each.lines] == [1]
    assert (await one.link()).refund_intent == {}


async def test_an_intent_for_units_that_are_no_longer_missing_is_dropped(app: App) -> None:
    one = await booked(app, rules=REFUNDING)
    app.shopify.simulator.faults.add({"kind": "reset_after_commit", "operation": "GivenUpRefund", "times": 3})
    one.give_up(BAG_DOWN=2)
    assert await app.push_shipments() == ["waits"]
    await one.echo()
    app.shopify.simulator.shops["nordlys-outdoor.myshopify.com"].idempotency.clear()  # Shopify keeps keys for a time
    one.give_up(BAG_DOWN=1)
    await app.push_shipments()
    assert [line.quantity for each in one.order.refunds for line in each.lines] == [2, 1]


async def test_what_shopify_refuses_is_told_with_its_words_and_replayed_with_another_key(app: App) -> None:
    one = await booked(app, rules=REFUNDING)
    refusal = {"refund": None, "userErrors": [{"field": None, "message": "Refund amount is too large."}]}
    app.shopify.simulator.faults.add(
        {"kind": "other_answer", "operation": "GivenUpRefund", "body": {"data": {"refundCreate": refusal}}}
    )
    one.give_up(BAG_DOWN=1)
    assert await app.push_shipments() == ["GIVEN_UP_NOT_REFUNDED"]
    assert "Refund amount is too large." in (await app.causes())[0]
    assert (await one.link()).refund_intent == {}
    await app.replay_parked()
    assert (len(one.order.refunds), await app.parked()) == (1, set())


async def test_services_and_lines_that_the_app_reduced_are_not_given_up(app: App) -> None:
    one = await booked(app)
    await one.step("refund", lines=[{"line": "BAG-DOWN", "quantity": 2, "restock": "cancel"}])
    one.pack(BAG_DOWN=1, MAP_NORDIC=1)
    one.invoice()
    await app.push_shipments()
    assert await app.parked() == set()
    assert (await one.link()).given_up_units == {}


async def test_goods_that_were_invoiced_without_a_slip_are_not_given_up(app: App) -> None:
    one = await booked(app)
    one.pack(BAG_DOWN=3, MAP_NORDIC=1)
    one.invoice()
    rows = app.fo.books.rows(SLIP_LINES)
    for key in [key_of(app.fo.books.schema.sets[SLIP_LINES], row.values) for row in rows]:
        rows.remove(key)
    await app.push_shipments()
    assert await app.parked() == set()


async def test_by_rule_nothing_is_done(app: App) -> None:
    one = await booked(app, rules=with_rules(EU, given_up={"action": "ignore"}))
    one.give_up(BAG_DOWN=1)
    assert await app.push_shipments() == []


async def test_a_cancellation_in_shopify_removes_what_a_short_pick_left(app: App) -> None:
    one = await booked(app)
    one.give_up(BAG_DOWN=1)
    await app.push_shipments()
    await one.step("cancel")
    assert await app.parked() == {"GIVEN_UP_IN_FO"}
    await app.push_shipments()
    assert (await app.parked(), one.credits, one.returned) == (set(), [], [])
