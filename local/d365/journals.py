"""CustomerPaymentJournalHeaders and -Lines: money that customers paid or got back, until it is posted."""

from typing import ClassVar

from local.d365 import edm, references
from local.d365.books import Books, folded
from local.d365.customers import full_name
from local.d365.edm import Value, Values
from local.d365.entities import Record
from local.d365.errors import Infolog
from local.d365.ledger import check_account, check_posting_profile, exchange_rate, segments
from local.d365.references import Reference, check_references
from local.d365.tables import Row

JOURNALS, LINES = "CustomerPaymentJournalHeaders", "CustomerPaymentJournalLines"
CUSTOMER_PAYMENT = "CustPayment"
POSTING_PROFILE = "GEN"
_REFERENCES = (
    references.currency("CurrencyCode"),
    Reference("PaymentMethodName", "Method of payment", "CustomerPaymentMethods", "Methods of payment - customers"),
    references.tax_group("TaxGroup"),
    Reference("TaxItemGroup", "Item sales tax group", "TaxItemGroupHeadings", "Item sales tax groups"),
)
_BLOCKED = frozenset({"All", "Payment"})


def journal_lines(books: Books, journal: Values) -> list[Row]:
    """A journal's lines (given the journal or any of them) in the order of their numbers."""
    wanted = folded((journal["dataAreaId"], journal["JournalBatchNumber"]))
    found = [row for row in books.rows(LINES) if _journal_key(row.values) == wanted]
    return sorted(found, key=lambda row: edm.number(row.values, "LineNumber"))


class PaymentJournals(Record):
    read_only: ClassVar[frozenset[str]] = frozenset({"IsPosted"})

    def checked_insert(self, given: Values, log: Infolog) -> dict[str, Value]:
        company, name = str(given["dataAreaId"]), given.get("JournalName", "")
        kind = self.books.find("JournalNames", company, name)
        if name == "":
            log.reject_field("JournalName", "Field 'Name' must be filled in.")
        elif kind is None:
            log.reject_unrelated("JournalName", name, "Name", "Journal names")
        elif kind.values["Type"] != CUSTOMER_PAYMENT:
            log.reject_field("JournalName", f"Journal name {name} is not of the type Customer payment.")
        log.raise_if_any()
        number = self.books.numbers.assign(
            company,
            "payment journal",
            str(given.get("JournalBatchNumber", "")),
            lambda number: self.books.find(JOURNALS, company, number) is not None,
            field="JournalBatchNumber",
            log=log,
        )
        assert kind is not None
        return {
            **self.books.blank(self.entity_set.name),
            "Description": kind.values["Description"],
            "OverrideSalesTax": kind.values["OverrideSalesTax"],
            **given,
            "JournalName": kind.values["Name"],
            "JournalBatchNumber": number,
        }

    def checked_update(self, row: Row, changes: Values, log: Infolog) -> dict[str, Value]:
        _refuse_posted(row, log)
        if changes.get("JournalName", row.values["JournalName"]) != row.values["JournalName"]:
            log.reject_field("JournalName", "Field 'JournalName' does not allow editing.")
        return super().checked_update(row, changes, log)

    def delete(self, row: Row) -> None:
        log = self.infolog()
        _refuse_posted(row, log)
        log.raise_if_any()
        for line in journal_lines(self.books, row.values):
            self.books.rows(LINES).remove((*_journal_key(line.values), line.values["LineNumber"]))
        super().delete(row)


