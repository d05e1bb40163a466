"""Goods that the buyer picks up: told once when they are ready, fulfilled when the buyer has them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any, Final

import pytest

from local.shopify.shipping_records import Hold
from shared.rules import StoreRules
from tests.builders.both_sides import App, app_in_process
from tests.builders.one_order import REDUCED_VAT, VAT, checkout
from tests.builders.packed_order import PackedOrder
from tests.builders.sales import with_rules
from tests.builders.strategies import strategy

HOME: Final = {"address1": "Lange Haven 9", "city": "Schiedam", "zip": "3111CA", "country_code": "NL"}
BAG: Final = {"sku": "BAG-DOWN", "quantity": 3, "price": "118.00", "tax": VAT}
MAP: Final = {"sku": "MAP-NORDIC", "quantity": 1, "price": "16.95", "tax": REDUCED_VAT}
READY: Final = "shipments: 1 told to be ready for pick-up"
MADE: Final = "shipments: 1 fulfilments made"
NOTHING: Final = "Shopify has all shipments"


def rules(*, management: str = "no", **shipments: Any) -> StoreRules:
    found = with_rules(
        strategy("nordlys"),
        flows={"shipments": True},
        orders={"delivery": {"pick_up": {"delivery_mode": "EXPR"}}},
        shipments={"notify": "always", **shipments},
    )
    return found.model_copy(update={"tenant": found.tenant.model_copy(update={"warehouse_management": management})})


@pytest.fixture
async def app() -> AsyncIterator[App]:
    async with app_in_process() as one:
        yield one


async def collected(app: App, *lines: dict[str, Any], using: StoreRules | None = None, **parts: Any) -> PackedOrder:
    """An order that F&O has and that the buyer picks up."""
    counter = {"title": "Amsterdam counter", "code": "Amsterdam counter", "price": "0", "tax": []}
    document = checkout(
        "nordlys",
        *lines,
        delivery_method="PICK_UP",
        location_id=71001001,
        **{"billing_address": HOME, "shipping_address": None, "shipping": [counter], **parts},
    )
    one = PackedOrder(app, using or rules(), document)
    await one.deliver()
    assert await app.parked() == set()
    assert await app.push_shipments() == []
    return one


async def again(app: App) -> list[str]:
    """A run that finds everything again, as the scheduled copies of waiting events would be."""
    for source in app.shipments.snapshots.documents["shipments/nordlys/progress"]["sources"].values():
        source["sent"] = {}
    return await app.push_shipments()


async def test_the_buyer_is_told_when_the_goods_are_picked_and_they_are_fulfilled_by_the_slip(app: App) -> None:
    one = await collected(app, BAG, MAP)
    one.pick()
    assert await app.push_shipments() == [READY]
    assert (one.mails, one.shown) == (["ready_for_pickup"], [])
    assert await app.push_shipments() == []
    assert await again(app) == [NOTHING]
    one.pack(BAG_DOWN=3, MAP_NORDIC=1)
    assert await app.push_shipments() == [MADE]
    assert (one.mails, one.shown) == (["ready_for_pickup"], [{"BAG-DOWN": 3, "MAP-NORDIC": 1}])


async def test_nobody_is_told_to_pick_up_what_the_buyer_has_taken_along(app: App) -> None:
    one = await collected(app, BAG)
    one.pack(BAG_DOWN=3)
    assert await app.push_shipments() == [MADE]
    assert one.mails == []


async def test_by_rule_the_slip_says_that_the_goods_are_ready(app: App) -> None:
    one = await collected(app, BAG, using=rules(pick_up="packing_slip"))
    one.pick()
    assert await app.push_shipments() == []
    one.pack(BAG_DOWN=3)
    assert await app.push_shipments() == ["shipments: 1 fulfilments made, 1 told to be ready for pick-up"]
    assert (one.mails, one.shown) == (["ready_for_pickup"], [{"BAG-DOWN": 3}])


async def test_by_rule_staff_say_that_the_buyer_has_the_goods(app: App) -> None:
    one = await collected(app, BAG, using=rules(pick_up="packing_slip", collected="staff"))
    one.pack(BAG_DOWN=3)
    assert await app.push_shipments() == [READY]
    assert (one.mails, one.shown, await app.parked()) == (["ready_for_pickup"], [], set())
    await one.step("fulfill")
    assert await again(app) == [NOTHING]
    assert one.shown == [{"BAG-DOWN": 3}]
    assert one.header["IsSalesProcessingStopped"] == "No"


async def test_a_store_that_never_tells_asks_fo_for_nothing_that_is_picked(app: App) -> None:
    one = await collected(app, BAG, using=rules(pick_up="never"))
    one.pick()
    assert await app.push_shipments() == []
    sources = app.shipments.snapshots.documents["shipments/nordlys/progress"]["sources"]
    assert "packed" not in sources
    assert sources["sales_orders"]["sent"] == {}
    one.pack(BAG_DOWN=3)
    assert await app.push_shipments() == [MADE]
    assert one.mails == []


async def test_a_part_that_is_packed_waits_for_the_rest(app: App) -> None:
    one = await collected(app, BAG, using=rules(management="yes"))
    one.release("on_wave", BAG_DOWN=3)
    assert await app.push_shipments() == []
    one.release("packed", BAG_DOWN=2)
    assert await app.push_shipments() == [NOTHING]
    assert one.mails == []
    one.release("packed", BAG_DOWN=3)
    assert await app.push_shipments() == [READY]
    assert one.mails == ["ready_for_pickup"]


async def test_what_was_picked_stays_ready_when_a_part_of_it_has_left(app: App) -> None:
    one = await collected(app, BAG)
    (part,) = one.order.fulfillment_orders
    part.holds.append(Hold(1, "OTHER", "", "", None))
    one.pick()
    assert await app.push_shipments() == ["READY_ON_HOLD"]
    one.pack(BAG_DOWN=1)
    part.holds.clear()
    await app.push_shipments()
    assert (one.mails, one.shown) == (["ready_for_pickup"], [{"BAG-DOWN": 1}])
    one.pack(BAG_DOWN=2)
    await app.push_shipments()
    assert (one.mails, one.shown) == (["ready_for_pickup"], [{"BAG-DOWN": 1}, {"BAG-DOWN": 2}])


async def test_goods_that_are_added_later_are_not_picked(app: App) -> None:
    """F&O goes on to show the order as picked."""
    one = await collected(app, BAG)
    one.pick()
    assert await app.push_shipments() == [READY]
    await one.step("edit", add=[MAP])
    assert await app.parked() == set()
    assert one.header["SalesOrderProcessingStatus"] == "Picked"
    assert len(one.order.fulfillment_orders) == 2
    await again(app)
    assert one.mails == ["ready_for_pickup"]


async def test_what_is_on_hold_is_told_to_staff_until_the_hold_ends(app: App) -> None:
    one = await collected(app, BAG)
    (part,) = one.order.fulfillment_orders
    part.holds.append(Hold(1, "OTHER", "wait for the buyer", "", None))
    one.pick()
    assert await app.push_shipments() == ["READY_ON_HOLD"]
    assert await app.parked() == {"READY_ON_HOLD"}
    assert "Release the hold in Shopify" in (await app.next_steps())[0]
    assert one.mails == []
    part.holds.clear()
    await app.replay_parked()
    assert (one.mails, await app.parked()) == (["ready_for_pickup"], set())


async def test_a_slip_that_is_taken_back_tells_nobody_twice_and_staff_that_the_buyer_comes_for_nothing(
    app: App,
) -> None:
    one = await collected(app, BAG, using=rules(pick_up="packing_slip"))
    slip = one.pack(BAG_DOWN=3)
    await app.push_shipments()
    one.correct(slip, BAG_DOWN=1)
    assert await app.push_shipments() == ["READY_TAKEN_BACK"]
    assert await app.parked() == {"READY_TAKEN_BACK"}
    assert "make the goods ready again in F&O" in (await app.next_steps())[0]
    assert "does not show 2 units" in (await app.causes())[0]
    assert (one.mails, one.shown) == (["ready_for_pickup"], [{"BAG-DOWN": 1}])
    one.pack(BAG_DOWN=2)
    await app.push_shipments()
    assert (one.mails, one.shown) == (["ready_for_pickup"], [{"BAG-DOWN": 1}, {"BAG-DOWN": 2}])
    assert await app.parked() == set()


async def test_a_lost_answer_mails_nobody_twice(app: App) -> None:
    one = await collected(app, BAG)
    app.shopify.simulator.faults.add({"kind": "reset_after_commit", "operation": "ShipmentsReady"})
    one.pick()
    assert await app.push_shipments() == ["waits"]
    link = await app.link(one.order.id)
    assert link is not None
    assert (list(link.pick_up.telling), link.pick_up.told) == ([one.order.fulfillment_orders[0].id], {})
    assert await again(app) == [NOTHING]
    link = await app.link(one.order.id)
    assert link is not None
    assert (link.pick_up.telling, list(link.pick_up.told)) == ({}, [one.order.fulfillment_orders[0].id])
    assert one.mails == ["ready_for_pickup"]


async def test_a_request_that_did_not_arrive_is_sent_again(app: App) -> None:
    one = await collected(app, BAG)
    app.shopify.simulator.faults.add({"kind": "connection_reset", "operation": "ShipmentsReady"})
    one.pick()
    assert await app.push_shipments() == ["waits"]
    assert one.mails == []
    assert await again(app) == [READY]
    assert one.mails == ["ready_for_pickup"]


async def test_what_shopify_refuses_to_tell_is_told_with_its_words_and_tried_by_a_replay(app: App) -> None:
    one = await collected(app, BAG)
    problem = {"field": None, "message": "Unable to prepare quantity.", "code": "UNABLE_TO_PREPARE_QUANTITY"}
    body = {"data": {"fulfillmentOrderLineItemsPreparedForPickup": {"userErrors": [problem]}}}
    app.shopify.simulator.faults.add({"kind": "other_answer", "operation": "ShipmentsReady", "body": body})
    one.pick()
    assert await app.push_shipments() == ["SHIPMENT_REFUSED"]
    assert "Unable to prepare quantity." in (await app.causes())[0]
    link = await app.link(one.order.id)
    assert link is not None
    assert (link.pick_up.telling, link.pick_up.told) == ({}, {})
    await app.replay_parked()
    assert (one.mails, await app.parked()) == (["ready_for_pickup"], set())


async def test_a_pick_up_order_is_fulfilled_where_the_buyer_is_whatever_warehouse_sent_the_goods(app: App) -> None:
    """It is not moved to the location of the warehouse, which the buyer does not know."""
    using = with_rules(rules(), orders={"delivery": {"pick_up": {"delivery_mode": "EXPR", "at_location": False}}})
    one = await collected(app, BAG, using=using)
    (part,) = one.order.fulfillment_orders
    shop = app.shopify.simulator.shops[using.shop_domain]
    here = shop.locations[part.location_id]
    shop.locations[99] = replace(here, id=99, name="Rotterdam counter")
    part.location_id = 99
    one.pack(BAG_DOWN=3)
    assert await app.push_shipments() == [MADE]
    assert [each.location_id for each in one.order.live_fulfillments] == [99]


async def test_goods_of_the_counter_are_no_shipment_and_nobody_is_told_of_them(app: App) -> None:
    one = await collected(app, BAG)
    for part in one.order.fulfillment_orders:
        part.delivery_method = "RETAIL"
    one.pick()
    await app.push_shipments()
    assert (one.mails, one.shown, await app.parked()) == ([], [], set())
