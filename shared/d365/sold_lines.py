"""The lines of a sales order with the goods that can be returned."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from shared.d365.entities import DIMENSIONS, READ, SALES_LINE_PROGRESS, SALES_ORDER_LINES
from shared.d365.odata.client import ODataClient
from shared.d365.odata.filters import eq
from shared.model.fo_order import FoPrice, FoRow

_PRICE: Final = ("SalesPrice", "SalesPriceQuantity", "LineDiscountAmount", "FixedPriceCharges")
"""In the order of FoPrice's fields."""


@dataclass(frozen=True, slots=True)
class SoldLine:
    lot: str
    """InventoryLotId."""
    product: FoRow
    """ItemNumber and the product dimensions that it has."""
    site: str
    warehouse: str
    price: FoPrice
    ordered: Decimal
    invoiced: Decimal
    """Includes units that were cancelled on a partly delivered line, which F&O's data does not distinguish; F&O itself
    refuses their return."""


async def read_sold_lines(client: ODataClient, company: str, sales_order: str) -> list[SoldLine]:
    """By line number. F&O ignores case in the order number, so the caller must match the lots to its own order."""
    lines = await client.query(
        SALES_ORDER_LINES,
        company=company,
        where=eq("SalesOrderNumber", sales_order),
        select=(*READ[SALES_ORDER_LINES], *DIMENSIONS, *_PRICE, "ShippingSiteId", "ShippingWarehouseId"),
        order_by=("LineNumber",),
    )
    progress = await client.query(
        SALES_LINE_PROGRESS, company=company, where=eq("SalesId", sales_order), select=READ[SALES_LINE_PROGRESS]
    )
    of_lot = {row["InventTransId"]: row for row in progress}
    return [_sold(row, of_lot[row["InventoryLotId"]]) for row in lines if row["InventoryLotId"] in of_lot]


def _sold(row: FoRow, progress: FoRow) -> SoldLine:
    ordered = row["OrderedSalesQuantity"]
    open_units = progress["RemainSalesPhysical"] + progress["RemainSalesFinancial"]
    return SoldLine(
        lot=row["InventoryLotId"],
        product={field: row[field] for field in ("ItemNumber", *DIMENSIONS) if row.get(field)},
        site=row["ShippingSiteId"],
        warehouse=row["ShippingWarehouseId"],
        price=FoPrice(*(row[field] for field in _PRICE)),
        ordered=ordered,
        invoiced=ordered * 0 if progress["SalesStatus"] == "Canceled" else ordered - open_units,
    )
