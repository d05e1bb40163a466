"""Goods of processed returns that nobody refunded, told from edits by the sales agreements, and the fees of returns."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from shared.errors import RefusedError
from shared.mapping.orders.proof import prove
from shared.mapping.orders.record import add_refunds
from shared.mapping.refunds.proof import prove_refund
from shared.mapping.shopify.edits.returns import may_have_come_back
from shared.mapping.shopify.edits.shares import Goods
from shared.mapping.shopify.state import read_state
from shared.model import CurrencySide, Money, OpenReturns, OrderRecord, OrderState, RefundRecord, ReturnFee
from tests.builders import refunds
from tests.builders.agreements import agreement, back, bag, fee, of_return, sale
from tests.builders.changed_orders import Bag, ChangedOrder
from tests.builders.orders import Payload, in_presentment, line, order_payload, parsed, tax_line


def euro(amount: str) -> Money:
    return Money(Decimal(amount), "EUR")


def bags(amount: str) -> Bag:
    return Bag((Decimal(amount),) * 2, ("EUR", "EUR"))


def read(payload: Payload, *agreements: Payload, **known: Any) -> OrderState:
    state = read_state(parsed(payload), store="nordlys", side=CurrencySide.SHOP, agreements=agreements or None, **known)
    prove(state.order)
    for refund in state.refunds:
        prove_refund(refund, state.order)
    return state


def tents(quantity: int = 3) -> ChangedOrder:
    """Tents of 40.00 with 8.40 of tax on top of each."""
    taxes = [tax_line(f"{Decimal('8.40') * quantity}")]
    lines = [line(11, price="40.00", quantity=quantity, taxes=taxes)]
    return ChangedOrder(order_payload(lines=lines, shipping=[], taxes_included=False))


SOLD = agreement(sale(11, 3, "145.2", "25.2"))
ONE_BACK = of_return(back(11, 1, "48.4", "8.4"))


def missing_after_shipping(shipped: int = 3, units: int = 1) -> Payload:
    """Shopify's figures are the same whether an edit removed the units or a return brought them back."""
    changed = tents()
    changed.ship({11: shipped})
    changed.edit(11, units)
    return changed.payload()


def units(state: OrderState) -> list[int]:
    return [each.quantity for each in state.order.lines]


def waiting(state: OrderState) -> list[tuple[int, int, Money, Money]]:
    assert state.returned is not None
    return [(each.line_id, each.quantity, each.subtotal, each.tax) for each in state.returned.lines]


def test_goods_that_came_back_stay_on_the_order():
    state = read(missing_after_shipping(), SOLD, ONE_BACK)
    assert (units(state), state.order.total, state.order.total_tax) == ([3], euro("145.20"), euro("25.20"))
    assert waiting(state) == [(11, 1, euro("40.00"), euro("8.40"))]
    assert state.refunds == ()


def test_goods_that_came_back_are_found_behind_a_line_of_which_nothing_did():
    lines = [
        line(10, price="5.00", quantity=1, taxes=[tax_line("1.05")]),
        line(11, price="40.00", quantity=3, taxes=[tax_line("25.20")]),
    ]
    changed = ChangedOrder(order_payload(lines=lines, shipping=[], taxes_included=False))
    changed.ship({10: 1, 11: 3})
    changed.edit(11, 1)
    sold = agreement(sale(10, 1, "6.05", "1.05"), sale(11, 3, "145.2", "25.2"))
    assert waiting(read(changed.payload(), sold, ONE_BACK)) == [(11, 1, euro("40.00"), euro("8.40"))]


@pytest.mark.parametrize(("shipped", "refunded", "may"), [(2, 1, True), (1, 1, False), (1, 2, False), (0, 0, False)])
def test_missing_units_may_be_back_where_more_were_shipped_than_refunded(*, shipped: int, refunded: int, may: bool):
    given = [refunds.refund(refunds.back(11, refunded))] if refunded else []
    goods = {11: Goods(ordered=4, removed=1, left=3 - refunded)}
    assert may_have_come_back(goods, given, {11: shipped}) is may
    assert not may_have_come_back({11: replace(goods[11], removed=0)}, given, {11: shipped})


def test_without_agreements_nobody_knows_whether_shipped_goods_came_back():
    assert read(missing_after_shipping()).returned is None


def test_goods_that_were_never_shipped_were_removed_by_an_edit():
    changed = tents()
    changed.edit(11, 1)
    state = read(changed.payload())
    assert (units(state), state.returned) == ([2], OpenReturns())


def test_goods_that_an_edit_removed_are_off_the_order():
    edited = agreement(back(11, 1, "48.4", "8.4"), reason="ORDER_EDIT")
    state = read(missing_after_shipping(shipped=2), SOLD, edited)
    assert (units(state), state.order.total, state.returned) == ([2], euro("96.80"), OpenReturns())


