"""How far F&O is with its sales orders, from the table of sales orders, which has a stamp of the last change."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from shared.d365.entities import READ, SALES_TABLE
from shared.d365.odata.client import ODataClient
from shared.d365.odata.filters import Filter, chunks, since
from shared.model import FoStatus, SalesOrderState
from shared.model.fo_order import FoRow

_SALES: Final = "Sales"
"""SalesType of an ordinary sales order: returns and journals are in the same table."""
_STATUS: Final = {
    "Delivered": FoStatus.DELIVERED,
    "Invoiced": FoStatus.INVOICED,
    "Canceled": FoStatus.CANCELLED,
}
"""SalesStatus; every other is an order that is open."""
_HAS_LEFT: Final = frozenset({"PackingSlip", "Invoice"})
"""DocumentStatus, the last document that was posted, of an open order of which something has left."""
_PICKED: Final = "PickingList"
"""DocumentStatus of a sales order whose picking list was posted last."""


async def states_since(client: ODataClient, company: str, moment: datetime) -> list[SalesOrderState]:
    """The sales orders that changed since the moment, as they are now. One call."""
    return await _read(client, company, [since("SysModifiedDateTime", moment)])


async def read_states(client: ODataClient, company: str, numbers: Sequence[str]) -> list[SalesOrderState]:
    """Those of the sales orders that F&O has."""
    found = await _read(client, company, chunks("SalesId", numbers))
    return [state for state in found if state.number in numbers]


async def _read(client: ODataClient, company: str, filters: Iterable[Filter]) -> list[SalesOrderState]:
    found = await asyncio.gather(
        *(client.query(SALES_TABLE, company=company, where=where, select=READ[SALES_TABLE]) for where in filters)
    )
    return [_state(row) for rows in found for row in rows if row["SalesType"] == _SALES]


def _state(row: FoRow) -> SalesOrderState:
    is_open = FoStatus.PARTLY_DELIVERED if row["DocumentStatus"] in _HAS_LEFT else FoStatus.OPEN
    return SalesOrderState(
        number=row["SalesId"],
        reference=row["CustomerRef"],
        status=_STATUS.get(row["SalesStatus"], is_open),
        delivery_mode=row["DlvMode"],
        is_picked=row["DocumentStatus"] == _PICKED,
        is_stopped=row["MCROrderStopped"] == "Yes",
        is_in_credit_control=row["CredManInCreditControl"] == "Yes",
        modified_at=datetime.fromisoformat(row["SysModifiedDateTime"]),
    )
