"""`make surge`: 10,000 webhooks over 64 connections, and the backlog of orders that they leave, drained at F&O's pace.

The webhooks arrive at one host, as Azure runs the functions for HTTP apart from the queue's; then a second host drains
the queue. Both run the app unchanged, against the local stack.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import json
import sys
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Self

import aiohttp
import httpx
from azure.data.tables.aio import TableServiceClient
from rich.console import Console

from bench.calls import place
from bench.figures import Figure, at_least, at_most, save_among, show
from bench.processes import usage
from bench.surge_chart import Moment, draw
from bench.webhooks import make_app, signed
from local.process import Part, StackError, free_port, python, start
from local.stack import NO_PAUSE, ROOT, SCHEDULES, Ports, Stack, running
from shared.command_line import run

CEILING: Final = 8
"""Calls at once: the default of D365_MAX_CALLS."""
_BUILD: Final = ROOT / "build"
_NEVER: Final = dict.fromkeys(SCHEDULES, "0 0 0 29 2 *")
_PATIENCE: Final = 900.0
"""Seconds in which a backlog has to be drained."""
_SHOPIFY_TIMEOUT: Final = aiohttp.ClientTimeout(total=5)
_PAUSES: Final = (1.0,) * 8
"""Seconds after each delivery that was not accepted. Shopify delivers again eight times, with longer pauses."""
_REGULARS: Final = 15
_ADDRESS: Final = {"address1": "Keizersgracht 241", "city": "Amsterdam", "zip": "1016EA", "country_code": "NL"}


@dataclass(frozen=True, slots=True)
class Size:
    webhooks: int = 10_000
    connections: int = 64
    orders: int = 1_000
    """That the webhooks are about. Shopify sends each of them under one id until it has an answer, so that most of the
    webhooks are further deliveries, which Service Bus drops.
    """
    delay: float = 0.4
    """Seconds that F&O takes for each call on top of its own work."""
    fast_orders: int = 300
    """A second backlog, drained with `fast_delay`."""
    fast_delay: float = 0.1


@dataclass(slots=True)
class Taken:
    """What the webhooks' senders saw."""

    seconds: list[float] = field(default_factory=list)
    """Of each accepted webhook, from its last delivery to the answer."""
    statuses: Counter[int] = field(default_factory=Counter)
    """Of all answers; 0 for none."""


@dataclass(frozen=True, slots=True)
class Drained:
    """One backlog, from its first to its last order."""

    delay: float
    orders: int
    share: float
    """Of the calls that F&O's ceiling allows in this time, without the first and the last tenth of the orders."""
    in_use: float
    """Of the slots' time that calls took: more than the share where the calls took longer than the delay alone."""
    peak: int
    """The most calls at once that F&O counted."""
    calls: int


@dataclass(frozen=True, slots=True)
class Surge:
    size: Size
    taken: Taken
    waiting: int
    """Messages in the queue once all webhooks were answered, before a worker began."""
    memory: Sequence[float]
    """Megabytes of the process that takes the webhooks, over time."""
    drained: Sequence[Drained]
    booked: Mapping[str, int]
    """By order: how many sales orders F&O has for it."""
    refusals: int
    """Answers 429 of F&O."""
    throttled: int
    """Answers THROTTLED of Shopify."""
    moments: Sequence[Moment]
    latencies: Sequence[tuple[float, float]]
    """Of each order: when it was booked, and how many seconds after its webhook."""


class Log:
    """What the parts write, into a file; the app's events about F&O and Shopify are counted."""

    def __init__(self, path: Path) -> None:
        self._lines = path.open("w", encoding="utf-8")
        self.calls: list[tuple[float, float]] = []
        """When each call to F&O ended, by the clock, and how many seconds it took."""
        self.refusals = 0
        self.throttled = 0

    def __call__(self, part: str, line: str) -> None:
        print(f"{part:>10} | {line}", file=self._lines)
        if '"event": "fo.call"' in line:
            call = json.loads(line[line.index("{") :])
            self.calls.append((time.time(), call["seconds"]))
            self.refusals += call["status"] == httpx.codes.TOO_MANY_REQUESTS
        self.throttled += '"event": "shopify.throttled"' in line

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._lines.close()


