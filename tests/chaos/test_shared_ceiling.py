"""F&O's ceiling of calls, kept by one, two and four host processes together, one of which is killed."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from azure.data.tables.aio import TableServiceClient
from whole_world import World, start_world

from local.process import Part, free_port, python, start
from local.stack import ROOT
from shared.bus.envelope import SESSION_BUCKETS
from shared.d365.odata.leases import read_leases

pytestmark = [pytest.mark.wire, pytest.mark.timeout(300)]

CEILING = 8
LATENCY = 1.0
ORDERS = 32
SERVICE_BUS = "AzureFunctionsJobHost__extensions__serviceBus"
BASKET: dict[str, Any] = {
    "shipping_address": {"address1": "Damrak 1", "city": "Amsterdam", "zip": "1012LG", "country_code": "NL"},
    "lines": [{"sku": "STOVE-GAS", "quantity": 1}],
    "tax": [{"title": "BTW", "rate": 0.21}],
    "shipping": [{"title": "Standard", "code": "STANDARD", "price": "6.95"}],
    "payment": "unpaid",
    "announce": ["orders/create"],
}


@asynccontextmanager
async def crowd(folder: Path, number: int) -> AsyncIterator[tuple[World, list[Part]]]:
    """So many hosts, each with its part of the sessions; the first takes the webhooks. F&O needs a second
    for each call, so that the ceiling is what limits them.
    """
    settings = {
        "D365_MAX_CALLS": str(CEILING),
        f"{SERVICE_BUS}__maxConcurrentSessions": str(SESSION_BUCKETS // number),
        f"{SERVICE_BUS}__sessionIdleTimeout": "00:00:05",
    }
    async with start_world(folder / "stack.log", settings) as world:
        others = [await another_host(world) for _ in range(number - 1)]
        try:
            await world.fo_fault(kind="slow", ms=int(1000 * LATENCY), times=None)
            yield world, others
        finally:
            await asyncio.gather(*(host.stop() for host in others))


async def another_host(world: World, port: int = 0) -> Part:
    def log(part: str, line: str) -> None:
        with world.log.open("a", encoding="utf-8") as lines:
            lines.write(f"{part:>10} | {line}\n")

    command = python("-m", "local.functions", "--port", str(port or free_port()), "--app", str(ROOT))
    host = await start("another", command, log=log, env=world.stack.settings, folder=ROOT)
    await host.ready(60)
    return host


def waits(world: World) -> list[float]:
    """Seconds that each call to F&O waited for its slot, in order of length."""
    logged = (line for line in world.log.read_text(encoding="utf-8").splitlines() if '"event": "fo.call"' in line)
    return sorted(json.loads(line[line.index("{") :])["waited"] for line in logged)


async def kill(host: Part) -> None:
    os.killpg(host._process.pid, signal.SIGKILL)
    await host.stop()


async def place(world: World, number: int) -> int:
    buyer = {"first_name": "Ada", "last_name": "Lovelace", "email": f"ada{number}@example.com"}
    order = await world.buy("nordlys", {**BASKET, "customer": buyer})
    return int(order["id"])


async def booked(world: World) -> Counter[str]:
    """How many sales orders F&O has for each order."""
    return Counter(order["reference"] for order in await world.sales_orders(""))


async def until_booked(world: World, number: int) -> None:
    async with asyncio.timeout(150):
        while len(await booked(world)) < number:  # noqa: ASYNC110 - F&O sends no event
            await asyncio.sleep(0.2)


async def until_all_ended(world: World, ids: list[int]) -> None:
    async with TableServiceClient.from_connection_string(world.stack.storage) as tables, asyncio.timeout(150):
        while True:
            found = tables.get_table_client("journal").query_entities("outcome eq 'done'", select=["PartitionKey"])
            if {row["PartitionKey"] async for row in found} >= {f"nordlys-{each}" for each in ids}:
                return
            await asyncio.sleep(0.2)


async def until_leased_by(world: World, *groups: str) -> None:
    """Until each of the flows has a lease of its own, with a slot."""
    async with TableServiceClient.from_connection_string(world.stack.storage) as tables, asyncio.timeout(60):
        while True:
            rows = tables.get_table_client("breaker").query_entities("PartitionKey eq 'slots'")
            leases = [each async for row in rows for each in read_leases(row["leases"]).members.values()]
            if {lease.group for lease in leases if lease.slots} >= set(groups):
                return
            await asyncio.sleep(0.1)


@pytest.mark.parametrize("number", [1, 2, 4])
async def test_the_ceiling_is_kept_by_all_processes_together_though_one_is_killed(tmp_path: Path, number: int) -> None:
    async with crowd(tmp_path, number) as (world, others):
        before = await booked(world)
        await world.http.delete(f"{world.stack.d365}/_sim/calls")
        began = time.monotonic()
        ids = await asyncio.gather(*(place(world, each) for each in range(ORDERS)))
        stock = asyncio.create_task(world.run("push_stock"))
        await until_leased_by(world, "orders", "stock")
        await until_booked(world, len(before) + ORDERS // 3)
        half = time.monotonic()
        if others:
            await kill(others[-1])
        else:
            await kill(world.stack.parts.pop())
            world.stack.parts.append(await another_host(world, world.stack.ports.host))
        killed = time.monotonic()
        await until_all_ended(world, ids)
        seconds = time.monotonic() - began
        calls = await world.fo_calls()
        total = sum(calls["http"].values())
        waited = waits(world)
        sys.stdout.write(
            f"\n{number} processes: at most {calls['most_at_once']} calls at once, {total} calls for {ORDERS} orders "
            f"in {seconds:.1f} s ({total / seconds:.1f} a second, the ceiling allows {CEILING / LATENCY:.0f}), the "
            f"first third in {half - began:.1f} s, {seconds - (killed - began):.1f} s after the kill; a call waited "
            f"{waited[len(waited) // 2]:.1f} s in the middle and {waited[-1]:.1f} s at most\n"
        )
        assert calls["most_at_once"] <= CEILING
        assert set((await booked(world) - before).values()) == {1}
        assert len(await booked(world) - before) == ORDERS
        await asyncio.gather(stock, return_exceptions=True)  # of one process it may have been killed with it
        if others:
            assert stock.result().status_code == 200
