"""What a shipment costs in Shopify, and what finding none costs in F&O with 10,000 open orders."""

from __future__ import annotations

import asyncio
from math import ceil
from typing import Any, Final

import httpx
from azure.data.tables.aio import TableServiceClient

from bench.calls import NORDLYS, place
from bench.figures import Figure, at_most
from local.stack import Stack
from shared.sync.shipments.sources import open_orders

_ORDERS: Final = 10
_OPEN: Final = 10_000
_REFILL: Final = 100
"""Points that Shopify gives a store back in a second."""
_COMPANY: Final = "nleu"
_IN_A_TRANSACTION: Final = 100
_LINES: Final = [
    {"sku": "TENT-2P", "quantity": 1, "price": "249.00"},
    {"sku": "LAMP-HEAD", "quantity": 2, "price": "39.95"},
]


async def measure(stack: Stack, http: httpx.AsyncClient) -> list[Figure]:
    """Needs a stack whose store nordlys has the flow on."""
    placed = [await place(stack, http, lines=_LINES, announce=["orders/create"]) for _ in range(_ORDERS)]
    ids = {str(order["id"]) for order in placed}
    await _until(stack, ids, "orders/create")
    await http.delete(f"{stack.shopify}/{NORDLYS}/_sim/calls")
    await _push(stack, http)  # the watermark: nothing has left yet
    await _fill(stack)
    await http.delete(f"{stack.d365}/_sim/calls")
    await _push(stack, http)
    reads_of_none = await _fo_calls(stack, http)
    for order in (await http.get(f"{stack.d365}/_sim/orders")).json():
        number = order["number"]
        packed = await http.post(
            f"{stack.d365}/_sim/orders/{_COMPANY}/{number}/pack", json={"tracking_number": f"JJD{number}"}
        )
        packed.raise_for_status()
    await http.delete(f"{stack.shopify}/_sim/calls")
    await http.delete(f"{stack.d365}/_sim/calls")
    await _push(stack, http)
    await _until(stack, ids, "shipments/moved")
    totals: dict[str, Any] = (await http.get(f"{stack.shopify}/_sim/calls")).json()["totals"].get(NORDLYS, {})
    points = sum(row["cost"] for row in totals.values()) / _ORDERS
    writes = totals.get("ShipmentsCreate", {"calls": 0})["calls"] / _ORDERS
    calls = sum(row["calls"] for row in totals.values()) / _ORDERS
    reads_of_all = await _fo_calls(stack, http)
    return [
        at_most("GraphQL writes for a shipped order of one packing slip", writes, "calls", 1),
        at_most("GraphQL reads for it", calls - writes, "calls", 1),
        Figure("query budget for it", points, "points"),
        Figure("orders shipped a second within a store's budget", _REFILL / points, "1/s"),
        Figure("F&O reads for a shipped order", reads_of_all / _ORDERS, "requests"),
        at_most(f"F&O reads a minute, two stores, {_OPEN:,} open orders", reads_of_none, "requests", 10),
        at_most("the same where orders are asked in turn (computed)", open_orders.READS + 3, "requests", 10),
        at_most("until each of them was asked then (computed)", ceil(_OPEN / open_orders.ORDERS), "minutes", 65),
    ]


async def _push(stack: Stack, http: httpx.AsyncClient) -> None:
    answer = await http.post(f"{stack.host}/admin/functions/push_shipments?wait=true", json={"input": ""}, timeout=240)
    answer.raise_for_status()


async def _fo_calls(stack: Stack, http: httpx.AsyncClient) -> int:
    calls: dict[str, int] = (await http.get(f"{stack.d365}/_sim/calls")).json()["http"]
    return sum(count for call, count in calls.items() if "/data/" in call)


async def _fill(stack: Stack) -> None:
    """Links of as many orders as a shop has open."""
    async with TableServiceClient.from_connection_string(stack.storage) as service:
        links = service.get_table_client("links")
        rows = [row async for row in links.query_entities("RowKey ge 'order-' and RowKey lt 'order.'")]
        like = dict(rows[0])
        others = [
            {**like, "RowKey": f"order-{10**15 + number:020d}", "sales_order": f"OPEN-{number}"}
            for number in range(_OPEN)
        ]
        for first in range(0, _OPEN, _IN_A_TRANSACTION):
            await links.submit_transaction([("create", row) for row in others[first : first + _IN_A_TRANSACTION]])


async def _until(stack: Stack, order_ids: set[str], topic: str) -> None:
    """Raises RuntimeError for an order that is parked, or not done in two minutes."""
    async with TableServiceClient.from_connection_string(stack.storage) as service:
        journal = service.get_table_client("journal")
        left = set(order_ids)
        for _ in range(600):
            for order_id in list(left):
                async for row in journal.query_entities(f"PartitionKey eq 'nordlys-{order_id}'"):
                    if row["outcome"] == "parked":
                        raise RuntimeError(row["note"])
                    if row["topic"] == topic and row["outcome"] == "done":
                        left.discard(order_id)
            if not left:
                return
            await asyncio.sleep(0.2)
    raise RuntimeError(f"{len(left)} orders are not done")
