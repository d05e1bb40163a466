"""Packing slips of F&O become fulfilments in Shopify: units, parcels, corrections, and one notice for a slip."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from typing import Final

import pytest

from local.d365.sales_tables import HEADERS
from local.d365.slip_posting import Part, Shipment
from local.d365.slips import SLIPS
from local.shopify.shipping_records import Hold
from tests.builders.both_sides import App, app_in_process
from tests.builders.shipped_order import BAG, MAP, shipped


@pytest.fixture
async def app() -> AsyncIterator[App]:
    async with app_in_process() as one:
        yield one


NOTHING: Final = "Shopify has all shipments"
MADE: Final = "shipments: 1 fulfilments made"


async def test_what_left_is_shown_once_and_the_buyer_is_told_with_its_number(app: App) -> None:
    one = await shipped(app, BAG, MAP)
    one.pack("JJD1", BAG_DOWN=2, MAP_NORDIC=1)
    assert await app.push_shipments() == [MADE]
    assert one.shown == [{"BAG-DOWN": 2, "MAP-NORDIC": 1}]
    assert one.mails == [("JJD1",)]
    assert await app.push_shipments() == []
    one.pack("JJD2", BAG_DOWN=1)
    assert await app.push_shipments() == [MADE]
    assert one.shown == [{"BAG-DOWN": 2, "MAP-NORDIC": 1}, {"BAG-DOWN": 1}]
    assert one.mails == [("JJD1",), ("JJD2",)]


async def test_the_same_event_again_changes_nothing(app: App) -> None:
    one = await shipped(app, BAG)
    one.pack("JJD1", BAG_DOWN=2)
    await app.push_shipments()
    app.shipments.snapshots.documents.clear()
    assert await app.push_shipments() == [NOTHING]
    assert (one.shown, one.mails) == ([{"BAG-DOWN": 2}], [("JJD1",)])


async def test_a_number_that_comes_later_is_added_and_told(app: App) -> None:
    one = await shipped(app, BAG)
    slip = one.pack(BAG_DOWN=3)
    assert await app.push_shipments() == [MADE]
    assert one.mails == []
    assert await app.push_shipments() == []
    one.track(slip, "JJD1", "JJD2")
    assert await app.push_shipments() == ["shipments: 1 given other tracking numbers"]
    assert one.mails == [("JJD1", "JJD2")]
    assert await app.push_shipments() == []


async def test_a_slip_that_got_smaller_is_made_again_without_a_second_mail(app: App) -> None:
    one = await shipped(app, BAG)
    slip = one.pack("JJD1", BAG_DOWN=3)
    await app.push_shipments()
    one.correct(slip, BAG_DOWN=1)
    assert await app.push_shipments() == ["shipments: 1 fulfilments made, 1 fulfilments cancelled"]
    assert (one.shown, one.mails) == ([{"BAG-DOWN": 1}], [("JJD1",)])
    one.pack("JJD2", BAG_DOWN=2)
    await app.push_shipments()
    assert (one.shown, one.mails) == ([{"BAG-DOWN": 1}, {"BAG-DOWN": 2}], [("JJD1",), ("JJD2",)])


@pytest.mark.parametrize("rows", ["stay", "go"])
async def test_a_cancelled_slip_takes_its_fulfilment_with_it(app: App, rows: str) -> None:
    one = await shipped(app, BAG)
    app.fo.books.tenant = replace(app.fo.books.tenant, cancelled_slips=rows)
    slip = one.pack("JJD1", BAG_DOWN=3)
    await app.push_shipments()
    one.cancel_slip(slip)
    await app.push_shipments()
    assert one.shown == []


async def test_what_staff_fulfilled_in_shopify_is_neither_doubled_nor_touched(app: App) -> None:
    one = await shipped(app, BAG)
    one.change("fulfill", lines=[{"line": one.order.lines[0].id, "quantity": 2}])
    before = list(one.order.fulfillments)
    one.pack("JJD1", BAG_DOWN=3)
    assert await app.push_shipments() == [MADE]
    assert one.shown == [{"BAG-DOWN": 2}, {"BAG-DOWN": 1}]
    assert one.order.fulfillments[0] == before[0]


async def test_what_is_on_hold_is_told_until_the_hold_ends(app: App) -> None:
    one = await shipped(app, BAG)
    (part,) = one.order.fulfillment_orders
    part.holds.append(Hold(1, "OTHER", "wait for the buyer", "", None))
    one.pack("JJD1", BAG_DOWN=3)
    assert await app.push_shipments() == ["SHIPPED_ON_HOLD"]
    assert await app.parked() == {"SHIPPED_ON_HOLD"}
    assert "release the hold in Shopify" in (await app.next_steps())[0]
    assert one.shown == []
    part.holds.clear()
    await app.replay_parked()
    assert (one.shown, one.mails, await app.parked()) == ([{"BAG-DOWN": 3}], [("JJD1",)], set())


async def test_what_a_fulfilment_service_has_is_told_until_its_request_is_cancelled(app: App) -> None:
    one = await shipped(app, BAG)
    (part,) = one.order.fulfillment_orders
    part.request_status = "SUBMITTED"
    one.pack("JJD1", BAG_DOWN=3)
    await app.push_shipments()
    assert await app.parked() == {"SHIPPED_AT_THIRD_PARTY"}
    assert "cancel the fulfilment request" in (await app.next_steps())[0]
    assert one.shown == []
    part.request_status = "UNSUBMITTED"
    await app.replay_parked()
    assert (one.shown, await app.parked()) == ([{"BAG-DOWN": 3}], set())


async def test_more_than_was_sold_is_told_and_the_rest_is_shown(app: App) -> None:
    one = await shipped(app, BAG)
    lot = one.lines[0]["InventoryLotId"]
    (slip,) = app.fo.slips.pack(one.sales_order, Shipment([Part(lot, Decimal(5), over=True)]))
    await app.push_shipments()
    assert await app.parked() == {"SHIPPED_MORE_THAN_OPEN"}
    assert "Correct the packing slip in F&O" in (await app.next_steps())[0]
    assert one.shown == [{"BAG-DOWN": 3}]
    one.correct(slip, BAG_DOWN=3)
    await app.replay_parked()
    assert (one.shown, await app.parked()) == ([{"BAG-DOWN": 3}], set())


async def test_a_warehouse_without_a_location_is_told_and_its_goods_are_shown(app: App) -> None:
    one = await shipped(app, BAG)
    slip = one.pack("JJD1", BAG_DOWN=3)
    books, row = app.fo.books, one.row(slip)
    books.replace(books.schema.sets[SLIPS], row, {**row.values, "inventLocationId": "NEW"})
    await app.push_shipments()
    assert await app.parked() == {"SHIPPED_FROM_UNKNOWN_WAREHOUSE"}
    assert "Add the warehouse with its location" in (await app.next_steps())[0]
    assert one.shown == [{"BAG-DOWN": 3}]
    books.replace(books.schema.sets[SLIPS], one.row(slip), row.values)
    await app.replay_parked()
    assert (one.shown, await app.parked()) == ([{"BAG-DOWN": 3}], set())


async def test_a_part_of_a_unit_is_told_and_holds_up_nothing_else(app: App) -> None:
    one = await shipped(app, BAG, MAP)
    lots = {line["ItemNumber"]: line["InventoryLotId"] for line in one.lines}
    bag, atlas = Part(lots["BAG-DOWN"], Decimal("1.5")), Part(lots["MAP-NORDIC"], Decimal(1))
    (slip,) = app.fo.slips.pack(one.sales_order, Shipment([bag, atlas]))
    await app.push_shipments()
    assert await app.parked() == {"SHIPPED_FRACTION"}
    assert "Correct the packing slip" in (await app.next_steps())[0]
    assert one.shown == [{"BAG-DOWN": 1, "MAP-NORDIC": 1}]
    one.correct(slip, BAG_DOWN=1)
    await app.replay_parked()
    assert (one.shown, await app.parked()) == ([{"BAG-DOWN": 1, "MAP-NORDIC": 1}], set())


async def test_what_shopify_refuses_is_told_with_its_words_and_shown_by_a_replay(app: App) -> None:
    one = await shipped(app, BAG)
    refusal = {"fulfillment": None, "userErrors": [{"field": None, "message": "Quantity is too large."}]}
    app.shopify.simulator.faults.add(
        {"kind": "other_answer", "operation": "ShipmentsCreate", "body": {"data": {"fulfillmentCreate": refusal}}}
    )
    one.pack("JJD1", BAG_DOWN=3)
    await app.push_shipments()
    assert await app.parked() == {"SHIPMENT_REFUSED"}
    assert "Look at the order's fulfilment in Shopify" in (await app.next_steps())[0]
    assert "Quantity is too large." in (await app.causes())[0]
    await app.replay_parked()
    assert (one.shown, one.mails, await app.parked()) == ([{"BAG-DOWN": 3}], [("JJD1",)], set())


@pytest.mark.parametrize("operation", ["ShipmentsCreate", "ShipmentsTrack", "ShipmentsCancel"])
async def test_a_lost_answer_doubles_neither_parcels_nor_mails(app: App, operation: str) -> None:
    one = await shipped(app, BAG)
    app.shopify.simulator.faults.add({"kind": "reset_after_commit", "operation": operation})
    slip = one.pack(BAG_DOWN=3)
    ends = await app.push_shipments()
    one.track(slip, "JJD1")
    ends += await again(app)
    one.correct(slip, BAG_DOWN=2)
    ends += await again(app)
    ends += await again(app)
    assert "waits" in ends
    assert (one.shown, one.mails) == ([{"BAG-DOWN": 2}], [("JJD1",)])


async def again(app: App) -> list[str]:
    """A run that finds everything again, as the scheduled copies of waiting events would be."""
    app.shipments.snapshots.documents["shipments/nordlys/progress"]["sources"]["slips"]["sent"] = {}
    return await app.push_shipments()


async def test_an_order_of_staff_or_of_another_store_is_left_alone(app: App) -> None:
    one = await shipped(app, BAG)
    header = one.sales_order
    books = app.fo.books
    books.replace(books.schema.sets[HEADERS], header, {**header.values, "CustomersOrderReference": "shopify-nordlys-x"})
    one.pack("JJD1", BAG_DOWN=3)
    assert await app.push_shipments() == []
    assert one.shown == []
