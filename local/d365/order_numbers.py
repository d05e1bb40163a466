"""The numbers of sales orders and return orders: for F&O these are one table, so that no number stands for two."""

from local.d365.books import Books
from local.d365.edm import Value, Values
from local.d365.errors import Infolog

_NUMBERS = {"SalesOrderHeadersV4": "SalesOrderNumber", "ReturnOrderHeadersV2": "ReturnOrderNumber"}


def order_number(books: Books, set_name: str, given: Values, log: Infolog) -> str:
    """
    The number that a new record of the set gets: the caller's, where the sequence allows manual numbers, or else the
    next free one. The set itself refuses a number that another of its records has.
    """
    company, field = str(given["dataAreaId"]), _NUMBERS[set_name]
    chosen = str(given.get(field, ""))
    if not chosen:
        return books.numbers.draw(company, "sales order", lambda number: bool(_sets_with(books, company, number)))
    if not books.numbers.is_manual(company, "sales order"):
        log.reject_field(field, "The number sequence for sales orders does not allow manual numbers.")
    elif _sets_with(books, company, chosen) - {set_name}:
        log.note(f"Cannot create a record in Sales orders (SalesTable). Sales order: {chosen}.")
        log.note("The record already exists.")
    return chosen


def _sets_with(books: Books, company: str, number: Value) -> set[str]:
    return {set_name for set_name in _NUMBERS if books.find(set_name, company, number) is not None}
