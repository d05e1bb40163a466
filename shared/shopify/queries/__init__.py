"""The GraphQL documents that the app sends, one operation per file: queries/<name>.graphql.

A selection that several documents share is a fragment in a file of its own, queries/fragments/<name>.graphql; a
document spreads it (`...Name`) without repeating it. tests/contract/test_graphql_documents.py validates each complete
document against Shopify's official schema.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

_FOLDER: Final = Path(__file__).parent
_FRAGMENTS: Final = _FOLDER / "fragments"
_OPERATION: Final = re.compile(r"^(query|mutation) (\w+)", re.MULTILINE)
_DEFINED: Final = re.compile(r"^fragment (\w+) on ", re.MULTILINE)
_SPREAD: Final = re.compile(r"\.\.\.(\w+)")


@dataclass(frozen=True, slots=True)
class Query:
    """One GraphQL document with one named operation."""

    name: str
    text: str
    repeatable: bool
    """Sending it twice has no more effect than once: a query, or a mutation with @idempotent."""


def parse(text: str) -> Query:
    """The document's one operation. Raises ValueError for a document with none, several, or one without a name."""
    operations = _OPERATION.findall(text)
    if len(operations) != 1:
        raise ValueError(f"a document holds one named operation, this has {len(operations)}")
    [(kind, name)] = operations
    return Query(name=name, text=text, repeatable=kind == "query" or "@idempotent(" in text)


@cache
def load(name: str) -> Query:
    """queries/<name>.graphql with the fragments that it spreads. Raises FileNotFoundError for what has no file."""
    return parse(_with_fragments((_FOLDER / f"{name}.graphql").read_text(encoding="utf-8")))


def _with_fragments(text: str) -> str:
    """The document followed by every fragment that it, or one of its fragments, spreads and does not define."""
    while missing := sorted({*_SPREAD.findall(text)} - {*_DEFINED.findall(text)}):
        text = "\n".join([text, *((_FRAGMENTS / f"{name}.graphql").read_text(encoding="utf-8") for name in missing)])
    return text
