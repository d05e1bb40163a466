"""Authorised money is captured for what F&O invoiced: in parts, at the end, in time, and never twice."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any, Final

import pytest

from local.d365.books import key_of
from local.d365.sales_tables import HEADERS, LINES
from shared.model import Part
from shared.rules import StoreRules
from shared.sync.shipments.moved_event import moved_event
from tests.builders.both_sides import App, app_in_process
from tests.builders.invoiced_order import BAG, CAPTURING, InvoicedOrder
from tests.builders.log_events import events_in
from tests.builders.sales import with_rules
from tests.builders.strategies import STORES

LATE: Final = "2099-01-01T00:00:00+00:00"
SEVERAL: Final = {"kind": "authorization", "expires_at": LATE}
ONCE: Final = {**SEVERAL, "multi_capturable": False}
TOTAL: Final = Decimal("387.90")
DONE: Final = "all that F&O invoiced is captured"
MADE: Final = "1 captures made"


def euros(*amounts: str) -> list[Decimal]:
    return [Decimal(amount) for amount in amounts]


@pytest.fixture
async def app() -> AsyncIterator[App]:
    async with app_in_process() as one:
        yield one


async def authorized(app: App, *payment: dict[str, Any], rules: StoreRules = CAPTURING, **parts: Any) -> InvoicedOrder:
    one = InvoicedOrder(app, rules, *(payment or (SEVERAL,)), **parts)
    await one.deliver()
    assert await app.push_shipments() == []
    return one


async def captures(app: App) -> list[str]:
    """How the parts of captures ended: the notes of the shipments are left out."""
    return [end.rpartition("; ")[2] for end in await app.push_shipments()]


async def test_each_invoice_is_captured_and_the_last_takes_the_rest(app: App) -> None:
    one = await authorized(app)
    one.invoice(BAG_DOWN=1)
    assert await captures(app) == [MADE]
    assert one.captured == euros("118.00")
    assert await captures(app) == []
    one.invoice(BAG_DOWN=2, MAP_NORDIC=1)
    one.invoice()
    assert await captures(app) == [MADE]
    assert one.captured == euros("118.00", "269.90")
    assert (sum(one.captured), one.posted) == (TOTAL, TOTAL)
    assert await app.parked() == set()


async def test_where_one_capture_is_allowed_it_waits_for_the_last_invoice(app: App) -> None:
    one = await authorized(app, ONCE)
    one.invoice(BAG_DOWN=1)
    assert await captures(app) == [DONE]
    assert one.captured == []
    one.invoice()
    assert await captures(app) == [MADE]
    assert one.captured == [TOTAL]


async def test_our_capture_comes_back_and_is_booked_once(app: App) -> None:
    one = await authorized(app)
    one.invoice()
    await captures(app)
    await one.tell_captures()
    await one.tell_captures()
    assert one.paid == [TOTAL]
    assert await captures(app) == []
    assert one.captured == [TOTAL]


async def test_what_others_captured_is_not_captured_again(app: App) -> None:
    one = await authorized(app)
    one.change("capture", amount="200.00")
    one.invoice(BAG_DOWN=1)
    assert await captures(app) == [DONE]
    one.invoice()
    assert await captures(app) == [MADE]
    assert one.captured == euros("200.00", "187.90")


async def test_a_shop_that_captured_by_itself_leaves_nothing_to_do(app: App) -> None:
    one = await authorized(app)
    one.change("capture")
    one.invoice()
    assert await captures(app) == [DONE]
    assert one.captured == [TOTAL]


async def test_money_that_came_otherwise_is_taken_off(app: App) -> None:
    one = await authorized(app, {"gateway": "gift_card", "amount": "100.00"}, {**SEVERAL, "amount": "287.90"})
    one.invoice(BAG_DOWN=1)
    await captures(app)
    assert one.captured == euros("18.00")
    one.invoice()
    await captures(app)
    assert one.captured == euros("18.00", "269.90")


async def test_two_cards_are_captured_one_after_the_other(app: App) -> None:
    soon, later = LATE, "2099-02-01T00:00:00+00:00"
    first, second = {**SEVERAL, "amount": "300.00"}, {**SEVERAL, "amount": "87.90"}
    one = await authorized(app, {**first, "expires_at": later}, {**second, "expires_at": soon})
    one.invoice(BAG_DOWN=1)
    assert await captures(app) == ["2 captures made"]
    assert one.captured == euros("87.90", "30.10")
    one.invoice()
    await captures(app)
    assert one.captured == euros("87.90", "30.10", "269.90")


async def test_only_the_gateways_of_the_rule_are_captured(app: App) -> None:
    rules = with_rules(CAPTURING, captures={"on": "invoiced", "gateways": ("paypal",)})
    one = await authorized(app, rules=rules)
    one.invoice()
    assert await captures(app) == [DONE]
    assert one.captured == []


async def test_units_that_were_removed_before_leave_their_money_to_the_buyer(app: App) -> None:
    one = await authorized(app)
    one.change("edit", quantities={"BAG-DOWN": 1})
    await one.deliver()
    one.invoice()
    assert await captures(app) == [MADE]
    assert one.captured == euros("151.90")
    assert one.order.transactions[-1].is_final


@pytest.mark.parametrize(
    ("given_back", "told"),
    [({}, set()), ({"amount": "0"}, {"CAPTURE_DIFFERS"}), ({"amount": "118.00"}, {"CAPTURE_DIFFERS"})],
)
async def test_goods_that_came_back_are_not_captured_again(app: App, given_back: Any, told: set[str]) -> None:
    """Paid back is what Shopify says that the buyer is owed, nothing, or more: then Shopify has a discrepancy."""
    one = await authorized(app)
    one.invoice(BAG_DOWN=3)
    await captures(app)
    one.change("refund", lines=[{"line": "BAG-DOWN", "quantity": 1, "restock": "return"}], **given_back)
    one.invoice()
    await captures(app)
    assert one.captured == euros("354.00")
    assert await app.parked() == told


async def test_money_given_back_for_what_was_cancelled_is_captured_from_the_rest(app: App) -> None:
    one = await authorized(app, {"gateway": "gift_card", "amount": "200.00"}, {**SEVERAL, "amount": "187.90"})
    one.change("refund", lines=[{"line": "BAG-DOWN", "quantity": 1, "restock": "cancel"}], amount="118.00")
    await one.deliver()
    one.invoice()
    await captures(app)
    assert one.captured == euros("69.90")
    assert await app.parked() == set()


async def test_a_difference_beyond_the_tolerance_is_told_with_both_amounts(app: App) -> None:
    one = await authorized(app)
    one.invoice(BAG_DOWN=2)
    await captures(app)
    one.give_up()
    one.app.shipments.snapshots.documents.clear()
    await captures(app)
    assert await app.parked() == {"CAPTURE_DIFFERS"}
    assert "236.00 EUR" in (await app.causes())[0]
    assert "151.90 EUR" in (await app.causes())[0]
    assert "Correct the order in Shopify" in (await app.next_steps())[0]
    assert one.captured == euros("236.00")
    one.change("edit", quantities={"BAG-DOWN": 2, "MAP-NORDIC": 0})
    await app.replay_parked()
    assert (one.captured, await app.parked()) == (euros("236.00"), set())


async def test_an_order_that_costs_more_than_was_authorized_is_told_after_the_capture(app: App) -> None:
    one = await authorized(app)
    one.change("edit", quantities={"BAG-DOWN": 4})
    await one.deliver()
    one.invoice()
    await captures(app)
    assert one.captured == [TOTAL]
    assert await app.parked() == {"CAPTURE_SHORT"}
    assert "118.00 EUR" in (await app.causes())[0]
    assert "send an invoice of the order" in (await app.next_steps())[0]
    one.change("pay", gateway="manual", amount="118.00")
    await app.replay_parked()
    assert await app.parked() == set()


async def test_a_voided_authorization_is_told(app: App) -> None:
    one = await authorized(app)
    one.change("void")
    one.invoice(BAG_DOWN=1)
    await captures(app)
    assert await app.parked() == {"AUTHORIZATION_ENDED"}
    assert "is voided" in (await app.causes())[0]
    assert "Ask the buyer for another payment" in (await app.next_steps())[0]
    one.change("pay", gateway="manual")
    await app.replay_parked()
    assert (one.captured, await app.parked()) == ([], set())


async def test_an_order_that_was_cancelled_in_shopify_is_not_captured(app: App) -> None:
    one = await authorized(app)
    one.change("cancel")
    one.invoice(BAG_DOWN=1)
    assert await app.ship(moved_event(app.rules, one.order.id, {Part.CAPTURES}, "1", app.now())) == "CAPTURE_CANCELLED"
    assert await app.parked() == {"CAPTURE_CANCELLED"}
    assert "Find out whether the goods left" in (await app.next_steps())[0]
    assert one.captured == []


async def test_what_fo_gives_up_later_leaves_one_capture_to_be_made_within_a_day(app: App) -> None:
    one = await authorized(app, ONCE)
    one.invoice(BAG_DOWN=3)
    assert await captures(app) == [DONE]
    one.give_up()
    one.change("edit", quantities={"MAP-NORDIC": 0})
    assert await captures(app) == []
    tomorrow = datetime.now(UTC) + timedelta(days=1, minutes=1)
    app.now = lambda: tomorrow
    app.shopify.time._ahead = timedelta(days=1, minutes=1)
    assert await captures(app) == [MADE]
    assert one.captured == euros("354.00")


class Expiring:
    """An order whose authorisation expires two days from now, and the app's clock."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.began = datetime.now(UTC)
        self.end = self.began + timedelta(days=2)

    async def order(self, rules: StoreRules = CAPTURING, **payment: Any) -> InvoicedOrder:
        return await authorized(self.app, {**SEVERAL, "expires_at": self.end.isoformat(), **payment}, rules=rules)

    async def at(self, hours: float) -> list[str]:
        """A run so many hours before the end."""
        moment = self.end - timedelta(hours=hours)
        self.app.now = lambda: moment
        self.app.shopify.time._ahead = moment - datetime.now(UTC)
        return await captures(self.app)


