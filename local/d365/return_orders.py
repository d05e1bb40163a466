"""ReturnOrderHeadersV2: goods that a customer is to send back."""

from typing import ClassVar

from local.d365 import references
from local.d365.books import folded
from local.d365.customers import language
from local.d365.edm import Value, Values
from local.d365.entities import Record
from local.d365.errors import Infolog
from local.d365.order_numbers import order_number
from local.d365.references import AddressFields, Reference, buyer_of, check_address, check_place, check_references
from local.d365.return_lines import ReturnLines
from local.d365.return_tables import HEADERS, LINES, refuse_closed, return_lines
from local.d365.tables import Row

_REFERENCES = (
    references.customer("CustomerAccountNumber", "Customer account"),
    references.customer("InvoiceCustomerAccountNumber", "Invoice account"),
    references.currency("CurrencyCode"),
    Reference("CustomerReturnReasonCode", "Return reason code", "CustomerReasons", "Return reason codes"),
    references.site("DefaultReturnSiteId"),
    references.warehouse("DefaultReturnWarehouseId"),
)
_ADDRESS = AddressFields("ReturnAddressCountryRegionId", "ReturnAddressCountryRegionISOCode", "ReturnAddressStateId")


class ReturnOrders(Record):
    read_only: ClassVar[frozenset[str]] = frozenset(
        {
            "ReturnStatus",
            "ReturnOrderStatus",
            "OrderTotalAmount",
            "OrderTotalTaxAmount",
            "OrderTotalChargesAmount",
            "TotalDiscountAmount",
            "FormattedReturnAddress",
            "IsReplacementSalesOrderCreated",
        },
    )

    def checked_insert(self, given: Values, log: Infolog) -> dict[str, Value]:
        buyer = buyer_of(self.books, given, "CustomerAccountNumber", log)
        values: dict[str, Value] = {
            **self.books.blank(self.entity_set.name),
            "InvoiceCustomerAccountNumber": buyer.values["InvoiceAccount"] or buyer.values["CustomerAccount"],
            "CurrencyCode": buyer.values["SalesCurrencyCode"],
            "LanguageId": buyer.values["LanguageId"],
            "DefaultReturnSiteId": buyer.values["SiteId"],
            "DefaultReturnWarehouseId": buyer.values["WarehouseId"],
            **given,
            "ReturnStatus": "Created",
        }
        values["LanguageId"] = language(str(values["LanguageId"]))
        self._check(values, log)
        log.raise_if_any()
        values["ReturnOrderNumber"] = order_number(self.books, HEADERS, given, log)
        values["RMANumber"] = self.books.numbers.assign(
            str(given["dataAreaId"]),
            "RMA",
            str(values["RMANumber"]),
            lambda _: False,
            field="RMANumber",
            log=log,
        )
        return values

    def checked_update(self, row: Row, changes: Values, log: Infolog) -> dict[str, Value]:
        refuse_closed(row, log)
        changed = changes.get("CustomerAccountNumber", row.values["CustomerAccountNumber"])
        if folded((changed,)) != folded((row.values["CustomerAccountNumber"],)):
            log.reject_field("CustomerAccountNumber", "Field 'CustomerAccountNumber' does not allow editing.")
        values = super().checked_update(row, changes, log)
        self._check(values, log)
        return values

    def delete(self, row: Row) -> None:
        """A return goes with its lines, as long as nothing of it has arrived."""
        lines = ReturnLines(self.books, self.books.schema.sets[LINES], self._default_company)
        for line in return_lines(self.books, row):
            lines.delete(line)
        super().delete(row)

    def _check(self, values: dict[str, Value], log: Infolog) -> None:
        check_references(self.books, values, _REFERENCES, log)
        check_place(self.books, values, "DefaultReturnSiteId", "DefaultReturnWarehouseId", log)
        values.update(check_address(self.books, values, _ADDRESS, log))
