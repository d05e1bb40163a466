"""The Shopify simulator, and several installations of the app, each with its own F&O and its own tables."""

from __future__ import annotations

import tomllib
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256
from typing import Any, Final, cast

import httpx
from aiohttp import web
from azure.core.credentials import AccessToken
from builders.root import ROOT

from local.d365 import Options, Simulator, World, parse_world, run_d365
from local.d365.server import Server
from local.shopify import run_shopify
from local.shopify.admin_http import AdminApi
from local.shopify.events import Event
from local.shopify.order import Order
from local.shopify.state import Shop
from local.shopify.state import Simulator as ShopifySimulator
from local.shopify.world import load_world as load_shops
from shared.bus.envelope import Envelope
from shared.d365.customers import Customers
from shared.d365.odata.client import ODataClient
from shared.d365.payment_journals import PaymentJournals
from shared.d365.tax import TaxSetups
from shared.errors import RefusedError, TransientError
from shared.flows import ORDERS, SHIPMENTS
from shared.rules import StoreRules
from shared.settings import Secret
from shared.shopify.admin.bucket import CostBucket
from shared.shopify.admin.client import AdminClient
from shared.shopify.admin.tokens import ClientCredentials
from shared.shopify.orders import ALL_ORDERS
from shared.store.captures import Captures
from shared.store.customers import KnownCustomers
from shared.store.journal import Journal
from shared.store.links import OrderLink, OrderLinks
from shared.store.outbox import Outbox
from shared.store.parking import ParkedMessage, Parking
from shared.store.payments import Payments
from shared.store.refunds import Refunds
from shared.store.shared_rows import SharedRows
from shared.store.shipments import Shipments
from shared.sync.messages.dispatch import QueuePorts, handle_message
from shared.sync.messages.outcome import MessageOutcome, Park, Retry, RetryPolicy, as_parts
from shared.sync.messages.parked import ParkedPorts, bring, discard, release, release_hold, replay
from shared.sync.orders.flow import sync_order
from shared.sync.orders.ports import OrderPorts
from shared.sync.orders.safety import remember_parked
from shared.sync.payments import PaymentPorts
from shared.sync.refunds import RefundPorts
from shared.sync.shipments.ports import ShipmentPorts
from shared.sync.shipments.run import push_shipments
from shared.sync.shipments.session import ship
from tests.builders.histories import Brief, Webhook
from tests.builders.in_process import InProcess
from tests.builders.local_slots import LocalSlots
from tests.builders.memory_table import MemoryTable
from tests.builders.sales import EU, US
from tests.builders.strategies import CHARGES, STORES

WORLD: Final = ROOT / "local" / "world.toml"
_PLENTY: Final = 100_000
_SERVICES: Final = (*(key.removesuffix("_item").upper() for key in CHARGES), "ROUNDING", "TAXDIFF", "SALESTAX")
_TIMEOUT: Final = 60.0
"""Seconds. Long, since a timeout is an outcome of its own, and a busy machine must not cause one."""
_ROUNDS: Final = 4
"""How often waiting webhooks are delivered again."""


def plentiful_world(**kind: str) -> World:
    """The example world with an item for every charge, and plenty of all goods in the first warehouse.

    So the warehouse of a line does not depend on when the line was booked. `kind` is how F&O behaves in all companies
    (local.d365.world.Company).
    """
    raw = tomllib.loads(WORLD.read_text(encoding="utf-8"))
    raw["companies"] = [company | kind for company in raw["companies"]]
    for company, group in (("nleu", "NONE"), ("usmf", "EXEMPT")):
        raw["items"] += [
            {
                "company": company,
                "number": number,
                "name": number,
                "type": "Service",
                "price": "0",
                "tax_item_group": group,
            }
            for number in _SERVICES
        ]
    for rules in (EU, US):
        stock = raw["on_hand"][rules.company]
        first = rules.warehouses[0].id
        raw["on_hand"][rules.company] = {sku: {first: {"physical": _PLENTY}} for sku in stock}
    return parse_world(raw)


