"""Holds are copied to the other system and go with their origin: F&O's to Shopify, Shopify's to F&O, and none back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from local.d365.books import key_of
from local.d365.edm import number
from local.d365.sales_tables import HEADERS, LINES
from local.d365.slip_posting import Part as SlipPart
from local.d365.slip_posting import Shipment
from local.shopify.ids import APP_ID
from shared.bus.envelope import Envelope
from shared.model import HoldOrigin, HoldReason, Part
from shared.store.links import OrderLink
from shared.sync.shipments.moved_event import moved_event
from tests.builders.both_sides import App, app_in_process
from tests.builders.held_order import OTHER_APP, HeldOrder, booked, rules_of_holds

STAFF = ("fo-staff", "OTHER")
CREDIT = ("fo-credit", "AWAITING_PAYMENT")
SET = "staff hold of F&O set in Shopify"
SAME = "both systems have the same holds"


@pytest.fixture
async def app() -> AsyncIterator[App]:
    async with app_in_process() as one:
        yield one


async def link_of(one: HeldOrder) -> OrderLink:
    link = await one.app.link(one.order.id)
    assert link is not None
    return link


async def pushed(app: App) -> list[str]:
    """A run's events, without the note of the shipments."""
    return [end.removesuffix("; Shopify has all shipments") for end in await app.push_shipments()]


# --- F&O's holds in Shopify ---


async def test_a_hold_by_staff_in_fo_is_set_in_shopify_and_goes_with_it(app: App) -> None:
    one = await booked(app)
    one.stop()
    assert await pushed(app) == [SET]
    assert one.copies == [[STAFF]]
    link = await link_of(one)
    ((hold, place),) = link.holds.holds.items()
    assert (hold, place) == (one.parts[0].holds[0].id, (HoldOrigin.STAFF, one.parts[0].id))
    assert (link.held, one.is_stopped) == ("", True)
    one.start()
    assert await pushed(app) == ["1 released in Shopify"]
    assert one.copies == [[]]
    assert not (await link_of(one)).holds


async def test_a_hold_of_credit_management_has_its_own_reason_and_notes(app: App) -> None:
    one = await booked(app)
    one.take_into_credit_control()
    assert await pushed(app) == ["credit hold of F&O set in Shopify"]
    assert one.copies == [[CREDIT]]
    assert one.parts[0].holds[0].notes == "Credit management of F&O"
    one.let_go_of_credit_control()
    await app.push_shipments()
    assert one.copies == [[]]


async def test_two_holds_of_fo_have_two_copies_and_each_goes_by_itself(app: App) -> None:
    one = await booked(app)
    one.take_into_credit_control()
    one.stop()
    await app.push_shipments()
    assert sorted(one.copies[0]) == [CREDIT, STAFF]
    one.start()
    await app.push_shipments()
    assert one.copies == [[CREDIT]]


async def test_holds_are_not_copied_without_a_rule(app: App) -> None:
    one = await booked(app, rules_of_holds(credit=None, staff=None))
    one.stop()
    one.take_into_credit_control()
    await app.push_shipments()
    assert one.copies == [[]]


async def test_a_kind_without_a_rule_is_not_copied(app: App) -> None:
    one = await booked(app, rules_of_holds(credit=None))
    one.take_into_credit_control()
    one.stop()
    await app.push_shipments()
    assert one.copies == [[STAFF]]


async def test_a_rule_that_was_taken_away_ends_its_copies(app: App) -> None:
    one = await booked(app)
    one.stop()
    await app.push_shipments()
    app.change_rules(rules_of_holds(staff=None))
    an_hour_later(app)
    await app.push_shipments()
    assert (one.copies, one.is_stopped) == ([[]], True)


def an_hour_later(app: App) -> None:
    before = app.now
    app.now = lambda: before() + timedelta(hours=1)


async def test_what_the_app_holds_in_fo_itself_is_not_copied(app: App) -> None:
    one = await booked(app)
    await one.step("amend", tags=["hold"])
    assert one.is_stopped
    assert await app.push_shipments() == []
    await app.ship(one_event(one))
    assert one.copies == [[]]


