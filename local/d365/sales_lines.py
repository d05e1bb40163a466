"""SalesOrderLines and SalesOrderLinesV3: two views of one table, and what a line does to stock."""

from decimal import Decimal
from typing import ClassVar

from local.d365 import edm, references
from local.d365.books import Books, folded
from local.d365.edm import Value, Values
from local.d365.entities import Record
from local.d365.errors import Infolog
from local.d365.inventory import Bin, Stock, claim
from local.d365.parameters import Parameters
from local.d365.prices.quoting import quote_line
from local.d365.pricing import line_amount
from local.d365.references import AddressFields, Reference, check_address, check_place, check_references
from local.d365.sales_tables import (
    HEADERS,
    LINES,
    lines_of,
    lot_of,
    order_key,
    order_of,
    progress_of,
    refresh_statuses,
    release_claim,
)
from local.d365.statuses import Progress
from local.d365.tables import Row
from local.d365.world import DIMENSIONS, NO_DIMENSIONS, UNIT, Dimensions, Item

_REFERENCES = (
    Reference("SalesUnitSymbol", "Unit", "UnitsOfMeasure", "Units", shared=True),
    references.currency("CurrencyCode"),
    references.tax_group("SalesTaxGroupCode"),
    Reference("SalesTaxItemGroupCode", "Item sales tax group", "TaxItemGroupHeadings", "Item sales tax groups"),
    references.delivery_mode("DeliveryModeCode"),
    references.delivery_terms("DeliveryTermsId"),
    references.site("ShippingSiteId"),
    references.warehouse("ShippingWarehouseId"),
)
_DELIVERY_ADDRESS = AddressFields(
    "DeliveryAddressCountryRegionId",
    "DeliveryAddressCountryRegionISOCode",
    "DeliveryAddressStateId",
)
_ADDRESS = (
    "DeliveryAddressName",
    "DeliveryBuildingCompliment",
    "DeliveryAddressStreet",
    "DeliveryAddressCity",
    "DeliveryAddressStateId",
    "DeliveryAddressZipCode",
    "DeliveryAddressCountryRegionId",
)
_FROM_HEADER = {
    "CurrencyCode": "CurrencyCode",
    "SalesTaxGroupCode": "SalesTaxGroupCode",
    "DeliveryModeCode": "DeliveryModeCode",
    "DeliveryTermsId": "DeliveryTermsCode",
    "ShippingSiteId": "DefaultShippingSiteId",
    "ShippingWarehouseId": "DefaultShippingWarehouseId",
    "InventoryReservationMethod": "InventoryReservationMethod",
    "RequestedShippingDate": "RequestedShippingDate",
    "RequestedReceiptDate": "RequestedReceiptDate",
    "SalesOrderPromisingMethod": "SalesOrderPromisingMethod",
    **{name: name for name in _ADDRESS},
}
_FOLLOWING = (_ADDRESS, ("DeliveryModeCode",), ("RequestedShippingDate",), ("RequestedReceiptDate",))
"""What open lines take from their header where *Update order lines* is Always, each group as a whole."""
_STOCK_FIELDS = frozenset(
    {"OrderedSalesQuantity", "ShippingSiteId", "ShippingWarehouseId", "InventoryReservationMethod", *DIMENSIONS},
)
_PRICE_FIELDS = (
    "SalesPrice",
    "SalesPriceQuantity",
    "LineDiscountAmount",
    "LineDiscountPercentage",
    "FixedPriceCharges",
)
_CLOSED = frozenset({"Invoiced", "Canceled"})