class Identity:
    """F&O's own tokens, as Entra would issue them."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    async def get_token(self, *scopes: str, claims: str | None = None, **kwargs: Any) -> AccessToken:
        del scopes, claims, kwargs
        token = self._simulator.tokens.issue(self._simulator.options.client_id, self._simulator.base_url)
        return AccessToken(token.text, int(token.expires.timestamp()))


class _NoQueue:
    async def publish(self, envelope: Envelope, *, at: datetime | None = None) -> None:
        raise AssertionError("the last attempt is not repeated")


class _Collecting:
    def __init__(self, envelopes: list[Envelope]) -> None:
        self._envelopes = envelopes

    async def publish(self, envelope: Envelope, *, at: datetime | None = None) -> None:
        self._envelopes.append(envelope)


class MemorySnapshots:
    """Documents in memory."""

    def __init__(self) -> None:
        self.documents: dict[str, dict[str, Any]] = {}

    async def read(self, name: str) -> tuple[dict[str, Any] | None, str | None]:
        return self.documents.get(name), None

    async def write(self, name: str, value: dict[str, Any], etag: str | None) -> str:
        self.documents[name] = value
        return ""


class NoBreaker:
    async def before(self) -> None:
        pass

    async def success(self) -> None:
        pass

    async def failure(self, wait: object = None) -> None:
        pass


class Time:
    """Shopify's clock. Waiting moves it forward, which refills the query budget."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def seconds(self) -> float:
        return self.now().timestamp()

    async def sleep(self, seconds: float) -> None:
        self._ahead += timedelta(seconds=seconds)


