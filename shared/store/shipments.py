"""What the app made of each packing slip in Shopify: the table `shipments`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, NamedTuple

from azure.data.tables.aio import TableClient

from shared.errors import TransientError
from shared.model import SentPart, SentSlip, Tracking
from shared.store import tables
from shared.store.tables import TableRow


@dataclass(frozen=True, slots=True)
class StoredSlip:
    store: str
    order_id: int
    slip: SentSlip
    sales_order: str = ""
    ask_until: datetime | None = None
    """Until when F&O is asked for tracking numbers that Shopify does not show yet."""
    etag: str | None = None


class AskedSlip(NamedTuple):
    sales_order: str
    number: str
    shown: tuple[frozenset[str], ...]
    """The tracking numbers of each of its fulfilments."""


class Shipments:
    """A row for each packing slip of an order: partition = store, row = order and a digest of the slip's key."""

    def __init__(self, table: TableClient) -> None:
        self._table = table

    async def of_order(self, store: str, order_id: int) -> dict[str, StoredSlip]:
        """By the slips' keys."""
        rows = tables.rows_of_parts(self._table, store, order_id)
        stored = [_read(row) async for row in rows]
        return {each.slip.key: each for each in stored}

    async def put(self, stored: StoredSlip) -> StoredSlip:
        """Replaces the state that was read. Raises TransientError if another worker has changed it."""
        etag = await tables.write(self._table, _row(stored), etag=stored.etag, keep_others=True)
        if etag is None:
            raise TransientError(f"packing slip {stored.slip.key} was changed by another worker")
        return replace(stored, etag=etag)

    async def of_slips(self, store: str, numbers: Collection[str]) -> dict[str, str]:
        """Number of a packing slip -> its sales order, of those that were shown."""
        found: dict[str, str] = {}
        for number in numbers:
            rows = self._table.query_entities(
                "PartitionKey eq @store and slip_number eq @number",
                parameters={"store": store, "number": number},
                select=["sales_order"],
            )
            async for row in rows:
                found[number] = row["sales_order"]
        return found

    async def to_ask(self, store: str, now: datetime, *, after: str, limit: int) -> tuple[list[AskedSlip], str]:
        """The slips of which tracking numbers may be missing, at most `limit`, from the row key `after` on; and the row
        key to go on from, "" at the end.
        """
        found = self._table.query_entities(
            "PartitionKey eq @store and RowKey gt @after and ask_until ge @now",
            parameters={"store": store, "after": after, "now": now.astimezone(UTC).isoformat()},
            select=["RowKey", "sales_order", "slip_number", "parts"],
        )
        slips: list[AskedSlip] = []
        async for row in found:
            shown = [frozenset(number for number, _ in part["tracking"]) for part in json.loads(row["parts"])]
            slips.append(AskedSlip(row["sales_order"], row["slip_number"], tuple(shown)))
            if len(slips) >= limit:
                return slips, row["RowKey"]
        return slips, ""


def _row(stored: StoredSlip) -> TableRow:
    slip = stored.slip
    return {
        "PartitionKey": stored.store,
        "RowKey": f"{stored.order_id:020d}-{hashlib.sha256(slip.key.encode()).hexdigest()[:20]}",
        "slip": slip.key,
        "slip_number": slip.key.removeprefix(f"{stored.sales_order}/").rpartition("/")[0],
        "sales_order": stored.sales_order,
        "parts": json.dumps(
            [
                {
                    "fulfillment": part.fulfillment_id,
                    "units": _units(part.units),
                    "tracking": [list(each) for each in part.tracking],
                    "company": part.company,
                }
                for part in slip.parts
            ]
        ),
        "ask_until": stored.ask_until.astimezone(UTC).isoformat() if stored.ask_until else "",
        "is_told": slip.is_told,
        "intent": json.dumps(_units(slip.intent)),
        "tells": slip.tells,
        "seen": json.dumps(slip.seen),
    }


def _read(row: TableRow) -> StoredSlip:
    parts = tuple(
        SentPart(
            fulfillment_id=part["fulfillment"],
            units=_read_units(part["units"]),
            tracking=tuple(Tracking(*each) for each in part["tracking"]),
            company=part.get("company"),  # a row of an earlier release has none
        )
        for part in json.loads(row["parts"])
    )
    slip = SentSlip(
        key=row["slip"],
        parts=parts,
        is_told=row["is_told"],
        intent=_read_units(json.loads(row["intent"])),
        tells=row["tells"],
        seen=tuple(json.loads(row["seen"])),
    )
    return StoredSlip(
        store=row["PartitionKey"],
        order_id=int(row["RowKey"].partition("-")[0]),
        slip=slip,
        sales_order=row["sales_order"],
        ask_until=datetime.fromisoformat(until) if (until := row.get("ask_until")) else None,
        etag=row["etag"],
    )


def _units(units: Mapping[int, int]) -> dict[str, int]:
    return {str(line): count for line, count in units.items()}


def _read_units(units: Mapping[str, Any]) -> dict[int, int]:
    return {int(line): int(count) for line, count in units.items()}
