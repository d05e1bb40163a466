"""The history of each event, for people: what arrived, what the app did with it, and why."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from azure.data.tables.aio import TableClient

from shared.store import tables


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One attempt at one event. Holds numbers, codes and reasons, no personal data of buyers."""

    store: str
    entity_id: str
    event_id: str
    topic: str
    attempt: int
    at: datetime
    outcome: str
    """ "done", "waiting" or "parked"; "differs" for what a sweep found, "sent" and "left" for what it mends, and
    "left" for a bulk operation that did not do all; "refused" for what Shopify does not let it do; "asked" for what a
    person is about to do with the operator's command; "ignored" for webhooks that the app has no use for."""
    note: str
    document: str = ""
    waiting_until: datetime | None = None
    seconds: float = 0.0
    """From the event in Shopify to this outcome."""
    traceparent: str = ""
    evidence: Mapping[str, object] = field(default_factory=dict)


class Journal:
    """The table `journal`: a partition has the history of one order, its rows sort by time."""

    def __init__(self, table: TableClient) -> None:
        self._table = table

    async def write(self, entry: JournalEntry) -> None:
        evidence = json.dumps(dict(entry.evidence), default=str, ensure_ascii=False)
        await tables.overwrite(
            self._table,
            {
                "PartitionKey": partition(entry.store, entry.entity_id),
                "RowKey": tables.key(f"{entry.at:%Y%m%dT%H%M%S.%f}-{entry.event_id}-{entry.attempt}"),
                "event_id": tables.cut(entry.event_id),
                "topic": tables.cut(entry.topic),
                "attempt": entry.attempt,
                "at": entry.at.isoformat(),
                "outcome": entry.outcome,
                "note": tables.cut(entry.note, tables.REASON_LIMIT),
                "document": entry.document,
                "waiting_until": entry.waiting_until.isoformat() if entry.waiting_until else "",
                "seconds": round(entry.seconds, 3),
                "traceparent": entry.traceparent,
                "evidence": tables.cut(evidence),
            },
        )

    async def history(self, store: str, entity_id: str) -> list[dict[str, Any]]:
        """All entries about one entity, oldest first."""
        found = self._table.query_entities("PartitionKey eq @key", parameters={"key": partition(store, entity_id)})
        return [dict(row) async for row in found]


def partition(store: str, entity_id: str) -> str:
    return tables.key(f"{store}-{entity_id or 'unknown'}")
