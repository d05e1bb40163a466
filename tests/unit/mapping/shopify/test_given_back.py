"""Charges that refunds give back, cancelled orders with stale totals, and edits that Shopify's totals explain."""

from decimal import Decimal
from typing import Any

import pytest

from shared.errors import RefusedError
from shared.mapping.orders.proof import prove
from shared.mapping.refunds.plan import plan_refund
from shared.mapping.refunds.proof import prove_refund
from shared.mapping.shopify.state import read_state
from shared.model import CurrencySide, Money, OrderRecord, OrderState, RefundRecord
from tests.builders.changed_orders import Bag, ChangedOrder
from tests.builders.orders import (
    Payload,
    duty,
    in_presentment,
    line,
    money_set,
    order_payload,
    parsed,
    shipping_line,
    tax_line,
)
from tests.builders.refunds import ACCOUNT, all_sold, rules


def euro(amount: str) -> Money:
    return Money(Decimal(amount), "EUR")


def read(payload: Any, **known: Any) -> OrderState:
    state = read_state(parsed(payload), store="nordlys", side=CurrencySide.SHOP, **known)
    prove(state.order)
    for refund in state.refunds:
        prove_refund(refund, state.order)
    return state


def with_fee(**overrides: Any) -> ChangedOrder:
    """A tent of 50.00, 10.50 of tax on top and a fee of 0.28."""
    lines = [line(11, price="50.00", taxes=[tax_line("10.50")])]
    return ChangedOrder(order_payload(lines=lines, shipping=[], fees="0.28", taxes_included=False) | overrides)


def test_a_fee_that_is_given_back_after_delivery_stays_on_the_order_and_is_credited():
    changed = with_fee()
    changed.ship({11: 1})
    changed.refund({11: (1, "return")}, fees=True)
    state = read(changed.payload())
    assert (state.order.additional_fees, state.order.total) == (euro("0.28"), euro("60.78"))
    [refund] = state.refunds
    plan = plan_refund(
        refund, state.order, rules(), customer_account=ACCOUNT, sales_order="SN1", sold=all_sold(state.order)
    )
    assert plan.invoice is not None
    assert [(each.component, each.amount) for each in plan.invoice.lines] == [("additional fees", euro("0.28"))]
    with pytest.raises(RefusedError) as caught:
        plan_refund(
            refund,
            state.order,
            rules(without=["fees"]),
            customer_account=ACCOUNT,
            sales_order="SN1",
            sold=all_sold(state.order),
        )
    assert caught.value.code == "AMOUNT_WITHOUT_RULE"
    assert "refunds.accounts.fees" in caught.value.next_step


def test_a_fee_that_is_given_back_before_anything_was_shipped_is_off_the_order():
    changed = with_fee()
    changed.refund(fees=True)
    state = read(changed.payload())
    [fee] = state.refunds[0].adjustments
    assert (fee.reason, fee.amount, fee.on_order) == ("additional_fees_refund", euro("0.28"), True)
    assert (state.order.additional_fees, state.order.total) == (euro("0.00"), euro("60.50"))


@pytest.mark.parametrize("off_order", [True, False])
def test_a_fee_stays_booked_the_way_it_was_whatever_parcels_say_now(*, off_order: bool):
    changed = with_fee()
    changed.refund(fees=True)
    if off_order:
        changed.ship({11: 1}, created_at="2026-11-22T10:20:00+01:00")
    record = RefundRecord(fees_off_order=off_order)
    state = read(changed.payload(), known=OrderRecord(CurrencySide.SHOP, refunds={700: record}))
    assert state.refunds[0].adjustments[0].on_order is off_order
    assert bool(state.order.additional_fees) is not off_order


