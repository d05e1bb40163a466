"""Webhooks through host, worker and Service Bus, compared with a function of the same host that only answers 200."""

from __future__ import annotations

import asyncio
import base64
import hmac
import shutil
import statistics
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Final

import aiohttp
from azure.servicebus import ServiceBusMessageBatch

from bench.figures import Figure, at_least
from local.stack import ROOT, Stack
from shared.bus.envelope import Envelope
from shared.bus.publisher import to_message

CONCURRENCY: Final = 64
_REQUESTS: Final = 1500
_ROUNDS: Final = 5

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


async def measure(stack: Stack, body: bytes) -> list[Figure]:
    """Rounds of both alternate, so that other load on the machine affects both."""
    webhook, empty = f"{stack.host}/api/webhooks/shopify/nordlys/orders", f"{stack.host}/api/noop"
    connector = aiohttp.TCPConnector(limit=CONCURRENCY)
    async with aiohttp.ClientSession(connector=connector) as http:
        await _load(http, webhook, body, 200, _signed(body))
        await _load(http, empty, body, 200, _signed(body))
        webhooks, empties = [], []
        for _ in range(_ROUNDS):
            empties.append(await _load(http, empty, body, _REQUESTS, _signed(body)))
            webhooks.append(await _load(http, webhook, body, _REQUESTS, _signed(body)))
    rate = statistics.median(len(times) / took for times, took in webhooks)
    bare = statistics.median(len(times) / took for times, took in empties)
    times = sorted(moment for times, _ in webhooks for moment in times)
    return [
        Figure(f"webhooks at concurrency {CONCURRENCY}", rate, "1/s"),
        Figure("a function that only answers 200", bare, "1/s"),
        at_least("webhooks / a function that only answers 200", rate / bare, "ratio", 0.5),
        Figure("azure-servicebus: encoding the message of one", _encoding(body), "µs"),
        Figure("webhook, half are faster than (p50)", times[len(times) // 2] * 1e3, "ms"),
        Figure("webhook, 99 % are faster than (p99)", times[len(times) * 99 // 100] * 1e3, "ms"),
    ]


def _signed(body: bytes) -> Callable[[], Mapping[str, str]]:
    signature = base64.b64encode(hmac.digest(b"dev-nordlys-new", body, sha256)).decode()
    fixed = {
        "X-Shopify-Topic": "orders/create",
        "X-Shopify-Hmac-Sha256": signature,
        "X-Shopify-Shop-Domain": "nordlys-outdoor.myshopify.com",
        "Content-Type": "application/json",
    }
    return lambda: {**fixed, "X-Shopify-Webhook-Id": str(uuid.uuid4())}


def _encoding(body: bytes) -> float:
    """No connector can avoid it: the SDK encodes a message twice, for the batch's size and for the batch."""
    envelopes = [
        Envelope("orders", str(uuid.uuid4()), "shopify", "nordlys", "orders/create", "1", datetime.now(UTC), "", body)
        for _ in range(500)
    ]
    rounds = []
    for _ in range(_ROUNDS):
        began = time.perf_counter()
        for envelope in envelopes:
            ServiceBusMessageBatch().add_message(to_message(envelope))
        rounds.append(time.perf_counter() - began)
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
