"""What is booked in F&O for each refund: the table `refunds`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from azure.data.tables.aio import TableClient

from shared.errors import TransientError
from shared.model import Money
from shared.store import tables
from shared.store.tables import TableRow


@dataclass(frozen=True, slots=True)
class BookedRefund:
    """The state of one refund."""

    store: str
    order_id: int
    refund_id: int
    since: datetime
    """When the app first processed it."""
    worth: Money | None = None
    """The amount credited, including reductions of the sales order; None while it is not complete."""
    return_order: str = ""
    """ReturnOrderNumber, if it has one."""
    invoice: int = 0
    """InvoiceIdentifier of the free text invoice, if it has one."""
    returned: Mapping[str, int] = field(default_factory=dict)
    """Lot of the sales line -> units that the return order takes back."""
    parked_worth: str = ""
    """The refund's worth when it was parked because it had changed."""
    claimed_until: datetime | None = None
    """Before this time one worker alone writes the documents, or F&O may still be writing one."""
    etag: str | None = None

    @property
    def documents(self) -> tuple[str, ...]:
        """For people."""
        return (
            *([f"return order {self.return_order}"] if self.return_order else []),
            *([f"free text invoice {self.invoice}"] if self.invoice else []),
        )


class Refunds:
    """A row for each refund: partition = store, row = order and refund, padded so that ids sort."""

    def __init__(self, table: TableClient) -> None:
        self._table = table

    async def of_order(self, store: str, order_id: int) -> dict[int, BookedRefund]:
        """Refunds that are booked, or begun, by refund id."""
        refunds = [_read(row) async for row in tables.rows_of_parts(self._table, store, order_id)]
        return {refund.refund_id: refund for refund in refunds}

    async def put(self, refund: BookedRefund) -> BookedRefund:
        """Replaces the state that the refund was read in. Raises TransientError if another worker has changed it."""
        etag = await tables.write(self._table, _row(refund), etag=refund.etag, keep_others=True)
        if etag is None:
            raise TransientError(f"refund {refund.refund_id} was changed by another worker")
        return replace(refund, etag=etag)


def refuse_claimed_refund(refund: BookedRefund, now: datetime) -> None:
    """Raises TransientError while another worker, or F&O, may be writing the refund's documents."""
    until = refund.claimed_until
    if until is not None and now < until:
        raise TransientError(f"another worker books refund {refund.refund_id}", retry_after=until - now)


def _row(refund: BookedRefund) -> TableRow:
    return {
        "PartitionKey": refund.store,
        "RowKey": tables.part_key(refund.order_id, refund.refund_id),
        "since": refund.since.isoformat(),
        "worth": f"{refund.worth.amount:f}" if refund.worth is not None else "",
        "currency": refund.worth.currency if refund.worth is not None else "",
        "return_order": refund.return_order,
        "invoice": str(refund.invoice),
        "returned": json.dumps(dict(refund.returned)),
        "parked_worth": refund.parked_worth,
        "claimed_until": refund.claimed_until.isoformat() if refund.claimed_until else "",
    }


def _read(row: TableRow) -> BookedRefund:
    order_id, refund_id = tables.part_ids_of(row["RowKey"])
    return BookedRefund(
        store=row["PartitionKey"],
        order_id=order_id,
        refund_id=refund_id,
        since=datetime.fromisoformat(row["since"]),
        worth=Money(Decimal(row["worth"]), row["currency"]) if row["worth"] else None,
        return_order=row["return_order"],
        invoice=int(row["invoice"]),
        returned=json.loads(row["returned"]),
        parked_worth=row["parked_worth"],
        claimed_until=datetime.fromisoformat(row["claimed_until"]) if row.get("claimed_until") else None,
        etag=row["etag"],
    )
