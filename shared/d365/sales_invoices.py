"""Reading what F&O invoiced of sales orders, and which were invoiced since a moment."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from shared.d365.documents import rows_with
from shared.d365.entities import POSTED_INVOICES, READ, SALES_INVOICES, SALES_ORDERS
from shared.d365.moved import Moved, add_row, pass_over
from shared.d365.odata.client import ODataClient
from shared.d365.odata.filters import since
from shared.model import Invoicing, Money, total
from shared.model.fo_order import FoRow

_SALES: Final = "Sales"
"""SalesType of invoices and credit notes of sales orders. Those of returns have another, free text invoices none."""
_CANCELED: Final = "Canceled"
_ENDED: Final = frozenset({"Invoiced", _CANCELED})
"""Statuses of a sales order of which nothing is left to be invoiced."""


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


async def read_invoicing(client: ODataClient, company: str, sales_orders: Sequence[str], *, currency: str) -> Invoicing:
    """How far these sales orders of one order are invoiced.

    The statuses are read first: an invoice that is posted between both reads is part of the sum, and the order is
    found complete by the next event.
    """
    headers = await asyncio.gather(
        *(rows_with(client, SALES_ORDERS, company, "SalesOrderNumber", number) for number in sales_orders)
    )
    statuses = [row["SalesOrderStatus"] for rows in headers for row in rows]
    invoiced = await read_invoiced(client, company, sales_orders, currency=currency)
    return Invoicing(
        invoiced.total,
        is_complete=len(statuses) == len(sales_orders) and _ENDED.issuperset(statuses),
        is_cancelled=bool(statuses) and set(statuses) == {_CANCELED},
    )


async def invoiced_since(client: ODataClient, company: str, moment: datetime) -> dict[str, Moved]:
    """The sales orders with an invoice, or a credit note of their own, since the moment.

    One call. Raises what the client does, RefusedError FO_SET_MISSING above all.
    """
    rows = await client.query(
        POSTED_INVOICES,
        company=company,
        where=since("SysModifiedDateTime", moment),
        select=READ[POSTED_INVOICES],
    )
    moved: dict[str, Moved] = {}
    for row in rows:
        if row["SalesType"] != _SALES or not row["SalesId"]:
            continue
        add_row(moved, row["SalesId"], _modified(row), f"{row['InvoiceId']}/{row['InvoiceAmount']}")
    pass_over(moved, map(_modified, rows))
    return moved


def _modified(row: FoRow) -> datetime:
    return datetime.fromisoformat(row["SysModifiedDateTime"])
