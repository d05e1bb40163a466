"""What F&O's own people and batch jobs do to an order: confirm, release, pick, deliver, invoice, cancel."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from local.d365 import edm
from local.d365.books import Books, folded
from local.d365.dimensions import require_dimensions
from local.d365.edm import Value
from local.d365.inventory import NotEnoughError, Stock, issue
from local.d365.invoices import invoice_order
from local.d365.ledger import PostingError
from local.d365.sales_tables import (
    HEADERS,
    LINES,
    lines_of,
    lot_of,
    order_key,
    progress_of,
    refresh_statuses,
    release_claim,
)
from local.d365.tables import Row, RowKey

_SLIPS, _SLIP_LINES = "CustPackingSlipJourBiEntities", "CustPackingSlipTransBiEntities"
_TRACKING = "PackingSlipTrackingInformation"
_STAGES = ("released", "on_wave", "packed")
POSTED = frozenset({_SLIPS, _SLIP_LINES, _TRACKING})
"""Sets that only postings write."""


@dataclass(frozen=True, slots=True)
class Shipment:
    """What leaves: quantity by lot (everything that remains, when empty), and how to follow it."""

    quantities: Mapping[str, Decimal]
    tracking_number: str = ""
    tracking_url: str = ""
    carrier: str = ""


class Posting:
    """Raises PostingError, and then nothing has happened."""

    def __init__(self, books: Books) -> None:
        self._books = books

    def confirm(self, order: Row) -> None:
        _refuse_stopped(order)
        lines = self._open_lines(order)
        dates = {"ConfirmedShippingDate": "RequestedShippingDate", "ConfirmedReceiptDate": "RequestedReceiptDate"}
        with self._books.journal.change_set():
            for set_name, row in ((HEADERS, order), *((LINES, line) for line in lines)):
                confirmed = {ours: row.values[theirs] for ours, theirs in dates.items()}
                self._books.replace(self._books.schema.sets[set_name], row, {**row.values, **confirmed})
            refresh_statuses(self._books, order, reached="Confirmed")

    def pick(self, order: Row) -> None:
        """All that is open is picked; from then on only additional pieces are not."""
        _refuse_stopped(order)
        lines = self._open_lines(order)
        with self._books.journal.change_set():
            for line in lines:
                progress = progress_of(self._books, line)
                rest = progress.remaining(edm.number(line.values, "OrderedSalesQuantity"))
                self._books.progress.put(lot_of(line), replace(progress, picked=rest))
            refresh_statuses(self._books, order, reached="Picked")

    def release(self, order: Row, stage: str, quantities: Mapping[str, Decimal]) -> None:
        """Releases lines to the warehouse, by lot, or all that is open; `stage` is released, on_wave or packed.

        The order's processing status stays: only WHSSalesLineBiEntities shows it.
        """
        _refuse_stopped(order)
        if stage not in _STAGES:
            raise PostingError(f"{stage} is none of {', '.join(_STAGES)}")
        wanted = self._wanted(self._open_lines(order), quantities)
        with self._books.journal.change_set():
            for line, quantity in wanted:
                progress = progress_of(self._books, line)
                total = progress.delivered + quantity
                reached = dict.fromkeys(_STAGES[: _STAGES.index(stage) + 1], total)
                self._books.progress.put(lot_of(line), replace(progress, **reached))

    def pack(self, order: Row, shipment: Shipment) -> str:
        """Posts a packing slip and gives its number: goods leave the warehouse, lines come closer to delivered."""
        _refuse_stopped(order)
        lines = self._open_lines(order)
        wanted = self._wanted(lines, shipment.quantities)
        posted = sum(1 for slip in self._books.rows(_SLIPS) if _slip_order(slip) == order_key(order))
        slip = f"{order.values['SalesOrderNumber']}-{posted + 1}"
        with self._books.journal.change_set():
            for line, quantity in wanted:
                self._deliver(line, quantity)
                self._write_slip_line(slip, line, quantity)
            self._write_slip(slip, order, shipment, sum((quantity for _, quantity in wanted), Decimal(0)))
            refresh_statuses(self._books, order)
        return slip

    def invoice(self, order: Row) -> str:
        """
        Invoices all that is delivered and not invoiced, and gives the invoice's number; a service counts as delivered
        when it is invoiced.
        """
        _refuse_stopped(order)
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
                self._books.progress.put(lot_of(line), replace(progress, invoiced=progress.delivered))
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
        lines = self._open_lines(order)
        nothing = Decimal(0)
        with self._books.journal.change_set():
            for line in lines:
                progress = progress_of(self._books, line)
                rest = progress.remaining(edm.number(line.values, "OrderedSalesQuantity"))
                self._books.progress.put(
                    lot_of(line), replace(progress, canceled=progress.canceled + rest, picked=nothing, released=nothing)
                )
                release_claim(self._books, line)
            refresh_statuses(self._books, order)

    def _open_lines(self, order: Row) -> list[Row]:
        lines = [line for line in lines_of(self._books, order) if line.values["SalesOrderLineStatus"] == "Backorder"]
        if not lines:
            raise PostingError(f"sales order {order.values['SalesOrderNumber']} has no open line")
        return lines

    def _wanted(self, lines: Sequence[Row], quantities: Mapping[str, Decimal]) -> list[tuple[Row, Decimal]]:
        left = {
            str(line.values["InventoryLotId"]): (
                line,
                progress_of(self._books, line).remaining(edm.number(line.values, "OrderedSalesQuantity")),
            )
            for line in lines
        }
        if not quantities:
            return list(left.values())
        wanted = []
        for lot, quantity in quantities.items():
            if lot not in left:
                raise PostingError(f"lot {lot} is not an open line of this order")
            line, remaining = left[lot]
            if quantity == 0 or abs(quantity) > abs(remaining) or quantity * remaining < 0:
                raise PostingError(f"lot {lot}: {quantity} to deliver, {remaining} remain")
            wanted.append((line, quantity))
        return wanted

    def _deliver(self, line: Row, quantity: Decimal) -> None:
        progress = progress_of(self._books, line)
        picked = max(Decimal(0), progress.picked - quantity)
        delivered = progress.delivered + quantity
        self._books.progress.put(lot_of(line), replace(progress, delivered=delivered, picked=picked))
        held = self._books.claims.get(lot_of(line))
        if held is None:
            return
        try:
            stock, left = issue(self._books.stock.get(held.place) or Stock(), held, quantity)
        except NotEnoughError as error:
            raise PostingError(f"item {held.place.item} in warehouse {held.place.warehouse}: {error}") from error
        self._books.stock.put(held.place, stock)
        self._books.claims.put(lot_of(line), left)

    def _write_slip(self, slip: str, order: Row, shipment: Shipment, quantity: Decimal) -> None:
        header = order.values
        self._add(
            _SLIPS,
            "SourceDocumentHeader",
            {
                "dataAreaId": header["dataAreaId"],
                "SysDataAreaId": header["dataAreaId"],
                "PackingSlipId": slip,
                "InternalPackingSlipId": slip,
                "SalesId": header["SalesOrderNumber"],
                "OrderAccount": header["OrderingCustomerAccountNumber"],
                "InvoiceAccount": header["InvoiceCustomerAccountNumber"],
                "CustomerRef": header["CustomersOrderReference"],
                "PurchaseOrder": header["CustomerRequisitionNumber"],
                "DeliveryName": header["DeliveryAddressName"],
                "DlvMode": header["DeliveryModeCode"],
                "DlvTerm": header["DeliveryTermsCode"],
                "ShipCarrierId": shipment.carrier,
                "inventLocationId": header["DefaultShippingWarehouseId"],
                "LanguageId": header["LanguageId"],
                "Qty": quantity,
            },
        )
        if shipment.tracking_number:
            entity_set = self._books.schema.sets[_TRACKING]
            tracking: dict[str, Value] = {
                "dataAreaId": header["dataAreaId"],
                "SalesOrderNumber": header["SalesOrderNumber"],
                "PackingSlipNumber": slip,
                "DeliveryDate": edm.day(self._books.clock()),
                "TrackingNumber": shipment.tracking_number,
                "TrackingURL": shipment.tracking_url,
            }
            self._books.add(entity_set, tracking)

    def _write_slip_line(self, slip: str, line: Row, quantity: Decimal) -> None:
        ordered = edm.number(line.values, "OrderedSalesQuantity")
        remaining = progress_of(self._books, line).remaining(ordered)
        self._add(
            _SLIP_LINES,
            "SourceDocumentLine",
            {
                "dataAreaId": line.values["dataAreaId"],
                "SysDataAreaId": line.values["dataAreaId"],
                "PackingSlipId": slip,
                "SalesId": line.values["SalesOrderNumber"],
                "OrigSalesId": line.values["SalesOrderNumber"],
                "InventTransId": line.values["InventoryLotId"],
                "ItemId": line.values["ItemNumber"],
                "ExternalItemId": line.values["ExternalItemNumber"],
                "Name": line.values["LineDescription"],
                "LineNum": line.values["LineNumber"],
                "SalesUnit": line.values["SalesUnitSymbol"],
                "CurrencyCode": line.values["CurrencyCode"],
                "Qty": quantity,
                "inventQty": quantity,
                "Ordered": ordered,
                "Remain": remaining,
                "RemainInvent": remaining,
            },
        )

    def _add(self, set_name: str, key: str, values: Mapping[str, Value]) -> None:
        now = self._books.clock().replace(microsecond=0)
        stamps: dict[str, Value] = {
            "DeliveryDate": edm.day(now),
            "CreatedOn": now,
            key: self._books.numbers.record_id(),
        }
        entity_set = self._books.schema.sets[set_name]
        self._books.add(entity_set, {**self._books.blank(set_name), **stamps, **values})


def _refuse_stopped(order: Row) -> None:
    if order.values["IsSalesProcessingStopped"] == "Yes":
        raise PostingError(f"processing of sales order {order.values['SalesOrderNumber']} is stopped")


def _slip_order(slip: Row) -> RowKey:
    return folded((slip.values["dataAreaId"], slip.values["SalesId"]))
