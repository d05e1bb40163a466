"""Goods that left and that Shopify cannot show: each is told with a next step that works, and holds up nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from local.d365.sales_tables import HEADERS, LINES
from local.d365.slip_posting import Part, Shipment
from local.d365.slips import SLIPS, Parcel
from local.shopify.shipping_records import Hold
from shared.model import Part as Concern
from shared.store.links import OrderLink
from shared.sync.shipments.moved_event import moved_event
from tests.builders.both_sides import App, app_in_process
from tests.builders.sales import with_rules
from tests.builders.shipped_order import BAG, EU, MAP, SECOND, Shipped, shipped, two_places


@pytest.fixture
async def app() -> AsyncIterator[App]:
    async with app_in_process() as one:
        yield one


async def staff_line(one: Shipped, sku: str, count: int) -> str:
    """Staff add a line to the sales order in F&O; gives its lot."""
    (line, *_) = one.lines
    line = {"dataAreaId": "nleu", "SalesOrderNumber": line["SalesOrderNumber"], "ItemNumber": sku}
    made = await one.app.client.create(LINES, {**line, "OrderedSalesQuantity": Decimal(count)})
    return str(made["InventoryLotId"])


async def test_a_line_that_staff_added_in_fo_is_told_with_its_item(app: App) -> None:
    """A substitute, for example: the item that it replaces stays open in Shopify."""
    one = await shipped(app, BAG)
    lot = await staff_line(one, "LAMP-HEAD", 2)
    app.fo.slips.pack(one.sales_order, Shipment([Part(lot, Decimal(2))]))
    assert await app.push_shipments() == ["SHIPPED_LINE_UNKNOWN"]
    assert f"has 2 of item LAMP-HEAD (lot {lot})" in (await app.causes())[0]
    assert "If it replaces an item of the order" in (await app.next_steps())[0]
    assert one.shown == []
    one.pack("JJD1", BAG_DOWN=3)
    assert await app.push_shipments() == ["SHIPPED_LINE_UNKNOWN"]
    assert (one.shown, len(await app.causes())) == ([{"BAG-DOWN": 3}], 1)


async def test_a_carrier_that_shopify_does_not_know_is_shown_and_gets_its_link_by_a_rule(app: App) -> None:
    one = await shipped(app, BAG)
    lot = one.lines[0]["InventoryLotId"]
    app.fo.slips.pack(
        one.sales_order, Shipment([Part(lot, Decimal(3))], parcels=[Parcel("F1")], carrier="Fietskoerier")
    )
    await app.push_shipments()
    assert await app.parked() == {"SHIPPED_BY_UNKNOWN_CARRIER"}
    assert "Add the carrier to shipments.carriers" in (await app.next_steps())[0]
    assert (one.shown, one.mails) == ([{"BAG-DOWN": 3}], [("F1",)])
    rule = {"carrier": "Fiets*", "company": "Fietskoerier", "url": "https://fiets.example/{number}"}
    app.change_rules(with_rules(EU, shipments={"carriers": (rule,)}))
    await app.replay_parked()
    (made,) = one.order.live_fulfillments
    assert [each.url for each in made.tracking] == ["https://fiets.example/F1"]
    assert (one.mails, await app.parked()) == ([("F1",)], set())


async def test_goods_of_a_cancelled_order_are_told_at_once_until_the_slip_is_cancelled(app: App) -> None:
    one = await shipped(app, BAG)
    one.change("cancel", refund=True)
    slip = one.pack("JJD1", BAG_DOWN=3)
    await app.push_shipments()
    assert await app.parked() == {"SHIPPED_AFTER_CANCEL"}
    assert "Stop the parcel and cancel the packing slip in F&O" in (await app.next_steps())[0]
    assert (one.shown, one.mails) == ([], [])
    one.cancel_slip(slip)
    await app.push_shipments()
    assert await app.parked() == set()


async def test_a_closed_fulfilment_order_is_told_until_its_units_are_open_again(app: App) -> None:
    one = await shipped(app, BAG)
    (part,) = one.order.fulfillment_orders
    part.is_closed = True
    one.pack("JJD1", BAG_DOWN=2)
    await app.push_shipments()
    assert await app.parked() == {"SHIPPED_NOT_FULFILLABLE"}
    assert "is CLOSED in Shopify" in (await app.causes())[0]
    assert "Fulfil the units in Shopify by hand" in (await app.next_steps())[0]
    part.is_closed = False
    one.change("fulfill", lines=[{"line": one.order.lines[0].id, "quantity": 2}])
    await app.replay_parked()
    assert (one.shown, await app.parked()) == ([{"BAG-DOWN": 2}], set())


async def test_a_sales_order_with_our_reference_that_the_app_has_not_booked_is_told(app: App) -> None:
    one = await shipped(app, BAG)
    link = await app.link(one.order.id)
    assert link is not None
    app.shipments = replace(app.shipments, links=Unknowing(app.links, None))
    one.pack("JJD1", BAG_DOWN=3)
    assert await app.push_shipments() == ["SHIPPED_WITHOUT_BOOKING"]
    assert "bring it (operator bring)" in (await app.next_steps())[0]
    assert one.shown == []
    app.shipments = replace(app.shipments, links=app.links)
    await app.replay_parked()
    assert (one.shown, await app.parked()) == ([{"BAG-DOWN": 3}], set())


HIDDEN = (HEADERS, LINES, SLIPS, "CustPackingSlipTransBiEntities", "CustPackingSlipVersionBiEntities")


async def test_what_fo_hides_was_not_cancelled(app: App) -> None:
    """Archived, deleted, or out of the sight of the app's user."""
    one = await shipped(app, BAG)
    slip = one.pack("JJD1", BAG_DOWN=3)
    await app.push_shipments()
    hidden = {name: app.fo.books.rows(name).items() for name in HIDDEN}
    event = moved_event(app.rules, one.order.id, {Concern.SHIPMENTS}, "again", datetime.now(UTC))
    for name, rows in hidden.items():
        for key, _ in rows:
            app.fo.books.rows(name).remove(key)
    assert await app.ship(event) == "SHIPPED_ORDER_HIDDEN"
    assert await app.parked() == {"SHIPPED_ORDER_HIDDEN"}
    assert "let the app's user read it again" in (await app.next_steps())[0]
    assert (one.shown, len(one.mails)) == ([{"BAG-DOWN": 3}], 1)
    for name, rows in hidden.items():
        for key, row in rows:
            app.fo.books.rows(name).put(key, row)
    one.correct(slip, BAG_DOWN=2)
    await app.replay_parked()
    assert (one.shown, await app.parked()) == ([{"BAG-DOWN": 2}], set())