def one_event(one: HeldOrder, *parts: Part, at: datetime | None = None) -> Envelope:
    return moved_event(one.app.rules, one.order.id, parts or [Part.HOLDS], "d", at or datetime.now(UTC))


async def test_every_open_fulfilment_order_is_held_also_one_that_comes_later(app: App) -> None:
    one = await booked(app)
    one.stop()
    await app.push_shipments()
    assert one.copies == [[STAFF]]
    one.move_the_map()
    assert one.copies == [[STAFF], []]
    assert SET in " ".join(await one.deliver_holds())
    assert one.copies == [[STAFF], [STAFF]]
    one.start()
    await app.push_shipments()
    assert one.copies == [[], []]


async def test_a_copy_that_a_person_releases_is_told_and_not_set_again(app: App) -> None:
    one = await booked(app)
    one.stop()
    await app.push_shipments()
    one.release_copies()
    assert (await one.deliver_holds())[-1] == "HOLD_RELEASED_IN_SHOPIFY"
    assert await app.parked() == {"HOLD_RELEASED_IN_SHOPIFY"}
    assert "release it in F&O" in (await app.next_steps())[0]
    await app.replay_parked()
    assert one.copies == [[]]
    one.start()
    await app.push_shipments()
    assert await app.parked() == set()
    one.stop()
    await app.push_shipments()
    assert one.copies == [[STAFF]]


@pytest.mark.parametrize("operation", ["HoldsPlace", "HoldsRelease"])
async def test_a_lost_answer_neither_doubles_a_copy_nor_leaves_one(app: App, operation: str) -> None:
    one = await booked(app)
    app.shopify.simulator.faults.add({"kind": "reset_after_commit", "operation": operation})
    one.stop()
    ends = await app.push_shipments()
    ends.append(await app.ship(one_event(one)))
    assert one.copies == [[STAFF]]
    one.start()
    ends += await app.push_shipments()
    ends.append(await app.ship(one_event(one)))
    assert "waits" in ends
    assert one.copies == [[]]
    assert not (await link_of(one)).holds


async def test_a_copy_whose_answer_was_lost_is_found_by_its_handle(app: App) -> None:
    """Sent again, Shopify refuses it as set already."""
    one = await booked(app)
    answer = {
        "fulfillmentHold": None,
        "userErrors": [
            {"field": None, "message": "in use", "code": "DUPLICATE_FULFILLMENT_HOLD_HANDLE"},
        ],
    }
    app.shopify.simulator.faults.add(
        {"kind": "other_answer", "operation": "HoldsPlace", "body": {"data": {"fulfillmentOrderHold": answer}}}
    )
    one.stop()
    await app.push_shipments()
    assert (one.copies, await app.parked()) == ([[STAFF]], set())


async def test_what_shopify_refuses_is_told_with_its_words_and_set_by_a_replay(app: App) -> None:
    one = await booked(app)
    answer = {"fulfillmentHold": None, "userErrors": [{"field": None, "message": "Not now.", "code": None}]}
    app.shopify.simulator.faults.add(
        {"kind": "other_answer", "operation": "HoldsPlace", "body": {"data": {"fulfillmentOrderHold": answer}}}
    )
    one.stop()
    await app.push_shipments()
    assert await app.parked() == {"HOLD_REFUSED"}
    assert "Not now." in (await app.causes())[0]
    await app.replay_parked()
    assert (one.copies, await app.parked()) == ([[STAFF]], set())


async def test_a_fulfilment_order_that_takes_no_hold_is_told(app: App) -> None:
    one = await booked(app)
    for at in range(10):
        one.in_shopify("hold", app=APP_ID, handle=f"own {at}", reason="OTHER")
    one.told.clear()
    one.stop()
    await app.push_shipments()
    assert await app.parked() == {"HOLD_IMPOSSIBLE"}
    assert str(one.parts[0].id) in (await app.causes())[0]
    assert "cancel the fulfilment request" in (await app.next_steps())[0]
    one.start()
    await app.push_shipments()
    assert await app.parked() == set()


