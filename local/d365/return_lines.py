"""ReturnOrderLinesV2: what is to come back, against the lot that it was sold from."""

from collections.abc import Mapping
from decimal import Decimal
from typing import ClassVar

from local.d365 import edm, references
from local.d365.books import Books, folded
from local.d365.edm import Value, Values
from local.d365.entities import Record
from local.d365.errors import Infolog
from local.d365.inventory import Bin, Stock, claim
from local.d365.pricing import line_amount
from local.d365.references import Reference, check_place, check_references
from local.d365.return_tables import (
    CREDIT_ONLY,
    HEADERS,
    LINES,
    disposition_of,
    refresh_return,
    refuse_arrived,
    refuse_closed,
    release_expected,
    return_lines,
    return_lot_of,
)
from local.d365.sales_lines import check_dimensions, dimensions_of
from local.d365.sales_tables import LINES as ORDER_LINES
from local.d365.sales_tables import lot_of as sold_lot_of
from local.d365.sales_tables import order_of, progress_of
from local.d365.tables import Row
from local.d365.world import DIMENSIONS, UNIT, Item

_REFERENCES = (
    Reference("SalesUnitSymbol", "Unit", "UnitsOfMeasure", "Units", shared=True),
    Reference("ReturnDispositionCode", "Disposition code", "ReturnDispositionCodes", "Disposition codes"),
    references.site("ReturnSiteId"),
    references.warehouse("ReturnWarehouseId"),
)


