"""One order compared with F&O, in stores that book refunds and in those that do not."""

from dataclasses import replace
from decimal import Decimal

import pytest

from shared.errors import RefusedError
from shared.flows import SWEEP
from shared.model import OpenReturns, Part
from shared.sync.sweep.duplicates import Duplicates, hold_duplicates
from tests.builders.compared_orders import BOOKS, GIVEN, NUMBER, ONE_BACK, PAID, SALE, ComparedWorld
from tests.builders.payments import state, transaction
from tests.builders.refunds import back, refund
from tests.builders.sales import with_rules
from tools.permissions import uses_of

NO_RULES = BOOKS.model_copy(update={"refunds": None})
FO_DECIDES = with_rules(BOOKS, masters={"refunds": "fo"})
both_without_refunds = pytest.mark.parametrize("rules", [NO_RULES, FO_DECIDES], ids=["no rules", "F&O decides"])


def codes(found):
    return [finding.refusal.code for finding in found.findings]


@pytest.fixture
async def world():
    built = ComparedWorld()
    await built.pay(PAID)
    await built.pay(GIVEN)
    return built


async def test_goods_that_came_back_without_a_refund_are_reported(world):
    open_returns = OpenReturns((back(1, 1, "50.00"),))
    one = replace(state(PAID, GIVEN, sale=SALE, refunds=[ONE_BACK]), returned=open_returns)
    await world.credit()
    assert codes(await world.compare(one)) == ["RETURN_NOT_REFUNDED"]


# ---- stores whose refunds the app does not book


@both_without_refunds
async def test_a_refund_without_record_is_not_missed_where_the_app_books_none(world, rules):
    found = await world.compare(rules=rules)
    assert (found.missed, found.findings) == ((), ())


@both_without_refunds
async def test_a_refund_whose_credit_and_payout_differ_is_no_finding_where_the_app_credits_none(world, rules):
    short = refund(back(1, 1, "20.00"), transactions=[GIVEN])
    found = await world.compare(state(PAID, GIVEN, sale=SALE, refunds=[short]), rules)
    assert found.findings == ()


@both_without_refunds
async def test_money_given_back_is_compared_where_the_app_books_no_refunds(world, rules):
    world.fo.tables["CustomerPaymentJournalLines"].pop()
    found = await world.compare(rules=rules)
    assert codes(found) == ["PAYMENT_DIFFERS"]


@both_without_refunds
async def test_money_given_back_without_record_is_missed_where_the_app_books_no_refunds(rules):
    world = ComparedWorld()
    await world.pay(PAID)
    found = await world.compare(rules=rules)
    assert found.missed == ("transaction 901",)


@both_without_refunds
async def test_the_sales_order_is_compared_where_the_app_books_no_refunds(world, rules):
    world.fo.tables["SalesOrderLinesV3"][0] |= {"SalesPrice": Decimal(40), "LineAmount": Decimal(80)}
    found = await world.compare(rules=rules)
    assert codes(found) == ["SALES_ORDER_DIFFERS"]
    assert (str(found.sums.shopify), str(found.sums.fo)) == ("100.00 EUR", "80.00 EUR")


@both_without_refunds
async def test_the_balance_of_a_refunded_order_is_not_compared_where_staff_credit_it(world, rules):
    world.invoice("140.00")
    found = await world.compare(rules=rules)
    assert found.findings == ()
    assert "GET SalesInvoiceHeadersV4" not in world.fo.calls


@both_without_refunds
async def test_the_balance_of_an_order_without_refunds_is_compared_where_the_app_books_none(rules):
    world = ComparedWorld()
    await world.pay(PAID)
    world.invoice("140.00")
    found = await world.compare(state(PAID, sale=SALE), rules)
    assert codes(found) == ["BALANCE_DIFFERS"]


async def test_nothing_about_money_is_compared_where_payments_are_not_booked(world):
    world.invoice("140.00")
    found = await world.compare(rules=NO_RULES.model_copy(update={"payments": None}))
    assert (found.missed, found.findings) == ((), ())
    assert "GET CustomerPaymentJournalLines" not in world.fo.calls


# ---- stores that book them


async def test_a_refund_without_record_is_missed(world):
    assert (await world.compare()).missed == ("refund 801",)


