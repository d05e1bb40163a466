"""However late, often and out of order Shopify's webhooks arrive, F&O ends as if each had arrived at once.

An order is changed step by step in the Shopify simulator. One installation of the app receives the webhooks of every
step at once; another one receives them later, in another order, and some of them twice. Each installation has an F&O of
its own. Both systems are reached over HTTP, and Shopify answers with the state of the order at that moment.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local.shopify.balance import outstanding, rounding
from local.shopify.money import MoneyBag, total
from local.shopify.order import Order
from shared.model import CurrencySide
from shared.rules import StoreRules
from tests.builders.both_sides import App, running_apps
from tests.builders.checkouts import ADDRESSES, BUYER, Document
from tests.builders.deliveries import Delivery, deliveries, in_order
from tests.builders.fo_books import ORDERS, books_of, items_of_orders, line_count, without_traces
from tests.builders.fo_people import close_the_books, is_held, ship_and_invoice
from tests.builders.histories import History, SimulatedOrder, histories
from tests.builders.strategies import strategy

STRATEGIES: dict[str, dict[str, Any]] = {
    "nordlys": {"store": "nordlys"},
    "nordlys, the buyer's currency": {"store": "nordlys", "policy": "prices_with_tax", "side": "presentment"},
    "nordlys, credits without goods": {"store": "nordlys", "policy": "service_line", "goods": "free_text_invoice"},
    "prairie": {"store": "prairie", "policy": "rounding_line", "verify": "fo", "number": "sequence"},
    "prairie, with traces": {"store": "prairie", "number": "sequence", "cancellation": "zero_remaining"},
    "prairie, odd cents as charges": {"store": "prairie", "odd_cents": "charge", "known_price": "unknown"},
}
CURRENCIES = {"nordlys": ("EUR", "DKK"), "prairie": ("USD", "CAD")}
FOR_A_PERSON = {"PAYMENT_WITHOUT_ORDER", "REFUND_WITHOUT_ORDER"}
"""Errors for an order that was given up before the app received its first webhook, and that still has money."""
over_the_wire = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)


@dataclass(frozen=True)
class Scenario:
    strategy: str
    history: History
    late: tuple[Delivery, ...]

    @property
    def rules(self) -> StoreRules:
        return strategy(**STRATEGIES[self.strategy])


@st.composite
def scenarios(draw: st.DrawFn, **steps: Any) -> Scenario:
    name = draw(st.sampled_from(sorted(STRATEGIES)))
    store = STRATEGIES[name]["store"]
    history = draw(histories(store, currencies=CURRENCIES[store], **steps))
    return Scenario(name, history, draw(deliveries(history)))


@pytest.fixture(scope="module")
async def apps(wire: None) -> AsyncIterator[tuple[App, ...]]:
    async with running_apps(2) as both:
        yield both


async def deliver_all(app: App, scenario: Scenario, plan: tuple[Delivery, ...]) -> None:
    """The deliveries in order, then those that wait again; F&O ships and invoices; then those that waited for that."""
    app.reset(scenario.rules)
    for now, moment in enumerate(scenario.history.steps):
        app.shopify.show(scenario.history.store, moment.order)
        for delivery in plan:
            if delivery.after == now:
                await app.handle(delivery.webhook)
    await app.redeliver_waiting()
    ship_and_invoice(app.fo)
    await app.redeliver_waiting()


def owed(order: Order, rules: StoreRules, app: App) -> Decimal:
    """What the buyer owes according to Shopify; below zero, what the shop owes the buyer.

    Pending refunds have not been paid. The rounding of a cash payment stays in the till when the order is cancelled.
    What came back and was charged in a return that nobody refunded is not in F&O yet.
    """
    under_way = total(
        (t.settles for t in order.transactions if (t.kind, t.status) == ("REFUND", "PENDING")), order.zero
    )
    owed = outstanding(order) - under_way + not_refunded(order)
    if rules.orders.rounding_item and "ROUNDING" not in items_of_orders(app.fo):
        owed -= rounding(order, ("SALE", "CAPTURE"))
    return owed.shop if rules.currency_side is CurrencySide.SHOP else owed.presentment


def not_refunded(order: Order) -> MoneyBag:
    """The goods of processed returns, less the fees of those without any refund."""
    goods = total((line.net(line.returned) for line in order.lines), order.zero)
    if not order.taxes_included:
        goods += total((tax for line in order.lines for tax in line.returned.taxes), order.zero)
    charged = {fee.id for fee in order.return_fees}
    refunded = {refund.return_id for refund in order.refunds}
    fees = [
        (fee_id, amount)
        for each in order.returns
        if each.id not in refunded
        for fee_id, amount in (
            *((fee.id, fee.amount) for fee in each.shipping_fees),
            *((row.id, row.restocking_fee) for row in each.lines),
        )
    ]
    return goods - total((amount for fee_id, amount in fees if fee_id in charged and amount), order.zero)


async def compare(prompt: App, late: App, scenario: Scenario) -> None:
    """Both ends are the same, and the same as Shopify's."""
    order = scenario.history.order
    link = await late.link(order.id)
    if link is not None and not books_of(late.fo)[ORDERS]:
        if link.not_booked:
            # It was given up before the first webhook came, and what is left of its money is a person's.
            assert order.cancelled_at is not None or not any(line.current_quantity for line in order.lines)
            return
        if await late.parked() == {"ALREADY_FULFILLED"}:
            # It was shipped before the first webhook came, and a person decides whether F&O ships it.
            assert order.fulfillments
            return
    assert without_traces(books_of(late.fo)) == without_traces(books_of(prompt.fo))
    assert await late.parked() == await prompt.parked()
    assert bool(late.waiting) == bool(prompt.waiting)
    if not await prompt.parked() and not prompt.waiting and not is_held(prompt.fo):
        difference = close_the_books(prompt.fo) - owed(order, scenario.rules, prompt)
        is_exact = order.taxes_included or scenario.rules.tax.policy != "tolerate"
        assert abs(difference) <= (0 if is_exact else Decimal("0.02") * line_count(prompt.fo))


