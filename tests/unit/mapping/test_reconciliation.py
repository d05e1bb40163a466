"""What differs between Shopify and F&O, in codes, words and amounts that people can act on."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from itertools import combinations, permutations

import pytest

from shared.mapping.orders.changes import Action, Cell, ChangePlan, ChangeStep
from shared.mapping.payments.differences import PaymentDifference
from shared.mapping.reconciliation import (
    Balance,
    Sums,
    balance_finding,
    balance_of,
    choose_kept,
    duplicate_finding,
    gone_finding,
    is_settled_in_fo,
    payment_finding,
    refund_findings,
    refund_money_finding,
    refund_money_findings,
    return_finding,
    sales_order_finding,
    sums,
)
from shared.model import (
    FoHeader,
    FoOrder,
    FoStatus,
    OpenReturns,
    Refund,
    RefundLine,
    Restock,
    ReturnFee,
    TransactionKind,
    TransactionStatus,
)
from shared.rules import ChangeKind, Decision
from tests.builders.fo_orders import FoModel
from tests.builders.payments import state, transaction
from tests.builders.refunds import back, beside
from tests.builders.refunds import refund as refund_of
from tests.builders.sales import EU, euros, line, order, plan, tax, with_rules

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


@pytest.mark.parametrize(
    ("changes", "is_healable"),
    [
        ({"steps": (STEP,)}, True),
        ({"steps": (STEP,), "ignored": (replace(CELL, by_staff=True),)}, True),
        ({"steps": (STEP,), "held": (CELL,)}, False),
        ({"held": (CELL,)}, False),
        ({"ignored": (replace(CELL, by_staff=True),)}, False),
    ],
)
def test_an_event_mends_what_is_to_be_done_and_waits_for_nobody(changes, is_healable):
    assert sales_order_finding("SN1", ChangePlan(**changes), UNLIKE).is_healable is is_healable


def test_a_refund_whose_payout_succeeded_at_the_second_attempt_is_no_finding():
    tries = [paid_back("100.00", status=TransactionStatus.FAILURE), replace(paid_back("100.00"), id=902)]
    assert refund_money_finding(refund_of(back(1, 1, "100.00"), transactions=tries), SALE) is None


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


# ---- a refund's credit and its money


def paid_back(amount, **other):
    return transaction(901, amount, kind=TransactionKind.REFUND, **other)


@pytest.mark.parametrize(
    ("given", "shopify"),
    [("50.00", "50.00 EUR"), ("120.00", "120.00 EUR")],
    ids=["less was paid out", "more was paid out"],
)
def test_a_refund_whose_credit_and_payout_differ_is_a_finding_with_both_sides_and_its_proof(given, shopify):
    found = refund_money_finding(refund_of(back(1, 1, "100.00"), transactions=[paid_back(given)]), SALE)
    shown = found.as_dict()
    assert (shown["code"], shown["shopify"], shown["fo"]) == ("REFUND_SUM_DIFFERS", shopify, "100.00 EUR")
    assert shown["proof"]["totals"][-1]["name"] == "given back"


def test_a_refund_whose_payout_failed_is_a_finding_of_all_its_credit():
    failed = paid_back("100.00", status=TransactionStatus.FAILURE)
    found = refund_money_finding(refund_of(back(1, 1, "100.00"), transactions=[failed]), SALE)
    assert (found.refusal.code, found.shopify, found.fo) == ("REFUND_SUM_DIFFERS", "0.00 EUR", "100.00 EUR")


@pytest.mark.parametrize(
    "agreeing",
    [
        refund_of(back(1, 1, "100.00"), transactions=[paid_back("100.00")]),
        refund_of(back(1, 1, "100.00"), transactions=[paid_back("100.00", status=TransactionStatus.PENDING)]),
        refund_of(back(1, 1, "100.00"), adjustments=[beside("-20.00", "restock")], transactions=[paid_back("80.00")]),
        refund_of(back(1, 1, "100.00")),
        refund_of(transactions=[paid_back("30.00")]),
    ],
    ids=["paid out", "on its way", "less a restocking fee", "of an unpaid order", "money alone"],
)
def test_a_refund_is_no_finding(agreeing):
    assert refund_money_finding(agreeing, SALE) is None


# ---- returns that nobody refunded

TENT_BACK = back(1, 1, "40.00", "8.40")
KEPT = ReturnFee("RestockingFee", euros("5.00"), euros(0))


@pytest.mark.parametrize(("included", "worth"), [(True, "40.00 EUR"), (False, "48.40 EUR")])
def test_goods_that_came_back_and_are_not_refunded_are_told_with_what_they_are_worth(*, included, worth):
    sold = replace(state(sale=replace(SALE, taxes_included=included)), returned=OpenReturns((TENT_BACK,), (KEPT,)))
    found = return_finding("SN1", sold)
    assert (found.refusal.code, found.shopify, found.fo) == ("RETURN_NOT_REFUNDED", worth, "0.00 EUR")
    assert f"1 x TENT-2P, worth {worth}, came back" in found.refusal.cause
    assert "5.00 EUR of fees was charged. SN1 has the goods as sold" in found.refusal.cause


def test_fees_that_no_refund_is_less_by_are_told():
    found = return_finding("SN1", replace(state(sale=SALE), returned=OpenReturns((), (KEPT,))))
    assert (found.refusal.code, found.shopify, found.fo) == ("RETURN_FEE_OPEN", "5.00 EUR", "0.00 EUR")


@pytest.mark.parametrize("returned", [OpenReturns(), None], ids=["nothing is open", "edits removed it"])
def test_an_order_without_open_returns_is_no_finding(returned):
    assert return_finding("SN1", replace(state(sale=SALE), returned=returned)) is None


SHORT = refund_of(back(1, 1, "100.00"), transactions=[paid_back("60.00")])


def test_only_what_is_credited_in_fo_is_compared_with_its_money():
    short = state(transaction(1, "100.00"), paid_back("60.00"), refunds=[SHORT])
    assert len(refund_money_findings(short, {801: euros("100.00")})) == 1
    assert refund_money_findings(short, {801: None}) == []
    assert refund_money_findings(short, {}) == []


def test_a_short_payout_is_no_finding_where_another_one_made_up_for_it():
    rest = transaction(902, "40.00", kind=TransactionKind.REFUND)
    later = refund_of(transactions=[rest], number=802)
    whole = state(transaction(1, "100.00"), paid_back("60.00"), rest, refunds=[SHORT, later])
    assert refund_money_findings(whole, {801: euros("100.00"), 802: euros("0.00")}) == []


def test_a_partly_paid_order_that_gets_back_less_than_its_goods_are_worth_is_no_finding():
    partly = state(transaction(1, "60.00"), paid_back("60.00"), refunds=[SHORT])
    assert refund_money_findings(partly, {801: euros("100.00")}) == []


# ---- what an order leaves open


def payment_line(amount, number="1", currency="EUR"):
    credit, debit = max(Decimal(amount), Decimal(0)), max(-Decimal(amount), Decimal(0))
    return {"PaymentId": number, "CurrencyCode": currency, "CreditAmount": credit, "DebitAmount": debit}


def balance(one, invoiced, *lines, credited=None):
    return balance_of(one, credited or {}, invoiced=euros(invoiced), lines=lines)


def test_an_order_that_is_paid_and_invoiced_leaves_nothing_open():
    paid = state(transaction(1, "100.00"))
    found = balance(paid, "100.00", payment_line("100.00"))
    assert found.open == euros(0)
    assert balance_finding("SN1", paid, found, EU) is None


def test_an_invoice_of_another_amount_than_was_paid_is_a_finding_with_both_sides():
    paid = state(transaction(1, "100.00"))
    found = balance_finding("SN1", paid, balance(paid, "101.50", payment_line("100.00")), EU)
    shown = found.as_dict()
    assert (shown["code"], shown["shopify"], shown["fo"]) == ("BALANCE_DIFFERS", "0.00 EUR", "1.50 EUR")
    assert shown["what"] == "invoiced 101.50 EUR, credited 0.00 EUR, paid 100.00 EUR"


def test_what_shopify_has_outstanding_too_is_no_finding():
    owed = state(transaction(1, "60.00"))
    assert balance_finding("SN1", owed, balance(owed, "100.00", payment_line("60.00")), EU) is None
    unpaid = state(transaction(1, "100.00", kind=TransactionKind.AUTHORIZATION))
    assert balance_finding("SN1", unpaid, balance(unpaid, "100.00"), EU) is None


def test_a_refund_is_credited_and_paid_back():
    given = refund_of(
        back(1, 1, "30.00"), back(1, 1, "20.00", restock=Restock.CANCEL), transactions=[paid_back("50.00")]
    )
    one = state(transaction(1, "120.00"), paid_back("50.00"), sale=order(line(price=euros("100.00"))), refunds=[given])
    found = balance(
        one, "100.00", payment_line("120.00"), payment_line("-50.00", "901"), credited={801: euros("50.00")}
    )
    assert found == Balance(euros("100.00"), euros("30.00"), euros("70.00"))
    assert balance_finding("SN1", one, found, EU) is None


def test_exchange_differences_and_lines_in_another_currency_are_left_out():
    paid = state(transaction(1, "100.00"))
    lines = [payment_line("100.00"), payment_line("-3.00", "1-X"), payment_line("7.00", "2", "USD")]
    assert balance(paid, "100.00", *lines).open == euros(0)


ON_TOP = order(line(price=euros("100.00"), taxes=[tax(euros("21.00"))]), taxes_included=False)


@pytest.mark.parametrize(
    ("sale", "cents", "is_found"),
    [(ON_TOP, "0.03", False), (ON_TOP, "0.04", True), (SALE, "0.01", True)],
    ids=["tolerated", "more than tolerated", "tax in the prices"],
)
def test_cents_of_tax_on_top_are_no_finding_where_the_rules_tolerate_them(sale, cents, is_found):
    rules = with_rules(EU, tax={"tolerance": 2, "tolerance_per_line": 1})
    paid = state(transaction(1, sale.total), sale=sale)
    invoiced = str(sale.total.amount + Decimal(cents))
    found = balance_finding("SN1", paid, balance(paid, invoiced, payment_line(sale.total.amount)), rules)
    assert (found is not None) is is_found


def test_payments_that_contradict_each_other_are_a_finding_of_their_own():
    too_much = state(transaction(1, "100.00"), paid_back("150.00"))
    found = balance_finding("SN1", too_much, balance(too_much, "100.00"), EU)
    assert found.refusal.code == "PAYMENTS_DIFFER"


def invoiced_order(status=FoStatus.INVOICED, **of_line):
    model = FoModel(SALE)
    (its,) = model.order.lines
    done = {"remaining": Decimal(0), "to_invoice": Decimal(0), "status": status} | of_line
    (header,) = model.order.headers
    return FoOrder((replace(header, status=status),), (replace(its, **done),))


PAID = state(transaction(1, "100.00"))
CREDITED = state(transaction(1, "100.00"), refunds=[refund_of(back(1, 1, "10.00"))])


@pytest.mark.parametrize(
    ("one", "fo", "booked", "expected"),
    [
        (PAID, invoiced_order(), {}, True),
        (PAID, invoiced_order(FoStatus.DELIVERED), {}, False),
        (PAID, invoiced_order(to_invoice=Decimal(1)), {}, False),
        (PAID, invoiced_order(remaining=Decimal(1)), {}, False),
        (PAID, invoiced_order(FoStatus.CANCELLED), {}, True),
        (CREDITED, invoiced_order(), {}, False),
        (CREDITED, invoiced_order(), {801: None}, False),
        (CREDITED, invoiced_order(), {801: euros("10.00")}, True),
        (replace(PAID, transactions=None), invoiced_order(), {}, False),
        (state(transaction(1, "100.00", status=TransactionStatus.PENDING)), invoiced_order(), {}, False),
        (
            state(sale=order(line(price=euros("100.00"), taxes=[tax(euros("5.00"), channel_liable=True)]))),
            invoiced_order(),
            {},
            False,
        ),
    ],
    ids=[
        *("invoiced", "delivered", "partly invoiced", "partly delivered", "cancelled"),
        *("refund without record", "refund under way", "refund credited"),
        *("payments unknown", "money on its way", "tax of a marketplace"),
    ],
)
def test_an_order_is_settled_when_all_is_invoiced_and_credited_and_no_money_is_on_its_way(one, fo, booked, expected):
    assert is_settled_in_fo(one, fo, booked) is expected


# ---- several sales orders with one reference

LIVE = (
    FoStatus.OPEN,
    FoStatus.CONFIRMED,
    FoStatus.PICKED,
    FoStatus.PARTLY_DELIVERED,
    FoStatus.DELIVERED,
    FoStatus.INVOICED,
)
"""As far as they have gone."""


def header(number, status=FoStatus.OPEN, *, is_held=False):
    return FoHeader(number, status, is_held, {})


def kept_and_held(orders, link_number="SN1"):
    kept, held = choose_kept(orders, link_number)
    return kept and kept.number, [each.number for each in held]


@pytest.mark.parametrize(("less", "further"), list(combinations(LIVE, 2)))
def test_the_sales_order_that_has_gone_furthest_is_kept_whatever_the_link_names(less, further):
    for orders in permutations([header("SN1", less), header("SN2", further)]):
        kept, held = kept_and_held(orders)
        assert kept == "SN2"
        assert "SN1" in held


@pytest.mark.parametrize("status", LIVE)
def test_of_two_that_have_gone_equally_far_the_one_of_the_link_is_kept(status):
    for orders in permutations([header("SN1", status), header("SN2", status), header("SN3", status)]):
        assert kept_and_held(orders, "SN2")[0] == "SN2"
        assert kept_and_held(orders, "gone")[0] == "SN1"


@pytest.mark.parametrize(
    ("statuses", "held"),
    [
        ("open open", "SN2"),
        ("confirmed confirmed", "SN2"),
        ("picked open", "SN2"),
        ("invoiced confirmed", "SN2"),
        ("picked picked", "SN1 SN2"),
        ("partly_delivered picked", "SN1 SN2"),
        ("delivered picked", "SN2"),
        ("delivered delivered", "SN2"),
        ("invoiced delivered", "SN2"),
        ("invoiced invoiced", ""),
        ("partly_delivered picked open", "SN1 SN2 SN3"),
    ],
)
def test_the_others_are_held_and_the_kept_one_too_if_several_have_moved_and_some_is_still_to_ship(statuses, held):
    orders = [header(f"SN{at}", FoStatus(each)) for at, each in enumerate(statuses.split(), start=1)]
    assert kept_and_held(orders) == ("SN1", held.split())


def test_one_that_is_held_already_is_not_held_again():
    assert kept_and_held([header("SN1"), header("SN2", is_held=True)]) == ("SN1", [])


def test_cancelled_ones_do_not_count():
    cancelled = header("SN1", FoStatus.CANCELLED)
    assert kept_and_held([cancelled, header("SN2")]) == ("SN2", [])
    assert kept_and_held([cancelled]) == (None, [])
    assert kept_and_held([]) == (None, [])


def test_a_single_sales_order_is_kept_and_left_alone():
    for status in LIVE:
        assert kept_and_held([header("SN1", status)]) == ("SN1", [])


def test_several_sales_orders_are_reported_with_all_numbers_and_which_is_kept():
    kept, other = header("SN1", FoStatus.PARTLY_DELIVERED), header("SN2")
    found = duplicate_finding("shopify-nordlys-1", [kept, other, header("SN3", FoStatus.CANCELLED)], kept, [other])
    assert found.as_dict() | {"next_step": ""} == {
        "code": "SALES_ORDER_TWICE",
        "what": "sales orders with the reference shopify-nordlys-1",
        "shopify": "1 order",
        "fo": "SN1 (partly delivered), SN2 (open)",
        "owner": "operations clerk",
        "next_step": "",
    }
    assert found.refusal.cause.endswith("The app keeps SN1. Held in F&O: SN2.")
    assert found.refusal.next_step.startswith("Cancel SN2 in F&O")


def test_one_sales_order_beside_cancelled_ones_is_no_finding():
    kept = header("SN1")
    assert duplicate_finding("shopify-nordlys-1", [kept, header("SN2", FoStatus.CANCELLED)], kept, []) is None


def test_what_staff_changed_is_a_difference_although_it_is_kept():
    cell = replace(CELL, decision=Decision.IGNORE, by_staff=True)
    finding = sales_order_finding("SN1", ChangePlan(ignored=(cell,)), UNLIKE)
    assert finding is not None
    assert "which staff changed in F&O" in finding.what
