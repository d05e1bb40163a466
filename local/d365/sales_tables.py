"""The order table and its lines, seen together."""

from local.d365 import edm
from local.d365.books import Books, folded
from local.d365.inventory import Stock, release
from local.d365.statuses import Progress, line_status, order_status, processing_status
from local.d365.tables import Row, RowKey

HEADERS = "SalesOrderHeadersV4"
LINES = "SalesOrderLinesV3"


def lot_of(line: Row) -> RowKey:
    return folded((line.values["dataAreaId"], line.values["InventoryLotId"]))


def order_key(row: Row) -> RowKey:
    """The order that a header is, or that a line belongs to."""
    return folded((row.values["dataAreaId"], row.values["SalesOrderNumber"]))


def lines_of(books: Books, order: Row) -> list[Row]:
    """An order's lines (given the order or any of its lines) in the order of their creation."""
    table = books.rows(LINES)
    lots = books.order_lines.get(order_key(order)) or ()
    return [line for lot in lots if (line := table.get(lot)) is not None]


def order_of(books: Books, line: Row) -> Row:
    """The order that a line belongs to (lines are created under one and deleted with it), or that a header is."""
    order = books.rows(HEADERS).get(order_key(line))
    assert order is not None
    return order


def progress_of(books: Books, line: Row) -> Progress:
    return books.progress.get(lot_of(line)) or Progress()


def put_progress(books: Books, line: Row, progress: Progress) -> None:
    """Notes how far a line has come. F&O keeps what remains in the line itself, which is stamped as changed."""
    if progress == progress_of(books, line):
        return
    books.progress.put(lot_of(line), progress)
    current = books.rows(LINES).get(lot_of(line))
    assert current is not None
    books.replace(books.schema.sets[LINES], current, current.values)


def release_claim(books: Books, line: Row) -> None:
    """Gives back what the line holds of its warehouse's stock."""
    held = books.claims.get(lot_of(line))
    if held is not None:
        books.stock.put(held.place, release(books.stock.get(held.place) or Stock(), held))
        books.claims.remove(lot_of(line))


def refresh_statuses(books: Books, order: Row, *, reached: str = "") -> None:
    """
    Brings the statuses of an order (given itself or any of its lines) up to what has happened. `reached` is a
    processing stage just passed.
    """
    lines = lines_of(books, order)
    statuses = []
    for line in lines:
        status = line_status(edm.number(line.values, "OrderedSalesQuantity"), progress_of(books, line))
        statuses.append(status)
        if line.values["SalesOrderLineStatus"] != status:
            books.replace(books.schema.sets[LINES], line, {**line.values, "SalesOrderLineStatus": status})
    header_set = books.schema.sets[HEADERS]
    header = order_of(books, order)
    status = order_status(statuses)
    progress = [progress_of(books, line) for line in lines]
    current = reached or str(header.values["SalesOrderProcessingStatus"])
    changes = {
        "SalesOrderStatus": status,
        "SalesOrderProcessingStatus": processing_status(status, progress, current),
    }
    if any(header.values[name] != value for name, value in changes.items()):
        books.replace(header_set, header, {**header.values, **changes})
