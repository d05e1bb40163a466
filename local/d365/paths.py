"""The addresses under `/data`: a set, one row of it by key, or its count."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from urllib.parse import unquote
from uuid import UUID

from local.d365 import edm
from local.d365.csdl import EntitySet, Property, Schema
from local.d365.edm import Value
from local.d365.errors import invalid_query, no_route
from local.d365.literals import EnumLiteral, LiteralValue, SyntaxMismatchError, Token, literal, tokens
from local.d365.tables import RowKey


@dataclass(frozen=True, slots=True)
class Resource:
    """What an address names: the set, the key when it names one row, and whether only the count is asked for."""

    entity_set: EntitySet
    key: RowKey | None = None
    count_only: bool = False


def parse_resource(path: str, schema: Schema, url: str) -> Resource:
    """
    `path` is what follows `/data/`, still percent-encoded: an encoded slash belongs to a key, a plain one does not.
    Raises ODataError 404 for a set that does not exist (names are case sensitive), 400 for a malformed key.
    """
    segments = [unquote(segment) for segment in path.split("/")]
    name, bracket, inside = segments[0].partition("(")
    entity_set = schema.sets.get(name)
    if entity_set is None or len(segments) > 2 or segments[1:] not in ([], ["$count"]):
        raise no_route(url)
    count_only = len(segments) == 2
    if not bracket:
        return Resource(entity_set, count_only=count_only)
    if count_only or not inside.endswith(")"):
        raise no_route(url)
    try:
        return Resource(entity_set, parse_key(inside[:-1], entity_set))
    except (SyntaxMismatchError, edm.TypeMismatchError) as error:
        raise invalid_query(str(error)) from error


def parse_key(text: str, entity_set: EntitySet) -> RowKey:
    """`dataAreaId='usmf',SalesOrderNumber='00''2'` in the set's key order; a set of one key takes the bare value."""
    found = list(tokens(text))
    if len(found) == 1 and len(entity_set.keys) == 1:
        return (_key_value(entity_set.properties[entity_set.keys[0]], literal(found[0])),)
    given: dict[str, Value] = {}
    for position in range(0, len(found), 4):
        name, value = _pair(found[position : position + 4])
        if name not in entity_set.keys or name in given:
            raise SyntaxMismatchError(f"'{name}' is not a key field of '{entity_set.type_name}', or given twice.")
        given[name] = _key_value(entity_set.properties[name], value)
    if len(given) != len(entity_set.keys) or found[-1].text == ",":
        raise SyntaxMismatchError(f"The key of '{entity_set.type_name}' is {', '.join(entity_set.keys)}.")
    return tuple(given[name] for name in entity_set.keys)


def _pair(part: Sequence[Token]) -> tuple[str, LiteralValue]:
    if len(part) < 3 or part[0].kind != "word" or part[1].text != "=" or (len(part) == 4 and part[3].text != ","):
        raise SyntaxMismatchError("A key is written name=value, name=value.")
    return part[0].text, literal(part[2])


def _key_value(prop: Property, value: LiteralValue) -> Value:
    match value:
        case EnumLiteral(type_name=type_name, member=member):
            if prop.enum is None or prop.enum.name != type_name:
                raise edm.TypeMismatchError(f"'{prop.name}' is no {type_name}")
            return edm.read(prop, member)
        case datetime() if prop.type == "Edm.DateTimeOffset":
            return edm.as_kept(prop, value)
        case Decimal() if prop.type in ("Edm.Int32", "Edm.Int64") and value == value.to_integral_value():
            return edm.read(prop, int(value))
        case UUID():
            return edm.read(prop, str(value))
        case str() if prop.enum is not None or prop.type != "Edm.String":
            raise edm.TypeMismatchError(f"the value of '{prop.name}' is not written in quotes")
        case _:
            return edm.read(prop, value)
