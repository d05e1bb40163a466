"""How often Shopify and F&O are called for an order that ships."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from shared.model import Part
from shared.sync.shipments.run import moved_event
from tests.builders.both_sides import App, app_in_process
from tests.builders.shipped_order import BAG, MAP, SECOND, shipped, two_places

READ = "ShipmentsState"
MADE = "ShipmentsCreate"
TRACKED = "ShipmentsTrack"


@pytest.fixture
async def app() -> AsyncIterator[App]:
    async with app_in_process() as one:
        yield one


async def test_an_order_that_ships_costs_one_read_and_one_write(app: App) -> None:
    one = await shipped(app, BAG, MAP)
    assert MADE not in one.calls
    one.pack("JJD1", BAG_DOWN=3, MAP_NORDIC=1)
    await app.push_shipments()
    read, made = app.shopify.simulator.calls
    assert (read.operation, made.operation) == (READ, MADE)
    assert (read.requested or 0) <= 75
    assert (made.requested or 0) <= 10


async def test_an_order_with_many_fulfilment_orders_stays_under_the_limit_of_a_call(app: App) -> None:
    one = await shipped(app, *({"sku": sku, "quantity": 8, "price": "9.00"} for sku in ("BAG-DOWN", "MAP-NORDIC")))
    for _ in range(6):
        one.change("hold", lines=[{"line": one.order.lines[0].id, "quantity": 1}])
        held = next(part for part in reversed(one.order.fulfillment_orders) if not part.holds)
        one.order.fulfillment_orders.remove(held)
        one.order.fulfillment_orders.insert(0, held)
    one.pack("JJD1", MAP_NORDIC=8)
    one.calls.clear()
    await app.push_shipments()
    spent = [(call.operation, call.requested or 0) for call in app.shopify.simulator.calls]
    assert [name for name, _ in spent] == [READ, "ShipmentsFurther", MADE]
    assert max(points for _, points in spent) < 200
    assert one.shown == [{"MAP-NORDIC": 8}]


async def test_two_slips_and_their_late_numbers_are_each_written_once_after_one_read(app: App) -> None:
    one = await shipped(app, BAG, MAP)
    assert READ not in one.calls
    slips = [one.pack(BAG_DOWN=2), one.pack(BAG_DOWN=1, MAP_NORDIC=1)]
    await app.push_shipments()
    assert one.calls == [READ, MADE, MADE]
    for number, slip in enumerate(slips):
        one.track(slip, f"JJD{number}")
    await app.push_shipments()
    assert one.calls == [READ, TRACKED, TRACKED]
    assert one.shown == [{"BAG-DOWN": 2}, {"BAG-DOWN": 1, "MAP-NORDIC": 1}]
    assert one.mails == [("JJD0",), ("JJD1",)]


async def test_after_a_cancelled_fulfilment_or_a_move_shopify_is_read_again(app: App) -> None:
    one = await shipped(app, BAG, rules=two_places())
    one.open_second_location()
    one.stock("BAG-DOWN", "HAM", 10)
    assert READ not in one.calls
    slip = one.pack("JJD1", warehouse="HAM", BAG_DOWN=3)
    await app.push_shipments()
    assert one.calls == [READ, "ShipmentsMove", READ, MADE]
    assert [each.location_id for each in one.order.live_fulfillments] == [SECOND]
    one.correct(slip, BAG_DOWN=1)
    await app.push_shipments()
    assert one.calls == [READ, "ShipmentsCancel", READ, MADE]
    assert (one.shown, one.mails) == ([{"BAG-DOWN": 1}], [("JJD1",)])


async def test_a_move_that_ends_the_fulfilment_order_of_another_slip_refuses_nothing(app: App) -> None:
    """Shopify makes one of what is moved and what is open at the destination."""
    one = await shipped(app, BAG, MAP, rules=two_places())
    one.open_second_location()
    for sku in ("BAG-DOWN", "MAP-NORDIC"):
        one.stock(sku, "HAM", 10)
    one.change("move", to=SECOND, lines=[{"line": one.order.lines[1].id, "quantity": 1}])
    one.pack("JJD1", warehouse="HAM", BAG_DOWN=3)
    one.pack("JJD2", warehouse="HAM", MAP_NORDIC=1)
    assert await app.push_shipments() == ["shipments: 2 fulfilments made, 1 fulfilment orders moved or opened"]
    assert one.shown == [{"BAG-DOWN": 3}, {"MAP-NORDIC": 1}]
    assert await app.parked() == set()


async def test_an_order_is_read_in_fo_by_one_call_for_each_set(app: App) -> None:
    one = await shipped(app, BAG, MAP)
    one.pack("JJD1", BAG_DOWN=2)
    one.pack("JJD2", BAG_DOWN=1, MAP_NORDIC=1)
    await app.push_shipments()
    app.fo.clear_calls()
    event = moved_event(app.rules, one.order.id, {Part.SHIPMENTS}, "again", app.now())
    assert await app.ship(event) == "Shopify has all shipments"
    assert app.fo.http_calls == {
        "GET /data/CustPackingSlipTransBiEntities": 1,
        "GET /data/CustPackingSlipJourBiEntities": 1,
        "GET /data/PackingSlipTrackingInformation": 1,
    }