class _Watch:
    """Reads once a second what is waiting and how many calls F&O has had."""

    def __init__(self, stack: Stack, http: httpx.AsyncClient, taken: Taken, log: Log) -> None:
        self._stack, self._http, self._taken, self.log = stack, http, taken, log
        self.moments: list[Moment] = []
        self.memory: list[float] = []

    async def look(self) -> Moment:
        depths, calls = await asyncio.gather(
            self._http.get(f"{self._stack.service_bus_control}/depths"),
            self._http.get(f"{self._stack.d365}/_sim/calls"),
        )
        queue, called = depths.json()["orders"], calls.json()
        moment = Moment(
            at=time.time(),
            webhooks=len(self._taken.seconds),
            backlog=queue["active"] + queue["scheduled"],
            calls=sum(called["http"].values()),
            peak=called["most_at_once"],
        )
        self.moments.append(moment)
        return moment

    @contextlib.asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        async def each_second() -> None:
            while True:
                await self.look()
                self.memory.append(usage(self._stack.parts[-1].pid).memory)
                await asyncio.sleep(1)

        task = asyncio.create_task(each_second())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await self.look()


async def surge(size: Size, folder: Path, log: Log, say: Console) -> Surge:
    """Raises RuntimeError for a webhook that is refused for good, an order that is parked and one that is lost."""
    app = make_app(folder / "surge_app")
    taken = Taken()
    async with (
        running(Ports.free(), log=log, overrides={**_NEVER, **NO_PAUSE}, app=app) as stack,
        httpx.AsyncClient(timeout=60) as http,
    ):
        watch = _Watch(stack, http, taken, log)
        say.print(f"[dim]placing {size.orders} orders ...")
        before = await _booked(stack, http)
        orders = await _place(stack, http, size.orders, 0)
        async with watch.watching():
            say.print(f"[dim]{size.webhooks} webhooks ...")
            await _slow_down(stack, http, size.delay)
            await _send(stack, orders, size, taken)
            waiting = (await watch.look()).backlog
            memory_in = list(watch.memory)
            async with _worker(stack, log):
                say.print(f"[dim]{size.orders} orders at F&O +{size.delay * 1000:.0f} ms ...")
                slow, latencies = await _drain(stack, http, watch, orders, size.delay)
                moments = list(watch.moments)
                say.print(f"[dim]{size.fast_orders} orders at F&O +{size.fast_delay * 1000:.0f} ms ...")
                more = await _place(stack, http, size.fast_orders, size.orders)
                await _slow_down(stack, http, size.fast_delay)
                fewer = Size(len(more), size.connections, len(more))
                await _send(stack, more, fewer, Taken())
                fast, _ = await _drain(stack, http, watch, more, size.fast_delay)
        booked = await _booked(stack, http) - before
    return Surge(
        size=size,
        taken=taken,
        waiting=waiting,
        memory=memory_in,
        drained=[slow, fast],
        booked=booked,
        refusals=log.refusals,
        throttled=log.throttled,
        moments=moments,
        latencies=latencies,
    )


async def _booked(stack: Stack, http: httpx.AsyncClient) -> Counter[str]:
    """How many sales orders F&O has for each order of the shops."""
    return Counter(row["reference"] for row in (await http.get(f"{stack.d365}/_sim/orders")).json())


async def _place(stack: Stack, http: httpx.AsyncClient, count: int, first: int) -> list[dict[str, Any]]:
    """Unpaid orders of which the app is not told yet. Every fourth buyer is new: F&O creates customers one after
    the other, which is all that a sale to new buyers alone would measure.
    """
    numbers = iter(range(first, first + count))
    placed = []

    async def one_after_the_other() -> None:
        for number in numbers:
            name = f"New {number}" if number % 4 == 0 else f"Regular {number % _REGULARS}"
            mail = f"{name.replace(' ', '.')}@example.com"
            buyer = {"first_name": "Ada", "last_name": name, "email": mail}
            lines = [{"sku": "STOVE-GAS", "quantity": 1}]
            order = {"customer": buyer, "shipping_address": _ADDRESS, "lines": lines, "payment": "unpaid"}
            placed.append(await place(stack, http, **order, announce=[]))

    await asyncio.gather(*(one_after_the_other() for _ in range(4)))
    return placed


