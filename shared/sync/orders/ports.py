"""What the flow of orders works with outside of itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from shared.d365.customers import Customers
from shared.d365.items import ItemCache
from shared.d365.odata.client import ODataClient
from shared.d365.tax import TaxSetups
from shared.rules import StoreRules
from shared.shopify.admin.client import AdminClient
from shared.shopify.supplements import Supplements
from shared.store.captures import Captures
from shared.store.customers import KnownCustomers
from shared.store.links import OrderLinks
from shared.store.outbox import Outbox
from shared.store.parking import Parking
from shared.store.shipments import Shipments
from shared.sync.payments import PaymentPorts
from shared.sync.refunds import RefundPorts


class HandledOrders:
    """The latest orders of which this process has handled an event. All events of an order come one after the other,
    and nearly always to one process.
    """

    def __init__(self, *, most: int = 10_000) -> None:
        self._most = most
        self._orders: dict[tuple[str, int], None] = {}

    def add(self, store: str, order_id: int) -> bool:
        """Whether the order is none of them."""
        is_new = (store, order_id) not in self._orders
        self._orders[store, order_id] = None
        if len(self._orders) > self._most:
            del self._orders[next(iter(self._orders))]
        return is_new


@dataclass(frozen=True, slots=True)
class OrderPorts:
    rules: Mapping[str, StoreRules]
    admins: Mapping[str, AdminClient]
    """Both by store key."""
    links: OrderLinks
    known_customers: KnownCustomers
    fo: ODataClient
    customers: Customers
    taxes: TaxSetups
    payments: PaymentPorts
    refunds: RefundPorts
    captures: Captures
    outbox: Outbox
    parking: Parking
    shipments: Shipments
    """What the app made of packing slips, by which it knows its own fulfilments."""
    items: ItemCache = field(default_factory=ItemCache)
    supplements: Supplements = field(default_factory=Supplements)
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    handled: HandledOrders = field(default_factory=HandledOrders)
    change_pause: timedelta = timedelta(0)
    """Between two changes of one sales order (shared/sync/orders/pause.py)."""