@pytest.mark.parametrize("currency", [None, "JPY"])
@pytest.mark.parametrize("named", ["total", "each", "by the order alone"])
def test_a_fee_given_back_is_found_where_shopify_shows_it(named: str, currency: str | None):
    """GraphQL shows it on no refund: the order's fees are lower, and the refund's money is more by that."""
    changed = with_fee()
    if currency:
        changed = ChangedOrder(in_presentment(changed.placed, currency, 100))
    changed.ship({11: 1})
    changed.refund({11: (1, "return")}, fees=True)
    payload = changed.payload()
    [refund] = payload["refunds"]
    fee = refund.pop("total_additional_fees_set")
    if named == "total":
        refund["total_additional_fees_set"] = fee
    elif named == "each":
        refund["additional_fees"] = [{"id": 5, "name": "Delivery fee", "price_set": fee}]
    for each in refund["transactions"]:
        each["amount_set"] = changed.paid[each["id"]].set
    state = read(payload)
    [adjustment] = state.refunds[0].adjustments
    assert (adjustment.reason, adjustment.amount, adjustment.on_order) == (
        "additional_fees_refund",
        euro("0.28"),
        False,
    )
    assert state.order.additional_fees == euro("0.28")


def test_taxed_duties_given_back_are_worth_what_the_buyer_got_in_the_buyers_currency():
    taxed = duty("10.00", taxes=[tax_line("2.10")])
    lines = [line(11, price="50.00", taxes=[tax_line("10.50")], duties=[taxed])]
    placed = order_payload(lines=lines, shipping=[], duties="10.00", taxes_included=False)
    changed = ChangedOrder(in_presentment(placed, "JPY", 100))
    changed.ship({11: 1})
    [given_back] = changed.refund(duties=True)["transactions"]
    given_back["amount_set"] = changed.paid[given_back["id"]].set
    [refund] = read(changed.payload()).refunds
    assert refund.presented == Money(Decimal(1210), "JPY")


@pytest.mark.parametrize("cents", ["0.29", "0.50"])
def test_a_fee_that_is_given_back_leads_from_what_was_charged_to_what_is_left(cents: str):
    """The fee was 0.28, and Shopify has none left."""
    changed = with_fee()
    changed.refund(fees=True)
    payload = changed.payload()
    payload["refunds"][0]["total_additional_fees_set"] = money_set(cents)
    with pytest.raises(RefusedError) as caught:
        read(payload)
    assert caught.value.code == "STATE_SUM_DIFFERS"
    assert f"{cents} EUR given back" in caught.value.details["problem"]


def pending_refund(status: str, *rows: tuple[str, str]) -> Payload:
    changed = ChangedOrder(order_payload(lines=[line(11, price="50.00")], shipping=[]))
    changed.ship({11: 1})
    bags = [(reason, Bag((Decimal(amount),) * 2, ("EUR", "EUR"))) for reason, amount in rows]
    refund = changed.refund(adjustment=Bag((Decimal("-15.00"),) * 2, ("EUR", "EUR")), status=status)
    refund["order_adjustments"] += [changed._adjustment(amount, reason) for reason, amount in bags]
    changed.adjusted += [amount for _, amount in bags]
    return changed.payload()


@pytest.mark.parametrize(
    ("status", "rows"),
    [
        ("success", []),
        ("pending", [("Refund discrepancy", "15.00")]),
        ("success", [("Refund discrepancy", "15.00"), ("Pending refund discrepancy", "-15.00")]),
    ],
)
def test_a_refund_is_credited_with_what_it_pays_before_and_after_its_money_moved(
    status: str, rows: list[tuple[str, str]]
):
    state = read(pending_refund(status, *rows))
    [refund] = state.refunds
    assert refund.worth(taxes_included=True) == euro("15.00")
    plan = plan_refund(refund, state.order, rules(), customer_account=ACCOUNT, sales_order="SN1")
    assert plan.invoice is not None
    assert [each.amount for each in plan.invoice.lines] == [euro("15.00")]


def test_of_a_refund_whose_money_failed_nothing_is_credited():
    state = read(pending_refund("failure", ("Refund discrepancy", "15.00")))
    assert state.refunds[0].worth(taxes_included=True) == euro("0.00")


