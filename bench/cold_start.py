"""Cold start of the webhook path: a new process, from its start to the first webhook that Service Bus has confirmed."""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import sys
from typing import Final

from bench.figures import Figure, at_most
from local.stack import ROOT, Stack

_ROUNDS: Final = 5
_SHOPIFY_WAITS: Final = 5.0  # seconds

_FIRST: Final = """
import time
began = time.perf_counter()
import asyncio, base64, hmac, json, sys, uuid
from hashlib import sha256
from types import SimpleNamespace
import azure.functions as func
import function_app
from shared import triggers

imported = time.perf_counter()
body = sys.stdin.buffer.read()
context = SimpleNamespace(trace_context=SimpleNamespace(trace_parent=""))


async def webhook():
    headers = {
        "x-shopify-topic": "orders/create",
        "x-shopify-hmac-sha256": base64.b64encode(hmac.digest(b"dev-nordlys-new", body, sha256)).decode(),
        "x-shopify-shop-domain": "nordlys-outdoor.myshopify.com",
        "x-shopify-webhook-id": str(uuid.uuid4()),
    }
    url = "http://127.0.0.1/api/webhooks/shopify/nordlys/orders"
    request = func.HttpRequest("POST", url, headers=headers, route_params={"store": "nordlys"}, body=body)
    sent = time.perf_counter()
    answer = await triggers.receive("orders", request, context)
    assert answer.status_code == 200, answer.get_body()
    return time.perf_counter() - sent


async def measure():
    first, second = await webhook(), await webhook()
    print(json.dumps([imported - began, first, second]))


asyncio.run(measure())
"""


async def measure(stack: Stack, body: bytes) -> list[Figure]:
    """Medians of new processes against the local Service Bus, whose answers take no way over a network."""
    environ = {"PATH": os.environ["PATH"], "PYTHONWARNINGS": "ignore", **stack.settings}
    rounds = [await _run(environ, body) for _ in range(_ROUNDS)]
    imports, first, second = (statistics.median(times) for times in zip(*rounds, strict=True))
    return [
        Figure("cold start: imports of the app", imports * 1e3, "ms"),
        Figure("cold start: the first webhook, its imports and the opening of Service Bus", first * 1e3, "ms"),
        Figure("cold start: the second webhook", second * 1e3, "ms"),
        at_most("cold start: until the first webhook is confirmed", imports + first, "s", _SHOPIFY_WAITS),
    ]


async def _run(environ: dict[str, str], body: bytes) -> list[float]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        _FIRST,
        cwd=ROOT,
        env=environ,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate(body)
    if process.returncode:
        raise RuntimeError(f"the first webhook of a new process failed with exit code {process.returncode}")
    times: list[float] = json.loads(out)
    return times