class SalesLines(Record):
    read_only: ClassVar[frozenset[str]] = frozenset(
        {"InventoryLotId", "LineCreationSequenceNumber", "SalesOrderLineStatus", "FormattedDelveryAddress"},
    )

    def checked_insert(self, given: Values, log: Infolog) -> dict[str, Value]:
        company = str(given["dataAreaId"])
        order = self._order(company, given, log)
        item = self._item(company, given, log)
        siblings = lines_of(self.books, order)
        values: dict[str, Value] = {
            **self.books.blank(self.entity_set.name),
            **{ours: order.values[theirs] for ours, theirs in _FROM_HEADER.items()},
            "CalculateLineAmount": "Yes",
            "SkipCreateAutoCharges": "Yes",
            "OrderedSalesQuantity": Decimal(1),
            "SalesUnitSymbol": self._sales_unit(company, item),
            "SalesPriceQuantity": Decimal(1),
            "SalesTaxItemGroupCode": item.tax_item_group,
            "LineDescription": item.name,
            "LineNumber": 1 + max((edm.number(line.values, "LineNumber") for line in siblings), default=Decimal(0)),
            **given,
            "ItemNumber": item.number,
            "SalesOrderNumber": order.values["SalesOrderNumber"],
            "LineCreationSequenceNumber": 1 + max((_sequence(line) for line in siblings), default=0),
            "SalesOrderLineStatus": "Backorder",
        }
        values["SalesTaxGroupCode"] = self.books.address_tax_group(company) or values["SalesTaxGroupCode"]
        if "SalesPrice" not in given:
            values |= self._found_price(order.values, values, given)
        self._check(values, item, log)
        if edm.number(values, "OrderedSalesQuantity") == 0:
            log.reject_field("OrderedSalesQuantity", "Quantity cannot be zero.")
        log.raise_if_any()
        values["InventoryLotId"] = self.books.numbers.draw(
            company,
            "lot",
            lambda lot: self.books.find(LINES, company, lot) is not None,
        )
        return values

    def insert(self, given: Values) -> Row:
        row = super().insert(given)
        lots = self.books.order_lines.get(order_key(row)) or ()
        self.books.order_lines.put(order_key(row), (*lots, lot_of(row)))
        self.books.progress.put(lot_of(row), Progress())
        self.books.priced.put(lot_of(row), "SalesPrice" not in given)
        self._claim(row)
        if order_of(self.books, row).values["SalesOrderStatus"] != "Backorder":
            refresh_statuses(self.books, row)
        return row

    def checked_update(self, row: Row, changes: Values, log: Infolog) -> dict[str, Value]:
        for name in ("SalesOrderNumber", "ItemNumber"):
            if name in changes and folded((changes[name],)) != folded((row.values[name],)):
                log.reject_field(name, f"Field '{name}' does not allow editing.")
        if row.values["SalesOrderLineStatus"] in _CLOSED:
            log.reject_write(f"Line {row.values['InventoryLotId']} is {row.values['SalesOrderLineStatus']}.")
        log.raise_if_any()
        item = self._item(str(row.values["dataAreaId"]), row.values, log)
        values = super().checked_update(row, changes, log)
        keeps_amount = not self._parameters(row).calculate_line_net_amount and values["LineAmount"]
        values["ItemNumber"] = item.number
        values["SalesOrderNumber"] = row.values["SalesOrderNumber"]
        progress = progress_of(self.books, row)
        if self._is_priced_anew(row, changes):
            values |= self._found_price(order_of(self.books, row).values, values, changes)
        if values["OrderedSalesQuantity"] != row.values["OrderedSalesQuantity"]:
            self._check_quantity(row, abs(edm.number(values, "OrderedSalesQuantity")), progress, log)
        if progress.invoiced and any(values[name] != row.values[name] for name in _PRICE_FIELDS):
            log.reject_write("Part of the line is already invoiced; its price cannot be changed.")
        if any(values[name] != row.values[name] for name in _STOCK_FIELDS - {"OrderedSalesQuantity"}):
            if progress.delivered:
                log.reject_write("Part of the line is already delivered; its inventory dimensions cannot be changed.")
            elif progress.in_warehouse:
                log.reject_write("The line is released to the warehouse; its inventory dimensions cannot be changed.")
        self._check(values, item, log)
        if keeps_amount and row.values["LineAmount"]:
            values["LineAmount"] = row.values["LineAmount"]
        return values

    def update(self, row: Row, given: Values) -> Row:
        changed = super().update(row, given)
        if any(name in given for name in _PRICE_FIELDS):
            self.books.priced.put(lot_of(row), False)
        if any(changed.values[name] != row.values[name] for name in _STOCK_FIELDS):
            release_claim(self.books, row)
            self._claim(changed)
            refresh_statuses(self.books, row)
        return changed

    def follow(self, row: Row, before: Values, after: Values) -> None:
        """The line takes its order's address, dates and mode of delivery, unless it has its own."""
        if not self._parameters(row).lines_follow:
            return
        values = row.values
        for group in _FOLLOWING:
            if all(row.values[name] == before[name] for name in group):
                values = {**values, **{name: after[name] for name in group}}
        if values != row.values:
            self.books.replace(self.entity_set, row, values)

    def delete(self, row: Row) -> None:
        log = self.infolog()
        progress = progress_of(self.books, row)
        lot = row.values["InventoryLotId"]
        if progress.delivered or progress.invoiced:
            log.reject_write(f"Line {lot} is delivered or invoiced and cannot be deleted.")
        elif progress.picked:
            log.reject_write(f"Line {lot} is picked and cannot be deleted.")
        elif progress.in_warehouse:
            log.reject_write(f"Line {lot} is released to the warehouse and cannot be deleted.")
        elif self._is_confirmed(row) and not self._parameters(row).deletes_confirmed_lines:
            log.reject_write(f"Line {lot} is confirmed and cannot be deleted.")
        log.raise_if_any()
        release_claim(self.books, row)
        self.books.progress.remove(lot_of(row))
        lots = self.books.order_lines.get(order_key(row)) or ()
        self.books.order_lines.put(order_key(row), tuple(lot for lot in lots if lot != lot_of(row)))
        super().delete(row)
        refresh_statuses(self.books, row)

    def _is_priced_anew(self, row: Row, changes: Values) -> bool:
        """Whether F&O looks its own price up again: for another quantity, unless somebody gave the price."""
        quantity = changes.get("OrderedSalesQuantity", row.values["OrderedSalesQuantity"])
        is_own = (self.books.priced.get(lot_of(row)) or False) and not progress_of(self.books, row).invoiced
        return is_own and "SalesPrice" not in changes and quantity not in (0, row.values["OrderedSalesQuantity"])

    def _found_price(self, order: Values, line: Values, given: Values) -> dict[str, Value]:
        """What trade agreements, or else the base price, put into the line's fields that nobody gave."""
        found = quote_line(self.books, order, line)
        values: dict[str, Value] = {
            "SalesPrice": found.price.price,
            "SalesPriceQuantity": found.price.price_unit,
            "FixedPriceCharges": found.price.charges,
            "LineDiscountAmount": found.discount.amount,
            "LineDiscountPercentage": found.discount.percent,
        }
        return {name: value for name, value in values.items() if name not in given}

    def _order(self, company: str, given: Values, log: Infolog) -> Row:
        number = given.get("SalesOrderNumber", "")
        order = self.books.find(HEADERS, company, number)
        if number == "":
            log.reject_field("SalesOrderNumber", "Field 'Sales order' must be filled in.")
        elif order is None:
            log.reject_unrelated("SalesOrderNumber", number, "Sales order", "Sales orders")
        elif order.values["SalesOrderStatus"] in _CLOSED:
            log.reject_write(f"Sales order {number} is {order.values['SalesOrderStatus']}.")
        elif self._parameters(order).locks_invoiced_orders and any(
            progress_of(self.books, line).invoiced for line in lines_of(self.books, order)
        ):
            log.reject_write(f"Sales order {number} is invoiced, and the safety level of invoiced orders is locked.")
        log.raise_if_any()
        assert order is not None
        return order

    def _parameters(self, row: Row) -> Parameters:
        return self.books.parameters[str(row.values["dataAreaId"])]

    def _is_confirmed(self, line: Row) -> bool:
        return order_of(self.books, line).values["SalesOrderProcessingStatus"] != "Active"

    def _check_quantity(self, row: Row, quantity: Decimal, progress: Progress, log: Infolog) -> None:
        """Of a change, also what some companies do not take, though the form does."""
        delivered, parameters = progress.delivered, self._parameters(row)
        if quantity < abs(delivered):
            log.reject_field("OrderedSalesQuantity", f"{delivered} are already delivered; the quantity cannot be less.")
        elif quantity < abs(delivered + progress.picked):
            log.reject_field("OrderedSalesQuantity", f"{progress.picked} are picked; reverse the picking first.")
        elif quantity < abs(delivered + progress.in_warehouse):
            log.reject_field(
                "OrderedSalesQuantity",
                f"{progress.in_warehouse} are released to the warehouse; end the work first.",
            )
        elif quantity == 0 and not parameters.takes_zero_quantity:
            log.reject_field("OrderedSalesQuantity", "Quantity cannot be zero.")
        elif delivered and quantity == abs(delivered) and not parameters.takes_delivered_quantity:
            log.reject_field("OrderedSalesQuantity", "Deliver remainder cannot become zero by the quantity.")

    def _item(self, company: str, given: Values, log: Infolog) -> Item:
        number = given.get("ItemNumber", "")
        item = self.books.item(company, number)
        if number == "":
            log.reject_field("ItemNumber", "Field 'Item number' must be filled in.")
        elif item is None:
            log.reject_unrelated("ItemNumber", number, "Item number", "Released products")
        log.raise_if_any()
        assert item is not None
        return item

    def _sales_unit(self, company: str, item: Item) -> Value:
        product = self.books.find("ReleasedProductsV2", company, item.number)
        return UNIT if product is None else product.values["SalesUnitSymbol"]

    def _check(self, values: dict[str, Value], item: Item, log: Infolog) -> None:
        check_dimensions(values, item, log)
        check_references(self.books, values, _REFERENCES, log)
        if values["ShippingSiteId"] == "":
            warehouse = self.books.warehouse(str(values["dataAreaId"]), values["ShippingWarehouseId"])
            values["ShippingSiteId"] = "" if warehouse is None else warehouse.site
        check_place(self.books, values, "ShippingSiteId", "ShippingWarehouseId", log)
        values.update(check_address(self.books, values, _DELIVERY_ADDRESS, log))
        if item.stocked and values["ShippingSiteId"] == "":
            log.cancel_write("Inventory dimension Site is mandatory and must consequently be specified.")
        if edm.number(values, "SalesPriceQuantity") <= 0:
            log.reject_field("SalesPriceQuantity", "Price unit must be greater than zero.")
        elif values["CalculateLineAmount"] == "Yes":
            values["LineAmount"] = line_amount(
                quantity=edm.number(values, "OrderedSalesQuantity"),
                price=edm.number(values, "SalesPrice"),
                discount=edm.number(values, "LineDiscountAmount"),
                discount_percent=edm.number(values, "LineDiscountPercentage"),
                price_unit=edm.number(values, "SalesPriceQuantity"),
                charges=edm.number(values, "FixedPriceCharges"),
                currency=str(values["CurrencyCode"]),
            )

    def _claim(self, row: Row) -> None:
        place = bin_of(self.books, row.values, row.values["ShippingWarehouseId"])
        if place is None:
            return
        open_quantity = progress_of(self.books, row).remaining(edm.number(row.values, "OrderedSalesQuantity"))
        reserve = row.values["InventoryReservationMethod"] != "None"
        stock, held = claim(self.books.stock.get(place) or Stock(), place, open_quantity, reserve=reserve)
        self.books.stock.put(place, stock)
        self.books.claims.put(lot_of(row), held)