async def test_a_copy_that_a_person_released_and_a_hold_that_cannot_be_copied_are_both_told(app: App) -> None:
    one = await booked(app)
    one.stop()
    await app.push_shipments()
    one.release_copies()
    for at in range(10):
        one.in_shopify("hold", app=APP_ID, handle=f"own {at}", reason="OTHER")
    one.told.clear()
    one.take_into_credit_control()
    await app.push_shipments()
    assert await app.parked() == {"HOLD_RELEASED_IN_SHOPIFY", "HOLD_IMPOSSIBLE"}


async def test_a_hold_that_ends_while_its_copy_is_set_leaves_none(app: App) -> None:
    """The next run found F&O's flag cleared before the copy was recorded, and sent nothing."""
    one = await booked(app)
    one.stop()
    put, links = app.links.put, app.links

    async def put_and_release(link: OrderLink) -> OrderLink:
        stored = await put(link)
        if link.holds.copied:
            one.start()
        return stored

    links.put = put_and_release  # type: ignore[method-assign]
    await app.push_shipments()
    assert one.copies == [[]]


async def test_an_order_that_staff_took_over_has_no_copies(app: App) -> None:
    one = await booked(app)
    one.stop()
    await app.push_shipments()
    await app.links.put(replace(await link_of(one), given_up=True))
    await app.ship(one_event(one))
    assert one.copies == [[]]


async def test_holds_of_a_further_sales_order_are_copied(app: App) -> None:
    one = await booked(app)
    link = await link_of(one)
    await app.links.put(replace(link, sales_order="GONE", further=(link.sales_order,)))
    books, row = app.fo.books, one.sales_order
    values = {**row.values, "CustomersOrderReference": f"{one.reference}-2"}
    books.replace(books.schema.sets["SalesOrderHeadersV4"], row, values)
    one.stop()
    await app.push_shipments()
    assert one.copies == [[STAFF]]


async def test_a_delivered_order_has_no_copies(app: App) -> None:
    one = await booked(app)
    one.stop()
    await app.push_shipments()
    books, row = app.fo.books, one.sales_order
    books.replace(
        books.schema.sets["SalesOrderHeadersV4"], row, {**row.values, "SalesOrderProcessingStatus": "Invoiced"}
    )
    await app.ship(one_event(one))
    assert one.copies == [[]]


async def test_orders_with_holds_are_looked_at_once_an_hour(app: App) -> None:
    """Whatever was missed: here a hold that F&O cleared with a stamp that no run looks at."""
    one = await booked(app)
    one.stop()
    await app.push_shipments()
    assert await pushed(app) == [SAME]
    one.start()
    later = datetime.now(UTC) + timedelta(days=1)
    app.shipments.snapshots.documents["shipments/nordlys/progress"]["sources"]["sales_orders"]["seen"] = (
        later.isoformat()
    )
    assert await app.push_shipments() == []
    an_hour_later(app)
    await app.push_shipments()
    assert one.copies == [[]]


async def test_a_sales_order_that_fo_does_not_have_any_more_leaves_no_copy_behind(app: App) -> None:
    one = await booked(app)
    one.stop()
    await app.push_shipments()
    assert one.copies == [[STAFF]]
    for name in (LINES, HEADERS):
        for row in list(app.fo.books.rows(name)):
            app.fo.books.rows(name).remove(key_of(app.fo.books.schema.sets[name], row.values))
    an_hour_later(app)
    await app.push_shipments()
    assert one.copies == [[]]


# --- Shopify's holds in F&O ---


async def test_a_hold_in_shopify_stops_the_order_in_fo_and_goes_with_it(app: App) -> None:
    one = await booked(app)
    one.hold_in_shopify()
    ends = await one.deliver_holds()
    assert f"held in F&O: {one.sales_order.values['SalesOrderNumber']}" in " ".join(ends)
    link = await link_of(one)
    assert (one.is_stopped, link.held, link.is_holding) == (True, HoldReason.SHOP, False)
    assert [place.origin for place in link.holds.holds.values()] == [HoldOrigin.SHOPIFY]
    await app.push_shipments()
    assert (one.copies, one.foreign) == ([[]], ["INCORRECT_ADDRESS"])
    one.release_foreign()
    await one.deliver_holds()
    link = await link_of(one)
    assert (one.is_stopped, link.held) == (False, "")
    assert not link.holds


