"""Messages that cannot succeed as they are: kept whole, with the reason and the next step, until somebody acts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from azure.data.tables.aio import TableClient

from shared.errors import RefusedError
from shared.store import tables
from shared.store.blobs import Bodies


@dataclass(frozen=True, slots=True)
class ParkedMessage:
    """The message as it can be sent again, and why it was not."""

    flow: str
    store: str
    event_id: str
    entity_id: str
    at: datetime
    properties: Mapping[str, str | int]
    """The message's application properties."""
    body: bytes
    error: RefusedError


class Parking:
    """The table `parked` (partition = flow and store, row = event) and a container with the bodies."""

    def __init__(self, table: TableClient, bodies: Bodies) -> None:
        self._table = table
        self._bodies = bodies

    async def park(self, message: ParkedMessage) -> None:
        """Body first, then the row: a row always has its body. Parking the same event twice leaves one row."""
        blob = tables.key(f"{message.flow}-{message.store}-{message.event_id}")
        sha256 = await self._bodies.put(blob, message.body)
        await tables.overwrite(
            self._table,
            {
                "PartitionKey": tables.key(f"{message.flow}-{message.store}"),
                "RowKey": tables.key(message.event_id),
                "code": message.error.code,
                "cause": message.error.cause,
                "owner": message.error.entry.owner.value,
                "next_step": message.error.next_step,
                "entity_id": message.entity_id,
                "at": message.at.isoformat(),
                "properties": json.dumps(dict(message.properties)),
                "blob": blob,
                "sha256": sha256,
            },
        )

    async def waiting(self) -> list[dict[str, Any]]:
        """Every parked message, oldest first."""
        return sorted([dict(row) async for row in self._table.list_entities()], key=lambda row: str(row["at"]))

    async def body(self, row: Mapping[str, Any]) -> bytes:
        return await self._bodies.get(row["blob"], sha256=row["sha256"])

    async def remove(self, row: Mapping[str, Any]) -> None:
        """Forgets a message that was sent again or given up; its body stays until the container's lifecycle rule."""
        await self._table.delete_entity(row["PartitionKey"], row["RowKey"])
