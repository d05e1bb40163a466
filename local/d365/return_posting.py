"""What F&O's warehouse and bookkeepers do with a return order: receive the goods, credit them, or give it up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from local.d365 import edm
from local.d365.books import Books
from local.d365.edm import Value
from local.d365.inventory import Stock, issue
from local.d365.invoices import Buyer, InvoicedLine, post_invoice
from local.d365.ledger import PostingError
from local.d365.return_tables import (
    CREDIT_ONLY,
    change_line,
    disposition_of,
    refresh_return,
    release_expected,
    return_lines,
    return_lot_of,
)
from local.d365.sales_tables import LINES as ORDER_LINES
from local.d365.sales_tables import order_of
from local.d365.sales_tax import Taxed
from local.d365.slips import add_slip
from local.d365.tables import Row
from local.d365.world import DIMENSIONS

_INTO_STOCK = frozenset({"Credit", "ReplaceCredit", "ReturnToCust"})
_CREDITED = frozenset({"Credit", CREDIT_ONLY, "Scrap", "ReplaceCredit", "ReplaceScrap"})


@dataclass(frozen=True, slots=True)
class Arrival:
    """What of a line arrives: pieces above zero, and the disposition code where it is not the line's own."""

    quantity: Decimal
    disposition: str = ""


class ReturnPosting:
    """Raises PostingError, and then nothing has happened."""

    def __init__(self, books: Books) -> None:
        self._books = books

    def receive(self, order: Row, arrivals: Mapping[str, Arrival]) -> None:
        """
        Posts the arrival and the packing slip of the return, by lot of the return line; of everything that is awaited
        when `arrivals` is empty. What becomes of the goods is for the disposition code to say.
        """
        _refuse_stopped(order)
        awaited = {
            str(line.values["ReturnInventoryLotId"]): line
            for line in return_lines(self._books, order)
            if line.values["ReturnStatus"] in ("Awaiting", "Registered")
        }
        if not awaited:
            raise PostingError(f"return order {order.values['ReturnOrderNumber']} awaits nothing")
        everything = {lot: Arrival(_awaited(line)) for lot, line in awaited.items()}
        with self._books.journal.change_set():
            arrived = arrivals or everything
            for lot, arrival in arrived.items():
                if lot not in awaited:
                    raise PostingError(f"lot {lot} is not awaited on this return order")
                self._receive(awaited[lot], arrival)
            self._write_slip(order, [(awaited[lot], arrival.quantity) for lot, arrival in arrived.items()])
            refresh_return(self._books, order)

    def _receive(self, line: Row, arrival: Arrival) -> None:
        lot, code = line.values["ReturnInventoryLotId"], arrival.disposition or line.values["ReturnDispositionCode"]
        action = disposition_of(self._books, line, code)
        if not action:
            raise PostingError(f"lot {lot} has no disposition code")
        if action == CREDIT_ONLY:
            raise PostingError(f"lot {lot} is credited without coming back")
        if not 0 < arrival.quantity <= _awaited(line):
            raise PostingError(f"lot {lot}: {arrival.quantity} arrive, {_awaited(line)} are awaited")
        held = self._books.claims.get(return_lot_of(line))
        if held is not None:
            stock, left = issue(self._books.stock.get(held.place) or Stock(), held, -arrival.quantity)
            if action not in _INTO_STOCK:
                stock = replace(stock, physical=stock.physical - arrival.quantity)
            self._books.stock.put(held.place, stock)
            self._books.claims.put(return_lot_of(line), left)
        complete = arrival.quantity == _awaited(line)
        change_line(
            self._books,
            line,
            {
                "ReturnDispositionCode": code,
                "ReturnedSalesQuantity": edm.number(line.values, "ReturnedSalesQuantity") - arrival.quantity,
                "ActualReturnArrivalDate": edm.day(self._books.clock()),
                "ReturnStatus": "Received" if complete else "Registered",
            },
        )

    def _write_slip(self, order: Row, arrived: Sequence[tuple[Row, Decimal]]) -> None:
        """The packing slip of a return says how much came back, below zero."""
        header = order.values
        company, number = str(header["dataAreaId"]), str(header["ReturnOrderNumber"])
        slip = self._books.numbers.draw(company, "packing slip", lambda _: False, number)
        fields: dict[str, Value] = {
            "dataAreaId": company,
            "PackingSlipId": slip,
            "ReturnPackingSlipId": slip,
            "ReturnItemNum": header["RMANumber"],
            "SalesId": number,
            "SalesType": "ReturnItem",
            "OrderAccount": header["CustomerAccountNumber"],
            "InvoiceAccount": header["InvoiceCustomerAccountNumber"],
            "CustomerRef": header["CustomersOrderReference"],
            "PurchaseOrder": header["CustomerRequisitionNumber"],
            "inventLocationId": header["DefaultReturnWarehouseId"],
            "LanguageId": header["LanguageId"],
        }
        add_slip(self._books, fields, [_slip_line(line, -quantity) for line, quantity in arrived])

    def invoice(self, order: Row) -> str:
        """Credits all lines that were received in full, or need not come back. Gives the credit note's number."""
        _refuse_stopped(order)
        due = [line for line in return_lines(self._books, order) if self._is_due(line)]
        if not due:
            raise PostingError(f"nothing of return order {order.values['ReturnOrderNumber']} is to be credited")
        with self._books.journal.change_set():
            number = self._credit(order, due)
            for line in due:
                release_expected(self._books, line)
                done: dict[str, Value] = {
                    "ReturnStatus": "Invoiced",
                    "ReturnClosedDate": edm.day(self._books.clock()),
                }
                change_line(self._books, line, done)
            refresh_return(self._books, order)
        return number

    def cancel(self, order: Row) -> None:
        """Gives up the lines of which nothing has arrived."""
        lines = [line for line in return_lines(self._books, order) if line.values["ReturnStatus"] == "Awaiting"]
        if not lines:
            raise PostingError(f"return order {order.values['ReturnOrderNumber']} awaits nothing")
        with self._books.journal.change_set():
            for line in lines:
                release_expected(self._books, line)
                change_line(self._books, line, {"ReturnStatus": "Canceled"})
            refresh_return(self._books, order)

    def _is_due(self, line: Row) -> bool:
        status, action = line.values["ReturnStatus"], disposition_of(self._books, line)
        if status == "Awaiting":
            return action == CREDIT_ONLY
        return status == "Received" and action in _CREDITED

    def _credit(self, order: Row, due: list[Row]) -> str:
        header, company = order.values, order.values["dataAreaId"]
        customer = self._books.find("CustomersV3", company, header["CustomerAccountNumber"])
        assert customer is not None
        sold = [self._books.find(ORDER_LINES, company, line.values["ReturningInventoryLotId"]) for line in due]
        included = {
            customer.values["IsSalesTaxIncludedInPrices"]
            if line is None
            else order_of(self._books, line).values["ArePricesIncludingSalesTax"]
            for line in sold
        }
        if len(included) > 1:
            raise PostingError("lots sold with and without tax in their prices are on one return order")
        return post_invoice(
            self._books,
            {
                "dataAreaId": company,
                "SalesOrderNumber": header["ReturnOrderNumber"],
                "CurrencyCode": header["CurrencyCode"],
                "CustomersOrderReference": header["CustomersOrderReference"],
            },
            [self._credited(line, from_, customer) for line, from_ in zip(due, sold, strict=True)],
            buyer=Buyer(
                order_account=header["CustomerAccountNumber"],
                invoice_account=header["InvoiceCustomerAccountNumber"],
                payment_terms=customer.values["PaymentTerms"],
                payment_method=customer.values["PaymentMethod"],
            ),
            included=included == {"Yes"},
        )

    def _credited(self, line: Row, sold: Row | None, customer: Row) -> InvoicedLine:
        """Taxed as it was sold, or as the customer and the item are where it is not known from which lot it comes."""
        values = line.values
        if sold is not None:
            groups = sold.values["SalesTaxGroupCode"], sold.values["SalesTaxItemGroupCode"]
        else:
            item = self._books.item(str(values["dataAreaId"]), values["ItemNumber"])
            assert item is not None
            groups = customer.values["SalesTaxGroup"], item.tax_item_group
        return InvoicedLine(
            quantity=edm.number(values, "ReturnSalesQuantity"),
            price=edm.number(values, "SalesPrice"),
            taxed=Taxed(edm.number(values, "LineAmount"), *groups),
            fields={
                **{name: values[name] for name in DIMENSIONS},
                "LineCreationSequenceNumber": values["LineCreationSequenceNumber"],
                "ProductNumber": values["ItemNumber"],
                "ProductName": values["LineDescription"],
                "SalesUnitSymbol": values["SalesUnitSymbol"],
                "InventorySiteId": values["ReturnSiteId"],
                "InventoryWarehouseId": values["ReturnWarehouseId"],
            },
        )


def _slip_line(line: Row, quantity: Decimal) -> dict[str, Value]:
    values = line.values
    return {
        "dataAreaId": values["dataAreaId"],
        "SysDataAreaId": values["dataAreaId"],
        "SalesId": values["ReturnOrderNumber"],
        "OrigSalesId": values["ReturnOrderNumber"],
        "InventTransId": values["ReturnInventoryLotId"],
        "ItemId": values["ItemNumber"],
        "Name": values["LineDescription"],
        "SalesUnit": values["SalesUnitSymbol"],
        "StockedProduct": "Yes",
        "Qty": quantity,
        "inventQty": quantity,
        "Ordered": values["ReturnSalesQuantity"],
    }


def _awaited(line: Row) -> Decimal:
    """Pieces that are still to arrive."""
    return edm.number(line.values, "ReturnedSalesQuantity") - edm.number(line.values, "ReturnSalesQuantity")


def _refuse_stopped(order: Row) -> None:
    if order.values["IsReturnProcessingStopped"] == "Yes":
        raise PostingError(f"processing of return order {order.values['ReturnOrderNumber']} is stopped")
