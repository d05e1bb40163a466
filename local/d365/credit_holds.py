"""Credit management: it takes an order into control, and lets it go or rejects it."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from local.d365 import edm
from local.d365.books import Books, key_of
from local.d365.edm import Value
from local.d365.ledger import PostingError
from local.d365.sales_tables import HEADERS, lines_of, order_key
from local.d365.tables import Row

HOLDS = "CredManTableBiEntities"
POSTED = frozenset({HOLDS})
"""Sets that only postings write."""
_REASON: Final = "CreditExceeded"
_DOCUMENT: Final = "PackingSlip"


def latest_hold(books: Books, order: Row) -> Row | None:
    key = books.credit_holds.get(order_key(order))
    return None if key is None else books.rows(HOLDS).get(key)


def is_in_credit_control(books: Books, order: Row) -> bool:
    hold = latest_hold(books, order)
    return hold is not None and hold.values["Active"] == "Yes"


def hold_for_credit(books: Books, order: Row, reason: str = _REASON, document: str = _DOCUMENT) -> str:
    """Gives the number of the hold. `document` is the posting that ran into it. Raises PostingError."""
    header, number = order.values, order.values["SalesOrderNumber"]
    if is_in_credit_control(books, order):
        raise PostingError(f"sales order {number} is held by credit management already")
    entity_set = books.schema.sets[HOLDS]
    for name, member in (("CredManReason", reason), ("DocumentStatus", document)):
        enum = entity_set.properties[name].enum
        if enum is None or member not in enum.members:
            raise PostingError(f"{member} is no {name}")
    company = str(header["dataAreaId"])
    lines = (edm.number(line.values, "LineAmount") for line in lines_of(books, order))
    values: dict[str, Value] = {
        "CredManId": books.numbers.draw(company, "credit management", lambda _: False),
        "Company": company,
        "SalesId": number,
        "CustAccount": header["InvoiceCustomerAccountNumber"],
        "Active": "Yes",
        "CredManReason": reason,
        "DocumentStatus": document,
        "PaymentTerm": header["PaymentTermsName"],
        "SalesPoolId": header["SalesOrderPoolId"],
        "SalesTotal": sum(lines, Decimal(0)),
        "SalesCreatedDateTime": order.created.replace(microsecond=0),
        "SysModifiedDateTime": books.clock().replace(microsecond=0),
        "SourceKey": books.numbers.record_id(),
    }
    with books.journal.change_set():
        hold = books.add(entity_set, {**books.blank(HOLDS), **values})
        books.credit_holds.put(order_key(order), key_of(entity_set, hold.values))
        _stamp(books, order)
    return str(values["CredManId"])


def release_from_credit(books: Books, order: Row) -> None:
    now = books.clock().replace(microsecond=0)
    _change(books, order, {"Active": "No", "Rejected": "No", "ReleasedBy": "Admin", "ReleasedDateTime": now})


def reject_credit(books: Books, order: Row) -> None:
    """The order stays where it is, until it is released after all or given up."""
    _change(books, order, {"Rejected": "Yes"})


def _change(books: Books, order: Row, changes: Mapping[str, Value]) -> None:
    hold = latest_hold(books, order)
    if hold is None or hold.values["Active"] == "No":
        raise PostingError(f"sales order {order.values['SalesOrderNumber']} is not held by credit management")
    stamp = {"SysModifiedDateTime": books.clock().replace(microsecond=0)}
    with books.journal.change_set():
        books.replace(books.schema.sets[HOLDS], hold, {**hold.values, **changes, **stamp})
        _stamp(books, order)


def _stamp(books: Books, order: Row) -> None:
    """The order itself holds the state, and is stamped as changed."""
    books.replace(books.schema.sets[HEADERS], order, order.values)