def test_an_edit_and_a_return_of_one_line_are_told_apart():
    edited = agreement(back(11, 1, "48.4", "8.4"), reason="ORDER_EDIT")
    state = read(missing_after_shipping(shipped=2, units=2), SOLD, edited, ONE_BACK)
    assert (units(state), state.order.total) == ([2], euro("96.80"))
    assert waiting(state) == [(11, 1, euro("40.00"), euro("8.40"))]


def test_an_order_that_came_back_as_a_whole_is_not_given_up():
    state = read(missing_after_shipping(units=3), SOLD, of_return(back(11, 3, "145.2", "25.2")))
    assert (units(state), state.order.is_given_up) == ([3], False)
    assert waiting(state) == [(11, 3, euro("120.00"), euro("25.20"))]


def test_a_return_that_was_undone_leaves_nothing_to_refund():
    changed = tents()
    changed.ship({11: 3})
    state = read(changed.payload(), SOLD, ONE_BACK, of_return(sale(11, 1, "48.4", "8.4")))
    assert (units(state), state.returned) == ([3], OpenReturns())


def test_goods_that_are_refunded_wait_no_more_and_those_that_are_left_keep_their_amount():
    """Three for 110.00; two came back for 73.33, of which one is refunded with 36.67."""
    tent = line(11, price="40.00", quantity=3, discounts=["10.00"], taxes=[])
    changed = ChangedOrder(order_payload(lines=[tent], shipping=[]))
    changed.ship({11: 3})
    changed.refund({11: (1, "return")}, **{"return": {"id": 31}})
    changed.edit(11, 1)
    state = read(changed.payload(), agreement(sale(11, 3, "110.0")), of_return(back(11, 2, "73.33")))
    assert (units(state), state.order.total) == ([3], euro("110.00"))
    assert waiting(state) == [(11, 1, euro("36.66"), euro("0.00"))]
    assert [refund.worth(taxes_included=True) for refund in state.refunds] == [euro("36.67")]


@pytest.mark.parametrize(("included", "price"), [(False, "40.00"), (True, "48.40")])
def test_goods_that_are_left_have_what_was_agreed_less_what_was_refunded_with_its_tax(*, included: bool, price: str):
    tent = line(11, price=price, quantity=3, taxes=[tax_line("25.20")])
    changed = ChangedOrder(order_payload(lines=[tent], shipping=[], taxes_included=included))
    changed.ship({11: 3})
    changed.refund({11: (1, "return")}, **{"return": {"id": 31}})
    changed.edit(11, 1)
    state = read(changed.payload(), SOLD, of_return(back(11, 2, "96.8", "16.8")))
    assert waiting(state) == [(11, 1, euro(price), euro("8.40"))]


def test_goods_that_are_missing_after_they_were_shipped_are_refused_where_no_return_explains_them():
    with pytest.raises(RefusedError) as refused:
        read(missing_after_shipping(), SOLD)
    assert refused.value.code == "RETURN_UNCLEAR"
    assert refused.value.details["units"] == "1"


def test_a_cancelled_order_waits_for_no_explanation():
    cancelled = missing_after_shipping() | {"cancelled_at": "2026-11-22T14:00:00+01:00"}
    assert units(read_state(parsed(cancelled), store="nordlys", side=CurrencySide.SHOP)) == [2]
    assert units(read_state(parsed(cancelled), store="nordlys", side=CurrencySide.SHOP, agreements=[SOLD])) == [2]


def test_a_line_that_a_return_sends_in_exchange_is_no_goods_back():
    changed = tents()
    changed.ship({11: 3})
    lamp = line(12, price="10.00", taxes=[])
    payload = changed.payload()
    payload["line_items"].append(lamp | {"current_quantity": 1})
    for key, amount in (("total_price", "155.20"), ("current_total_price", "155.20")):
        payload |= {key: amount, f"{key}_set": bags(amount).set}
    state = read(payload, SOLD, of_return(sale(12, 1, "10.0")))
    assert (units(state), state.returned) == ([3, 1], OpenReturns())


# ---- fees


RESTOCKING = ReturnFee("RestockingFee", euro("5.00"), euro("0.00"))
SENDING = ReturnFee("ReturnShippingFee", euro("2.50"), euro("0.00"))
CHARGED = of_return(back(11, 1, "48.4", "8.4"), fee("RestockingFee", bag("5.0")), fee("ReturnShippingFee", bag("2.5")))


def refunded_less_fees(*, in_total: bool = True) -> Payload:
    """A tent came back, and 40.90 of its 48.40 were paid out."""
    changed = tents()
    changed.ship({11: 3})
    refund = changed.refund({11: (1, "return")}, **{"return": {"id": 31}})
    refund["transactions"][0] |= {"amount": "40.90"}
    payload = changed.payload()
    if in_total:
        payload |= {"current_total_price": "104.30", "current_total_price_set": bags("104.30").set}
    return payload


