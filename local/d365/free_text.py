"""FreeTextInvoiceHeaders and -Lines: amounts without goods, credits below zero."""

from datetime import timedelta
from decimal import Decimal
from typing import ClassVar

from local.d365 import edm, references
from local.d365.books import Books, folded
from local.d365.customers import full_name, language
from local.d365.edm import Value, Values
from local.d365.entities import Record
from local.d365.errors import Infolog
from local.d365.invoices import due_date
from local.d365.ledger import check_main_account, check_posting_profile
from local.d365.pricing import round_amount
from local.d365.references import Reference, buyer_of, check_references
from local.d365.tables import Row

HEADERS, LINES = "FreeTextInvoiceHeaders", "FreeTextInvoiceLines"
NOT_POSTED = "Not posted"
_DUE_WITHOUT_TERMS = timedelta(days=7)
"""Recorded once: an invoice of 23 July without terms of payment was due on 30 July."""
_ITEM_TAX_GROUP = Reference(
    "SalesTaxItemGroupId", "Item sales tax group", "TaxItemGroupHeadings", "Item sales tax groups"
)
_HEADER_REFERENCES = (
    references.customer("CustomerAccount", "Customer account"),
    references.customer("InvoiceAccount", "Invoice account"),
    references.currency("CurrencyCode"),
    references.tax_group("SalesTaxGroupId"),
    _ITEM_TAX_GROUP,
    references.payment_terms("TermsOfPayment"),
    Reference("MethodOfPayment", "Method of payment", "CustomerPaymentMethods", "Methods of payment - customers"),
)
_LINE_REFERENCES = (references.tax_group("SalesTaxGroupId"), _ITEM_TAX_GROUP)
_FROM_CUSTOMER = {
    "CurrencyCode": "SalesCurrencyCode",
    "LanguageId": "LanguageId",
    "TermsOfPayment": "PaymentTerms",
    "MethodOfPayment": "PaymentMethod",
    "SalesTaxGroupId": "SalesTaxGroup",
    "CustomerGroup": "CustomerGroupId",
    "InclTax": "IsSalesTaxIncludedInPrices",
}


def invoice_lines(books: Books, invoice: Row) -> list[Row]:
    """A free text invoice's lines in the order of their numbers."""
    company, identifier = invoice.values["dataAreaId"], invoice.values["InvoiceIdentifier"]
    found = [
        row
        for row in books.rows(LINES)
        if (row.values["dataAreaId"], row.values["ParentRecId"]) == (company, identifier)
    ]
    return sorted(found, key=lambda row: edm.number(row.values, "LineNumber"))


class FreeTextInvoices(Record):
    read_only: ClassVar[frozenset[str]] = frozenset({"InvoiceIdentifier", "FreeTextNumber", "IsPosted"})

    def checked_insert(self, given: Values, log: Infolog) -> dict[str, Value]:
        buyer = buyer_of(self.books, given, "CustomerAccount", log, blocked=("All", "Invoice"))
        today = edm.day(self.books.clock())
        values: dict[str, Value] = {
            **self.books.blank(self.entity_set.name),
            **{ours: buyer.values[theirs] for ours, theirs in _FROM_CUSTOMER.items()},
            "InvoiceAccount": buyer.values["InvoiceAccount"] or buyer.values["CustomerAccount"],
            "InvoiceName": full_name(buyer.values),
            "InvoiceDate": today,
            "PostingProfile": "GEN",
            **given,
            "FreeTextNumber": NOT_POSTED,
            "InvoiceIdentifier": self.books.numbers.record_id(),
        }
        values["LanguageId"] = language(str(values["LanguageId"]))
        self._check(values, log)
        if "DueDate" not in given:
            terms, day = values["TermsOfPayment"], edm.moment(values, "InvoiceDate")
            due = due_date(self.books, str(values["dataAreaId"]), terms, day)
            values["DueDate"] = due if terms else day + _DUE_WITHOUT_TERMS
        return values

    def checked_update(self, row: Row, changes: Values, log: Infolog) -> dict[str, Value]:
        refuse_posted(row, log)
        changed = changes.get("CustomerAccount", row.values["CustomerAccount"])
        if folded((changed,)) != folded((row.values["CustomerAccount"],)):
            log.reject_field("CustomerAccount", "Field 'CustomerAccount' does not allow editing.")
        values = super().checked_update(row, changes, log)
        self._check(values, log)
        return values

    def delete(self, row: Row) -> None:
        log = self.infolog()
        refuse_posted(row, log)
        log.raise_if_any()
        for line in invoice_lines(self.books, row):
            self.books.rows(LINES).remove(
                folded((line.values["dataAreaId"], line.values["LineNumber"], line.values["ParentRecId"])),
            )
        super().delete(row)

    def _check(self, values: dict[str, Value], log: Infolog) -> None:
        check_references(self.books, values, _HEADER_REFERENCES, log)
        check_posting_profile(self.books, values, log)


