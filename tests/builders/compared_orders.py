"""An order that both systems have, to be compared: F&O's documents and the app's tables, in memory."""

from dataclasses import replace
from decimal import Decimal

from shared.d365.items import ItemCache
from shared.d365.order_changes import HEADER_FIELDS, LINE_FIELDS
from shared.d365.payment_journals import PaymentJournals
from shared.d365.tax import TaxSetups
from shared.mapping.orders.header import header_fingerprints
from shared.model import TransactionKind
from shared.store.captures import Captures
from shared.store.links import OrderLinks
from shared.store.outbox import Outbox
from shared.store.parking import Parking
from shared.store.payments import Payment, Payments
from shared.store.refunds import BookedRefund, Refunds
from shared.store.shared_rows import SharedRows
from shared.store.shipments import Shipments
from shared.sync.orders.ports import OrderPorts
from shared.sync.payments import PaymentPorts
from shared.sync.refunds import RefundPorts
from shared.sync.sweep.duplicates import hold_duplicates
from shared.sync.sweep.reconciliation import compare_order
from tests.builders.memory_table import MemoryTable
from tests.builders.payments import METHODS, NOON, link, state, transaction
from tests.builders.refunds import MemoryFo, back, refund
from tests.builders.refunds import rules as refund_rules
from tests.builders.sales import PIECES, euros, items_of, line, order, plan, with_rules

SALE = order(line(1, euros("50.00"), 2))
NUMBER = f"SN{SALE.id}"
PAID = transaction(1, "100.00")
GIVEN = transaction(901, "50.00", kind=TransactionKind.REFUND)
ONE_BACK = refund(back(1, 1, "50.00"), transactions=[GIVEN])
REFUNDED = state(PAID, GIVEN, sale=SALE, refunds=[ONE_BACK])

BOOKS = with_rules(refund_rules(), payments={"journal": "SHOPPAY", "methods": tuple(METHODS)})


class SearchableFo(MemoryFo):
    """Searches for several payment ids or sales orders too."""

    async def query(self, entity_set, *, company, where, select, order_by=(), expand=None):
        if " or " not in where:
            return await super().query(
                entity_set, company=company, where=where, select=select, order_by=order_by, expand=expand
            )
        self.calls.append(f"GET {entity_set}")
        field = "PaymentId" if "PaymentId eq" in where else "SalesOrderNumber"
        return [dict(row) for row in self.tables[entity_set] if f"'{row[field]}'" in where]


class ComparedWorld:
    """F&O and the app's tables, with the sales order of SALE."""

    def __init__(self) -> None:
        self.fo = SearchableFo()
        rows, self.link_rows = MemoryTable(), MemoryTable()
        self.payments, self.refunds = Payments(rows), Refunds(MemoryTable())
        self.ports = OrderPorts(
            rules={},
            admins={},
            links=OrderLinks(self.link_rows),
            known_customers=None,
            fo=self.fo,
            customers=None,
            taxes=TaxSetups(self.fo),
            payments=PaymentPorts(self.payments, PaymentJournals(self.fo, SharedRows(rows, "journals"))),
            refunds=RefundPorts(self.refunds, self.fo, TaxSetups(self.fo)),
            captures=Captures(rows),
            outbox=Outbox(MemoryTable()),
            parking=Parking(MemoryTable(), None),
            shipments=Shipments(MemoryTable()),
            items=ItemCache(),
        )
        for line_id, item in items_of(SALE).items():
            sku = next(each.sku for each in SALE.lines if each.id == line_id)
            self.ports.items.put("nleu", "ItemNumber", sku, item)
            self.ports.items.put_handling("nleu", item.number, PIECES)
        self.link = link(REFUNDED, fingerprints=header_fingerprints(plan(SALE, BOOKS).header))
        self.sell(NUMBER)

    def sell(self, number, status="Active", *, reference=f"shopify-nordlys-{SALE.id}"):
        planned = plan(SALE, BOOKS)
        self.fo.tables["SalesOrderHeadersV4"].append(
            {
                **dict.fromkeys(HEADER_FIELDS, ""),
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
                    **dict.fromkeys(LINE_FIELDS, ""),
                    **each.record,
                    "dataAreaId": "nleu",
                    "SalesOrderNumber": number,
                    "InventoryLotId": lot,
                    "LineAmount": each.amount.amount,
                    "FixedPriceCharges": Decimal(0),
                }
            )
            remaining = Decimal(0) if status == "Invoiced" else each.record["OrderedSalesQuantity"]
            self.fo.tables["SalesLineBiEntities"].append(
                {
                    "dataAreaId": "nleu",
                    "SalesId": number,
                    "InventTransId": lot,
                    "SalesStatus": "Invoiced" if status == "Invoiced" else "Backorder",
                    "SysModifiedDateTime": "2026-11-27T12:00:00Z",
                    "SalesQty": each.record["OrderedSalesQuantity"],
                    "RemainSalesPhysical": remaining,
                    "RemainSalesFinancial": Decimal(0),
                }
            )

    def invoice(self, amount="100.00", number=NUMBER, tax="0.00"):
        self.fo.tables["SalesInvoiceHeadersV4"].append(
            {
                "dataAreaId": "nleu",
                "InvoiceNumber": "INV1",
                "SalesOrderNumber": number,
                "CurrencyCode": "EUR",
                "TotalInvoiceAmount": Decimal(amount),
                "TotalTaxAmount": Decimal(tax),
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
        self.link = await self.ports.links.put(replace(self.link, etag=None)) if self.link.etag is None else self.link
        duplicates = await hold_duplicates(self.link, rules, self.ports)
        self.fo.calls.clear()
        return await compare_order(one, self.link, duplicates, rules, self.ports)
