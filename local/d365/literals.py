"""Splits OData expressions and keys into tokens, and reads literals."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal
from uuid import UUID

from local.d365 import edm

type Kind = Literal["string", "moment", "guid", "number", "enum", "word", "mark"]

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<enum>[A-Za-z_][\w.]*\.\w+'(?:[^']|'')*')
    | (?P<string>'(?:[^']|'')*')
    | (?P<guid>[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})
    | (?P<moment>\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d))
    | (?P<number>[+-]?\d+(?:\.\d+)?(?![\w-]))
    | (?P<word>[A-Za-z_@][\w.@]*)
    | (?P<mark>[(),=/:])
    )""",
    re.VERBOSE,
)


class SyntaxMismatchError(ValueError):
    """The text is not OData; the message gives the position."""


@dataclass(frozen=True, slots=True)
class Token:
    kind: Kind
    text: str
    position: int


@dataclass(frozen=True, slots=True)
class EnumLiteral:
    """`Microsoft.Dynamics.DataEntities.SalesStatus'Backorder'`."""

    type_name: str
    member: str


type LiteralValue = str | Decimal | datetime | UUID | bool | EnumLiteral | None


def tokens(text: str) -> Iterator[Token]:
    """Raises SyntaxMismatchError at the first character that starts no token."""
    position = 0
    text = text.rstrip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise SyntaxMismatchError(f"Syntax error at position {position} in '{text}'.")
        # The pattern has exactly these groups, one of which matched.
        kind: Kind = match.lastgroup  # type: ignore[assignment]
        yield Token(kind, match[kind], match.start(kind))
        position = match.end()


def literal(token: Token) -> LiteralValue:
    """The value a literal token stands for. Raises SyntaxMismatchError when it is none."""
    match token.kind, token.text:
        case "string", text:
            return unquoted(text)
        case "number", text:
            return Decimal(text)
        case "moment", text:
            return edm.parse_moment(text)
        case "guid", text:
            return UUID(text)
        case "enum", text:
            type_name, _, member = text.partition("'")
            return EnumLiteral(type_name, unquoted(f"'{member}"))
        case "word", "true" | "false" as text:
            return text == "true"
        case "word", "null":
            return None
    raise SyntaxMismatchError(f"'{token.text}' at position {token.position} is no literal.")


def unquoted(text: str) -> str:
    return text[1:-1].replace("''", "'")
