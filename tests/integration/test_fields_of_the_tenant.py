"""F&O environments that lack a field: orders go on without it, or wait until it is there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Final

import pytest

from local.d365.faults import Fault
from tests.builders.both_sides import App, running_apps
from tests.builders.one_order import VAT, OneOrder, checkout
from tests.builders.strategies import strategy

EU = strategy("nordlys")
BAG: Final = {"sku": "BAG-DOWN", "quantity": 2, "price": "118.00", "tax": VAT}
GOODS: Final = [("BAG-DOWN", 2, Decimal("236.00"))]
HEADERS: Final = "SalesOrderHeadersV4"


@pytest.fixture
async def app(wire: None) -> AsyncIterator[App]:
    """A new process for each test: it knows of no set."""
    async with running_apps(1) as (one,):
        yield one


def asked(app: App) -> dict[str, int]:
    return {call: times for call, times in app.fo.http_calls.items() if "/metadata/" in call}


async def test_the_fields_of_a_set_are_asked_for_once_and_cost_no_call_for_each_order(app: App) -> None:
    for number in range(3):
        one = OneOrder(app, EU, checkout("nordlys", BAG))
        await one.deliver()
        assert not await app.parked()
        assert one.goods == GOODS
        if number == 0:
            assert set(asked(app).values()) == {1}
            names = {call.partition("'")[2].rstrip("')") for call in asked(app)}
            assert {"SalesOrderHeaderV4", "SalesOrderLineV3", "CustomerV3", "ReleasedProductV2"} <= names
            assert "ReturnOrderHeaderV2" not in names, "no refund used it"
        else:
            assert asked(app) == {}


@pytest.mark.parametrize(
    ("entity_set", "field"),
    [
        (HEADERS, "URL"),
        ("CustomersV3", "PrimaryContactEmailDescription"),
        ("ReleasedProductsV2", "IsCatchWeightProduct"),
        ("WarehousesOnHandV2", "ProductVersionId"),
    ],
)
async def test_an_order_goes_on_without_a_field_that_the_app_can_do_without(
    app: App, entity_set: str, field: str
) -> None:
    one = OneOrder(app, EU, checkout("nordlys", BAG))
    app.fo.lack({entity_set: {field}})
    await one.deliver()
    assert not await app.parked()
    assert one.goods == GOODS


@pytest.mark.parametrize(
    ("entity_set", "field"), [(HEADERS, "CustomersOrderReference"), ("WarehousesOnHandV2", "OnHandQuantity")]
)
async def test_an_order_waits_for_a_field_that_the_app_needs(app: App, entity_set: str, field: str) -> None:
    one = OneOrder(app, EU, checkout("nordlys", BAG))
    app.fo.lack({entity_set: {field}})
    await one.deliver()
    assert not await app.parked()
    assert one.rows(HEADERS) == []
    waiting = list(app.waiting)
    await app.exhaust_waiting()
    assert await app.parked() == {"FO_FIELD_MISSING"}
    assert f"F&O's entity set {entity_set} does not have the fields {field}" in (await app.causes())[0]
    app.fo.lack({})
    app.waiting = waiting
    await app.redeliver_waiting()
    assert one.goods == GOODS
    assert not await app.parked(), "closed by the event that brought the order"


@pytest.mark.parametrize("kind", ["denied", "bad_gateway"])
async def test_where_f_and_o_does_not_tell_its_fields_everything_is_as_without_asking(app: App, kind: str) -> None:
    one = OneOrder(app, EU, checkout("nordlys", BAG))
    app.fo.faults.add(Fault(kind, "GET", "PublicEntities", times=None))
    await one.deliver()
    assert not await app.parked()
    assert one.goods == GOODS
    assert set(asked(app).values()) == {1}
