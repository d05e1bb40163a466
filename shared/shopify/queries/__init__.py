"""The GraphQL documents that we send, one operation a file: queries/<name>.graphql.

Each is validated against Shopify's official schema by tests/contract/test_graphql_documents.py.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

_FOLDER: Final = Path(__file__).parent
_OPERATION: Final = re.compile(r"^(query|mutation) (\w+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Query:
    """One GraphQL document with one named operation."""

    name: str
    text: str
    repeatable: bool
    """Sending it twice does no more than sending it once: a query, or a mutation that carries @idempotent."""


def parse(text: str) -> Query:
    """The document's one operation. Raises ValueError for a document with none, several, or one without a name."""
    operations = _OPERATION.findall(text)
    if len(operations) != 1:
        raise ValueError(f"a document holds one named operation, this has {len(operations)}")
    [(kind, name)] = operations
    return Query(name=name, text=text, repeatable=kind == "query" or "@idempotent(" in text)


@cache
def load(name: str) -> Query:
    """queries/<name>.graphql. Raises FileNotFoundError for a name that has no file."""
    return parse((_FOLDER / f"{name}.graphql").read_text(encoding="utf-8"))
