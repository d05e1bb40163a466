"""The row that all instances share about the health of one outside system."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from azure.data.tables.aio import TableClient

from shared.store import tables

_PARTITION: Final = "breaker"


class SharedRow:
    """One row of the table `breaker`, as plain values; whose they are is the caller's matter."""

    def __init__(self, table: TableClient, name: str) -> None:
        self._table = table
        self._name = name

    async def load(self) -> tuple[tables.Row | None, str | None]:
        """The values and their ETag, or (None, None)."""
        row = await tables.read(self._table, _PARTITION, self._name)
        return (row, row["etag"]) if row else (None, None)

    async def save(self, values: Mapping[str, object], etag: str | None) -> str | None:
        """The new ETag, or None when somebody else has changed the row since it was loaded."""
        row = {"PartitionKey": _PARTITION, "RowKey": self._name, **values}
        return await tables.write(self._table, row, etag=etag)
