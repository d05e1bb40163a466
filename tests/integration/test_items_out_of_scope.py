"""Items whose units a sales order of the app cannot express: recognised by the released product, and parked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from local.d365.books import key_of
from local.d365.sales_tables import HEADERS
from tests.builders.both_sides import App, running_apps
from tests.builders.one_order import DENVER_TAX, VAT, OneOrder, checkout
from tests.builders.sales import with_rules
from tests.builders.strategies import strategy

EU, US = strategy("nordlys"), strategy("prairie", number="sequence")
BAG = {"sku": "BAG-DOWN", "quantity": 2, "price": "118.00", "tax": VAT}
BOOT = {"sku": "BOOT-BRN-10", "quantity": 1, "price": "100.00", "tax": DENVER_TAX}


@pytest.fixture(scope="module")
async def app(wire: None) -> AsyncIterator[App]:
    async with running_apps(1) as (one,):
        yield one


def release(app: App, company: str, number: str, **fields: str) -> None:
    """Releases the item otherwise in F&O."""
    products = app.fo.books.schema.sets["ReleasedProductsV2"]
    key = key_of(products, {"dataAreaId": company, "ItemNumber": number})
    row = app.fo.books.rows("ReleasedProductsV2").get(key)
    assert row is not None
    app.fo.books.replace(products, row, {**row.values, **fields})


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"IsCatchWeightProduct": "Yes"}, "is a catch weight item"),
        ({"SalesUnitSymbol": "box"}, "is sold in box and stocked in ea"),
        ({"IsBatchNumberActive": "Yes"}, "has batch numbers"),
        ({"IsSerialNumberActive": "Yes"}, "has serial numbers"),
    ],
)
async def test_it_is_parked_by_its_reason_and_booked_once_it_is_released_otherwise(
    app: App, fields: dict[str, str], reason: str
) -> None:
    one = OneOrder(app, EU, checkout("nordlys", BAG))
    release(app, "nleu", "BAG-DOWN", **fields)
    await one.deliver()
    assert await app.parked() == {"ITEM_OUT_OF_SCOPE"}
    assert f"Item BAG-DOWN (SKU BAG-DOWN) {reason} in company nleu" in (await app.causes())[0]
    assert one.rows(HEADERS) == []

    release(app, "nleu", "BAG-DOWN", **{field: "ea" if field == "SalesUnitSymbol" else "No" for field in fields})
    await app.replay_parked()
    assert not await app.parked()
    assert one.goods == [("BAG-DOWN", 2, Decimal("236.00"))]


async def test_an_item_that_is_sold_in_boxes_is_booked_in_the_unit_of_the_rules(app: App) -> None:
    one = OneOrder(app, with_rules(EU, orders={"unit": "ea"}), checkout("nordlys", BAG))
    release(app, "nleu", "BAG-DOWN", SalesUnitSymbol="box")
    await one.deliver()
    assert not await app.parked()
    assert one.goods == [("BAG-DOWN", 2, Decimal("236.00"))]
    (line,) = one.lines
    assert line["SalesUnitSymbol"] == "ea"


async def test_an_item_that_is_stocked_in_another_unit_than_that_of_the_rules_is_parked(app: App) -> None:
    one = OneOrder(app, with_rules(EU, orders={"unit": "pcs"}), checkout("nordlys", BAG))
    await one.deliver()
    assert await app.parked() == {"ITEM_OUT_OF_SCOPE"}
    assert "is sold in pcs and stocked in ea" in (await app.causes())[0]


async def test_a_unit_that_f_and_o_does_not_have_is_refused_by_it(app: App) -> None:
    one = OneOrder(app, with_rules(EU, orders={"unit": "pcs"}), checkout("nordlys", BAG))
    release(app, "nleu", "BAG-DOWN", InventoryUnitSymbol="pcs")
    await one.deliver()
    assert await app.parked() == {"FO_REJECTED"}
    assert "The value 'pcs' in field 'Unit' is not found" in (await app.causes())[0]
    assert one.rows(HEADERS) == []


async def test_it_is_recognised_by_the_item_of_a_variant(app: App) -> None:
    one = OneOrder(app, US, checkout("prairie", BOOT))
    release(app, "usmf", "BOOT", IsSerialNumberActive="Yes")
    await one.deliver()
    assert await app.parked() == {"ITEM_OUT_OF_SCOPE"}


async def test_a_rule_books_what_picking_registers(app: App) -> None:
    one = OneOrder(app, with_rules(EU, orders={"tracked_items": "book"}), checkout("nordlys", BAG))
    release(app, "nleu", "BAG-DOWN", IsBatchNumberActive="Yes", IsSerialNumberActive="Yes")
    await one.deliver()
    assert not await app.parked()
    assert one.goods == [("BAG-DOWN", 2, Decimal("236.00"))]
