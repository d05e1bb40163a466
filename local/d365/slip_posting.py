"""What leaves F&O's warehouses, on which packing slips; and how slips are corrected and cancelled afterwards."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import NamedTuple

from local.d365 import edm
from local.d365.books import Books
from local.d365.edm import Value
from local.d365.inventory import Bin, Claim, NotEnoughError, Stock, claim, issue, move, release_part
from local.d365.ledger import PostingError
from local.d365.posting import open_lines, refuse_stopped, wanted
from local.d365.sales_lines import bin_of
from local.d365.sales_tables import HEADERS, LINES, lot_of, order_of, progress_of, put_progress, refresh_statuses
from local.d365.slips import Load, Parcel, add_slip, add_to_load, add_tracking, change_slip, lines_of_slip
from local.d365.tables import Row


@dataclass(frozen=True, slots=True)
class Part:
    """What leaves of one lot; `warehouse` is "" for the line's own, `over` says that it may be more than remains."""

    lot: str
    quantity: Decimal
    warehouse: str = ""
    over: bool = False


@dataclass(frozen=True, slots=True)
class Shipment:
    """`parts` are empty when everything that remains leaves; `others` are orders that go onto the same slips."""

    parts: Sequence[Part] = ()
    others: Sequence[Row] = ()
    parcels: Sequence[Parcel] = ()
    carrier: str = ""
    load: Load | None = None
    sales_type: str = "Sales"


class _Leaving(NamedTuple):
    line: Row
    quantity: Decimal
    warehouse: str
    place: Bin | None


