"""Rows as OData JSON."""

import base64
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from local.d365.csdl import EntitySet
from local.d365.edm import Values
from local.d365.names import names_of
from local.d365.query import Expansion, Query
from local.d365.tables import Row


def etag(row: Row, entity_set: EntitySet) -> str:
    """F&O's weak tag: base64 of `'version,record id'` for each table that the entity joins, the joined ones as 0,0."""
    pairs = [f"{row.version},{row.record_id}", *["0,0"] * (names_of(entity_set).data_sources - 1)]
    text = f"'{';'.join(pairs)}'"
    return f'W/"{base64.b64encode(text.encode()).decode()}"'


def entity(row: Row, entity_set: EntitySet, select: Sequence[str]) -> dict[str, Any]:
    """The row's fields, all of the set's or those selected, behind its tag."""
    names = select or tuple(entity_set.properties)
    return {"@odata.etag": etag(row, entity_set), **{name: row.values[name] for name in names}}


def context(base_url: str, entity_set: EntitySet, query: Query, *, single: bool) -> str:
    """The answer's context address; a selection names its fields in it."""
    parts = [*query.select, *(_expanded(expansion) for expansion in query.expand)] if query.select else []
    fields = f"({','.join(parts)})" if parts else ""
    return f"{base_url}/data/$metadata#{entity_set.name}{fields}{'/$entity' if single else ''}"


def _expanded(expansion: Expansion) -> str:
    return f"{expansion.navigation}({','.join(expansion.select)})"


def expanded(
    row: Row,
    entity_set: EntitySet,
    expansions: Iterable[Expansion],
    related: Callable[[str, Values], Iterable[Row]],
    sets: Callable[[str], EntitySet],
) -> Iterator[tuple[str, Any]]:
    """The expanded navigations of a row. `related(set, conditions)` finds rows whose fields have these values."""
    for expansion in expansions:
        navigation = entity_set.navigations[expansion.navigation]
        conditions = {theirs: row.values[ours] for ours, theirs in navigation.join}
        target = sets(navigation.target)
        found = [entity(other, target, expansion.select) for other in related(navigation.target, conditions)]
        yield navigation.name, found if navigation.collection else next(iter(found), None)
