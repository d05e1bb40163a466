"""Everything the flows need from outside, built once per process and event loop, at the first invocation.

Constructors do no I/O, so building them all costs milliseconds; a connection opens with its first use.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import Final
from weakref import WeakKeyDictionary

import httpx
from azure.core.credentials_async import AsyncTokenCredential
from azure.data.tables.aio import TableServiceClient
from azure.identity.aio import ManagedIdentityCredential
from azure.servicebus.aio import ServiceBusClient
from azure.storage.blob.aio import BlobServiceClient

from shared.bus.publisher import TOPIC, Publisher
from shared.d365.breaker import CLOSED, BreakerState, SharedBreaker
from shared.d365.client import ODataClient
from shared.d365.customers import Customers
from shared.rules import StoreRules, load_stores
from shared.settings import ServiceBusConnection, Settings, StorageConnection, read_settings
from shared.shopify.client import AdminClient
from shared.shopify.scopes import REQUIRED_SCOPES
from shared.shopify.tokens import ClientCredentials
from shared.store import blobs
from shared.store.breaker import SharedRow
from shared.store.customers import KnownCustomers
from shared.store.journal import Journal
from shared.store.links import OrderLinks
from shared.store.parking import Parking
from shared.sync.dispatch import Desk, Flow
from shared.sync.intake import Door, IntakePorts
from shared.sync.order import OrderPorts, sync_order
from shared.sync.stock_run import StockPorts
from shared.telemetry import quiet_libraries, tell

# Scheduled copies and parked records have no caller who waits: what counts there is that they arrive.
_QUEUE_TIMEOUT: Final = 30.0
_SHOPIFY_TIMEOUT: Final = httpx.Timeout(30.0, connect=5.0)


@dataclass(frozen=True, slots=True)
class Services:
    """What each trigger needs, ready to use."""

    rules: Mapping[str, StoreRules]
    intake: IntakePorts
    sync_order: Flow
    orders_desk: Desk
    stock: StockPorts


_by_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, Services] = WeakKeyDictionary()


def services() -> Services:
    """The services of this process. Raises ConfigurationError, every time until the configuration is right."""
    loop = asyncio.get_running_loop()
    if loop not in _by_loop:
        _by_loop[loop] = build(read_settings(os.environ))
    return _by_loop[loop]


def build(settings: Settings) -> Services:
    quiet_libraries()
    rules = load_stores(settings.stores_folder)
    credential = ManagedIdentityCredential(client_id=settings.client_id)
    tables = _tables(settings.state, credential)
    containers = _blobs(settings.state, credential)
    bus = _service_bus(settings.service_bus, credential)
    claims = blobs.Bodies(containers.get_container_client(blobs.CLAIMS))
    parked = blobs.Bodies(containers.get_container_client(blobs.PARKED))
    links = OrderLinks(tables.get_table_client("links"))
    fo = ODataClient(
        settings.d365_base_url,
        credential,
        max_calls=settings.d365_max_calls,
        timeout=settings.d365_timeout,
        breaker=SharedBreaker(_BreakerRow(SharedRow(tables.get_table_client("breaker"), "fo"))),
        on_call=lambda call: tell("fo.call", **asdict(call)),
    )
    admins = _admins(settings, rules)
    order_ports = OrderPorts(
        rules=rules,
        admins=admins,
        links=links,
        known_customers=KnownCustomers(tables.get_table_client("links")),
        fo=fo,
        customers=Customers(fo),
    )
    journal = Journal(tables.get_table_client("journal"))
    return Services(
        rules=rules,
        intake=IntakePorts(
            doors=_doors(settings, rules),
            publisher=Publisher(partial(bus.get_topic_sender, TOPIC), deadline=settings.publish_timeout),
            claims=claims,
            max_bytes=settings.webhook_max_bytes,
        ),
        sync_order=partial(sync_order, ports=order_ports),
        orders_desk=Desk(
            queue=Publisher(partial(bus.get_queue_sender, "orders"), deadline=_QUEUE_TIMEOUT),
            claims=claims,
            journal=journal,
            parking=Parking(tables.get_table_client("parked"), parked),
        ),
        stock=StockPorts(
            rules=rules,
            admins=admins,
            fo=fo,
            links=links,
            snapshots=blobs.Snapshots(containers.get_container_client(blobs.STATE)),
            reports=blobs.Bodies(containers.get_container_client(blobs.STATE)),
            journal=journal,
        ),
    )


def _doors(settings: Settings, rules: Mapping[str, StoreRules]) -> dict[str, Door]:
    return {
        key: Door(
            shop_domain=store.shop_domain,
            secrets=settings.shops[key].webhook_secrets,
            flows=frozenset(flow for flow, is_on in store.flows if is_on),
        )
        for key, store in rules.items()
    }


def _admins(settings: Settings, rules: Mapping[str, StoreRules]) -> dict[str, AdminClient]:
    http = httpx.AsyncClient(timeout=_SHOPIFY_TIMEOUT)
    return {key: _admin(http, settings, store) for key, store in rules.items()}


def _admin(http: httpx.AsyncClient, settings: Settings, store: StoreRules) -> AdminClient:
    url = settings.shopify_base_url.format(shop_domain=store.shop_domain)
    shop = settings.shops[store.key]
    scopes = {scope for flow, is_on in store.flows if is_on for scope in REQUIRED_SCOPES[flow]}
    return AdminClient(
        http,
        url,
        api_version=store.api_version,
        tokens=ClientCredentials(http, url, client_id=shop.client_id, client_secret=shop.client_secret, scopes=scopes),
        on_call=lambda call: tell("shopify.call", store=store.key, **asdict(call)),
        on_other_version=lambda version: tell("shopify.other_version", store=store.key, version=version),
    )


def _service_bus(connection: ServiceBusConnection, credential: AsyncTokenCredential) -> ServiceBusClient:
    if connection.connection_string:
        return ServiceBusClient.from_connection_string(connection.connection_string.reveal())
    return ServiceBusClient(connection.namespace or "", credential)


def _tables(connection: StorageConnection, credential: AsyncTokenCredential) -> TableServiceClient:
    if connection.connection_string:
        return TableServiceClient.from_connection_string(connection.connection_string.reveal())
    return TableServiceClient(connection.table_uri or "", credential=credential)


def _blobs(connection: StorageConnection, credential: AsyncTokenCredential) -> BlobServiceClient:
    if connection.connection_string:
        return BlobServiceClient.from_connection_string(connection.connection_string.reveal())
    return BlobServiceClient(connection.blob_uri or "", credential=credential)


class _BreakerRow:
    """The breaker's state as a table row."""

    def __init__(self, row: SharedRow) -> None:
        self._row = row

    async def load(self) -> tuple[BreakerState, str | None]:
        row, etag = await self._row.load()
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
        return await self._row.save(values, etag)
