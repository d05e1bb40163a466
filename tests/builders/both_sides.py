"""Shopify's simulator, and the app with a F&O of its own and memory of its own, as often as a test wants."""

from __future__ import annotations

import tomllib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Final

import httpx
from azure.core.credentials import AccessToken
from builders.root import ROOT

from local.d365 import Simulator, World, parse_world, run_d365
from local.shopify import RunningShopify, run_shopify
from local.shopify.order import Order
from shared.bus.envelope import Envelope
from shared.d365.customers import Customers
from shared.d365.odata.client import ODataClient
from shared.d365.payment_journals import PaymentJournals
from shared.d365.tax import TaxSetups
from shared.errors import RefusedError, TransientError
from shared.flows import ORDERS
from shared.rules import StoreRules
from shared.settings import Secret
from shared.shopify.admin.bucket import CostBucket
from shared.shopify.admin.client import AdminClient
from shared.shopify.admin.tokens import ClientCredentials
from shared.store.customers import KnownCustomers
from shared.store.links import OrderLink, OrderLinks
from shared.store.outbox import Outbox
from shared.store.parking import ParkedMessage, Parking
from shared.store.payments import Payments
from shared.store.refunds import Refunds
from shared.store.shared_rows import SharedRows
from shared.sync.messages.outcome import Park
from shared.sync.orders.flow import sync_order
from shared.sync.orders.ports import OrderPorts
from shared.sync.payments import PaymentPorts
from shared.sync.refunds import RefundPorts
from tests.builders.histories import Notice
from tests.builders.memory_table import MemoryTable
from tests.builders.sales import EU, US
from tests.builders.strategies import CHARGES, STORES

WORLD: Final = ROOT / "local" / "world.toml"
_PLENTY: Final = 100_000
_SERVICES: Final = (*(key.removesuffix("_item").upper() for key in CHARGES), "ROUNDING", "TAXDIFF", "SALESTAX")
_ROUNDS: Final = 4
"""How often what waits is delivered again."""


def plentiful_world() -> World:
    """The example world with an item for every charge, and enough of all goods in the warehouse preferred.

    So where a line ships from does not tell when it was booked: which pieces are left for it is no matter here.
    """
    raw = tomllib.loads(WORLD.read_text(encoding="utf-8"))
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


class NoBreaker:
    async def before(self) -> None:
        pass

    async def success(self) -> None:
        pass

    async def failure(self, wait: object = None) -> None:
        pass


class Time:
    """Shopify's time of day: its query budget refills whenever somebody would have waited for it."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def seconds(self) -> float:
        return self.now().timestamp()

    async def sleep(self, seconds: float) -> None:
        self._ahead += timedelta(seconds=seconds)


@dataclass(repr=False)
class App:
    """One installation of the app with its F&O, and what became of the notices it was given."""

    fo: Simulator
    client: ODataClient
    shopify: Shopify
    rules: StoreRules = EU
    waiting: list[Notice] = field(default_factory=list)

    def begin(self, rules: StoreRules) -> None:
        """An empty F&O, an empty memory, other rules."""
        self.fo.reset()
        self.rules = rules
        self.waiting = []
        links, payments, taxes = MemoryTable(), MemoryTable(), TaxSetups(self.client)
        self._links = OrderLinks(links)
        self._parking = Parking(MemoryTable(), Bodies())
        self._ports = OrderPorts(
            rules={rules.key: rules},
            admins={rules.key: self.shopify.admin(rules)},
            links=self._links,
            known_customers=KnownCustomers(links),
            fo=self.client,
            customers=Customers(self.client),
            taxes=taxes,
            payments=PaymentPorts(Payments(payments), PaymentJournals(self.client, SharedRows(payments, "journals"))),
            refunds=RefundPorts(Refunds(MemoryTable()), self.client, taxes),
            outbox=Outbox(MemoryTable()),
            parking=self._parking,
        )

    async def take(self, notice: Notice) -> None:
        """One delivery, with the end that the dispatch would give it."""
        envelope = Envelope(
            flow="orders",
            event_id=str(notice.number),
            source="shopify",
            store=self.rules.key,
            topic=notice.topic,
            entity_id=str(notice.order_id),
            occurred_at=datetime.now(UTC),
            traceparent="",
            body=notice.body,
        )
        try:
            outcome = await sync_order(envelope, self._ports)
        except RefusedError as refusal:
            outcome = Park(refusal)
        except TransientError:
            self.waiting.append(notice)
            return
        if isinstance(outcome, Park):
            await self._park(envelope, outcome)

    async def _park(self, envelope: Envelope, outcome: Park) -> None:
        message = ParkedMessage(
            flow=envelope.flow,
            store=envelope.store,
            event_id=envelope.event_id,
            entity_id=envelope.entity_id,
            at=envelope.occurred_at,
            properties=envelope.properties(),
            body=envelope.body,
            error=outcome.error,
        )
        await self._parking.park(message)
        if outcome.then is not None:
            await outcome.then()

    async def parked(self) -> set[str]:
        """The codes of what waits for a person."""
        return {each.code for each in await self._parking.open()}

    async def take_what_waits(self) -> None:
        """Delivers what waits again, until nothing does or some rounds have changed nothing."""
        for _ in range(_ROUNDS):
            again, self.waiting = self.waiting, []
            for notice in again:
                await self.take(notice)

    async def link(self, order_id: int) -> OrderLink | None:
        return await self._links.get(self.rules.key, order_id)


class Bodies:
    """A blob container in memory."""

    def __init__(self) -> None:
        self._held: dict[str, bytes] = {}

    async def put(self, name: str, body: bytes) -> str:
        self._held[name] = body
        return sha256(body).hexdigest()


@dataclass
class Shopify:
    """The simulator of Shopify over HTTP, showing orders of other times."""

    running: RunningShopify
    http: httpx.AsyncClient
    time: Time

    def show(self, store: str, order: Order) -> None:
        """From now on the shop's order is this one."""
        shop = self.running.simulator.shops[STORES[store].shop_domain]
        shop.orders = {order.id: order}

    def admin(self, rules: StoreRules) -> AdminClient:
        url = f"{self.running.url}/{rules.shop_domain}"
        tokens = ClientCredentials(
            self.http,
            url,
            client_id=f"dev-{rules.key}-client",
            client_secret=Secret(f"dev-{rules.key}-new"),
            scopes=ORDERS.scopes,
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


@asynccontextmanager
async def running_apps(count: int) -> AsyncIterator[tuple[App, ...]]:
    """So many installations of the app beside one Shopify. Each begins with `App.begin`."""
    time = Time()
    world = plentiful_world()
    async with AsyncExitStack() as stack:
        running = await stack.enter_async_context(run_shopify(clock=time.now, time_scale=0))
        http = await stack.enter_async_context(httpx.AsyncClient(timeout=10))
        shopify = Shopify(running, http, time)
        apps = []
        for _ in range(count):
            fo = await stack.enter_async_context(run_d365(world))
            client = ODataClient(
                fo.base_url,
                Identity(fo),
                max_calls=8,
                timeout=10,
                breaker=NoBreaker(),
                on_call=lambda _: None,
            )
            stack.push_async_callback(client.aclose)
            apps.append(App(fo, client, shopify))
        yield tuple(apps)
