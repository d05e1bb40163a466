"""Which transactions are booked in F&O: the table `payments`, which also holds the open payment journals."""

from __future__ import annotations

from collections.abc import Iterable
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
JOURNALS: Final = "journals"
"""Partition of the open payment journals."""
COMPLETE: Final = "complete"
"""Key of a store's row that says since when none of its rows is missing."""
_STORE: Final = "store-"
CLOCKS: Final = timedelta(seconds=10)
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

    async def complete_since(self, store: str, now: datetime) -> datetime:
        """From when on every attempt at a transaction of the store has left its row: that a later one has none shows
        that there was no attempt. Rows may have been lost before.
        """
        row = await tables.read(self._table, _partition(store), COMPLETE)
        if row is None:
            await tables.write(self._table, _complete(_partition(store), now), etag=None)
        since = now if row is None else datetime.fromisoformat(row["since"])
        return since + CLOCKS

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


async def begin_anew(table: TableClient, restored: Iterable[TableRow], now: datetime) -> None:
    """Call it before rows are restored: others were lost with them. Of transactions from before now F&O is asked."""
    partitions = {row["PartitionKey"] for row in restored if row["PartitionKey"].startswith(_STORE)}
    async for row in table.query_entities("RowKey eq @complete", parameters={"complete": COMPLETE}):
        partitions.add(row["PartitionKey"])
    for partition in sorted(partitions):
        await tables.overwrite(table, _complete(partition, now))


def is_kept_apart(row: TableRow) -> bool:
    """Whether this row of the table is only right as long as no other is lost: it says since when none is missing, or
    which journal is open. It is neither exported nor restored.
    """
    partition, name = str(row["PartitionKey"]), str(row["RowKey"])
    return partition == JOURNALS or name == COMPLETE


def _complete(partition: str, now: datetime) -> TableRow:
    return {"PartitionKey": partition, "RowKey": COMPLETE, "since": now.isoformat()}


def _partition(store: str) -> str:
    return f"{_STORE}{store}"


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
        store=row["PartitionKey"].removeprefix(_STORE),
        order_id=order_id,
        transaction_id=transaction_id,
        settled=Money(Decimal(row["amount"]), row["currency"]) if row["amount"] else None,
        journal=row["journal"],
        lines=tuple(map(int, filter(None, row["lines"].split(",")))),
        claimed_until=datetime.fromisoformat(row["claimed_until"]) if row["claimed_until"] else None,
        etag=row["etag"],
    )
