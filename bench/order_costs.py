"""What orders cost: points of Shopify's query budget, calls of F&O, and processor time beside reading the JSON."""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from itertools import batched
from typing import Any, Final

import httpx
from azure.data.tables.aio import TableServiceClient

from bench.calls import NORDLYS, order_of
from bench.figures import Figure, at_most
from bench.order_events import BookedOrder
from local.stack import Stack
from shared.bus.envelope import Envelope
from shared.clients import build
from shared.settings import read_settings
from shared.sync.messages.dispatch import handle_message
from shared.sync.orders.flow import sync_order
from shared.sync.orders.ports import OrderPorts

_WRITTEN_BACK: Final = 25
_MOVED: Final = {"address1": "Oudegracht 9", "city": "Utrecht", "zip": "3511AB", "country_code": "NL"}
_SKU: Final = "BULK-00020"
_YOUNG: Final = 11
"""Seconds after which a table of payments is old enough for what it does not show (shared/store/payments.py)."""
_WARM: Final = 10
_ROUNDS: Final = 5
_MEASURED: Final = 12
"""Orders of a round."""
_READ: Final = 20
"""How often a body is read for each order, which shares the machine's load then."""
_RATIO: Final = 143
"""Half of 286, the least that was measured while each new order was queried whole."""


async def measure(stack: Stack, http: httpx.AsyncClient) -> list[Figure]:
    """All events that Shopify sends for an order count, and a second one of the same second."""
    async with TableServiceClient.from_connection_string(stack.storage) as service:
        begin = partial(BookedOrder.begin, stack, http, service.get_table_client("journal"))
        await begin()  # the buyer's account and the caches
        events = ["orders/create", "orders/updated"]
        await _reset(stack, http)
        await begin(announce=events)
        unpaid = _points(await _calls(stack, http))
        events += ["order_transactions/create", "orders/paid"]
        await _reset(stack, http)
        paid = await begin(payment=None, announce=events)
        of_paid = _points(await _calls(stack, http))
        address = await (await begin()).amend(shipping_address=_MOVED)
        lines = [{"line": _SKU, "quantity": 1, "restock": "cancel"}]
        await paid.step("refund", lines=lines)  # what the process learns of F&O's fields at its first refund
        await asyncio.sleep(_YOUNG)
        refund = await paid.step("refund", lines=lines)
        written = await _points_of_write_back(stack, http, begin)
    return [
        at_most("points new unpaid order", unpaid, "points", 3),
        at_most("points new paid order", of_paid, "points", 10),
        at_most("points write-back per order", written, "points", 3),
        at_most("fo calls address change", address.total(), "requests", 3),
        at_most("fo calls refund", refund.total(), "requests", 5),
    ]


async def measure_tagged(stack: Stack, http: httpx.AsyncClient) -> list[Figure]:
    """For stores that add a tag for each number."""
    async with TableServiceClient.from_connection_string(stack.storage) as service:
        begin = partial(BookedOrder.begin, stack, http, service.get_table_client("journal"))
        written = await _points_of_write_back(stack, http, begin)
    return [Figure("points write-back per order with a tag", written, "points")]


def without_tag(text: str) -> str:
    """A store's file that adds no tag to orders."""
    before, start, block = text.partition("\n[write_back]\n")
    own, end, rest = block.partition("\n\n")
    return before + start + "\n".join(line for line in own.splitlines() if not line.startswith("tag = ")) + end + rest


async def _points_of_write_back(
    stack: Stack, http: httpx.AsyncClient, begin: Callable[[], Awaitable[BookedOrder]]
) -> float:
    await _write_back(stack, http)  # defines the metafield
    for _ in range(_WRITTEN_BACK):
        await begin()
    await _reset(stack, http)
    await _write_back(stack, http)
    return _points(await _calls(stack, http), "WriteBack") / _WRITTEN_BACK


async def _reset(stack: Stack, http: httpx.AsyncClient) -> None:
    (await http.delete(f"{stack.shopify}/_sim/calls")).raise_for_status()


async def _calls(stack: Stack, http: httpx.AsyncClient) -> Mapping[str, Mapping[str, int]]:
    """By operation."""
    totals: dict[str, Any] = (await http.get(f"{stack.shopify}/_sim/calls")).json()["totals"]
    found: Mapping[str, Mapping[str, int]] = totals.get(NORDLYS, {})
    return found


def _points(calls: Mapping[str, Mapping[str, int]], prefix: str = "Order") -> int:
    return sum(row["cost"] for name, row in calls.items() if name.startswith(prefix))


async def _write_back(stack: Stack, http: httpx.AsyncClient) -> None:
    url = f"{stack.host}/admin/functions/write_back?wait=true"
    (await http.post(url, json={"input": ""}, timeout=120)).raise_for_status()


async def measure_processor(stack: Stack, http: httpx.AsyncClient) -> list[Figure]:
    """An unpaid order of five lines, handled in this process with all clients. The stack's app gets no webhook.

    The round with the lowest median counts: whatever else the machine does makes a call dearer, and reading a body,
    which needs little memory, far less.
    """
    os.environ |= {name: stack.settings[name] for name in ("IDENTITY_ENDPOINT", "IDENTITY_HEADER")}
    services = build(read_settings(stack.settings))
    ports = services.ports["orders"]
    assert isinstance(ports, OrderPorts)
    handler = partial(sync_order, ports=ports)
    busy: list[float] = []
    ratios: list[float] = []
    for _ in range(_WARM + _ROUNDS * _MEASURED):
        order = await order_of(stack, http, 5, announce=[])
        body = json.dumps(order).encode()
        envelope = _envelope(order["id"], body)
        before = time.process_time()
        await handle_message(handler, body, envelope.properties(), envelope.event_id, services.queues["orders"])
        handled = time.process_time()
        for _ in range(_READ):
            json.loads(body, parse_float=Decimal)
        busy.append(handled - before)
        ratios.append(busy[-1] * _READ / (time.process_time() - handled))
        link = await ports.links.get("nordlys", order["id"])
        if link is None or not link.sales_order:
            raise RuntimeError(f"order {order['name']} was not booked")
    return [
        Figure(
            "processor time of an unpaid order of 5 lines, in the quietest round", _of_quietest_round(busy) * 1e3, "ms"
        ),
        at_most("order processor / parsing", _of_quietest_round(ratios), "ratio", _RATIO),
    ]


def _of_quietest_round(measured: Sequence[float]) -> float:
    return min(statistics.median(its) for its in batched(measured[_WARM:], _MEASURED, strict=True))


def _envelope(order_id: int, body: bytes) -> Envelope:
    return Envelope(
        flow="orders",
        event_id=f"bench-{order_id}",
        source="shopify",
        store="nordlys",
        topic="orders/create",
        entity_id=str(order_id),
        occurred_at=datetime.now(UTC),
        traceparent="",
        body=body,
    )
