r"""
The customer ledger: accounts as journals name them, exchange rates, and the transactions on customers' accounts.

An amount on a customer's account is above zero when the customer owes it (an invoice, a refund) and below zero when it
is owed to the customer (a payment, a credit note).
"""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal

from local.d365 import edm
from local.d365.books import Books, key_of
from local.d365.edm import Value, Values
from local.d365.errors import Infolog
from local.d365.pricing import round_amount
from local.d365.tables import Row

TRANSACTIONS, OPEN = "CustTransactions", "CustTransOpens"
POSTED = frozenset({TRANSACTIONS, OPEN})
"""Sets that only postings write."""
RATE_TYPE = "Default"
PAR = Decimal(100)
"""F&O gives exchange rates for 100 of the foreign currency."""


class PostingError(ValueError):
    """The document cannot be posted; the text gives the reason."""


def segments(display_value: str, delimiter: str) -> list[str]:
    r"""An account's parts as F&O displays it: with "-", `401100-001` has two, `DAT\-000011` is one, `DAT-000011`."""
    parts = re.split(rf"(?<!\\){re.escape(delimiter)}", display_value)
    return [part.replace(f"\\{delimiter}", delimiter) for part in parts]


def check_account(books: Books, values: Values, prefix: str, label: str, log: Infolog) -> None:
    """`prefix` is "" for a line's account, "Offset" for what it is booked against. Empty refers to nothing."""
    kind, company = values[f"{prefix}AccountType"], str(values["dataAreaId"])
    field = f"{prefix}AccountDisplayValue"
    shown = str(values[field])
    if shown == "":
        return
    first, *more = segments(shown, books.world.companies[company].account_delimiter)
    ledger = books.world.money.ledger(company)
    match kind:
        case "Cust":
            known, related = not more and books.find("CustomersV3", company, first) is not None, "Customers"
        case "Bank":
            known, related = not more and _among(first, ledger.bank_accounts), "Bank accounts"
        case "Ledger":
            known, related = _among(first, ledger.main_accounts), "Main accounts"
        case _:
            log.reject_field(f"{prefix}AccountType", f"Account type {kind} cannot be used in this journal.")
            return
    if not known:
        log.reject_unrelated(field, shown, label, related)


def check_main_account(books: Books, values: Values, field: str, log: Infolog) -> None:
    shown, company = str(values[field]), str(values["dataAreaId"])
    known = books.world.money.ledger(company).main_accounts
    if shown and not _among(segments(shown, books.world.companies[company].account_delimiter)[0], known):
        log.reject_unrelated(field, shown, "Main account", "Main accounts")


def check_posting_profile(books: Books, values: Values, log: Infolog) -> None:
    profile = str(values["PostingProfile"])
    known = books.world.money.ledger(str(values["dataAreaId"])).posting_profiles
    if profile and not _among(profile, known):
        log.reject_unrelated("PostingProfile", profile, "Posting profile", "Customer posting profiles")


def _among(name: str, known: Iterable[str]) -> bool:
    return name.casefold() in {each.casefold() for each in known}


def exchange_rate(books: Books, company: str, currency: str, day: datetime) -> Decimal | None:
    """What 100 of the currency are worth in the company's currency on that day, None without a rate."""
    own = books.world.companies[company].currency
    if currency.casefold() == own.casefold():
        return PAR
    found = [
        row
        for row in books.rows("ExchangeRates")
        if (row.values["FromCurrency"], row.values["ToCurrency"]) == (currency, own)
        and edm.moment(row.values, "StartDate") <= day
        and (row.values["EndDate"] == edm.NO_DATE or day <= edm.moment(row.values, "EndDate"))
    ]
    latest = max(found, key=lambda row: edm.moment(row.values, "StartDate"), default=None)
    return None if latest is None else edm.number(latest.values, "Rate")