async def test_an_authorization_is_told_in_time_and_once_it_is_over(app: App) -> None:
    expiring = Expiring(app)
    one = await expiring.order()
    assert await expiring.at(25) == []
    assert await expiring.at(23.9) == ["AUTHORIZATION_EXPIRES"]
    assert "387.90 EUR" in (await app.causes())[0]
    assert "Ship and invoice the rest before that" in (await app.next_steps())[0]
    assert await expiring.at(23) == []
    assert await expiring.at(-0.1) == ["AUTHORIZATION_ENDED"]
    assert "is expired" in (await app.causes())[-1]
    assert await expiring.at(-1) == []
    assert one.captured == []


async def test_what_is_invoiced_before_is_captured_and_the_rest_told(app: App) -> None:
    expiring = Expiring(app)
    one = await expiring.order()
    one.invoice(BAG_DOWN=1)
    assert await expiring.at(23) == ["AUTHORIZATION_EXPIRES"]
    assert one.captured == euros("118.00")
    assert await app.parked() == {"AUTHORIZATION_EXPIRES"}
    assert "269.90 EUR" in (await app.causes())[0]
    one.invoice()
    assert await expiring.at(22) == [MADE]
    assert (sum(one.captured), await app.parked()) == (TOTAL, set())
    assert await expiring.at(-1) == []


