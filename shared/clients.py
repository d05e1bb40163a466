"""Clients and ports of all flows, built once per process and event loop, at the first invocation.

Constructors do no I/O, so that building them costs milliseconds; a connection opens at its first use.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from functools import partial
from typing import Final
from weakref import WeakKeyDictionary

import httpx
from azure.core.exceptions import AzureError
from azure.identity.aio import ManagedIdentityCredential

from shared.bus.publisher import TOPIC, Publisher
from shared.connections import open_blobs, open_service_bus, open_tables
from shared.d365.customers import Customers
from shared.d365.odata.breaker import CLOSED, BreakerState, SharedBreaker
from shared.d365.odata.client import ODataClient
from shared.d365.odata.leases import Leases, read_leases, write_leases
from shared.d365.odata.slots import LeasedSlots
from shared.d365.payment_journals import PaymentJournals
from shared.d365.tax import TaxSetups
from shared.errors import TransientError
from shared.flows import BY_QUEUE, EXPORT, FLOWS, ORDERS, PRICES, PRODUCTS, SHIPMENTS, STOCK, SWEEP, WRITE_BACK
from shared.model.maintenance import Maintenance
from shared.rules import StoreRules, TenantFile, load_stores, load_tenant
from shared.settings import Settings, read_settings
from shared.shopify.admin.client import AdminClient
from shared.shopify.admin.tokens import ClientCredentials, MissingCredentials
from shared.store import blobs
from shared.store.captures import Captures
from shared.store.customers import KnownCustomers
from shared.store.journal import Journal
from shared.store.links import OrderLinks
from shared.store.outage import storage_away
from shared.store.outbox import Outbox
from shared.store.parking import Parking
from shared.store.payments import JOURNALS, Payments
from shared.store.refunds import Refunds
from shared.store.shared_rows import SharedRows
from shared.store.shipments import Shipments
from shared.sync.exports import TABLES, ExportPorts
from shared.sync.messages.dispatch import QueuePorts
from shared.sync.messages.intake import IntakePorts, StoreIntake
from shared.sync.order_numbers import WriteBackPorts
from shared.sync.orders.ports import OrderPorts
from shared.sync.orders.safety import remember_parked
from shared.sync.payments import PaymentPorts
from shared.sync.prices.ports import PricePorts
from shared.sync.products.ports import ProductPorts
from shared.sync.refunds import RefundPorts
from shared.sync.shipments.fo_events import FoEventPorts
from shared.sync.shipments.ports import ShipmentPorts
from shared.sync.stock.run import StockPorts
from shared.sync.sweep.ports import SweepPorts
from shared.telemetry import emit, export_to, quiet_libraries
from shared.transport import open_transport

# No caller waits for scheduled copies, so that their timeout may be long.
_QUEUE_TIMEOUT: Final = 30.0
_FO_ENDS_AFTER: Final = 2
"""Timeouts after which F&O has ended a call. Not established by any source, nor is any other limit."""
_FILES_TIMEOUT: Final = httpx.Timeout(60.0, connect=5.0)
_SHOPIFY_TIMEOUT: Final = httpx.Timeout(30.0, connect=5.0)


@dataclass(frozen=True, slots=True)
class Services:
    """What the triggers need, ready to use."""

    rules: Mapping[str, StoreRules]
    """By store key."""
    mistakes: Mapping[str, Sequence[str]]
    """By key of each store that lacks secrets: what is missing."""
    intake: IntakePorts
    fo_events: FoEventPorts
    fo_event_mistakes: Sequence[str]
    """What is wrong with the keys for F&O's events."""
    maintenance: Maintenance
    """When F&O is known to be away."""
    queues: Mapping[str, QueuePorts]
    """By name of the queue."""
    ports: Mapping[str, object]
    """By name of the flow: what its handler takes as `ports`."""


_by_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, Services] = WeakKeyDictionary()


def services() -> Services:
    """The services of this process. Raises ConfigurationError, every time until the configuration is right."""
    loop = asyncio.get_running_loop()
    if loop not in _by_loop:
        _by_loop[loop] = build(read_settings(os.environ))
    return _by_loop[loop]


