"""F&O may give a new sales order other tax groups than were sent: it is held then, and told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest

from local.d365.sales_tables import HEADERS, LINES
from shared.rules import StoreRules
from tests.builders.advice.scene import UNPAID, Repair, Scene, nothing
from tests.builders.both_sides import App, running_apps
from tests.builders.one_order import VAT, OneOrder, checkout
from tests.builders.sales import EU, with_rules


@pytest.fixture
async def app(wire: None) -> AsyncIterator[App]:
    async with running_apps(1, address_tax_group="DE-VAT") as (one,):
        yield one


def groups(scene: Scene, entity_set: str) -> set[Any]:
    return {row.values["SalesTaxGroupCode"] for row in scene.app.fo.books.rows(entity_set)}


NUMBERED = pytest.mark.parametrize(
    "rules", [EU, with_rules(EU, orders={"number": "sequence", "number_prefix": ""})], ids=["own", "sequence"]
)


@NUMBERED
async def test_replaced_tax_groups_are_held_and_told_and_written_again_by_a_replay(app: App, rules: StoreRules) -> None:
    scene = Scene(app, rules)
    await scene.check_out(Repair(act=nothing, order=UNPAID))
    assert await app.parked() == {"FO_TAX_GROUPS_REPLACED"}
    assert scene.is_held
    (parked,) = await app._parking.open()
    assert "the order: SalesTaxGroupCode DE-VAT in place of NL-VAT" in parked.cause
    assert "line 1 (2 x TENT-2P): SalesTaxGroupCode DE-VAT in place of NL-VAT" in parked.cause
    assert "SalesTaxItemGroupCode" not in parked.cause

    await scene.replay()
    assert await app.parked() == set()
    assert not scene.is_held
    assert groups(scene, HEADERS) == groups(scene, LINES) == {"NL-VAT"}


@NUMBERED
async def test_what_was_replaced_waits_for_a_person_whatever_event_comes_next(app: App, rules: StoreRules) -> None:
    one = OneOrder(app, rules, checkout("nordlys", {"sku": "TENT-2P", "quantity": 2, "price": "19.99", "tax": VAT}))
    await one.deliver()
    await one.step("amend", tags=["gift"])
    assert await app.parked() == {"FO_TAX_GROUPS_REPLACED"}
    assert (one.header["IsSalesProcessingStopped"], one.header["SalesTaxGroupCode"]) == ("Yes", "DE-VAT")
    assert one.paid == [Decimal("39.98")]
    link = await app.link(one.order.id)
    assert link is not None
    assert (link.sales_order, link.held) == (one.header["SalesOrderNumber"], "change")
    await app.replay_parked()
    assert await app.parked() == set()
    assert (one.header["IsSalesProcessingStopped"], one.header["SalesTaxGroupCode"]) == ("No", "NL-VAT")


async def test_a_person_lets_the_order_go_on_with_f_and_os_groups(app: App) -> None:
    one = OneOrder(app, EU, checkout("nordlys", {"sku": "TENT-2P", "quantity": 2, "price": "19.99", "tax": VAT}))
    await one.deliver()
    assert one.header["IsSalesProcessingStopped"] == "Yes"
    await app.release_hold("nordlys", one.order.id)
    assert (one.header["IsSalesProcessingStopped"], one.header["SalesTaxGroupCode"]) == ("No", "DE-VAT")
    await one.step("amend", tags=["gift"])
    assert one.header["IsSalesProcessingStopped"] == "No"


async def test_no_order_is_read_again_to_compare_them(wire: None) -> None:
    async with running_apps(1) as (app,):
        scene = Scene(app, EU)
        await scene.check_out(Repair(act=nothing, order=UNPAID))
        assert await app.parked() == set()
        assert reads_of_orders(app) == []


def reads_of_orders(app: App) -> list[str]:
    return [call for call in app.fo.http_calls if call.startswith("GET /data/SalesOrder")]
