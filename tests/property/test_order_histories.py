"""However late, often and confused Shopify's events arrive, F&O ends as if each had arrived at once.

A life of an order happens in the Shopify simulator. One installation of the app hears of every step when it happens;
another one hears of it later, in another order, and of some of it twice. Both talk to a F&O of their own over HTTP, and
ask Shopify over HTTP for what it shows at that moment.
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
from local.shopify.money import total
from local.shopify.order import Order
from shared.model import CurrencySide
from shared.rules import StoreRules
from tests.builders.both_sides import App, running_apps
from tests.builders.checkouts import ADDRESSES, BUYER, Document
from tests.builders.deliveries import Delivery, deliveries, in_order
from tests.builders.fo_books import ORDERS, books_of, items_of_orders, line_count, without_traces
from tests.builders.fo_people import close_the_books, is_held, ship_and_invoice
from tests.builders.histories import History, Life, histories
from tests.builders.strategies import strategy

STRATEGIES: dict[str, dict[str, Any]] = {
    "nordlys": {"store": "nordlys"},
    "nordlys, the buyer's currency": {"store": "nordlys", "policy": "prices_with_tax", "side": "presentment"},
    "nordlys, credits without goods": {"store": "nordlys", "policy": "service_line", "goods": "free_text_invoice"},
    "prairie": {"store": "prairie", "policy": "rounding_line", "verify": "fo", "number": "sequence"},
    "prairie, with traces": {"store": "prairie", "number": "sequence", "cancellation": "zero_remaining"},
}
CURRENCIES = {"nordlys": ("EUR", "DKK"), "prairie": ("USD", "CAD")}
FOR_A_PERSON = {"PAYMENT_WITHOUT_ORDER", "REFUND_WITHOUT_ORDER"}
"""What there is to say of an order that was given up before the app first heard of it, and of which something stays."""
over_the_wire = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)


@dataclass(frozen=True)
class Story:
    strategy: str
    history: History
    late: tuple[Delivery, ...]

    @property
    def rules(self) -> StoreRules:
        return strategy(**STRATEGIES[self.strategy])


@st.composite
def stories(draw: st.DrawFn) -> Story:
    name = draw(st.sampled_from(sorted(STRATEGIES)))
    store = STRATEGIES[name]["store"]
    history = draw(histories(store, currencies=CURRENCIES[store]))
    return Story(name, history, draw(deliveries(history)))


@pytest.fixture(scope="module")
async def apps(wire: None) -> AsyncIterator[tuple[App, ...]]:
    async with running_apps(2) as both:
        yield both


async def live(app: App, story: Story, plan: tuple[Delivery, ...]) -> None:
    """The deliveries as they come, what waits again afterwards, then F&O ships and invoices, and what waited for it."""
    app.begin(story.rules)
    for now, moment in enumerate(story.history.moments):
        app.shopify.show(story.history.store, moment.order)
        for delivery in plan:
            if delivery.after == now:
                await app.take(delivery.notice)
    await app.take_what_waits()
    ship_and_invoice(app.fo)
    await app.take_what_waits()


def owed(order: Order, rules: StoreRules, app: App) -> Decimal:
    """What the buyer owes by Shopify's books, below zero what is owed to him.

    Refunds under way have not been paid. What cash was rounded by stays in the till when the order that it was a part
    of is given up.
    """
    under_way = total(
        (t.settles for t in order.transactions if (t.kind, t.status) == ("REFUND", "PENDING")), order.zero
    )
    bag = outstanding(order) - under_way
    if rules.orders.rounding_item and "ROUNDING" not in items_of_orders(app.fo):
        bag -= rounding(order, ("SALE", "CAPTURE"))
    return bag.shop if rules.currency_side is CurrencySide.SHOP else bag.presentment


async def compare(prompt: App, late: App, story: Story) -> None:
    """Both ends are the same, and the same as Shopify's."""
    order = story.history.order
    if await late.parked() & FOR_A_PERSON and not books_of(late.fo)[ORDERS]:
        return
    assert without_traces(books_of(late.fo)) == without_traces(books_of(prompt.fo))
    assert await late.parked() == await prompt.parked()
    assert bool(late.waiting) == bool(prompt.waiting)
    if not await prompt.parked() and not prompt.waiting and not is_held(prompt.fo):
        difference = close_the_books(prompt.fo) - owed(order, story.rules, prompt)
        is_exact = order.taxes_included or story.rules.tax.policy != "tolerate"
        assert abs(difference) <= (0 if is_exact else Decimal("0.02") * line_count(prompt.fo))


@pytest.mark.timeout(600)  # a failure is reduced to a small example first
@over_the_wire
@given(story=stories())
async def test_late_and_repeated_events_end_as_if_each_had_come_at_once(apps: tuple[App, ...], story: Story) -> None:
    for app, plan in zip(apps, (in_order(story.history), story.late), strict=True):
        await live(app, story, plan)
    await compare(*apps, story)


def basket(**parts: Any) -> Document:
    tax = [{"title": "BTW", "rate": "0.21"}]
    lines = [{"sku": "TENT-2P", "quantity": 2, "tax": tax}, {"sku": "MUG-ENAMEL", "quantity": 3, "tax": tax}]
    return {"customer": BUYER, "shipping_address": ADDRESSES["nordlys"], "lines": lines} | parts


