"""Lines of sales orders with the price that F&O gave them, for whom and when."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from shared.d365.entities import (
    DIMENSIONS,
    PRICED_LINE,
    PRICED_ORDER,
    SALES_LINE_PROGRESS,
    SALES_ORDER_LINES,
    SALES_ORDERS,
)
from shared.d365.items import item_of
from shared.d365.odata.client import RowReader
from shared.d365.odata.filters import chunks, since
from shared.model import Item
from shared.model.fo_order import FoRow


@dataclass(frozen=True, slots=True)
class PricedOrderLine:
    sales_order: str
    reference: str
    """CustomersOrderReference of the order."""
    origin: str
    group: str
    """Price group of the order."""
    account: str
    item: Item
    currency: str
    price: Decimal
    """Of one unit."""
    quantity: Decimal
    unit: str
    created: datetime


async def read_priced_lines(
    client: RowReader, company: str, *, groups: Collection[str], created_since: datetime, most: int
) -> list[PricedOrderLine]:
    """Lines created since then in orders of these price groups: at most so many of those that F&O stamped first."""
    lines: list[FoRow] = []
    async for rows in client.pages(
        SALES_LINE_PROGRESS, company=company, where=since("SysModifiedDateTime", created_since), select=PRICED_LINE
    ):
        lines += (row for row in rows if _created(row) >= created_since and row["SalesQty"] > 0)
        if len(lines) >= most:
            break
    lines = lines[:most]
    orders = {row["SalesId"] for row in lines}
    headers = await _by_key(client, company, SALES_ORDERS, "SalesOrderNumber", values=orders, select=PRICED_ORDER)
    wanted = {group.casefold() for group in groups}
    ours = [
        row
        for row in lines
        if (header := headers.get(row["SalesId"])) and header["PriceCustomerGroupCode"].casefold() in wanted
    ]
    lots = {row["InventTransId"] for row in ours}
    fields = ("InventoryLotId", "ItemNumber", *DIMENSIONS)
    products = await _by_key(client, company, SALES_ORDER_LINES, "InventoryLotId", values=lots, select=fields)
    return [
        _line(row, headers[row["SalesId"]], products[row["InventTransId"]])
        for row in ours
        if row["InventTransId"] in products
    ]


async def _by_key(
    client: RowReader, company: str, entity_set: str, key: str, *, values: Collection[str], select: tuple[str, ...]
) -> dict[str, FoRow]:
    found: dict[str, FoRow] = {}
    for where in chunks(key, sorted(values)):
        async for rows in client.pages(entity_set, company=company, where=where, select=select):
            found |= {row[key]: row for row in rows}
    return found


def _line(row: FoRow, header: FoRow, product: FoRow) -> PricedOrderLine:
    return PricedOrderLine(
        sales_order=row["SalesId"],
        reference=header["CustomersOrderReference"],
        origin=header["SalesOrderOriginCode"],
        group=header["PriceCustomerGroupCode"],
        account=row["CustAccount"],
        item=item_of(product),
        currency=row["CurrencyCode"],
        price=row["SalesPrice"] / (row["PriceUnit"] or 1),
        quantity=row["SalesQty"],
        unit=row["SalesUnit"],
        created=_created(row),
    )


def _created(row: FoRow) -> datetime:
    return datetime.fromisoformat(row["CreatedOn"])