async def _send(stack: Stack, orders: Sequence[Mapping[str, Any]], size: Size, taken: Taken) -> None:
    """Each connection sends its next webhook once the last is answered, and one that is not accepted again."""
    bodies = [json.dumps(order).encode() for order in orders]
    webhooks = [(body, {**signed(body)(), "X-Shopify-Webhook-Id": str(uuid.uuid4())}) for body in bodies]
    deliveries = itertools.islice(itertools.cycle(webhooks), size.webhooks)
    url = f"{stack.host}/api/webhooks/shopify/nordlys/orders"

    async def deliver(http: aiohttp.ClientSession, body: bytes, headers: Mapping[str, str]) -> None:
        for pause in _PAUSES:
            began = time.perf_counter()
            status = await _answer(http, url, body, headers)
            taken.statuses[status] += 1
            if status == httpx.codes.OK:
                taken.seconds.append(time.perf_counter() - began)
                return
            await asyncio.sleep(pause)
        raise RuntimeError(f"a webhook was not accepted in {len(_PAUSES)} deliveries: {taken.statuses}")

    async def one_after_the_other(http: aiohttp.ClientSession) -> None:
        for body, headers in deliveries:
            await deliver(http, body, {**headers, "X-Shopify-Triggered-At": datetime.now(UTC).isoformat()})

    connector = aiohttp.TCPConnector(limit=size.connections)
    async with aiohttp.ClientSession(connector=connector, timeout=_SHOPIFY_TIMEOUT) as http:
        await asyncio.gather(*(one_after_the_other(http) for _ in range(size.connections)))


async def _answer(http: aiohttp.ClientSession, url: str, body: bytes, headers: Mapping[str, str]) -> int:
    """The status, 0 for none in Shopify's five seconds."""
    try:
        async with http.post(url, data=body, headers=headers) as answer:
            await answer.read()
            return answer.status
    except (aiohttp.ClientError, TimeoutError):
        return 0


@contextlib.asynccontextmanager
async def _worker(stack: Stack, log: Log) -> AsyncIterator[Part]:
    """A second host, with all functions."""
    command = python("-m", "local.functions", "--port", str(free_port()), "--app", str(ROOT))
    worker = await start("worker", command, log=log, env=stack.settings, folder=ROOT)
    try:
        await worker.ready(60)
        yield worker
    finally:
        await worker.stop()


async def _slow_down(stack: Stack, http: httpx.AsyncClient, delay: float) -> None:
    """F&O takes so many seconds more for each call; its calls are counted from now on."""
    (await http.delete(f"{stack.d365}/_sim/faults")).raise_for_status()
    fault = {"kind": "slow", "ms": round(delay * 1000), "times": None}
    (await http.post(f"{stack.d365}/_sim/faults", json=fault)).raise_for_status()
    (await http.delete(f"{stack.d365}/_sim/calls")).raise_for_status()


async def _drain(
    stack: Stack, http: httpx.AsyncClient, watch: _Watch, orders: Sequence[Mapping[str, Any]], delay: float
) -> tuple[Drained, list[tuple[float, float]]]:
    """Waits until all orders are booked. Gives each order's time of booking with its seconds as well."""
    ends = await _until_done(stack, http, orders)
    times = sorted(at for at, _ in ends)
    tenth = len(times) // 10
    began, ended = times[tenth], times[-tenth - 1]
    last = await watch.look()
    calls = _calls_by(watch.moments, ended) - _calls_by(watch.moments, began)
    return Drained(
        delay=delay,
        orders=len(ends),
        share=calls * delay / (CEILING * (ended - began)),
        in_use=sum(took for at, took in watch.log.calls if began <= at <= ended) / (CEILING * (ended - began)),
        peak=last.peak,
        calls=round(calls),
    ), ends


def _calls_by(moments: Sequence[Moment], time_of: float) -> float:
    """F&O's calls until then, between two readings in proportion."""
    for earlier, later in itertools.pairwise(moments):
        if earlier.at <= time_of <= later.at:
            part = (time_of - earlier.at) / (later.at - earlier.at)
            return earlier.calls + part * (later.calls - earlier.calls)
    raise RuntimeError("the calls to F&O were not read at that time")


