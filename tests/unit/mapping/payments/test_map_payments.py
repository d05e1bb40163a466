"""Money that moved becomes lines of a payment journal: which, how much, on which accounts."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from shared.errors import RefusedError
from shared.mapping.payments.plan import plan_payments
from shared.model import Adjustment, Money, OrderState, Rate, Refund, TransactionKind, TransactionStatus, total
from tests.builders.payments import ACCOUNT, NOON, link, rules, state, transaction
from tests.builders.sales import EU, US, dollars, euros, line, order

KINDS = TransactionKind
MOVING = {KINDS.SALE: 1, KINDS.CAPTURE: 1, KINDS.REFUND: -1, KINDS.CHANGE: -1}


def plan(one: OrderState, applied=None, booked=None, **keys):
    target = link(one)
    return plan_payments(
        one,
        applied or rules(),
        **({"customer_account": target.customer_account, "sales_order": target.sales_order} | keys),
        booked=booked or {},
    )


def refusal(*arguments, **keys) -> RefusedError:
    with pytest.raises(RefusedError) as refused:
        plan(*arguments, **keys)
    return refused.value


def amounts(lines) -> dict[str, Money]:
    return {one.record["PaymentId"]: one.amount for one in lines}


def credits_minus_debits(lines) -> Decimal:
    zero = Decimal(0)
    return sum((one.record.get("CreditAmount", zero) - one.record.get("DebitAmount", zero) for one in lines), zero)


def test_a_sale_becomes_a_credit_of_the_customer():
    (one,) = plan(state(transaction(7_001_002_003_004, "104.90", gateway="paypal")))
    assert one.record == {
        "AccountType": "Cust",
        "AccountDisplayValue": ACCOUNT,
        "CreditAmount": Decimal("104.90"),
        "CurrencyCode": "EUR",
        "TransactionDate": "2026-11-23T12:00:00Z",
        "TransactionText": "Shopify #1001",
        "PaymentReference": "SN5551234567890",
        "PaymentId": "7001002003004",
        "PaymentMethodName": "PAYPAL",
        "OffsetAccountType": "Bank",
        "OffsetAccountDisplayValue": "PAYPAL",
        "IsPrepayment": "No",
    }


@pytest.mark.parametrize("status", TransactionStatus)
@pytest.mark.parametrize("kind", KINDS)
def test_only_successful_sales_captures_refunds_and_change_move_money(kind, status):
    one = transaction(kind=kind, status=status)
    lines = plan(state(one))
    moves = kind in MOVING and status is TransactionStatus.SUCCESS
    assert [each.amount for each in lines] == ([one.amount * MOVING[kind]] if moves else [])


def test_money_given_back_is_a_debit():
    (one,) = plan(state(transaction(kind=KINDS.REFUND, amount="20.00")))
    assert one.record["DebitAmount"] == Decimal("20.00")
    assert "CreditAmount" not in one.record


def test_an_authorization_captured_in_parts_and_late_is_one_line_for_each_capture():
    authorized = transaction(1, kind=KINDS.AUTHORIZATION)
    first = transaction(2, "60.00", kind=KINDS.CAPTURE, parent_id=1)
    late = transaction(3, "40.00", kind=KINDS.CAPTURE, parent_id=1, processed_at=datetime(2026, 12, 4, 9, tzinfo=UTC))
    void = transaction(4, "5.00", kind=KINDS.VOID, parent_id=1)
    lines = plan(state(authorized, first, late, void))
    assert amounts(lines) == {"2": euros("60.00"), "3": euros("40.00")}
    assert [one.journal.day for one in lines] == [date(2026, 11, 23), date(2026, 12, 4)]


def test_each_gateway_of_an_order_has_its_own_method_and_account():
    lines = plan(
        state(
            transaction(1, "30.00", gateway="gift_card"),
            transaction(2, "20.00", gateway="shopify_store_credit"),
            transaction(3, "50.00", gateway="Shopify_Payments"),
        )
    )
    taken = [
        (one.record["PaymentMethodName"], one.record["OffsetAccountType"], one.record["OffsetAccountDisplayValue"])
        for one in lines
    ]
    assert taken == [
        ("GIFTCARD", "Ledger", "213100"),
        ("CREDIT", "Ledger", "213110"),
        ("SHOPPAY", "Bank", r"SHOP\-EUR"),
    ]


def test_a_method_may_have_a_journal_and_a_posting_profile_and_a_currency_of_its_own():
    method = {"gateway": "shopify_payments", "method": "M", "offset_type": "bank", "offset_account": "B"}
    special = method | {"currency": "EUR", "journal": "OTHER", "posting_profile": "PRE", "offset_account": "E"}
    (one,) = plan(state(transaction()), rules(methods=(special, method)))
    assert one.journal.name == "OTHER"
    assert (one.record["PostingProfile"], one.record["OffsetAccountDisplayValue"]) == ("PRE", "E")
    (other,) = plan(state(transaction(amount=dollars("1.00")), total=dollars("1.00")), rules(methods=(special, method)))
    assert (other.journal.name, other.record["OffsetAccountDisplayValue"]) == ("SHOPPAY", "B")


def test_the_journal_is_that_of_the_stores_own_day():
    just_before_midnight = datetime(2026, 11, 23, 23, 30, tzinfo=UTC)
    (one,) = plan(state(transaction(processed_at=just_before_midnight)))
    assert one.journal.description == "shopify nordlys 2026-11-24 EUR"
    assert one.record["TransactionDate"] == "2026-11-24T12:00:00Z"
    (western,) = plan(state(transaction(processed_at=just_before_midnight)), rules(US))
    assert western.journal.day == date(2026, 11, 23)


def test_a_hyphen_in_an_account_is_escaped_but_not_in_a_main_account():
    applied = rules(
        methods=({"gateway": "*", "method": "M", "offset_type": "ledger", "offset_account": "110-1"},),
    )
    (one,) = plan(state(transaction()), applied, customer_account="WEB-US")
    assert (one.record["AccountDisplayValue"], one.record["OffsetAccountDisplayValue"]) == (r"WEB\-US", "110-1")


def test_a_gateway_without_rule_is_refused_by_name():
    applied = rules(methods=({"gateway": "paypal", "method": "M", "offset_type": "bank", "offset_account": "B"},))
    refused = refusal(state(transaction(gateway="klarna")), applied)
    assert refused.code == "PAYMENT_WITHOUT_RULE"
    assert 'gateway = "klarna"' in refused.next_step


def test_an_order_without_payment_has_no_lines():
    assert plan(state()) == ()
    assert plan(replace(state(), transactions=None)) == ()


def test_a_store_without_payment_rules_books_none():
    assert plan(state(transaction()), EU.model_copy(update={"payments": None})) == ()


def test_test_payments_and_payments_of_test_orders_are_refused():
    assert refusal(state(transaction(is_test=True))).code == "TEST_ORDER"
    test_order = order(line(price=euros("100.00")), is_test=True)
    assert refusal(state(transaction(), sale=test_order)).code == "TEST_ORDER"
    failed = transaction(2, status=TransactionStatus.FAILURE, is_test=True)
    assert len(plan(state(transaction(), failed))) == 1


def test_a_store_that_books_test_orders_books_their_payments_and_no_test_payment_of_a_real_order():
    books = EU.model_copy(update={"orders": EU.orders.model_copy(update={"test_orders": "book"})})
    test_order = order(line(price=euros("100.00")), is_test=True)
    assert len(plan(state(transaction(is_test=True), sale=test_order), books)) == 1
    assert refusal(state(transaction(is_test=True)), books).code == "TEST_ORDER"


def test_what_is_booked_is_not_planned_again():
    one = state(transaction(1, "60.00"), transaction(2, "40.00"))
    assert amounts(plan(one, booked={1: euros("60.00")})) == {"2": euros("40.00")}


def test_the_refunds_of_a_webhook_tell_their_money_when_nothing_else_does():
    back = transaction(9, "20.00", kind=KINDS.REFUND)
    refund = a_refund(back)
    told = replace(state(refunds=[refund]), transactions=None)
    assert amounts(plan(told)) == {"9": -euros("20.00")}
    assert amounts(plan(state(transaction(), back, refunds=[refund]))) == {"1": euros("100.00"), "9": -euros("20.00")}


def a_refund(*transactions, worth="20.00", presented=None) -> Refund:
    return Refund(
        id=1,
        order_id=5_551_234_567_890,
        created_at=NOON,
        note="",
        lines=(),
        adjustments=(Adjustment("customer", euros(worth), euros("0")),),
        duties=euros("0"),
        transactions=transactions,
        return_id=None,
        presented=presented,
    )


# ---- other currencies


@pytest.mark.parametrize(("currency", "amount"), [("JPY", "1200"), ("KWD", "12.345"), ("HUF", "3990.00")])
def test_amounts_keep_the_decimals_of_their_currency(currency, amount):
    money = Money(Decimal(amount), currency)
    (one,) = plan(state(transaction(amount=money), total=money))
    assert (one.record["CreditAmount"], one.record["CurrencyCode"]) == (Decimal(amount), currency)
    assert one.journal.currency == currency


RATE = Rate(booked=euros("13.50"), paid=dollars("9.00"))


def test_a_payment_at_another_rate_settles_the_order_exactly_by_an_exchange_difference():
    one = state(transaction(1, "12.77", paid=dollars("9.00")), total="13.50", rate=RATE)
    money, difference = plan(one)
    assert money.record["CreditAmount"] == Decimal("12.77")
    assert difference.record["CreditAmount"] == Decimal("0.73")
    assert difference.record["PaymentId"] == "1-X"
    assert (difference.record["OffsetAccountType"], difference.record["OffsetAccountDisplayValue"]) == (
        "Ledger",
        "618160",
    )
    assert "PaymentMethodName" not in difference.record
    assert credits_minus_debits((money, difference)) == Decimal("13.50")


def test_a_payment_that_is_worth_more_than_it_settles_is_a_gain():
    one = state(transaction(1, "13.90", paid=dollars("9.00")), total="13.50", rate=RATE)
    assert amounts(plan(one)) == {"1": euros("13.90"), "1-X": euros("-0.40")}


def test_paying_all_that_an_edit_left_leaves_no_cent_open():
    paid = transaction(1, "3.06", paid=dollars("2.04"))
    left = replace(state(paid, total="3.07", rate=RATE), costs_now=(euros("3.07"), dollars("2.04")))
    assert amounts(plan(left)) == {"1": euros("3.06"), "1-X": euros("0.01")}
    again = transaction(2, "0.01", paid=dollars("0.01"), kind=TransactionKind.REFUND)
    given = replace(left, transactions=(paid, again), costs_now=(euros("3.05"), dollars("2.03")))
    assert amounts(plan(given, booked={1: euros("3.07")})) == {"2": euros("-0.01"), "2-X": euros("-0.01")}


def test_a_part_payment_of_what_an_edit_left_is_at_the_rate_of_the_order():
    part = state(transaction(1, "3.06", paid=dollars("2.04")), total="3.09", rate=RATE)
    assert amounts(plan(replace(part, costs_now=(euros("3.09"), dollars("2.05"))))) == {"1": euros("3.06")}


def test_part_payments_at_rates_of_their_own_settle_the_whole_order():
    third = dollars("3.00")
    rate = Rate(booked=euros("10.00"), paid=dollars("9.00"))
    parts = [transaction(number, "3.30", paid=third) for number in (1, 2, 3)]
    assert total((one.amount for one in plan(state(*parts, total="10.00", rate=rate))), "EUR") == euros("10.00")


def test_part_payments_settle_the_whole_order_in_whatever_order_they_succeed():
    rate = Rate(booked=euros("10.00"), paid=dollars("9.00"))
    parts = [transaction(number, "3.30", paid=dollars("3.00")) for number in (1, 2, 3)]
    settled = {}
    for number in (3, 1, 2):
        seen = [one for one in parts if one.id in settled or one.id == number]
        lines = plan(state(*seen, total="10.00", rate=rate), booked=settled)
        settled[number] = total((one.amount for one in lines), "EUR")
    assert total(settled.values(), "EUR") == euros("10.00")


def test_a_refund_paid_abroad_settles_what_its_parts_are_worth_in_the_books():
    back = transaction(2, "7.10", kind=KINDS.REFUND, paid=dollars("5.00"))
    refund = a_refund(back, worth="7.51", presented=dollars("5.00"))
    one = state(transaction(1, "12.77", paid=dollars("9.00")), back, total="13.50", rate=RATE, refunds=[refund])
    lines = plan(one)
    assert amounts(lines)["2"] == euros("-7.10")
    assert amounts(lines)["2-X"] == euros("-0.41")


def test_a_refund_that_its_parts_do_not_explain_settles_at_the_orders_rate():
    back = transaction(2, "7.10", kind=KINDS.REFUND, paid=dollars("5.00"))
    refund = a_refund(back, worth="3.00", presented=dollars("2.00"))
    one = state(transaction(1, "13.50", paid=dollars("9.00")), back, total="13.50", rate=RATE, refunds=[refund])
    assert credits_minus_debits(plan(one)) == Decimal("6.00")


def test_an_exchange_difference_without_account_is_refused():
    one = state(transaction(1, "12.77", paid=dollars("9.00")), total="13.50", rate=RATE)
    refused = refusal(one, rules(exchange_account=None))
    assert refused.code == "AMOUNT_WITHOUT_RULE"
    assert refused.details["key"] == "payments.exchange_account"
    assert refused.details["amount"] == "0.73 EUR"


def test_a_payment_at_the_orders_own_rate_needs_no_account():
    one = state(transaction(1, "13.50", paid=dollars("9.00")), total="13.50", rate=RATE)
    assert amounts(plan(one, rules(exchange_account=None))) == {"1": euros("13.50")}


@pytest.mark.parametrize("rate", [None, Rate(booked=euros("13.50"), paid=Money(Decimal(9), "CAD"))])
def test_a_payment_that_the_order_has_no_rate_for_is_refused(rate):
    assert refusal(state(transaction(1, "12.77", paid=dollars("9.00")), rate=rate)).code == "PAYMENT_WITHOUT_RATE"


# ---- cash


def test_rounded_cash_settles_what_was_owed_and_the_rest_goes_to_its_account():
    money, rounding = plan(state(transaction(1, "10.02", rounding="-0.02", gateway="cash"), total="10.02"))
    assert money.record["CreditAmount"] == Decimal("10.00")
    assert rounding.record["CreditAmount"] == Decimal("0.02")
    assert (rounding.record["PaymentId"], rounding.record["OffsetAccountDisplayValue"]) == ("1-R", "618170")


def test_cash_rounded_up_is_debited_again():
    lines = plan(state(transaction(1, "9.98", rounding="0.02"), total="9.98"))
    assert amounts(lines) == {"1": euros("10.00"), "1-R": euros("-0.02")}


def test_cash_given_back_for_a_refund_is_rounded_the_other_way():
    lines = plan(state(transaction(1, "9.98", kind=KINDS.REFUND, rounding="0.02"), total="9.98"))
    assert amounts(lines) == {"1": euros("-10.00"), "1-R": euros("0.02")}


def test_rounding_that_is_on_the_sales_order_is_settled_by_the_cash():
    applied = rules(orders={"rounding_item": "ROUNDING"}, rounding_account=None)
    assert amounts(plan(state(transaction(1, "10.02", rounding="-0.02")), applied)) == {"1": euros("10.00")}


def test_rounding_without_a_rule_is_refused():
    refused = refusal(state(transaction(1, "10.02", rounding="-0.02")), rules(rounding_account=None))
    assert refused.details["key"] == "payments.rounding_account"


def test_cash_tendered_and_change_given_sum_to_what_was_owed():
    lines = plan(state(transaction(1, "50.00", gateway="cash"), transaction(2, "9.98", kind=KINDS.CHANGE)))
    assert credits_minus_debits(lines) == Decimal("40.02")


def test_a_payment_id_never_exceeds_its_field():
    longest = 10**18 - 1
    lines = plan(state(transaction(longest, "12.77", paid=dollars("9.00"), rounding="0.01"), total="13.50", rate=RATE))
    assert [len(one.record["PaymentId"]) for one in lines] == [18, 20, 20]
