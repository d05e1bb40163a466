"""Building $filter expressions from typed values, so that no value can be read as syntax.

F&O takes `*` in a text as a wildcard and its database ignores case: a caller that needs one exact text must compare the
returned rows (shared.d365.documents.rows_with does).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import NewType
from urllib.parse import quote

from shared.d365.odata.literals import ODataLiteral, literal

Filter = NewType("Filter", str)
"""An expression that keeps its meaning when joined with `and`."""


def eq(field: str, value: ODataLiteral) -> Filter:
    return Filter(f"{field} eq {literal(value)}")


def since(field: str, moment: datetime) -> Filter:
    """The field has this moment or a later one."""
    return Filter(f"{field} ge {literal(moment)}")


def before(field: str, moment: datetime) -> Filter:
    """The field has an earlier moment."""
    return Filter(f"{field} lt {literal(moment)}")


def either(*filters: Filter) -> Filter:
    return Filter(f"({' or '.join(filters)})")


def any_of(field: str, values: Iterable[ODataLiteral]) -> Filter:
    """The field has one of the values (F&O has no `in`). Raises ValueError for no values."""
    terms = [eq(field, value) for value in values]
    if not terms:
        raise ValueError(f"no value to compare {field} with")
    return Filter(f"({' or '.join(terms)})")


def all_of(*filters: Filter) -> Filter:
    return Filter(" and ".join(filters))


def chunks(field: str, values: Iterable[ODataLiteral], *, room: int = 900) -> Iterator[Filter]:
    """any_of, split so that each filter has less than `room` characters in the URL.

    F&O's gateway refuses long URLs; 2,000 characters in all are safe, and the rest of the query needs its share.
    """
    batch: list[ODataLiteral] = []
    length = 0
    for value in values:
        size = len(quote(f"{eq(field, value)} or ", safe=""))
        if batch and length + size > room:
            yield any_of(field, batch)
            batch, length = [], 0
        batch.append(value)
        length += size
    if batch:
        yield any_of(field, batch)
