"""Both simulators, Azure's tables and blobs, and the app between them: its flow, its queue, its sweeps."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import httpx
from azure.data.tables.aio import TableServiceClient
from azure.storage.blob.aio import BlobServiceClient
from order_changes_fixtures import Identity, NoBreaker
from shopify_sim_fixtures import checkout

from local.azurite import connection_string, start_azurite
from local.d365 import Simulator, load_world, run_d365
from local.process import free_port
from local.shopify import RunningShopify, run_shopify
from local.shopify.bodies import body
from local.shopify.events import Event, paid_event, transaction_events
from local.shopify.life_control import live
from local.shopify.model import Subscription
from local.shopify.order import Order
from local.shopify.placing import place_order
from local.shopify.state import Shop
from local.shopify.topics import ENDPOINTS
from local.shopify.webhooks import encode
from shared.bus.envelope import Envelope
from shared.d365.client import ODataClient
from shared.d365.customers import Customers
from shared.d365.payment_journals import PaymentJournals
from shared.d365.tax import TaxSetups
from shared.settings import Secret
from shared.shopify.bucket import CostBucket
from shared.shopify.client import AdminClient
from shared.shopify.scopes import REQUIRED_SCOPES
from shared.shopify.tokens import ClientCredentials
from shared.store.blobs import Bodies, Snapshots
from shared.store.customers import KnownCustomers
from shared.store.journal import Journal
from shared.store.links import OrderLink, OrderLinks
from shared.store.outbox import Outbox
from shared.store.parking import Parking
from shared.store.payments import JournalRows, Payments
from shared.store.refunds import BookedRefund, Refunds
from shared.sync.dispatch import Desk, handle_message
from shared.sync.order import OrderPorts, sync_order
from shared.sync.payments import PaymentPorts
from shared.sync.refunds import RefundPorts
from shared.sync.sweep import SweepPorts, sweep_orders
from tests.builders.sales import EU, US, with_rules

ROOT = Path(__file__).parents[2]
LINES = "SalesOrderLinesV3"
PAYMENT_LINES = "CustomerPaymentJournalLines"
_names = count(1)


@dataclass
class Storage:
    """Azurite; every town has tables and containers of its own."""

    tables: TableServiceClient
    blobs: BlobServiceClient

    async def table(self) -> Any:
        return await self.tables.create_table(f"swept{next(_names)}")

    async def container(self) -> Any:
        return await self.blobs.create_container(f"swept{next(_names)}")


@asynccontextmanager
async def azure_storage() -> AsyncIterator[Storage]:
    ports = {name: free_port() for name in ("blob", "queue", "table")}
    part = await start_azurite(ROOT, **{f"{name}_port": port for name, port in ports.items()}, log=lambda *_: None)
    try:
        connection = connection_string(ports["blob"], ports["queue"], ports["table"])
        async with (
            TableServiceClient.from_connection_string(connection) as tables,
            BlobServiceClient.from_connection_string(connection) as blobs,
        ):
            yield Storage(tables, blobs)
    finally:
        await part.stop()


@dataclass
class Clock:
    """Shopify's and the sweep's time of day, two days ago: no order is of the future when it is put forward."""

    ahead: timedelta = timedelta(days=-2)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def seconds(self) -> float:
        return self.now().timestamp()

    async def sleep(self, seconds: float) -> None:
        self.ahead += timedelta(seconds=seconds)

    def forward(self, minutes: float) -> None:
        self.ahead += timedelta(minutes=minutes)


class Queue:
    """The orders' queue: what was sent and not handled yet. A message id that it had is dropped."""

    def __init__(self) -> None:
        self.waiting: list[Envelope] = []
        self.seen: set[str] = set()

    async def publish(self, envelope: Envelope, *, at: datetime | None = None) -> None:
        if envelope.message_id not in self.seen:
            self.seen.add(envelope.message_id)
            self.waiting.append(envelope)


@dataclass
class Meanwhile:
    """The Admin client, with what happens in the world before each call of a name."""

    client: Any
    before: dict[str, Callable[[], Awaitable[None]]]

    async def run(self, query: Any, variables: dict[str, Any]) -> dict[str, Any]:
        if query.name in self.before:
            await self.before[query.name]()
        return await self.client.run(query, variables)