@pytest.mark.parametrize("in_total", [True, False])
def test_a_refund_is_less_by_the_fees_of_its_return(*, in_total: bool):
    """Whether Shopify's current total contains the fees is not documented."""
    state = read(refunded_less_fees(in_total=in_total), SOLD, CHARGED)
    (refund,) = state.refunds
    assert refund.return_fees == (RESTOCKING, SENDING)
    assert refund.worth(taxes_included=False) == euro("40.90")
    assert (state.order.total, state.returned) == (euro("145.20"), OpenReturns())


def test_a_refund_that_is_recorded_keeps_its_fees_without_the_agreements():
    first = read(refunded_less_fees(), SOLD, CHARGED)
    record = add_refunds(OrderRecord(CurrencySide.SHOP), first.refunds)
    again = read(refunded_less_fees(), known=record)
    assert (again.refunds, again.order.total) == (first.refunds, euro("145.20"))


def test_a_fee_that_is_charged_after_the_refund_was_recorded_belongs_to_the_next_refund_of_the_return():
    changed = tents()
    changed.ship({11: 3})
    changed.refund({11: (1, "return")}, **{"return": {"id": 31}})["transactions"][0] |= {"amount": "43.40"}
    changed.refund({11: (1, "return")}, **{"return": {"id": 31}})["transactions"][0] |= {"amount": "45.90"}
    record = OrderRecord(CurrencySide.SHOP, refunds={changed.refunds[0]["id"]: RefundRecord(return_fees=(RESTOCKING,))})
    state = read(changed.payload(), SOLD, CHARGED, known=record)
    assert [refund.return_fees for refund in state.refunds] == [(RESTOCKING,), (SENDING,)]


def test_a_fee_that_no_refund_is_less_by_is_open():
    changed = tents()
    changed.ship({11: 3})
    changed.refund({11: (1, "return")}, **{"return": {"id": 31}})
    record = OrderRecord(CurrencySide.SHOP, refunds={changed.refunds[0]["id"]: RefundRecord()})
    state = read(changed.payload(), SOLD, CHARGED, known=record)
    assert (state.refunds[0].return_fees, state.returned) == ((), OpenReturns((), (RESTOCKING, SENDING)))


def test_fees_wait_with_the_goods_of_their_return():
    state = read(missing_after_shipping(), SOLD, CHARGED)
    assert state.returned is not None
    assert (len(state.returned.lines), state.returned.fees) == (1, (RESTOCKING, SENDING))
    assert state.order.total == euro("145.20")


def test_a_fee_that_was_taken_back_is_none():
    undone = of_return(fee(None, bag("5.0"), action="RETURN"))
    charged = of_return(back(11, 1, "48.4", "8.4"), fee(None, bag("5.0")))
    assert read(missing_after_shipping(), SOLD, charged, undone).returned.fees == ()


@pytest.mark.parametrize(("included", "amount"), [(True, "12.10"), (False, "10.00")])
def test_the_tax_of_a_fee_is_read_as_prices_contain_it(*, included: bool, amount: str):
    changed = ChangedOrder(order_payload(lines=[line(11, price="40.00")], shipping=[], taxes_included=included))
    changed.ship({11: 1})
    state = read_state(
        parsed(changed.payload() | {"updated_at": "2026-11-23T14:15:00+01:00"})
        | {"current_total_price_set": bags("52.10").set, "current_total_tax_set": bags("2.10").set},
        store="nordlys",
        side=CurrencySide.SHOP,
        agreements=[agreement(sale(11, 1, "40.0")), of_return(fee("RestockingFee", bag("12.1"), tax="2.1"))],
    )
    assert state.returned == OpenReturns((), (ReturnFee("RestockingFee", euro(amount), euro("2.10")),))
    assert state.order.total == euro("40.00")


def test_a_fee_counts_in_the_currency_that_was_paid_too():
    """Ten kroner for a euro: 1.00 of the 48.40 was kept, 474.00 paid out."""
    payload = in_presentment(order_payload(lines=[line(11, price="48.40")], shipping=[]), "DKK", 10)
    changed = ChangedOrder(payload)
    changed.ship({11: 1})
    refund = changed.refund({11: (1, "return")}, **{"return": {"id": 31}})
    (paid,) = refund["transactions"]
    paid |= {"amount": "474.00", "amount_set": Bag((Decimal("47.40"), Decimal("474.00")), ("EUR", "DKK")).set}
    charged = of_return(fee("RestockingFee", bag("1.0", "10.0", "DKK")))
    (found,) = read(changed.payload(), charged).refunds
    assert found.return_fees == (ReturnFee("RestockingFee", euro("1.00"), euro("0.00"), Money(Decimal(10), "DKK")),)
    assert found.presented == Money(Decimal(474), "DKK")
