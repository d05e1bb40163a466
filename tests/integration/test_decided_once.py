"""What was decided about an order is not decided again from the data of today. Both systems are simulated.

A deleted product, a parcel that is made again, and an event that comes after a later one change nothing that F&O has.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest

from local.d365.return_tables import LINES as RETURN_LINES
from tests.builders.both_sides import App, app_in_process
from tests.builders.fo_people import close_the_books, ship_and_invoice
from tests.builders.one_order import REDUCED_VAT, VAT, OneOrder, Payload, checkout
from tests.builders.strategies import strategy

RULES = strategy("nordlys")
STANDARD = {"title": "Standard", "code": "STANDARD", "price": "8.40", "tax": VAT}


@pytest.fixture(scope="module")
async def app() -> AsyncIterator[App]:
    async with app_in_process() as one:
        yield one


async def test_the_line_of_a_deleted_product_stays_what_it_was_and_is_returned_from_its_lot(app: App) -> None:
    """The store has an item for lines without a product: the line must not become one."""
    bags = {"sku": "BAG-DOWN", "quantity": 2, "price": "83.50", "tax": VAT}
    maps = {"sku": "MAP-NORDIC", "quantity": 3, "price": "9.90", "tax": REDUCED_VAT}
    one = OneOrder(app, RULES, checkout("nordlys", bags, maps))
    await one.deliver()
    before = one.lines
    assert one.goods == [("BAG-DOWN", 2, Decimal("167.00")), ("MAP-NORDIC", 3, Decimal("29.70"))]

    one.order.lines[0].variant = None
    await one.step("amend", tags=["wrapped"])
    assert one.simulated.history().webhooks[-1].body.count(b'"product_id":null') == 1
    assert one.lines == before

    ship_and_invoice(app.fo)
    await one.step("fulfill")
    await one.step("refund", lines=[{"line": "BAG-DOWN", "quantity": 1, "restock": "return"}])
    assert not await app.parked()
    assert one.returned == [("BAG-DOWN", -1, Decimal("-83.50"))]
    assert one.rows(RETURN_LINES)[0]["ReturningInventoryLotId"] == before[0]["InventoryLotId"]
    assert one.credits == []
    assert one.paid == [Decimal("196.70"), Decimal("-83.50")]
    assert close_the_books(app.fo) == 0


def made_again(payload: Payload) -> None:
    """The parcel's label was cancelled and the parcel made again, after the latest refund."""
    (parcel,) = payload["fulfillments"]
    payload["fulfillments"].append({**parcel, "id": parcel["id"] + 1, "created_at": payload["updated_at"]})
    parcel["status"] = "cancelled"


async def test_shipping_given_back_is_credited_once_although_its_parcel_is_made_again(app: App) -> None:
    """Without the first parcel the shipping would be given back before anything was sent: off the sales order."""
    stoves = {"sku": "STOVE-GAS", "quantity": 3, "price": "61.20", "tax": VAT}
    one = OneOrder(app, RULES, checkout("nordlys", stoves, shipping=[STANDARD]))
    await one.deliver()
    await one.step("fulfill")
    await one.step("refund", shipping=True)
    booked = [("STOVE-GAS", 3, Decimal("183.60")), ("FREIGHT", 1, Decimal("8.40"))]
    for _ in range(2):
        assert one.goods == booked
        assert one.credits == [("401100", Decimal("-8.40"))]
        assert one.paid == [Decimal("192.00"), Decimal("-8.40")]
        await one.step("amend", made_again, note="new label")
    assert not await app.parked()
    ship_and_invoice(app.fo)
    assert close_the_books(app.fo) == 0


async def edited_twice_in_one_second(app: App, step: str, **later: Any) -> OneOrder:
    """The later of both changes is delivered first."""
    stoves = {"sku": "STOVE-GAS", "quantity": 5, "price": "61.20", "tax": VAT}
    one = OneOrder(app, RULES, checkout("nordlys", stoves, payment="unpaid"))
    await one.deliver()
    one.change("edit", quantities={"STOVE-GAS": 4})
    earlier = one.pending()[-1]
    one.order.tags.append("hold")
    one.change(step, same_second=True, **later)
    for webhook in (one.pending()[-1], earlier):
        assert webhook.topic == "orders/updated"
        await one.send(webhook)
    assert not await app.parked()
    return one


async def test_the_later_of_two_changes_in_one_second_counts_although_it_comes_first(app: App) -> None:
    one = await edited_twice_in_one_second(app, "edit", quantities={"STOVE-GAS": 2})
    assert one.goods == [("STOVE-GAS", 2, Decimal("122.40"))]
    assert one.header["IsSalesProcessingStopped"] == "Yes"


async def test_a_change_in_the_second_of_the_cancellation_does_not_bring_the_order_back(app: App) -> None:
    one = await edited_twice_in_one_second(app, "cancel", restock=True)
    assert one.goods == []