async def test_a_refund_that_is_credited_and_paid_out_agrees(world):
    await world.credit()
    assert (await world.compare()).findings == ()


async def test_a_refund_that_was_credited_with_more_than_was_paid_out_is_found(world):
    await world.credit(worth="70.00")
    dearer = refund(back(1, 1, "70.00"), transactions=[GIVEN])
    found = await world.compare(state(PAID, GIVEN, sale=SALE, refunds=[dearer]))
    assert codes(found) == ["REFUND_SUM_DIFFERS"]
    assert (found.findings[0].shopify, found.findings[0].fo) == ("50.00 EUR", "70.00 EUR")


async def test_a_settled_order_agrees_and_one_with_another_invoice_is_found(world):
    await world.credit()
    world.invoice()
    assert (await world.compare()).findings == ()
    world.fo.tables["SalesInvoiceHeadersV4"][0]["TotalInvoiceAmount"] += Decimal("0.01")
    found = await world.compare()
    assert codes(found) == ["BALANCE_DIFFERS"]
    assert (found.findings[0].shopify, found.findings[0].fo) == ("0.00 EUR", "0.01 EUR")


async def test_an_invoice_in_another_currency_is_not_taken_for_one_of_the_order(world):
    await world.credit()
    world.invoice()
    dollars = world.fo.tables["SalesInvoiceHeadersV4"][0] | {"InvoiceNumber": "INV2", "CurrencyCode": "USD"}
    world.fo.tables["SalesInvoiceHeadersV4"].append(dollars)
    assert (await world.compare()).findings == ()


async def test_an_order_of_which_something_is_parked_is_not_compared(world):
    world.link = replace(world.link, parked_parts=frozenset({Part.ORDER}))
    assert await world.compare() is None


# ---- duplicates


async def test_a_payment_that_names_a_duplicate_is_booked(world):
    await world.credit()
    world.sell("SN-OTHER")
    for row in world.fo.tables["CustomerPaymentJournalLines"]:
        row["PaymentReference"] = "SN-OTHER"
    assert codes(await world.compare()) == ["SALES_ORDER_TWICE"]


async def test_a_payment_counts_that_names_a_sales_order_that_is_deleted_but_not_one_that_is_another_order():
    world = ComparedWorld()
    await world.credit()
    for each in (PAID, GIVEN):
        await world.pay(each)
        await world.payments.put(
            replace((await world.payments.of_order("nordlys", SALE.id))[each.id], journal="J1", lines=(each.id,))
        )
    for row in world.fo.tables["CustomerPaymentJournalLines"]:
        row["PaymentReference"] = "SN-GONE"
    assert (await world.compare()).findings == ()
    world.sell("SN-GONE", reference="shopify-nordlys-1")
    assert codes(await world.compare()) == ["PAYMENT_DIFFERS", "PAYMENT_DIFFERS"]


@pytest.mark.parametrize(("seconds", "seen"), [(None, False), (3, False), (2, True)])
async def test_a_line_of_staff_in_another_journal_is_seen_where_a_search_is_fast(seconds, seen):
    world = ComparedWorld()
    await world.credit()
    for each in (PAID, GIVEN):
        await world.pay(each)
        row = (await world.payments.of_order("nordlys", SALE.id))[each.id]
        await world.payments.put(replace(row, journal="J1", lines=(each.id,)))
    rules = with_rules(BOOKS, tenant={"payment_search_seconds": seconds})
    assert (await world.compare(rules=rules)).findings == ()
    lines = world.fo.tables["CustomerPaymentJournalLines"]
    lines.append(lines[0] | {"JournalBatchNumber": "HAND", "PaymentId": ""})
    assert codes(await world.compare(rules=rules)) == ["PAYMENT_DIFFERS"] * seen
    lines[-1]["JournalBatchNumber"] = "J1"
    assert codes(await world.compare(rules=rules)) == ["PAYMENT_DIFFERS"]


