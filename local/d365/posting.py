"""What F&O's own people and batch jobs do to an order: confirm, release, pick, deliver, invoice, cancel."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from local.d365 import edm
from local.d365.books import Books
from local.d365.credit_holds import is_in_credit_control
from local.d365.dimensions import require_dimensions
from local.d365.inventory import Stock, release_part
from local.d365.invoices import invoice_order
from local.d365.ledger import PostingError
from local.d365.sales_tables import (
    HEADERS,
    LINES,
    lines_of,
    lot_of,
    order_key,
    progress_of,
    put_progress,
    refresh_statuses,
    release_claim,
)
from local.d365.tables import Row

_STAGES = ("released", "on_wave", "packed")


class Posting:
    """Raises PostingError, and then nothing has happened."""

    def __init__(self, books: Books) -> None:
        self._books = books

    def confirm(self, order: Row) -> None:
        refuse_stopped(self._books, order)
        lines = open_lines(self._books, order)
        dates = {"ConfirmedShippingDate": "RequestedShippingDate", "ConfirmedReceiptDate": "RequestedReceiptDate"}
        with self._books.journal.change_set():
            for set_name, row in ((HEADERS, order), *((LINES, line) for line in lines)):
                confirmed = {ours: row.values[theirs] for ours, theirs in dates.items()}
                self._books.replace(self._books.schema.sets[set_name], row, {**row.values, **confirmed})
            refresh_statuses(self._books, order, reached="Confirmed")

    def pick(self, order: Row) -> None:
        """All that is open is picked; from then on only additional pieces are not."""
        refuse_stopped(self._books, order)
        lines = open_lines(self._books, order)
        with self._books.journal.change_set():
            for line in lines:
                progress = progress_of(self._books, line)
                rest = progress.remaining(edm.number(line.values, "OrderedSalesQuantity"))
                put_progress(self._books, line, replace(progress, picked=rest))
            refresh_statuses(self._books, order, reached="Picked")

    def release(self, order: Row, stage: str, quantities: Mapping[str, Decimal]) -> None:
        """Releases lines to the warehouse, by lot, or all that is open; `stage` is released, on_wave or packed.

        The order's processing status stays: only WHSSalesLineBiEntities shows it.
        """
        refuse_stopped(self._books, order)
        if stage not in _STAGES:
            raise PostingError(f"{stage} is none of {', '.join(_STAGES)}")
        lines = wanted(self._books, open_lines(self._books, order), quantities)
        with self._books.journal.change_set():
            for line, quantity in lines:
                progress = progress_of(self._books, line)
                total = progress.delivered + quantity
                reached = dict.fromkeys(_STAGES[: _STAGES.index(stage) + 1], total)
                worked = replace(progress, **reached, worked_at=self._books.clock())
                self._books.progress.put(lot_of(line), worked)

    def invoice(self, order: Row) -> str:
        """
        Invoices all that is delivered and not invoiced, and gives the invoice's number; a service counts as delivered
        when it is invoiced.
        """
        refuse_stopped(self._books, order)
        with self._books.journal.change_set():
            due = []
            for line in lines_of(self._books, order):
                item = self._books.item(str(line.values["dataAreaId"]), line.values["ItemNumber"])
                progress = progress_of(self._books, line)
                if item is not None and not item.stocked:
                    rest = progress.remaining(edm.number(line.values, "OrderedSalesQuantity"))
                    progress = replace(progress, delivered=progress.delivered + rest)
                if progress.delivered != progress.invoiced:
                    due.append((line, progress.invoiced, progress.delivered))
                put_progress(self._books, line, replace(progress, invoiced=progress.delivered))
            if not due:
                raise PostingError("nothing is delivered that is not invoiced")
            self._require_dimensions(order, [line for line, _, _ in due])
            number = invoice_order(self._books, order, due)
            refresh_statuses(self._books, order)
        return number

    def _require_dimensions(self, order: Row, lines: Sequence[Row]) -> None:
        field = "DefaultLedgerDimensionDisplayValue"
        shown = [str(line.values[field] or order.values[field]) for line in lines]
        require_dimensions(self._books, str(order.values["dataAreaId"]), shown)

    def add_hold(self, order: Row, code: str) -> None:
        self._put_holds(order, self._holds(order) | {code})

    def clear_hold(self, order: Row, code: str) -> None:
        if code not in self._holds(order):
            raise PostingError(f"sales order {order.values['SalesOrderNumber']} has no hold {code}")
        self._put_holds(order, self._holds(order) - {code})

    def _holds(self, order: Row) -> frozenset[str]:
        return self._books.holds.get(order_key(order)) or frozenset()

    def _put_holds(self, order: Row, codes: frozenset[str]) -> None:
        """The flag follows from the codes that are left, whoever set it before."""
        flag = "Yes" if codes else "No"
        with self._books.journal.change_set():
            self._books.holds.put(order_key(order), codes)
            self._books.replace(
                self._books.schema.sets[HEADERS], order, {**order.values, "IsSalesProcessingStopped": flag}
            )

    def cancel(self, order: Row) -> None:
        """Gives up whatever is not delivered yet, the stock it held, and the work in the warehouse."""
        self.give_up(order, {})

    def give_up(self, order: Row, quantities: Mapping[str, Decimal]) -> None:
        """
        Gives up pieces that will not be delivered, by lot, or all that remains, the stock they held, and the
        work in the warehouse: *Deliver remainder*. What was ordered stays as it is.
        """
        lines = wanted(self._books, open_lines(self._books, order), quantities)
        with self._books.journal.change_set():
            for line, quantity in lines:
                progress = progress_of(self._books, line)
                canceled = replace(progress, canceled=progress.canceled + quantity)
                rest = canceled.remaining(edm.number(line.values, "OrderedSalesQuantity"))
                picked = progress.picked if abs(progress.picked) < abs(rest) else rest
                released = min(progress.released, progress.delivered + rest) if rest else Decimal(0)
                put_progress(self._books, line, replace(canceled, picked=picked, released=released))
                self._free(line, quantity, rest)
            refresh_statuses(self._books, order)

    def _free(self, line: Row, quantity: Decimal, rest: Decimal) -> None:
        held = self._books.claims.get(lot_of(line))
        if rest == 0:
            release_claim(self._books, line)
        elif held is not None:
            stock, left = release_part(self._books.stock.get(held.place) or Stock(), held, quantity)
            self._books.stock.put(held.place, stock)
            self._books.claims.put(lot_of(line), left)


def open_lines(books: Books, order: Row) -> list[Row]:
    lines = [line for line in lines_of(books, order) if line.values["SalesOrderLineStatus"] == "Backorder"]
    if not lines:
        raise PostingError(f"sales order {order.values['SalesOrderNumber']} has no open line")
    return lines


def wanted(
    books: Books, lines: Sequence[Row], quantities: Mapping[str, Decimal], over: Container[str] = ()
) -> list[tuple[Row, Decimal]]:
    """
    What of open lines is meant: `quantities` by lot, all that remains when they are empty. Of the lots in `over` it may
    be more than remains.
    """
    left = {
        str(line.values["InventoryLotId"]): (
            line,
            progress_of(books, line).remaining(edm.number(line.values, "OrderedSalesQuantity")),
        )
        for line in lines
    }
    if not quantities:
        return list(left.values())
    found = []
    for lot, quantity in quantities.items():
        if lot not in left:
            raise PostingError(f"lot {lot} is not an open line of this order")
        line, remaining = left[lot]
        if quantity * remaining <= 0 or (abs(quantity) > abs(remaining) and lot not in over):
            raise PostingError(f"lot {lot}: {quantity} is not possible, {remaining} remain")
        found.append((line, quantity))
    return found


def refuse_stopped(books: Books, order: Row) -> None:
    """Neither what is stopped nor what credit management holds is processed."""
    number = order.values["SalesOrderNumber"]
    if order.values["IsSalesProcessingStopped"] == "Yes":
        raise PostingError(f"processing of sales order {number} is stopped")
    if is_in_credit_control(books, order):
        raise PostingError(f"sales order {number} is held by credit management")