async def test_a_hold_of_another_app_counts_and_one_of_another_reason_does_not(app: App) -> None:
    one = await booked(app)
    one.hold_in_shopify("OTHER")
    await one.deliver_holds()
    assert not one.is_stopped
    one.hold_in_shopify("INVENTORY_OUT_OF_STOCK", app=OTHER_APP)
    await one.deliver_holds()
    assert one.is_stopped


async def test_the_order_stays_held_until_the_last_hold_is_released(app: App) -> None:
    one = await booked(app)
    one.hold_in_shopify()
    one.hold_in_shopify("INVENTORY_OUT_OF_STOCK")
    await one.deliver_holds()
    first, second = one.parts[0].holds
    one.in_shopify("release", hold=first.id)
    await one.deliver_holds()
    assert one.is_stopped
    one.in_shopify("release", hold=second.id)
    await one.deliver_holds()
    assert not one.is_stopped


async def test_the_apps_own_hold_comes_back_and_changes_nothing(app: App) -> None:
    one = await booked(app)
    one.stop()
    await app.push_shipments()
    one.echo()
    assert await one.deliver_holds() == ["the app set this hold itself"]
    one.start()
    await app.push_shipments()
    assert (one.is_stopped, one.copies) == (False, [[]])


async def test_a_hold_in_shopify_takes_the_place_of_one_that_staff_release_in_fo(app: App) -> None:
    one = await booked(app)
    one.stop()
    await app.push_shipments()
    one.hold_in_shopify()
    await one.deliver_holds()
    assert ((await link_of(one)).held, one.copies) == ("", [[STAFF]])
    one.start()
    await app.push_shipments()
    assert (one.is_stopped, (await link_of(one)).held, one.copies) == (True, HoldReason.SHOP, [[]])


async def test_another_reason_keeps_the_order_held_when_shopifys_hold_ends(app: App) -> None:
    one = await booked(app)
    one.hold_in_shopify()
    await one.deliver_holds()
    one.change("amend", tags=["hold"])
    one.release_foreign()
    await one.deliver_holds()
    assert (one.is_stopped, (await link_of(one)).held) == (True, HoldReason.TAG)


async def test_shopifys_hold_keeps_the_order_held_when_another_reason_ends(app: App) -> None:
    one = await booked(app)
    await one.step("amend", tags=["hold"])
    one.hold_in_shopify()
    await one.deliver_holds()
    assert (await link_of(one)).held == HoldReason.TAG
    await one.step("amend", tags=[])
    assert (one.is_stopped, (await link_of(one)).held) == (True, HoldReason.SHOP)
    one.release_foreign()
    await one.deliver_holds()
    assert not one.is_stopped


async def test_a_parked_change_keeps_the_order_held_when_shopifys_hold_ends(app: App) -> None:
    one = await booked(app)
    one.hold_in_shopify()
    await one.deliver_holds()
    link = await link_of(one)
    await app.links.put(replace(link, parked_parts=frozenset({Part.ORDER})))
    one.release_foreign()
    await one.deliver_holds()
    assert (one.is_stopped, (await link_of(one)).held) == (True, HoldReason.CHANGE)


async def test_a_person_releases_the_order_in_fo_although_shopify_holds_it(app: App) -> None:
    one = await booked(app)
    one.hold_in_shopify()
    await one.deliver_holds()
    await app.release_hold("nordlys", one.order.id)
    await app.ship(one_event(one))
    assert (one.is_stopped, list((await link_of(one)).released)) == (False, [HoldReason.SHOP, HoldReason.CHANGE])
    await one.step("amend", tags=["gift"])
    assert not one.is_stopped
    one.release_foreign()
    await one.deliver_holds()
    assert HoldReason.SHOP not in (await link_of(one)).released
    one.hold_in_shopify()
    await one.deliver_holds()
    assert one.is_stopped