@pytest.mark.timeout(600)  # a failure is reduced to a small example first
@over_the_wire
@given(scenario=scenarios())
async def test_late_and_repeated_webhooks_end_as_if_each_had_come_at_once(
    apps: tuple[App, ...], scenario: Scenario
) -> None:
    for app, plan in zip(apps, (in_order(scenario.history), scenario.late), strict=True):
        await deliver_all(app, scenario, plan)
    await compare(*apps, scenario)


RETURNS = (*("return", "return on") * 4, "fulfill", "edit quantity", "refund goods", "settle")
"""Steps of which most are about returns."""


@pytest.mark.timeout(600)
@settings(over_the_wire, max_examples=20)
@given(scenario=scenarios(first="fulfill", among=RETURNS, longest=10))
async def test_returns_that_are_processed_refunded_and_charged_end_in_fo_to_the_cent(
    apps: tuple[App, ...], scenario: Scenario
) -> None:
    for app, plan in zip(apps, (in_order(scenario.history), scenario.late), strict=True):
        await deliver_all(app, scenario, plan)
    await compare(*apps, scenario)


def basket(**parts: Any) -> Document:
    tax = [{"title": "BTW", "rate": "0.21"}]
    lines = [{"sku": "TENT-2P", "quantity": 2, "tax": tax}, {"sku": "MUG-ENAMEL", "quantity": 3, "tax": tax}]
    return {"customer": BUYER, "shipping_address": ADDRESSES["nordlys"], "lines": lines} | parts


def after_the_last_step(history: History, *numbers: int) -> tuple[Delivery, ...]:
    """These webhooks, in this order, after the last step."""
    return tuple(Delivery(history.webhooks[number], len(history.steps) - 1) for number in numbers)


async def test_a_late_webhook_does_not_bring_back_a_change_that_was_undone(apps: tuple[App, ...]) -> None:
    """The state without the change equals the one in F&O, and is later than the change."""
    simulated = SimulatedOrder("nordlys", basket(payment="unpaid"))
    simulated.step("amend", {"po_number": "PO-77"})
    simulated.step("amend", {"po_number": None})
    history = simulated.history()
    assert [each.topic for each in history.webhooks] == ["orders/create", "orders/updated", "orders/updated"]
    scenario = Scenario("nordlys", history, (in_order(history)[0], *after_the_last_step(history, 2, 1)))
    for app, plan in zip(apps, (in_order(history), scenario.late), strict=True):
        await deliver_all(app, scenario, plan)
    await compare(*apps, scenario)


async def test_an_order_that_lost_its_shipping_is_like_one_that_never_had_any(apps: tuple[App, ...]) -> None:
    parcel = {"title": "Standard", "code": "STANDARD", "price": "4.95", "tax": []}
    simulated = SimulatedOrder("nordlys", basket(payment="unpaid", shipping=[parcel]))
    simulated.step("edit", {"shipping": {"remove": True}})
    history = simulated.history()
    scenario = Scenario("nordlys", history, after_the_last_step(history, 0))
    for app, plan in zip(apps, (in_order(history), scenario.late), strict=True):
        await deliver_all(app, scenario, plan)
    assert not await apps[0].parked()
    await compare(*apps, scenario)


