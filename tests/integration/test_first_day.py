"""The go-live: orders from before the store's first day, and orders that were shipped before F&O had them.

Both systems are simulated. What a person decides about such an order is carried out.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest

from tests.builders.both_sides import App, app_in_process
from tests.builders.checkouts import Document
from tests.builders.fo_people import close_the_books, ship_and_invoice
from tests.builders.one_order import VAT, OneOrder, checkout
from tests.builders.sales import with_rules
from tests.builders.strategies import strategy

RULES = strategy("nordlys")
LAMPS = {"sku": "LAMP-HEAD", "quantity": 4, "price": "36.25", "tax": VAT}


@pytest.fixture(scope="module")
async def app() -> AsyncIterator[App]:
    async with app_in_process() as one:
        yield one


def older(**parts: Any) -> Document:
    """Placed before the store's first day, the 1st of January."""
    return checkout("nordlys", LAMPS, created_at="2025-11-14T16:20:00+01:00", **parts)


async def test_an_order_that_was_finished_before_the_first_day_is_never_booked(app: App) -> None:
    """Neither its goods nor its money, whatever happens to it later."""
    one = OneOrder(app, RULES, older())
    one.change("fulfill")
    one.pending()
    await one.step("amend", tags=["wrote a review"])
    await one.step("refund", amount="5.00")
    assert one.rows("SalesOrderHeadersV4") == []
    assert one.paid == []
    assert one.credits == []
    assert not await app.parked()
    link = await app.link(one.order.id)
    assert link is not None
    assert link.not_booked == "placed before the store's first day"
    assert [pending.sold for pending in await app.links.parked("nordlys")] == [()]  # the stock flow holds nothing back


async def test_an_open_order_from_before_the_first_day_is_brought_when_a_person_says_so(app: App) -> None:
    one = OneOrder(app, RULES, older())
    await one.deliver()
    assert one.rows("SalesOrderHeadersV4") == []
    assert await app.parked() == {"ORDER_BEFORE_FIRST_DAY"}
    (advice,) = set(await app.next_steps())
    assert f"python -m shared.operator bring nordlys {one.order.id}" in advice

    await app.bring(one.order.id)
    assert not await app.parked()
    assert one.goods == [("LAMP-HEAD", 4, Decimal("145.00"))]
    assert one.paid == [Decimal("145.00")]
    ship_and_invoice(app.fo)
    assert close_the_books(app.fo) == 0


async def test_what_was_shipped_before_fo_had_the_order_is_not_shipped_again(app: App) -> None:
    """Parked; with the other rule it is booked and held, with its money."""
    one = OneOrder(app, RULES, checkout("nordlys", LAMPS))
    one.change("fulfill", lines=[{"line": "LAMP-HEAD", "quantity": 1}])
    one.pending()
    await one.step("amend", tags=["gift"])
    assert one.rows("SalesOrderHeadersV4") == []
    assert await app.parked() == {"ALREADY_FULFILLED"}
    (advice,) = set(await app.next_steps())
    assert 'set orders.already_fulfilled = "hold"' in advice

    app.change_rules(with_rules(RULES, orders={"already_fulfilled": "hold"}))
    await app.replay_parked()
    assert not await app.parked()
    assert one.header["IsSalesProcessingStopped"] == "Yes"
    assert one.goods == [("LAMP-HEAD", 4, Decimal("145.00"))]
    assert one.paid == [Decimal("145.00")]


async def test_an_order_that_was_shipped_and_entered_by_hand_is_closed_for_good(app: App) -> None:
    one = OneOrder(app, RULES, checkout("nordlys", LAMPS))
    one.change("fulfill")
    await one.deliver(topic="orders/fulfilled")
    assert await app.parked() == {"ALREADY_FULFILLED"}
    await app.discard_parked(sales_order="SO-004417")
    await one.step("amend", tags=["gift"])
    assert not await app.parked()
    assert one.rows("SalesOrderHeadersV4") == []
    link = await app.link(one.order.id)
    assert link is not None
    assert (link.sales_order, link.given_up) == ("SO-004417", True)
