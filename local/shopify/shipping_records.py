"""Fulfilment orders, and the fulfilments (parcels) made from them."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any


@dataclass(slots=True)
class Hold:
    """`app` is the id of the app that holds; None for staff."""

    id: int
    reason: str
    notes: str | None
    handle: str
    app: int | None


@dataclass(slots=True)
class FulfillmentOrderLine:
    """Units of a line of the order: in total, and those not fulfilled yet."""

    id: int
    line_id: int
    total: int
    remaining: int


@dataclass(slots=True)
class FulfillmentOrder:
    """Units of an order that one location has to fulfil."""

    id: int
    location_id: int
    delivery_method: str
    created_at: datetime
    updated_at: datetime
    lines: list[FulfillmentOrderLine]
    #: from the full hour of it on; before it, the fulfilment order is scheduled
    fulfill_at: datetime
    request_status: str = "UNSUBMITTED"
    holds: list[Hold] = field(default_factory=list)
    is_closed: bool = False
    #: progress was reported, and it was not opened again
    in_progress: bool = False
    #: closed because its units went to another fulfilment order; hidden from the merchant
    combined: bool = False
    #: the fulfilment order with the units that a partial hold left free
    remainder_id: int | None = None
    #: units that the buyer was told to pick up
    prepared: int = 0

    @property
    def remaining(self) -> int:
        return sum(line.remaining for line in self.lines)

    @property
    def shipped(self) -> int:
        return sum(line.total - line.remaining for line in self.lines)

    def status(self, now: datetime) -> str:
        if self.is_closed:
            return "CLOSED"
        if self.request_status == "CLOSED":
            return "INCOMPLETE"
        if self.holds:
            return "ON_HOLD"
        if self.fulfill_at > now:
            return "SCHEDULED"
        return "IN_PROGRESS" if self.in_progress or self.shipped else "OPEN"

    def line(self, line_id: int) -> FulfillmentOrderLine | None:
        """Its units of a line of the order."""
        return next((each for each in self.lines if each.line_id == line_id), None)


def full_hour(moment: datetime) -> datetime:
    """`fulfillAt` is the full hour, as recorded."""
    return moment - timedelta(minutes=moment.minute, seconds=moment.second, microseconds=moment.microsecond)


@dataclass(frozen=True, slots=True)
class Tracking:
    number: str | None
    url: str | None


@dataclass(frozen=True, slots=True)
class FulfilledUnits:
    """Units that a fulfilment took from one line of a fulfilment order."""

    fulfillment_order_id: int
    line_id: int
    quantity: int


@dataclass(frozen=True, slots=True)
class FulfillmentLine:
    id: int
    line_id: int
    quantity: int


@dataclass(frozen=True, slots=True)
class ShipmentEvent:
    """What happened to a parcel on its way; `given` are the fields of FulfillmentEventInput."""

    id: int
    status: str
    happened_at: datetime
    created_at: datetime
    given: dict[str, Any]


@dataclass(slots=True)
class Fulfillment:
    id: int
    name: str
    location_id: int
    created_at: datetime
    updated_at: datetime
    lines: tuple[FulfillmentLine, ...]
    taken: tuple[FulfilledUnits, ...]
    tracking_company: str | None
    tracking: tuple[Tracking, ...]
    origin_address: dict[str, Any] | None = None
    is_cancelled: bool = False
    events: list[ShipmentEvent] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Notice:
    """A mail to the buyer.

    `kind`: shipping_confirmation, shipping_update, ready_for_pickup, order_cancelled or refund; `subject` is the id of
    the fulfilment, the fulfilment order, the order or the refund that it is about.
    """

    kind: str
    subject: int
    sent_at: datetime
    numbers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RoutingChange:
    """The body of a webhook about a fulfilment order or a hold, as it was when it happened."""

    document: dict[str, Any]
