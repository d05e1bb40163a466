"""How many calls the flows make: to F&O for an order, to Shopify for 10,000 stock figures."""

from __future__ import annotations

import asyncio
import time
from typing import Any, Final

import httpx
from azure.data.tables.aio import TableServiceClient

from bench.figures import Figure, at_most
from local.stack import Stack

FIGURES: Final = 10_000
NORDLYS: Final = "nordlys-outdoor.myshopify.com"
_BASKET: Final[dict[str, Any]] = {
    "customer": {"first_name": "Sanne", "last_name": "de Vries", "email": "sanne@example.com"},
    "shipping_address": {"address1": "Keizersgracht 241", "city": "Amsterdam", "zip": "1016EA", "country_code": "NL"},
    "tax": [{"title": "BTW", "rate": 0.21}],
    "shipping": [{"title": "Standard", "code": "STANDARD", "price": "6.95"}],
}


async def order_of(stack: Stack, http: httpx.AsyncClient, lines: int, **more: Any) -> dict[str, Any]:
    """Places an unpaid order of so many different SKUs; the app gets one webhook. Returns the REST resource."""
    skus = [f"BULK-{number:05d}" for number in range(lines)]
    basket = [{"sku": sku, "quantity": 1, "price": "19.95"} for sku in skus]
    return await place(stack, http, **{"lines": basket, "payment": "unpaid", "announce": ["orders/create"], **more})


async def place(stack: Stack, http: httpx.AsyncClient, **basket: Any) -> dict[str, Any]:
    """Places an order, by the usual buyer if `basket` has none. Returns the order as REST resource."""
    answer = await http.post(f"{stack.shopify}/{NORDLYS}/_sim/orders", json={**_BASKET, **basket})
    answer.raise_for_status()
    placed: dict[str, Any] = answer.json()
    return placed


async def measure_order(stack: Stack, http: httpx.AsyncClient) -> list[Figure]:
    """The first order creates the customer; the calls for the second one, of 20 lines, are counted."""
    first = await order_of(stack, http, 1)
    await _until_done(stack, first)
    await http.delete(f"{stack.d365}/_sim/calls")
    order = await order_of(stack, http, 20, customer={**_BASKET["customer"], "id": first["customer"]["id"]})
    seconds = await _until_done(stack, order)
    calls = (await http.get(f"{stack.d365}/_sim/calls")).json()["http"]
    writes = sum(count for call, count in calls.items() if call.startswith("POST"))
    return [
        at_most("F&O writes for an order of 20 lines of a known customer", writes, "requests", 1),
        at_most("F&O reads for it", sum(calls.values()) - writes, "requests", 2),
        Figure("from Shopify's event to the sales order", seconds, "s"),
    ]


async def measure_stock(stack: Stack, http: httpx.AsyncClient) -> list[Figure]:
    """The first push sends every figure, since Shopify shows other ones; the second has nothing to do."""
    first, points, first_seconds = await _push(stack, http)
    second, _, second_seconds = await _push(stack, http)
    writes = first.pop("StockSet", 0)
    return [
        at_most(f"GraphQL writes for {FIGURES:,} changed stock figures", writes, "calls", FIGURES / 250),
        Figure("GraphQL reads for them", sum(first.values()), "calls"),
        at_most("query budget for both, of 2,000 at once and 100 a second", points, "points", 2000 + 60 * 100),
        Figure("seconds for them", first_seconds, "s"),
        Figure("GraphQL calls of a push that has nothing to do", sum(second.values()), "calls"),
        Figure("seconds for that", second_seconds, "s"),
    ]


async def _push(stack: Stack, http: httpx.AsyncClient) -> tuple[dict[str, int], int, float]:
    """GraphQL calls of the store nordlys by name, what they cost, and the seconds it took."""
    await http.delete(f"{stack.shopify}/_sim/calls")
    began = time.perf_counter()
    answer = await http.post(f"{stack.host}/admin/functions/push_stock?wait=true", json={"input": ""}, timeout=240)
    answer.raise_for_status()
    took = time.perf_counter() - began
    totals = (await http.get(f"{stack.shopify}/_sim/calls")).json()["totals"].get(NORDLYS, {})
    return {name: row["calls"] for name, row in totals.items()}, sum(row["cost"] for row in totals.values()), took


async def _until_done(stack: Stack, order: dict[str, Any]) -> float:
    """The seconds from Shopify's event to the journal's entry."""
    async with TableServiceClient.from_connection_string(stack.storage) as service:
        journal = service.get_table_client("journal")
        for _ in range(600):
            async for row in journal.query_entities(f"PartitionKey eq 'nordlys-{order['id']}'"):
                if row["outcome"] == "parked":
                    raise RuntimeError(row["note"])
                if row["outcome"] == "done":
                    return float(row["seconds"])
            await asyncio.sleep(0.1)
    raise RuntimeError(f"order {order['name']} is neither done nor parked")
