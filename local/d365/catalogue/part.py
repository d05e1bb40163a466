"""What all parts of the catalogue do with F&O's tables."""

from collections.abc import Mapping

from local.d365 import product_sets as sets
from local.d365.books import Books
from local.d365.catalogue.records import CatalogueError, put
from local.d365.edm import Value
from local.d365.tables import Row


class Part:
    """Raises CatalogueError, and then nothing has happened."""

    def __init__(self, books: Books) -> None:
        self._books = books

    def _product(self, number: str) -> Row:
        row = self._books.find(sets.PRODUCTS, number)
        if row is None:
            raise CatalogueError(f"there is no product {number}")
        return row

    def _released(self, company: str, item: str) -> Row:
        row = self._books.find(sets.RELEASED_PRODUCTS, company, item)
        if row is None:
            raise CatalogueError(f"company {company} has no item {item}")
        return row

    def _change(self, set_name: str, row: Row, changes: Mapping[str, Value]) -> None:
        put(
            self._books,
            set_name,
            {**{name: row.values[name] for name in self._books.schema.sets[set_name].keys}, **changes},
        )

    def _put(self, set_name: str, values: Mapping[str, Value]) -> None:
        put(self._books, set_name, values)
