"""What telemetry costs: the app's own code and clients, with Azure Monitor's exporter and without.

Each message is received and handled in this process: HMAC, publish to Service Bus, rules, mapping, F&O, tables. Rounds
with and without the exporter alternate and are compared in pairs, so that other load on the machine affects both.
Throughput includes the waiting for Service Bus and F&O, as in Azure. Processor time is that of all threads.
"""

from __future__ import annotations

import asyncio
import base64
import hmac
import itertools
import json
import os
import statistics
import time
import uuid
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import Any, Final

from bench import ingestion
from bench.figures import Figure, at_most
from local.stack import Stack
from shared.azure_monitor import OpenTelemetry, azure_monitor
from shared.clients import Services, build
from shared.settings import read_settings
from shared.sync.messages.dispatch import handle_message
from shared.sync.messages.intake import receive_webhook
from shared.sync.orders.flow import sync_order
from shared.sync.orders.ports import OrderPorts
from shared.telemetry import export_to

_MESSAGES: Final = 60
_ROUNDS: Final = 5


async def measure(stack: Stack, payload: dict[str, Any]) -> list[Figure]:
    """`payload` is an order of the store nordlys. The stack's app must not read the queue itself."""
    os.environ |= {name: stack.settings[name] for name in ("IDENTITY_ENDPOINT", "IDENTITY_HEADER")} | ingestion.SILENT
    services = build(read_settings(stack.settings))
    numbers = itertools.count(int(payload["id"]) + 1)
    with ingestion.endpoint() as address:
        exporter = azure_monitor(f"InstrumentationKey={uuid.uuid4()};IngestionEndpoint={address}", "bench")
        plain: list[_Round] = []
        watched: list[_Round] = []
        try:
            for _ in range(_ROUNDS + 1):  # the first opens connections and fills caches
                for rounds, target in ((plain, None), (watched, exporter)):
                    orders = [payload | _identity(number) for number in itertools.islice(numbers, _MESSAGES)]
                    rounds.append(await _round(services, orders, target))
        finally:
            export_to(None)
            await asyncio.to_thread(exporter.shutdown)
    pairs = list(zip(plain, watched, strict=True))[1:]
    slower = statistics.median(full.seconds / bare.seconds for bare, full in pairs) - 1
    busier = statistics.median(full.busy / bare.busy for bare, full in pairs) - 1
    return [
        Figure("messages from webhook to F&O, one after the other", 1 / _median(plain, "seconds"), "1/s"),
        at_most("throughput that telemetry costs", slower * 100, "%", 5),
        Figure("processor time of one message", _median(plain, "busy") * 1e3, "ms"),
        Figure("processor time that telemetry costs", busier * 100, "%"),
    ]


@dataclass(frozen=True, slots=True)
class _Round:
    """For one message, in seconds."""

    seconds: float
    busy: float
    """Of the processor, in all threads."""


def _median(rounds: list[_Round], name: str) -> float:
    return statistics.median(float(getattr(each, name)) for each in rounds[1:])


async def _round(services: Services, orders: list[dict[str, Any]], exporter: OpenTelemetry | None) -> _Round:
    export_to(exporter)
    began, busy = time.perf_counter(), time.process_time()
    for order in orders:
        await _handle(services, order)
    seconds = time.perf_counter() - began
    if exporter is not None:
        await asyncio.to_thread(_flush, exporter)
    return _Round(seconds / len(orders), (time.process_time() - busy) / len(orders))


def _flush(exporter: OpenTelemetry) -> None:
    """Sends the spans and events that wait; metrics are sent once a minute."""
    for provider in exporter._providers[:2]:  # noqa: SLF001 - the app never waits for its telemetry
        provider.force_flush()


def _identity(number: int) -> dict[str, Any]:
    return {"id": number, "admin_graphql_api_id": f"gid://shopify/Order/{number}"}


async def _handle(services: Services, order: dict[str, Any]) -> None:
    body = json.dumps(order).encode()
    headers = {
        "x-shopify-topic": "orders/create",
        "x-shopify-hmac-sha256": base64.b64encode(hmac.digest(b"dev-nordlys-new", body, sha256)).decode(),
        "x-shopify-shop-domain": "nordlys-outdoor.myshopify.com",
        "x-shopify-webhook-id": str(uuid.uuid4()),
    }
    taken = await receive_webhook("orders", "nordlys", headers, body, traceparent="", ports=services.intake)
    ports = services.ports["orders"]
    assert isinstance(ports, OrderPorts)
    handler = partial(sync_order, ports=ports)
    await handle_message(handler, body, taken.properties(), taken.message_id, services.queues["orders"])
