"""Rows that all instances of the app write in turn: the breaker's, and one for each open payment journal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from azure.data.tables.aio import TableClient

from shared.store import tables
from shared.store.tables import TableRow


class SharedRows:
    """The rows of one partition, as plain values under any names; an ETag decides between two writers.

    Columns of a newer release survive a write, unless a column that is not given has to go (`keep_others`).
    """

    def __init__(self, table: TableClient, partition: str, *, keep_others: bool = True) -> None:
        self._table = table
        self._partition = partition
        self._keep_others = keep_others

    async def load(self, name: str) -> tuple[TableRow | None, str | None]:
        """The values and their ETag, or (None, None)."""
        row = await tables.read(self._table, self._partition, tables.key(name))
        return (row, row["etag"]) if row else (None, None)

    async def save(self, name: str, values: Mapping[str, Any], etag: str | None) -> str | None:
        """The new ETag, or None when another writer has changed (etag None: created) the row since it was loaded."""
        row = {"PartitionKey": self._partition, "RowKey": tables.key(name), **values}
        return await tables.write(self._table, row, etag=etag, keep_others=self._keep_others)
