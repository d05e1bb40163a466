"""One order compared with F&O, in stores that book refunds and in those that do not."""

from dataclasses import replace
from decimal import Decimal

import pytest

from shared.d365.items import ItemCache
from shared.d365.payment_journals import PaymentJournals
from shared.d365.tax import TaxSetups
from shared.errors import RefusedError
from shared.flows import SWEEP
from shared.mapping.orders.header import header_fingerprints
from shared.model import Part, TransactionKind
from shared.store.links import OrderLinks
from shared.store.outbox import Outbox
from shared.store.payments import Payment, Payments
from shared.store.refunds import BookedRefund, Refunds
from shared.store.shared_rows import SharedRows
from shared.sync.orders.ports import OrderPorts
from shared.sync.payments import PaymentPorts
from shared.sync.refunds import RefundPorts
from shared.sync.sweep.duplicates import Duplicates, hold_duplicates
from shared.sync.sweep.reconciliation import compare_order
from tests.builders.memory_table import MemoryTable
from tests.builders.payments import METHODS, NOON, link, state, transaction
from tests.builders.refunds import MemoryFo, back, refund
from tests.builders.refunds import rules as refund_rules
from tests.builders.sales import euros, items_of, line, order, plan, with_rules
from tools.permissions import uses_of

SALE = order(line(1, euros("50.00"), 2))
NUMBER = f"SN{SALE.id}"
PAID = transaction(1, "100.00")
GIVEN = transaction(901, "50.00", kind=TransactionKind.REFUND)
ONE_BACK = refund(back(1, 1, "50.00"), transactions=[GIVEN])
REFUNDED = state(PAID, GIVEN, sale=SALE, refunds=[ONE_BACK])

BOOKS = with_rules(refund_rules(), payments={"journal": "SHOPPAY", "methods": tuple(METHODS)})
NO_RULES = BOOKS.model_copy(update={"refunds": None})
FO_DECIDES = with_rules(BOOKS, masters={"refunds": "fo"})
both_without_refunds = pytest.mark.parametrize("rules", [NO_RULES, FO_DECIDES], ids=["no rules", "F&O decides"])


class SearchableFo(MemoryFo):
    """Searches for several payment ids too."""

    async def query(self, entity_set, *, company, where, select, order_by=()):
        if " or " not in where:
            return await super().query(entity_set, company=company, where=where, select=select, order_by=order_by)
        return [dict(row) for row in self.tables[entity_set] if f"'{row['PaymentId']}'" in where]


class World:
    """F&O and the tables, with the sales order of SALE."""

    def __init__(self) -> None:
        self.fo = SearchableFo()
        rows = MemoryTable()
        self.payments, self.refunds = Payments(rows), Refunds(MemoryTable())
        self.ports = OrderPorts(
            rules={},
            admins={},
            links=OrderLinks(MemoryTable()),
            known_customers=None,
            fo=self.fo,
            customers=None,
            taxes=TaxSetups(self.fo),
            payments=PaymentPorts(self.payments, PaymentJournals(self.fo, SharedRows(rows, "journals"))),
            refunds=RefundPorts(self.refunds, self.fo, TaxSetups(self.fo)),
            outbox=Outbox(MemoryTable()),
            parking=None,
            items=ItemCache(),
        )
        self.link = link(REFUNDED, fingerprints=header_fingerprints(plan(SALE, BOOKS).header))
        self.sell(NUMBER)

    def sell(self, number, status="Active", *, reference=f"shopify-nordlys-{SALE.id}"):
        planned = plan(SALE, BOOKS)
        self.fo.tables["SalesOrderHeadersV4"].append(
            {
                **planned.header,
                "dataAreaId": "nleu",
                "SalesOrderNumber": number,
                "CustomersOrderReference": reference,
                "IsSalesProcessingStopped": "No",
                "SalesOrderStatus": "Backorder",
                "SalesOrderProcessingStatus": status,
            }
        )
        for each in planned.lines:
            lot = f"{number}-{each.number}"
            self.fo.tables["SalesOrderLinesV3"].append(
                {
                    "DeliveryModeCode": "",
                    "LineDescription": "",
                    **each.record,
                    "dataAreaId": "nleu",
                    "SalesOrderNumber": number,
                    "InventoryLotId": lot,
                    "LineAmount": each.amount.amount,
                }
            )
            remaining = Decimal(0) if status == "Invoiced" else each.record["OrderedSalesQuantity"]
            self.fo.tables["SalesLineBiEntities"].append(
                {
                    "dataAreaId": "nleu",
                    "SalesId": number,
                    "InventTransId": lot,
                    "SalesStatus": "Invoiced" if status == "Invoiced" else "Backorder",
                    "RemainSalesPhysical": remaining,
                    "RemainSalesFinancial": Decimal(0),
                }
            )

    def invoice(self, amount="100.00", number=NUMBER):
        self.fo.tables["SalesInvoiceHeadersV4"].append(
            {
                "dataAreaId": "nleu",
                "InvoiceNumber": "INV1",
                "SalesOrderNumber": number,
                "CurrencyCode": "EUR",
                "TotalInvoiceAmount": Decimal(amount),
            }
        )
        for row in self.fo.tables["SalesOrderHeadersV4"]:
            if row["SalesOrderNumber"] == number:
                row["SalesOrderProcessingStatus"] = "Invoiced"
        self.fo.invoice()

    async def pay(self, each, *, recorded=True):
        """F&O's payment line, and the app's record of it."""
        outgoing = each.kind is TransactionKind.REFUND
        self.fo.tables["CustomerPaymentJournalLines"].append(
            {
                "dataAreaId": "nleu",
                "JournalBatchNumber": "J1",
                "LineNumber": Decimal(each.id),
                "PaymentId": str(each.id),
                "PaymentReference": NUMBER,
                "CurrencyCode": "EUR",
                "CreditAmount": Decimal(0) if outgoing else each.amount.amount,
                "DebitAmount": each.amount.amount if outgoing else Decimal(0),
            }
        )
        if recorded:
            await self.payments.put(Payment("nordlys", SALE.id, each.id, settled=each.amount, journal="J1"))

    async def credit(self, number=801, worth="50.00"):
        amount = euros(worth) if worth else None
        await self.refunds.put(BookedRefund("nordlys", SALE.id, number, since=NOON, worth=amount))

    async def compare(self, one=REFUNDED, rules=BOOKS):
        for item_id, item in items_of(SALE).items():
            sku = next(each.sku for each in SALE.lines if each.id == item_id)
            self.ports.items.put("nleu", "ItemNumber", sku, item)
        self.link = await self.ports.links.put(replace(self.link, etag=None)) if self.link.etag is None else self.link
        duplicates = await hold_duplicates(self.link, rules, self.ports)
        self.fo.calls.clear()
        return await compare_order(one, self.link, duplicates, rules, self.ports)

    def codes(self, found):
        return [finding.refusal.code for finding in found.findings]


