"""What differs between Shopify and F&O, in codes, words and amounts that people can act on."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

from shared.mapping.orders.changes import Action, Cell, ChangePlan, ChangeStep
from shared.mapping.payments.differences import PaymentDifference
from shared.mapping.reconciliation import (
    Sums,
    gone_finding,
    payment_finding,
    refund_findings,
    sales_order_finding,
    sums,
)
from shared.model import FoStatus, Refund, RefundLine, Restock
from shared.rules import ChangeKind, Decision
from tests.builders.fo_orders import FoModel
from tests.builders.sales import euros, line, order, plan

SALE = order(line(price=euros("100.00")))
CELL = Cell(ChangeKind.PRICE, FoStatus.OPEN, Decision.APPLY, "TENT-2P on line 1: amount 1 -> 100.00 EUR")
STEP = ChangeStep(Action.CHANGE_LINE, "SN1", CELL.what, (CELL,), lot="L1")
UNLIKE = Sums(euros("100.00"), euros("1.00"))


def refund(number, amount):
    back = RefundLine(1, 1, Restock.RETURN, None, euros(amount), euros(0))
    return Refund(
        id=number,
        order_id=SALE.id,
        created_at=datetime(2026, 11, 23, tzinfo=UTC),
        note="",
        lines=(back,),
        adjustments=(),
        duties=euros(0),
        transactions=(),
        return_id=None,
    )


def test_what_would_have_to_be_done_is_the_difference():
    found = sales_order_finding("SN1", ChangePlan(steps=(STEP,)), UNLIKE)
    assert found.as_dict() | {"next_step": ""} == {
        "code": "SALES_ORDER_DIFFERS",
        "what": str(STEP),
        "shopify": "100.00 EUR",
        "fo": "1.00 EUR",
        "owner": "accountant",
        "next_step": "",
    }
    assert "come to 1.00 EUR, and in Shopify to 100.00 EUR" in found.refusal.cause


def test_what_a_person_would_have_to_decide_is_one_too():
    held = replace(CELL, decision=Decision.HOLD)
    assert sales_order_finding("SN1", ChangePlan(held=(held,)), UNLIKE).what == str(held)


def test_what_the_rules_ignore_is_none():
    assert sales_order_finding("SN1", ChangePlan(ignored=(CELL,)), UNLIKE) is None
    assert sales_order_finding("SN1", ChangePlan(), UNLIKE) is None


def test_the_lines_that_are_ours_are_summed_beside_what_they_should_be():
    (its,) = FoModel(SALE).order.lines
    cancelled = replace(its, status=FoStatus.CANCELLED)
    own = {"products:1": [replace(its, amount=Decimal("60.00")), replace(its, amount=Decimal("39.99")), cancelled]}
    assert sums(SALE, plan(SALE), own) == Sums(euros("100.00"), euros("99.99"))


def test_of_a_cancelled_order_its_total_is_still_owed():
    assert sums(SALE, None, {}) == Sums(euros("100.00"), euros(0))


def test_an_order_that_is_gone_is_a_difference_of_its_total():
    found = gone_finding("SN1", SALE)
    assert (found.refusal.code, found.shopify, found.fo) == ("FO_ORDER_GONE", "100.00 EUR", "nothing")


def test_payments_tell_both_sides_in_words_where_one_is_missing():
    twice = payment_finding("SN1", PaymentDifference("7", (euros("5.00"),), (euros("5.00"), euros("5.00"))))
    assert (twice.shopify, twice.fo) == ("5.00 EUR", "5.00 EUR and 5.00 EUR")
    by_hand = payment_finding("SN1", PaymentDifference("", (), (euros("5.00"),)))
    assert by_hand.refusal.cause == (
        "For SN1, a payment line without payment id is 5.00 EUR in F&O and nothing in Shopify."
    )


def test_a_refund_with_another_worth_than_was_credited_is_reported():
    booked = {1: euros("10.00"), 2: euros("9.00"), 3: None}
    found = refund_findings("SN1", SALE, [refund(number, "10.00") for number in (1, 2, 3, 4)], booked)
    assert [(each.what, each.shopify, each.fo) for each in found] == [("refund 2", "10.00 EUR", "9.00 EUR")]
