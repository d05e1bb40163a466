"""Webhooks through host, worker and Service Bus, compared with a function of the same host that only answers 200.

Both get the same body and headers. What is compared is the processor time of the host's process for one request, in all
of its threads: what runs beside it on the machine takes none of it. `python -m bench.webhooks` measures this alone.
"""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import os
import shutil
import statistics
import sys
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Final

import aiohttp
import httpx
from azure.servicebus import ServiceBusMessageBatch
from rich.console import Console

from bench import calls, ingestion
from bench.figures import Figure, at_least, show
from bench.world import write_large_world
from local.process import LogLine
from local.stack import ROOT, SCHEDULES, Ports, Stack, running
from shared.bus.encoding import add
from shared.bus.envelope import Envelope

CONCURRENCY: Final = 64
_REQUESTS: Final = 1500
_ROUNDS: Final = 9
AIM: Final = 0.5
NEVER: Final = dict.fromkeys(SCHEDULES, "0 0 0 29 2 *")
"""For `overrides`: no timer runs."""
_EXPORT_MILLISECONDS: Final = 500
"""After which the exporter sends what waits; five seconds in Azure, which a round would have to wait for."""

_APP: Final = '''"""The webhook function of the app, and one that only answers 200."""

import azure.functions as func

from shared import triggers

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route("webhooks/shopify/{store}/orders", methods=["POST"])
async def orders_webhook(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    return await triggers.receive("orders", req, context)


@app.route("noop", methods=["POST"])
async def noop(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("ok")
'''


def make_app(folder: Path) -> Path:
    """An app with these two functions only: the queue is not consumed, because that would take processor time."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "function_app.py").write_text(_APP, encoding="utf-8")
    shutil.copy(ROOT / "host.json", folder / "host.json")
    return folder


@dataclass(frozen=True, slots=True)
class _Round:
    """One load of requests."""

    times: list[float]
    """Seconds of each request."""
    took: float
    """Seconds of all together."""
    busy: float
    """Seconds of the processor in the host's process for one request."""


