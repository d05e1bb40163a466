"""The numbers of sales orders and return orders: for F&O these are one table, so that no number stands for two."""

from local.d365.books import Books
from local.d365.edm import Value, Values
from local.d365.errors import Infolog

_NUMBERS = {"SalesOrderHeadersV4": "SalesOrderNumber", "ReturnOrderHeadersV2": "ReturnOrderNumber"}
_GROUP = "NumberSequenceGroupId"


def order_number(books: Books, set_name: str, given: Values, log: Infolog) -> str:
    """
    The number that a new record of the set gets, by the company's sequence, or by that of the number sequence group
    that the record names. The set itself refuses a number that another of its records has.
    """
    company, field = str(given["dataAreaId"]), _NUMBERS[set_name]
    group = str(given.get(_GROUP, ""))
    if group and group not in books.world.companies[company].number_sequence_groups:
        log.reject_unrelated(_GROUP, group, "Number sequence group", "Number sequence group")
    number = books.numbers.assign(
        company,
        "sales order",
        str(given.get(field, "")),
        lambda number: bool(_sets_with(books, company, number)),
        field=field,
        group=group,
        log=log,
    )
    if number and _sets_with(books, company, number) - {set_name}:
        log.note(f"Cannot create a record in Sales orders (SalesTable). Sales order: {number}.")
        log.note("The record already exists.")
    return number


def _sets_with(books: Books, company: str, number: Value) -> set[str]:
    return {set_name for set_name in _NUMBERS if books.find(set_name, company, number) is not None}