def build(settings: Settings) -> Services:
    """Raises ConfigurationError for rules that are wrong."""
    quiet_libraries()
    _export_telemetry(settings)
    tenant = load_tenant(settings.tenant_file) if settings.tenant_file else TenantFile()
    rules = load_stores(settings.stores_folder, tenant)
    credential = ManagedIdentityCredential(client_id=settings.client_id)
    tables = open_tables(settings.state, credential)
    containers = open_blobs(settings.state, credential)
    bus = open_service_bus(settings.service_bus, credential)
    claims = blobs.Bodies(containers.get_container_client(blobs.CLAIMS))
    parked = blobs.Bodies(containers.get_container_client(blobs.PARKED))
    links = OrderLinks(tables.get_table_client("links"))
    breaker = SharedRows(tables.get_table_client("breaker"), "breaker", keep_others=False)  # no value, no column
    leases = SharedRows(tables.get_table_client("breaker"), "slots")
    transport = open_transport()
    fo = ODataClient(
        settings.d365_base_url,
        credential,
        slots=LeasedSlots(
            _LeaseRow(leases, "fo"),
            ceiling=settings.d365_max_calls,
            longest_call=timedelta(seconds=_FO_ENDS_AFTER * settings.d365_timeout),
        ),
        timeout=settings.d365_timeout,
        breaker=SharedBreaker(_BreakerRow(breaker, "fo"), maintenance=settings.maintenance),
        on_call=lambda call: emit("fo.call", **asdict(call)),
        knows_fields=True,
        transport=transport,
    )
    admins = _admins(settings, rules, transport)
    tax_setups = TaxSetups(fo)
    outbox = Outbox(tables.get_table_client("outbox"))
    parking = Parking(tables.get_table_client("parked"), parked)
    shipments = Shipments(tables.get_table_client("shipments"))
    captures = Captures(tables.get_table_client("payments"))
    order_ports = OrderPorts(
        rules=rules,
        admins=admins,
        links=links,
        known_customers=KnownCustomers(tables.get_table_client("links")),
        fo=fo,
        customers=Customers(fo),
        taxes=tax_setups,
        payments=PaymentPorts(
            Payments(tables.get_table_client("payments")),
            PaymentJournals(fo, SharedRows(tables.get_table_client("payments"), JOURNALS)),
        ),
        refunds=RefundPorts(Refunds(tables.get_table_client("refunds")), fo, tax_setups),
        captures=captures,
        outbox=outbox,
        parking=parking,
        shipments=shipments,
        change_pause=timedelta(seconds=settings.order_change_pause),
    )
    snapshots = blobs.Snapshots(containers.get_container_client(blobs.STATE))
    orders_queue = Publisher(partial(bus.get_queue_sender, ORDERS.queue or ""), deadline=_QUEUE_TIMEOUT)
    shipment_ports = ShipmentPorts(
        rules=rules,
        admins=admins,
        fo=fo,
        links=links,
        parking=parking,
        shipments=shipments,
        captures=captures,
        snapshots=snapshots,
        queue=orders_queue,
    )
    journal = Journal(tables.get_table_client("journal"))
    files = httpx.AsyncClient(timeout=_FILES_TIMEOUT)
    queues = {
        name: QueuePorts(
            queue=orders_queue
            if name == ORDERS.queue
            else Publisher(partial(bus.get_queue_sender, name), deadline=_QUEUE_TIMEOUT),
            claims=claims,
            journal=journal,
            parking=parking,
            remember=partial(remember_parked, links=links) if name == ORDERS.queue else None,
            maintenance=settings.maintenance,
        )
        for name in BY_QUEUE
    }
    topic = Publisher(partial(bus.get_topic_sender, TOPIC), deadline=settings.publish_timeout)
    return Services(
        rules=rules,
        mistakes={key: settings.shops[key].mistakes for key in rules if settings.shops[key].mistakes},
        fo_events=FoEventPorts(settings.event_keys, rules, topic),
        fo_event_mistakes=settings.event_mistakes,
        maintenance=settings.maintenance,
        intake=IntakePorts(
            stores=_intakes(settings, rules),
            publisher=topic,
            claims=claims,
            notes=journal,
            max_bytes=settings.webhook_max_bytes,
        ),
        queues=queues,
        ports={
            ORDERS.name: order_ports,
            STOCK.name: StockPorts(
                rules=rules,
                admins=admins,
                fo=fo,
                links=links,
                snapshots=snapshots,
                reports=blobs.Bodies(containers.get_container_client(blobs.STATE)),
                journal=journal,
            ),
            PRICES.name: PricePorts(
                rules=rules,
                admins=admins,
                fo=fo,
                snapshots=snapshots,
                reports=blobs.Bodies(containers.get_container_client(blobs.STATE)),
                journal=journal,
                files=files,
            ),
            WRITE_BACK.name: WriteBackPorts(
                rules=rules, admins=admins, outbox=outbox, journal=journal, snapshots=snapshots
            ),
            SHIPMENTS.name: shipment_ports,
            PRODUCTS.name: ProductPorts(
                rules=rules,
                admins=admins,
                fo=fo,
                snapshots=snapshots,
                reports=blobs.Bodies(containers.get_container_client(blobs.STATE)),
                journal=journal,
                files=files,
            ),
            SWEEP.name: SweepPorts(
                orders=order_ports,
                queue=queues["orders"].queue,
                journal=journal,
                snapshots=snapshots,
                own_address=settings.webhook_base_url,
            ),
            EXPORT.name: ExportPorts(
                {name: tables.get_table_client(name) for name in TABLES},
                containers.get_container_client(blobs.EXPORTS),
            ),
        },
    )


