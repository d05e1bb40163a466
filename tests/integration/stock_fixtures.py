"""Both simulators, the real clients, and what the stock flow remembers, in memory."""

from __future__ import annotations

import json
import tomllib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import httpx
from azure.core.credentials import AccessToken

from local.d365 import Simulator, parse_world, run_d365
from local.d365.inventory import Stock
from local.shopify import RunningShopify, run_shopify
from local.shopify.placing import place_order
from shared.d365.client import ODataClient
from shared.errors import TransientError
from shared.rules import StoreRules, load_store
from shared.settings import Secret
from shared.shopify.bucket import CostBucket
from shared.shopify.client import AdminClient
from shared.shopify.tokens import ClientCredentials
from shared.store.links import PendingSale
from shared.sync.stock import push_stock
from shared.sync.stock_report import StockReport

WORLD = Path("local/world.toml").read_text()
STORES = Path("config/stores")


@dataclass
class Clock:
    """The time of day, put forward instead of waiting."""

    ahead: timedelta = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def seconds(self) -> float:
        return self.now().timestamp()

    async def sleep(self, seconds: float) -> None:
        self.ahead += timedelta(seconds=seconds)


class Credential:
    """A token that the F&O simulator issued."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    async def get_token(self, *scopes: str, **options: object) -> AccessToken:
        token = self._simulator.tokens.issue(self._simulator.options.client_id, self._simulator.base_url)
        return AccessToken(token.text, int((datetime.now(UTC) + timedelta(hours=1)).timestamp()))

    async def close(self) -> None:
        pass


class NoBreaker:
    async def before(self) -> None:
        pass

    async def success(self) -> None:
        pass

    async def failure(self, wait: timedelta | None = None) -> None:
        pass


@dataclass
class Memory:
    """Snapshots and order links."""

    documents: dict[str, str] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    known_orders: set[int] = field(default_factory=set)
    pending: list[PendingSale] = field(default_factory=list)

    async def read(self, name):
        text = self.documents.get(name)
        return (json.loads(text), str(self.versions[name])) if text else (None, None)

    async def write(self, name, value, etag):
        if etag != (str(self.versions[name]) if name in self.documents else None):
            raise TransientError("written by another run")
        self.documents[name] = json.dumps(value)
        self.versions[name] = self.versions.get(name, 0) + 1
        return str(self.versions[name])

    async def known(self, store, order_ids):
        return self.known_orders & set(order_ids)

    async def parked(self, store):
        return self.pending


@dataclass
class Between:
    """The Admin client, with something that happens just before one of its calls, once or always."""

    client: AdminClient
    before: dict[str, Callable[[], object]] = field(default_factory=dict)

    async def run(self, query, variables):
        if query.name in self.before:
            self.before[query.name]()
        return await self.client.run(query, variables)


@dataclass
class Retailer:
    store: StoreRules
    shopify: RunningShopify
    fo: Simulator
    admin: Between
    odata: ODataClient
    clock: Clock
    memory: Memory = field(default_factory=Memory)

    async def push(self) -> StockReport:
        return await push_stock(
            self.store,
            admin=self.admin,
            fo=self.odata,
            links=self.memory,
            snapshots=self.memory,
            now=self.clock.now,
            sleep=self.clock.sleep,
        )

    @property
    def shop(self):
        return self.shopify.simulator.shops[self.store.shop_domain]

    def shown(self, location: int) -> dict[str, int]:
        """SKU -> what the location shows."""
        return {
            self.shop.variant_by_item[item].sku: level.quantity("available")
            for (item, place), level in self.shop.levels.items()
            if place == location
        }

    def writes(self) -> int:
        return sum(1 for call in self.shopify.simulator.calls if call.operation == "StockSet")

    def sell(self, sku: str, units: int) -> int:
        """A web order's id."""
        order = place_order(self.shop, {"lines": [{"sku": sku, "quantity": units}]})
        return order.id

    def set_on_hand(self, sku: str, warehouse: str, physical: int) -> None:
        books = self.fo.books
        place = books.bin(self.store.company, sku, warehouse)
        stock = books.stock.get(place) or Stock()
        books.stock.put(place, Stock(physical, stock.reserved, stock.ordered, stock.reserved_ordered, stock.on_order))

    def set_rules(self, **rules) -> None:
        self.store = self.store.model_copy(update={"stock": self.store.stock.model_copy(update=rules)})


@asynccontextmanager
async def retailing(
    store: str, *, more_items: int = 0, over: Callable[[], httpx.AsyncBaseTransport] | None = None, **rules
) -> AsyncIterator[Retailer]:
    """`over` makes what carries the calls to Shopify and to F&O."""
    world, loaded = tomllib.loads(WORLD), load_store(STORES / f"{store}.toml")
    for number in range(1, more_items + 1):
        sku = f"BULK-{number:05d}"
        world["items"].append({"company": "nleu", "number": sku, "name": sku, "price": "1", "tax_item_group": "FULL"})
        world["on_hand"]["nleu"][sku] = {"AMS": {"physical": 7}}
    clock = Clock()
    async with (
        run_d365(parse_world(world)) as fo,
        run_shopify(webhooks="http://127.0.0.1:9/none", clock=clock.now) as shopify,
        httpx.AsyncClient(timeout=10, transport=over() if over else None) as http,
    ):
        url = f"{shopify.url}/{loaded.shop_domain}"
        tokens = ClientCredentials(
            http, url, client_id=f"dev-{store}-client", client_secret=Secret(f"dev-{store}-new"), scopes=()
        )
        admin = AdminClient(
            http,
            url,
            api_version=loaded.api_version,
            tokens=tokens,
            on_call=lambda call: None,
            on_other_version=lambda version: None,
            bucket=CostBucket(clock=clock.seconds),
            sleep=clock.sleep,
        )
        odata = ODataClient(
            fo.base_url,
            Credential(fo),
            max_calls=4,
            timeout=20,
            breaker=NoBreaker(),
            on_call=lambda call: None,
            transport=over() if over else None,
        )
        retailer = Retailer(loaded, shopify, fo, Between(admin), odata, clock)
        retailer.set_rules(settle_seconds=0, **rules)
        retailer.shop.add_variants(more_items, "BULK-{n:05d}", Decimal(1), {71001001: 5})
        try:
            yield retailer
        finally:
            await odata.aclose()
