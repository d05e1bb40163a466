"""Sales order numbers to be written to Shopify: the table `outbox`.

One row per order: a later number replaces an earlier one, and the row is deleted once Shopify has the number.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from azure.core import MatchConditions
from azure.core.exceptions import ResourceModifiedError
from azure.data.tables.aio import TableClient

from shared.store import tables
from shared.store.tables import TableRow


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A sales order's number to be written to the order in Shopify."""

    store: str
    order_id: int
    number: str
    due: datetime
    attempts: int
    """How often it was postponed."""
    etag: str


class Outbox:
    """Partition = store, row = the order's id padded, so that ids sort as numbers."""

    def __init__(self, table: TableClient) -> None:
        self._table = table

    async def put(self, store: str, order_id: int, number: str, *, now: datetime) -> None:
        """Inserts or replaces in one call. A number that Shopify already has costs one read of the order."""
        await tables.overwrite(self._table, _row(store, order_id, number, now, 0))

    async def due(self, store: str, now: datetime, *, limit: int) -> list[Outgoing]:
        """Rows that may be sent now, at most `limit`."""
        found = self._table.query_entities(
            "PartitionKey eq @store and due le @now",
            parameters={"store": store, "now": now},
            results_per_page=limit,
        )
        rows: list[Outgoing] = []
        async for row in found:
            rows.append(_read(tables.with_etag(row)))
            if len(rows) == limit:
                break
        return rows

    async def settle(self, sent: Outgoing) -> bool:
        """Deletes the row; returns False and keeps it if it was put again since it was read."""
        try:
            key = tables.order_key(sent.order_id)
            await self._table.delete_entity(
                sent.store, key, etag=sent.etag, match_condition=MatchConditions.IfNotModified
            )
        except ResourceModifiedError:
            return False
        return True

    async def put_off(self, row: Outgoing, until: datetime) -> None:
        """Postpones the row to `until`, unless it was put again since it was read."""
        later = _row(row.store, row.order_id, row.number, until, row.attempts + 1)
        await tables.write(self._table, later, etag=row.etag)


def _row(store: str, order_id: int, number: str, due: datetime, attempts: int) -> TableRow:
    return {
        "PartitionKey": store,
        "RowKey": tables.order_key(order_id),
        "number": number,
        "due": due,
        "attempts": attempts,
    }


def _read(row: TableRow) -> Outgoing:
    return Outgoing(
        store=row["PartitionKey"],
        order_id=tables.order_id_of(row["RowKey"]),
        number=row["number"],
        due=row["due"],
        attempts=row["attempts"],
        etag=row["etag"],
    )
