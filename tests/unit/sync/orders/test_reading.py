"""Where the state of an order comes from: the event's body, or Shopify where the body cannot be booked."""

import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import FrameType
from typing import Any

import pytest
from builders.agreements import agreement, back, of_return, sale
from builders.changed_orders import Bag, ChangedOrder, transaction
from builders.orders import as_json, in_presentment, line, money_set, order_payload, tax_line
from builders.sales import EU

from shared.errors import NotYetError, RefusedError
from shared.mapping.orders.record import digest
from shared.mapping.shopify.events import naming_body
from shared.model import CurrencySide, OrderRecord, OrderState, RefundRecord
from shared.sync.orders.reading import LARGE, WITH_THE_ORDER, StateReader, read_json

RULES = EU
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


EVENT = NOW - timedelta(minutes=15)
"""When an event happened whose order Shopify would show by now."""


class Shop:
    """Shopify without any order. Its app has these access scopes."""

    def __init__(self, *scopes: str) -> None:
        self.calls = 0
        self.scopes = scopes

    async def run(self, query: Any, variables: Any) -> dict[str, Any]:
        if query.name == "AppScopes":
            return {"currentAppInstallation": {"accessScopes": [{"handle": scope} for scope in self.scopes]}}
        self.calls += 1
        return {"order": None}


async def read(payload: dict[str, Any], shop: Shop) -> OrderState:
    reader = StateReader(payload["id"], RULES, shop, NOW, EVENT, None)
    return await reader.read("orders/updated", read_json(as_json(payload)))


