"""Records of the catalogue's tables: typed by the schema, and consistent with each other."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from local.d365 import edm
from local.d365 import product_sets as sets
from local.d365.books import Books, key_of
from local.d365.csdl import EntitySet
from local.d365.edm import Value
from local.d365.tables import Row, SparseValues

_OF_PRODUCT: Final = ("ProductNumber", "ProductMasterNumber")
_MOMENT_IN_KEY: Final = "AttachedDateTime"


_CREATED_ELSEWHERE: Final = frozenset({sets.PRODUCTS, sets.VARIANTS, sets.RELEASED_PRODUCTS, sets.RELEASED_VARIANTS})
"""Their records can be changed here, and are created by what makes and releases products."""
_WRITABLE: Final = (sets.STORED | {sets.RELEASED_PRODUCTS}) - {sets.PRICES, sets.DISCOUNTS}
"""Trade agreements come from journals, which number them."""


type Show = Callable[[Books, Row], Row]
"""What a set shows of a record of its table."""


class CatalogueError(ValueError):
    """F&O's form would refuse this; nothing has changed."""


def put(books: Books, set_name: str, values: Mapping[str, Value]) -> None:
    """A new record, or a record in place of one that has its key. A set that the tenant's schema lacks has none."""
    entity_set = books.schema.sets.get(set_name)
    if entity_set is None:
        return
    row = books.rows(set_name).get(key_of(entity_set, values))
    if row is None:
        books.add(entity_set, books.record(set_name, values))
    else:
        books.replace(entity_set, row, changed(books, set_name, row, values))


def write_record(books: Books, set_name: str, raw: Mapping[str, Any]) -> Row:
    """
    Writes what a person types into a form: a new record, or the given fields of the one that has this key. Raises
    CatalogueError for an unknown field, a value of another type, or a product, item or key that does not exist.
    """
    entity_set = _writable(books, set_name)
    values = typed(entity_set, raw)
    if _MOMENT_IN_KEY in entity_set.keys and _MOMENT_IN_KEY not in values:
        values[_MOMENT_IN_KEY] = _free_moment(books, entity_set, values)
    missing = [name for name in entity_set.keys if name not in values and not _may_be_empty(name)]
    if missing:
        raise CatalogueError(f"{set_name} needs {', '.join(missing)}")
    values = {**dict.fromkeys(entity_set.keys, ""), **values}
    _check_products(books, set_name, values)
    row = books.rows(set_name).get(key_of(entity_set, values))
    if row is None and set_name in _CREATED_ELSEWHERE:
        raise CatalogueError(f"{set_name} has no such record; products are created and released, not written")
    if row is None:
        return books.add(entity_set, books.record(set_name, values))
    return books.replace(entity_set, row, changed(books, set_name, row, values))


def remove_record(books: Books, set_name: str, raw: Mapping[str, Any]) -> None:
    """Raises CatalogueError when there is no such record."""
    entity_set = _writable(books, set_name)
    if set_name in _CREATED_ELSEWHERE:
        raise CatalogueError(f"records of {set_name} cannot be deleted")
    key = key_of(entity_set, {**dict.fromkeys(entity_set.keys, ""), **typed(entity_set, raw)})
    if key not in books.rows(set_name):
        raise CatalogueError(f"{set_name} has no record {key}")
    books.rows(set_name).remove(key)


def typed(entity_set: EntitySet, raw: Mapping[str, Any]) -> dict[str, Value]:
    """JSON as the set's fields hold it. Raises CatalogueError."""
    values = {}
    for name, value in raw.items():
        prop = entity_set.properties.get(name)
        if prop is None:
            raise CatalogueError(f"{entity_set.name} has no field {name}")
        try:
            values[name] = edm.read(prop, Decimal(str(value)) if isinstance(value, float) else value)
        except edm.TypeMismatchError as error:
            raise CatalogueError(str(error)) from error
    if "dataAreaId" in values:
        values["dataAreaId"] = str(values["dataAreaId"]).lower()
    return values


def typed_fields(books: Books, set_name: str, raw: Mapping[str, Any]) -> dict[str, Value]:
    """The same for a set by its name; of one that the tenant's schema lacks, nothing."""
    entity_set = books.schema.sets.get(set_name)
    return {} if entity_set is None else typed(entity_set, raw)


def changed(books: Books, set_name: str, row: Row, values: Mapping[str, Value]) -> SparseValues:
    if isinstance(row.values, SparseValues):
        return row.values.changed(values)
    return books.record(set_name, {**row.values, **values})


def _writable(books: Books, set_name: str) -> EntitySet:
    entity_set = books.schema.sets.get(set_name)
    if entity_set is None or set_name not in _WRITABLE:
        raise CatalogueError(f"{set_name} is no table of the catalogue")
    return entity_set


def _may_be_empty(key: str) -> bool:
    """Of a key, dimensions, sites and barcode setups may be empty text."""
    return key in sets.DIMENSION_TABLES or key in ("OperationalSiteId", "BarcodeSetupId", "AttachmentDescription")


def _free_moment(books: Books, entity_set: EntitySet, values: Mapping[str, Value]) -> datetime:
    """Now; two attachments of one second would have one key, so the later one is a second later."""
    moment = books.clock().replace(microsecond=0)
    rows, key = books.rows(entity_set.name), {**dict.fromkeys(entity_set.keys, ""), **values}
    while key_of(entity_set, {**key, _MOMENT_IN_KEY: moment}) in rows:
        moment += timedelta(seconds=1)
    return moment


def _check_products(books: Books, set_name: str, values: Mapping[str, Value]) -> None:
    number = next((str(values[name]) for name in _OF_PRODUCT if name in values), "")
    if number and not is_product(books, number):
        raise CatalogueError(f"there is no product {number}")
    company = str(values.get("dataAreaId", ""))
    if company and company not in books.world.companies:
        raise CatalogueError(f"there is no company {company}")
    item = values.get("ItemNumber", "")
    if item and books.find(sets.RELEASED_PRODUCTS, company, item) is None:
        raise CatalogueError(f"company {company} has no item {item}")
    if set_name == sets.PRODUCTS and {"ProductName", "ProductDescription"} & values.keys():
        raise CatalogueError(f"names and descriptions are in {sets.TEXTS}")


def is_product(books: Books, number: str) -> bool:
    """Whether it is a product, or a variant of one."""
    return number.casefold() in books.variant_masters or books.find(sets.PRODUCTS, number) is not None


def text_of(books: Books, product: str) -> tuple[Value, Value]:
    """Name and description in the system's language; a variant without a text of its own has its master's."""
    rows = books.rows(sets.TEXTS)
    language = sets.SYSTEM_LANGUAGE.casefold()
    row = rows.get((product.casefold(), language))
    if row is None:
        row = rows.get((books.variant_masters.get(product.casefold(), ""), language))
    return ("", "") if row is None else (row.values["ProductName"], row.values["Description"])
