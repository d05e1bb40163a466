"""Packing slips of F&O: what has left, and which orders moved since a moment.

A summary slip has lines of several sales orders: a line belongs to the one that its OrigSalesId names, and its SalesId
may be that of the slip. F&O does not stamp tracking numbers with a time, so those of recent slips are read again.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

from shared.d365.entities import (
    PACKING_SLIP_LINES,
    PACKING_SLIP_VERSIONS,
    PACKING_SLIPS,
    READ,
    SALES_ORDERS,
    SLIP_TRACKING,
)
from shared.d365.moved import Moved, add_row
from shared.d365.odata.client import ODataClient
from shared.d365.odata.filters import Filter, chunks, eq, since
from shared.model import PackingSlip, Tracking
from shared.model.fo_order import FoRow

_SALES: Final = "Sales"
"""SalesType of an ordinary sales order: returns and journals are no shipments."""


async def moved_since(client: ODataClient, company: str, moment: datetime) -> tuple[dict[str, Moved], frozenset[str]]:
    """The sales orders with a packing slip that was posted, corrected or cancelled since the moment; and the numbers of
    slips that are gone.

    Two calls when nothing moved. Raises what the client does, RefusedError FO_SET_MISSING above all.
    """
    lines, versions = await asyncio.gather(
        _read(client, company, PACKING_SLIP_LINES, [since("CreatedOn", moment)]),
        _read(client, company, PACKING_SLIP_VERSIONS, [since("VersionDateTime", moment)]),
    )
    changed: dict[int, datetime] = {}
    for row in versions:
        slip = row["CustPackingSlipJour"]
        changed[slip] = max(_moment(row, "VersionDateTime"), changed.get(slip, moment))
    slips = await _read(client, company, PACKING_SLIPS, chunks("SourceKey", sorted(changed)))
    corrected = {row["PackingSlipId"]: changed[row["SourceKey"]] for row in slips}
    lines += await _read(client, company, PACKING_SLIP_LINES, chunks("PackingSlipId", sorted(corrected)))
    moved: dict[str, Moved] = {}
    for row in lines:
        at = max(_moment(row, "CreatedOn"), corrected.get(row["PackingSlipId"], moment))
        what = f"{row['PackingSlipId']}/{row['InventTransId']}/{row['Qty']}/{at.isoformat()}"
        add_row(moved, _order_of(row), at, what)
    there = {row["SourceKey"] for row in slips}
    gone = {row["InternalPackingSlipId"] for row in versions if row["CustPackingSlipJour"] not in there}
    return moved, frozenset(gone - corrected.keys())


async def references_of(client: ODataClient, company: str, sales_orders: Collection[str]) -> dict[str, str]:
    """Sales order -> the reference that it was written with."""
    rows = await _read(client, company, SALES_ORDERS, chunks("SalesOrderNumber", sorted(sales_orders)))
    return {row["SalesOrderNumber"]: row["CustomersOrderReference"] for row in rows}


async def read_slips(
    client: ODataClient, company: str, sales_orders: Sequence[str], *, has_tracking: bool = True
) -> list[PackingSlip]:
    """All packing slips of the sales orders, as they are now. A slip of which nothing is left is among them.

    Without `has_tracking` F&O has no tracking numbers to read.
    """
    lines = [
        row
        for row in await _read(client, company, PACKING_SLIP_LINES, _of_orders(sales_orders))
        if _order_of(row) in sales_orders
    ]
    numbers = sorted({row["PackingSlipId"] for row in lines})
    headers, tracking = await asyncio.gather(
        _read(client, company, PACKING_SLIPS, chunks("PackingSlipId", numbers)),
        tracking_of(client, company, numbers if has_tracking else ()),
    )
    by_number = {row["PackingSlipId"]: row for row in headers if row["SalesType"] == _SALES}
    return [
        _slip(by_number[number], found, tracking.get(number, ()))
        for (_, number), found in _by_order_and_slip(lines)
        if number in by_number
    ]


async def tracking_of(client: ODataClient, company: str, slips: Collection[str]) -> dict[str, tuple[Tracking, ...]]:
    """Number of a packing slip -> its tracking numbers."""
    parcels: defaultdict[str, dict[str, Tracking]] = defaultdict(dict)
    for row in await _read(client, company, SLIP_TRACKING, chunks("PackingSlipNumber", slips)):
        number = row["TrackingNumber"]
        parcels[row["PackingSlipNumber"]][number] = Tracking(number, row["TrackingURL"])
    return {slip: tuple(found.values()) for slip, found in parcels.items()}


def _of_orders(sales_orders: Iterable[str]) -> Iterator[Filter]:
    return (Filter(f"({eq('OrigSalesId', number)} or {eq('SalesId', number)})") for number in sales_orders)


def _order_of(line: FoRow) -> str:
    return str(line["OrigSalesId"] or line["SalesId"])


def _by_order_and_slip(lines: Iterable[FoRow]) -> list[tuple[tuple[str, str], list[FoRow]]]:
    groups: defaultdict[tuple[str, str], list[FoRow]] = defaultdict(list)
    for row in lines:
        groups[_order_of(row), row["PackingSlipId"]].append(row)
    return sorted(groups.items())


def _slip(header: FoRow, lines: Sequence[FoRow], tracking: tuple[Tracking, ...]) -> PackingSlip:
    units: defaultdict[str, Decimal] = defaultdict(Decimal)
    for row in lines:
        units[row["InventTransId"]] += row["Qty"]
    return PackingSlip(
        sales_order=_order_of(lines[0]),
        number=header["PackingSlipId"],
        day=lines[0]["DeliveryDate"],
        warehouse=header["inventLocationId"],
        carrier=header["ShipCarrierId"],
        delivery_mode=header["DlvMode"],
        created_at=min(_moment(row, "CreatedOn") for row in lines),
        units=dict(units),
        items={row["InventTransId"]: row["ItemId"] for row in lines},
        tracking=tracking,
    )


async def _read(client: ODataClient, company: str, entity_set: str, filters: Iterable[Filter]) -> list[FoRow]:
    found = await asyncio.gather(
        *(client.query(entity_set, company=company, where=where, select=READ[entity_set]) for where in filters)
    )
    return [row for rows in found for row in rows]


def _moment(row: FoRow, field: str) -> datetime:
    return datetime.fromisoformat(row[field])
