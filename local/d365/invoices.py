"""Posted sales invoices and credit notes: the document, its lines, and what the customer then owes."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from local.d365 import edm
from local.d365.books import Books
from local.d365.edm import Value, Values
from local.d365.ledger import enter
from local.d365.pricing import round_amount
from local.d365.sales_tax import Taxed, taxes
from local.d365.tables import Row
from local.d365.world import DIMENSIONS

HEADERS, LINES = "SalesInvoiceHeadersV4", "SalesInvoiceV4Lines"
POSTED = frozenset({HEADERS, LINES})
"""Sets that only postings write."""
_FROM_ORDER = (
    "dataAreaId",
    "SalesOrderNumber",
    "CurrencyCode",
    "CustomersOrderReference",
    "SalesOrderOriginCode",
    "DeliveryModeCode",
    "DeliveryTermsCode",
)


class Buyer(NamedTuple):
    """On whose account a document goes, and how it is to be paid."""

    order_account: Value
    invoice_account: Value
    payment_terms: Value
    payment_method: Value


class InvoicedLine(NamedTuple):
    """A line's part of an invoice: `fields` are those of SalesInvoiceV4Lines that the order knows."""

    quantity: Decimal
    price: Decimal
    taxed: Taxed
    fields: Mapping[str, Value]


def due_date(books: Books, company: str, terms: Value, day: datetime) -> datetime:
    """Terms of payment count days from the invoice; none means at once."""
    found = books.find("PaymentTerms", company, terms)
    days = found.values["NumberOfDays"] if found is not None else 0
    assert isinstance(days, int)
    return day + timedelta(days=days)


def post_invoice(
    books: Books,
    fields: Mapping[str, Value],
    lines: Sequence[InvoicedLine],
    *,
    buyer: Buyer,
    included: bool,
) -> str:
    """
    Gives the invoice's number. `fields` are those of SalesInvoiceHeadersV4 that the order knows, company and currency
    among them. Raises PostingError for lack of an exchange rate or a tax rate.
    """
    company, currency = str(fields["dataAreaId"]), str(fields["CurrencyCode"])
    day = edm.day(books.clock())
    number = books.numbers.draw(company, "invoice", lambda _: False)
    voucher = books.numbers.draw(company, "voucher", lambda _: False)
    line_taxes = taxes(books, company, [line.taxed for line in lines], included=included, currency=currency, day=day)
    tax = sum(line_taxes, Decimal(0))
    net = sum((line.taxed.amount for line in lines), Decimal(0))
    total = net if included else net + tax
    document: dict[str, Value] = {
        "dataAreaId": company,
        "InvoiceNumber": number,
        "InvoiceDate": day,
        "LedgerVoucher": voucher,
    }
    discounts = []
    for line, line_tax in zip(lines, line_taxes, strict=True):
        discounts.append(round_amount(line.quantity * line.price, currency) - line.taxed.amount)
        _add(
            books,
            LINES,
            {
                **line.fields,
                **document,
                "CurrencyCode": currency,
                "InvoicedQuantity": line.quantity,
                "SalesPrice": line.price,
                "LineAmount": line.taxed.amount,
                "LineTotalTaxAmount": line_tax,
                "LineTotalDiscountAmount": discounts[-1],
            },
        )
    _add(
        books,
        HEADERS,
        {
            **fields,
            **document,
            "InvoiceCustomerAccountNumber": buyer.invoice_account,
            "PaymentTermsName": buyer.payment_terms,
            "TotalInvoiceAmount": total,
            "TotalTaxAmount": tax,
            "TotalLineDiscount": sum(discounts, Decimal(0)),
        },
    )
    enter(
        books,
        total,
        {
            "dataAreaId": company,
            "AccountNum": buyer.invoice_account,
            "OrderAccount": buyer.order_account,
            "CurrencyCode": currency,
            "TransType": "Sales",
            "TransDate": day,
            "DueDate": due_date(books, company, buyer.payment_terms, day),
            "Invoice": number,
            "Voucher": voucher,
            "PaymTermId": buyer.payment_terms,
            "PaymMode": buyer.payment_method,
            "PostingProfile": "GEN",
        },
    )
    return number


def invoice_order(books: Books, order: Row, parts: Sequence[tuple[Row, Decimal, Decimal]]) -> str:
    """`parts`: each line with the quantity that was invoiced before, and that is after this invoice."""
    header = order.values
    lines = [_part(line.values, before, after) for line, before, after in parts]
    buyer = Buyer(
        order_account=header["OrderingCustomerAccountNumber"],
        invoice_account=header["InvoiceCustomerAccountNumber"],
        payment_terms=header["PaymentTermsName"],
        payment_method=header["CustomerPaymentMethodName"],
    )
    fields = {name: header[name] for name in _FROM_ORDER}
    return post_invoice(books, fields, lines, buyer=buyer, included=header["ArePricesIncludingSalesTax"] == "Yes")


def _part(line: Values, before: Decimal, after: Decimal) -> InvoicedLine:
    ordered, currency = edm.number(line, "OrderedSalesQuantity"), str(line["CurrencyCode"])

    def amount_of(quantity: Decimal) -> Decimal:
        """Of the line's amount, so that all parts sum to it."""
        return round_amount(edm.number(line, "LineAmount") * quantity / ordered, currency)

    return InvoicedLine(
        quantity=after - before,
        price=edm.number(line, "SalesPrice") / edm.number(line, "SalesPriceQuantity"),
        taxed=Taxed(amount_of(after) - amount_of(before), line["SalesTaxGroupCode"], line["SalesTaxItemGroupCode"]),
        fields={
            **{name: line[name] for name in DIMENSIONS},
            "LineCreationSequenceNumber": line["LineCreationSequenceNumber"],
            "ProductNumber": line["ItemNumber"],
            "ProductName": line["LineDescription"],
            "SalesUnitSymbol": line["SalesUnitSymbol"],
            "InventorySiteId": line["ShippingSiteId"],
            "InventoryWarehouseId": line["ShippingWarehouseId"],
        },
    )


def _add(books: Books, set_name: str, values: Mapping[str, Value]) -> None:
    books.add(books.schema.sets[set_name], {**books.blank(set_name), **values})
