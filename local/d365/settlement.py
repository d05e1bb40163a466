"""Which transactions belong to one sales order, so that its payments settle its invoices."""

from collections.abc import Iterator
from decimal import Decimal

from local.d365.books import Books, folded
from local.d365.edm import Value
from local.d365.ledger import TRANSACTIONS, settle
from local.d365.tables import Row


def settle_order(books: Books, company: str, number: str) -> Decimal:
    """
    What a customer's own batch job does between invoices and payments: F&O's automatic settlement goes by due date
    and does not regard orders. Gives the amount settled.
    """
    return settle(books, transactions_of(books, company, number))


def transactions_of(books: Books, company: str, number: str) -> list[Row]:
    """
    Invoices of the order and of returns against its lots, and what names the order: free text invoices in the
    customer's requisition, payments in their reference.
    """
    order = folded((company, number))
    invoices = set(_invoices(books, order))
    return [
        row
        for row in books.rows(TRANSACTIONS)
        if folded((row.values["dataAreaId"], row.values["PaymReference"])) == order
        or folded((row.values["dataAreaId"], row.values["Invoice"])) in invoices
    ]


def _invoices(books: Books, order: tuple[Value, ...]) -> Iterator[tuple[Value, ...]]:
    orders = {order, *_returns(books, order)}
    for row in books.rows("SalesInvoiceHeadersV4"):
        if folded((row.values["dataAreaId"], row.values["SalesOrderNumber"])) in orders:
            yield folded((row.values["dataAreaId"], row.values["InvoiceNumber"]))
    for row in books.rows("FreeTextInvoiceHeaders"):
        if folded((row.values["dataAreaId"], row.values["CustomerRequisition"])) == order:
            yield folded((row.values["dataAreaId"], row.values["FreeTextNumber"]))


def _returns(books: Books, order: tuple[Value, ...]) -> Iterator[tuple[Value, ...]]:
    company = order[0]
    lots = {lot for _, lot in books.order_lines.get(order) or ()}
    for row in books.rows("ReturnOrderLinesV2"):
        line = row.values
        if folded((line["dataAreaId"],)) == (company,) and folded((line["ReturningInventoryLotId"],))[0] in lots:
            yield folded((line["dataAreaId"], line["ReturnOrderNumber"]))
