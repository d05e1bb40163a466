"""`$filter`: what F&O's OData understands, compiled into a test on a row."""

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from local.d365 import edm
from local.d365.csdl import EntitySet, Property
from local.d365.edm import Value, Values
from local.d365.errors import unknown_property
from local.d365.literals import EnumLiteral, LiteralValue, SyntaxMismatchError, Token, literal, tokens

type Predicate = Callable[[Values], bool]

_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "gt": operator.gt,
    "ge": operator.ge,
    "lt": operator.lt,
    "le": operator.le,
}
_FAMILIES = {
    "Edm.String": "text",
    "Edm.Guid": "guid",
    "Edm.Binary": "binary",
    "Edm.Boolean": "boolean",
    "Edm.Int32": "number",
    "Edm.Int64": "number",
    "Edm.Decimal": "number",
    "Edm.Double": "number",
    "Edm.DateTimeOffset": "moment",
}


class FilterError(ValueError):
    """F&O does not support the filter; the text gives the reason."""


@dataclass(frozen=True, slots=True)
class _Operand:
    prop: Property | None
    value: LiteralValue = None

    @property
    def family(self) -> str | None:
        """What the operand can be compared with; None for null, which goes with everything."""
        if self.prop is not None:
            return self.prop.enum.name if self.prop.enum is not None else _FAMILIES[self.prop.type]
        match self.value:
            case None:
                return None
            case EnumLiteral(type_name=type_name):
                return type_name
            case bool():
                return "boolean"
            case str():
                return "text"
            case Decimal():
                return "number"
            case datetime():
                return "moment"
            case UUID():
                return "guid"


def compile_filter(text: str, entity_set: EntitySet) -> Predicate:
    """
    The predicate that `text` is for rows of the set. Raises FilterError for syntax, unknown fields, types that cannot
    be compared, and for what F&O does not support: `in`, `has`, functions such as contains, lambdas.
    """
    try:
        return _Parser(list(tokens(text)), entity_set).whole()
    except (SyntaxMismatchError, edm.TypeMismatchError) as error:
        raise FilterError(str(error)) from error


class _Parser:
    """Recursive descent, loosest first: or, and, not, comparison."""

    def __init__(self, found: list[Token], entity_set: EntitySet) -> None:
        self._tokens = found
        self._next = 0
        self._set = entity_set

    def whole(self) -> Predicate:
        predicate = self._either()
        if self._next < len(self._tokens):
            rest = self._tokens[self._next]
            raise FilterError(f"Syntax error: '{rest.text}' at position {rest.position} is not expected.")
        return predicate

    def _peek(self) -> str:
        """The next word or mark; what sits in quotes is never mistaken for one."""
        if self._next >= len(self._tokens):
            return ""
        token = self._tokens[self._next]
        return token.text if token.kind in ("word", "mark") else ""

    def _take(self) -> Token:
        if self._next >= len(self._tokens):
            raise FilterError("Syntax error: the expression ends too early.")
        self._next += 1
        return self._tokens[self._next - 1]

    def _either(self) -> Predicate:
        alternatives = [self._both()]
        while self._peek() == "or":
            self._take()
            alternatives.append(self._both())
        return alternatives[0] if len(alternatives) == 1 else _any_of(alternatives)

    def _both(self) -> Predicate:
        conditions = [self._single()]
        while self._peek() == "and":
            self._take()
            conditions.append(self._single())
        return conditions[0] if len(conditions) == 1 else _All(tuple(conditions))

    def _single(self) -> Predicate:
        if self._peek() == "not":
            self._take()
            inner = self._single()
            return lambda row: not inner(row)
        if self._peek() == "(":
            self._take()
            inner = self._either()
            if self._take().text != ")":
                raise FilterError("Syntax error: a closing parenthesis is missing.")
            return inner
        return self._comparison()

    def _comparison(self) -> Predicate:
        left = self._operand()
        name = self._take().text
        if name not in _COMPARISONS:
            raise FilterError(f"The operator '{name}' is not supported.")
        return _compare(left, name, self._operand())

    def _operand(self) -> _Operand:
        token = self._take()
        if token.kind == "mark":
            raise FilterError(f"Syntax error: '{token.text}' at position {token.position} is not expected.")
        if token.kind != "word" or token.text in ("true", "false", "null"):
            return _Operand(None, literal(token))
        if self._peek() == "(":
            raise FilterError(f"The function '{token.text}' is not supported.")
        if self._peek() == "/":
            raise FilterError(f"Navigation from '{token.text}' is not supported in a filter.")
        prop = self._set.properties.get(token.text)
        if prop is None:
            raise FilterError(unknown_property(token.text, self._set.type_name))
        return _Operand(prop)