class PaymentLines(Record):
    read_only: ClassVar[frozenset[str]] = frozenset({"CustomerName"})

    def checked_insert(self, given: Values, log: Infolog) -> dict[str, Value]:
        company = str(given["dataAreaId"])
        journal = self._journal(given, log)
        values: dict[str, Value] = {
            **self.books.blank(self.entity_set.name),
            "AccountType": "Cust",
            "OffsetAccountType": "Ledger",
            "TransactionDate": edm.day(self.books.clock()),
            "PostingProfile": POSTING_PROFILE,
            "Company": company.upper(),
            "OffsetCompany": company.upper(),
            **self._from_customer(company, given),
            **self._from_method(company, given),
            **given,
            "JournalBatchNumber": journal.values["JournalBatchNumber"],
        }
        if edm.number(values, "LineNumber") <= 0:
            log.reject_field("LineNumber", "Field 'Line number' must be filled in.")
        self._check(values, log)
        log.raise_if_any()
        values["Voucher"] = values["Voucher"] or self.books.numbers.draw(company, "voucher", lambda _: False)
        return values

    def checked_update(self, row: Row, changes: Values, log: Infolog) -> dict[str, Value]:
        self._refuse_closed(self._journal(row.values, log), log)
        log.raise_if_any()
        values = super().checked_update(row, changes, log)
        self._check(values, log)
        return values

    def delete(self, row: Row) -> None:
        log = self.infolog()
        self._refuse_closed(self._journal(row.values, log), log)
        log.raise_if_any()
        super().delete(row)

    def _journal(self, values: Values, log: Infolog) -> Row:
        """The line's journal, which must take lines."""
        number = values.get("JournalBatchNumber", "")
        journal = self.books.find(JOURNALS, values["dataAreaId"], number)
        if number == "":
            log.reject_field("JournalBatchNumber", "Field 'Journal batch number' must be filled in.")
        elif journal is None:
            log.reject_unrelated("JournalBatchNumber", number, "Journal batch number", "Journals")
        else:
            self._refuse_closed(journal, log)
        log.raise_if_any()
        assert journal is not None
        return journal

    def _refuse_closed(self, journal: Row, log: Infolog) -> None:
        """A journal whose lines a user has open, or that is being posted, takes none from elsewhere."""
        _refuse_posted(journal, log)
        if _journal_key(journal.values) in self.books.journals_in_use:
            log.reject_write(f"Journal {journal.values['JournalBatchNumber']} is in use by another user.")

    def _from_customer(self, company: str, given: Values) -> dict[str, Value]:
        customer = self._customer({"dataAreaId": company, "AccountType": "Cust", "AccountDisplayValue": "", **given})
        if customer is None:
            return {"CurrencyCode": self.books.world.companies[company].currency}
        return {
            "CurrencyCode": customer.values["SalesCurrencyCode"],
            "PaymentMethodName": customer.values["PaymentMethod"],
        }

    def _from_method(self, company: str, given: Values) -> dict[str, Value]:
        """The offset account of the method of payment, for a line that has none."""
        method = self.books.find("CustomerPaymentMethods", company, given.get("PaymentMethodName", ""))
        if method is None or given.get("OffsetAccountDisplayValue") or "OffsetAccountType" in given:
            return {}
        return {
            "OffsetAccountType": method.values["AccountType"],
            "OffsetAccountDisplayValue": method.values["PaymentAccountDisplayValue"],
        }

    def _customer(self, values: Values) -> Row | None:
        delimiter = self.books.world.companies[str(values["dataAreaId"])].account_delimiter
        account = segments(str(values["AccountDisplayValue"]), delimiter)
        if values["AccountType"] != "Cust" or len(account) != 1:
            return None
        return self.books.find("CustomersV3", values["dataAreaId"], account[0])

    def _check(self, values: dict[str, Value], log: Infolog) -> None:
        if values["AccountDisplayValue"] == "":
            log.reject_field("AccountDisplayValue", "Field 'Account' must be filled in.")
        check_account(self.books, values, "", "Account", log)
        check_account(self.books, values, "Offset", "Offset account", log)
        check_references(self.books, values, _REFERENCES, log)
        check_posting_profile(self.books, values, log)
        self._check_amounts(values, log)
        customer = self._customer(values)
        values["CustomerName"] = "" if customer is None else full_name(customer.values)
        if customer is not None and customer.values["OnHoldStatus"] in _BLOCKED:
            log.reject_field("AccountDisplayValue", f"Customer {customer.values['CustomerAccount']} is on hold.")
        journal = self._journal(values, log)
        kind = self.books.find("JournalNames", values["dataAreaId"], journal.values["JournalName"])
        if values["IsPrepayment"] == "Yes" and kind is not None and kind.values["AmountsIncludeSalesTax"] == "No":
            log.reject_write("Prepayment must be created in a journal where amount is including sales tax")
        self._check_marked(values, customer, log)

    def _check_amounts(self, values: dict[str, Value], log: Infolog) -> None:
        credit, debit = edm.number(values, "CreditAmount"), edm.number(values, "DebitAmount")
        for name, amount in (("CreditAmount", credit), ("DebitAmount", debit)):
            if amount < 0:
                log.reject_field(name, f"Field '{name}' cannot be negative.")
        if credit and debit:
            log.reject_write("A journal line has either a debit or a credit amount.")
        elif not credit and not debit:
            log.reject_field("CreditAmount", "Field 'Credit' or 'Debit' must be filled in.")
        day = edm.moment(values, "TransactionDate")
        if not values["ExchangeRate"] and self.books.known("Currencies", values["CurrencyCode"]):
            rate = exchange_rate(self.books, str(values["dataAreaId"]), str(values["CurrencyCode"]), day)
            if rate is None:
                log.reject_field("CurrencyCode", f"There is no exchange rate for currency {values['CurrencyCode']}.")
            else:
                values["ExchangeRate"] = rate

    def _check_marked(self, values: dict[str, Value], customer: Row | None, log: Infolog) -> None:
        """A marked invoice must be posted and open: then the line settles it when it is posted itself."""
        invoice = values["MarkedInvoice"]
        if invoice == "":
            return
        marked = None if customer is None else open_invoice(self.books, customer.values, invoice)
        if marked is None:
            log.reject_unrelated("MarkedInvoice", invoice, "Marked invoice", "Open customer transactions")
            return
        values["SettleVoucher"] = "SelectedTransact"
        values["MarkedInvoiceCompany"] = values["MarkedInvoiceCompany"] or values["dataAreaId"]


def open_invoice(books: Books, customer: Values, invoice: Value) -> Row | None:
    """The customer's transaction of this invoice while something of it is open."""
    wanted = folded((customer["dataAreaId"], customer["CustomerAccount"], invoice))
    for row in books.rows("CustTransactions"):
        key = folded((row.values["dataAreaId"], row.values["AccountNum"], row.values["Invoice"]))
        if key == wanted and row.values["Closed"] == edm.NO_DATE:
            return row
    return None


def _journal_key(values: Values) -> tuple[Value, ...]:
    return folded((values["dataAreaId"], values["JournalBatchNumber"]))


def _refuse_posted(journal: Row, log: Infolog) -> None:
    if journal.values["IsPosted"] == "Yes":
        log.reject_write(f"Journal {journal.values['JournalBatchNumber']} is posted.")