@dataclass(repr=False)
class App(Brief):
    """One installation of the app with its F&O, and the webhooks that wait to be delivered again."""

    fo: Simulator
    client: ODataClient
    shopify: Shopify
    rules: StoreRules = EU
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    """The app's clock."""
    payments_now: Callable[[], datetime] = lambda: datetime.now(UTC)
    """By which claims on payments end: those of recorded orders have ended."""
    change_pause: timedelta = timedelta(0)
    """Between two changes of one sales order."""
    waiting: list[Webhook] = field(default_factory=list)

    def reset(self, rules: StoreRules) -> None:
        """Empties F&O and the app's tables, and sets the rules."""
        self.fo.reset()
        self.rules = rules
        self.waiting = []
        links, payments, taxes = MemoryTable(), MemoryTable(), TaxSetups(self.client)
        shipments = Shipments(MemoryTable())
        self.links = OrderLinks(links)
        self._parking = Parking(MemoryTable(), Bodies())
        self._ports = OrderPorts(
            rules={rules.key: rules},
            admins={rules.key: self.shopify.admin(rules)},
            links=self.links,
            known_customers=KnownCustomers(links),
            fo=self.client,
            customers=Customers(self.client),
            taxes=taxes,
            payments=PaymentPorts(
                Payments(payments),
                PaymentJournals(self.client, SharedRows(payments, "journals")),
                now=lambda: self.payments_now(),  # noqa: PLW0108 - a test sets the clock later
            ),
            refunds=RefundPorts(Refunds(MemoryTable()), self.client, taxes),
            captures=Captures(payments),
            outbox=Outbox(MemoryTable()),
            parking=self._parking,
            shipments=shipments,
            now=lambda: self.now(),  # noqa: PLW0108 - a test sets the clock later
            change_pause=self.change_pause,
        )

        self._shipped: list[Envelope] = []
        self._waiting_events: list[Envelope] = []
        self.shipments = ShipmentPorts(
            rules={rules.key: rules},
            admins={rules.key: self.shopify.admin(rules, ORDERS.scopes | SHIPMENTS.scopes)},
            fo=self.client,
            links=self.links,
            parking=self._parking,
            shipments=shipments,
            captures=Captures(payments),
            snapshots=MemorySnapshots(),  # type: ignore[arg-type]  # documents in memory
            queue=_Collecting(self._shipped),
            now=lambda: self.now(),  # noqa: PLW0108
        )

    async def push_shipments(self) -> list[str]:
        """A run of the timer, and the handling of its events. Returns how each ended: its note, or the codes that it
        was parked for; "waits" for one that is to be handled again.
        """
        await push_shipments(self.shipments)
        return await self.handle_shipped()

    async def handle_shipped(self) -> list[str]:
        """The handling of the events that the flow of shipments has put on the orders' queue, until none is left."""
        ends = []
        while self._shipped:
            ends.append(await self.ship(self._shipped.pop(0)))
        return ends

    async def found_shipments(self) -> list[Envelope]:
        """A run of the timer, whose events are not handled yet."""
        await push_shipments(self.shipments)
        found, self._shipped[:] = list(self._shipped), []
        return found

    async def ship_waiting(self) -> list[str]:
        """The scheduled copies of the events that were to be handled again."""
        again, self._waiting_events = self._waiting_events, []
        return [await self.ship(envelope) for envelope in again]

    async def ship(self, envelope: Envelope) -> str:
        try:
            is_its = envelope.topic in SHIPMENTS.carried
            parts = as_parts(await (ship(envelope, self.shipments) if is_its else sync_order(envelope, self._ports)))
        except TransientError:
            self._waiting_events.append(envelope)
            return "waits"
        for refused in parts.parked:
            await self._park(envelope, refused)
        if parts.then is not None:
            await parts.then()
        if parts.retry is not None:
            self._waiting_events.append(envelope)
            return "waits"
        return ", ".join(refused.error.code for refused in parts.parked) or parts.done.note

    async def handle(self, webhook: Webhook) -> None:
        """Handles one delivery, with the outcome that the dispatch would give it."""
        try:
            await self._handle(self._envelope(webhook))
        except TransientError:
            self.waiting.append(webhook)

    async def note(self, webhook: Webhook) -> str:
        """Handles a delivery that is done, and gives the journal's note about it."""
        return as_parts(await sync_order(self._envelope(webhook), self._ports)).done.note

    def _envelope(self, webhook: Webhook) -> Envelope:
        return Envelope(
            flow="orders",
            event_id=str(webhook.number),
            source="shopify",
            store=self.rules.key,
            topic=webhook.topic,
            entity_id=str(webhook.order_id),
            occurred_at=datetime.now(UTC),
            traceparent="",
            body=webhook.body,
        )

    async def _handle(self, envelope: Envelope) -> None:
        """Raises TransientError where the message, or a part of it, waits."""
        outcome: MessageOutcome
        try:
            if envelope.topic in SHIPMENTS.carried:
                outcome = await ship(envelope, self.shipments)
            else:
                outcome = await sync_order(envelope, self._ports)
        except RefusedError as refusal:
            outcome = Park(refusal)
        except TransientError as failure:
            outcome = Retry(failure)
        parts = as_parts(outcome)
        for refused in parts.parked:
            await self._park(envelope, refused)
        if parts.then is not None:
            await parts.then()
        if parts.retry is not None:
            raise parts.retry.error

    def change_rules(self, rules: StoreRules) -> None:
        """The same store with other rules, as after a deployment."""
        self.rules = rules
        admin = self.shopify.admin(rules)
        self._ports = replace(self._ports, rules={rules.key: rules}, admins={rules.key: admin})
        self.shipments = replace(self.shipments, rules={rules.key: rules})

    async def replay_parked(self) -> None:
        """Sends every parked message again, as the operator's command does. Raises TransientError of their handling."""
        sent: list[Envelope] = []

        async def publish(envelope: Envelope) -> None:
            sent.append(envelope)

        for parked in await self._parking.open():
            await replay([parked], replace(self._operator, publish=publish))
        for envelope in sent:
            await self._handle(envelope)

    async def release_hold(self, store: str, order_id: int) -> None:
        """Ends the hold of the order, as the operator's command does."""
        sent: list[Envelope] = []

        async def publish(envelope: Envelope) -> None:
            sent.append(envelope)

        ports = replace(self._operator, publish=publish)
        await release_hold(store, order_id, "the buyer called", datetime.now(UTC), ports)
        for envelope in sent:
            await self._handle(envelope)

    async def exhaust_waiting(self) -> None:
        """The last attempt of the webhooks that wait: the queue's own handling parks what still fails."""
        ports = QueuePorts(
            queue=cast("Any", _NoQueue()),
            claims=self._parking._bodies,
            journal=Journal(MemoryTable()),
            parking=self._parking,
            policy=RetryPolicy(max_attempts=1, max_age=timedelta(0)),
            remember=partial(remember_parked, links=self.links),
        )
        exhausted, self.waiting = self.waiting, []
        for webhook in exhausted:
            envelope = self._envelope(webhook)
            handler = partial(sync_order, ports=self._ports)
            await handle_message(handler, envelope.body, envelope.properties(), envelope.event_id, ports)

    async def bring(self, order_id: int) -> None:
        """Books one order by its id, as the operator's command does."""
        sent: list[Envelope] = []

        async def publish(envelope: Envelope) -> None:
            sent.append(envelope)

        await bring(self.rules.key, order_id, datetime.now(UTC), replace(self._operator, publish=publish))
        for envelope in sent:
            await self._handle(envelope)

    async def discard_parked(self, *, sales_order: str = "") -> None:
        """Discards every parked message, as the operator's command does."""
        while still_open := await self._parking.open():
            await discard([still_open[0]], "entered by hand", sales_order=sales_order, ports=self._operator)

    async def release(self, order_id: int) -> None:
        """Gives an order up that F&O does not have, as the operator's command does."""
        now = datetime.now(UTC)
        await release(self.rules.key, order_id, "sold at the fair", sales_order="", now=now, ports=self._operator)

    async def _park(self, envelope: Envelope, refused: Park) -> None:
        message = ParkedMessage(
            flow=envelope.flow,
            store=envelope.store,
            event_id=envelope.event_id,
            entity_id=envelope.entity_id,
            at=envelope.occurred_at,
            properties=envelope.properties(),
            body=envelope.body,
            error=refused.error,
            part=refused.part,
            number=refused.number,
        )
        await self._parking.park(message)

    async def parked(self) -> set[str]:
        """The error codes of the parked messages."""
        return {each.code for each in await self._parking.open()}

    async def causes(self) -> list[str]:
        """What the parked messages say, oldest first."""
        return [each.cause for each in await self._parking.open()]

    async def next_steps(self) -> list[str]:
        """What the parked messages advise, oldest first."""
        return [each.next_step for each in await self._parking.open()]

    @property
    def _operator(self) -> ParkedPorts:
        return ParkedPorts(
            self._parking, self.links, self._parking._bodies, self._handle, Journal(MemoryTable()), "Kim"
        )

    async def redeliver_waiting(self) -> None:
        """Delivers waiting webhooks again, a few rounds, so that those that wait for each other are handled."""
        for _ in range(_ROUNDS):
            again, self.waiting = self.waiting, []
            for webhook in again:
                await self.handle(webhook)

    async def link(self, order_id: int) -> OrderLink | None:
        return await self.links.get(self.rules.key, order_id)


