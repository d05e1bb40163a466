"""A running Shopify simulator, a client for it, and a receiver for its webhooks."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
from aiohttp import web

from local.shopify import RunningShopify, run_shopify

NORDLYS = "nordlys-outdoor.myshopify.com"
PRAIRIE = "prairie-supply.myshopify.com"


class ManualClock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@dataclass
class Received:
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """Takes webhooks; answers the statuses in `answers` one after the other, then 200."""

    url: str = ""
    received: list[Received] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        self.received.append(Received(request.path, dict(request.headers), await request.read()))
        status = self.answers.pop(0) if self.answers else 200
        return web.Response(status=status, headers={"Location": "/elsewhere"} if status == 302 else None)


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/{tail:.*}", receiver.take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield receiver
    finally:
        await runner.cleanup()


@dataclass
class Client:
    """The simulator as its users see it: over HTTP."""

    shopify: RunningShopify
    http: aiohttp.ClientSession
    clock: ManualClock
    receiver: Receiver
    shop: str = NORDLYS
    token: str = ""

    def at(self, shop: str) -> "Client":
        return Client(self.shopify, self.http, self.clock, self.receiver, shop)

    async def log_in(self, secret: str | None = None) -> str:
        store = "nordlys" if self.shop == NORDLYS else "prairie"
        form = {
            "grant_type": "client_credentials",
            "client_id": f"dev-{store}-client",
            "client_secret": secret or f"dev-{store}-new",
        }
        url = f"{self.shopify.url}/{self.shop}/admin/oauth/access_token"
        async with self.http.post(url, data=form) as response:
            response.raise_for_status()
            self.token = (await response.json())["access_token"]
        return self.token

    async def send(
        self, query: str, variables: dict[str, Any] | None = None, version: str = "2026-10", name: str | None = None
    ) -> aiohttp.ClientResponse:
        if not self.token:
            await self.log_in()
        url = f"{self.shopify.url}/{self.shop}/admin/api/{version}/graphql.json"
        payload = {"query": query, "variables": variables or {}, "operationName": name}
        async with self.http.post(url, json=payload, headers={"X-Shopify-Access-Token": self.token}) as response:
            await response.read()
            return response

    async def graphql(self, query: str, variables: dict[str, Any] | None = None, **options: Any) -> dict[str, Any]:
        response = await self.send(query, variables, **options)
        assert response.status == 200, await response.text()
        return await response.json()

    async def data(self, query: str, variables: dict[str, Any] | None = None) -> Any:
        body = await self.graphql(query, variables)
        assert "errors" not in body, body["errors"]
        return body["data"]

    async def control(self, method: str, path: str, document: Any = None, status: int = 200) -> Any:
        url = f"{self.shopify.url}{path}"
        async with self.http.request(method, url, json=document) as response:
            text = await response.text()
            assert response.status == status, f"{response.status} {text}"
            return await response.json() if text else None

    async def sim(self, method: str, path: str, document: Any = None, status: int = 200) -> Any:
        return await self.control(method, f"/{self.shop}/_sim/{path}", document, status)

    async def place(self, **wishes: Any) -> dict[str, Any]:
        return await self.sim("POST", "orders", {**checkout(), **wishes}, 201)

    async def fault(self, kind: str, **parameters: Any) -> None:
        await self.control("POST", "/_sim/faults", {"kind": kind, **parameters}, 201)

    async def settle(self) -> list[Received]:
        """All webhooks received once nothing is under way any more."""
        await asyncio.wait_for(self.shopify.dispatcher.settle(), 10)
        return self.receiver.received


@asynccontextmanager
async def running_client(*, time_scale: float = 0.0) -> AsyncIterator[Client]:
    clock = ManualClock()
    async with (
        receiving() as receiver,
        run_shopify(webhooks=receiver.url, clock=clock, time_scale=time_scale) as shopify,
        aiohttp.ClientSession() as http,
    ):
        yield Client(shopify, http, clock, receiver)


def checkout() -> dict[str, Any]:
    address = {
        "first_name": "Åsa",
        "last_name": "Jansen",
        "address1": "Damrak 1",
        "city": "Amsterdam",
        "zip": "1012 LG",
        "country_code": "NL",
        "province_code": "NH",
        "phone": "+31201234567",
    }
    return {
        "lines": [{"sku": "TENT-2P", "quantity": 1}],
        "customer": {"first_name": "Åsa", "last_name": "Jansen", "email": "asa@example.com"},
        "shipping_address": address,
        "shipping": [{"title": "Standard", "price": "4.95"}],
        "tax": [{"title": "NL VAT", "rate": 0.21}],
    }
