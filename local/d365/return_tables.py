"""The return order and its lines, seen together."""

from collections.abc import Mapping

from local.d365 import edm
from local.d365.books import Books, folded
from local.d365.edm import Value
from local.d365.errors import Infolog
from local.d365.inventory import Stock, release
from local.d365.statuses import return_header_status, return_sales_status
from local.d365.tables import Row, RowKey

HEADERS, LINES = "ReturnOrderHeadersV2", "ReturnOrderLinesV2"
CREDIT_ONLY = "CreditOnly"
"""The disposition action under which the buyer keeps the goods."""
_CLOSED = frozenset({"Closed", "Canceled"})


def return_key(row: Row) -> RowKey:
    """The return order that a header is, or that a line belongs to."""
    return folded((row.values["dataAreaId"], row.values["ReturnOrderNumber"]))


def return_lot_of(line: Row) -> RowKey:
    return folded((line.values["dataAreaId"], line.values["ReturnInventoryLotId"]))


def return_lines(books: Books, order: Row) -> list[Row]:
    """A return order's lines (given the order or any of its lines) in the order of their creation."""
    wanted = return_key(order)
    return [row for row in books.rows(LINES) if return_key(row) == wanted]


def disposition_of(books: Books, line: Row, code: Value = "") -> str:
    """The DispositionAction of this code, or of the line's; "" when there is none yet."""
    code = code or line.values["ReturnDispositionCode"]
    found = books.find("ReturnDispositionCodes", line.values["dataAreaId"], code)
    return "" if found is None else str(found.values["DispositionAction"])


def release_expected(books: Books, line: Row) -> None:
    """The line's goods are not underway any more."""
    held = books.claims.get(return_lot_of(line))
    if held is not None:
        books.stock.put(held.place, release(books.stock.get(held.place) or Stock(), held))
        books.claims.remove(return_lot_of(line))


def change_line(books: Books, line: Row, changes: Mapping[str, Value]) -> None:
    books.replace(books.schema.sets[LINES], line, {**line.values, **changes})


def refresh_return(books: Books, order: Row) -> None:
    """Brings the statuses of a return order up to those of its lines."""
    header = books.rows(HEADERS).get(return_key(order))
    assert header is not None
    lines = [str(line.values["ReturnStatus"]) for line in return_lines(books, order)]
    changes = {"ReturnStatus": return_header_status(lines), "ReturnOrderStatus": return_sales_status(lines)}
    if any(header.values[name] != value for name, value in changes.items()):
        books.replace(books.schema.sets[HEADERS], header, {**header.values, **changes})


def refuse_closed(order: Row, log: Infolog) -> None:
    if order.values["ReturnStatus"] in _CLOSED:
        log.reject_write(f"Return order {order.values['ReturnOrderNumber']} is {order.values['ReturnStatus']}.")


def refuse_arrived(line: Row, log: Infolog) -> None:
    if line.values["ReturnStatus"] != "Awaiting" or edm.number(line.values, "ReturnedSalesQuantity"):
        log.reject_write(f"Line {line.values['ReturnInventoryLotId']} is {line.values['ReturnStatus']}.")
