"""What staff do in F&O with the documents of the app: ship, invoice, receive, post."""

from __future__ import annotations

from decimal import Decimal

from local.d365 import Simulator
from local.d365.edm import number
from local.d365.free_text import HEADERS as INVOICES
from local.d365.free_text_posting import post_free_text
from local.d365.journal_posting import post_journal
from local.d365.journals import JOURNALS
from local.d365.ledger import TRANSACTIONS
from local.d365.return_posting import ReturnPosting
from local.d365.return_tables import HEADERS as RETURNS
from local.d365.sales_tables import HEADERS, lines_of, progress_of
from local.d365.slip_posting import Shipment


def is_held(fo: Simulator) -> bool:
    """Whether processing of a sales order is stopped."""
    return any(row.values["IsSalesProcessingStopped"] == "Yes" for row in fo.books.rows(HEADERS))


def ship_and_invoice(fo: Simulator) -> None:
    """Ships and invoices all open lines of orders that are not held."""
    for header in fo.books.rows(HEADERS):
        if header.values["IsSalesProcessingStopped"] == "Yes":
            continue
        lines = lines_of(fo.books, header)
        if any(line.values["SalesOrderLineStatus"] == "Backorder" for line in lines):
            fo.slips.pack(header, Shipment())
        progress = [progress_of(fo.books, line) for line in lines]
        if any(each.delivered > each.invoiced for each in progress):
            fo.posting.invoice(header)


def close_the_books(fo: Simulator) -> Decimal:
    """Posts all documents; gives what the buyers owe then, below zero what the company owes them."""
    books, returns = fo.books, ReturnPosting(fo.books)
    for order in books.rows(RETURNS):
        returns.receive(order, {})
        returns.invoice(order)
    for invoice in books.rows(INVOICES):
        post_free_text(books, invoice)
    for journal in books.rows(JOURNALS):
        post_journal(books, journal)
    return sum((number(row.values, "AmountCur") for row in books.rows(TRANSACTIONS)), Decimal(0))