def enter(books: Books, amount: Decimal, fields: Mapping[str, Value], *, rate: Decimal | None = None) -> Row:
    """
    Books an amount on a customer's account. `fields` are those of CustTransactions: company, account, currency,
    type, day and due day at least. Raises PostingError without an exchange rate.
    """
    company, currency = str(fields["dataAreaId"]), str(fields["CurrencyCode"])
    day = edm.moment(fields, "TransDate")
    rate = rate or exchange_rate(books, company, currency, day)
    if rate is None:
        raise PostingError(f"company {company} has no exchange rate for {currency}")
    own_amount = round_amount(amount * rate / PAR, books.world.companies[company].currency)
    common: dict[str, Value] = {
        "dataAreaId": company,
        "SysDataAreaId": company,
        "AccountNum": fields["AccountNum"],
        "TransDate": day,
        "DueDate": fields["DueDate"],
        "AmountCur": amount,
        "AmountMST": own_amount,
    }
    transaction = _add(
        books,
        TRANSACTIONS,
        {
            **common,
            "OrderAccount": fields["AccountNum"],
            "DocumentDate": day,
            "ExchRate": rate,
            "Approved": "Yes",
            "Settlement": "Yes",
            "Closed": edm.NO_DATE if amount else day,
            **fields,
        },
    )
    if amount:
        _add(books, OPEN, {**common, "RefRecId": transaction.values["SysRecId"]})
    return transaction


def open_amount(transaction: Row) -> Decimal:
    return edm.number(transaction.values, "AmountCur") - edm.number(transaction.values, "SettleAmountCur")


def settle(books: Books, transactions: Iterable[Row]) -> Decimal:
    """
    Sets what is owed off against what was paid, oldest first, within one account and currency. Gives the amount that
    was settled.
    """
    settled = Decimal(0)
    found = sorted(transactions, key=lambda row: (edm.moment(row.values, "TransDate"), row.record_id))
    owed = [row for row in found if open_amount(row) > 0]
    paid = [row for row in found if open_amount(row) < 0]
    left = {row.record_id: open_amount(row) for row in found}
    for debit in owed:
        for credit in paid:
            if _account(debit) != _account(credit):
                continue
            amount = min(left[debit.record_id], -left[credit.record_id])
            left[debit.record_id] -= amount
            left[credit.record_id] += amount
            settled += amount
    for row in found:
        _close(books, row, left[row.record_id])
    return settled


def _account(transaction: Row) -> tuple[Value, Value, Value]:
    """Only what is on one account in one currency can be set off."""
    values = transaction.values
    return values["dataAreaId"], values["AccountNum"], values["CurrencyCode"]


def _close(books: Books, transaction: Row, left: Decimal) -> None:
    """Brings a transaction and its open part to what is left of it."""
    if left == open_amount(transaction):
        return
    values, today = transaction.values, edm.day(books.clock())
    amount = edm.number(values, "AmountCur")
    own_currency = books.world.companies[str(values["dataAreaId"])].currency
    own_left = round_amount(left * edm.number(values, "ExchRate") / PAR, own_currency)
    changes: dict[str, Value] = {
        "SettleAmountCur": amount - left,
        "SettleAmountMST": edm.number(values, "AmountMST") - own_left,
        "LastSettleDate": today,
        "Closed": edm.NO_DATE if left else today,
    }
    books.replace(books.schema.sets[TRANSACTIONS], transaction, {**values, **changes})
    opened = next(row for row in books.rows(OPEN) if row.values["RefRecId"] == values["SysRecId"])
    if left:
        books.replace(books.schema.sets[OPEN], opened, {**opened.values, "AmountCur": left, "AmountMST": own_left})
    else:
        books.rows(OPEN).remove(key_of(books.schema.sets[OPEN], opened.values))


def _add(books: Books, set_name: str, values: Mapping[str, Value]) -> Row:
    record = {**books.blank(set_name), "SysRecId": books.numbers.record_id(), **values}
    return books.add(books.schema.sets[set_name], record)