class Unknowing:
    """The links, where this order's is another one."""

    def __init__(self, links: Any, link: OrderLink | None) -> None:
        self._links = links
        self._link = link

    async def get(self, store: str, order_id: int) -> OrderLink | None:
        return self._link

    async def put(self, link: OrderLink) -> OrderLink:
        raise AssertionError("nothing is stored")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._links, name)


@pytest.mark.parametrize(
    ("changes", "end"),
    [
        ({"sales_order": ""}, "SHIPPED_WITHOUT_BOOKING"),
        ({"sales_order": "", "claimed": True}, "waits"),
        ({"sales_order": "", "not_booked": "a test order"}, "the app does not book this order: a test order"),
        ({"given_up": True}, "staff handle this order"),
    ],
)
async def test_an_order_that_is_not_the_apps_is_told_or_left_to_staff(
    app: App, changes: dict[str, Any], end: str
) -> None:
    one = await shipped(app, BAG)
    link = await app.link(one.order.id)
    assert link is not None
    if changes.pop("claimed", False):
        changes["claimed_until"] = app.now() + timedelta(minutes=1)
    app.shipments = replace(app.shipments, links=Unknowing(app.links, replace(link, **changes)))
    one.pack("JJD1", BAG_DOWN=3)
    assert await app.push_shipments() == [end]
    assert one.shown == []


