"""How F&O's status fields follow from what happened to the lines."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

_SALES_STATUS = {
    "Awaiting": "Backorder",
    "Registered": "Backorder",
    "Quarantine": "Backorder",
    "Received": "Delivered",
    "Invoiced": "Invoiced",
    "Canceled": "Canceled",
}
"""The member of SalesStatus for each of ReturnStatusLine."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a sales line has come: quantities delivered, invoiced, given up, and picked for the next delivery; with
    warehouse management those released, on a wave and packed, of which what was delivered stays a part.
    """

    delivered: Decimal = Decimal(0)
    invoiced: Decimal = Decimal(0)
    canceled: Decimal = Decimal(0)
    picked: Decimal = Decimal(0)
    released: Decimal = Decimal(0)
    on_wave: Decimal = Decimal(0)
    packed: Decimal = Decimal(0)
    worked_at: datetime | None = None
    """When the warehouse's own figures of the line changed last."""

    def remaining(self, ordered: Decimal) -> Decimal:
        """What is still to be delivered; nothing when more than ordered left."""
        rest = ordered - self.delivered - self.canceled
        return rest if rest * ordered > 0 else Decimal(0)

    @property
    def in_warehouse(self) -> Decimal:
        """Released and not delivered yet: there is work for it."""
        return max(Decimal(0), self.released - self.delivered)


def line_status(ordered: Decimal, progress: Progress) -> str:
    """A member of SalesStatus."""
    if progress.remaining(ordered) != 0:
        return "Backorder"
    if progress.delivered == 0:
        return "Canceled"
    return "Invoiced" if progress.invoiced == progress.delivered else "Delivered"


def order_status(lines: Sequence[str]) -> str:
    """The least advanced of the lines' statuses; canceled lines count only when there is nothing else."""
    if not lines:
        return "None"
    living = [status for status in lines if status != "Canceled"]
    return min(living, key=("Backorder", "Delivered", "Invoiced").index, default="Canceled")


def processing_status(status: str, lines: Sequence[Progress], current: str) -> str:
    """A member of SalesOrderProcessingStatus; `current` lasts (confirmed, picked) until goods move."""
    if status in ("Invoiced", "Canceled"):
        return status
    if any(line.invoiced for line in lines):
        return "DeliveredPartiallyInvoiced" if status == "Delivered" else "PartiallyInvoiced"
    if status == "Delivered":
        return "Delivered"
    if any(line.delivered for line in lines):
        return "PartiallyDelivered"
    return current if current in ("Confirmed", "Picked") else "Active"


def return_sales_status(lines: Sequence[str]) -> str:
    """A member of SalesStatus, from its lines' members of ReturnStatusLine."""
    return order_status([_SALES_STATUS[status] for status in lines])


def return_header_status(lines: Sequence[str]) -> str:
    """A member of ReturnStatusHeader: open once anything arrived, closed when everything is credited."""
    living = [status for status in lines if status != "Canceled"]
    if lines and not living:
        return "Canceled"
    if living and all(status == "Invoiced" for status in living):
        return "Closed"
    return "Created" if all(status == "Awaiting" for status in living) else "Open"
