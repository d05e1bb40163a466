"""F&O's status of an order in Shopify: a metafield, one tag by rule, and orders that F&O has cancelled."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import pytest

from local.d365.books import key_of
from local.d365.sales_tables import HEADERS, LINES
from shared.model import Part
from shared.rules import StoreRules
from shared.sync.shipments.moved_event import moved_event
from tests.builders.both_sides import App, app_in_process
from tests.builders.one_order import VAT
from tests.builders.order_at_fo import OrderAtFo
from tests.builders.sales import with_rules
from tests.builders.strategies import strategy

EU: Final = with_rules(strategy("nordlys"), flows={"shipments": True})
TAGS: Final = {"on_hold": "Held", "partly_delivered": "Some left", "delivered": "Left", "cancelled": "Gone"}
SHOWING: Final = with_rules(EU, order_status={"metafield": "fo_status", "tags": TAGS})
CANCELLING: Final = with_rules(EU, order_status={"cancelled": {"action": "cancel"}})
BAG: Final = {"sku": "BAG-DOWN", "quantity": 3, "price": "118.00", "tax": VAT}


@pytest.fixture
async def app() -> AsyncIterator[App]:
    async with app_in_process() as one:
        yield one


async def booked(app: App, rules: StoreRules = EU, **parts: Any) -> OrderAtFo:
    """A new order that is open in F&O needs nothing in Shopify."""
    one = OrderAtFo(app, rules, BAG, **parts)
    await one.deliver()
    assert await app.push_shipments() == []
    assert (one.text("fo_status"), one.order.tags) == (None, parts.get("tags", []))
    return one


async def test_each_status_takes_the_place_of_the_last(app: App) -> None:
    one = await booked(app, SHOWING, tags=["vip"])
    one.hold()
    assert await app.push_shipments() == ["shown as on hold; tagged Held"]
    assert (one.text("fo_status"), sorted(one.order.tags)) == ("on hold", ["Held", "vip"])
    one.clear_hold()
    assert await app.push_shipments() == ["shown as open; tag taken off"]
    assert (one.text("fo_status"), one.order.tags) == ("open", ["vip"])
    one.pack(BAG_DOWN=1)
    await app.push_shipments()
    assert (one.text("fo_status"), sorted(one.order.tags)) == ("partly delivered", ["Some left", "vip"])
    one.pack(BAG_DOWN=2)
    await app.push_shipments()
    assert (one.text("fo_status"), sorted(one.order.tags)) == ("delivered", ["Left", "vip"])
    one.invoice()
    await app.push_shipments()
    assert (one.text("fo_status"), one.order.tags) == ("invoiced", ["vip"])
    assert await app.push_shipments() == []


async def test_what_shopify_shows_already_is_not_written_again(app: App) -> None:
    one = await booked(app, SHOWING)
    one.hold()
    await app.push_shipments()
    metafield = dict(one.order.metafields)
    app.shipments.snapshots.documents.clear()  # type: ignore[attr-defined]
    assert await app.push_shipments() == []
    one.hold("STAFF")
    assert await app.push_shipments() == []
    assert one.order.metafields == metafield


async def test_our_tags_that_come_back_cost_no_call_of_f_o(app: App) -> None:
    one = await booked(app, SHOWING)
    one.hold()
    await app.push_shipments()
    app.fo.clear_calls()
    await one.echo()
    assert not app.fo.http_calls


async def test_a_tag_that_the_rules_named_otherwise_is_replaced(app: App) -> None:
    one = await booked(app, SHOWING)
    one.hold()
    await app.push_shipments()
    app.change_rules(with_rules(SHOWING, order_status={"metafield": "fo_status", "tags": {**TAGS, "on_hold": "Stop"}}))
    one.clear_hold()
    await app.push_shipments()
    one.hold()
    await app.push_shipments()
    assert one.order.tags == ["Stop"]


async def test_the_metafield_is_defined_once_for_staff(app: App) -> None:
    one = await booked(app, SHOWING)
    one.hold()
    await app.push_shipments()
    (found,) = app.shopify.simulator.shops["nordlys-outdoor.myshopify.com"].definitions.values()
    assert (found.name, found.type) == ("F&O status", "single_line_text_field")


async def test_an_order_that_f_o_cancelled_is_told_until_it_is_settled_in_shopify(app: App) -> None:
    one = await booked(app)
    one.give_up()
    assert await app.push_shipments() == ["CANCELLED_IN_FO"]
    assert await app.causes() == [
        f"F&O has cancelled {one.header['SalesOrderNumber']}, and Shopify still has 3 units of the order open."
    ]
    assert "cancel the order in Shopify" in (await app.next_steps())[0]
    assert one.order.cancelled_at is None
    assert await app.push_shipments() == []
    await one.step("cancel")
    assert await app.push_shipments() != []
    assert await app.parked() == set()


async def test_it_closes_when_f_o_goes_on_after_all(app: App) -> None:
    one = await booked(app)
    one.give_up()
    await app.push_shipments()
    header, books = one.sales_order, app.fo.books
    books.replace(books.schema.sets[HEADERS], header, {**header.values, "SalesOrderStatus": "Backorder"})
    await app.push_shipments()
    assert await app.parked() == {"GIVEN_UP_IN_FO"}


async def test_by_rule_it_is_cancelled_in_shopify_once_and_comes_back_as_nothing(app: App) -> None:
    one = await booked(app, CANCELLING)
    one.give_up()
    assert await app.push_shipments() == ["the whole order is cancelled in F&O; cancelled in Shopify too"]
    assert one.order.cancelled_at is not None
    assert (one.order.cancel_reason, one.order.cancel_note) == (
        "other",
        f"Cancelled in F&O: {one.header['SalesOrderNumber']}",
    )
    assert [each.kind for each in one.order.notices] == ["order_cancelled"]
    lines, writes = one.lines, one.fo_writes
    await one.echo()
    assert (one.lines, one.credits, one.returned, await app.parked()) == (lines, [], [], set())
    assert {name for name in one.fo_writes - writes if "PaymentJournal" not in name} == set()
    assert one.paid == [Decimal("354.00"), Decimal("-354.00")]
    assert await app.push_shipments() == []


async def test_the_rules_say_what_a_cancellation_does(app: App) -> None:
    quiet = {"action": "cancel", "refund": False, "restock": False, "notify": False, "reason": "INVENTORY"}
    one = await booked(app, with_rules(EU, order_status={"cancelled": quiet}))
    one.give_up()
    await app.push_shipments()
    (made,) = one.order.refunds
    assert (made.transactions, {line.restock for line in made.lines}) == ([], {"no_restock"})
    assert (one.order.notices, one.order.cancel_reason) == ([], "inventory")


@pytest.mark.parametrize("fact", ["fulfilled", "returned", "slip"])
async def test_what_was_delivered_is_never_cancelled(app: App, fact: str) -> None:
    one = await booked(app, CANCELLING)
    expected = "shows others as fulfilled"
    if fact == "slip":
        one.pack(BAG_DOWN=1)
        header, books = one.sales_order, app.fo.books
        books.replace(books.schema.sets[HEADERS], header, {**header.values, "SalesOrderStatus": "Canceled"})
        one.change("hold")
        expected = "F&O has packing slips of it"
    else:
        one.change("fulfill", lines=[{"line": "BAG-DOWN", "quantity": 1}])
        if fact == "returned":
            one.change("return", action="open", lines=[{"line": "BAG-DOWN", "quantity": 1}])
            one.change("unfulfill")
            expected = "has a return of it"
        one.give_up()
    await app.push_shipments()
    assert "CANCELLED_IN_FO" in await app.parked()
    assert any(expected in cause for cause in await app.causes())
    assert one.order.cancelled_at is None


async def test_what_the_app_cancelled_or_gave_up_is_not_told(app: App) -> None:
    one = await booked(app)
    await one.step("refund", lines=[{"line": "BAG-DOWN", "quantity": 3, "restock": "cancel"}])
    await app.push_shipments()
    assert await app.parked() == set()


async def test_a_missing_order_is_no_cancellation(app: App) -> None:
    one = await booked(app, CANCELLING)
    one.give_up()
    event = await app.found_shipments()
    for entity_set in (LINES, HEADERS):
        rows = app.fo.books.rows(entity_set)
        for key in [key_of(app.fo.books.schema.sets[entity_set], row.values) for row in rows]:
            rows.remove(key)
    ends = [await app.ship(each) for each in event]
    assert all("F&O does not show the sales order" in end for end in ends)
    assert one.order.cancelled_at is None


@pytest.mark.parametrize("kind", ["reset_after_commit", "connection_reset"])
async def test_a_lost_answer_cancels_once(app: App, kind: str) -> None:
    one = await booked(app, CANCELLING)
    app.shopify.simulator.faults.add({"kind": kind, "operation": "OrderCancel"})
    one.give_up()
    assert await app.push_shipments() == ["waits"]
    is_done = one.order.cancelled_at is not None
    assert is_done == (kind == "reset_after_commit")
    assert await app.ship_waiting() == (
        ["Shopify has nothing open that F&O gave up; F&O has the order as cancelled"] if is_done else ["waits"]
    )
    app.now = lambda: datetime.now(UTC) + timedelta(minutes=6)
    await app.ship_waiting()
    assert one.order.cancelled_at is not None
    assert len(one.order.refunds) == 1


async def test_while_shopify_cancels_it_is_not_asked_again(app: App) -> None:
    one = await booked(app, CANCELLING)
    under_way = {"orderCancelUserErrors": [{"code": None, "field": None, "message": UNDER_WAY}]}
    app.shopify.simulator.faults.add(
        {"kind": "other_answer", "operation": "OrderCancel", "body": {"data": {"orderCancel": under_way}}}
    )
    one.give_up()
    assert await app.push_shipments() == ["waits"]
    assert await app.ship_waiting() == ["waits"]
    assert (one.order.cancelled_at, await app.parked()) == (None, set())


UNDER_WAY: Final = "Cancellation is already in progress"


async def test_what_shopify_refuses_is_told_with_its_words(app: App) -> None:
    one = await booked(app, CANCELLING)
    refusal = {"orderCancelUserErrors": [{"code": "INVALID", "field": ["orderId"], "message": "Not this one."}]}
    app.shopify.simulator.faults.add(
        {"kind": "other_answer", "operation": "OrderCancel", "body": {"data": {"orderCancel": refusal}}}
    )
    one.give_up()
    assert await app.push_shipments() == ["CANCELLATION_REFUSED"]
    assert "Not this one." in (await app.causes())[0]
    assert "Cancel the order in Shopify by hand" in (await app.next_steps())[0]
    await one.step("cancel")
    await app.replay_parked()
    assert (await app.parked(), one.order.cancelled_at is not None) == (set(), True)


async def test_by_rule_nothing_is_done_and_nothing_is_read(app: App) -> None:
    rules = with_rules(EU, order_status={"cancelled": {"action": "ignore"}}, given_up={"action": "ignore"})
    one = await booked(app, rules)
    one.give_up()
    app.fo.clear_calls()
    assert await app.push_shipments() == []
    hinted = moved_event(rules, one.order.id, {Part.STATUS, Part.GIVEN_UP, Part.HOLDS}, "hint", app.now())
    assert await app.ship(hinted) == ""
    assert not [call for call in app.fo.http_calls if "SalesTableBiEntities" in call]


async def test_a_quiet_run_reads_each_source_once(app: App) -> None:
    await booked(app, SHOWING)
    app.fo.clear_calls()
    assert await app.push_shipments() == []
    assert sum(app.fo.http_calls.values()) == 4
