"""What every entity set can do, and the rules that hold for all of them."""

from collections.abc import Callable, Iterable
from typing import ClassVar, Protocol

from local.d365.books import Books, folded, key_of
from local.d365.csdl import EntitySet
from local.d365.dimensions import check_dimensions
from local.d365.edm import Value, Values
from local.d365.errors import Infolog, invalid_body, write_refused
from local.d365.lengths import check_lengths
from local.d365.names import names_of
from local.d365.tables import Row, RowKey


class Entity(Protocol):
    """One entity set's behaviour. `given` holds typed values of known fields; writes raise ODataError."""

    def rows(self) -> Iterable[Row]: ...

    def find(self, key: RowKey) -> Row | None: ...

    def insert(self, given: Values) -> Row: ...

    def update(self, row: Row, given: Values) -> Row: ...

    def delete(self, row: Row) -> None: ...


class View:
    """A set that F&O computes, or that only its own postings write: readable, never writable."""

    def __init__(self, entity_set: EntitySet, compute: Callable[[], Iterable[Row]]) -> None:
        self._set = entity_set
        self._compute = compute

    def rows(self) -> Iterable[Row]:
        return self._compute()

    def find(self, key: RowKey) -> Row | None:
        wanted = folded(key)
        return next((row for row in self._compute() if key_of(self._set, row.values) == wanted), None)

    def insert(self, given: Values) -> Row:
        del given
        raise self._refusal()

    def update(self, row: Row, given: Values) -> Row:
        del row, given
        raise self._refusal()

    def delete(self, row: Row) -> None:
        del row
        raise self._refusal()

    def _refusal(self) -> Exception:
        return write_refused(400, f"Entity '{self._set.name}' is read only.")


class Record:
    """
    A set over a table of its own: typed, with unique keys, in a company that exists. Sets with rules of their own
    extend `checked_insert` and `checked_update`; both get the whole record and write complaints into the log.
    """

    read_only: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, books: Books, entity_set: EntitySet, default_company: str) -> None:
        self.books = books
        self.entity_set = entity_set
        self.names = names_of(entity_set)
        self._default_company = default_company

    def infolog(self) -> Infolog:
        """An empty message log for one write to this set."""
        return Infolog(self.names.entity, self.names.table)

    def rows(self) -> Iterable[Row]:
        return self.books.rows(self.entity_set.name)

    def find(self, key: RowKey) -> Row | None:
        return self.books.rows(self.entity_set.name).get(folded(key))

    def insert(self, given: Values) -> Row:
        log = self.infolog()
        if self.entity_set.by_company:
            company = str(given.get("dataAreaId") or self._default_company).lower()
            given = {**given, "dataAreaId": company}
            if company not in self.books.world.companies:
                log.reject_unrelated("dataAreaId", company, "Company", "Legal entities")
                log.raise_if_any()
        self._refuse_read_only(given, log)
        check_lengths(given, log)
        log.raise_if_any()
        values = self.checked_insert(given, log)
        check_dimensions(self.books, values, log)
        log.raise_if_any()
        self._refuse_duplicate(values, log)
        return self.books.add(self.entity_set, values)

    def update(self, row: Row, given: Values) -> Row:
        log = self.infolog()
        for name in self.entity_set.keys:
            if name in given and folded((given[name],)) != folded((row.values[name],)):
                raise invalid_body(f"The key field '{name}' cannot be changed.")
        changes = {name: value for name, value in given.items() if name not in self.entity_set.keys}
        self._refuse_read_only(changes, log)
        check_lengths(changes, log)
        log.raise_if_any()
        values = self.checked_update(row, changes, log)
        check_dimensions(self.books, values, log)
        log.raise_if_any()
        return self.books.replace(self.entity_set, row, values)

    def delete(self, row: Row) -> None:
        self.books.rows(self.entity_set.name).remove(key_of(self.entity_set, row.values))

    def checked_insert(self, given: Values, log: Infolog) -> dict[str, Value]:
        """The whole new record. Complaints go into `log`, which then stops the write."""
        for name in self.entity_set.keys:
            if given.get(name, "") == "":
                log.reject_field(name, f"Field '{name}' must be filled in.")
        return {**self.books.blank(self.entity_set.name), **given}

    def checked_update(self, row: Row, changes: Values, log: Infolog) -> dict[str, Value]:
        """The whole record as it will be."""
        del log
        return {**row.values, **changes}

    def _refuse_read_only(self, given: Values, log: Infolog) -> None:
        for name in sorted(self.read_only & given.keys()):
            log.reject_field(name, f"Field '{name}' does not allow editing.")

    def _refuse_duplicate(self, values: Values, log: Infolog) -> None:
        key = key_of(self.entity_set, values)
        if key in self.books.rows(self.entity_set.name):
            log.note(f"Cannot create a record in {self.names.record(values)}.\nThe record already exists.")
            log.raise_if_any()
