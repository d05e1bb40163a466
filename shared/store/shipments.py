"""What the app made of each packing slip in Shopify: the table `shipments`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

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
    untracked_since: datetime | None = None
    """Since when it waits for a tracking number, or is shown without one; None once it has one."""
    etag: str | None = None


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

    async def without_tracking(
        self, store: str, since: datetime, *, after: str, limit: int
    ) -> tuple[list[tuple[str, str]], str]:
        """Sales order and number of each slip that has waited for a tracking number, or was shown without one, since
        the moment, at most `limit`, from the row key `after` on; and the row key to go on from, "" at the end.
        """
        found = self._table.query_entities(
            "PartitionKey eq @store and RowKey gt @after and untracked_since ge @since",
            parameters={"store": store, "after": after, "since": since.astimezone(UTC).isoformat()},
            select=["RowKey", "sales_order", "slip_number"],
        )
        slips: list[tuple[str, str]] = []
        async for row in found:
            slips.append((row["sales_order"], row["slip_number"]))
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
        "untracked_since": stored.untracked_since.astimezone(UTC).isoformat() if stored.untracked_since else "",
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
        untracked_since=datetime.fromisoformat(row["untracked_since"]) if row["untracked_since"] else None,
        etag=row["etag"],
    )


def _units(units: Mapping[int, int]) -> dict[str, int]:
    return {str(line): count for line, count in units.items()}


def _read_units(units: Mapping[str, Any]) -> dict[int, int]:
    return {int(line): int(count) for line, count in units.items()}