def check_dimensions(values: Values, item: Item, log: Infolog) -> None:
    """A product master needs the dimensions of one of its variants, any other product takes none."""
    dimensions = dimensions_of(values)
    if not item.variants and dimensions != NO_DIMENSIONS:
        log.reject_write(f"Item {item.number} has no product dimensions, but some are specified.")
    elif item.variants and dimensions == NO_DIMENSIONS:
        log.reject_write(f"Item {item.number} is a product master: its product dimensions must be specified.")
    elif item.variants and dimensions not in item.variants.values():
        named = ", ".join(filter(None, dimensions))
        log.reject_write(f"Item {item.number} has no released variant with the product dimensions {named}.")


def dimensions_of(values: Values) -> Dimensions:
    color, configuration, size, style, version = (str(values[name]) for name in DIMENSIONS)
    return color, configuration, size, style, version


def bin_of(books: Books, values: Values, warehouse_id: Value) -> Bin | None:
    """Where the warehouse keeps the goods of a line; nowhere for services, and without a warehouse."""
    company = str(values["dataAreaId"])
    item = books.item(company, values["ItemNumber"])
    warehouse = books.warehouse(company, warehouse_id)
    if item is None or not item.stocked or warehouse is None:
        return None
    return Bin(company, item.number, dimensions_of(values), warehouse.site, warehouse.id)


def _sequence(line: Row) -> int:
    value = line.values["LineCreationSequenceNumber"]
    assert isinstance(value, int)
    return value