async def measure(stack: Stack, body: bytes) -> list[Figure]:
    """With the log alone: without a connection string of Application Insights, the app exports no telemetry."""
    empties, webhooks = await _compare(stack, body)
    rate = statistics.median(len(each.times) / each.took for each in webhooks)
    bare = statistics.median(len(each.times) / each.took for each in empties)
    times = sorted(moment for each in webhooks for moment in each.times)
    return [
        Figure(f"webhooks at concurrency {CONCURRENCY}", rate, "1/s"),
        Figure("a function that only answers 200", bare, "1/s"),
        Figure("processor time of a webhook, with log lines", _busy(webhooks) * 1e6, "µs"),
        Figure("processor time of an empty function", _busy(empties) * 1e6, "µs"),
        at_least("webhooks logged / empty function", _ratio(empties, webhooks), "ratio", AIM),
        Figure("encoding the message of one", _encoding(body), "µs"),
        Figure("webhook, half are faster than (p50)", times[len(times) // 2] * 1e3, "ms"),
        Figure("webhook, 99 % are faster than (p99)", times[len(times) * 99 // 100] * 1e3, "ms"),
    ]


async def measure_monitored(app: Path, world: Path, log: LogLine) -> list[Figure]:
    """With the exporter to Azure Monitor in the app's process, as deployed, sending to an endpoint of this machine.

    The host's own rows are off: in Azure another process writes them, and here they would cost both functions the same.
    """
    with ingestion.endpoint() as address:
        overrides = {
            **NEVER,
            **ingestion.SILENT,
            "APPLICATIONINSIGHTS_CONNECTION_STRING": f"InstrumentationKey={uuid.uuid4()};IngestionEndpoint={address}",
            "AzureFunctionsJobHost__telemetryMode": "ApplicationInsights",
            "OTEL_BSP_SCHEDULE_DELAY": str(_EXPORT_MILLISECONDS),
            "OTEL_BLRP_SCHEDULE_DELAY": str(_EXPORT_MILLISECONDS),
        }
        async with (
            running(Ports.free(), log=log, overrides=overrides, app=app, world=world) as stack,
            httpx.AsyncClient() as http,
        ):
            empties, webhooks = await _compare(stack, await order_body(stack, http))
    return [
        Figure("processor time of a webhook, with Azure Monitor", _busy(webhooks) * 1e6, "µs"),
        at_least("webhooks monitored / empty function", _ratio(empties, webhooks), "ratio", AIM),
    ]


async def order_body(stack: Stack, http: httpx.AsyncClient) -> bytes:
    """The body of orders/create of an order with five lines."""
    return json.dumps(await calls.order_of(stack, http, 5)).encode()


async def _compare(stack: Stack, body: bytes) -> tuple[list[_Round], list[_Round]]:
    """Rounds of the empty function and of webhooks. They alternate, so that what the processor's clock does concerns
    both; between them the exporter's threads get the time to send what a round has left.
    """
    webhook, empty = f"{stack.host}/api/webhooks/shopify/nordlys/orders", f"{stack.host}/api/noop"
    [host] = [part for part in stack.parts if part.name == "host"]
    connector = aiohttp.TCPConnector(limit=CONCURRENCY)
    async with aiohttp.ClientSession(connector=connector) as http:

        async def load(url: str, requests: int) -> _Round:
            before = _processor_seconds(host.pid)
            times, took = await _load(http, url, body, requests, signed(body))
            await asyncio.sleep(2 * _EXPORT_MILLISECONDS / 1000)
            return _Round(times, took, (_processor_seconds(host.pid) - before) / requests)

        for url in (webhook, empty):
            await load(url, _REQUESTS)
        pairs = [(await load(empty, _REQUESTS), await load(webhook, _REQUESTS)) for _ in range(_ROUNDS)]
    return [each for each, _ in pairs], [each for _, each in pairs]


def _busy(rounds: list[_Round]) -> float:
    return statistics.median(each.busy for each in rounds)


def _ratio(empties: list[_Round], webhooks: list[_Round]) -> float:
    """1 is as cheap as the empty function. Of rounds that follow each other, since the processor's pace changes."""
    return statistics.median(bare.busy / full.busy for bare, full in zip(empties, webhooks, strict=True))


def _processor_seconds(pid: int) -> float:
    """Of all threads of the process, in its own code and in the kernel, as Linux counts them."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def signed(body: bytes) -> Callable[[], Mapping[str, str]]:
    signature = base64.b64encode(hmac.digest(b"dev-nordlys-new", body, sha256)).decode()
    fixed = {
        "X-Shopify-Topic": "orders/create",
        "X-Shopify-Hmac-Sha256": signature,
        "X-Shopify-Shop-Domain": "nordlys-outdoor.myshopify.com",
        "Content-Type": "application/json",
    }
    return lambda: {**fixed, "X-Shopify-Webhook-Id": str(uuid.uuid4())}


def _encoding(body: bytes) -> float:
    """Microseconds in which a message comes into a batch, ready to be sent."""
    envelopes = [
        Envelope("orders", str(uuid.uuid4()), "shopify", "nordlys", "orders/create", "1", datetime.now(UTC), "", body)
        for _ in range(500)
    ]
    rounds = []
    for _ in range(_ROUNDS):
        began = time.process_time()
        for envelope in envelopes:
            add(ServiceBusMessageBatch(), envelope, None)
        rounds.append(time.process_time() - began)
    return statistics.median(rounds) / len(envelopes) * 1e6


async def _load(
    http: aiohttp.ClientSession, url: str, body: bytes, requests: int, headers: Callable[[], Mapping[str, str]]
) -> tuple[list[float], float]:
    """Each request's seconds, and the seconds of all together. Any answer but 200 ends the measurement."""
    times: list[float] = []
    left = iter(range(requests))

    async def one_after_the_other() -> None:
        for _ in left:
            began = time.perf_counter()
            async with http.post(url, data=body, headers=headers()) as answer:
                text = await answer.text()
                if answer.status != 200:
                    raise RuntimeError(f"{url} answered {answer.status}: {text}")
            times.append(time.perf_counter() - began)

    began = time.perf_counter()
    await asyncio.gather(*(one_after_the_other() for _ in range(CONCURRENCY)))
    return times, time.perf_counter() - began


async def _measure_alone() -> list[Figure]:
    build = ROOT / "build"
    app = make_app(build / "bench_app")
    world = write_large_world(build / "bench_world.toml", figures=100)
    with (build / "bench.log").open("w", encoding="utf-8") as lines:

        def log(part: str, line: str) -> None:
            print(f"{part:>10} | {line}", file=lines)

        async with (
            running(Ports.free(), log=log, overrides=NEVER, app=app, world=world) as stack,
            httpx.AsyncClient() as http,
        ):
            figures = await measure(stack, await order_body(stack, http))
        return figures + await measure_monitored(app, world, log)


if __name__ == "__main__":
    show(asyncio.run(_measure_alone()), Console(width=None if sys.stdout.isatty() else 120))