async def test_an_order_whose_reference_staff_changed_is_kept_beside_a_copy_with_it(world):
    world.fo.tables["SalesOrderHeadersV4"][0]["CustomersOrderReference"] = "by hand"
    world.sell("SN-OTHER")
    duplicates = await hold_duplicates(world.link, BOOKS, world.ports)
    assert duplicates.kept == (NUMBER,)
    assert [row["IsSalesProcessingStopped"] for row in world.fo.tables["SalesOrderHeadersV4"]] == ["No", "Yes"]


async def test_a_reference_that_fo_only_takes_for_the_same_is_no_duplicate(world):
    world.sell("SN-OTHER", reference=f"SHOPIFY-nordlys-{SALE.id}")
    assert await hold_duplicates(world.link, BOOKS, world.ports) == Duplicates((NUMBER,))


async def test_a_further_order_is_no_duplicate_and_may_have_one_itself(world):
    world.sell("SNB", reference=f"shopify-nordlys-{SALE.id}-2")
    world.link = replace(world.link, further=("SNB",))
    assert (await hold_duplicates(world.link, BOOKS, world.ports)).findings == ()
    world.sell("SNC", "Picked", reference=f"shopify-nordlys-{SALE.id}-2")
    duplicates = await hold_duplicates(world.link, BOOKS, world.ports)
    assert duplicates.kept == (NUMBER, "SNC")
    assert [finding.refusal.code for finding in duplicates.findings] == ["SALES_ORDER_TWICE"]


async def test_a_copy_that_fo_does_not_let_be_held_keeps_none_of_the_others_from_it(world):
    world.sell("SN-A")
    world.sell("SN-B")
    update = world.fo.update

    async def refuse(entity_set, key, changes):
        if key["SalesOrderNumber"] == "SN-A":
            raise RefusedError("FO_REJECTED", what="an update", infolog="It is locked.")
        await update(entity_set, key, changes)

    world.fo.update = refuse
    (finding,) = (await hold_duplicates(world.link, BOOKS, world.ports)).findings
    assert finding.refusal.cause.endswith("Held in F&O: SN-B.")


def test_the_sweep_changes_headers_of_sales_orders_and_creates_or_deletes_none():
    access = uses_of(SWEEP).access
    assert access["SalesOrderHeadersV4"] == {"read", "update"}
    assert access["SalesOrderLinesV3"] == access["SalesInvoiceHeadersV4"] == {"read"}


# ---- stores whose tax an engine outside F&O computes

OUTSIDE = with_rules(
    NO_RULES,
    taxes=(),
    tax={"verify": "external", "policy": "tolerate", "shipping_rates": "add_up", "tolerance": 2},
)


async def test_the_invoice_of_an_engine_is_told_in_place_of_the_balance_that_it_makes():
    world = ComparedWorld()
    await world.pay(PAID)
    world.invoice("108.81", tax="8.81")
    found = await world.compare(state(PAID, sale=SALE), OUTSIDE)
    assert codes(found) == ["INVOICE_DIFFERS"]
    assert found.findings[0].fo == "108.81 EUR with a tax of 8.81 EUR"


async def test_where_the_engine_agrees_the_balance_is_compared():
    world = ComparedWorld()
    world.invoice()
    await world.pay(PAID)
    assert (await world.compare(state(PAID, sale=SALE), OUTSIDE)).findings == ()
    await world.pay(transaction(2, "5.00"))
    found = await world.compare(state(PAID, sale=SALE), OUTSIDE)
    assert "INVOICE_DIFFERS" not in codes(found)
    assert "BALANCE_DIFFERS" in codes(found)


async def test_the_invoice_is_compared_where_no_payments_are_booked_and_only_with_an_engine():
    world = ComparedWorld()
    world.invoice("108.81", tax="8.81")
    unbooked = OUTSIDE.model_copy(update={"payments": None})
    assert codes(await world.compare(state(PAID, sale=SALE), unbooked)) == ["INVOICE_DIFFERS"]
    by_rules = NO_RULES.model_copy(update={"payments": None})
    assert (await world.compare(state(PAID, sale=SALE), by_rules)).findings == ()


async def test_an_order_that_is_not_invoiced_costs_no_search_for_invoices():
    world = ComparedWorld()
    await world.pay(PAID)
    assert (await world.compare(state(PAID, sale=SALE), OUTSIDE)).findings == ()
    assert "GET SalesInvoiceHeadersV4" not in world.fo.calls
