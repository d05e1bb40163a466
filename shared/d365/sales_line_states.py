"""What is ordered and left of sales lines, from the table of sales lines, which has a stamp of the last change."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from shared.d365.entities import READ, SALES_LINE_PROGRESS
from shared.d365.odata.client import ODataClient
from shared.d365.odata.filters import Filter, chunks, since
from shared.model import SalesLineState
from shared.model.fo_order import FoRow

_SALES: Final = "Sales"
"""SalesType of a line of an ordinary sales order: those of returns are in the same table."""
_FIELDS: Final = (*READ[SALES_LINE_PROGRESS], "SalesType", "CustomerRef")


async def line_states_since(client: ODataClient, company: str, moment: datetime) -> list[SalesLineState]:
    """The sales lines that changed since the moment, as they are now. One call."""
    return await _read(client, company, [since("SysModifiedDateTime", moment)])


async def read_line_states(client: ODataClient, company: str, sales_orders: Sequence[str]) -> list[SalesLineState]:
    """All lines of the sales orders, by lot."""
    found = await _read(client, company, chunks("SalesId", sales_orders))
    return sorted((line for line in found if line.sales_order in sales_orders), key=lambda line: line.lot)


async def _read(client: ODataClient, company: str, filters: Iterable[Filter]) -> list[SalesLineState]:
    found = await asyncio.gather(
        *(client.query(SALES_LINE_PROGRESS, company=company, where=where, select=_FIELDS) for where in filters)
    )
    return [_progress(row) for rows in found for row in rows if row["SalesType"] == _SALES]


def _progress(row: FoRow) -> SalesLineState:
    return SalesLineState(
        sales_order=row["SalesId"],
        reference=row["CustomerRef"],
        lot=row["InventTransId"],
        ordered=row["SalesQty"],
        remaining=row["RemainSalesPhysical"],
        to_invoice=row["RemainSalesFinancial"],
        is_invoiced=row["SalesStatus"] == "Invoiced",
        modified_at=datetime.fromisoformat(row["SysModifiedDateTime"]),
    )