async def calls_on_the_loop(size: int) -> int:
    """How many functions of the mapping the event loop's thread calls to read an order of 100 lines, whose body has
    this size. What other tasks of the loop call is not counted.
    """
    payload = read_json(as_json(order_payload(lines=[line(at + 1) for at in range(100)])))
    reader = StateReader(payload["id"], RULES, Shop(), NOW, EVENT, None, size)
    calls = 0

    def note(frame: FrameType, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event == "call" and "/shared/mapping/" in frame.f_code.co_filename

    sys.setprofile(note)  # of this thread
    try:
        state = await reader.read("orders/updated", payload)
    finally:
        sys.setprofile(None)
    assert len(state.order.lines) == 100
    return calls


async def test_a_large_body_is_read_beside_the_event_loop() -> None:
    assert await calls_on_the_loop(LARGE + 1) < await calls_on_the_loop(LARGE) / 10


def refunded(payment: dict[str, Any]) -> dict[str, Any]:
    payload = in_presentment(order_payload(), "JPY", 160)
    refund = {
        "id": 9,
        "order_id": payload["id"],
        "created_at": "2026-11-22T10:00:00Z",
        "refund_line_items": [],
        "order_adjustments": [],
        "transactions": [payment],
    }
    return payload | {"refunds": [refund]}


async def test_an_order_with_money_in_a_currency_that_is_not_booked_is_fetched() -> None:
    shop = Shop("read_all_orders")
    payload = refunded(transaction(Bag((Decimal(1600),) * 2, ("JPY", "JPY")), kind="refund"))
    with pytest.raises(RefusedError) as refused:
        await read(payload, shop)
    assert (refused.value.code, shop.calls) == ("ORDER_GONE", 1)


async def test_an_order_that_cannot_be_read_for_another_reason_is_not_fetched() -> None:
    shop = Shop()
    with pytest.raises(RefusedError) as refused:
        await read(order_payload() | {"line_items": "x"}, shop)
    assert (refused.value.code, shop.calls) == ("NOT_AN_ORDER", 0)


@pytest.mark.parametrize("topic", sorted(WITH_THE_ORDER))
async def test_an_order_that_its_event_only_names_is_fetched(topic: str) -> None:
    shop = Shop("read_all_orders")
    with pytest.raises(RefusedError, match="ORDER_GONE"):
        await StateReader(42, RULES, shop, NOW, EVENT, None).read(topic, read_json(naming_body(42)))
    assert shop.calls == 1


@pytest.mark.parametrize(("total_tax", "calls"), [("1.91", 1), ("1.74", 0)])
async def test_an_order_whose_fees_are_taxed_is_fetched_since_its_body_does_not_show_their_taxes(
    total_tax: str, calls: int
) -> None:
    """The line has a tax of 1.74."""
    shop = Shop("read_all_orders")
    payload = order_payload(lines=[line(taxes=[tax_line("1.74")])], fees="0.98")
    payload |= dict.fromkeys(("total_tax", "current_total_tax"), total_tax)
    payload |= {f"{name}_set": money_set(total_tax) for name in ("total_tax", "current_total_tax")}
    if calls:
        with pytest.raises(RefusedError, match="ORDER_GONE"):
            await read(payload, shop)
    else:
        assert (await read(payload, shop)).order.additional_fees.amount == Decimal("0.98")
    assert shop.calls == calls


class ReturningShop(Shop):
    """Shopify with the sales agreements of one order."""

    def __init__(self, *agreements: dict[str, Any]) -> None:
        super().__init__()
        self._agreements = agreements

    async def run(self, query: Any, variables: Any) -> dict[str, Any]:
        assert query.name == "OrderAgreements"
        self.calls += 1
        at = int(variables["after"] or 0)
        page = {"hasNextPage": at + 1 < len(self._agreements), "endCursor": str(at + 1)}
        found = self._agreements[at]
        sales = {"nodes": found["sales"], "pageInfo": {"hasNextPage": False, "endCursor": None}}
        agreements = {"nodes": [found | {"sales": sales}], "pageInfo": page}
        return {"order": {"id": variables["order"], "updatedAt": "now", "agreements": agreements}}


def shipped_and_missing() -> dict[str, Any]:
    """Two of three tents of 40.00 are left, all were shipped."""
    changed = ChangedOrder(order_payload(lines=[line(11, price="40.00", quantity=3)], shipping=[]))
    changed.ship({11: 3})
    changed.edit(11, 1)
    return changed.payload()


SOLD = agreement(sale(11, 3, "120.0"))
BACK = of_return(back(11, 1, "40.0"))


def reader(payload: dict[str, Any], shop: Shop, **booked: Any) -> StateReader:
    return StateReader(payload["id"], RULES, shop, NOW, EVENT, None, **booked)


async def test_goods_that_are_missing_after_shipping_are_looked_up_in_the_sales_agreements() -> None:
    payload, shop = shipped_and_missing(), ReturningShop(SOLD, BACK)
    state = await reader(payload, shop).read("orders/updated", read_json(as_json(payload)))
    assert ([each.quantity for each in state.order.lines], shop.calls) == ([3], 2)


async def test_an_edit_that_fo_has_is_not_looked_up_again() -> None:
    """A tent was removed before two were shipped."""
    changed = ChangedOrder(order_payload(lines=[line(11, price="40.00", quantity=3)], shipping=[]))
    changed.edit(11, 1)
    changed.ship({11: 2})
    payload = changed.payload()
    shop = ReturningShop(SOLD, agreement(back(11, 1, "40.0"), reason="ORDER_EDIT"))
    state = await reader(payload, shop).read("orders/updated", read_json(as_json(payload)))
    assert ([each.quantity for each in state.order.lines], shop.calls) == ([2], 2)
    booked = digest(state.order, RULES)
    again = await reader(payload, shop, booked=booked).read("orders/updated", read_json(as_json(payload)))
    assert (again.order, shop.calls) == (state.order, 2)


@pytest.mark.parametrize(("is_known", "calls"), [(False, 2), (True, 0)])
async def test_the_fees_of_a_return_are_looked_up_until_its_refund_is_recorded(*, is_known: bool, calls: int) -> None:
    changed = ChangedOrder(order_payload(lines=[line(11, price="40.00", quantity=3)], shipping=[]))
    changed.ship({11: 3})
    refund = changed.refund({11: (1, "return")}, **{"return": {"id": 31}})
    payload, shop = changed.payload(), ReturningShop(SOLD, BACK)
    known = OrderRecord(CurrencySide.SHOP, refunds={refund["id"]: RefundRecord()} if is_known else {})
    await StateReader(payload["id"], RULES, shop, NOW, EVENT, known).read("orders/updated", read_json(as_json(payload)))
    assert shop.calls == calls


# ---- an order that Shopify does not show


def asked(shop: Shop, *, age: timedelta) -> StateReader:
    """For an event of this age."""
    return StateReader(42, RULES, shop, NOW, NOW - age, None)


@pytest.mark.parametrize("topic", ["refunds/create", "orders/edited", "orders/risk_assessment_changed"])
async def test_an_order_that_shopify_does_not_show_right_after_its_event_waits(topic: str) -> None:
    with pytest.raises(NotYetError, match="does not show the order of the event yet"):
        await asked(Shop(), age=timedelta(minutes=14, seconds=59)).read(topic, {"order_id": 42})


@pytest.mark.parametrize(
    ("scopes", "code"),
    [((), "ORDER_TOO_OLD"), (("read_orders",), "ORDER_TOO_OLD"), (("read_all_orders",), "ORDER_GONE")],
)
async def test_after_that_the_missing_scope_is_named_or_the_order_is_gone(scopes: tuple[str, ...], code: str) -> None:
    with pytest.raises(RefusedError) as refused:
        await asked(Shop(*scopes), age=timedelta(minutes=15)).read("refunds/create", {"order_id": 42})
    assert refused.value.code == code
    assert ("read_all_orders" in refused.value.cause) == (code == "ORDER_TOO_OLD")


async def state_of(**changes: Any) -> OrderState:
    payload = order_payload() | changes
    reader = StateReader(payload["id"], RULES, Shop(), NOW, EVENT, None)
    return await reader.read("orders/updated", read_json(as_json(payload)))


async def test_an_order_is_not_booked_without_its_payments_because_shopify_does_not_show_it() -> None:
    state = await state_of()
    with pytest.raises(NotYetError):
        await asked(Shop(), age=timedelta(minutes=1)).complete(state)
    with pytest.raises(RefusedError, match="ORDER_GONE"):  # it is too young to be hidden
        await asked(Shop(), age=timedelta(minutes=15)).complete(state)


async def test_a_body_of_an_old_order_is_not_taken_for_all_of_it_either() -> None:
    state = await state_of(created_at="2026-09-20T10:00:00Z")
    with pytest.raises(RefusedError, match="ORDER_TOO_OLD"):
        await asked(Shop(), age=timedelta(minutes=15)).complete(state)


async def test_an_order_that_is_given_up_needs_nothing_more() -> None:
    state = await state_of(cancelled_at="2026-11-22T10:00:00Z")
    assert await asked(Shop(), age=timedelta(minutes=1)).complete(state) is state


async def test_the_latest_state_is_that_of_the_event_where_shopify_does_not_show_the_order() -> None:
    state = await state_of()
    assert await asked(Shop(), age=timedelta(minutes=1)).latest(state) is state
