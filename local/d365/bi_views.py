"""Sets of F&O's own tables that show orders and invoices under other names than the entities that are written."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from decimal import Decimal

from local.d365 import edm, free_text, invoices, return_tables
from local.d365.books import Books, folded
from local.d365.credit_holds import latest_hold
from local.d365.edm import Value
from local.d365.ledger import TRANSACTIONS
from local.d365.sales_tables import HEADERS, lines_of, progress_of
from local.d365.statuses import return_sales_status
from local.d365.tables import Row, RowKey

ORDERS, INVOICES = "SalesTableBiEntities", "CustInvoiceJourBiEntities"
_OF_ORDER = {
    "SalesId": "SalesOrderNumber",
    "SalesName": "SalesOrderName",
    "CustAccount": "OrderingCustomerAccountNumber",
    "InvoiceAccount": "InvoiceCustomerAccountNumber",
    "CustomerRef": "CustomersOrderReference",
    "PurchOrderFormNum": "CustomerRequisitionNumber",
    "CurrencyCode": "CurrencyCode",
    "LanguageId": "LanguageId",
    "InclTax": "ArePricesIncludingSalesTax",
    "Email": "Email",
    "SalesOriginId": "SalesOrderOriginCode",
    "SalesPoolId": "SalesOrderPoolId",
    "SalesStatus": "SalesOrderStatus",
    "MCROrderStopped": "IsSalesProcessingStopped",
    "InventSiteId": "DefaultShippingSiteId",
    "InventLocationId": "DefaultShippingWarehouseId",
    "DeliveryName": "DeliveryAddressName",
    "DlvMode": "DeliveryModeCode",
    "DlvTerm": "DeliveryTermsCode",
    "ShipCarrierId": "ShippingCarrierId",
    "ShippingDateRequested": "RequestedShippingDate",
    "ReceiptDateRequested": "RequestedReceiptDate",
    "ShippingDateConfirmed": "ConfirmedShippingDate",
    "ReceiptDateConfirmed": "ConfirmedReceiptDate",
}
_OF_RETURN = {
    "SalesId": "ReturnOrderNumber",
    "ReturnItemNum": "RMANumber",
    "ReturnStatus": "ReturnStatus",
    "CustAccount": "CustomerAccountNumber",
    "InvoiceAccount": "InvoiceCustomerAccountNumber",
    "CustomerRef": "CustomersOrderReference",
    "PurchOrderFormNum": "CustomerRequisitionNumber",
    "CurrencyCode": "CurrencyCode",
    "LanguageId": "LanguageId",
    "SalesStatus": "ReturnOrderStatus",
    "MCROrderStopped": "IsReturnProcessingStopped",
}
_STAGES = {"Picked": "PickingList", "Confirmed": "Confirmation"}


def orders(books: Books) -> Iterator[Row]:
    """SalesTableBiEntities: sales orders and, in the same table, return orders."""
    for row in books.rows(HEADERS):
        taken = {ours: row.values[theirs] for ours, theirs in _OF_ORDER.items()}
        hold = latest_hold(books, row)
        yield _shown(
            books,
            ORDERS,
            row,
            {**taken, "SalesType": "Sales", "DocumentStatus": _document_status(books, row), **_credit(hold)},
        )
    for row in books.rows(return_tables.HEADERS):
        taken = {ours: row.values[theirs] for ours, theirs in _OF_RETURN.items()}
        yield _shown(books, ORDERS, row, {**taken, "SalesType": "ReturnItem"})


def return_lines(books: Books) -> Iterator[Row]:
    """SalesLineBiEntities of return orders: their lines are in the table of sales lines."""
    for row in books.rows(return_tables.LINES):
        values = row.values
        ordered = edm.number(values, "ReturnSalesQuantity")
        remaining = ordered - edm.number(values, "ReturnedSalesQuantity")
        shown: dict[str, Value] = {
            "SalesId": values["ReturnOrderNumber"],
            "SalesType": "ReturnItem",
            "LineCreationSequenceNumber": values["LineCreationSequenceNumber"],
            "InventTransId": values["ReturnInventoryLotId"],
            "InventTransIdReturn": values["ReturningInventoryLotId"],
            "ItemId": values["ItemNumber"],
            "Name": values["LineDescription"],
            "QtyOrdered": ordered,
            "SalesQty": ordered,
            "ExpectedRetQty": ordered,
            "SalesUnit": values["SalesUnitSymbol"],
            "SalesPrice": values["SalesPrice"],
            "LineAmount": values["LineAmount"],
            "ReturnStatus": values["ReturnStatus"],
            "SalesStatus": return_sales_status([str(values["ReturnStatus"])]),
            "RemainSalesPhysical": remaining,
            "RemainInventPhysical": remaining,
        }
        yield _shown(books, "SalesLineBiEntities", row, shown)


def posted_invoices(books: Books) -> Iterator[Row]:
    """CustInvoiceJourBiEntities: invoices of sales orders, credit notes of returns, free text invoices."""
    owed = {_invoice_key(row, "Invoice"): row.values for row in books.rows(TRANSACTIONS) if row.values["Invoice"]}
    quantities: defaultdict[RowKey, Decimal] = defaultdict(Decimal)
    for line in books.rows(invoices.LINES):
        quantities[_invoice_key(line, "InvoiceNumber")] += edm.number(line.values, "InvoicedQuantity")
    for row in books.rows(invoices.HEADERS):
        values, key = row.values, _invoice_key(row, "InvoiceNumber")
        order = values["SalesOrderNumber"]
        returned = books.find(return_tables.HEADERS, values["dataAreaId"], order)
        tax = edm.number(values, "TotalTaxAmount")
        of_order: dict[str, Value] = {
            "SalesId": order,
            "SalesType": "Sales" if returned is None else "ReturnItem",
            "ReturnItemNum": "" if returned is None else returned.values["RMANumber"],
            "CustomerRef": values["CustomersOrderReference"],
            "SumTax": tax,
            "SalesBalance": edm.number(values, "TotalInvoiceAmount") - tax,
            "Qty": quantities[key],
        }
        yield _shown(books, INVOICES, row, {**_of_debt(owed[key]), **of_order})
    for row in books.rows(free_text.HEADERS):
        if row.values["IsPosted"] == "Yes":
            debt = _of_debt(owed[_invoice_key(row, "FreeTextNumber")])
            yield _shown(books, INVOICES, row, {**debt, "CustomerRef": row.values["CustomerReference"]})


def _of_debt(transaction: Mapping[str, Value]) -> dict[str, Value]:
    return {
        "InvoiceId": transaction["Invoice"],
        "InvoiceDate": transaction["TransDate"],
        "InvoiceAmount": transaction["AmountCur"],
        "InvoiceAccount": transaction["AccountNum"],
        "OrderAccount": transaction["OrderAccount"],
        "CurrencyCode": transaction["CurrencyCode"],
        "LedgerVoucher": transaction["Voucher"],
        "DueDate": transaction["DueDate"],
        "Payment": transaction["PaymTermId"],
    }


def _document_status(books: Books, order: Row) -> str:
    """The last document that was posted; a cancelled slip is none."""
    progress = [progress_of(books, line) for line in lines_of(books, order)]
    if any(line.invoiced for line in progress):
        return "Invoice"
    if any(line.delivered for line in progress):
        return "PackingSlip"
    return _STAGES.get(str(order.values["SalesOrderProcessingStatus"]), "None")


def _credit(hold: Row | None) -> dict[str, Value]:
    if hold is None:
        return {}
    is_active = hold.values["Active"] == "Yes"
    return {
        "CredManId": hold.values["CredManId"],
        "CredManInCreditControl": "Yes" if is_active else "No",
        "CredManReleasedFromCreditControl": "No" if is_active else "Yes",
        "CredManRejected": hold.values["Rejected"],
    }


def _shown(books: Books, set_name: str, row: Row, values: Mapping[str, Value]) -> Row:
    company = row.values["dataAreaId"]
    kernel: dict[str, Value] = {
        "dataAreaId": company,
        "SysDataAreaId": company,
        "SourceKey": row.record_id,
        "CreatedOn": row.created.replace(microsecond=0),
        "SysModifiedDateTime": row.modified.replace(microsecond=0),
    }
    shown = {**books.blank(set_name), **kernel, **values}
    return Row(shown, row.record_id, row.version, row.created, row.modified)


def _invoice_key(row: Row, name: str) -> RowKey:
    return folded((row.values["dataAreaId"], row.values[name]))
