"""F&O's OData service: one operation in, one answer out, whether it came alone or in a batch."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import unquote

from local.d365 import edm, render
from local.d365.books import Books, folded
from local.d365.csdl import EntitySet
from local.d365.edm import Value, Values
from local.d365.entities import Entity
from local.d365.errors import (
    ODataError,
    invalid_body,
    invalid_query,
    no_route,
    not_simulated,
    passing,
    read_failed,
    unknown_property,
    write_refused,
)
from local.d365.filters import values_of
from local.d365.names import names_of
from local.d365.paths import Resource, parse_resource
from local.d365.query import Query, filtered, parse_query
from local.d365.simulator import Simulator
from local.d365.tables import Row
from local.d365.views import ON_HAND, on_hand

_JSON = "application/json; odata.metadata=minimal"
_INDEXED = {"CustomerPaymentJournalLines": "JournalBatchNumber"}
"""Fields without which a search reads all of a large table."""
_METADATA_LEVEL = re.compile(r"odata\.metadata=(?!minimal\b)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Operation:
    """`target` is what follows `/data/`, path and query, percent-encoded as it was sent. Header names in lower case."""

    method: str
    target: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: str = ""


class DataService:
    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self._read = _ReadBefore()

    def execute(self, operation: Operation) -> Answer:
        """Never raises for the caller's mistakes: they are answers too. A refused write has changed nothing."""
        try:
            with self._simulator.books.journal.change_set():
                return self._execute(operation)
        except ODataError as error:
            return refusal(error)

    def document(self) -> Answer:
        """The service document: which sets there are."""
        simulator = self._simulator
        base_url, lacks = simulator.base_url, simulator.books.tenant.lacks
        names = [name for name in simulator.schema.sets if name not in lacks]
        listed = [{"name": name, "kind": "EntitySet", "url": name} for name in names]
        body = {"@odata.context": f"{base_url}/data/$metadata", "value": listed}
        return Answer(200, {"Content-Type": _JSON}, edm.dumps(body))

    def _execute(self, operation: Operation) -> Answer:
        if _METADATA_LEVEL.search(operation.headers.get("accept", "")):
            raise not_simulated("control information other than odata.metadata=minimal")
        path, _, raw_query = operation.target.partition("?")
        simulator = self._simulator
        resource = parse_resource(path, simulator.schema, f"{simulator.base_url}/data/{path}")
        entity_set, tenant = resource.entity_set, simulator.books.tenant
        if entity_set.name in tenant.lacks:
            raise no_route(f"{simulator.base_url}/data/{path}")
        if operation.method != "GET":
            self._refuse_on_request(operation.method, entity_set)
        unfilterable = tenant.refuses_filter.get(entity_set.name, frozenset())
        query = parse_query(raw_query, entity_set, simulator.schema, unfilterable)
        entity = simulator.entities[entity_set.name]
        match operation.method, resource.key:
            case "GET", None:
                return self._list(resource, entity, query)
            case "GET", _:
                return self._get(resource, entity, query)
            case "POST", None if not resource.count_only:
                return self._post(entity_set, entity, operation)
            case ("PATCH" | "PUT" | "DELETE") as method, key if key is not None:
                row = self._find(resource, entity, query)
                if row is None:
                    raise write_refused(404, "No resources were found when selecting for update.")
                expected = operation.headers.get("if-match", "*")
                if expected not in ("*", render.etag(row, entity_set)):
                    raise ODataError(412, None)
                if method == "DELETE":
                    entity.delete(row)
                else:
                    entity.update(row, self._given(entity_set, operation))
                return Answer(204, {})
        raise ODataError(405, {"Message": f"The requested resource does not support http method '{operation.method}'."})

    def _refuse_on_request(self, method: str, entity_set: EntitySet) -> None:
        fault = self._simulator.faults.take_refusal(method, entity_set.name)
        if fault is None:
            return
        if fault.kind == "changed":
            raise ODataError(412, None)
        names = names_of(entity_set)
        raise passing(fault.kind, names.entity, names.table_title)

    def _overridden(self, method: str, entity_set: EntitySet) -> dict[str, Value]:
        """The field that a test has F&O override, and its value."""
        fault = self._simulator.faults.take_override(method, entity_set.name)
        if fault is None:
            return {}
        return {fault.field: edm.read(entity_set.properties[fault.field], fault.value)}

    def _visible(self, entity_set: EntitySet, rows: Iterable[Row], query: Query) -> Iterable[Row]:
        """Without cross-company=true F&O shows the user's own company only, and does not say so."""
        if query.cross_company or not entity_set.by_company:
            return rows
        home = self._simulator.options.default_company
        return (row for row in rows if row.values["dataAreaId"] == home)

    def _find(self, resource: Resource, entity: Entity, query: Query) -> Row | None:
        assert resource.key is not None
        row = entity.find(resource.key)
        return next(iter(self._visible(resource.entity_set, [row] if row else [], query)), None)

    def _list(self, resource: Resource, entity: Entity, query: Query) -> Answer:
        entity_set, page_size = resource.entity_set, self._simulator.options.page_size
        indexed = _INDEXED.get(entity_set.name)
        if indexed is not None and not any(indexed in unquote(option) for option in query.plain if "filter" in option):
            self._simulator.scans[entity_set.name] += 1
        fault = self._simulator.faults.take_read(entity_set.name, query.skip // page_size + 1)
        if fault is not None and fault.kind == "failed":
            raise read_failed(entity_set.name)
        found = [] if fault is not None and fault.kind == "empty" else self._found(entity_set, entity, query)
        if resource.count_only:
            return Answer(200, {"Content-Type": "text/plain"}, str(len(found)))
        # A $top of the page size or more is F&O's own paging: it ends a page, not the list.
        wanted = query.top if query.top is not None and query.top < page_size else page_size
        page = found[query.skip : query.skip + wanted]
        body: dict[str, Any] = {
            "@odata.context": render.context(self._simulator.base_url, entity_set, query, single=False),
        }
        if query.count:
            body["@odata.count"] = len(found)
        overridden = self._overridden("GET", entity_set)
        body["value"] = [self._json(row, entity_set, query) | overridden for row in page]
        if wanted == page_size and query.skip + page_size < len(found) and (fault is None or fault.kind != "short"):
            self._read.keep(self._simulator.books, entity_set, query, found)
            options = "&".join((*query.plain, f"$skip={query.skip + page_size}", f"$top={page_size}"))
            body["@odata.nextLink"] = f"{self._simulator.base_url}/data/{entity_set.name}?{options}"
        return Answer(200, {"Content-Type": _JSON}, edm.dumps(body))

    def _found(self, entity_set: EntitySet, entity: Entity, query: Query) -> list[Row]:
        """All rows of the list, of which a page is shown."""
        before = self._read.rows(self._simulator.books, entity_set, query) if query.skip else None
        if before is not None:
            return before
        items = values_of(query.where, "ItemNumber") if entity_set.name == ON_HAND else None
        rows = entity.rows() if items is None else on_hand(self._simulator.books, items)
        return filtered(self._visible(entity_set, rows, query), query)

    def _get(self, resource: Resource, entity: Entity, query: Query) -> Answer:
        if query.where is not None or query.order or query.top is not None or query.skip or query.count:
            raise invalid_query("Query options that shape a list cannot be applied to a single entity.")
        row = self._find(resource, entity, query)
        if row is None:
            raise ODataError(404, None)
        overridden = self._overridden("GET", resource.entity_set)
        return Answer(200, {"Content-Type": _JSON}, self._single(row, resource.entity_set, query, overridden))

    def _post(self, entity_set: EntitySet, entity: Entity, operation: Operation) -> Answer:
        row = entity.insert(self._given(entity_set, operation))
        key = ",".join(f"{name}={_literal(row.values[name])}" for name in entity_set.keys)
        headers = {
            "Content-Type": _JSON,
            "ETag": render.etag(row, entity_set),
            "Location": f"{self._simulator.base_url}/data/{entity_set.name}({key})",
        }
        return Answer(201, headers, self._single(row, entity_set, Query()))

    def _single(self, row: Row, entity_set: EntitySet, query: Query, overridden: Values | None = None) -> str:
        head = {"@odata.context": render.context(self._simulator.base_url, entity_set, query, single=True)}
        return edm.dumps(head | self._json(row, entity_set, query) | dict(overridden or {}))

    def _json(self, row: Row, entity_set: EntitySet, query: Query) -> dict[str, Any]:
        more = render.expanded(row, entity_set, query.expand, self._related, self._simulator.schema.sets.__getitem__)
        return render.entity(row, entity_set, query.select) | dict(more)

    def _related(self, set_name: str, conditions: Values) -> Iterable[Row]:
        wanted = {name: folded((value,)) for name, value in conditions.items()}
        for row in self._simulator.entities[set_name].rows():
            if all(folded((row.values[name],)) == value for name, value in wanted.items()):
                yield row

    def _given(self, entity_set: EntitySet, operation: Operation) -> dict[str, Value]:
        """The body's fields, typed. Control information (`@odata.type`) is read over, as F&O does."""
        if operation.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            raise ODataError(415, {"Message": "The request entity's media type is not supported for this resource."})
        try:
            raw = edm.loads(operation.body)
        except ValueError as error:
            raise invalid_body(f"The request body is not valid JSON: {error}") from error
        if not isinstance(raw, dict):
            raise invalid_body("The request body is not a JSON object.")
        given: dict[str, Value] = {}
        for name, value in raw.items():
            if name.startswith("@odata."):
                continue
            prop = entity_set.properties.get(name)
            if prop is None:
                raise invalid_body(unknown_property(name, entity_set.type_name))
            try:
                given[name] = edm.read(prop, value)
            except edm.TypeMismatchError as error:
                raise invalid_body(f"An error occurred when reading '{name}': {error}.") from error
        return given | self._overridden(operation.method, entity_set)


class _ReadBefore:
    """
    Lists of which a page was shown and the next one may be asked for, as long as nothing has changed. F&O's pages are
    no snapshot, and neither are these; but nobody has to look through all rows again for each page.
    """

    _MOST: Final = 4

    def __init__(self) -> None:
        self._lists: dict[tuple[Any, ...], list[Row]] = {}

    def keep(self, books: Books, entity_set: EntitySet, query: Query, found: list[Row]) -> None:
        key = self._key(books, entity_set, query)
        self._lists.pop(key, None)
        while len(self._lists) >= self._MOST:
            del self._lists[next(iter(self._lists))]
        self._lists[key] = found

    def rows(self, books: Books, entity_set: EntitySet, query: Query) -> list[Row] | None:
        return self._lists.pop(self._key(books, entity_set, query), None)

    def _key(self, books: Books, entity_set: EntitySet, query: Query) -> tuple[Any, ...]:
        return (id(books), books.journal.changes, id(books.tenant), entity_set.name, query.plain)


def refusal(error: ODataError) -> Answer:
    if error.body is None:
        return Answer(error.status, {})
    content_type = _JSON if "error" in error.body else "application/json; charset=utf-8"
    return Answer(error.status, {"Content-Type": content_type}, edm.dumps(error.body))


def _literal(value: Value) -> str:
    return f"'{value.replace("'", "''")}'" if isinstance(value, str) else edm.dumps(value).strip('"')
