"""F&O's records about orders, in a form that does not depend on when and in what order they were written."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from local.d365 import Simulator
from local.d365.edm import Value, number
from local.d365.tables import Row

type Fact = tuple[tuple[str, Value], ...]
type Books = dict[str, list[Fact]]

ORDERS, ORDER_LINES = "SalesOrderHeadersV4", "SalesOrderLinesV3"
RETURNS, RETURN_LINES = "ReturnOrderHeadersV2", "ReturnOrderLinesV2"
INVOICES, INVOICE_LINES = "FreeTextInvoiceHeaders", "FreeTextInvoiceLines"
JOURNALS, PAYMENTS = "CustomerPaymentJournalHeaders", "CustomerPaymentJournalLines"

_NUMBERS: Final = frozenset(
    {
        "LineNumber",  # a line keeps its number, so a line added later has another one than in an order of today
        "LineCreationSequenceNumber",
        "OrderCreationDateTime",
        "RequestedShippingDate",  # a later attempt may be on the next day
        "ReturnInventoryLotId",
        "InventoryLotId",
        "RMANumber",
        "Voucher",
        "FreeTextNumber",
        "InvoiceIdentifier",
        "InvoiceDate",  # F&O's day, not ours
        "DueDate",
    }
)
"""Numbers and dates that F&O assigns."""


def books_of(fo: Simulator) -> Books:
    """Each document and each line as facts; numbers that F&O assigns are replaced by what they refer to."""
    names = _names(fo)
    return {
        name: sorted(
            (_fact(row, names) for row in fo.books.rows(name)),
            key=str,
        )
        for name in (ORDERS, ORDER_LINES, RETURNS, RETURN_LINES, INVOICES, INVOICE_LINES, JOURNALS, PAYMENTS)
    }


def _names(fo: Simulator) -> dict[tuple[str, Value], str]:
    """By field and number, the reference of a document or the source of a line."""
    rows = fo.books.rows
    names: dict[tuple[str, Value], str] = {}
    for row in rows(ORDERS):
        number, reference = row.values["SalesOrderNumber"], f"order {row.values['CustomersOrderReference']}"
        # a return order has the sales order's number for its requisition, a payment for its reference
        names |= dict.fromkeys(
            (
                ("SalesOrderNumber", number),
                ("PaymentReference", number),
                ("CustomerRequisitionNumber", number),
                ("CustomerReference", number),
            ),
            reference,
        )
    for row in rows(ORDER_LINES):
        lot = ("ReturningInventoryLotId", row.values["InventoryLotId"])
        names[lot] = f"sold {row.values['ExternalItemNumber']}"
    for row in rows(RETURNS):
        names["ReturnOrderNumber", row.values["ReturnOrderNumber"]] = f"return {row.values['CustomersOrderReference']}"
    for row in rows(INVOICES):
        names["ParentRecId", row.values["InvoiceIdentifier"]] = f"invoice {row.values['CustomerReference']}"
    for row in rows(JOURNALS):
        names["JournalBatchNumber", row.values["JournalBatchNumber"]] = f"journal {row.values['Description']}"
    return names


def _fact(row: Row, names: dict[tuple[str, Value], str]) -> Fact:
    return tuple(
        (field, names.get((field, value), value))
        for field, value in sorted(row.values.items())
        if value not in (None, "") and field not in _NUMBERS
    )


def items_of_orders(fo: Simulator) -> list[Value]:
    """The item of every sales order line."""
    return [row.values["ItemNumber"] for row in fo.books.rows(ORDER_LINES)]


def line_count(fo: Simulator) -> int:
    """Lines of all orders, returns and free text invoices."""
    return sum(len(fo.books.rows(name)) for name in (ORDER_LINES, RETURN_LINES, INVOICE_LINES))


def without_traces(books: Books) -> Books:
    """Without the records that remain of cancelled orders and sum to zero.

    These are cancelled lines and orders, in stores that keep them, and payments that were refunded in full.
    """
    gone = ("SalesOrderLineStatus", "Canceled"), ("SalesOrderStatus", "Canceled")
    kept = {name: [fact for fact in facts if not set(gone) & set(fact)] for name, facts in books.items()}
    if not kept[ORDERS] and not sum(_credited(fact) for fact in kept[PAYMENTS]):
        kept |= {PAYMENTS: [], JOURNALS: []}
    return kept


def _credited(fact: Fact) -> Decimal:
    fields = dict(fact)
    return number(fields, "CreditAmount") - number(fields, "DebitAmount")