@pytest.fixture
async def world():
    built = World()
    await built.pay(PAID)
    await built.pay(GIVEN)
    return built


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
    assert world.codes(found) == ["PAYMENT_DIFFERS"]


@both_without_refunds
async def test_money_given_back_without_record_is_missed_where_the_app_books_no_refunds(rules):
    world = World()
    await world.pay(PAID)
    found = await world.compare(rules=rules)
    assert found.missed == ("transaction 901",)


@both_without_refunds
async def test_the_sales_order_is_compared_where_the_app_books_no_refunds(world, rules):
    world.fo.tables["SalesOrderLinesV3"][0] |= {"SalesPrice": Decimal(40), "LineAmount": Decimal(80)}
    found = await world.compare(rules=rules)
    assert world.codes(found) == ["SALES_ORDER_DIFFERS"]
    assert (str(found.sums.shopify), str(found.sums.fo)) == ("100.00 EUR", "80.00 EUR")


@both_without_refunds
async def test_the_balance_of_a_refunded_order_is_not_compared_where_staff_credit_it(world, rules):
    world.invoice("140.00")
    found = await world.compare(rules=rules)
    assert found.findings == ()
    assert "GET SalesInvoiceHeadersV4" not in world.fo.calls


@both_without_refunds
async def test_the_balance_of_an_order_without_refunds_is_compared_where_the_app_books_none(rules):
    world = World()
    await world.pay(PAID)
    world.invoice("140.00")
    found = await world.compare(state(PAID, sale=SALE), rules)
    assert world.codes(found) == ["BALANCE_DIFFERS"]


async def test_nothing_about_money_is_compared_where_payments_are_not_booked(world):
    world.invoice("140.00")
    found = await world.compare(rules=NO_RULES.model_copy(update={"payments": None}))
    assert (found.missed, found.findings) == ((), ())


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
    assert world.codes(found) == ["REFUND_SUM_DIFFERS"]
    assert (found.findings[0].shopify, found.findings[0].fo) == ("50.00 EUR", "70.00 EUR")


async def test_a_settled_order_agrees_and_one_with_another_invoice_is_found(world):
    await world.credit()
    world.invoice()
    assert (await world.compare()).findings == ()
    world.fo.tables["SalesInvoiceHeadersV4"][0]["TotalInvoiceAmount"] += Decimal("0.01")
    found = await world.compare()
    assert world.codes(found) == ["BALANCE_DIFFERS"]
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
    assert world.codes(await world.compare()) == ["SALES_ORDER_TWICE"]


async def test_a_payment_counts_that_names_a_sales_order_that_is_deleted_but_not_one_that_is_another_order():
    world = World()
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
    assert world.codes(await world.compare()) == ["PAYMENT_DIFFERS", "PAYMENT_DIFFERS"]


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