class FreeTextInvoiceLines(Record):
    read_only: ClassVar[frozenset[str]] = frozenset({"CurrencyCode"})

    def checked_insert(self, given: Values, log: Infolog) -> dict[str, Value]:
        invoice = self._invoice(given, log).values
        values: dict[str, Value] = {
            **self.books.blank(self.entity_set.name),
            "CurrencyCode": invoice["CurrencyCode"],
            "SalesTaxGroupId": invoice["SalesTaxGroupId"],
            "SalesTaxItemGroupId": invoice["SalesTaxItemGroupId"],
            "Quantity": Decimal(1),
            **given,
        }
        if "UnitPrice" in given and "TransactionCurrencyAmount" not in given:
            amount = edm.number(values, "Quantity") * edm.number(values, "UnitPrice")
            values["TransactionCurrencyAmount"] = round_amount(amount, str(values["CurrencyCode"]))
        if edm.number(values, "LineNumber") <= 0:
            log.reject_field("LineNumber", "Field 'Line number' must be filled in.")
        self._check(values, log)
        return values

    def checked_update(self, row: Row, changes: Values, log: Infolog) -> dict[str, Value]:
        self._invoice(row.values, log)
        values = super().checked_update(row, changes, log)
        if changes.keys() & {"Quantity", "UnitPrice"} and "TransactionCurrencyAmount" not in changes:
            amount = edm.number(values, "Quantity") * edm.number(values, "UnitPrice")
            values["TransactionCurrencyAmount"] = round_amount(amount, str(values["CurrencyCode"]))
        self._check(values, log)
        return values

    def delete(self, row: Row) -> None:
        self._invoice(row.values, self.infolog())
        super().delete(row)

    def _invoice(self, values: Values, log: Infolog) -> Row:
        """The line's invoice, which must not be posted."""
        identifier = values.get("ParentRecId", 0)
        invoice = self.books.find(HEADERS, values["dataAreaId"], identifier)
        if identifier == 0:
            log.reject_field("ParentRecId", "Field 'Invoice' must be filled in.")
        elif invoice is None:
            log.reject_unrelated("ParentRecId", identifier, "Invoice", "Free text invoices")
        else:
            refuse_posted(invoice, log)
        log.raise_if_any()
        assert invoice is not None
        return invoice

    def _check(self, values: dict[str, Value], log: Infolog) -> None:
        if values["MainAccountDisplayValue"] == "":
            log.reject_field("MainAccountDisplayValue", "Field 'Main account' must be filled in.")
        check_main_account(self.books, values, "MainAccountDisplayValue", log)
        check_references(self.books, values, _LINE_REFERENCES, log)
        amount = edm.number(values, "TransactionCurrencyAmount")
        priced = edm.number(values, "Quantity") * edm.number(values, "UnitPrice")
        if amount == 0:
            log.reject_field("TransactionCurrencyAmount", "Field 'Amount' must be filled in.")
        elif priced and round_amount(priced, str(values["CurrencyCode"])) != amount:
            log.reject_field("TransactionCurrencyAmount", f"{amount} is not the quantity times the unit price.")
        if values["SalesTaxAmount"] and values["OverrideSalesTax"] == "No":
            log.reject_field("SalesTaxAmount", "Sales tax can only be given where it is overridden.")


def refuse_posted(invoice: Row, log: Infolog) -> None:
    if invoice.values["IsPosted"] == "Yes":
        log.reject_write(f"Free text invoice {invoice.values['FreeTextNumber']} is posted.")
