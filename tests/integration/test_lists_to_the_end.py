"""Lists that are longer than one answer of Shopify are read to their end, and all of it is booked.

Both systems over HTTP.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from tests.builders.both_sides import App, running_apps
from tests.builders.fo_people import close_the_books, ship_and_invoice
from tests.builders.one_order import VAT, OneOrder, checkout
from tests.builders.strategies import strategy

RULES = strategy("nordlys")


@pytest.fixture(scope="module")
async def app(wire: None) -> AsyncIterator[App]:
    async with running_apps(1) as (one,):
        yield one


async def test_a_refund_to_nine_payments_is_credited_once_and_paid_out_nine_times(app: App) -> None:
    """While its money is on the way, the refund has an adjustment for each transaction, which is not credited."""
    tents = {"sku": "TENT-2P", "quantity": 3, "price": "90.30", "tax": VAT}
    payments = [{"gateway": "gift_card", "amount": f"{20 + part}.10"} for part in range(9)]
    one = OneOrder(app, RULES, checkout("nordlys", tents, payment=[*payments, {"gateway": "paypal"}]))
    await one.deliver()
    received = [*(Decimal(f"{20 + part}.10") for part in range(9)), Decimal("54.00")]
    assert one.paid == received
    await one.step("fulfill")
    ship_and_invoice(app.fo)

    back = [{"parent": each.id, "amount": "3.01"} for each in one.order.transactions[:9]]
    goods = [{"line": "TENT-2P", "quantity": 1, "restock": "return"}]
    await one.step("refund", lines=goods, transactions=back, status="pending")
    (refund,) = one.order.refunds
    assert len(refund.adjustments) == 1 + len(back)
    for each in refund.transactions:
        await one.step("settle", transaction=each.id, status="success")
    assert not await app.parked()
    assert one.returned == [("TENT-2P", -1, Decimal("-90.30"))]
    assert one.credits == [("418190", Decimal("63.21"))]  # the goods cost that much more than was paid out
    assert one.paid == [*received, *[Decimal("-3.01")] * 9]
    assert close_the_books(app.fo) == 0


async def test_forty_payments_of_one_order_are_booked_each_once(app: App) -> None:
    """A new order is fetched, with the payments that it has by then."""
    stoves = {"sku": "STOVE-GAS", "quantity": 60, "price": "20.55", "tax": VAT}
    one = OneOrder(app, RULES, checkout("nordlys", stoves, payment="unpaid"))
    for part in range(39):
        one.change("pay", gateway="manual", amount=f"{10 + part}.05")
    one.change("pay", gateway="shopify_payments")
    await one.deliver()
    assert not await app.parked()
    assert not app.waiting
    assert Counter(one.paid) == Counter([*(Decimal(f"{10 + part}.05") for part in range(39)), Decimal("100.05")])
    ship_and_invoice(app.fo)
    assert one.invoiced == Decimal("1233.00")
    assert close_the_books(app.fo) == 0


async def test_the_last_of_forty_one_parcels_tells_what_had_left_when_goods_were_given_back(app: App) -> None:
    """Two of the three stoves that were given back had not left: they are off the sales order."""
    stoves = {"sku": "STOVE-GAS", "quantity": 43, "price": "20.55", "tax": VAT}
    one = OneOrder(app, RULES, checkout("nordlys", stoves))
    await one.deliver()
    for _ in range(41):
        one.change("fulfill", lines=[{"line": "STOVE-GAS", "quantity": 1}])
    await one.deliver()
    await one.step("refund", lines=[{"line": "STOVE-GAS", "quantity": 3, "restock": "no_restock"}])
    assert not await app.parked()
    assert one.goods == [("STOVE-GAS", 41, Decimal("842.55"))]
    assert one.credits == [("401100", Decimal("-20.55"))]
    assert one.paid == [Decimal("883.65"), Decimal("-61.65")]
    ship_and_invoice(app.fo)
    assert close_the_books(app.fo) == 0
