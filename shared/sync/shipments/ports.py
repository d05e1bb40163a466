"""What the flow of shipments works with outside of itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from shared.bus.envelope import Envelope
from shared.d365.odata.client import ODataClient
from shared.rules import StoreRules
from shared.shopify.admin.client import AdminClient
from shared.store.blobs import Snapshots
from shared.store.captures import Captures
from shared.store.links import OrderLinks
from shared.store.parking import Parking
from shared.store.shipments import Shipments


class Queue(Protocol):
    async def publish(self, envelope: Envelope, *, at: datetime | None = None) -> None: ...


@dataclass(frozen=True, slots=True)
class ShipmentPorts:
    rules: Mapping[str, StoreRules]
    admins: Mapping[str, AdminClient]
    """Both by store key."""
    fo: ODataClient
    links: OrderLinks
    parking: Parking
    shipments: Shipments
    captures: Captures
    snapshots: Snapshots
    queue: Queue
    """That of the orders: shipments of an order are handled in its session."""
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