@pytest.mark.parametrize("once", [False, True])
async def test_all_is_captured_before_it_expires_where_the_rule_says_so(app: App, *, once: bool) -> None:
    rules = with_rules(CAPTURING, captures={"on": "invoiced", "expiring": "capture_all", "expiring_hours": 6})
    expiring = Expiring(app)
    one = await expiring.order(rules, multi_capturable=not once)
    one.invoice(BAG_DOWN=1)
    await expiring.at(7)
    assert one.captured == ([] if once else euros("118.00"))
    assert await expiring.at(5) == [MADE]
    assert sum(one.captured) == TOTAL
    one.invoice()
    assert await expiring.at(4) == [DONE]
    assert await app.parked() == set()


async def test_where_shopify_does_not_say_the_rule_says_how_long_it_lasts(app: App) -> None:
    expiring = Expiring(app)
    rules = with_rules(CAPTURING, captures={"on": "invoiced", "valid_hours": 100})
    one = InvoicedOrder(app, rules, {"kind": "authorization"})
    one.order.transactions[0].created_at = expiring.began
    await one.deliver()
    expiring.end = expiring.began + timedelta(hours=100)
    assert await expiring.at(25) == []
    assert await expiring.at(23) == ["AUTHORIZATION_EXPIRES"]


async def test_an_order_that_fo_does_not_have_is_reported(app: App, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    expiring = Expiring(app)
    one = await expiring.order()
    link = await app.link(one.order.id)
    assert link is not None
    await app.links.put(replace(link, sales_order=""))
    assert await expiring.at(23) == []
    assert await expiring.at(22) == []
    assert await expiring.at(-1) == []
    told = events_in(caplog, "authorization.expiring")
    assert [each["entity_id"] for each in told] == [str(one.order.id)]


@pytest.mark.parametrize("why", ["given up", "gone in F&O", "gone in Shopify"])
async def test_an_order_that_cannot_be_captured_is_not_due_for_ever(app: App, why: str) -> None:
    """Each run looks at a limited number of those that are due."""
    expiring = Expiring(app)
    one = await expiring.order()
    link = await app.link(one.order.id)
    assert link is not None
    if why == "given up":
        await app.links.put(replace(link, given_up=True))
    elif why == "gone in F&O":
        books = app.fo.books
        for name in (LINES, HEADERS):
            rows = books.rows(name)
            for key in [key_of(books.schema.sets[name], row.values) for row in rows]:
                rows.remove(key)
    else:
        app.shopify.simulator.shops[STORES["nordlys"].shop_domain].orders.clear()
    await expiring.at(23)
    for hours in (22, 0, -1):
        await expiring.at(hours)
        assert await app.shipments.captures.due("nordlys", app.now(), limit=10) == []


async def test_a_lost_answer_captures_nothing_twice(app: App) -> None:
    one = await authorized(app)
    app.shopify.simulator.faults.add({"kind": "reset_after_commit", "operation": "CapturesMake"})
    one.invoice(BAG_DOWN=1)
    assert await captures(app) == ["waits"]
    app.shipments.snapshots.documents["shipments/nordlys/progress"]["sources"]["invoices"]["sent"] = {}
    assert await captures(app) == [MADE]
    assert one.captured == euros("118.00")


async def test_a_capture_that_was_not_made_is_waited_for_and_then_made(app: App) -> None:
    one = await authorized(app)
    app.shopify.simulator.faults.add({"kind": "connection_reset", "operation": "CapturesMake"})
    one.invoice(BAG_DOWN=1)
    began = datetime.now(UTC)
    assert await captures(app) == ["waits"]
    for seconds, end in ((10, "waits"), (30, MADE)):
        app.now = partial(began.__add__, timedelta(seconds=seconds))
        progress = app.shipments.snapshots.documents["shipments/nordlys/progress"]["sources"]
        progress["invoices"]["sent"] = {}
        assert await captures(app) == [end]
    assert one.captured == euros("118.00")


def answer(app: App, transaction: Any, *problems: str) -> None:
    errors = [{"field": None, "message": problem} for problem in problems]
    body = {"data": {"orderCapture": {"transaction": transaction, "userErrors": errors}}}
    app.shopify.simulator.faults.add({"kind": "other_answer", "operation": "CapturesMake", "body": body})


async def test_what_shopify_refuses_is_told_with_its_words(app: App) -> None:
    one = await authorized(app)
    answer(app, None, "You may not capture.")
    one.invoice()
    await captures(app)
    assert await app.parked() == {"CAPTURE_REFUSED"}
    assert "You may not capture." in (await app.causes())[0]
    assert "permission to capture" in (await app.next_steps())[0]
    await app.replay_parked()
    assert (one.captured, await app.parked()) == ([TOTAL], set())


async def test_a_capture_that_the_provider_declines_is_told(app: App) -> None:
    one = await authorized(app)
    answer(app, {"id": "gid://shopify/OrderTransaction/1", "status": "FAILURE", "errorCode": "CARD_DECLINED"})
    one.invoice()
    await captures(app)
    assert await app.parked() == {"CAPTURE_DECLINED"}
    assert "CARD_DECLINED" in (await app.causes())[0]
    assert "ask the buyer for another payment" in (await app.next_steps())[0]
    await app.replay_parked()
    assert (one.captured, await app.parked()) == ([TOTAL], set())


async def test_a_pending_capture_that_fails_later_is_made_again_within_a_day(app: App) -> None:
    one = await authorized(app)
    one.change("capture", status="pending")
    one.invoice()
    assert await captures(app) == [DONE]
    one.change("settle", transaction=one.order.transactions[-1].id, status="failure")
    assert await captures(app) == []
    tomorrow = datetime.now(UTC) + timedelta(days=1, minutes=1)
    app.now = lambda: tomorrow
    app.shopify.time._ahead = timedelta(days=1, minutes=1)
    assert await captures(app) == [MADE]
    assert one.captured == [TOTAL]


async def test_a_buyer_who_pays_in_another_currency_is_charged_at_the_orders_rate(app: App) -> None:
    one = await authorized(app, currency="SEK", exchange_rate="11.3571")
    total = one.order.original_total.presentment
    one.invoice(BAG_DOWN=1)
    await captures(app)
    (first,) = one.captured
    assert first == (one.posted * total / one.order.original_total.shop).quantize(Decimal("0.01"))
    one.invoice()
    await captures(app)
    assert sum(one.captured) == total
    assert await app.parked() == set()


async def test_an_order_of_nothing_in_another_currency_is_left_alone(app: App) -> None:
    gift = {**BAG, "price": "0.00"}
    one = await authorized(app, {"kind": "sale"}, lines=(gift,), currency="SEK", exchange_rate="11.05")
    one.invoice()
    assert await captures(app) == [DONE]
    assert await app.parked() == set()


async def test_nothing_is_captured_while_the_rule_is_off(app: App) -> None:
    one = await authorized(app, rules=with_rules(CAPTURING, captures={"on": "never"}))
    one.invoice()
    await app.push_shipments()
    assert one.captured == []