async def test_a_hold_that_a_crash_left_half_done_is_finished(app: App) -> None:
    one = await booked(app)
    one.hold_in_shopify()
    link = (await link_of(one)).held_for(HoldReason.SHOP, is_holding=True)
    await app.links.put(link)
    await one.deliver_holds()
    link = await link_of(one)
    assert (one.is_stopped, link.held, link.is_holding) == (True, HoldReason.SHOP, False)


async def test_a_release_that_a_crash_left_half_done_is_finished(app: App) -> None:
    one = await booked(app)
    one.hold_in_shopify()
    await one.deliver_holds()
    one.release_foreign()
    link = await link_of(one)
    await app.links.put(replace(link, holds=type(link.holds)()))
    await one.deliver_holds()
    assert (one.is_stopped, (await link_of(one)).held) == (False, "")


async def test_a_hold_that_came_before_the_order_waits_for_it(app: App) -> None:
    one = HeldOrder(app)
    one.hold_in_shopify()
    assert (await one.deliver_holds())[-1] == "waits"
    await one.deliver()
    assert not one.is_stopped
    assert "held in F&O" in await app.ship(one_event(one))
    assert one.is_stopped


async def test_a_hold_of_an_order_that_is_not_booked_ends_after_a_week(app: App) -> None:
    one = HeldOrder(app)
    week = timedelta(days=7)
    assert await app.ship(one_event(one, at=datetime.now(UTC) - week)) == "the app has not booked this order"
    assert await app.ship(one_event(one, at=datetime.now(UTC) - week + timedelta(minutes=1))) == "waits"
    await app.links.put(OrderLink("nordlys", one.order.id, datetime.now(UTC), not_booked="before the first day"))
    assert await app.ship(one_event(one)) == "the app does not book this order: before the first day"


async def test_the_holds_of_an_unknown_fulfilment_order_are_left_alone(app: App) -> None:
    one = await booked(app)
    one.hold_in_shopify()
    event = one.told[-1]
    one.shop.orders.clear()
    end = await app.ship(one.envelope(event))
    assert end.startswith("Shopify shows no fulfilment order")


async def test_a_body_that_names_no_fulfilment_order_is_parked(app: App) -> None:
    one = await booked(app)
    one.hold_in_shopify()
    envelope = replace(one.envelope(one.told[-1]), body=b'{"fulfillment_hold": {}}')
    await app._handle(envelope)
    assert await app.parked() == {"ORDER_NOT_NAMED"}


async def test_holds_of_shopify_cost_no_call_without_a_rule(app: App) -> None:
    one = await booked(app, rules_of_holds(from_shopify=()))
    one.hold_in_shopify()
    one.shop.orders.clear()
    assert set(await one.deliver_holds()) == {"holds of Shopify are not copied: [holds]"}


async def test_the_same_webhook_twice_is_one_event(app: App) -> None:
    one = await booked(app)
    one.hold_in_shopify()
    event = one.told[-1]
    for _ in range(2):
        await app.ship(one.envelope(event, number=500))
    first, second = app._shipped
    assert (first.event_id, first.session_id) == (second.event_id, second.session_id)
    await app.ship(one.envelope(event, number=501))
    assert app._shipped[-1].event_id != first.event_id
    assert first.body == b'{"order_id": %d, "parts": ["holds"]}' % one.order.id


async def test_a_release_or_a_move_has_the_shipments_looked_at_too(app: App) -> None:
    one = await booked(app)
    one.hold_in_shopify()
    one.told.clear()
    one.release_foreign()
    released = next(each for each in one.told if each.topic == "fulfillment_holds/released")
    await app.ship(one.envelope(released))
    assert b'"parts": ["holds", "shipments"]' in app._shipped[-1].body


async def test_a_shipped_order_is_not_held_in_fo(app: App) -> None:
    one = await booked(app)
    parts = [SlipPart(line["InventoryLotId"], number(line, "OrderedSalesQuantity")) for line in one.lines]
    app.fo.slips.pack(one.sales_order, Shipment(parts))
    one.hold_in_shopify()
    await one.deliver_holds()
    link = await link_of(one)
    assert (one.is_stopped, link.held, link.holds.is_held_in_shop) == (False, "", True)
