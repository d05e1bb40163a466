"""The query options of a read, parsed, checked against the schema and applied to rows."""

from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, field
from urllib.parse import unquote_plus

from local.d365.csdl import EntitySet, Schema
from local.d365.errors import invalid_query, unknown_property
from local.d365.filters import FilterError, Predicate, comparable, compile_filter
from local.d365.literals import tokens
from local.d365.tables import Row

_KNOWN = frozenset({"$filter", "$select", "$orderby", "$top", "$skip", "$count", "$expand"})


@dataclass(frozen=True, slots=True)
class Expansion:
    """One `$expand` item: the navigation's name and the fields asked for (all, when empty)."""

    navigation: str
    select: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Query:
    cross_company: bool = False
    where: Predicate | None = None
    select: tuple[str, ...] = ()
    order: tuple[tuple[str, bool], ...] = ()
    """(field, descending) pairs."""
    top: int | None = None
    skip: int = 0
    count: bool = False
    expand: tuple[Expansion, ...] = ()
    plain: tuple[str, ...] = field(default=())
    """The options as they were sent, without $skip and $top: what a next link repeats."""


def parse_query(raw: str, entity_set: EntitySet, schema: Schema, unfilterable: Container[str] = ()) -> Query:
    """
    A URL's query string, still percent-encoded. `unfilterable` are fields that no filter may name. Raises ODataError
    400 for what F&O would not answer.
    """
    options: dict[str, str] = {}
    plain: list[str] = []
    for piece in filter(None, raw.split("&")):
        name, _, value = piece.partition("=")
        name = unquote_plus(name)
        if name in options:
            raise invalid_query(
                f"Query option '{name}' was specified more than once, but it must be specified at most once."
            )
        options[name] = unquote_plus(value)
        if name not in ("$skip", "$top"):
            plain.append(piece)
    unknown = [name for name in options if name.startswith("$") and name not in _KNOWN]
    if unknown:
        raise invalid_query(f"The query parameter '{unknown[0]}' is not supported.")
    top = _whole("$top", options.get("$top"))
    return Query(
        cross_company=options.get("cross-company", "").lower() == "true",
        where=_where(options.get("$filter"), entity_set, unfilterable),
        select=_fields(options.get("$select", ""), entity_set),
        order=_order(options.get("$orderby", ""), entity_set),
        top=top,
        skip=_whole("$skip", options.get("$skip")) or 0,
        count=_flag("$count", options.get("$count", "false")),
        expand=tuple(_expansions(options.get("$expand", ""), entity_set, schema)),
        plain=tuple(plain),
    )


def page_of(raw: str, page_size: int) -> int:
    """Which page of a list, from 1, a query string asks for."""
    skips = [
        value for name, _, value in (piece.partition("=") for piece in raw.split("&")) if unquote_plus(name) == "$skip"
    ]
    return 1 + (int(skips[0]) // page_size if skips and skips[0].isdecimal() else 0)


def filtered(rows: Iterable[Row], query: Query) -> list[Row]:
    """The rows that match, in the order asked for; a row's own place breaks ties."""
    found = [row for row in rows if query.where is None or query.where(row.values)]
    for name, descending in reversed(query.order):
        found.sort(key=lambda row: _sortable(row, name), reverse=descending)
    return found


def _sortable(row: Row, name: str) -> tuple[bool, object]:
    value = comparable(row.values[name])
    return (value is not None, value if value is not None else "")


def _where(text: str | None, entity_set: EntitySet, unfilterable: Container[str]) -> Predicate | None:
    if text is None:
        return None
    try:
        predicate = compile_filter(text, entity_set)
    except FilterError as error:
        raise invalid_query(str(error)) from error
    refused = [token.text for token in tokens(text) if token.text in unfilterable]
    if refused:
        raise invalid_query(f"The property '{refused[0]}' cannot be used in the $filter query option.")
    return predicate


def _fields(text: str, entity_set: EntitySet) -> tuple[str, ...]:
    names = tuple(part.strip() for part in text.split(",")) if text else ()
    for name in names:
        if name not in entity_set.properties:
            raise invalid_query(unknown_property(name, entity_set.type_name))
    return names


def _order(text: str, entity_set: EntitySet) -> tuple[tuple[str, bool], ...]:
    found = []
    for part in text.split(",") if text else []:
        name, *direction = part.split()
        if direction not in ([], ["asc"], ["desc"]):
            raise invalid_query(f"Syntax error in $orderby: '{part}'.")
        _fields(name, entity_set)
        found.append((name, direction == ["desc"]))
    return tuple(found)


def _whole(name: str, text: str | None) -> int | None:
    if text is None:
        return None
    if not text.isdecimal():
        raise invalid_query(f"Invalid value '{text}' for {name} query option found.")
    return int(text)


def _flag(name: str, text: str) -> bool:
    if text not in ("true", "false"):
        raise invalid_query(f"Invalid value '{text}' for {name} query option found.")
    return text == "true"


def _expansions(text: str, entity_set: EntitySet, schema: Schema) -> Iterator[Expansion]:
    for part in _outer_commas(text):
        name, _, inner = part.partition("(")
        navigation = entity_set.navigations.get(name)
        if navigation is None:
            raise invalid_query(unknown_property(name, entity_set.type_name))
        if not inner:
            yield Expansion(name)
            continue
        option, _, fields = inner.removesuffix(")").partition("=")
        if option != "$select":
            # F&O expands one level only; nested $expand is what this refuses above all.
            raise invalid_query(f"The option '{option}' is not supported inside $expand.")
        yield Expansion(name, _fields(fields, schema.sets[navigation.target]))


def _outer_commas(text: str) -> Iterator[str]:
    depth, start = 0, 0
    for position, character in enumerate(text):
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "," and depth == 0:
            yield text[start:position].strip()
            start = position + 1
    if text:
        yield text[start:].strip()
