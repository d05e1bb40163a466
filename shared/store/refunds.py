"""What F&O has of each refund: the table `refunds`."""

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


@dataclass(frozen=True, slots=True)
class BookedRefund:
    """What became of one refund."""

    store: str
    order_id: int
    refund_id: int
    since: datetime
    """When we first had to do with it."""
    worth: Money | None = None
    """What was credited, parts of the order that became smaller included; None while it is not done."""
    return_order: str = ""
    """ReturnOrderNumber, if it has one."""
    invoice: int = 0
    """InvoiceIdentifier of the free text invoice, if it has one."""
    returned: Mapping[str, int] = field(default_factory=dict)
    """Lot of the sales line -> units that the return order takes back."""
    parked_worth: str = ""
    """What the refund was worth when it was parked because it had changed."""
    etag: str | None = None

    @property
    def documents(self) -> tuple[str, ...]:
        """In words."""
        return (
            *([f"return order {self.return_order}"] if self.return_order else []),
            *([f"free text invoice {self.invoice}"] if self.invoice else []),
        )


class Refunds:
    """A row for each refund: partition = store, row = order and refund, padded so that ids sort."""

    def __init__(self, table: TableClient) -> None:
        self._table = table

    async def of_order(self, store: str, order_id: int) -> dict[int, BookedRefund]:
        """By refund id, what is booked or begun."""
        found = self._table.query_entities(
            "PartitionKey eq @store and RowKey ge @first and RowKey lt @after",
            parameters={"store": store, "first": _row_key(order_id, 0), "after": _row_key(order_id + 1, 0)},
        )
        refunds = [_read({**row, "etag": row.metadata["etag"]}) async for row in found]
        return {refund.refund_id: refund for refund in refunds}

    async def put(self, refund: BookedRefund) -> BookedRefund:
        """Writes over the state that the refund was read in. Raises TransientError when another worker was faster."""
        etag = await tables.write(self._table, _row(refund), etag=refund.etag)
        if etag is None:
            raise TransientError(f"refund {refund.refund_id} was changed by another worker")
        return replace(refund, etag=etag)


def _row_key(order_id: int, refund_id: int) -> str:
    return f"{order_id:020d}-{refund_id:020d}"


def _row(refund: BookedRefund) -> tables.Row:
    return {
        "PartitionKey": refund.store,
        "RowKey": _row_key(refund.order_id, refund.refund_id),
        "since": refund.since.isoformat(),
        "worth": f"{refund.worth.amount:f}" if refund.worth is not None else "",
        "currency": refund.worth.currency if refund.worth is not None else "",
        "return_order": refund.return_order,
        "invoice": str(refund.invoice),
        "returned": json.dumps(dict(refund.returned)),
        "parked_worth": refund.parked_worth,
    }


def _read(row: tables.Row) -> BookedRefund:
    order_id, refund_id = map(int, row["RowKey"].split("-"))
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
        etag=row["etag"],
    )
