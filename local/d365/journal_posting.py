"""What F&O's batch job *Post journals* makes of a customer payment journal."""

from local.d365 import edm
from local.d365.books import Books
from local.d365.dimensions import require_dimensions
from local.d365.edm import Value, Values
from local.d365.journals import JOURNALS, journal_lines, open_invoice
from local.d365.ledger import PostingError, enter, segments, settle
from local.d365.tables import Row


def post_journal(books: Books, journal: Row) -> list[Row]:
    """
    Every line becomes a transaction on its customer's account, and settles the invoice it is marked for. Gives the
    transactions. Raises PostingError, and then nothing has happened.
    """
    number, lines = journal.values["JournalBatchNumber"], journal_lines(books, journal.values)
    if journal.values["IsPosted"] == "Yes":
        raise PostingError(f"journal {number} is posted already")
    if not lines:
        raise PostingError(f"journal {number} has no lines")
    for line in lines:
        if line.values["OffsetAccountDisplayValue"] == "":
            raise PostingError(f"voucher {line.values['Voucher']} does not balance: it has no offset account")
    shown = [str(line.values["DefaultDimensionsForAccountDisplayValue"]) for line in lines]
    require_dimensions(books, str(journal.values["dataAreaId"]), shown)
    with books.journal.change_set():
        posted = [_post(books, line.values) for line in lines if line.values["AccountType"] == "Cust"]
        books.replace(books.schema.sets[JOURNALS], journal, {**journal.values, "IsPosted": "Yes"})
    return posted


def _post(books: Books, line: Values) -> Row:
    company, (account,) = (
        line["dataAreaId"],
        segments(str(line["AccountDisplayValue"]), books.world.companies[str(line["dataAreaId"])].account_delimiter),
    )
    customer = books.find("CustomersV3", company, account)
    if customer is None:
        raise PostingError(f"company {company} has no customer {account}")
    fields: dict[str, Value] = {
        "dataAreaId": company,
        "AccountNum": customer.values["CustomerAccount"],
        "CurrencyCode": line["CurrencyCode"],
        "TransType": "Payment",
        "TransDate": line["TransactionDate"],
        "DueDate": line["TransactionDate"],
        "Voucher": line["Voucher"],
        "Txt": line["TransactionText"],
        "PaymReference": line["PaymentReference"],
        "PaymId": line["PaymentId"],
        "PaymMode": line["PaymentMethodName"],
        "PaymSpec": line["PaymentSpecification"],
        "PostingProfile": line["PostingProfile"],
        "Prepayment": line["IsPrepayment"],
    }
    amount = edm.number(line, "DebitAmount") - edm.number(line, "CreditAmount")
    transaction = enter(books, amount, fields, rate=edm.number(line, "ExchangeRate"))
    if line["MarkedInvoice"]:
        invoice = open_invoice(books, customer.values, line["MarkedInvoice"])
        if invoice is None:
            raise PostingError(f"the marked invoice {line['MarkedInvoice']} is not open")
        settle(books, (invoice, transaction))
    return transaction