def cancelled(changed: ChangedOrder) -> Payload:
    """As orders/cancelled with totals of before the cancellation."""
    payload = changed.payload() | {"cancelled_at": "2026-11-22T14:00:00+01:00"}
    stale = ("total_price", "total_tax", "total_discounts", "total_duties", "total_additional_fees")
    for name in stale:
        for key in (f"current_{name}", f"current_{name}_set"):
            payload |= {key: changed.placed[key]} if key in changed.placed else {}
    return payload | {"current_shipping_price_set": changed.placed["current_shipping_price_set"]}


@pytest.mark.parametrize("restock", ["no_restock", "cancel"])
def test_a_cancelled_order_is_given_up_although_its_totals_still_show_the_old_sums(restock: str):
    changed = ChangedOrder(
        order_payload(lines=[line(11, price="50.00", quantity=2, taxes=[tax_line("21.00")])], taxes_included=False)
    )
    changed.refund({11: (2, restock)}, status=None)
    state = read(cancelled(changed))
    assert state.order.is_given_up
    assert (state.order.lines, state.order.total) == ((), euro("0.00"))
    assert "not proved" in state.readings[0]
    with pytest.raises(RefusedError, match="STATE_SUM_DIFFERS"):
        read(cancelled(changed) | {"cancelled_at": None})


@pytest.mark.parametrize("came_back", [{}, {11: (1, "return")}])
def test_of_a_cancelled_order_with_stale_totals_what_was_delivered_is_left(came_back: Any):
    """What comes back later is credited, and does not change the sale."""
    changed = ChangedOrder(order_payload(lines=[line(11, quantity=3, discounts=["3.00"], taxes=[tax_line("4.69")])]))
    changed.ship({11: 1})
    changed.refund({11: (2, "cancel")}, status=None)
    if came_back:
        changed.refund(came_back, status=None)
    state = read(cancelled(changed))
    [left] = state.order.lines
    assert (left.quantity, left.discount, left.taxes[0].amount) == (1, euro("1.00"), euro("1.56"))


def with_totals(payload: Payload, **amounts: str) -> Payload:
    return payload | {
        f"current_{name}{end}": value
        for name, amount in amounts.items()
        for end, value in (("", amount), ("_set", money_set(amount)))
    }


def edited(quantity: int, left: int, *, discount: str, tax: str, lamp_tax: str = "4.20", **other: Any) -> Payload:
    """Tents of 30.00, edited, with taxes on top unless said otherwise; beside them a lamp of 20.00."""
    return order_payload(
        lines=[
            line(
                11,
                price="30.00",
                quantity=quantity,
                current_quantity=left,
                discounts=[discount],
                taxes=[tax_line(tax)] if Decimal(tax) else [],
            ),
            line(12, price="20.00", taxes=[tax_line(lamp_tax)]),
        ],
        shipping=[],
        **{"taxes_included": False, **other},
    )


def test_a_quantity_that_went_down_and_up_under_a_discount_code_is_read_by_shopifys_totals():
    """3 with 10.00 off became 2 with 6.67, then 3 with 6.67 again: the line has 4 units, and tax of both."""
    placed = edited(4, 3, discount="10.00", tax="22.27")
    net, tax = Decimal("83.33"), Decimal("17.50")
    state = read(
        with_totals(placed, total_price=f"{net + tax + Decimal('24.20')}", total_tax="21.70", total_discounts="6.67")
    )
    tent, lamp = state.order.lines
    assert (tent.quantity, tent.discount, tent.taxes[0].amount) == (3, euro("6.67"), euro("17.50"))
    assert lamp.quantity == 1


