"""Prices that F&O gave on order lines, compared with what the app computes."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from builders.price_world import BLANK, NOON, World, store_rules

from shared.errors import ErrorCode

GROUP = {"proof_groups": ("Dealer",)}


@pytest.fixture
def world() -> World:
    world = World(store_rules(**GROUP))
    world.sell("TENT", "249")
    world.agree("TENT", "199", PriceCustomerGroupCode="DEALER")
    return world


def order_line(world: World, price: str, **fields) -> None:
    """A line of an order that a clerk entered in F&O an hour before the first run."""
    rows = world.fo.rows
    lot = f"LOT-{len(rows.get('SalesLineBiEntities', ()))}"
    order = f"SO-{lot}"
    created = f"{NOON - timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"
    line = {
        "SalesId": order,
        "InventTransId": lot,
        "CustAccount": "C-1",
        "CurrencyCode": "EUR",
        "SalesPrice": Decimal(price),
        "PriceUnit": Decimal(1),
        "SalesQty": Decimal(2),
        "SalesUnit": "ea",
        "CreatedOn": created,
        "SysModifiedDateTime": created,
    }
    header = {
        "SalesOrderNumber": order,
        "PriceCustomerGroupCode": "DEALER",
        "SalesOrderOriginCode": "PHONE",
        "CustomersOrderReference": "",
    }
    product = {**BLANK, "InventoryLotId": lot, "ItemNumber": "TENT"}
    for name, row in (
        ("SalesLineBiEntities", line),
        ("SalesOrderHeadersV4", header),
        ("SalesOrderLinesV3", product),
    ):
        rows.setdefault(name, []).append({key: fields.get(key, value) for key, value in row.items()})


def differences(report):
    return [problem.details for problem in report.all_problems if problem.code is ErrorCode.PRICE_PROOF_DIFFERS]


async def test_a_price_that_the_app_computes_alike_is_no_finding(world):
    order_line(world, "199")
    report = await world.run()
    assert (report.proof.lines, differences(report)) == (1, [])


async def test_a_difference_is_told_once(world):
    order_line(world, "189.50")
    [details] = differences(await world.run())
    assert details == {
        "order": "SO-LOT-0",
        "item": "TENT",
        "quantity": "2",
        "currency": "EUR",
        "fo": "189.50",
        "own": "199.00",
    }
    await world.run(after=timedelta(hours=24))
    assert world.told == [ErrorCode.PRICE_PROOF_DIFFERS]


async def test_lines_are_compared_once_a_day(world):
    order_line(world, "199")
    assert (await world.run()).proof is not None
    assert (await world.run()).proof is None
    assert (await world.run(after=timedelta(hours=24))).proof is not None


@pytest.mark.parametrize(
    "fields",
    [
        {"SalesOrderOriginCode": "SHOPIFY"},
        {"CustomersOrderReference": "nordlys-6001001001001"},
        {"PriceCustomerGroupCode": "OTHER"},
        {"SalesQty": Decimal(-1)},
        {"CreatedOn": "2026-11-20T12:00:00Z"},
    ],
)
async def test_other_lines_are_not_compared(world, fields):
    if "CustomersOrderReference" in fields:
        from shared.mapping.orders.plan import order_reference  # noqa: PLC0415

        fields = {"CustomersOrderReference": order_reference("nordlys", 6001001001001)}
    order_line(world, "1", **fields)
    report = await world.run()
    assert (report.proof.lines, report.proof.passed_over) == (0, 0)


@pytest.mark.parametrize("fields", [{"SalesUnit": "box"}, {"ItemNumber": "GHOST"}])
async def test_what_cannot_be_compared_is_passed_over(world, fields):
    order_line(world, "1", **fields)
    report = await world.run()
    assert (report.proof.lines, report.proof.passed_over) == (0, 1)


async def test_a_price_that_the_rule_does_not_decide_is_passed_over(world):
    world.agree("TENT", "189", PriceCustomerGroupCode="DEALER", WillSearchContinue="No")
    world.agree("TENT", "179", PriceCustomerGroupCode="DEALER")
    order_line(world, "179")
    assert (await world.run()).proof.passed_over == 1


async def test_quantity_currency_price_unit_customer_and_day_of_the_line_count(world):
    world.agree("TENT", "180", PriceCustomerGroupCode="DEALER", FromQuantity=Decimal("2.5"))
    world.agree("TENT", "170", PriceCustomerGroupCode="", CustomerAccountNumber="C-2")
    world.agree("TENT", "300", PriceCustomerGroupCode="DEALER", PriceCurrencyCode="DKK")
    world.agree("TENT", "90", PriceCustomerGroupCode="DEALER", PriceApplicableFromDate="2026-11-30T12:00:00Z")
    world.agree("TENT", "95", PriceCustomerGroupCode="DEALER", PriceApplicableToDate="2026-11-28T12:00:00Z")
    order_line(world, "180", SalesQty=Decimal("2.5"))
    order_line(world, "170", CustAccount="c-2")
    order_line(world, "300", CurrencyCode="DKK")
    order_line(world, "19900", PriceUnit=Decimal(100))
    order_line(world, "95", CreatedOn="2026-11-28T10:00:00Z", SysModifiedDateTime="2026-11-28T10:00:00Z")
    report = await world.run(after=timedelta(minutes=1))
    assert (report.proof.lines, differences(report)) == (5, [])


async def test_a_base_price_that_f_and_o_converts_to_another_currency_is_passed_over(world):
    order_line(world, "25", CurrencyCode="SEK")
    report = await world.run()
    assert (report.proof.lines, report.proof.passed_over) == (0, 1)


async def test_without_groups_nothing_is_read():
    world = World(store_rules())
    world.sell("TENT", "249")
    order_line(world, "1")
    assert (await world.run()).proof is None
    assert world.fo.read["SalesLineBiEntities"] == 0
