"""Reading what F&O invoiced of a sales order."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from shared.d365.documents import rows_with
from shared.d365.entities import SALES_INVOICES
from shared.d365.odata.client import ODataClient
from shared.model import Money, total


class Invoiced(NamedTuple):
    """Posted invoices less credit notes."""

    total: Money
    """With tax and charges."""
    tax: Money


async def read_invoiced(client: ODataClient, company: str, sales_orders: Iterable[str], *, currency: str) -> Invoiced:
    """What was invoiced of these sales orders in this currency."""
    rows = [
        row
        for number in sales_orders
        for row in await rows_with(client, SALES_INVOICES, company, "SalesOrderNumber", number)
        if row["CurrencyCode"] == currency
    ]

    def summed(field: str) -> Money:
        return total((Money(row[field], currency) for row in rows), currency)

    return Invoiced(summed("TotalInvoiceAmount"), summed("TotalTaxAmount"))
