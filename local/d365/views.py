"""Sets that F&O computes from its tables when they are read."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import chain

from local.d365 import bi_views, edm
from local.d365.books import Books
from local.d365.edm import Value
from local.d365.inventory import Bin, Stock
from local.d365.sales_tables import LINES, order_of, progress_of
from local.d365.tables import Row
from local.d365.world import DIMENSIONS

ON_HAND = "WarehousesOnHandV2"
AVAILABLE = "Available"
"""The inventory status of goods that may be sold, in warehouses with statuses."""


def on_hand(books: Books, items: Iterable[Value] | None = None) -> Iterator[Row]:
    """WarehousesOnHandV2: a row for every bin that ever saw a movement, and none for the others. With `items` (numbers
    in lower case) only their rows.
    """
    found = books.stock.items() if items is None else books.stock_of(items)
    for number, (place, stock) in enumerate(found, start=1):
        yield _computed(books, ON_HAND, number, on_hand_values(books, place, stock))


def on_hand_by_status(books: Books) -> Iterator[Row]:
    """WarehouseInventoryStatusesOnHandV2: a row for each status of a bin; what orders want is of Available."""
    number = 0
    for place, stock in books.stock.items():
        warehouse = books.warehouse(place.company, place.warehouse)
        assert warehouse is not None
        apart = {status: units for (its, status), units in books.set_apart.items() if its == place}
        rest = replace(stock, physical=stock.physical - sum(apart.values()))
        by_status = {AVAILABLE if warehouse.inventory_statuses else "": rest}
        for status, held in (by_status | {status: Stock(physical=units) for status, units in apart.items()}).items():
            number += 1
            managed = "Yes" if warehouse.inventory_statuses else "No"
            values = on_hand_values(books, place, held)
            values |= {"InventoryStatusId": status, "AreWarehouseManagementProcessesUsed": managed}
            yield _computed(books, "WarehouseInventoryStatusesOnHandV2", number, values)


def on_hand_values(books: Books, place: Bin, stock: Stock) -> dict[str, Value]:
    item = books.item(place.company, place.item)
    assert item is not None
    return {
        "dataAreaId": place.company,
        "ItemNumber": place.item,
        **dict(zip(DIMENSIONS, place.dimensions, strict=True)),
        "InventorySiteId": place.site,
        "InventoryWarehouseId": place.warehouse,
        "ProductName": item.name,
        "OnHandQuantity": stock.physical,
        "ReservedOnHandQuantity": stock.reserved,
        "AvailableOnHandQuantity": stock.available,
        "OrderedQuantity": stock.ordered,
        "ReservedOrderedQuantity": stock.reserved_ordered,
        "AvailableOrderedQuantity": stock.available_ordered,
        "OnOrderQuantity": stock.on_order,
        "TotalAvailableQuantity": stock.total_available,
    }


def coverage(books: Books) -> Iterator[Row]:
    """ItemCoverageSettingsV2: the safety stock of an item in a warehouse."""
    for number, safety in enumerate(books.world.safety_stock, start=1):
        item, dimensions = books.product(safety.company, safety.sku)
        warehouse = books.warehouse(safety.company, safety.warehouse)
        assert warehouse is not None
        values: dict[str, Value] = {
            "dataAreaId": safety.company,
            "ItemNumber": item.number,
            **{f"Coverage{name}": value for name, value in zip(DIMENSIONS, dimensions, strict=True)},
            "CoverageSiteId": warehouse.site,
            "CoverageWarehouseId": warehouse.id,
            "MinimumOnHandInventoryQuantity": safety.minimum,
        }
        yield _computed(books, "ItemCoverageSettingsV2", number, values)


def sales_lines(books: Books) -> Iterator[Row]:
    """SalesLineBiEntities: the line as stored in F&O's own table, with what remains of it."""
    blank = books.blank("SalesLineBiEntities")
    for line in books.rows(LINES):
        progress, order = progress_of(books, line), order_of(books, line)
        ordered = edm.number(line.values, "OrderedSalesQuantity")
        remaining = progress.remaining(ordered)
        to_invoice = progress.delivered - progress.invoiced
        values: dict[str, Value] = {
            "dataAreaId": line.values["dataAreaId"],
            "SysDataAreaId": line.values["dataAreaId"],
            "SalesId": line.values["SalesOrderNumber"],
            "SalesType": "Sales",
            "LineCreationSequenceNumber": line.values["LineCreationSequenceNumber"],
            "LineNum": line.values["LineNumber"],
            "InventTransId": line.values["InventoryLotId"],
            "ItemId": line.values["ItemNumber"],
            "ExternalItemId": line.values["ExternalItemNumber"],
            "Name": line.values["LineDescription"],
            "CustAccount": order.values["OrderingCustomerAccountNumber"],
            "CustomerRef": order.values["CustomersOrderReference"],
            "QtyOrdered": ordered,
            "SalesQty": ordered,
            "SalesUnit": line.values["SalesUnitSymbol"],
            "DlvMode": line.values["DeliveryModeCode"],
            "SalesPrice": line.values["SalesPrice"],
            "PriceUnit": line.values["SalesPriceQuantity"],
            "LineAmount": line.values["LineAmount"],
            "CurrencyCode": line.values["CurrencyCode"],
            "TaxGroup": line.values["SalesTaxGroupCode"],
            "TaxItemGroup": line.values["SalesTaxItemGroupCode"],
            "SalesStatus": line.values["SalesOrderLineStatus"],
            "RemainSalesPhysical": remaining,
            "RemainInventPhysical": remaining,
            "RemainSalesFinancial": to_invoice,
            "RemainInventFinancial": to_invoice,
            "CreatedOn": line.created.replace(microsecond=0),
            "SysModifiedDateTime": line.modified.replace(microsecond=0),
        }
        yield Row({**blank, **values}, line.record_id, line.version, line.created, line.modified)


