"""What the sweep works with outside of itself."""

from __future__ import annotations

from dataclasses import dataclass

from shared.bus.publisher import Publisher
from shared.store.blobs import Snapshots
from shared.store.journal import Journal
from shared.sync.orders.ports import OrderPorts


@dataclass(frozen=True, slots=True)
class SweepPorts:
    orders: OrderPorts
    queue: Publisher
    """Into the orders' queue."""
    journal: Journal
    snapshots: Snapshots
    own_address: str = ""
    """Where Shopify reaches the app, without a trailing slash; "" where it is not known."""
