"""Shopify, the app's tables in Azurite, and as many runs of the write-back as a test wants."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import httpx
from azure.data.tables.aio import TableClient, TableServiceClient
from shopify_sim_fixtures import Receiver, checkout, receiving

from local.azurite import connection_string, start_azurite
from local.process import free_port
from local.shopify import RunningShopify, run_shopify
from local.shopify.model import Metafield
from local.shopify.order import Order
from local.shopify.placing import place_order
from local.shopify.state import Shop
from shared.settings import Secret
from shared.shopify.bucket import CostBucket
from shared.shopify.client import AdminClient
from shared.shopify.scopes import REQUIRED_SCOPES
from shared.shopify.tokens import ClientCredentials
from shared.store.journal import Journal
from shared.store.outbox import Outbox
from shared.sync.write_back import WriteBackPorts, push_numbers
from tests.builders.sales import EU, US, with_rules

ROOT = Path(__file__).parents[2]
_names = count(1)


@asynccontextmanager
async def azure_tables() -> AsyncIterator[TableServiceClient]:
    ports = {name: free_port() for name in ("blob", "queue", "table")}
    part = await start_azurite(ROOT, **{f"{name}_port": port for name, port in ports.items()}, log=lambda *_: None)
    try:
        connection = connection_string(ports["blob"], ports["queue"], ports["table"])
        async with TableServiceClient.from_connection_string(connection) as service:
            yield service
    finally:
        await part.stop()


async def new_table(service: TableServiceClient) -> TableClient:
    return await service.create_table(f"written{next(_names)}")


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


@dataclass
class Between:
    """The Admin client, with something that happens just before its first call of a name."""

    client: AdminClient
    before: dict[str, Callable[[], Awaitable[object]]] = field(default_factory=dict)

    async def run(self, query, variables):
        if query.name in self.before:
            await self.before.pop(query.name)()
        return await self.client.run(query, variables)


@dataclass
class Office:
    """Two shops, the outbox between them and F&O, and what Shopify tells of its orders."""

    shopify: RunningShopify
    receiver: Receiver
    ports: WriteBackPorts
    clock: Clock

    @property
    def outbox(self) -> Outbox:
        return self.ports.outbox

    def shop(self, store: str = "nordlys") -> Shop:
        return self.shopify.simulator.shops[self.ports.rules[store].shop_domain]

    def order(self, store: str = "nordlys", *, tags: Sequence[str] = ()) -> Order:
        wish = checkout() if store == "nordlys" else {"lines": [{"sku": "TEE-BLU-M", "quantity": 1}]}
        return place_order(self.shop(store), {**wish, "tags": list(tags)})

    def remove(self, order: Order) -> None:
        self.shop().orders.pop(order.id, None)

    async def put(self, order: Order, number: str, store: str = "nordlys") -> None:
        await self.outbox.put(store, order.id, number, now=self.clock.now())

    async def push(self) -> None:
        await push_numbers(self.ports, now=self.clock.now)

    async def waiting(self, store: str = "nordlys") -> dict[int, str]:
        """Order id -> number, of all rows, due or not."""
        rows = await self.outbox.due(store, self.clock.now() + timedelta(days=2), limit=1000)
        return {row.order_id: row.number for row in rows}

    async def journal(self, order: Order) -> list[tuple[str, str]]:
        """The notes on an order, with their outcomes."""
        return [(row["outcome"], row["note"]) for row in await self.ports.journal.life("nordlys", str(order.id))]

    def calls(self) -> list[str]:
        return [call.operation for call in self.shopify.simulator.calls]

    def writes(self) -> list[str]:
        return [name for name in self.calls() if name != "WriteBackState"]

    async def webhooks(self) -> list[dict]:
        """What Shopify told of its orders."""
        await self.shopify.dispatcher.settle()
        return [json.loads(each.body) for each in self.receiver.received]

    async def fault(self, kind: str, **parameters) -> None:
        self.shopify.simulator.faults.add({"kind": kind, **parameters})

    def use(self, **ports) -> None:
        self.ports = replace(self.ports, **ports)

    def set_rules(self, store: str, **tables) -> None:
        self.use(rules={**self.ports.rules, store: with_rules(self.ports.rules[store], **tables)})

    def between(self, store: str, **before: Callable[[], Awaitable[object]]) -> None:
        self.use(admins={**self.ports.admins, store: Between(self.ports.admins[store], before)})


def shown(order: Order) -> dict[str, str]:
    """The order's metafields."""
    return {f"{each.namespace}.{each.key}": each.value for each in order.metafields.values()}


def write_metafield(order: Order, namespace: str, key: str, value: str) -> None:
    now = datetime.now(UTC)
    order.metafields[namespace, key] = Metafield(77, namespace, key, "single_line_text_field", value, now, now)


@asynccontextmanager
async def writing_back(service: TableServiceClient) -> AsyncIterator[Office]:
    clock = Clock()
    async with (
        receiving() as receiver,
        run_shopify(webhooks=receiver.url, clock=clock.now, time_scale=0) as shopify,
        httpx.AsyncClient(timeout=10) as http,
    ):
        rules = {each.key: each for each in (EU, US)}
        admins = {key: _admin(http, shopify, each.shop_domain, key, clock) for key, each in rules.items()}
        ports = WriteBackPorts(
            rules=rules,
            admins=admins,
            outbox=Outbox(await new_table(service)),
            journal=Journal(await new_table(service)),
        )
        yield Office(shopify, receiver, ports, clock)


def _admin(http: httpx.AsyncClient, shopify: RunningShopify, domain: str, store: str, clock: Clock) -> AdminClient:
    url = f"{shopify.url}/{domain}"
    scopes = REQUIRED_SCOPES["write_back"]
    return AdminClient(
        http,
        url,
        api_version="2026-10",
        tokens=ClientCredentials(
            http, url, client_id=f"dev-{store}-client", client_secret=Secret(f"dev-{store}-new"), scopes=scopes
        ),
        on_call=lambda call: None,
        on_other_version=lambda version: None,
        bucket=CostBucket(clock=clock.seconds),
        sleep=clock.sleep,
    )
