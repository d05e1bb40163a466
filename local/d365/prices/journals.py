"""Posting trade agreement journals: new agreements, and the end of old ones."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from local.d365.books import Books, folded
from local.d365.catalogue.records import CatalogueError, typed
from local.d365.edm import Value, Values
from local.d365.product_sets import DISCOUNTS, PRICES, RELEASED_PRODUCTS
from local.d365.tables import RowKey
from local.d365.world import UNIT

_NEEDED: Final = {PRICES: ("ItemNumber", "Price"), DISCOUNTS: ()}
_TO_DATE: Final = {PRICES: "PriceApplicableToDate", DISCOUNTS: "DiscountApplicableToDate"}
_CUSTOMERS: Final = (
    ("CustomerAccountNumber", "PriceCustomerGroupCode"),
    ("CustomerAccountNumber", "LineDiscountCustomerGroupCode"),
)


def post_prices(books: Books, company: str, lines: Iterable[Mapping[str, Any]]) -> list[int]:
    """
    Agreements by the field names of SalesPriceAgreements, and their record ids, which grow. What is left out is as in a
    new line: the company's currency, the item's sales unit, price unit 1, open days and quantities, *Find next* Yes.
    Raises CatalogueError. No price is refused for its amount: a journal wrong by a factor is a journal.
    """
    return _post(books, company, PRICES, lines)


def post_discounts(books: Books, company: str, lines: Iterable[Mapping[str, Any]]) -> list[int]:
    """The same for SalesLineDiscountAgreements; without an item and a group of items, for all items."""
    return _post(books, company, DISCOUNTS, lines)


def end_agreements(books: Books, company: str, record_ids: Iterable[int], day: datetime | None) -> None:
    """Agreements whose last day is `day`, or that are deleted without one. Raises CatalogueError."""
    with books.journal.change_set():
        for record_id in record_ids:
            set_name = next((each for each in (PRICES, DISCOUNTS) if books.find(each, company, record_id)), None)
            if set_name is None:
                raise CatalogueError(f"company {company} has no agreement {record_id}")
            row = books.find(set_name, company, record_id)
            assert row is not None
            if day is not None:
                changed = {**row.values, _TO_DATE[set_name]: day}
                books.replace(books.schema.sets[set_name], row, books.record(set_name, changed))
                continue
            books.rows(set_name).remove(folded((company, record_id)))


def prices_of_item(books: Books, company: str, item: str) -> Iterator[Values]:
    """All of the item, as they were posted."""
    return _indexed(books, PRICES, folded((PRICES, company, item)))


def discounts(books: Books, company: str) -> Iterator[Values]:
    """All of the company, as they were posted."""
    return _indexed(books, DISCOUNTS, folded((DISCOUNTS, company)))


def _indexed(books: Books, set_name: str, index: RowKey) -> Iterator[Values]:
    if set_name not in books.schema.sets:
        return
    rows = books.rows(set_name)
    for key in books.agreements.get(index) or ():
        row = rows.get(key)
        if row is not None:  # not deleted since
            yield row.values


def _post(books: Books, company: str, set_name: str, lines: Iterable[Mapping[str, Any]]) -> list[int]:
    if company not in books.world.companies:
        raise CatalogueError(f"there is no company {company}")
    entity_set = books.schema.sets[set_name]
    posted = []
    with books.journal.change_set():
        for raw in lines:
            given = typed(entity_set, raw)
            _check(books, company, set_name, given)
            record_id = books.numbers.record_id()
            values: dict[str, Value] = {
                "dataAreaId": company,
                "RecordId": record_id,
                "WillSearchContinue": "Yes",
                **_of_new(books, company, set_name, given),
                **given,
            }
            row = books.add(entity_set, books.record(set_name, values))
            index = _index_key(set_name, row.values)
            books.agreements.put(index, (*(books.agreements.get(index) or ()), folded((company, record_id))))
            posted.append(record_id)
    return posted


def _of_new(books: Books, company: str, set_name: str, given: Values) -> dict[str, Value]:
    currency = books.world.companies[company].currency
    item = books.find(RELEASED_PRODUCTS, company, given.get("ItemNumber", ""))
    own: dict[str, Value] = {} if item is None else {"ProductNumber": item.values["ProductNumber"]}
    unit = UNIT if item is None else item.values["SalesUnitSymbol"]
    if set_name == DISCOUNTS:
        return own | {"DiscountCurrencyCode": currency, "QuantityUnitSymbol": "" if item is None else unit}
    return own | {"PriceCurrencyCode": currency, "QuantityUnitySymbol": unit, "SalesPriceQuantity": Decimal(1)}


def _check(books: Books, company: str, set_name: str, given: Values) -> None:
    missing = [name for name in _NEEDED[set_name] if name not in given]
    if missing:
        raise CatalogueError(f"{set_name} needs {', '.join(missing)}")
    if {"RecordId", "dataAreaId"} & given.keys():
        raise CatalogueError("the company is the journal's, and F&O numbers the agreements")
    item = given.get("ItemNumber", "")
    if item and books.find(RELEASED_PRODUCTS, company, item) is None:
        raise CatalogueError(f"company {company} has no item {item}")
    for account, group in _CUSTOMERS:
        if given.get(account) and given.get(group):
            raise CatalogueError("an agreement is for a customer or for a group")


def _index_key(set_name: str, values: Values) -> RowKey:
    company = values["dataAreaId"]
    return folded((PRICES, company, values["ItemNumber"]) if set_name == PRICES else (DISCOUNTS, company))