def test_a_quantity_that_went_down_and_up_is_read_alike_where_prices_include_taxes():
    """As above: 3 x 30.00 less 6.67 are 83.33, of which 21 % tax are 14.46; of the lamp's 20.00 they are 3.47."""
    placed = edited(4, 3, discount="10.00", tax="19.09", lamp_tax="3.47", taxes_included=True)
    state = read(with_totals(placed, total_price="103.33", total_tax="17.93", total_discounts="6.67"))
    tent, lamp = state.order.lines
    assert (tent.quantity, tent.discount, tent.taxes[0].amount) == (3, euro("6.67"), euro("14.46"))
    assert lamp.taxes[0].amount == euro("3.47")


def test_a_quantity_that_went_down_keeps_the_whole_discount_of_its_line():
    """2 of 3 left with 9.00 off: 51.00, of which the tax is 10.71, whatever the tax of the removed unit was."""
    placed = edited(3, 2, discount="9.00", tax="17.64")
    state = read(with_totals(placed, total_price="85.91", total_tax="14.91", total_discounts="9.00"))
    tent, _ = state.order.lines
    assert (tent.quantity, tent.discount, tent.taxes[0].amount) == (2, euro("9.00"), euro("10.71"))
    assert any("by the rates" in reading for reading in state.readings)


def test_an_untaxed_line_is_read_by_shopifys_total_of_discounts():
    placed = edited(4, 3, discount="10.00", tax="0.00")
    amounts = {"total_price": "107.53", "total_tax": "4.20"}
    [tent, _] = read(with_totals(placed, **amounts, total_discounts="6.67")).order.lines
    assert (tent.quantity, tent.discount) == (3, euro("6.67"))
    with pytest.raises(RefusedError, match="STATE_SUM_DIFFERS"):
        read(with_totals(placed, **amounts, total_discounts="6.66"))


def test_totals_that_no_reading_explains_are_refused():
    placed = edited(4, 3, discount="10.00", tax="22.27")
    with pytest.raises(RefusedError, match="STATE_SUM_DIFFERS"):
        read(with_totals(placed, total_price="125.03", total_tax="19.70", total_discounts="6.67"))


def shipping_refund(*, taxed: bool, **row: Any) -> Payload:
    freight = shipping_line(price="10.00", taxes=[tax_line("1.74")] if taxed else [])
    changed = ChangedOrder(order_payload(lines=[line(11)], shipping=[freight]))
    changed.ship({11: 1})
    refund = changed.refund(shipping=True)
    refund["order_adjustments"] = []
    refund["refund_shipping_lines"] = [{"id": 1, "subtotal_amount_set": money_set("10.00")} | row]
    return changed.payload()


@pytest.mark.parametrize("row", [{}, {"shipping_line_id": 51}])
def test_shipping_that_was_not_taxed_is_given_back_without_a_tax_field(row: Payload):
    [refund] = read(shipping_refund(taxed=False, **row)).refunds
    assert [(each.amount, each.tax) for each in refund.adjustments] == [(euro("10.00"), euro("0.00"))]


@pytest.mark.parametrize("row", [{}, {"shipping_line_id": 51}])
def test_shipping_that_was_taxed_needs_its_tax(row: Payload):
    with pytest.raises(RefusedError, match="tax_amount"):
        read(shipping_refund(taxed=True, **row))
    [refund] = read(shipping_refund(taxed=True, **row, tax_amount_set=money_set("1.74"))).refunds
    assert [each.tax for each in refund.adjustments] == [euro("1.74")]


def test_of_a_cancelled_order_with_stale_totals_charges_given_back_early_are_gone_too():
    lines = [line(11, quantity=3), line(12)]
    changed = ChangedOrder(order_payload(lines=lines, duties="4.00", fees="0.28"))
    changed.refund({11: (2, "cancel")}, shipping=True, duties=True, fees=True, status=None)
    changed.ship({11: 1})
    order = read(cancelled(changed)).order
    assert {each.id: each.quantity for each in order.lines} == {11: 1, 12: 1}
    assert (order.shipping_net, order.duties, order.additional_fees) == (euro("0.00"), euro("0.00"), euro("0.00"))
    assert order.total == euro("20.00")
