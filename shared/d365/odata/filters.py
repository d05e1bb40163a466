"""Building $filter expressions out of typed values, so that no value can be read as syntax.

F&O takes `*` in a text as a wildcard and its database ignores case: who asks for one exact text must look at the rows
that come back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NewType
from urllib.parse import quote

from shared.d365.odata.literals import ODataLiteral, literal

Filter = NewType("Filter", str)
"""An expression that keeps its meaning when `and` is put beside it."""


def eq(field: str, value: ODataLiteral) -> Filter:
    return Filter(f"{field} eq {literal(value)}")


def any_of(field: str, values: Iterable[ODataLiteral]) -> Filter:
    """The field has one of the values (F&O knows no `in`). Raises ValueError for no values, which no row could meet."""
    terms = [eq(field, value) for value in values]
    if not terms:
        raise ValueError(f"no value to compare {field} with")
    return Filter(f"({' or '.join(terms)})")


def all_of(*filters: Filter) -> Filter:
    return Filter(" and ".join(filters))


def chunks(field: str, values: Iterable[ODataLiteral], *, room: int = 900) -> Iterator[Filter]:
    """any_of in as many pieces as it takes to keep each below `room` characters of URL.

    F&O's gateway refuses long URLs; 2,000 in all are safe, and the rest of the query needs its share.
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