@dataclass
class Town:
    """One app with its stores, and the people on both sides."""

    storage: Storage
    shopify: RunningShopify
    fo: Simulator
    client: ODataClient
    ports: SweepPorts
    desk: Desk
    queue: Queue
    clock: Clock
    told: list[dict[str, Any]] = field(default_factory=list)

    # ---- Shopify

    def shop(self, store: str = "nordlys") -> Shop:
        return self.shopify.simulator.shops[self.ports.orders.rules[store].shop_domain]

    def buy(self, store: str = "nordlys", **wish: Any) -> Order:
        """An order that no webhook tells of."""
        plain = checkout() if store == "nordlys" else {"lines": [{"sku": "TEE-BLU-M", "quantity": 1}]}
        plain |= (
            {"shipping": [{"title": "Standard", "code": "STANDARD", "price": "4.95"}]} if store == "nordlys" else {}
        )
        return place_order(self.shop(store), {**plain, **wish})

    async def bought(self, **wish: Any) -> Order:
        """An order that Shopify told of, so that F&O has it."""
        order = self.buy(**wish)
        await self.hear(order, Event("orders/create", order))
        for event in (*transaction_events(order.transactions), *paid_event(order, "")):
            await self.hear(order, event)
        assert await self.number(order)
        return order

    async def step(self, order: Order, name: str, *, hear: tuple[str, ...] = (), **wish: Any) -> None:
        """What happens to the order in Shopify a minute later; of its webhooks those of the topics in `hear` arrive."""
        self.clock.forward(1)
        for event in live(self.shop(), order, name, wish):
            if event.topic in hear:
                await self.hear(order, event)

    async def hear(self, order: Order, event: Event) -> None:
        """One webhook, handled at once."""
        envelope = Envelope(
            flow="orders",
            event_id=f"webhook-{next(_names)}",
            source="shopify",
            store="nordlys",
            topic=event.topic,
            entity_id=str(order.id),
            occurred_at=self.clock.now(),
            traceparent="",
            body=encode(body(self.shop(), order, event)),
        )
        await self.handle(envelope)

    def fault(self, kind: str, **parameters: Any) -> None:
        self.shopify.simulator.faults.add({"kind": kind, **parameters})

    def subscribe(self) -> None:
        """The shop's subscriptions to all topics, as the Admin API makes them."""
        shop = self.shop()
        for topic, family in ENDPOINTS.items():
            uri = f"https://app.example.com/api/webhooks/shopify/nordlys/{family}"
            number = shop.next_id()
            shop.subscriptions[number] = Subscription(
                id=number, topic=topic, uri=uri, api_version="2026-10", created_at=self.clock.now(), through_api=True
            )

    def unsubscribe(self, *topics: str) -> None:
        shop = self.shop()
        kept = {number: each for number, each in shop.subscriptions.items() if each.topic not in topics}
        shop.subscriptions.clear()
        shop.subscriptions.update(kept)

    # ---- the app

    async def handle(self, envelope: Envelope) -> None:
        flow = partial(sync_order, ports=self.ports.orders)
        await handle_message(flow, envelope.body, envelope.properties(), envelope.message_id, self.desk)

    async def work(self) -> list[str]:
        """Handles what is in the queue; gives the orders' ids."""
        batch, self.queue.waiting = self.queue.waiting, []
        for envelope in batch:
            await self.handle(envelope)
        return [envelope.entity_id for envelope in batch]

    async def sweep(self) -> None:
        self.told.clear()
        await sweep_orders(self.ports, now=self.clock.now)

    async def later(self, minutes: float = 15) -> list[str]:
        """The next run; gives the ids of the orders that it sent."""
        self.clock.forward(minutes)
        await self.sweep()
        return [envelope.entity_id for envelope in self.queue.waiting]

    def meanwhile(self, **before: Callable[[], Awaitable[None]]) -> None:
        """What happens in the world before each call to Shopify of such a name, from now on."""
        clients = {key: getattr(each, "client", each) for key, each in self.ports.orders.admins.items()}
        admins = {key: Meanwhile(client, before) for key, client in clients.items()}
        self.ports = replace(self.ports, orders=replace(self.ports.orders, admins=admins))

    async def refunds(self, order: Order) -> dict[int, BookedRefund]:
        return await self.ports.orders.refunds.refunds.of_order("nordlys", order.id)

    async def forget_refunds(self) -> None:
        """As if no event had ever told of any."""
        orders = self.ports.orders
        forgotten = RefundPorts(Refunds(await self.storage.table()), self.client, orders.taxes)
        self.ports = replace(self.ports, orders=replace(orders, refunds=forgotten))

    def events(self, name: str, store: str = "nordlys") -> list[dict[str, Any]]:
        return [each for each in self.told if (each["event"], each["store"]) == (name, store)]

    async def number(self, order: Order) -> str:
        return (await self.link(order)).sales_order

    async def link(self, order: Order) -> OrderLink:
        link = await self.ports.orders.links.get("nordlys", order.id)
        return link or OrderLink("nordlys", order.id, datetime.min.replace(tzinfo=UTC))

    async def journal(self, order: Order, outcome: str) -> list[dict[str, Any]]:
        life = await self.ports.journal.life("nordlys", str(order.id))
        return [row for row in life if row["outcome"] == outcome]

    def use(self, **tables: Any) -> None:
        """Other rules of the store nordlys."""
        rules = self.ports.orders.rules
        changed = {**rules, "nordlys": with_rules(rules["nordlys"], **tables)}
        self.ports = replace(self.ports, orders=replace(self.ports.orders, rules=changed))

    # ---- F&O

    async def lines(self, order: Order) -> list[dict[str, Any]]:
        number = await self.number(order)
        fields = ("InventoryLotId", "SalesOrderNumber", "ItemNumber", "SalesPrice", "LineAmount")
        rows = await self.client.query(LINES, company="nleu", where=None, select=fields)
        return [row for row in rows if row["SalesOrderNumber"] == number]

    async def reprice(self, order: Order, price: object) -> None:
        """A person changes the price of the first line in F&O."""
        lot = (await self.lines(order))[0]["InventoryLotId"]
        await self.client.update(LINES, {"dataAreaId": "nleu", "InventoryLotId": lot}, {"SalesPrice": price})

    async def payments(self) -> list[dict[str, Any]]:
        fields = ("JournalBatchNumber", "LineNumber", "PaymentId", "PaymentReference", "CreditAmount")
        return await self.client.query(PAYMENT_LINES, company="nleu", where=None, select=fields)

    async def delete_payments(self, order: Order) -> None:
        """A person deletes the order's payment lines in F&O."""
        number = await self.number(order)
        for row in await self.payments():
            if row["PaymentReference"] == number:
                key = {name: row[name] for name in ("JournalBatchNumber", "LineNumber")}
                await self.client.delete(PAYMENT_LINES, {"dataAreaId": "nleu", **key})

    async def post(self, url: str) -> None:
        """What F&O does by itself: pack, invoice."""
        async with httpx.AsyncClient() as http:
            answer = await http.post(url, json={})
            assert answer.is_success, answer.text

    def fo_calls(self) -> list[str]:
        return [call.split("?")[0] for call, times in self.fo.http_calls.items() for _ in range(times)]

    def shopify_calls(self) -> list[str]:
        return [call.operation for call in self.shopify.simulator.calls]

    def forget_calls(self) -> None:
        self.fo.http_calls.clear()
        self.shopify.simulator.calls.clear()


