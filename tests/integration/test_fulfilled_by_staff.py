"""Goods that others than the app fulfil in Shopify: noted, by rule held in F&O, and the app's own come back unheard."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Final

import pytest

from shared.model import HoldReason
from shared.rules import StoreRules
from tests.builders.both_sides import App, app_in_process
from tests.builders.one_order import VAT, checkout
from tests.builders.packed_order import PackedOrder
from tests.builders.sales import with_rules
from tests.builders.strategies import strategy

BAG: Final = {"sku": "BAG-DOWN", "quantity": 3, "price": "118.00", "tax": VAT}
HOME: Final = {"address1": "Lange Haven 9", "city": "Schiedam", "zip": "3111CA", "country_code": "NL"}
AS_BEFORE: Final = "F&O has the order as it is; no money has moved; no refunds"
BY_OTHERS: Final = "fulfilled in Shopify by others than the app"


def rules(by_staff: str, *, shipments: bool = True, **orders: Any) -> StoreRules:
    return with_rules(
        strategy("nordlys"), flows={"shipments": shipments}, shipments={"by_staff": by_staff}, orders=orders
    )


@pytest.fixture
async def app() -> AsyncIterator[App]:
    async with app_in_process() as one:
        yield one


async def booked(app: App, using: StoreRules, *lines: dict[str, Any], **parts: Any) -> PackedOrder:
    one = PackedOrder(app, using, checkout("nordlys", *lines, **parts))
    await one.deliver()
    assert await app.parked() == set()
    assert await app.push_shipments() == []
    return one


def counting(app: App) -> list[Any]:
    """The calls of F&O from now on."""
    calls: list[Any] = []
    app.client._on_call = calls.append
    return calls


async def notes(app: App, one: PackedOrder) -> list[str]:
    """Delivers what Shopify has sent since: the journal's notes about it."""
    app.shopify.show(app.rules.key, one.order)
    return [await app.note(webhook) for webhook in one.pending()]


def fulfill(one: PackedOrder, units: int) -> None:
    one.change("fulfill", lines=[{"line": one.order.lines[0].id, "quantity": units}])


def is_held(one: PackedOrder) -> bool:
    return one.header["IsSalesProcessingStopped"] == "Yes"


@pytest.mark.parametrize("by_staff", ["note", "hold"])
async def test_the_apps_own_fulfilment_comes_back_and_costs_no_call(app: App, by_staff: str) -> None:
    one = await booked(app, rules(by_staff), BAG)
    one.pack(BAG_DOWN=2)
    await app.push_shipments()
    assert one.shown == [{"BAG-DOWN": 2}]
    before, calls = one.rows("SalesOrderHeadersV4"), counting(app)
    one.echo()
    assert await notes(app, one) == [AS_BEFORE] * 2
    assert calls == []
    assert one.rows("SalesOrderHeadersV4") == before
    link = await app.link(one.order.id)
    assert link is not None
    assert (link.held, link.by_staff) == ("", {})


async def test_a_fulfilment_of_the_app_whose_answer_was_lost_is_its_own(app: App) -> None:
    one = await booked(app, rules("hold"), BAG)
    one.pack(BAG_DOWN=2)
    app.shopify.simulator.faults.add({"kind": "reset_after_commit", "operation": "ShipmentsCreate"})
    assert await app.push_shipments() == ["waits"]
    calls = counting(app)
    one.echo()
    assert await notes(app, one) == [AS_BEFORE] * 2
    assert calls == []


async def test_what_staff_fulfil_is_noted_once_and_costs_no_call(app: App) -> None:
    one = await booked(app, rules("note"), BAG)
    calls = counting(app)
    fulfill(one, 2)
    assert await notes(app, one) == [f"{BY_OTHERS}: 2 x BAG-DOWN; {AS_BEFORE}", AS_BEFORE]
    one.echo()
    assert await notes(app, one) == [AS_BEFORE] * 2
    assert calls == []
    assert not is_held(one)


async def test_a_store_without_shipments_that_notes_reads_nothing_more(app: App) -> None:
    one = await booked(app, rules("note", shipments=False), BAG)
    fulfill(one, 2)
    assert await notes(app, one) == [AS_BEFORE] * 2


async def test_by_rule_the_order_is_held_until_staff_take_their_fulfilment_back(app: App) -> None:
    one = await booked(app, rules("hold"), BAG)
    fulfill(one, 2)
    note, _ = await notes(app, one)
    assert note.startswith(f"{BY_OTHERS}: 2 x BAG-DOWN")
    link = await app.link(one.order.id)
    assert link is not None
    assert (is_held(one), link.held) == (True, HoldReason.STAFF)
    one.echo()
    await one.deliver()
    assert is_held(one)
    one.change("unfulfill")
    found = await notes(app, one)
    assert found[0].startswith(f"{BY_OTHERS}: nothing any more")
    link = await app.link(one.order.id)
    assert link is not None
    assert (is_held(one), link.held, link.would_send_again) == (False, "", False)


async def test_what_fo_has_delivered_too_holds_nothing(app: App) -> None:
    """Staff show a parcel of F&O's by hand before the app does."""
    one = await booked(app, rules("hold"), BAG)
    one.pack(BAG_DOWN=2)
    fulfill(one, 2)
    await one.deliver()
    assert not is_held(one)
    await app.push_shipments()
    assert one.shown == [{"BAG-DOWN": 2}]
    fulfill(one, 1)
    await one.deliver()
    assert is_held(one)


async def test_a_person_lets_the_order_go_on_until_staff_fulfil_more(app: App) -> None:
    one = await booked(app, rules("hold"), BAG)
    fulfill(one, 1)
    await one.deliver()
    assert is_held(one)
    await app.release_hold("nordlys", one.order.id)
    one.echo()
    await one.deliver()
    assert not is_held(one)
    one.pack(BAG_DOWN=1)  # for what staff sent
    await app.push_shipments()
    assert (one.shown, await app.parked()) == ([{"BAG-DOWN": 1}], set())
    fulfill(one, 1)
    await one.deliver()
    assert is_held(one)


async def test_nothing_is_held_of_which_all_has_left(app: App) -> None:
    one = await booked(app, rules("hold"), BAG)
    one.pack(BAG_DOWN=3)
    fulfill(one, 3)
    await one.deliver()
    assert not is_held(one)


async def test_an_order_booked_as_fulfilled_has_one_hold_and_one_release(app: App) -> None:
    """orders.already_fulfilled holds it; a person who ends that hold has decided about those units."""
    using = rules("hold", already_fulfilled="hold")
    one = PackedOrder(app, using, checkout("nordlys", BAG))
    fulfill(one, 3)
    await one.deliver()
    link = await app.link(one.order.id)
    assert link is not None
    assert (is_held(one), link.held) == (True, HoldReason.FULFILMENT)
    await app.release_hold("nordlys", one.order.id)
    one.echo()
    await one.deliver()
    assert not is_held(one)


async def test_an_order_that_the_buyer_picks_up_is_handed_over_by_staff(app: App) -> None:
    counter = {"title": "Amsterdam counter", "code": "Amsterdam counter", "price": "0", "tax": []}
    using = rules("hold", delivery={"pick_up": {"delivery_mode": "EXPR"}})
    one = await booked(
        app,
        using,
        BAG,
        delivery_method="PICK_UP",
        location_id=71001001,
        billing_address=HOME,
        shipping_address=None,
        shipping=[counter],
    )
    fulfill(one, 3)
    note, _ = await notes(app, one)
    assert note.startswith(f"{BY_OTHERS}: 3 x BAG-DOWN")
    assert not is_held(one)