async def _until_done(
    stack: Stack, http: httpx.AsyncClient, orders: Sequence[Mapping[str, Any]]
) -> list[tuple[float, float]]:
    """Of each order when it was done, by the clock, and how many seconds after its webhook."""
    missing = {f"nordlys-{order['id']}" for order in orders}
    ends: list[tuple[float, float]] = []
    async with TableServiceClient.from_connection_string(stack.storage) as service, asyncio.timeout(_PATIENCE):
        journal = service.get_table_client("journal")
        while missing:
            await asyncio.sleep(2)
            depths = (await http.get(f"{stack.service_bus_control}/depths")).json()
            if depths["orders"]["active"]:  # the whole journal is read once the queue is empty
                continue
            async for row in journal.query_entities("outcome ne 'waiting'"):
                if row["outcome"] != "done":
                    raise RuntimeError(f"{row['PartitionKey']} is {row['outcome']}: {row['note']}")
                if row["PartitionKey"] in missing:
                    missing.discard(row["PartitionKey"])
                    ends.append((datetime.fromisoformat(row["at"]).timestamp(), row["seconds"]))
    return ends


def figures_of(result: Surge) -> list[Figure]:
    size, taken = result.size, result.taken
    slow, fast = result.drained
    seconds = sorted(taken.seconds)
    settled = result.memory[len(result.memory) // 3 :]
    again = taken.statuses.total() - taken.statuses[httpx.codes.OK]
    lost = size.orders + size.fast_orders - len(result.booked)
    twice = sum(count - 1 for count in result.booked.values())
    return [
        Figure(f"surge: webhooks from {size.connections} connections", len(seconds), "webhooks"),
        at_most("surge: webhooks that were delivered again", again, "deliveries", size.webhooks / 100),
        at_most("surge: 99 % of webhooks are faster than (p99)", seconds[len(seconds) * 99 // 100] * 1e3, "ms", 1000),
        at_most("surge: memory that the webhooks' host gained", settled[-1] - settled[0], "MB", 20),
        at_most("surge: orders lost or booked twice", lost + twice, "orders", 0),
        at_most("surge: refusals by F&O (429)", result.refusals, "calls", 0),
        at_most("surge: refusals by Shopify (THROTTLED)", result.throttled, "calls", 0),
        at_least("surge share of fo limit", slow.share, "ratio", 0.95),
        Figure("surge: time of the slots that calls took", slow.in_use, "ratio"),
        Figure(f"surge share of fo limit at +{fast.delay * 1000:.0f} ms", fast.share, "ratio"),
        at_most("surge peak over ceiling", max(slow.peak, fast.peak) - CEILING, "calls", 0),
    ]


async def measure(console: Console, size: Size | None = None) -> list[Figure]:
    """Draws the pictures as well. Raises StackError, and TimeoutError where a backlog is not drained in time."""
    size = size or Size()
    _BUILD.mkdir(exist_ok=True)
    with Log(_BUILD / "surge.log") as log:
        result = await surge(size, _BUILD, log, console)
    for chart in (_BUILD / "surge.svg", ROOT / "docs/surge.svg"):
        chart.write_text(draw(result.moments, result.latencies, ceiling=CEILING / size.delay), encoding="utf-8")
    return figures_of(result)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.surge", description=__doc__.partition("\n")[0])
    standard = Size()
    parser.add_argument("--webhooks", type=int, default=standard.webhooks)
    parser.add_argument("--orders", type=int, default=standard.orders)
    parser.add_argument("--fast-orders", type=int, default=standard.fast_orders)
    options = parser.parse_args()
    console = Console(width=None if sys.stdout.isatty() else 120)
    size = Size(webhooks=options.webhooks, orders=options.orders, fast_orders=options.fast_orders)
    try:
        figures = asyncio.run(measure(console, size))
    except (StackError, RuntimeError, TimeoutError) as error:
        console.print(f"[red]{str(error) or 'The backlog was not drained in time.'}")
        return 1
    save_among(figures, _BUILD / "bench.json")
    show(figures, console)
    missed = [figure.name for figure in figures if figure.reached is False]
    console.print(f"Written to build/bench.json and docs/surge.svg. {f'Missed: {missed}' if missed else ''}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(run(main))
