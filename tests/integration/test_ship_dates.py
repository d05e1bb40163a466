"""Ship dates in companies with delivery-date control: never in the past, and without a receipt date."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

import pytest

from tests.builders.both_sides import App, running_apps
from tests.builders.one_order import VAT, OneOrder, checkout
from tests.builders.sales import with_rules
from tests.builders.strategies import strategy

EU = strategy("nordlys")
BAG: Final = {"sku": "BAG-DOWN", "quantity": 2, "price": "118.00", "tax": VAT}
DAY: Final = timedelta(days=1)


@pytest.fixture(scope="module")
async def one_app(wire: None) -> AsyncIterator[App]:
    async with running_apps(1) as (one,):
        yield one


@pytest.fixture
def app(one_app: App) -> App:
    return one_app


def control(app: App, kind: Literal["refuse", "move"], late: timedelta = timedelta(0), zone: str = "UTC") -> None:
    """Delivery-date control with two transport days; both clocks are `late` after Shopify's."""
    world = app.fo.world
    company = replace(world.companies["nleu"], delivery_date_control=kind, transport_days=2, time_zone=zone)
    app.fo.world = replace(world, companies={**world.companies, "nleu": company})
    app.now = app.fo.clock = lambda: datetime.now(UTC) + late


def days(header: dict[str, Any]) -> tuple[str, str]:
    return f"{header['RequestedShippingDate']:%Y-%m-%d}", f"{header['RequestedReceiptDate']:%Y-%m-%d}"


@pytest.mark.parametrize("kind", ["refuse", "move"])
@pytest.mark.parametrize("late", [0, 1, 20])
async def test_an_order_is_shipped_today_at_the_earliest_and_received_when_fo_says(
    app: App, kind: Literal["refuse", "move"], late: int
) -> None:
    """The order comes late: it had to be tried again, or waited in a backlog."""
    control(app, kind, late * DAY, "Europe/Amsterdam")
    one = OneOrder(app, EU, checkout("nordlys", BAG))
    await one.deliver()
    assert not await app.parked()
    today = app.now().astimezone(EU.zone).date()
    assert days(one.header) == (str(today), str(today + 2 * DAY))


async def test_later_changes_leave_the_date_on_which_it_is_shipped(app: App) -> None:
    control(app, "refuse", DAY)
    one = OneOrder(app, EU, checkout("nordlys", BAG, payment="unpaid"))
    await one.deliver()
    booked = days(one.header)
    app.now = app.fo.books.clock = lambda: datetime.now(UTC) + 5 * DAY
    await one.step("edit", quantities={"BAG-DOWN": 1})
    assert not await app.parked()
    assert one.goods[0][1] == 1
    assert days(one.header) == booked


async def test_a_day_that_the_buyer_asks_for_too_late_becomes_today(app: App) -> None:
    control(app, "refuse")
    rules = with_rules(EU, orders={"requested_date_attribute": "deliver on"})
    today = datetime.now(UTC).astimezone(EU.zone).date()

    def asked(day: object) -> list[dict[str, str]]:
        return [{"name": "deliver on", "value": str(day)}]

    wanted = {"note_attributes": asked(today + 9 * DAY)}
    one = OneOrder(app, rules, checkout("nordlys", BAG, payment="unpaid", **wanted))
    await one.deliver()
    assert days(one.header) == (str(today + 9 * DAY), str(today + 11 * DAY))
    one.order.note_attributes = asked("2020-01-01")
    await one.step("amend", note="hurry")
    assert not await app.parked()
    assert days(one.header) == (str(today), str(today + 2 * DAY))
