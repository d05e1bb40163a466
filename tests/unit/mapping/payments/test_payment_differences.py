"""The sweep's comparison of one order's payments: silent where both agree, and exact where they do not."""

from decimal import Decimal

import pytest

from shared.mapping.payments.differences import payment_differences
from shared.model import Rate, TransactionKind
from shared.sync.payments import converge_payments
from tests.builders.payments import Books, link, rules, state, transaction
from tests.builders.sales import dollars, euros

REFUND = TransactionKind.REFUND
PLAIN = state(
    transaction(1, "30.00", gateway="gift_card"), transaction(2, "70.00"), transaction(3, "5.00", kind=REFUND)
)


@pytest.fixture
def books() -> Books:
    return Books()


async def converge(books: Books, one=PLAIN):
    await converge_payments(one, link=link(one), rules=rules(), ports=books.instance())


async def differences(books: Books, one=PLAIN) -> list[str]:
    target = link(one)
    lines = await books.journals().search_order(target.company, target.sales_order)
    found = payment_differences(
        one, rules(), customer_account=target.customer_account, sales_order=target.sales_order, lines=lines
    )
    return [str(each) for each in found]


def the_line(books: Books, payment_id: str):
    (row,) = (row for row in books.fo.lines.values() if row["PaymentId"] == payment_id)
    return row


async def test_what_was_booked_right_has_no_difference(books):
    await converge(books)
    assert await differences(books) == []


@pytest.mark.parametrize("order_of_booking", [(1, 2, 3), (3, 1, 2), (2, 3, 1)])
async def test_exchange_differences_are_right_in_whatever_order_they_were_booked(books, order_of_booking):
    rate = Rate(booked=euros("10.00"), paid=dollars("9.00"))
    parts = [transaction(number, "3.30", paid=dollars("3.00")) for number in (1, 2, 3)]
    seen = []
    for number in order_of_booking:
        seen.append(parts[number - 1])
        await converge(books, state(*seen, total="10.00", rate=rate))
    assert books.fo.balance() == euros("10.00")
    assert await differences(books, state(*parts, total="10.00", rate=rate)) == []


async def test_rounded_cash_has_no_difference(books):
    one = state(transaction(1, "10.02", rounding="-0.02", gateway="cash"), total="10.02")
    await converge(books, one)
    assert await differences(books, one) == []


async def test_a_payment_that_f_and_o_lacks_is_reported(books):
    await converge(books, state(transaction(1, "30.00", gateway="gift_card")))
    assert await differences(books) == [
        "payment 2: nothing in F&O, 70.00 EUR in Shopify",
        "payment 3: nothing in F&O, -5.00 EUR in Shopify",
    ]


async def test_an_amount_that_was_changed_is_reported(books):
    await converge(books)
    the_line(books, "2")["CreditAmount"] = Decimal("70.01")
    assert await differences(books) == ["payment 2: 70.01 EUR in F&O, 70.00 EUR in Shopify"]


async def test_a_currency_that_was_changed_is_reported(books):
    await converge(books)
    the_line(books, "2")["CurrencyCode"] = "USD"
    assert await differences(books) == ["payment 2: 70.00 USD in F&O, 70.00 EUR in Shopify"]


async def test_a_deleted_exchange_difference_is_reported(books):
    one = state(
        transaction(1, "12.77", paid=dollars("9.00")),
        total="13.50",
        rate=Rate(booked=euros("13.50"), paid=dollars("9.00")),
    )
    await converge(books, one)
    books.fo.lines = {key: row for key, row in books.fo.lines.items() if row["PaymentId"] == "1"}
    assert await differences(books, one) == ["payment 1-X: nothing in F&O, 0.73 EUR in Shopify"]


async def test_a_payment_that_f_and_o_has_twice_is_reported(books):
    await converge(books)
    row = the_line(books, "2")
    books.fo.lines["nleu", "00077", Decimal(1)] = {**row, "JournalBatchNumber": "00077", "LineNumber": Decimal(1)}
    assert await differences(books) == ["payment 2: 70.00 EUR and 70.00 EUR in F&O, 70.00 EUR in Shopify"]


async def test_a_payment_that_shopify_does_not_have_is_reported(books):
    await converge(books)
    row = the_line(books, "3")
    books.fo.lines["nleu", "00077", Decimal(1)] = {**row, "PaymentId": ""}
    books.fo.lines["nleu", "00077", Decimal(2)] = {**row, "PaymentId": "4"}
    assert await differences(books) == [
        "payment (no id): -5.00 EUR in F&O, nothing in Shopify",
        "payment 4: -5.00 EUR in F&O, nothing in Shopify",
    ]
