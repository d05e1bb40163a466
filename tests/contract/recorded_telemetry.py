"""What the app sends to Application Insights, recorded over the wire, and as the tables that Azure makes of it."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from aiohttp import web
from azure.data.tables.aio import TableServiceClient
from azure.storage.blob.aio import BlobServiceClient
from builders.root import ROOT
from whole_world import NEVER, SHOPS, World

from local.stack import NO_PAUSE, Ports, running
from local.stores import changed_stores, with_prices, with_products, with_shipments
from shared.store.outbox import Outbox
from shared.sync.bulk.reading import LISTED_IN_BULK

TIMERS = {timer["function"]: timer["setting"] for timer in json.loads((ROOT / "infra/timers.json").read_text())}
EVENTS = 3
"""Webhooks of an order that is paid at once: orders/create, orders/paid, order_transactions/create."""

KEY = "00000000-1111-2222-3333-444444444444"

type Row = dict[str, Any]
type Tables = dict[str, list[Row]]

# Table and columns by the kind of telemetry, https://learn.microsoft.com/azure/azure-monitor/reference/tables/
COMMON = {
    "TimeGenerated": "TIMESTAMP",
    "Name": "VARCHAR",
    "Properties": "JSON",
    "OperationId": "VARCHAR",
    "OperationName": "VARCHAR",
    "ParentId": "VARCHAR",
    "AppRoleName": "VARCHAR",
}
CALL = {"Id": "VARCHAR", "DurationMs": "DOUBLE", "ResultCode": "VARCHAR", "Success": "BOOLEAN"}
COLUMNS = {
    "AppEvents": COMMON,
    "AppRequests": COMMON | CALL,
    "AppDependencies": COMMON | CALL | {"DependencyType": "VARCHAR", "Target": "VARCHAR"},
    "AppMetrics": COMMON | {"Sum": "DOUBLE", "Min": "DOUBLE", "Max": "DOUBLE", "ItemCount": "INTEGER"},
}
TABLES = {
    "EventData": "AppEvents",
    "RequestData": "AppRequests",
    "RemoteDependencyData": "AppDependencies",
    "MetricData": "AppMetrics",
}


class Ingestion:
    """Application Insights' ingestion endpoint: takes everything, keeps it."""

    def __init__(self) -> None:
        self.items: list[dict[str, Any]] = []
        self.url = ""
        self._news = asyncio.Event()

    @property
    def settings(self) -> dict[str, str]:
        """What makes the app send here, soon, and nothing about itself to the exporter's makers."""
        return {
            "APPLICATIONINSIGHTS_CONNECTION_STRING": f"InstrumentationKey={KEY};IngestionEndpoint={self.url}",
            "APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL": "true",
            "APPLICATIONINSIGHTS_CONTROLPLANE_DISABLED": "true",
            "OTEL_BSP_SCHEDULE_DELAY": "200",
            "OTEL_BLRP_SCHEDULE_DELAY": "200",
            "OTEL_METRIC_EXPORT_INTERVAL": "500",
        }

    async def until(self, enough: Callable[[Tables], bool], *, seconds: float = 30) -> Tables:
        async with asyncio.timeout(seconds):
            while not enough(tables := as_tables(self.items)):
                self._news.clear()
                await self._news.wait()
        return tables

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        text = gzip.decompress(body) if body.startswith(b"\x1f\x8b") else body
        items = json.loads(text)
        self.items += items
        self._news.set()
        return web.json_response({"itemsReceived": len(items), "itemsAccepted": len(items), "errors": []})