def _export_telemetry(settings: Settings) -> None:
    if settings.application_insights:
        from shared.azure_monitor import azure_monitor  # noqa: PLC0415 - slow to load, and needed only here

        export_to(azure_monitor(settings.application_insights, settings.app_name))


def _intakes(settings: Settings, rules: Mapping[str, StoreRules]) -> dict[str, StoreIntake]:
    return {
        key: StoreIntake(
            shop_domain=store.shop_domain,
            secrets=settings.shops[key].webhook_secrets,
            flows=frozenset(flow.name for flow in FLOWS if store.runs(flow)),
            api_version=store.api_version,
            lacks_secrets=bool(settings.shops[key].mistakes),
        )
        for key, store in rules.items()
    }


def _admins(
    settings: Settings, rules: Mapping[str, StoreRules], transport: httpx.AsyncBaseTransport | None
) -> dict[str, AdminClient]:
    http = httpx.AsyncClient(timeout=_SHOPIFY_TIMEOUT, transport=transport)
    return {key: _admin(http, settings, store) for key, store in rules.items()}


def _admin(http: httpx.AsyncClient, settings: Settings, store: StoreRules) -> AdminClient:
    url = settings.shopify_base_url.format(shop_domain=store.shop_domain)
    shop = settings.shops[store.key]
    scopes = {scope for flow in FLOWS if store.runs(flow) for scope in flow.scopes}
    return AdminClient(
        http,
        url,
        api_version=store.api_version,
        tokens=ClientCredentials(http, url, client_id=shop.client_id, client_secret=shop.client_secret, scopes=scopes)
        if shop.client_id and shop.client_secret.reveal()
        else MissingCredentials(),
        on_call=lambda call: emit("shopify.call", store=store.key, **asdict(call)),
        on_other_version=lambda version: emit(
            "shopify.other_version",
            level=logging.WARNING,
            store=store.key,
            traffic="answers",
            version=version,
            expected=store.api_version,
        ),
    )


class _BreakerRow:
    """The breaker's state as a table row."""

    def __init__(self, rows: SharedRows, name: str) -> None:
        self._rows = rows
        self._name = name

    async def load(self) -> tuple[BreakerState, str | None]:
        row, etag = await self._rows.load(self._name)
        if row is None:
            return CLOSED, etag
        state = BreakerState(
            failures=row["failures"],
            since=row.get("since"),
            open_until=row.get("open_until"),
            probing=row["probing"],
        )
        return state, etag

    async def save(self, state: BreakerState, etag: str | None) -> str | None:
        values = {name: value for name, value in asdict(state).items() if value is not None}
        saved = await self._rows.save(self._name, values, etag)
        if saved is not None:
            is_open = state.open_until is not None
            emit("breaker.changed", system="fo", open=is_open, probing=state.probing, failures=state.failures)
        return saved


class _LeaseRow:
    """The leased slots as a table row: one text, since each write is about all of them."""

    def __init__(self, rows: SharedRows, name: str) -> None:
        self._rows = rows
        self._name = name

    async def load(self) -> tuple[Leases, str | None]:
        try:
            row, etag = await self._rows.load(self._name)
        except AzureError as error:
            raise storage_away(error) from error
        try:
            return read_leases(row["leases"]) if row else Leases(), etag
        except (KeyError, TypeError, ValueError) as error:
            # Another release may have written it. A call waits: it must not be made without knowing of the others.
            raise TransientError("the row `fo` of partition `slots` in the table `breaker` cannot be read") from error

    async def save(self, leases: Leases, etag: str | None) -> str | None:
        try:
            return await self._rows.save(self._name, {"leases": write_leases(leases)}, etag)
        except AzureError as error:
            raise storage_away(error) from error
