"""Reading a complete sales order with what remains of its lines, and writing changes to it, all or none."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from operator import itemgetter
from typing import Any, Final

from shared.d365.documents import rows_with
from shared.d365.entities import (
    EXPANDED_LINES,
    READ,
    SALES_LINE_PROGRESS,
    SALES_ORDER_LINES,
    SALES_ORDERS,
    SALES_ORDERS_WITH_LINES,
    WAREHOUSE_LINES,
)
from shared.d365.odata.batch import Operation
from shared.d365.odata.client import Expand, ODataClient
from shared.d365.odata.filters import chunks, eq
from shared.errors import DeniedError, ErrorCode, RefusedError
from shared.model import FoHeader, FoLine, FoOrder, FoStatus
from shared.model.fo_order import FoRow

HELD: Final = "IsSalesProcessingStopped"
_NUMBER: Final = "SalesOrderNumber"
_LOT: Final = "InventoryLotId"

_ADDRESS: Final = (
    "DeliveryAddressName",
    "DeliveryBuildingCompliment",
    "DeliveryAddressStreet",
    "DeliveryAddressCity",
    "DeliveryAddressStateId",
    "DeliveryAddressZipCode",
    "DeliveryAddressCountryRegionId",
)
HEADER_FIELDS: Final = (
    *READ[SALES_ORDERS],
    *_ADDRESS,
    "SalesOrderName",
    "Email",
    "CustomerRequisitionNumber",
    "RequestedShippingDate",
    "DeliveryModeCode",
    "SalesTaxGroupCode",
)
LINE_FIELDS: Final = (
    *READ[SALES_ORDER_LINES],
    "LineDescription",
    "ShippingWarehouseId",
    "SalesPrice",
    "SalesPriceQuantity",
    "LineDiscountAmount",
    "FixedPriceCharges",
    "SalesTaxGroupCode",
    "SalesTaxItemGroupCode",
    "DeliveryModeCode",
    "RequestedShippingDate",
    *_ADDRESS,
)
_LINES: Final = Expand(EXPANDED_LINES, LINE_FIELDS)

_ORDER_STATUS: Final = {
    "Active": FoStatus.OPEN,
    "Confirmed": FoStatus.CONFIRMED,
    "Picked": FoStatus.PICKED,
    "PartiallyDelivered": FoStatus.PARTLY_DELIVERED,
    "PartiallyInvoiced": FoStatus.PARTLY_DELIVERED,
    "Delivered": FoStatus.DELIVERED,
    "DeliveredPartiallyInvoiced": FoStatus.DELIVERED,
    "Invoiced": FoStatus.INVOICED,
    "Canceled": FoStatus.CANCELLED,
}
"""SalesOrderProcessingStatus."""
_NOTHING_TO_DELIVER: Final = ("Delivered", "DeliveredPartiallyInvoiced", "Invoiced", "Canceled")
_CLOSED_LINE: Final = {
    "Delivered": FoStatus.DELIVERED,
    "Invoiced": FoStatus.INVOICED,
    "Canceled": FoStatus.CANCELLED,
}
"""SalesStatus of a line with nothing left to deliver."""


async def read_fo_order(client: ODataClient, company: str, numbers: Sequence[str]) -> FoOrder | None:
    """The sales orders with these numbers, the main order first; None if F&O does not have the main order.

    The quantity that remains to be delivered is no field of the lines: SalesLineBiEntities has it.
    """
    found = await asyncio.gather(*(_read(client, company, number) for number in numbers))
    if found[0] is None:
        return None
    present = [each for each in found if each is not None]
    return FoOrder(
        headers=tuple(header for header, _ in present),
        lines=tuple(line for _, lines in present for line in lines),
    )


async def read_written(
    client: ODataClient, company: str, before: FoOrder, written: Mapping[str, FoRow], *, with_headers: bool
) -> FoOrder | None:
    """The same sales orders after a write: their lines as F&O has them now, with as much delivered as before.

    `written` are the fields that each header got, by its number. Without `with_headers` the headers are taken to have
    them; with it they are read, and None is returned where one is gone.
    """
    headers = before.headers
    if with_headers:
        found = await asyncio.gather(*(read_header(client, company, each.number) for each in headers))
        headers = tuple(each for each in found if each is not None)
        if len(headers) < len(before.headers):
            return None
    else:
        headers = tuple(replace(each, fields={**each.fields, **written.get(each.number, {})}) for each in headers)
    known = {line.lot: line for line in before.lines}
    of_each = await asyncio.gather(*(_query_lines(client, company, header.number) for header in headers))
    lines = (
        _as_delivered(_line(header.number, row, None, header.status), known.get(row[_LOT]))
        for header, rows in zip(headers, of_each, strict=True)
        for row in rows
    )
    return FoOrder(headers=headers, lines=tuple(lines))


def _as_delivered(line: FoLine, before: FoLine | None) -> FoLine:
    if before is None or not (before.done or before.to_invoice):
        return line
    return replace(line, remaining=line.quantity - before.done, to_invoice=before.to_invoice, status=before.status)


async def read_in_warehouse(client: ODataClient, company: str, order: FoOrder) -> frozenset[str]:
    """The InventoryLotIds of open lines that warehouse management works on: released, on a wave or packed.

    Raises RefusedError FO_SET_MISSING, and DeniedError, where F&O does not show it.
    """
    lines = {line.lot: line for line in order.lines if line.is_open and line.status.hides_work}
    found = await asyncio.gather(
        *(
            client.query(WAREHOUSE_LINES, company=company, where=where, select=READ[WAREHOUSE_LINES])
            for where in chunks("InventTransId", lines)
        )
    )
    return frozenset(row["InventTransId"] for rows in found for row in rows if _has_work(row, lines))


def _has_work(row: FoRow, lines: Mapping[str, FoLine]) -> bool:
    """F&O seems to go on counting what left. What is neither nothing nor just what left counts as work."""
    line = lines.get(row["InventTransId"])
    if line is None:
        return False
    if not line.done and row["OnWave"] == "Yes":
        return True
    return any(row[name] not in (0, line.done) for name in ("ReleasedQty", "OnWaveQty", "PackingQty"))


async def read_headers(client: ODataClient, company: str, reference: str) -> list[FoHeader]:
    """All sales orders with exactly this reference, by number. Raises RefusedError FO_STATUS_UNKNOWN."""
    rows = await rows_with(client, SALES_ORDERS, company, "CustomersOrderReference", reference)
    return sorted((_header(row) for row in rows), key=lambda header: header.number)


async def read_header(client: ODataClient, company: str, number: str) -> FoHeader | None:
    """The sales order with this number. Raises RefusedError FO_STATUS_UNKNOWN."""
    row = await client.get(SALES_ORDERS, {"dataAreaId": company, _NUMBER: number})
    return _header({**row, _NUMBER: number}) if row is not None else None


async def not_held(client: ODataClient, company: str, numbers: Collection[str]) -> set[str]:
    """Those of the sales orders that F&O does not hold, and of which something may still be delivered."""
    found: set[str] = set()
    for where in chunks(_NUMBER, numbers):
        rows = await client.query(SALES_ORDERS, company=company, where=where, select=READ[SALES_ORDERS])
        found |= {
            row[_NUMBER]
            for row in rows
            if row[_NUMBER] in numbers
            and row[HELD] != "Yes"
            and row["SalesOrderProcessingStatus"] not in _NOTHING_TO_DELIVER
        }
    return found


async def write(client: ODataClient, operations: Sequence[Operation]) -> list[FoRow]:
    """All of them or none, in one request; one row for each, as ODataClient.change_set gives them."""
    if len(operations) > 1:
        return await client.change_set(operations)
    rows: list[FoRow] = []
    for operation in operations:
        match operation:
            case Operation(method="PATCH", key=Mapping() as key, body=dict() as body):
                await client.update(operation.entity_set, key, body)
                rows.append({})
            case Operation(method="DELETE", key=Mapping() as key):
                await client.delete(operation.entity_set, key)
                rows.append({})
            case Operation(method="POST", body=dict() as body):
                rows.append(await client.create(operation.entity_set, body))
            case _:
                raise ValueError(f"{operation.method} without its key or body")
    return rows


def header_change(company: str, number: str, fields: FoRow) -> Operation:
    return Operation("PATCH", SALES_ORDERS, {"dataAreaId": company, _NUMBER: number}, fields)


def header_removal(company: str, number: str) -> Operation:
    return Operation("DELETE", SALES_ORDERS, {"dataAreaId": company, _NUMBER: number})


def line_change(company: str, lot: str, fields: FoRow) -> Operation:
    return Operation("PATCH", SALES_ORDER_LINES, {"dataAreaId": company, _LOT: lot}, fields)


def line_removal(company: str, lot: str) -> Operation:
    return Operation("DELETE", SALES_ORDER_LINES, {"dataAreaId": company, _LOT: lot})


def new_line(company: str, number: str, record: FoRow) -> Operation:
    return Operation("POST", SALES_ORDER_LINES, body={**record, "dataAreaId": company, _NUMBER: number})


async def _read(client: ODataClient, company: str, number: str) -> tuple[FoHeader, list[FoLine]] | None:
    found, progress = await asyncio.gather(
        _read_together(client, company, number),
        client.query(
            SALES_LINE_PROGRESS, company=company, where=eq("SalesId", number), select=READ[SALES_LINE_PROGRESS]
        ),
    )
    by_lot = {row["InventTransId"]: row for row in progress}
    if found is None or not by_lot.keys() <= {row[_LOT] for row in found[1]}:
        found = await _read_apart(client, company, number)
    if found is None:
        return None
    header, lines = found
    return header, [_line(number, row, by_lot.get(row[_LOT]), header.status) for row in lines]


async def _read_together(client: ODataClient, company: str, number: str) -> tuple[FoHeader, list[FoRow]] | None:
    """The header and its lines in one call; None where F&O shows no lines, or refuses the call."""
    try:
        orders = await client.query(
            SALES_ORDERS_WITH_LINES, company=company, where=eq(_NUMBER, number), select=HEADER_FIELDS, expand=_LINES
        )
    except (DeniedError, RefusedError):
        return None
    order = next((each for each in orders if each[_NUMBER].casefold() == number.casefold()), None)
    if order is None or not order[EXPANDED_LINES]:
        return None
    lines = sorted(order.pop(EXPANDED_LINES), key=itemgetter(_LOT))
    return _header({**order, _NUMBER: number}), lines


async def _read_apart(client: ODataClient, company: str, number: str) -> tuple[FoHeader, list[FoRow]] | None:
    """The same in two calls, of the sets that orders are written to; None where F&O does not have the order.

    What keeps an order from leaving must not depend on how F&O shows lines beside their header, nor on another right.
    """
    header, lines = await asyncio.gather(read_header(client, company, number), _query_lines(client, company, number))
    return None if header is None else (header, lines)


async def _query_lines(client: ODataClient, company: str, number: str) -> list[FoRow]:
    return await client.query(SALES_ORDER_LINES, company=company, where=eq(_NUMBER, number), select=LINE_FIELDS)


def _header(row: FoRow) -> FoHeader:
    number, stage = row[_NUMBER], str(row["SalesOrderProcessingStatus"])
    if stage not in _ORDER_STATUS:
        raise RefusedError(ErrorCode.FO_STATUS_UNKNOWN, sales_order=number, status=stage)
    return FoHeader(number, _ORDER_STATUS[stage], row[HELD] == "Yes", row)


def _line(number: str, row: Mapping[str, Any], progress: Mapping[str, Any] | None, status: FoStatus) -> FoLine:
    """Without progress all of the line is open: F&O's view does not have lines that were written a moment ago."""
    quantity = row["OrderedSalesQuantity"]
    remaining = progress["RemainSalesPhysical"] if progress else quantity
    own = _CLOSED_LINE.get(progress["SalesStatus"]) if progress and not remaining else None
    return FoLine(
        order=number,
        lot=row[_LOT],
        number=row["LineNumber"],
        item=row["ItemNumber"],
        external=row["ExternalItemNumber"],
        description=row["LineDescription"],
        warehouse=row["ShippingWarehouseId"],
        quantity=quantity,
        remaining=remaining,
        to_invoice=progress["RemainSalesFinancial"] if progress else quantity * 0,
        price=row["SalesPrice"],
        price_unit=row["SalesPriceQuantity"],
        discount=row["LineDiscountAmount"],
        charges=row["FixedPriceCharges"],
        amount=row["LineAmount"],
        sales_tax_group=row["SalesTaxGroupCode"],
        item_tax_group=row["SalesTaxItemGroupCode"],
        fields=row,
        status=own or status,
    )
