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
    change_pause: timedelta = timedelta(0)
    """Between two changes of one sales order (shared/sync/orders/pause.py)."""