@asynccontextmanager
async def ingestion() -> AsyncIterator[Ingestion]:
    endpoint = Ingestion()
    app = web.Application()
    app.router.add_post("/{path:.*}", endpoint.take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        endpoint.url = f"http://{host}:{port}/"
        yield endpoint
    finally:
        await runner.cleanup()


@asynccontextmanager
async def watched_world(log: Path) -> AsyncIterator[tuple[World, Ingestion]]:
    """The whole stack, its app sending to an endpoint that keeps everything. Timers run on demand only."""
    schedules = dict.fromkeys(TIMERS.values(), NEVER)
    stores = changed_stores(log.parent / "stores", _settling_at_once)
    async with ingestion() as endpoint:
        with log.open("w", encoding="utf-8") as lines:
            async with (
                running(
                    Ports.free(),
                    log=lambda part, line: print(f"{part:>10} | {line}", file=lines, flush=True),
                    overrides={**schedules, **NO_PAUSE}
                    | {**stores, "WEBHOOK_PUBLISH_SECONDS": "2", **endpoint.settings},
                ) as stack,
                httpx.AsyncClient(timeout=60) as http,
                TableServiceClient.from_connection_string(stack.storage) as tables,
                BlobServiceClient.from_connection_string(stack.storage) as blobs,
            ):
                yield World(stack, http, tables, blobs, log), endpoint


def _settling_at_once(text: str) -> str:
    """A store's file that shows shipments, products and prices, and whose sweep looks at orders of this moment too."""
    text, times = re.subn(r"(?m)^settle_minutes = \d+", "settle_minutes = 0", text)
    assert times == 1
    return with_products(with_prices(with_shipments(text))).replace('on = "never"', 'on = "invoiced"')


async def a_day_in_the_shop(world: World, basket: dict[str, Any]) -> list[dict[str, Any]]:
    """Causes every kind of telemetry. Returns four orders: good, retried, parked, late."""
    await _subscribe(world, "ORDERS_RISK_ASSESSMENT_CHANGED")
    good = await world.buy("nordlys", basket)
    await world.ends_of("nordlys", good["id"], count=EVENTS)
    given_back = await world.http.post(
        f"{world.stack.shopify}/{SHOPS['nordlys']}/_sim/orders/{good['id']}/refund", json={"amount": "5.00"}
    )
    assert given_back.status_code < 300, given_back.text
    await world.ends_of("nordlys", good["id"], count=EVENTS + len(given_back.json()["events"]))
    await world.fo_fault(kind="throttle", retry_after=1, times=1)
    retried = await world.buy("nordlys", basket)
    await world.ends_of("nordlys", retried["id"], count=EVENTS)
    unknown_to_fo = {"sku": "GHOST-1", "quantity": 1, "price": "1.00"}
    parked = await world.buy("nordlys", basket | {"lines": [unknown_to_fo]})
    await world.ends_of("nordlys", parked["id"], count=EVENTS)
    await world.deliver(b"{}", secret="revoked")
    await world.deliver(b"{}", X_Shopify_Topic="products/update", X_Shopify_API_Version="2026-07")
    control = f"{world.stack.service_bus_control}/faults"
    await world.http.post(control, json={"entity": "commerce-events", "action": "lose"})
    refused = await world.deliver(json.dumps(good).encode())
    await world.http.delete(control)
    assert refused.status_code == 503, refused.text
    await _a_day_of_stock(world)
    await _a_day_of_products(world)
    await _a_list_of_a_big_shop(world)
    await _a_day_of_prices(world)
    await _a_day_in_the_warehouse(world, good)
    late = await _a_day_of_sweeps(world, basket, good, retried)
    outbox = Outbox(world._tables.get_table_client("outbox"))
    await outbox.put("nordlys", retried["id"], "no\nnumber", now=datetime.now(UTC))
    await _shopify_fault(world, kind="bad_gateway", operation="WriteBackNumbers")
    assert (await world.run("write_back")).status_code == 500
    assert (await world.run("write_back")).status_code == 200
    assert (await world.run("export_tables")).status_code == 200
    await _a_day_of_captures(world, basket)
    return [good, retried, parked, late]


async def _a_day_of_stock(world: World) -> None:
    """Shopify's budget halts the first run of both stores before it sets a figure, the third fails in F&O."""
    await _shopify_fault(world, kind="throttled", operation="StockLevels", times=6)
    assert (await world.run("push_stock")).status_code == 200
    assert (await world.run("push_stock")).status_code == 200
    await world.fo_fault(kind="bad_gateway", set="WarehousesOnHandV2", times=2)
    assert (await world.run("push_stock")).status_code == 500


async def _a_day_of_products(world: World) -> None:
    """A product without a name. The first run fails in F&O."""
    named = await world.http.post(f"{world.stack.d365}/_sim/products/HAT/text", json={"language": "en-US", "name": " "})
    assert named.status_code < 300, named.text
    await world.fo_fault(kind="bad_gateway", set="ProductTranslations", times=1)
    assert (await world.run("push_products")).status_code == 500
    assert (await world.run("push_products")).status_code == 200


async def _a_list_of_a_big_shop(world: World) -> None:
    """Shopify begins with it, works on it, and has made it; the next run of the prices reads it. The other store's
    prices are compared meanwhile, and are not due again.
    """
    shop = f"{world.stack.shopify}/{SHOPS['nordlys']}/_sim"
    size = {"count": LISTED_IN_BULK // 100, "variants": 100}
    assert (await world.http.post(f"{shop}/products/generate", json=size)).status_code == 201
    await world.http.post(f"{shop}/bulk", json={"run": False, "seconds": 3600})
    assert (await world.run("push_prices")).status_code == 200
    assert (await world.run("push_prices")).status_code == 200
    assert (await world.http.post(f"{shop}/bulk", json={}, timeout=60)).status_code == 200


async def _a_day_of_prices(world: World) -> None:
    """A new price, one that is wrong by the factor 100, and one that is negative. The first run fails in F&O, in the
    second an answer of Shopify is lost.
    """
    group = {"PriceCustomerGroupCode": "WEB"}
    prices = [{"ItemNumber": "LAMP-HEAD", "Price": 29.95}, {"ItemNumber": "STOVE-GAS", "Price": 5495}]
    prices.append({"ItemNumber": "BAG-DOWN", "Price": -1})
    posted = await world.http.post(
        f"{world.stack.d365}/_sim/trade-agreements",
        json={"company": "nleu", "prices": [group | price for price in prices]},
    )
    assert posted.status_code < 300, posted.text
    await world.fo_fault(kind="bad_gateway", set="SalesPriceAgreements", times=1)
    assert (await world.run("push_prices")).status_code == 500
    await _shopify_fault(world, kind="bad_gateway", operation="PriceVariantsSet")
    assert (await world.run("push_prices")).status_code == 200
    assert (await world.run("push_prices")).status_code == 200


async def _a_day_in_the_warehouse(world: World, shipped: dict[str, Any]) -> None:
    assert (await world.run("push_shipments")).status_code == 200  # the flow starts with slips that are posted later
    number = (await world.sales_orders(str(shipped["id"])))[0]["number"]
    packed = await world.http.post(
        f"{world.stack.d365}/_sim/orders/nleu/{number}/pack", json={"carrier": "DHL", "tracking_number": "JD0001"}
    )
    assert packed.status_code < 300, packed.text
    assert (await world.run("push_shipments")).status_code == 200
    end = await world.end_of_topic("nordlys", shipped["id"], "shipments/moved")
    assert "shipments: 1 fulfilments made" in end["note"]
    await world.end_of_topic("nordlys", shipped["id"], "orders/fulfilled")  # before a sweep misses it


async def _a_day_of_captures(world: World, basket: dict[str, Any]) -> None:
    """An authorisation that is told of before it expires, and captured when F&O invoices."""
    expires_at = (datetime.now(UTC) + timedelta(hours=12)).isoformat()
    payment = {"kind": "authorization", "expires_at": expires_at}
    order = await world.buy("nordlys", basket | {"payment": [payment]})
    await world.ends_of("nordlys", order["id"], count=2)
    assert (await world.run("push_shipments")).status_code == 200
    end = await world.end_of_topic("nordlys", order["id"], "shipments/moved")
    assert end["outcome"] == "parked"
    known = await world.ends_of("nordlys", order["id"], count=3)
    number = (await world.sales_orders(str(order["id"])))[0]["number"]
    for action in ("pack", "invoice"):
        done = await world.http.post(f"{world.stack.d365}/_sim/orders/nleu/{number}/{action}", json={})
        assert done.status_code < 300, done.text
    assert (await world.run("push_shipments")).status_code == 200
    ends = await world.ends_of("nordlys", order["id"], count=len(known) + 1)
    assert any("1 captures made" in each["note"] for each in ends)
    await world.end_of_topic("nordlys", order["id"], "orders/paid")


async def _a_day_of_sweeps(
    world: World, basket: dict[str, Any], changed: dict[str, Any], edited: dict[str, Any]
) -> dict[str, Any]:
    """An order that somebody edits in F&O, a change without a webhook, and an order without one, which is returned."""
    line = (await world.sales_orders(str(edited["id"])))[0]["lines"][0]
    await world.fo_data(
        "PATCH", f"SalesOrderLinesV3(dataAreaId='nleu',InventoryLotId='{line['lot']}')", {"SalesPrice": 1}
    )
    assert (await world.run("sweep_orders")).status_code == 200
    url = f"{world.stack.shopify}/{SHOPS['nordlys']}/_sim/orders/{changed['id']}/edit"
    untold = await world.http.post(url, json={"add": [{"sku": "MAP-NORDIC", "quantity": 1}], "announce": []})
    assert untold.status_code < 300, untold.text
    assert (await world.run("sweep_orders")).status_code == 200
    await world.end_of_topic("nordlys", changed["id"], "sweep/order")
    placed_at = (datetime.now(UTC) - timedelta(minutes=20)).isoformat()
    late = await world.buy("nordlys", basket | {"created_at": placed_at, "announce": []})
    order = f"{world.stack.shopify}/{SHOPS['nordlys']}/_sim/orders/{late['id']}"
    more = {"add": [{"sku": "MAP-NORDIC", "quantity": 1}], "announce": []}
    untold = await world.http.post(f"{order}/edit", json=more)  # a change since the first sweep, which looks no further
    assert untold.status_code < 300, untold.text
    assert (await world.run("sweep_orders")).status_code == 200
    await world.end_of_topic("nordlys", late["id"], "sweep/order")
    return late


async def _subscribe(world: World, topic: str) -> None:
    """A subscription as the Admin API makes it. Shopify lists those, so the other topics count as dropped."""
    shop, settings = f"{world.stack.shopify}/{SHOPS['nordlys']}", world.stack.settings
    asked = await world.http.post(
        f"{shop}/admin/oauth/access_token",
        data={
            "grant_type": "client_credentials",
            "client_id": settings["SHOPIFY_NORDLYS_CLIENT_ID"],
            "client_secret": settings["SHOPIFY_NORDLYS_CLIENT_SECRET"],
        },
    )
    uri = f"{world.stack.host}/api/webhooks/shopify/nordlys/orders?through=api"
    answer = await world.http.post(
        f"{shop}/admin/api/2026-10/graphql.json",
        json={
            "query": "mutation ($topic: WebhookSubscriptionTopic!, $given: WebhookSubscriptionInput!) {"
            " webhookSubscriptionCreate(topic: $topic, webhookSubscription: $given) { userErrors { message } } }",
            "variables": {"topic": topic, "given": {"uri": uri}},
        },
        headers={"X-Shopify-Access-Token": asked.json()["access_token"]},
    )
    assert answer.json()["data"]["webhookSubscriptionCreate"]["userErrors"] == [], answer.text


async def _shopify_fault(world: World, **fault: str | int) -> None:
    answer = await world.http.post(f"{world.stack.shopify}/_sim/faults", json=fault)
    assert answer.status_code < 300, answer.text


def as_tables(items: list[dict[str, Any]]) -> Tables:
    """The rows that Azure makes of the items."""
    tables: Tables = {name: [] for name in COLUMNS}
    for item in items:
        if table := TABLES.get(item["data"]["baseType"]):
            tables[table].append(_row(table, item))
    return tables


def _row(table: str, item: dict[str, Any]) -> Row:
    data, tags = item["data"]["baseData"], item["tags"]
    common = {
        "TimeGenerated": datetime.fromisoformat(item["time"]),
        "Name": data.get("name"),
        "Properties": data.get("properties") or {},
        "OperationId": tags.get("ai.operation.id"),
        "OperationName": tags.get("ai.operation.name"),
        "ParentId": tags.get("ai.operation.parentId"),
        "AppRoleName": tags.get("ai.cloud.role"),
    }
    match table:
        case "AppEvents":
            return common
        case "AppMetrics":
            (point,) = data["metrics"]
            figures = {"Sum": point["value"], "Min": point.get("min"), "Max": point.get("max")}
            return common | {"Name": point["name"], "ItemCount": point.get("count") or 1} | figures
    call = {
        "Id": data["id"],
        "DurationMs": _milliseconds(data["duration"]),
        "ResultCode": data.get("responseCode") or data.get("resultCode"),
        "Success": data["success"],
    }
    if table == "AppDependencies":
        call |= {"DependencyType": data.get("type"), "Target": data.get("target")}
    return common | call


def _milliseconds(duration: str) -> float:
    """Of "d.hh:mm:ss.fff"."""
    match = re.fullmatch(r"(\d+)\.(\d+):(\d+):([\d.]+)", duration)
    assert match, duration
    days, hours, minutes, seconds = (float(part) for part in match.groups())
    return (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000
