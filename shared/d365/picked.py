"""What F&O's warehouses have picked and not delivered yet.

Without warehouse management F&O shows it of a whole sales order, whose picking list is posted. With it, F&O's sets
show what was released, put on a wave and packed, and not what was picked: what is packed counts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Final

from shared.d365.entities import READ, SALES_LINE_PROGRESS, WAREHOUSE_LINES
from shared.d365.moved import Moved, add_row, pass_over
from shared.d365.odata.client import ODataClient
from shared.d365.odata.filters import chunks, since
from shared.errors import DeniedError, ErrorCode, RefusedError
from shared.model.fo_order import FoRow

_OF_LINE: Final = ("InventTransId", "SalesId", "DlvMode")
_HIDDEN: Final = frozenset({ErrorCode.FO_SET_MISSING, ErrorCode.FO_DENIED})


async def packed_since(
    client: ODataClient, company: str, moment: datetime, modes: Collection[str] | None, *, is_known: bool
) -> dict[str, Moved]:
    """The sales orders with lines of these modes of delivery (None: of any) of which something is packed that was
    changed since the moment. One call when nothing is.

    `is_known` says that the company has warehouse management: otherwise nothing is packed where F&O does not show it.
    """
    fields = (*READ[WAREHOUSE_LINES], "SysModifiedDateTime")
    try:
        rows = await client.query(
            WAREHOUSE_LINES, company=company, where=since("SysModifiedDateTime", moment), select=fields
        )
    except (RefusedError, DeniedError) as hidden:
        if is_known or hidden.code not in _HIDDEN:
            raise
        return {}
    packed = {row["InventTransId"]: row for row in rows if row["PackingQty"] > 0}
    found = await asyncio.gather(
        *(
            client.query(SALES_LINE_PROGRESS, company=company, where=where, select=_OF_LINE)
            for where in chunks("InventTransId", sorted(packed))
        )
    )
    moved: dict[str, Moved] = {}
    for line in (line for lines in found for line in lines):
        if line["InventTransId"] not in packed or not has_mode(line["DlvMode"], modes):
            continue
        row = packed[line["InventTransId"]]
        what = f"packed {line['InventTransId']} {row['PackingQty']} {row['SysModifiedDateTime']}"
        add_row(moved, line["SalesId"], _modified(row), what)
    pass_over(moved, map(_modified, rows))
    return moved


async def read_packed(
    client: ODataClient, company: str, lots: Collection[str], *, is_known: bool
) -> Mapping[str, Decimal]:
    """InventoryLotId -> units packed, those that have left since included. `is_known` as in packed_since."""
    try:
        found = await asyncio.gather(
            *(
                client.query(WAREHOUSE_LINES, company=company, where=where, select=READ[WAREHOUSE_LINES])
                for where in chunks("InventTransId", sorted(lots))
            )
        )
    except (RefusedError, DeniedError) as hidden:
        if is_known or hidden.code not in _HIDDEN:
            raise
        return {}
    return {row["InventTransId"]: row["PackingQty"] for rows in found for row in rows if row["InventTransId"] in lots}


def has_mode(mode: str, modes: Collection[str] | None) -> bool:
    """Whether it is among the modes of delivery; None for any."""
    return modes is None or mode.casefold() in {each.casefold() for each in modes}


def _modified(row: FoRow) -> datetime:
    return datetime.fromisoformat(row["SysModifiedDateTime"])