class SlipPosting:
    """Raises PostingError, and then nothing has happened."""

    def __init__(self, books: Books) -> None:
        self._books = books

    def pack(self, order: Row, shipment: Shipment) -> list[str]:
        """Posts a packing slip for each warehouse and gives their numbers: lines come closer to delivered."""
        orders = [order, *shipment.others]
        self._refuse_strangers(orders)
        for each in orders:
            refuse_stopped(self._books, each)
        leaving = self._leaving([line for each in orders for line in open_lines(self._books, each)], shipment.parts)
        with self._books.journal.change_set():
            for line, quantity, _, place in leaving:
                self._deliver(line, quantity, place)
            slips = {
                warehouse: self._write(order, warehouse, parts, shipment)
                for warehouse, parts in _by_warehouse(leaving).items()
            }
            first = next(iter(slips.values()))
            for parcel in shipment.parcels:
                slip = slips.get(parcel.warehouse) if parcel.warehouse else first
                if slip is None:
                    raise PostingError(f"no packing slip is of warehouse {parcel.warehouse}")
                add_tracking(self._books, slip, [parcel])
            for each in orders:
                refresh_statuses(self._books, each)
        return [str(slip.values["PackingSlipId"]) for slip in slips.values()]

    def track(self, slip: Row, parcels: Sequence[Parcel]) -> None:
        """Parcels that are known later. Nothing of the slip itself changes, no time is kept."""
        with self._books.journal.change_set():
            add_tracking(self._books, slip, parcels)

    def correct(self, slip: Row, quantities: Mapping[str, Decimal]) -> None:
        """
        `quantities` is what has left indeed, by lot: less than the slip says. The rest is in the slip's warehouse
        again, and to be delivered.
        """
        self._refuse_return(slip)
        lines = {str(line.values["InventTransId"]): line for line in lines_of_slip(self._books, slip)}
        if not quantities:
            raise PostingError("a correction needs lines")
        changes = []
        with self._books.journal.change_set():
            for lot, quantity in quantities.items():
                if lot not in lines:
                    raise PostingError(f"lot {lot} is not on packing slip {slip.values['PackingSlipId']}")
                posted = edm.number(lines[lot].values, "Qty")
                if quantity * posted < 0 or abs(quantity) >= abs(posted):
                    raise PostingError(f"lot {lot}: {quantity} is not less than the {posted} posted")
                changes.append((lines[lot], self._take_back(slip, lines[lot], posted - quantity, quantity)))
            change_slip(self._books, slip, changes)
            numbers = {str(lines[lot].values["OrigSalesId"]) for lot in quantities}
            for order in (self._books.find(HEADERS, slip.values["dataAreaId"], number) for number in numbers):
                assert order is not None  # a delivered order cannot be deleted
                refresh_statuses(self._books, order)

    def cancel(self, slip: Row) -> None:
        """Nothing of the slip has left."""
        posted = [line for line in lines_of_slip(self._books, slip) if edm.number(line.values, "Qty")]
        if not posted:
            raise PostingError(f"packing slip {slip.values['PackingSlipId']} is cancelled already")
        self.correct(slip, {str(line.values["InventTransId"]): Decimal(0) for line in posted})

    def _refuse_strangers(self, orders: Sequence[Row]) -> None:
        if len({str(each.values["InvoiceCustomerAccountNumber"]) for each in orders}) > 1:
            raise PostingError("orders of different invoice accounts cannot be on one packing slip")
        if len({str(each.values["SalesOrderNumber"]) for each in orders}) < len(orders):
            raise PostingError("an order is on the packing slip already")

    def _refuse_return(self, slip: Row) -> None:
        if slip.values["SalesType"] == "ReturnItem":
            raise PostingError(f"packing slip {slip.values['PackingSlipId']} is of a return: NOT_SIMULATED")

    def _leaving(self, lines: Sequence[Row], parts: Sequence[Part]) -> list[_Leaving]:
        totals: dict[str, Decimal] = {}
        for part in parts:
            totals[part.lot] = totals.get(part.lot, Decimal(0)) + part.quantity
        found = wanted(self._books, lines, totals, {part.lot for part in parts if part.over})
        by_lot = {str(line.values["InventoryLotId"]): line for line, _ in found}
        everything = [Part(str(line.values["InventoryLotId"]), quantity) for line, quantity in found]
        leaving = []
        for part in parts or everything:
            line = by_lot[part.lot]
            if part.quantity * totals.get(part.lot, part.quantity) <= 0:
                raise PostingError(f"lot {part.lot}: {part.quantity} to deliver")
            leaving.append(self._from(line, part))
        if len({(part.warehouse, lot_of(part.line)) for part in leaving}) < len(leaving):
            raise PostingError("a lot is named twice for one warehouse")
        return leaving

    def _from(self, line: Row, part: Part) -> _Leaving:
        values = line.values
        chosen = part.warehouse or str(values["ShippingWarehouseId"])
        warehouse = self._books.warehouse(str(values["dataAreaId"]), chosen)
        if warehouse is None and part.warehouse:
            raise PostingError(f"company {values['dataAreaId']} has no warehouse {part.warehouse}")
        return _Leaving(line, part.quantity, warehouse.id if warehouse else "", bin_of(self._books, values, chosen))

    def _deliver(self, line: Row, quantity: Decimal, place: Bin | None) -> None:
        """From `place`; the line's claim on its own warehouse shrinks with it, also where another one delivers."""
        progress = progress_of(self._books, line)
        picked = max(Decimal(0), progress.picked - quantity)
        put_progress(self._books, line, replace(progress, delivered=progress.delivered + quantity, picked=picked))
        if place is None:
            return
        stocks, held = self._books.stock, self._books.claims.get(lot_of(line))
        try:
            if held is not None and held.place == place:
                stock, left = issue(stocks.get(place) or Stock(), held, quantity)
                self._books.claims.put(lot_of(line), left)
            else:
                if held is not None:
                    own, left = release_part(stocks.get(held.place) or Stock(), held, quantity)
                    stocks.put(held.place, own)
                    self._books.claims.put(lot_of(line), left)
                stock = move(stocks.get(place) or Stock(), -quantity)
        except NotEnoughError as error:
            raise PostingError(f"item {place.item} in warehouse {place.warehouse}: {error}") from error
        stocks.put(place, stock)

    def _take_back(self, slip: Row, line: Row, change: Decimal, quantity: Decimal) -> dict[str, Value]:
        """The slip line's new figures."""
        order_line = self._books.find(LINES, line.values["dataAreaId"], line.values["InventTransId"])
        assert order_line is not None  # a delivered line cannot be deleted
        progress = progress_of(self._books, order_line)
        now = replace(progress, delivered=progress.delivered - change)
        if abs(now.delivered) < abs(progress.invoiced):
            raise PostingError(f"lot {line.values['InventTransId']}: {progress.invoiced} are invoiced")
        put_progress(self._books, order_line, now)
        ordered = edm.number(order_line.values, "OrderedSalesQuantity")
        remaining = now.remaining(ordered)
        place = bin_of(self._books, order_line.values, slip.values["inventLocationId"])
        if place is not None:
            self._back_to_stock(place, change)
            self._claim_again(order_line, remaining - progress.remaining(ordered))
        return {"Qty": quantity, "inventQty": quantity, "Remain": remaining, "RemainInvent": remaining}

    def _back_to_stock(self, place: Bin, change: Decimal) -> None:
        try:
            self._books.stock.put(place, move(self._books.stock.get(place) or Stock(), change))
        except NotEnoughError as error:
            raise PostingError(f"item {place.item} in warehouse {place.warehouse}: {error}") from error

    def _claim_again(self, line: Row, quantity: Decimal) -> None:
        """In the line's own warehouse, whichever delivered."""
        own = bin_of(self._books, line.values, line.values["ShippingWarehouseId"])
        if own is None:
            return
        reserve = line.values["InventoryReservationMethod"] != "None"
        stock, more = claim(self._books.stock.get(own) or Stock(), own, quantity, reserve=reserve)
        held = self._books.claims.get(lot_of(line)) or Claim(own)
        self._books.stock.put(own, stock)
        self._books.claims.put(
            lot_of(line),
            Claim(own, held.reserved + more.reserved, held.on_order + more.on_order, held.receipt + more.receipt),
        )

    def _write(self, order: Row, warehouse: str, parts: Sequence[_Leaving], shipment: Shipment) -> Row:
        header = order.values
        company, number = str(header["dataAreaId"]), str(header["SalesOrderNumber"])
        slip = add_slip(
            self._books,
            {
                "dataAreaId": company,
                "PackingSlipId": self._books.numbers.draw(company, "packing slip", lambda _: False, number),
                "SalesId": number,
                "SalesType": shipment.sales_type,
                "OrderAccount": header["OrderingCustomerAccountNumber"],
                "InvoiceAccount": header["InvoiceCustomerAccountNumber"],
                "CustomerRef": header["CustomersOrderReference"],
                "PurchaseOrder": header["CustomerRequisitionNumber"],
                "DeliveryName": header["DeliveryAddressName"],
                "DlvMode": header["DeliveryModeCode"],
                "DlvTerm": header["DeliveryTermsCode"],
                "ShipCarrierId": shipment.carrier or header["ShippingCarrierId"],
                "inventLocationId": warehouse,
                "LanguageId": header["LanguageId"],
            },
            [self._slip_line(order, part) for part in parts],
        )
        if shipment.load is not None:
            add_to_load(self._books, slip, shipment.load)
        return slip

    def _slip_line(self, order: Row, part: _Leaving) -> dict[str, Value]:
        values = part.line.values
        ordered = edm.number(values, "OrderedSalesQuantity")
        remaining = progress_of(self._books, part.line).remaining(ordered)
        item = self._books.item(str(values["dataAreaId"]), values["ItemNumber"])
        journal = order if self._books.tenant.summary_lines == "journal" else order_of(self._books, part.line)
        return {
            "dataAreaId": values["dataAreaId"],
            "SysDataAreaId": values["dataAreaId"],
            "SalesId": journal.values["SalesOrderNumber"],
            "OrigSalesId": values["SalesOrderNumber"],
            "InventTransId": values["InventoryLotId"],
            "ItemId": values["ItemNumber"],
            "ExternalItemId": values["ExternalItemNumber"],
            "Name": values["LineDescription"],
            "LineNum": values["LineNumber"],
            "SalesUnit": values["SalesUnitSymbol"],
            "CurrencyCode": values["CurrencyCode"],
            "StockedProduct": "Yes" if item is not None and item.stocked else "No",
            "Qty": part.quantity,
            "inventQty": part.quantity,
            "Ordered": ordered,
            "Remain": remaining,
            "RemainInvent": remaining,
        }


def _by_warehouse(leaving: Sequence[_Leaving]) -> dict[str, list[_Leaving]]:
    """Services go with the first goods."""
    groups: dict[str, list[_Leaving]] = {}
    for part in leaving:
        if part.place is not None:
            groups.setdefault(part.warehouse, []).append(part)
    for part in leaving:
        if part.place is None:
            groups.setdefault(next(iter(groups), part.warehouse), []).append(part)
    return groups