class ReturnLines(Record):
    read_only: ClassVar[frozenset[str]] = frozenset(
        {
            "ReturnInventoryLotId",
            "LineCreationSequenceNumber",
            "ReturnStatus",
            "LineAmount",
            "TotalTaxAmount",
            "TotalChargesAmount",
            "TotalDiscountAmount",
            "ReturnedSalesQuantity",
            "ActualReturnArrivalDate",
            "ReturnClosedDate",
            "CustomerAccountNumber",
            "InvoiceCustomerAccountNumber",
            "RMANumber",
            "FormattedReturnAddress",
        },
    )

    def checked_insert(self, given: Values, log: Infolog) -> dict[str, Value]:
        company = str(given["dataAreaId"])
        order = self._order(company, given, log)
        sold = self._sold(given, order, log)
        item = self._item(company, given, sold, log)
        siblings = return_lines(self.books, order)
        header = order.values
        values: dict[str, Value] = {
            **self.books.blank(self.entity_set.name),
            "SalesUnitSymbol": UNIT,
            "SalesPrice": item.price,
            "LineDescription": item.name,
            "ReturnSiteId": header["DefaultReturnSiteId"],
            "ReturnWarehouseId": header["DefaultReturnWarehouseId"],
            **(_from_sold(sold.values) if sold is not None else {}),
            **given,
            **(self._copied(sold.values) if sold is not None else {}),
            "ItemNumber": item.number,
            "ReturnOrderNumber": header["ReturnOrderNumber"],
            "RMANumber": header["RMANumber"],
            "CustomerAccountNumber": header["CustomerAccountNumber"],
            "InvoiceCustomerAccountNumber": header["InvoiceCustomerAccountNumber"],
            "ReturnStatus": "Awaiting",
            "LineCreationSequenceNumber": 1 + max((_sequence(line) for line in siblings), default=0),
        }
        self._check(values, item, sold, str(header["CurrencyCode"]), log)
        log.raise_if_any()
        values["ReturnInventoryLotId"] = self.books.numbers.draw(
            company,
            "lot",
            lambda lot: self.books.find(ORDER_LINES, company, lot) is not None,
        )
        return values

    def insert(self, given: Values) -> Row:
        row = super().insert(given)
        self._expect(row)
        refresh_return(self.books, row)
        return row

    def checked_update(self, row: Row, changes: Values, log: Infolog) -> dict[str, Value]:
        for name in ("ItemNumber", "ReturningInventoryLotId"):
            if name in changes and folded((changes[name],)) != folded((row.values[name],)):
                log.reject_field(name, f"Field '{name}' does not allow editing.")
        refuse_arrived(row, log)
        order = self._order(str(row.values["dataAreaId"]), row.values, log)
        sold = self._sold(row.values, order, log)
        item = self._item(str(row.values["dataAreaId"]), row.values, sold, log)
        values = super().checked_update(row, changes, log)
        self._check(values, item, sold, str(order.values["CurrencyCode"]), log, changed=row)
        return values

    def update(self, row: Row, given: Values) -> Row:
        changed = super().update(row, given)
        release_expected(self.books, row)
        self._expect(changed)
        return changed

    def delete(self, row: Row) -> None:
        log = self.infolog()
        refuse_arrived(row, log)
        log.raise_if_any()
        release_expected(self.books, row)
        super().delete(row)
        refresh_return(self.books, row)

    def _order(self, company: str, given: Values, log: Infolog) -> Row:
        number = given.get("ReturnOrderNumber", "")
        order = self.books.find(HEADERS, company, number)
        if number == "":
            log.reject_field("ReturnOrderNumber", "Field 'Return order' must be filled in.")
        elif order is None:
            log.reject_unrelated("ReturnOrderNumber", number, "Return order", "Return orders")
        else:
            refuse_closed(order, log)
        log.raise_if_any()
        assert order is not None
        return order

    def _sold(self, given: Values, order: Row, log: Infolog) -> Row | None:
        """The sales line whose goods come back, None for a return without one."""
        lot, company = given.get("ReturningInventoryLotId", ""), order.values["dataAreaId"]
        if lot == "":
            return None
        sold = self.books.find(ORDER_LINES, company, lot)
        if sold is None:
            log.reject_unrelated("ReturningInventoryLotId", lot, "Return lot ID", "Sales order lines")
            log.raise_if_any()
        assert sold is not None
        buyer = order_of(self.books, sold).values["OrderingCustomerAccountNumber"]
        if folded((buyer,)) != folded((order.values["CustomerAccountNumber"],)):
            log.reject_field("ReturningInventoryLotId", f"Lot {lot} was sold to another customer.")
        return sold

    def _item(self, company: str, given: Values, sold: Row | None, log: Infolog) -> Item:
        number = given.get("ItemNumber", "") or (sold.values["ItemNumber"] if sold is not None else "")
        item = self.books.item(company, number)
        if number == "":
            log.reject_field("ItemNumber", "Field 'Item number' must be filled in.")
        elif item is None:
            log.reject_unrelated("ItemNumber", number, "Item number", "Released products")
        elif sold is not None and folded((sold.values["ItemNumber"],)) != folded((number,)):
            log.reject_field("ItemNumber", f"The returned lot is of item {sold.values['ItemNumber']}.")
        log.raise_if_any()
        assert item is not None
        return item

    def _check(
        self,
        values: dict[str, Value],
        item: Item,
        sold: Row | None,
        currency: str,
        log: Infolog,
        *,
        changed: Row | None = None,
    ) -> None:
        quantity = edm.number(values, "ReturnSalesQuantity")
        check_dimensions(values, item, log)
        check_references(self.books, values, _REFERENCES, log)
        check_place(self.books, values, "ReturnSiteId", "ReturnWarehouseId", log)
        if item.stocked and values["ReturnSiteId"] == "":
            log.cancel_write("Inventory dimension Site is mandatory and must consequently be specified.")
        if quantity >= 0:
            log.reject_field("ReturnSalesQuantity", "Quantity of a returned line must be negative.")
        if sold is not None:
            if dimensions_of(sold.values) != dimensions_of(values):
                log.reject_write("The product dimensions are not those of the returned lot.")
            left = progress_of(self.books, sold).invoiced + self._returned(sold, without=changed)
            if -quantity > left:
                log.reject_field(
                    "ReturnSalesQuantity",
                    f"{left} of lot {sold.values['InventoryLotId']} are invoiced and not returned.",
                )
        copied = self._copied(sold.values) if sold is not None else {}
        values["LineAmount"] = line_amount(
            quantity=quantity,
            price=edm.number(values, "SalesPrice"),
            discount=edm.number(sold.values, "LineDiscountAmount") if sold is not None and copied else Decimal(0),
            discount_percent=Decimal(0),
            price_unit=edm.number(sold.values, "SalesPriceQuantity") if sold is not None and copied else Decimal(1),
            charges=self._copied_charges(sold.values) if sold is not None else Decimal(0),
            currency=currency,
        )

    def _copied(self, sold: Values) -> Mapping[str, Value]:
        """What the company's F&O takes from the sold line whatever is sent; its discount and price unit go with it."""
        kind = self.books.world.companies[str(sold["dataAreaId"])].return_price
        return {} if kind == "given" else {"SalesPrice": sold["SalesPrice"]}

    def _copied_charges(self, sold: Values) -> Decimal:
        kind = self.books.world.companies[str(sold["dataAreaId"])].return_price
        return edm.number(sold, "FixedPriceCharges") if kind == "copied_with_charges" else Decimal(0)

    def _returned(self, sold: Row, *, without: Row | None) -> Decimal:
        """What other lines return of the lot, below zero."""
        lot = sold_lot_of(sold)
        return sum(
            (
                edm.number(row.values, "ReturnSalesQuantity")
                for row in self.books.rows(LINES)
                if folded((row.values["dataAreaId"], row.values["ReturningInventoryLotId"])) == lot
                and row.values["ReturnStatus"] != "Canceled"
                and (without is None or row.record_id != without.record_id)
            ),
            Decimal(0),
        )

    def _expect(self, row: Row) -> None:
        """Goods on their way back are a receipt underway, unless the buyer keeps them."""
        place = _bin(self.books, row.values)
        if place is None or disposition_of(self.books, row) == CREDIT_ONLY:
            return
        stock = self.books.stock.get(place) or Stock()
        expected, held = claim(stock, place, edm.number(row.values, "ReturnSalesQuantity"), reserve=False)
        self.books.stock.put(place, expected)
        self.books.claims.put(return_lot_of(row), held)


def _from_sold(line: Values) -> Mapping[str, Value]:
    """What F&O takes from the sales line whose goods come back: the price is what was paid, its discounts in it."""
    return {
        **{name: line[name] for name in DIMENSIONS},
        "SalesUnitSymbol": line["SalesUnitSymbol"],
        "SalesPrice": round(edm.number(line, "LineAmount") / edm.number(line, "OrderedSalesQuantity"), 6),
        "LineDescription": line["LineDescription"],
        "ExternalItemNumber": line["ExternalItemNumber"],
    }


def _sequence(line: Row) -> int:
    value = line.values["LineCreationSequenceNumber"]
    assert isinstance(value, int)
    return value


def _bin(books: Books, line: Values) -> Bin | None:
    """Where the goods are to arrive; services and lines without a warehouse arrive nowhere."""
    company = str(line["dataAreaId"])
    item = books.item(company, line["ItemNumber"])
    warehouse = books.warehouse(company, line["ReturnWarehouseId"])
    if item is None or not item.stocked or warehouse is None:
        return None
    return Bin(company, item.number, dimensions_of(line), warehouse.site, warehouse.id)