@asynccontextmanager
async def running_town(storage: Storage) -> AsyncIterator[Town]:
    clock = Clock()
    async with (
        run_shopify(clock=clock.now, time_scale=0) as shopify,
        run_d365(load_world(ROOT / "local/world.toml")) as fo,
        httpx.AsyncClient(timeout=10) as http,
    ):
        client = ODataClient(
            fo.base_url, Identity(fo), max_calls=8, timeout=10, breaker=NoBreaker(), on_call=lambda _: None
        )
        queue, links, payments = Queue(), await storage.table(), await storage.table()
        journal = Journal(await storage.table())
        bodies = Bodies(await storage.container())
        parking = Parking(await storage.table(), bodies)
        orders = OrderPorts(
            rules={each.key: each for each in (EU, US)},
            admins={each.key: _admin(http, shopify, each.key, each.shop_domain, clock) for each in (EU, US)},
            links=OrderLinks(links),
            known_customers=KnownCustomers(links),
            fo=client,
            customers=Customers(client),
            taxes=TaxSetups(client),
            payments=PaymentPorts(Payments(payments), PaymentJournals(client, JournalRows(payments))),
            refunds=RefundPorts(Refunds(await storage.table()), client, TaxSetups(client)),
            outbox=Outbox(await storage.table()),
            parking=parking,
        )
        ports = SweepPorts(orders, queue, journal, Snapshots(await storage.container()))
        town = Town(storage, shopify, fo, client, ports, Desk(queue, bodies, journal, parking), queue, clock)
        with _listening(town.told):
            yield town
        await client.aclose()


@contextmanager
def _listening(told: list[dict[str, Any]]) -> Iterator[None]:
    """What the app tells of itself, as it is told."""

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            told.append({"store": "", **json.loads(record.getMessage()), "level": record.levelname})

    connector, ear = logging.getLogger("connector"), Ear()
    level = connector.level
    connector.addHandler(ear)
    connector.setLevel(logging.INFO)
    try:
        yield
    finally:
        connector.removeHandler(ear)
        connector.setLevel(level)


def _admin(http: httpx.AsyncClient, shopify: RunningShopify, store: str, domain: str, clock: Clock) -> AdminClient:
    url = f"{shopify.url}/{domain}"
    return AdminClient(
        http,
        url,
        api_version="2026-10",
        tokens=ClientCredentials(
            http,
            url,
            client_id=f"dev-{store}-client",
            client_secret=Secret(f"dev-{store}-new"),
            scopes=REQUIRED_SCOPES["orders"],
        ),
        on_call=lambda _: None,
        on_other_version=lambda _: None,
        bucket=CostBucket(clock=clock.seconds),
        sleep=clock.sleep,
    )