@pytest.mark.parametrize("refund", [True, False])
@pytest.mark.parametrize("payment", ["unpaid", {"gateway": "shopify_payments"}])
async def test_fees_of_a_cancelled_order_are_neither_owed_nor_refunded_twice(
    apps: tuple[App, ...], payment: Any, *, refund: bool
) -> None:
    simulated = SimulatedOrder("nordlys", basket(payment=payment, fees=[{"name": "Handling", "price": "4.30"}]))
    simulated.step("cancel", {"refund": refund})
    await compare_with_itself(apps, simulated.history())


async def test_a_fee_is_still_charged_after_all_goods_were_removed(apps: tuple[App, ...]) -> None:
    simulated = SimulatedOrder("nordlys", basket(payment="unpaid", fees=[{"name": "Handling", "price": "4.30"}]))
    simulated.step("refund", {"lines": [{"line": "TENT-2P", "quantity": 2, "restock": "cancel"}]})
    simulated.step("refund", {"lines": [{"line": "MUG-ENAMEL", "quantity": 3, "restock": "cancel"}]})
    await compare_with_itself(apps, simulated.history())
    assert items_of_orders(apps[0].fo) == ["FEES"]


TENTS = {"sku": "TENT-2P", "quantity": 2, "price": "50", "duties": [{"amount": "4.22"}]}
MUGS = {"sku": "MUG-ENAMEL", "quantity": 3, "price": "20", "duties": [{"amount": "1.51"}]}


@pytest.mark.parametrize("refund", [True, False])
@pytest.mark.parametrize("payment", ["unpaid", {"gateway": "shopify_payments"}])
async def test_duties_left_by_an_edit_are_removed_once_when_the_order_is_cancelled(
    apps: tuple[App, ...], payment: Any, *, refund: bool
) -> None:
    """An edit leaves the duties of the lines it removes; the cancellation refunds those of the other lines too."""
    simulated = SimulatedOrder("nordlys", basket(lines=[TENTS, MUGS], payment=payment))
    simulated.step("edit", {"quantities": {"TENT-2P": 0}})
    simulated.step("cancel", {"refund": refund})
    await compare_with_itself(apps, simulated.history())


@pytest.mark.parametrize("strategy_name", ["prairie", "prairie, with traces"])
async def test_the_rest_after_an_edit_is_settled_when_it_is_paid_in_another_currency(
    apps: tuple[App, ...], strategy_name: str
) -> None:
    """2.05 and 0.01 are 2.82 Canadian dollars, which are 2.05 at the rate of the order as it was placed."""
    shirt = {"sku": "TEE-RED-L", "quantity": 1, "price": "53", "discount": "5.30", "duties": [{"amount": "2.05"}]}
    abroad = {
        "currency": "CAD",
        "exchange_rate": "1.3731",
        "taxes_included": True,
        "fees": [{"name": "Handling", "price": "0.01"}],
    }
    checkout = basket(lines=[shirt], payment="unpaid", shipping_address=ADDRESSES["prairie"], **abroad)
    simulated = SimulatedOrder("prairie", checkout)
    simulated.step("edit", {"quantities": {"TEE-RED-L": 0}})
    simulated.step("pay", {"gateway": "gift_card"})
    assert not outstanding(simulated.order)
    await compare_with_itself(apps, simulated.history(), strategy_name)


async def compare_with_itself(apps: tuple[App, ...], history: History, name: str = "nordlys") -> None:
    """Every webhook twice changes nothing, and F&O's amounts are Shopify's."""
    scenario = Scenario(name, history, tuple(each for each in in_order(history) for _ in range(2)))
    for app, plan in zip(apps, (in_order(history), scenario.late), strict=True):
        await deliver_all(app, scenario, plan)
    assert not await apps[0].parked()
    await compare(*apps, scenario)


@pytest.mark.parametrize(
    ("payment", "refund"),
    [
        ({"gateway": "shopify_payments"}, False),
        ({"gateway": "cash", "cash_rounding": "0.02"}, True),  # so that two cents stay in the till
    ],
)
async def test_money_kept_of_an_order_cancelled_before_its_first_webhook_waits_for_a_person(
    apps: tuple[App, ...], payment: Any, *, refund: bool
) -> None:
    simulated = SimulatedOrder("nordlys", basket(payment=payment))
    simulated.step("cancel", {"refund": refund})
    history = simulated.history()
    scenario = Scenario("nordlys", history, after_the_last_step(history, *range(len(history.webhooks))))
    await deliver_all(apps[0], scenario, scenario.late)
    assert "PAYMENT_WITHOUT_ORDER" in await apps[0].parked() <= FOR_A_PERSON
    assert not apps[0].waiting
