"""What F&O's bookkeepers make of a free text invoice."""

from decimal import Decimal

from local.d365 import edm
from local.d365.books import Books
from local.d365.dimensions import require_dimensions
from local.d365.edm import Value
from local.d365.free_text import HEADERS, invoice_lines
from local.d365.ledger import PostingError, enter
from local.d365.sales_tax import Taxed, taxes
from local.d365.tables import Row


def post_free_text(books: Books, invoice: Row) -> Row:
    """Draws its number and books it on the customer's account: gives that transaction. Raises PostingError."""
    header, lines = invoice.values, invoice_lines(books, invoice)
    company, currency = str(header["dataAreaId"]), str(header["CurrencyCode"])
    if header["IsPosted"] == "Yes":
        raise PostingError(f"free text invoice {header['FreeTextNumber']} is posted already")
    if not lines:
        raise PostingError(f"free text invoice {header['InvoiceIdentifier']} has no lines")
    field = "DefaultDimensionDisplayValue"
    require_dimensions(books, company, [str(line.values[field] or header[field]) for line in lines])
    with books.journal.change_set():
        number = books.numbers.draw(company, "free text invoice", lambda _: False)
        included, day = header["InclTax"] == "Yes", edm.moment(header, "InvoiceDate")
        taxed = [
            Taxed(
                edm.number(line.values, "TransactionCurrencyAmount"),
                line.values["SalesTaxGroupId"],
                line.values["SalesTaxItemGroupId"],
            )
            for line in lines
        ]
        computed = taxes(books, company, taxed, included=included, currency=currency, day=day)
        tax = sum(
            (
                edm.number(line.values, "SalesTaxAmount") if line.values["OverrideSalesTax"] == "Yes" else line_tax
                for line, line_tax in zip(lines, computed, strict=True)
            ),
            Decimal(0),
        )
        net = sum((line.amount for line in taxed), Decimal(0))
        fields: dict[str, Value] = {
            "dataAreaId": company,
            "AccountNum": header["InvoiceAccount"],
            "OrderAccount": header["CustomerAccount"],
            "CurrencyCode": currency,
            "TransType": "Cust",
            "TransDate": day,
            "DueDate": header["DueDate"],
            "Invoice": number,
            "Voucher": books.numbers.draw(company, "voucher", lambda _: False),
            "PaymTermId": header["TermsOfPayment"],
            "PaymMode": header["MethodOfPayment"],
            "PostingProfile": header["PostingProfile"],
        }
        posted: dict[str, Value] = {"IsPosted": "Yes", "FreeTextNumber": number}
        books.replace(books.schema.sets[HEADERS], invoice, {**header, **posted})
        return enter(books, net if included else net + tax, fields)