def when_all_is_over(history: History, *numbers: int) -> tuple[Delivery, ...]:
    """These notices, in this order, once nothing happens any more."""
    return tuple(Delivery(history.notices[number], len(history.moments) - 1) for number in numbers)


async def test_a_late_change_does_not_come_back_once_it_was_undone(apps: tuple[App, ...]) -> None:
    """The state without the change looks like the one that F&O has, and is later than the change all the same."""
    life = Life("nordlys", basket(payment="unpaid"))
    life.step("amend", {"po_number": "PO-77"})
    life.step("amend", {"po_number": None})
    history = life.history()
    assert [each.topic for each in history.notices] == ["orders/create", "orders/updated", "orders/updated"]
    story = Story("nordlys", history, (in_order(history)[0], *when_all_is_over(history, 2, 1)))
    for app, plan in zip(apps, (in_order(history), story.late), strict=True):
        await live(app, story, plan)
    await compare(*apps, story)


async def test_an_order_that_lost_its_shipping_is_like_one_that_never_had_any(apps: tuple[App, ...]) -> None:
    parcel = {"title": "Standard", "code": "STANDARD", "price": "4.95", "tax": []}
    life = Life("nordlys", basket(payment="unpaid", shipping=[parcel]))
    life.step("edit", {"shipping": {"remove": True}})
    history = life.history()
    story = Story("nordlys", history, when_all_is_over(history, 0))
    for app, plan in zip(apps, (in_order(history), story.late), strict=True):
        await live(app, story, plan)
    assert not await apps[0].parked()
    await compare(*apps, story)


@pytest.mark.parametrize("refund", [True, False])
@pytest.mark.parametrize("payment", ["unpaid", {"gateway": "shopify_payments"}])
async def test_fees_of_a_cancelled_order_are_neither_owed_nor_given_twice(
    apps: tuple[App, ...], payment: Any, *, refund: bool
) -> None:
    life = Life("nordlys", basket(payment=payment, fees=[{"name": "Handling", "price": "4.30"}]))
    life.step("cancel", {"refund": refund})
    await compare_with_itself(apps, life.history())


async def test_a_fee_that_outlives_its_goods_is_still_charged(apps: tuple[App, ...]) -> None:
    life = Life("nordlys", basket(payment="unpaid", fees=[{"name": "Handling", "price": "4.30"}]))
    life.step("refund", {"lines": [{"line": "TENT-2P", "quantity": 2, "restock": "cancel"}]})
    life.step("refund", {"lines": [{"line": "MUG-ENAMEL", "quantity": 3, "restock": "cancel"}]})
    await compare_with_itself(apps, life.history())
    assert items_of_orders(apps[0].fo) == ["FEES"]


TENTS = {"sku": "TENT-2P", "quantity": 2, "price": "50", "duties": [{"amount": "4.22"}]}
MUGS = {"sku": "MUG-ENAMEL", "quantity": 3, "price": "20", "duties": [{"amount": "1.51"}]}


@pytest.mark.parametrize("refund", [True, False])
@pytest.mark.parametrize("payment", ["unpaid", {"gateway": "shopify_payments"}])
async def test_duties_that_outlive_their_goods_are_given_up_once_when_the_order_is_cancelled(
    apps: tuple[App, ...], payment: Any, *, refund: bool
) -> None:
    """An edit leaves the duties of what it removes; the cancellation gives those of the other goods back beside it."""
    life = Life("nordlys", basket(lines=[TENTS, MUGS], payment=payment))
    life.step("edit", {"quantities": {"TENT-2P": 0}})
    life.step("cancel", {"refund": refund})
    await compare_with_itself(apps, life.history())


@pytest.mark.parametrize("strategy_name", ["prairie", "prairie, with traces"])
async def test_what_an_edit_left_is_even_once_it_is_paid_in_another_currency(
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
    life = Life("prairie", checkout)
    life.step("edit", {"quantities": {"TEE-RED-L": 0}})
    life.step("pay", {"gateway": "gift_card"})
    assert not outstanding(life.order)
    await compare_with_itself(apps, life.history(), strategy_name)


async def compare_with_itself(apps: tuple[App, ...], history: History, name: str = "nordlys") -> None:
    """Every event twice changes nothing, and F&O's books are Shopify's."""
    story = Story(name, history, tuple(each for each in in_order(history) for _ in range(2)))
    for app, plan in zip(apps, (in_order(history), story.late), strict=True):
        await live(app, story, plan)
    assert not await apps[0].parked()
    await compare(*apps, story)


@pytest.mark.parametrize(
    ("payment", "refund"),
    [
        ({"gateway": "shopify_payments"}, False),
        ({"gateway": "cash", "cash_rounding": "0.02"}, True),  # which leaves two cents in the till
    ],
)
async def test_money_kept_of_an_order_that_was_cancelled_unheard_is_a_persons(
    apps: tuple[App, ...], payment: Any, *, refund: bool
) -> None:
    life = Life("nordlys", basket(payment=payment))
    life.step("cancel", {"refund": refund})
    history = life.history()
    story = Story("nordlys", history, when_all_is_over(history, *range(len(history.notices))))
    await live(apps[0], story, story.late)
    assert await apps[0].parked() == {"PAYMENT_WITHOUT_ORDER"}
    assert not apps[0].waiting
