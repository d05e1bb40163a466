"""Orders with authorised money: when to look at them again, and a capture that is about to be made.

They are rows of the table `payments`, in partitions of their own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from azure.data.tables.aio import TableClient

from shared.errors import TransientError
from shared.model import Money
from shared.store import tables
from shared.store.tables import TableRow


@dataclass(frozen=True, slots=True)
class CaptureIntent:
    """A capture that is about to be made: whether it was, the order's transactions tell."""

    authorization_id: int
    amount: Money
    seen: tuple[int, ...]
    """Ids of all captures of the order before it."""
    at: datetime


@dataclass(frozen=True, slots=True)
class AuthorizedOrder:
    store: str
    order_id: int
    expires_at: datetime | None = None
    """When the last of its authorisations expires, as it was known when the order was read last."""
    look_at: datetime | None = None
    """When the order is to be looked at again; None: not before F&O invoices more of it."""
    intent: CaptureIntent | None = None
    """None once its outcome is known."""
    etag: str | None = None


class Captures:
    """A row for each order with authorised money: partition = store, row = the order's id padded."""

    def __init__(self, table: TableClient) -> None:
        self._table = table

    async def get(self, store: str, order_id: int) -> AuthorizedOrder:
        """As it is stored; a new one for an order without a row."""
        row = await tables.read(self._table, _partition(store), tables.order_key(order_id))
        return _read(row) if row else AuthorizedOrder(store, order_id)

    async def put(self, order: AuthorizedOrder) -> AuthorizedOrder:
        """Replaces the state that was read. Raises TransientError if another worker has changed it."""
        etag = await tables.write(self._table, _row(order), etag=order.etag, keep_others=True)
        if etag is None:
            raise TransientError(f"the authorisations of order {order.order_id} were changed by another worker")
        return replace(order, etag=etag)

    async def due(self, store: str, now: datetime, *, limit: int) -> list[AuthorizedOrder]:
        """Those that are to be looked at by now, at most `limit`."""
        found = self._table.query_entities(
            "PartitionKey eq @partition and look_at gt '' and look_at le @now",
            parameters={"partition": _partition(store), "now": _text(now)},
        )
        orders: list[AuthorizedOrder] = []
        async for row in found:
            orders.append(_read(tables.with_etag(row)))
            if len(orders) >= limit:
                break
        return orders


def _partition(store: str) -> str:
    return f"captures-{store}"


def _row(order: AuthorizedOrder) -> TableRow:
    return {
        "PartitionKey": _partition(order.store),
        "RowKey": tables.order_key(order.order_id),
        "expires_at": _text(order.expires_at),
        "look_at": _text(order.look_at),
        "intent": json.dumps(_plain(order.intent)) if order.intent is not None else "",
    }


def _read(row: TableRow) -> AuthorizedOrder:
    return AuthorizedOrder(
        store=row["PartitionKey"].removeprefix("captures-"),
        order_id=tables.order_id_of(row["RowKey"]),
        expires_at=_moment(row["expires_at"]),
        look_at=_moment(row["look_at"]),
        intent=_read_intent(json.loads(row["intent"])) if row["intent"] else None,
        etag=row["etag"],
    )


def _plain(intent: CaptureIntent) -> dict[str, Any]:
    return {
        "authorization": intent.authorization_id,
        "amount": f"{intent.amount.amount:f}",
        "currency": intent.amount.currency,
        "seen": list(intent.seen),
        "at": _text(intent.at),
    }


def _read_intent(values: Mapping[str, Any]) -> CaptureIntent:
    return CaptureIntent(
        authorization_id=values["authorization"],
        amount=Money(Decimal(values["amount"]), values["currency"]),
        seen=tuple(values["seen"]),
        at=datetime.fromisoformat(values["at"]),
    )


def _text(moment: datetime | None) -> str:
    return moment.astimezone(UTC).isoformat() if moment is not None else ""


def _moment(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
