"""SalesOrderHeadersV2 and V4: two views of one table."""

from datetime import UTC, timedelta
from typing import ClassVar
from zoneinfo import ZoneInfo

from local.d365 import edm, references
from local.d365.books import Books
from local.d365.csdl import EntitySet
from local.d365.customers import full_name, language
from local.d365.edm import Value, Values
from local.d365.entities import Record
from local.d365.errors import Infolog
from local.d365.order_numbers import order_number
from local.d365.references import AddressFields, Reference, buyer_of, check_address, check_place, check_references
from local.d365.sales_lines import SalesLines
from local.d365.sales_tables import HEADERS, lines_of
from local.d365.tables import Row

_REFERENCES = (
    references.customer("OrderingCustomerAccountNumber", "Customer account"),
    references.customer("InvoiceCustomerAccountNumber", "Invoice account"),
    references.currency("CurrencyCode"),
    Reference("SalesOrderOriginCode", "Sales origin", "SalesOrderOriginCodes", "Sales origin"),
    references.delivery_mode("DeliveryModeCode"),
    references.delivery_terms("DeliveryTermsCode"),
    references.tax_group("SalesTaxGroupCode"),
    references.payment_terms("PaymentTermsName"),
    references.site("DefaultShippingSiteId"),
    references.warehouse("DefaultShippingWarehouseId"),
)
_DELIVERY_ADDRESS = AddressFields(
    "DeliveryAddressCountryRegionId",
    "DeliveryAddressCountryRegionISOCode",
    "DeliveryAddressStateId",
)
_FROM_CUSTOMER = {
    "CurrencyCode": "SalesCurrencyCode",
    "LanguageId": "LanguageId",
    "PaymentTermsName": "PaymentTerms",
    "CustomerPaymentMethodName": "PaymentMethod",
    "DeliveryModeCode": "DeliveryMode",
    "DeliveryTermsCode": "DeliveryTerms",
    "SalesTaxGroupCode": "SalesTaxGroup",
    "DefaultShippingSiteId": "SiteId",
    "DefaultShippingWarehouseId": "WarehouseId",
    "ArePricesIncludingSalesTax": "IsSalesTaxIncludedInPrices",
    "PriceCustomerGroupCode": "DiscountPriceGroupId",
    "LineDiscountCustomerGroupCode": "LineDiscountCode",
}
_ADDRESS_FROM_CUSTOMER = {
    "DeliveryAddressStreet": "AddressStreet",
    "DeliveryAddressStreetNumber": "AddressStreetNumber",
    "DeliveryAddressCity": "AddressCity",
    "DeliveryAddressStateId": "AddressState",
    "DeliveryAddressZipCode": "AddressZipCode",
    "DeliveryAddressCountryRegionId": "AddressCountryRegionId",
}
_CLOSED = frozenset({"Invoiced", "Canceled"})


