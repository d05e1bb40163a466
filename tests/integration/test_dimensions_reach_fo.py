"""Financial dimensions by rule: on every document that F&O gets, so that all of them can be posted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from typing import Final

import pytest

from local.d365.ledger import PostingError
from local.d365.sales_tables import HEADERS, LINES
from shared.rules import StoreRules
from tests.builders.both_sides import App, running_apps
from tests.builders.fo_people import close_the_books, ship_and_invoice
from tests.builders.one_order import VAT, OneOrder, checkout
from tests.builders.sales import with_rules
from tests.builders.strategies import strategy

EU: Final = strategy("nordlys")
BAG: Final = {"sku": "BAG-DOWN", "quantity": 2, "price": "118.00", "tax": VAT}
RULES: Final = (
    {"dimension": "CostCenter", "value": "OUT-DOOR", "skus": ("BAG-*",)},
    {"dimension": "Department", "value": "SHOP", "channels": ("pos",)},
    {"dimension": "Department", "value": "WEB"},
)
FORMAT: Final = {"dimension_format": ("Department", "CostCenter"), "required_dimensions": ("Department",)}


@pytest.fixture(scope="module")
async def app(wire: None) -> AsyncIterator[App]:
    async with running_apps(1) as (one,):
        yield one


def require(app: App, *names: str) -> None:
    """The account structure of the company lets nothing be posted without these."""
    world = app.fo.books.world
    ledger = replace(world.money.ledger("nleu"), required_dimensions=names)
    money = replace(world.money, ledgers={**world.money.ledgers, "nleu": ledger})
    app.fo.books.world = replace(world, money=money)


def dimensioned(base: StoreRules = EU) -> StoreRules:
    return with_rules(base, dimensions=RULES, tenant=base.tenant.model_dump(exclude_unset=True) | FORMAT)


async def test_what_was_sold_paid_and_given_back_can_be_posted(app: App) -> None:
    one = OneOrder(app, dimensioned(), checkout("nordlys", BAG))
    require(app, "Department")
    await one.deliver()
    field = "DefaultLedgerDimensionDisplayValue"
    assert one.header[field] == "WEB-"
    assert [line[field] for line in one.rows(LINES)] == [r"WEB-OUT\-DOOR"]
    (customer,) = (row for row in one.rows("CustomersV3") if row["dataAreaId"] == "nleu")
    assert customer["DefaultDimensionDisplayValue"] == "WEB-"
    ship_and_invoice(app.fo)
    assert one.paid == [Decimal("236.00")]
    await one.step("refund", amount="20.00")
    close_the_books(app.fo)
    assert [row["DefaultDimensionDisplayValue"] for row in one.rows("FreeTextInvoiceLines")] == ["WEB-"]
    assert one.invoiced == Decimal("0.00")


async def test_without_them_nothing_is_posted(app: App) -> None:
    one = OneOrder(app, EU, checkout("nordlys", BAG))
    require(app, "Department")
    await one.deliver()
    assert one.header["DefaultLedgerDimensionDisplayValue"] == ""
    with pytest.raises(PostingError, match="dimension Department must have a value in company nleu"):
        ship_and_invoice(app.fo)


async def test_a_value_that_fo_does_not_have_is_refused_by_its_name(app: App) -> None:
    wrong = with_rules(
        EU,
        dimensions=({"dimension": "Department", "value": "WEBB"},),
        tenant=EU.tenant.model_dump(exclude_unset=True) | FORMAT,
    )
    one = OneOrder(app, wrong, checkout("nordlys", BAG))
    await one.deliver()
    assert await app.parked() == {"FO_REJECTED"}
    assert one.rows(HEADERS) == []


async def test_the_counter_has_a_department_of_its_own(app: App) -> None:
    one = OneOrder(app, dimensioned(), checkout("nordlys", BAG, sold_at=71001001))
    await one.deliver()
    assert one.header["DefaultLedgerDimensionDisplayValue"] == "SHOP-"
