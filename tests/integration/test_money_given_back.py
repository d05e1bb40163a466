"""Money given back is credited once in F&O, and for the amount that was paid out. Both systems are simulated."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import NamedTuple

import pytest

from shared.rules import StoreRules
from tests.builders.both_sides import App, app_in_process
from tests.builders.checkouts import Document
from tests.builders.fo_people import close_the_books, ship_and_invoice
from tests.builders.one_order import DENVER_TAX, VAT, OneOrder, checkout
from tests.builders.sales import with_rules
from tests.builders.strategies import strategy

EU = strategy("nordlys")
TENT = {"sku": "TENT-2P", "quantity": 1, "price": "212.60", "tax": VAT}
STANDARD = {"title": "Standard", "code": "STANDARD", "price": "9.68", "tax": VAT}
ASSEMBLY = {"name": "Assembly", "price": "14.90"}


@pytest.fixture(scope="module")
async def app() -> AsyncIterator[App]:
    async with app_in_process() as one:
        yield one


async def test_a_refund_whose_money_was_pending_is_credited_and_paid_out_once(app: App) -> None:
    """Shopify adds an adjustment when the money is on its way, and its opposite once it has moved."""
    one = OneOrder(app, EU, checkout("nordlys", TENT, shipping=[STANDARD]))
    await one.deliver()
    await one.step("fulfill")
    ship_and_invoice(app.fo)
    await one.step("refund", amount="23.45", status="pending")
    credit = [("418190", Decimal("-23.45"))]
    assert one.credits == credit
    assert one.paid == [Decimal("222.28")]

    pending = one.order.refunds[0].transactions[0]
    await one.step("settle", transaction=pending.id, status="success")
    last = json.loads(one.simulated.history().webhooks[-1].body)
    amounts = [each["amount"] for each in last["refunds"][0]["order_adjustments"]]
    assert amounts == ["-23.45", "23.45", "-23.45"]
    assert not await app.parked()
    assert one.credits == credit
    assert one.paid == [Decimal("222.28"), Decimal("-23.45")]
    assert close_the_books(app.fo) == 0


async def test_a_pending_refund_that_fails_stays_owed_to_the_buyer(app: App) -> None:
    one = OneOrder(app, EU, checkout("nordlys", TENT))
    await one.deliver()
    await one.step("fulfill")
    ship_and_invoice(app.fo)
    await one.step("refund", amount="23.45", status="pending")
    await one.step("settle", transaction=one.order.refunds[0].transactions[0].id, status="failure")
    assert one.credits == [("418190", Decimal("-23.45"))]
    assert one.paid == [Decimal("212.60")]
    assert close_the_books(app.fo) == Decimal("-23.45")


@pytest.mark.parametrize(
    ("policy", "goods", "credited"),
    [
        ("tolerate", "-212.60", ["-9.68", "-14.90"]),
        ("service_line", "-175.70", ["-8.00", "-14.90", "-38.58"]),  # the tax of goods and shipping by itself
    ],
)
async def test_a_fee_of_a_delivered_order_is_credited_with_its_goods(
    app: App, policy: str, goods: str, credited: list[str]
) -> None:
    document = checkout("nordlys", TENT, shipping=[STANDARD], fees=[ASSEMBLY])
    one = OneOrder(app, strategy("nordlys", policy), document)
    await one.deliver()
    await one.step("fulfill")
    ship_and_invoice(app.fo)
    assert one.invoiced == Decimal("237.18")
    await one.step("refund", lines=[{"line": "TENT-2P", "quantity": 1, "restock": "return"}], shipping=True, fees=True)
    assert not await app.parked()
    assert not app.waiting
    assert one.returned == [("TENT-2P", -1, Decimal(goods))]
    assert [amount for _, amount in one.credits] == [Decimal(amount) for amount in credited]
    assert one.paid == [Decimal("237.18"), Decimal("-237.18")]
    assert close_the_books(app.fo) == 0


async def test_a_fee_without_an_account_keeps_the_money_from_nothing(app: App) -> None:
    """The credit alone is parked, and is booked once the rules have the account."""
    assert EU.refunds is not None
    accounts = EU.refunds.accounts.model_dump(exclude_unset=True)
    del accounts["fees"]
    one = OneOrder(app, with_rules(EU, refunds={"accounts": accounts}), checkout("nordlys", TENT, fees=[ASSEMBLY]))
    await one.deliver()
    await one.step("fulfill")
    ship_and_invoice(app.fo)
    await one.step("refund", lines=[{"line": "TENT-2P", "quantity": 1, "restock": "return"}], fees=True)
    assert await app.parked() == {"AMOUNT_WITHOUT_RULE"}
    assert one.credits == []
    assert one.paid == [Decimal("227.50"), Decimal("-227.50")]
    (advice,) = set(await app.next_steps())
    assert "Add refunds.accounts.fees to config/stores/nordlys.toml" in advice

    app.change_rules(EU)
    await app.replay_parked()
    assert not await app.parked()
    assert one.returned == [("TENT-2P", -1, Decimal("-212.60"))]
    assert one.credits == [("418190", Decimal("-14.90"))]
    assert close_the_books(app.fo) == 0


class Store(NamedTuple):
    rules: StoreRules
    sku: str
    taxes: list[Document]
    account: str
    total: str
    given_back: str


WITH_TAX = Store(EU, "TENT-2P", VAT, "401100", "111.94", "12.34")
BEFORE_TAX = Store(strategy("prairie", number="sequence"), "TEE-RED-L", DENVER_TAX, "401100-001", "121.81", "13.43")


@pytest.mark.parametrize("store", [WITH_TAX, BEFORE_TAX], ids=["prices with tax", "prices before tax"])
async def test_the_tax_of_refunded_shipping_is_credited_once(app: App, store: Store) -> None:
    """REST has it in an order adjustment only, and not in refund_shipping_lines."""
    goods = {"sku": store.sku, "quantity": 4, "price": "24.90", "tax": store.taxes}
    parcel = {"title": "Standard", "code": "STANDARD", "price": "12.34", "tax": store.taxes}
    one = OneOrder(app, store.rules, checkout(store.rules.key, goods, shipping=[parcel]))
    await one.deliver()
    await one.step("fulfill")
    ship_and_invoice(app.fo)
    assert one.invoiced == Decimal(store.total)
    await one.step("refund", shipping=True)
    (refund,) = json.loads(one.simulated.history().webhooks[-1].body)["refunds"]
    assert [name for name in refund["refund_shipping_lines"][0] if name.endswith("_set")] == ["subtotal_amount_set"]
    assert not await app.parked()
    assert one.credits == [(store.account, Decimal("-12.34"))]
    assert one.paid == [Decimal(store.total), -Decimal(store.given_back)]
    assert close_the_books(app.fo) == 0


@pytest.mark.parametrize("restock", ["cancel", "return"])
async def test_duties_that_an_edit_took_off_with_their_line_do_not_park_a_later_refund(app: App, restock: str) -> None:
    tent = TENT | {"quantity": 2, "duties": [{"amount": "11.30"}]}
    lamp = {"sku": "LAMP-HEAD", "quantity": 1, "price": "33.10", "tax": VAT, "duties": [{"amount": "6.45"}]}
    one = OneOrder(app, EU, checkout("nordlys", tent, lamp))
    await one.deliver()
    (duty,) = one.order.lines[1].duties
    duty.refunded = duty.price  # what is left of it: the simulator's edits leave duties as they are
    await one.step("edit", quantities={"LAMP-HEAD": 0})
    assert one.goods == [("TENT-2P", 2, Decimal("425.20")), ("DUTIES", 1, Decimal("11.30"))]
    if restock == "return":
        await one.step("fulfill")
        ship_and_invoice(app.fo)
    await one.step("refund", lines=[{"line": "TENT-2P", "quantity": 1, "restock": restock}], duties=True)
    assert not await app.parked()
    assert one.paid == [Decimal("476.05"), Decimal("-218.25")]
    ship_and_invoice(app.fo)
    assert close_the_books(app.fo) == Decimal("-39.55"), "the edited line and its duties, which Shopify still owes"