class Bodies:
    """A blob container in memory."""

    def __init__(self) -> None:
        self._held: dict[str, bytes] = {}

    async def put(self, name: str, body: bytes) -> str:
        self._held[name] = body
        return sha256(body).hexdigest()

    async def get(self, name: str, *, sha256: str) -> bytes:
        return self._held[name]


@dataclass
class Shopify:
    """The Shopify simulator, which can show earlier states of an order."""

    simulator: ShopifySimulator
    url: str
    http: httpx.AsyncClient
    time: Time
    announced: list[Event] = field(default_factory=list)
    """What the app's own mutations make Shopify send, in one process."""

    def __post_init__(self) -> None:
        for shop in self.simulator.shops.values():
            shop.scopes = scopes_of(shop)

    def show(self, store: str, order: Order) -> None:
        """From now on the shop has this order, and no other."""
        shop = self.simulator.shops[STORES[store].shop_domain]
        shop.orders = {order.id: order}

    def admin(self, rules: StoreRules, scopes: frozenset[str] = ORDERS.scopes) -> AdminClient:
        url = f"{self.url}/{rules.shop_domain}"
        tokens = ClientCredentials(
            self.http,
            url,
            client_id=f"dev-{rules.key}-client",
            client_secret=Secret(f"dev-{rules.key}-new"),
            scopes=scopes,
        )
        return AdminClient(
            self.http,
            url,
            api_version=rules.api_version,
            tokens=tokens,
            on_call=lambda _: None,
            on_other_version=lambda _: None,
            bucket=CostBucket(clock=self.time.seconds),
            sleep=self.time.sleep,
        )


def scopes_of(shop: Shop) -> frozenset[str]:
    """Those of world.toml, and the one for orders older than 60 days: the orders of these tests are placed in March."""
    return frozenset(shop.seed.scopes) | {ALL_ORDERS}


@asynccontextmanager
async def running_apps(count: int, **kind: str) -> AsyncIterator[tuple[App, ...]]:
    """This many installations of the app with an F&O of this kind, and one Shopify, over HTTP.

    Each starts with `App.reset`.
    """
    time = Time()
    async with AsyncExitStack() as stack:
        running = await stack.enter_async_context(run_shopify(clock=time.now, time_scale=0))
        http = await stack.enter_async_context(httpx.AsyncClient(timeout=_TIMEOUT))
        shopify = Shopify(running.simulator, running.url, http, time)
        apps = []
        for _ in range(count):
            fo = await stack.enter_async_context(run_d365(plentiful_world(**kind)))
            apps.append(App(fo, await stack.enter_async_context(_client(fo)), shopify))
        yield tuple(apps)


@asynccontextmanager
async def app_in_process(options: Options | None = None) -> AsyncIterator[App]:
    """One installation of the app, whose systems answer without a socket. It starts with `App.reset`. The options are
    those of F&O.
    """
    time = Time()
    shop = ShopifySimulator(load_shops(WORLD), "http://app.example.com", clock=time.now)
    api = web.Application()
    announced: list[Event] = []
    api.add_routes(AdminApi(shop, lambda _shop, _order, events: announced.extend(events)).routes())
    fo = Simulator(plentiful_world(), options)
    fo.base_url = "http://fo.example.com"
    async with (
        httpx.AsyncClient(timeout=_TIMEOUT, transport=InProcess(api)) as http,
        _client(fo, InProcess(Server(fo).application())) as client,
    ):
        yield App(fo, client, Shopify(shop, "http://shopify.example.com", http, time, announced))


@asynccontextmanager
async def _client(fo: Simulator, transport: InProcess | None = None) -> AsyncIterator[ODataClient]:
    client = ODataClient(
        fo.base_url,
        Identity(fo),
        slots=LocalSlots(8),
        timeout=_TIMEOUT,
        breaker=NoBreaker(),
        on_call=lambda _: None,
        transport=transport,
        knows_fields=True,
    )
    try:
        yield client
    finally:
        await client.aclose()