async def test_all_that_is_found_is_told_and_a_later_event_tells_only_what_is_left(app: App) -> None:
    one = await shipped(app, BAG, MAP)
    (part,) = one.order.fulfillment_orders
    part.holds.append(Hold(1, "OTHER", "wait for the buyer", "", None))
    lots = {line["ItemNumber"]: line["InventoryLotId"] for line in one.lines}
    app.fo.slips.pack(one.sales_order, Shipment([Part(lots["BAG-DOWN"], Decimal(4), over=True)]))
    one.pack(MAP_NORDIC=1)
    assert await app.push_shipments() == ["SHIPPED_ON_HOLD, SHIPPED_MORE_THAN_OPEN, SHIPPED_ON_HOLD"]
    rows = await app._parking.open()
    assert sorted((row.code, row.number) for row in rows) == [
        ("SHIPPED_MORE_THAN_OPEN", 1),
        ("SHIPPED_ON_HOLD", 0),
        ("SHIPPED_ON_HOLD", 2),
    ]
    link = await app.link(one.order.id)
    assert link is not None
    assert link.parked_parts == {Concern.SHIPMENTS}
    part.holds.clear()
    app.shipments.snapshots.documents.clear()
    assert await app.push_shipments() == ["SHIPPED_MORE_THAN_OPEN"]
    assert await app.parked() == {"SHIPPED_MORE_THAN_OPEN"}
    assert one.shown == [{"BAG-DOWN": 3}, {"MAP-NORDIC": 1}]


async def test_what_shopify_refuses_of_one_slip_holds_up_no_other(app: App) -> None:
    one = await shipped(app, BAG, MAP)
    refusal = {"fulfillment": None, "userErrors": [{"field": None, "message": "Quantity is too large."}]}
    app.shopify.simulator.faults.add(
        {"kind": "other_answer", "operation": "ShipmentsCreate", "body": {"data": {"fulfillmentCreate": refusal}}}
    )
    one.pack("JJD1", BAG_DOWN=3)
    one.pack("JJD2", MAP_NORDIC=1)
    assert await app.push_shipments() == ["SHIPMENT_REFUSED"]
    assert (one.shown, one.mails) == ([{"MAP-NORDIC": 1}], [("JJD2",)])
    await app.replay_parked()
    assert one.shown == [{"MAP-NORDIC": 1}, {"BAG-DOWN": 3}]
    assert (one.mails, await app.parked()) == ([("JJD2",), ("JJD1",)], set())


async def test_a_slip_that_waits_for_its_number_holds_up_nothing_that_is_told(app: App) -> None:
    waiting = with_rules(EU, shipments={"waits": ({"minutes": 90},)})
    one = await shipped(app, BAG, MAP, rules=waiting)
    lots = {line["ItemNumber"]: line["InventoryLotId"] for line in one.lines}
    one.pack(MAP_NORDIC=1)
    part = Part(lots["BAG-DOWN"], Decimal(4), over=True)
    app.fo.slips.pack(one.sales_order, Shipment([part], parcels=[Parcel("JJD1")]))
    assert await app.push_shipments() == ["waits"]
    assert (one.shown, await app.parked()) == ([{"BAG-DOWN": 3}], {"SHIPPED_MORE_THAN_OPEN"})


@pytest.mark.parametrize(("rule", "status", "shown"), [("tell", "", 0), ("move", "", 3), ("move", "submitted", 0)])
async def test_a_fulfilment_service_gives_back_what_it_was_not_asked_for_where_the_rules_say_so(
    app: App, rule: str, status: str, shown: int
) -> None:
    one = await shipped(app, BAG, rules=two_places(shipments={"third_party": rule}))
    one.shop.scopes |= {"write_third_party_fulfillment_orders"}
    service = one.open_second_location(service="Fulfilla")
    one.change("move", to=service)
    if status:
        one.change("service", status=status)
    one.pack("JJD1", BAG_DOWN=3)
    await app.push_shipments()
    assert sum(units["BAG-DOWN"] for units in one.shown) == shown
    assert await app.parked() == (set() if shown else {"SHIPPED_AT_THIRD_PARTY"})
    assert {each.location_id for each in one.order.live_fulfillments} <= {71001001}


async def test_a_move_to_a_location_that_does_not_stock_the_item_is_told_with_shopifys_words(app: App) -> None:
    one = await shipped(app, BAG, rules=two_places())
    one.open_second_location()
    one.stock("BAG-DOWN", "HAM", 10)
    bag = one.shop.variant_by_sku["BAG-DOWN"].inventory_item_id
    del one.shop.levels[bag, SECOND]
    one.pack("JJD1", warehouse="HAM", BAG_DOWN=3)
    assert await app.push_shipments() == ["SHIPMENT_REFUSED"]
    assert "Cannot change location." in (await app.causes())[0]
    one.shop.activate(bag, SECOND)
    await app.replay_parked()
    assert (one.shown, await app.parked()) == ([{"BAG-DOWN": 3}], set())
    assert [each.location_id for each in one.order.live_fulfillments] == [SECOND]
