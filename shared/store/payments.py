"""Which transactions are booked in F&O: the table `payments`, which also holds the open payment journals."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from azure.data.tables.aio import TableClient

from shared.errors import TransientError
from shared.model import Money
from shared.store import tables
from shared.store.tables import TableRow

_LEASE: Final = timedelta(minutes=8)
"""An invocation may last four minutes (host.json), and F&O may execute its last call for as long again."""
COMPLETE: Final = "complete"
"""Partition of the row that says since when the table is complete. It is in no export: after a restore the table is
complete from then on.
"""
_CLOCKS: Final = timedelta(seconds=10)
"""By how much Shopify's clock and ours may differ."""


@dataclass(frozen=True, slots=True)
class Payment:
    """The state of one transaction."""

    store: str
    order_id: int
    transaction_id: int
    settled: Money | None = None
    """The change of the customer's balance by its lines in F&O; None while it is not booked."""
    journal: str = ""
    lines: tuple[int, ...] = ()
    claimed_until: datetime | None = None
    """Until this time only the worker that claimed it may book it. None: no attempt can have written it."""
    etag: str | None = None


class Payments:
    """A row for each transaction: partition = store, row = order and transaction, padded so that ids sort."""

    def __init__(self, table: TableClient) -> None:
        self._table = table

    async def complete_since(self, now: datetime) -> datetime:
        """From when on every attempt at a transaction has left its row: that a later one has none shows that there was
        no attempt. The table may have been lost before.
        """
        row = await tables.read(self._table, COMPLETE, COMPLETE)
        if row is None:
            new = {"PartitionKey": COMPLETE, "RowKey": COMPLETE, "since": now.isoformat()}
            await tables.write(self._table, new, etag=None)
        since = now if row is None else datetime.fromisoformat(row["since"])
        return since + _CLOCKS

    async def of_order(self, store: str, order_id: int) -> dict[int, Payment]:
        """Booked and claimed payments by transaction id."""
        rows = tables.rows_of_parts(self._table, _partition(store), order_id)
        payments = [_read(row) async for row in rows]
        return {payment.transaction_id: payment for payment in payments}

    async def claim(self, payment: Payment, now: datetime) -> Payment:
        """The payment, reserved for this worker until it is booked or released, at most for eight minutes.

        Raises TransientError while another worker has claimed it.
        """
        until = payment.claimed_until
        if until is not None and now < until:
            raise TransientError(f"another worker books transaction {payment.transaction_id}", retry_after=until - now)
        return await self.put(replace(payment, claimed_until=now + _LEASE))

    async def put(self, payment: Payment) -> Payment:
        """Replaces the state that the payment was read in. Raises TransientError if another worker has changed it."""
        etag = await tables.write(self._table, _row(payment), etag=payment.etag, keep_others=True)
        if etag is None:
            raise TransientError(f"transaction {payment.transaction_id} was changed by another worker")
        return replace(payment, etag=etag)


def _partition(store: str) -> str:
    return f"store-{store}"


def _row(payment: Payment) -> TableRow:
    return {
        "PartitionKey": _partition(payment.store),
        "RowKey": tables.part_key(payment.order_id, payment.transaction_id),
        "amount": f"{payment.settled.amount:f}" if payment.settled is not None else "",
        "currency": payment.settled.currency if payment.settled is not None else "",
        "journal": payment.journal,
        "lines": ",".join(map(str, payment.lines)),
        "claimed_until": payment.claimed_until.isoformat() if payment.claimed_until else "",
    }


def _read(row: TableRow) -> Payment:
    order_id, transaction_id = tables.part_ids_of(row["RowKey"])
    return Payment(
        store=row["PartitionKey"].removeprefix("store-"),
        order_id=order_id,
        transaction_id=transaction_id,
        settled=Money(Decimal(row["amount"]), row["currency"]) if row["amount"] else None,
        journal=row["journal"],
        lines=tuple(map(int, filter(None, row["lines"].split(",")))),
        claimed_until=datetime.fromisoformat(row["claimed_until"]) if row["claimed_until"] else None,
        etag=row["etag"],
    )
