"""One table of Azure Table Storage in memory, as far as the app asks of it: inserts, ETags, ranges of keys."""

from __future__ import annotations

import asyncio
import operator
import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import datetime
from itertools import batched, count
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import (
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)
from azure.data.tables import UpdateMode

_TERM = re.compile(r"(\w+) (eq|ne|ge|gt|le|lt) (?:@(\w+)|'([^']*)')")
_OPERATORS = {name: getattr(operator, name) for name in ("eq", "ne", "ge", "gt", "le", "lt")}


class Entity(dict[str, Any]):
    def __init__(self, row: Mapping[str, Any], etag: str) -> None:
        super().__init__(row)
        self.metadata = {"etag": etag}


class Found:
    """The rows of a query, one by one or in pages."""

    def __init__(self, rows: Sequence[Entity], page: int) -> None:
        self._rows = rows
        self._page = page

    async def __aiter__(self) -> AsyncIterator[Entity]:
        await asyncio.sleep(0)
        for row in self._rows:
            yield row

    async def by_page(self) -> AsyncIterator[AsyncIterator[Entity]]:
        for page in batched(self._rows, self._page, strict=False):
            yield aiter(Found(page, self._page))


def _term(text: str, parameters: Mapping[str, str]) -> Callable[[Entity], bool]:
    if text.startswith("("):
        terms = [_term(each, parameters) for each in text.strip("()").split(" or ")]
        return lambda row: any(fits(row) for fits in terms)
    term = _TERM.fullmatch(text)
    assert term, f"a term that is not simulated: {text}"
    field, name, parameter, literal = term.groups()
    value = parameters[parameter] if parameter else literal
    return lambda row: field in row and bool(_OPERATORS[name](row[field], value))  # as in Azure, also of old rows


def _check_limits(row: Mapping[str, Any]) -> None:
    """Raises HttpResponseError 400 for what Azure does not store: keys over 512 characters, texts over 32 Ki characters
    (UTF-16 units), rows over 1 MiB, integers over 32 bits.
    """
    texts = {name: len(value.encode("utf-16-le")) for name, value in row.items() if isinstance(value, str)}
    keys = [texts["PartitionKey"], texts["RowKey"]]
    is_small = max(texts.values()) <= 2 * 32_768 and max(keys) <= 2 * 512 and sum(texts.values()) < 2**20
    if not is_small or not all(abs(each) < 2**31 for each in row.values() if isinstance(each, int)):
        error = HttpResponseError(message="PropertyValueTooLarge")
        error.status_code = 400
        raise error


class MemoryTable:
    """`step` is called before and after every write."""

    def __init__(self, step: Callable[[], None] = lambda: None) -> None:
        self.rows: dict[tuple[str, str], Entity] = {}
        self._step = step
        self._etags = count(1)

    async def get_entity(self, partition: str, row: str) -> Entity:
        await asyncio.sleep(0)
        if (partition, row) not in self.rows:
            raise ResourceNotFoundError
        return self.rows[partition, row]

    async def create_entity(self, row: Mapping[str, Any], *, response_preference: str = "") -> dict[str, Any]:
        """`response_preference` is whether the answer has the row too, which nobody reads here."""
        del response_preference
        await asyncio.sleep(0)
        if (row["PartitionKey"], row["RowKey"]) in self.rows:
            raise ResourceExistsError
        return self._write(row)

    async def update_entity(
        self, row: Mapping[str, Any], *, mode: UpdateMode, etag: str, match_condition: MatchConditions
    ) -> dict[str, Any]:
        assert match_condition is MatchConditions.IfNotModified
        known = await self.get_entity(row["PartitionKey"], row["RowKey"])
        if known.metadata["etag"] != etag:
            raise ResourceModifiedError
        return self._write(row if mode is UpdateMode.REPLACE else {**known, **row})

    async def upsert_entity(self, row: Mapping[str, Any], *, mode: UpdateMode) -> dict[str, Any]:
        assert mode is UpdateMode.REPLACE
        await asyncio.sleep(0)
        return self._write(row)

    async def delete_entity(self, partition: str, row: str, *, etag: str, match_condition: MatchConditions) -> None:
        assert match_condition is MatchConditions.IfNotModified
        known = await self.get_entity(partition, row)
        if known.metadata["etag"] != etag:
            raise ResourceModifiedError
        self._step()
        del self.rows[partition, row]
        self._step()

    def query_entities(
        self,
        query: str,
        *,
        parameters: Mapping[str, str],
        select: Sequence[str] | None = None,
        results_per_page: int | None = None,
    ) -> Found:
        """The rows by their keys. `select` is not applied."""
        del select
        terms = [_term(text, parameters) for text in query.split(" and ")]
        rows = [self.rows[key] for key in sorted(self.rows)]
        return Found([row for row in rows if all(fits(row) for fits in terms)], results_per_page or len(rows) or 1)

    def _write(self, row: Mapping[str, Any]) -> dict[str, Any]:
        assert all(isinstance(value, str | int | float | datetime) for value in row.values()), row
        _check_limits(row)
        self._step()
        etag = f"W/{next(self._etags)}"
        self.rows[row["PartitionKey"], row["RowKey"]] = Entity(row, etag)
        self._step()
        return {"etag": etag}
