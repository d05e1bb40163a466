"""What an order is after edits, parcels and refunds."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from shared.errors import RefusedError
from shared.mapping.orders.proof import prove
from shared.mapping.orders.record import digest
from shared.mapping.shopify.order import read_order
from shared.mapping.shopify.state import read_state
from shared.model import CurrencySide, Money, OrderState, Restock, Risk
from tests.builders.changed_orders import Bag, ChangedOrder
from tests.builders.orders import line, money_set, order_payload, parsed, shipping_line, tax_line
from tests.builders.sales import EU


def read(payload: Any, side: CurrencySide = CurrencySide.SHOP) -> OrderState:
    state = read_state(parsed(payload), store="nordlys", side=side)
    prove(state.order)
    return state


def euro(amount: str) -> Money:
    return Money(Decimal(amount), "EUR")


def two_lines(**overrides: Any) -> ChangedOrder:
    """3 tents of 10.00 with 3.00 off and 4.69 of tax, a lamp of 20.00, shipping of 5.00."""
    lines = [
        line(11, price="10.00", quantity=3, discounts=["3.00"], taxes=[tax_line("4.00"), tax_line("0.69", "0.02")]),
        line(12, price="20.00", quantity=1, taxes=[tax_line("3.47")]),
    ]
    shipping = [shipping_line(taxes=[tax_line("0.87")])]
    return ChangedOrder(order_payload(**({"lines": lines, "shipping": shipping} | overrides)))


def test_a_quantity_left_that_is_no_number_is_named():
    payload = order_payload()
    payload["line_items"][0]["current_quantity"] = "1"
    with pytest.raises(RefusedError) as caught:
        read(payload)
    assert caught.value.code == "NOT_AN_ORDER"
    assert "line_items[0].current_quantity is “1”, not a whole number" in caught.value.cause


def quantities(state: OrderState) -> dict[int, int]:
    return {each.id: each.quantity for each in state.order.lines}


def test_an_untouched_order_is_read_as_it_was_placed():
    payload = order_payload()
    state = read(payload)
    assert state.order == read_order(parsed(payload), store="nordlys", side=CurrencySide.SHOP)
    assert (state.refunds, state.transactions, state.risk, state.shipped) == ((), None, Risk.NONE, {})
    assert state.readings == ()


def test_an_order_without_its_list_of_refunds_is_refused():
    payload = order_payload()
    del payload["refunds"]
    with pytest.raises(RefusedError) as caught:
        read(payload)
    assert caught.value.code == "NOT_AN_ORDER"
    assert "refunds" in caught.value.cause


def test_parcels_and_payments_alone_change_nothing_that_is_booked():
    life = two_lines()
    before = digest(read(life.payload()).order, EU)
    life.ship({11: 2})
    life.ship({11: 1, 12: 1})
    state = read(life.payload())
    assert state.shipped == {11: 3, 12: 1}
    assert digest(state.order, EU) == before


def test_a_parcel_that_came_to_nothing_is_not_shipped():
    life = two_lines()
    life.ship({11: 2}, status="cancelled")
    assert read(life.payload()).shipped == {}


def test_units_that_an_edit_removed_are_gone_with_their_discount_and_tax():
    life = two_lines()
    life.edit(11, 2)
    state = read(life.payload())
    tents, lamp = state.order.lines
    assert (tents.quantity, tents.unit_price, tents.discount) == (1, euro("10.00"), euro("1.00"))
    assert [each.amount for each in tents.taxes] == [euro("1.33"), euro("0.23")]
    assert lamp.quantity == 1
    assert state.order.total == euro("9.00") + euro("20.00") + euro("5.00")
    assert any("removed units take their share" in reading for reading in state.readings)


def test_a_line_without_units_left_is_no_line():
    life = two_lines()
    life.edit(12, 1)
    assert quantities(read(life.payload())) == {11: 3}


def test_goods_refunded_before_shipping_are_gone_whatever_the_restock_type():
    for restock in ("cancel", "no_restock", "legacy_restock"):
        life = two_lines()
        life.refund({11: (2, restock)})
        state = read(life.payload())
        assert quantities(state) == {11: 1, 12: 1}
        [refunded] = state.refunds[0].lines
        assert (refunded.restock, refunded.quantity) == (Restock.CANCEL, 2)


def test_goods_that_were_delivered_stay_when_they_come_back_or_are_paid_back():
    for restock in ("return", "no_restock"):
        life = two_lines()
        placed = read(life.payload()).order
        life.ship({11: 3, 12: 1})
        life.refund({11: (2, restock), 12: (1, restock)}, shipping=True)
        state = read(life.payload())
        assert state.order.lines == placed.lines
        assert state.order.total == placed.total
        assert {each.restock for each in state.refunds[0].lines} == {Restock(restock)}
        assert not state.refunds[0].adjustments[0].on_order


def test_of_goods_paid_back_in_part_those_not_shipped_count_first():
    life = two_lines()
    life.ship({11: 2})
    life.refund({11: (2, "no_restock")})
    state = read(life.payload())
    assert quantities(state) == {11: 2, 12: 1}
    gone, kept = state.refunds[0].lines
    assert (gone.restock, gone.quantity, kept.restock, kept.quantity) == (Restock.CANCEL, 1, Restock.NO_RESTOCK, 1)
    assert gone.subtotal + kept.subtotal == euro("18.00")


def test_goods_that_no_parcel_covers_are_counted_once():
    life = two_lines()
    life.ship({11: 2})
    life.refund({11: (1, "no_restock")})
    life.refund({11: (1, "no_restock")})
    state = read(life.payload())
    assert quantities(state) == {11: 2, 12: 1}
    assert [refund.lines[0].restock for refund in state.refunds] == [Restock.CANCEL, Restock.NO_RESTOCK]


def test_an_edit_after_a_refund_takes_its_share_of_what_the_refund_left():
    """Of 0.05 off 4, a refund of 3 units took 0.04: of the 0.01 left, an edit takes all with the last unit."""
    life = ChangedOrder(order_payload(lines=[line(11, quantity=4, discounts=["0.05"]), line(12)]))
    life.refund({11: (3, "cancel")})
    life.edit(11, 1)
    state = read(life.payload())
    assert quantities(state) == {12: 1}
    assert state.readings[1] == "discounts: removed units take their share of what refunds left"


def test_goods_cancelled_are_not_shipped_later_and_what_is_shipped_later_changes_nothing():
    life = two_lines()
    life.refund({11: (1, "no_restock")})
    before = read(life.payload()).order
    life.ship({11: 2, 12: 1})
    assert read(life.payload()).order.lines == before.lines


def test_shipping_paid_back_before_anything_left_is_off_the_order():
    life = two_lines()
    life.refund(shipping=True)
    life.ship({11: 3, 12: 1})
    state = read(life.payload())
    [adjustment] = state.refunds[0].adjustments
    assert (adjustment.reason, adjustment.amount, adjustment.on_order) == ("shipping_refund", euro("5.00"), True)
    assert state.order.shipping_net == euro("0.00")
    assert state.order.total == euro("47.00")


def test_duties_paid_back_before_anything_left_are_off_the_order_and_later_they_are_not():
    life = two_lines(duties="4.00")
    life.refund(duties=True)
    state = read(life.payload())
    [adjustment] = state.refunds[0].adjustments
    assert (adjustment.reason, adjustment.amount, adjustment.on_order) == ("duties_refund", euro("4.00"), True)
    assert (state.refunds[0].duties, state.order.duties, state.order.total) == (euro("0"), euro("0"), euro("52.00"))
    life = two_lines(duties="4.00")
    life.ship({11: 1})
    life.refund(duties=True)
    state = read(life.payload())
    assert state.refunds[0].adjustments == ()
    assert (state.refunds[0].duties, state.order.duties, state.order.total) == (
        euro("4.00"),
        euro("4.00"),
        euro("56.00"),
    )


def test_an_order_cancelled_before_shipping_has_nothing_left():
    life = two_lines()
    life.refund({11: (3, "cancel"), 12: (1, "cancel")}, shipping=True)
    state = read(life.payload() | {"cancelled_at": "2026-11-22T14:00:00+01:00"})
    assert state.order.lines == ()
    assert state.order.total == state.order.total_tax == euro("0")
    assert state.order.cancelled_at == datetime.fromisoformat("2026-11-22T14:00:00+01:00")


@pytest.mark.parametrize("known", [True, False])
def test_goodwill_leaves_the_order_alone_whether_or_not_the_current_total_knows_it(*, known: bool):
    life = two_lines()
    goodwill = Bag((Decimal("-4.00"),) * 2, ("EUR", "EUR"))
    life.refund(adjustment=goodwill)
    if not known:
        life.adjusted.clear()
    state = read(life.payload())
    [adjustment] = state.refunds[0].adjustments
    assert (adjustment.reason, adjustment.amount, adjustment.on_order) == ("refund_discrepancy", euro("4.00"), False)
    assert state.order.total == euro("52.00")
    [reading] = state.readings
    assert ("does not know" in reading) is not known


def test_goodwill_may_exceed_what_is_left_and_makes_the_current_total_negative():
    life = two_lines()
    life.refund({11: (3, "cancel"), 12: (1, "cancel")}, shipping=True)
    life.refund(adjustment=Bag((Decimal("-4.00"),) * 2, ("EUR", "EUR")))
    payload = life.payload()
    assert payload["current_total_price"] == "-4.00"
    state = read(payload)
    assert (state.order.lines, state.order.total, state.costs_now) == ((), euro("0"), None)
    assert [each.amount for refund in state.refunds for each in refund.adjustments if not each.on_order] == [
        euro("4.00")
    ]


def test_a_total_of_the_order_as_it_was_placed_is_never_negative():
    payload = order_payload() | {"total_price": "-4.00", "total_price_set": money_set("-4.00")}
    with pytest.raises(RefusedError) as refused:
        read(payload)
    assert refused.value.code == "NEGATIVE_AMOUNT"


def test_what_a_refund_is_short_of_while_its_money_is_on_the_way_is_no_adjustment():
    life = two_lines()
    life.ship({11: 3, 12: 1})
    pending = Bag((Decimal("20.00"),) * 2, ("EUR", "EUR"))
    life.refund({12: (1, "return")}, adjustment=pending, reason="Pending refund discrepancy")
    assert read(life.payload()).refunds[0].adjustments == ()


def test_an_edit_that_added_a_line_is_read_by_the_current_total():
    life = two_lines()
    payload = life.payload() | {"total_price": "40.00", "total_price_set": money_set("40.00")}
    assert read(payload).order.total == euro("52.00")


def test_the_lines_amounts_may_leave_removed_units_out():
    """As an edit does that computes the taxes anew."""
    payload = two_lines().payload()
    payload["line_items"][1] |= {"quantity": 2}
    state = read(payload)
    assert quantities(state) == {11: 3, 12: 1}
    assert state.order.lines[1].taxes[0].amount == euro("3.47")
    assert any("left out" in reading for reading in state.readings)


@pytest.mark.parametrize("key", ["current_total_price_set", "current_total_tax_set", "current_shipping_price_set"])
def test_what_is_left_must_sum_to_the_current_totals(key: str):
    life = two_lines()
    life.refund({11: (1, "cancel")})
    payload = life.payload()
    amount = Decimal(payload[key]["shop_money"]["amount"]) + Decimal("0.01")
    payload[key] = money_set(str(amount))
    with pytest.raises(RefusedError) as caught:
        read(payload)
    assert caught.value.code == "STATE_SUM_DIFFERS"
    assert str(amount) in caught.value.cause
    proof = caught.value.proof
    assert [row["name"] for row in proof["lines"]] == ["2 x SKU-11", "1 x SKU-12", "shipping: Standard"]
    (stated,) = [row for row in proof["totals"] if "difference" in row]
    assert (stated["shopify"], stated["difference"]) == (f"{amount} EUR", "-0.01 EUR")


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda p: p["refunds"][0].update(order_id=7), "refund 700 is of order 7"),
        (lambda p: p["refunds"][0]["refund_line_items"][0].update(line_item_id=99), "line 99 is refunded but not in"),
        (lambda p: p["line_items"][0].update(current_quantity=3), "current_quantity is 3, not 2 at most"),
        (lambda p: p["refunds"][0]["refund_line_items"][0].update(restock_type="burnt"), "restock_type is “burnt”"),
        (lambda p: p["refunds"][0].update(refund_line_items=None), "refund_line_items is null"),
    ],
)
def test_a_refund_that_does_not_fit_its_order_is_refused(spoil: Any, problem: str):
    life = two_lines()
    life.refund({11: (1, "cancel")})
    payload = life.payload()
    spoil(payload)
    with pytest.raises(RefusedError, match=problem) as caught:
        read(payload)
    assert caught.value.code == "NOT_AN_ORDER"


def test_a_line_without_units_may_not_keep_money():
    life = two_lines()
    refund = life.refund({12: (1, "cancel")})
    payload = life.payload()
    refund["refund_line_items"][0]["total_tax_set"] = money_set("3.46")
    payload["refunds"] = [refund]
    with pytest.raises(RefusedError, match=r"has no unit left, but a discount of 0\.00 EUR and a tax of 0\.01 EUR"):
        read(payload)


def test_more_given_back_than_a_line_cost_is_refused():
    life = two_lines()
    refund = life.refund({12: (1, "cancel")})
    payload = life.payload()
    refund["refund_line_items"][0]["total_tax_set"] = money_set("9.99")
    payload["refunds"] = [refund]
    with pytest.raises(RefusedError, match="more was given back than it cost") as caught:
        read(payload)
    assert {"name": "refund 700, cancel: 1 x SKU-12", "shopify": "-20.00 EUR"} in caught.value.proof["lines"]
    assert [row["name"] for row in caught.value.proof["totals"]] == ["total as it was placed", "total now"]
    assert "more was given back than it cost" in caught.value.proof["notes"][0]