def warehouse_lines(books: Books) -> Iterator[Row]:
    """WHSSalesLineBiEntities: what of a line of goods was released to the warehouse, ever."""
    blank = books.blank("WHSSalesLineBiEntities")
    for line in books.rows(LINES):
        item = books.item(str(line.values["dataAreaId"]), line.values["ItemNumber"])
        if item is None or not item.stocked:
            continue
        progress = progress_of(books, line)
        values: dict[str, Value] = {
            "dataAreaId": line.values["dataAreaId"],
            "SysDataAreaId": line.values["dataAreaId"],
            "InventTransId": line.values["InventoryLotId"],
            "OnWave": "Yes" if progress.on_wave else "No",
            "OnWaveQty": progress.on_wave,
            "ReleasedQty": progress.released,
            "PackingQty": progress.packed,
            "QtyLeftToLoad": edm.number(line.values, "OrderedSalesQuantity") - progress.released,
            "CreatedOn": line.created.replace(microsecond=0),
            "SysModifiedDateTime": max(line.modified, progress.worked_at or line.modified).replace(microsecond=0),
        }
        yield Row({**blank, **values}, line.record_id, line.version, line.created, line.modified)


VIEWS: dict[str, Callable[[Books], Iterator[Row]]] = {
    ON_HAND: on_hand,
    "WarehouseInventoryStatusesOnHandV2": on_hand_by_status,
    "ItemCoverageSettingsV2": coverage,
    "WHSSalesLineBiEntities": warehouse_lines,
    "SalesLineBiEntities": lambda books: chain(sales_lines(books), bi_views.return_lines(books)),
    bi_views.ORDERS: bi_views.orders,
    bi_views.INVOICES: bi_views.posted_invoices,
}


def _computed(books: Books, set_name: str, number: int, values: dict[str, Value]) -> Row:
    now = books.clock()
    return Row({**books.blank(set_name), **values}, number, 1, now, now)