class SalesOrders(Record):
    read_only: ClassVar[frozenset[str]] = frozenset(
        {
            "SalesOrderStatus",
            "SalesOrderProcessingStatus",
            "AreTotalsCalculated",
            "OrderTotalAmount",
            "OrderTotalTaxAmount",
            "OrderTotalChargesAmount",
            "OrderTotalDiscountAmount",
            "OrderHeaderTaxAmount",
            "OrderCreationDateTime",
            "FormattedDelveryAddress",
            "FormattedInvoiceAddress",
        },
    )

    def __init__(self, books: Books, entity_set: EntitySet, default_company: str, lines: SalesLines) -> None:
        super().__init__(books, entity_set, default_company)
        self._lines = lines

    def checked_insert(self, given: Values, log: Infolog) -> dict[str, Value]:
        buyer = buyer_of(self.books, given, "OrderingCustomerAccountNumber", log)
        values: dict[str, Value] = {
            **self.books.blank(self.entity_set.name),
            **self._from_buyer(buyer.values),
            **self._constants(),
            **given,
        }
        if values["IsDeliveryAddressOrderSpecific"] == "No":
            # The address is then the customer's, whatever the caller wrote into the fields.
            values |= {ours: buyer.values[theirs] for ours, theirs in _ADDRESS_FROM_CUSTOMER.items()}
        elif values["DeliveryAddressCountryRegionId"] == "":
            log.reject_field("DeliveryAddressCountryRegionId", "Field 'Country/region' must be filled in.")
        values["LanguageId"] = language(str(values["LanguageId"]))
        self._check_dates(values, given, log)
        company = str(given["dataAreaId"])
        values["SalesTaxGroupCode"] = self.books.address_tax_group(company) or values["SalesTaxGroupCode"]
        self._check(values, log)
        log.raise_if_any()
        values["SalesOrderNumber"] = order_number(self.books, HEADERS, given, log)
        return values

    def checked_update(self, row: Row, changes: Values, log: Infolog) -> dict[str, Value]:
        if row.values["SalesOrderStatus"] in _CLOSED:
            log.reject_write(f"Sales order {row.values['SalesOrderNumber']} is {row.values['SalesOrderStatus']}.")
            log.raise_if_any()
        values = super().checked_update(row, changes, log)
        buyer_of(self.books, values, "OrderingCustomerAccountNumber", log)
        self._check_dates(values, changes, log)
        self._check(values, log)
        return values

    def update(self, row: Row, given: Values) -> Row:
        changed = super().update(row, given)
        for line in lines_of(self.books, changed):
            if line.values["SalesOrderLineStatus"] == "Backorder":
                self._lines.follow(line, row.values, changed.values)
        return changed

    def delete(self, row: Row) -> None:
        """An order goes with its lines, as long as nothing of it is delivered or invoiced."""
        for line in lines_of(self.books, row):
            self._lines.delete(line)
        super().delete(row)

    def _from_buyer(self, buyer: Values) -> dict[str, Value]:
        name = full_name(buyer)
        return {
            **{ours: buyer[theirs] for ours, theirs in _FROM_CUSTOMER.items()},
            "InvoiceCustomerAccountNumber": buyer["InvoiceAccount"] or buyer["CustomerAccount"],
            "SalesOrderName": name,
            "DeliveryAddressName": name,
        }

    def _constants(self) -> dict[str, Value]:
        now = self.books.clock().replace(microsecond=0)
        today = edm.day(now)
        return {
            "SkipCreateAutoCharges": "Yes",
            "CustomerPostingProfileId": "GEN",
            "RequestedShippingDate": today,
            "RequestedReceiptDate": today,
            "OrderCreationDateTime": now,
        }

    def _check_dates(self, values: dict[str, Value], given: Values, log: Infolog) -> None:
        """Delivery-date control of the two dates, where either is written."""
        company = self.books.world.companies[str(values["dataAreaId"])]
        shipping, receipt = "RequestedShippingDate", "RequestedReceiptDate"
        if company.delivery_date_control == "none" or not {shipping, receipt} & given.keys():
            return
        transport = timedelta(days=company.transport_days)
        today = edm.day(self.books.clock().astimezone(ZoneInfo(company.time_zone))).replace(tzinfo=UTC)
        if receipt not in given:
            values[receipt] = edm.moment(values, shipping) + transport
        for field, earliest in ((shipping, today), (receipt, max(today, edm.moment(values, shipping)) + transport)):
            if edm.moment(values, field) >= earliest:
                continue
            if company.delivery_date_control == "move":
                values[field] = earliest
            else:
                log.reject_field(field, f"Date {edm.moment(values, field):%Y-%m-%d} is not valid for delivery.")

    def _check(self, values: dict[str, Value], log: Infolog) -> None:
        check_references(self.books, values, _REFERENCES, log)
        check_place(self.books, values, "DefaultShippingSiteId", "DefaultShippingWarehouseId", log)
        values.update(check_address(self.books, values, _DELIVERY_ADDRESS, log))
        values["FormattedDelveryAddress"] = formatted_address(values)


def formatted_address(values: Values) -> str:
    """The address as one text, a line each: street, ZIP code and city with state, country."""
    city = " ".join(
        filter(None, (str(values[f"DeliveryAddress{part}"]) for part in ("ZipCode", "City", "StateId"))),
    )
    lines = (values["DeliveryAddressStreet"], city, values["DeliveryAddressCountryRegionId"])
    return "\n".join(str(line) for line in lines if line)
