"""Reading what F&O invoiced of a sales order."""

from __future__ import annotations

from collections.abc import Iterable

from shared.d365.documents import rows_with
from shared.d365.entities import SALES_INVOICES
from shared.d365.odata.client import ODataClient
from shared.model import Money, total


async def read_invoiced(client: ODataClient, company: str, sales_orders: Iterable[str], *, currency: str) -> Money:
    """The sum of their posted invoices in this currency, with tax and charges, less their credit notes."""
    rows = [
        row
        for number in sales_orders
        for row in await rows_with(client, SALES_INVOICES, company, "SalesOrderNumber", number)
    ]
    return total(
        (Money(row["TotalInvoiceAmount"], currency) for row in rows if row["CurrencyCode"] == currency), currency
    )
