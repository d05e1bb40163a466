"""Sales orders whose lines moved, by the sales lines themselves: for environments that cannot search packing slips.

What remains of a line changes when a packing slip is posted, corrected or cancelled, and when units are given up.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from shared.d365.entities import READ, SALES_LINE_PROGRESS
from shared.d365.moved import Moved, add_row
from shared.d365.odata.client import ODataClient
from shared.d365.odata.filters import chunks, since
from shared.model.fo_order import FoRow

ORDERS_A_READ: Final = 26
"""Sales orders that one read asks for: numbers have at most 20 characters, and _ROOM holds this many of those."""
_ROOM: Final = 1_300
"""Characters of a filter in the address; the rest of this query takes about 400 of the 2,000 that are safe."""
_OPEN: Final = "Backorder"
_ENDED: Final = frozenset({"Invoiced", "Canceled"})


@dataclass(frozen=True, slots=True)
class LineProgress:
    """How far F&O is with the lines of a sales order."""

    rows: frozenset[str]
    """Each line that is not as it was ordered. Empty while nothing moved."""
    is_ended: bool
    """Whether every line is invoiced or cancelled, so that no packing slip follows and none can be corrected."""


async def lines_modified_since(client: ODataClient, company: str, moment: datetime) -> dict[str, Moved]:
    """The sales orders of which F&O stamped a line as modified since the moment. One call where that is none."""
    rows = await client.query(
        SALES_LINE_PROGRESS,
        company=company,
        where=since("SysModifiedDateTime", moment),
        select=READ[SALES_LINE_PROGRESS],
    )
    moved: dict[str, Moved] = {}
    for row in rows:
        at = datetime.fromisoformat(row["SysModifiedDateTime"])
        add_row(moved, row["SalesId"], at, f"{_state(row)}/{at.isoformat()}")
    return moved


async def progress_of(client: ODataClient, company: str, sales_orders: Collection[str]) -> dict[str, LineProgress]:
    """By sales order; one that F&O does not have is left out. A call for every ORDERS_A_READ of them."""
    found = await asyncio.gather(
        *(
            client.query(SALES_LINE_PROGRESS, company=company, where=where, select=READ[SALES_LINE_PROGRESS])
            for where in chunks("SalesId", sorted(sales_orders), room=_ROOM)
        )
    )
    lines: defaultdict[str, list[FoRow]] = defaultdict(list)
    for row in (row for rows in found for row in rows):
        lines[row["SalesId"]].append(row)
    return {
        number: LineProgress(
            frozenset(_state(row) for row in rows if not _is_untouched(row)),
            all(row["SalesStatus"] in _ENDED for row in rows),
        )
        for number, rows in lines.items()
    }


def _is_untouched(row: FoRow) -> bool:
    return bool(row["SalesStatus"] == _OPEN and row["RemainSalesPhysical"] == row["SalesQty"])


def _state(row: FoRow) -> str:
    return f"{row['InventTransId']}/{row['SalesQty']}/{row['RemainSalesPhysical']}/{row['SalesStatus']}"