@dataclass(frozen=True, slots=True)
class _Equals:
    """A field that has to equal a fixed value."""

    field: str
    value: Value

    def __call__(self, row: Values) -> bool:
        return comparable(row[self.field]) == self.value


@dataclass(frozen=True, slots=True)
class _OneOf:
    """A field that has to equal one of these values, which are looked up at once."""

    field: str
    values: frozenset[Value]

    def __call__(self, row: Values) -> bool:
        return comparable(row[self.field]) in self.values


@dataclass(frozen=True, slots=True)
class _All:
    conditions: tuple[Predicate, ...]

    def __call__(self, row: Values) -> bool:
        return all(condition(row) for condition in self.conditions)


def values_of(predicate: Predicate | None, field: str) -> frozenset[Value] | None:
    """The values of which the field has to have one, comparable; None where the filter does not name them so."""
    match predicate:
        case _Equals(name, value) if name == field:
            return frozenset({value})
        case _OneOf(name, values) if name == field:
            return values
        case _All(conditions):
            return next((found for each in conditions if (found := values_of(each, field)) is not None), None)
        case _:
            return None


def _any_of(alternatives: list[Predicate]) -> Predicate:
    equals = [each for each in alternatives if isinstance(each, _Equals)]
    if len(equals) == len(alternatives) and len({each.field for each in equals}) == 1:
        return _OneOf(equals[0].field, frozenset(each.value for each in equals))
    return lambda row: any(each(row) for each in alternatives)


def _compare(left: _Operand, name: str, right: _Operand) -> Predicate:
    if left.family is not None and right.family is not None and left.family != right.family:
        raise FilterError(
            f"A binary operator with incompatible types was detected. Found operand types '{left.family}' "
            f"and '{right.family}' for operator kind '{name}'.",
        )
    for side in (left, right):
        if side.prop is not None and side.prop.enum is not None and name not in ("eq", "ne"):
            raise FilterError(f"Enumerations can be compared with eq and ne only, not {name}.")
    pattern = _wildcard(left, right) if name in ("eq", "ne") else None
    if pattern is not None:
        field, matches = pattern
        wanted = name == "eq"
        return lambda row: (matches.fullmatch(str(row[field])) is not None) == wanted
    get_left, get_right = _getter(left, right.prop), _getter(right, left.prop)
    if name == "eq" and left.prop is not None and right.prop is None:
        return _Equals(left.prop.name, get_right({}))
    test = _COMPARISONS[name]
    if name in ("eq", "ne"):
        return lambda row: test(get_left(row), get_right(row))

    def ordered(row: Values) -> bool:
        a, b = get_left(row), get_right(row)
        return a is not None and b is not None and test(a, b)

    return ordered


def _wildcard(left: _Operand, right: _Operand) -> tuple[str, re.Pattern[str]] | None:
    """`Name eq '*retail*'` is F&O's text search: a star stands for anything."""
    for field, text in ((left.prop, right.value), (right.prop, left.value)):
        if field is not None and isinstance(text, str) and "*" in text:
            parts = ".*".join(re.escape(part) for part in text.split("*"))
            return field.name, re.compile(parts, re.IGNORECASE | re.DOTALL)
    return None


def _getter(operand: _Operand, against: Property | None) -> Callable[[Values], Any]:
    if operand.prop is not None:
        name = operand.prop.name
        return lambda row: comparable(row[name])
    value = _known_member(operand.value, against)
    if isinstance(value, datetime) and against is not None:
        value = edm.as_kept(against, value)
    fixed = comparable(str(value) if isinstance(value, UUID) else value)
    return lambda _: fixed


def _known_member(value: LiteralValue, against: Property | None) -> str | Decimal | datetime | UUID | bool | None:
    if not isinstance(value, EnumLiteral):
        return value
    if against is None or against.enum is None or value.member not in against.enum.members:
        raise FilterError(f"The string '{value.type_name}'{value.member}'' is not a valid enumeration type constant.")
    return value.member


def comparable(value: Value) -> Value:
    """Text compares without regard to case, as F&O's database collation does."""
    return value.casefold() if isinstance(value, str) else value
