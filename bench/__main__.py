"""`make bench`: all figures into build/bench.json, and as a table."""

from __future__ import annotations

import asyncio
import json
import signal
import sys

import httpx
from rich.console import Console
from rich.markup import escape

from bench import (
    calls,
    cold_start,
    hostile,
    imports,
    mapping,
    order_costs,
    order_events,
    plans,
    prices,
    products,
    servicebus,
    shipments,
    stock,
    surge,
    telemetry,
    webhooks,
)
from bench.figures import Figure, at_least, save, show
from bench.world import write_large_world
from local.process import StackError
from local.stack import NO_PAUSE, ROOT, Ports, running
from local.stores import changed_stores, with_shipments

_BUILD = ROOT / "build"


async def measure(console: Console, figures: list[Figure]) -> None:
    """Adds to the figures part by part: those of the parts that ended are not lost if one fails."""
    console.print("[dim]1/12 cold start ...")
    figures += imports.measure()
    console.print("[dim]2/12 Service Bus emulator ...")
    bus = await servicebus.run()
    figures += [
        at_least("emulator: awaited sends through azure-servicebus", bus.sends_per_second, "1/s", 1000),
        at_least("emulator: receives with settlement", bus.receives_and_completes_per_second, "1/s", 1000),
    ]
    _BUILD.mkdir(exist_ok=True)
    world = write_large_world(_BUILD / "bench_world.toml", figures=calls.FIGURES)
    with (_BUILD / "bench.log").open("w", encoding="utf-8") as log:

        def write(part: str, line: str) -> None:
            print(f"{part:>10} | {line}", file=log)

        console.print("[dim]3/12 calls of the flows, with 10,000 SKUs ...")
        async with (
            running(Ports.free(), log=write, overrides={**webhooks.NEVER, **NO_PAUSE}, world=world) as stack,
            httpx.AsyncClient() as http,
        ):
            figures += await calls.measure_order(stack, http)
            payload = await calls.order_of(stack, http, 5)
            figures += await calls.measure_stock(stack, http)
            figures += await order_events.measure(stack, http)
            histories = await order_events.histories(stack, http)
            figures += await order_costs.measure_tagged(stack, http)
        untagged = changed_stores(_BUILD / "bench_stores_untagged", order_costs.without_tag)
        async with (
            running(
                Ports.free(), log=write, overrides={**webhooks.NEVER, **NO_PAUSE, **untagged}, world=world
            ) as stack,
            httpx.AsyncClient() as http,
        ):
            figures += await order_costs.measure(stack, http)
            figures += await order_costs.measure_processor(stack, http)
        console.print("[dim]4/12 mapping ...")
        figures += mapping.measure(payload)
        figures += plans.measure(*histories)
        console.print("[dim]5/12 hostile orders ...")
        figures += await hostile.measure()
        console.print("[dim]6/12 webhooks ...")
        app = webhooks.make_app(_BUILD / "bench_app")
        figures += await webhooks.measure_monitored(app, world, write)
        async with running(Ports.free(), log=write, overrides=webhooks.NEVER, app=app, world=world) as stack:
            figures += await webhooks.measure(stack, json.dumps(payload).encode())
            figures += await cold_start.measure(stack, json.dumps(payload).encode())
            console.print("[dim]7/12 telemetry ...")
            figures += await telemetry.measure(stack, payload)
        console.print("[dim]8/12 shipments ...")
        stores = changed_stores(_BUILD / "bench_stores", with_shipments)
        async with (
            running(Ports.free(), log=write, overrides={**webhooks.NEVER, **NO_PAUSE, **stores}) as stack,
            httpx.AsyncClient() as http,
        ):
            figures += await shipments.measure(stack, http)
    console.print("[dim]9/12 prices of 60,000 variants ...")
    figures += await prices.measure()
    console.print("[dim]10/12 1,000 products (python -m bench.products: 20,000, for an hour) ...")
    figures += await products.measure(products=1_000, variants=3_000)
    console.print("[dim]11/12 stock of 200,000 pairs ...")
    figures += await stock.measure()
    console.print("[dim]12/12 a surge ...")
    figures += await surge.measure(console)


def main() -> int:
    console = Console(width=None if sys.stdout.isatty() else 120)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C does: the stack is stopped
    figures: list[Figure] = []
    failure = ""
    try:
        asyncio.run(measure(console, figures))
    except (StackError, RuntimeError, TimeoutError, httpx.HTTPError) as error:
        problem = str(error) or type(error).__name__
        failure = f"[red]This part was not measured, nor those after it: {escape(problem)}"
    save(figures, _BUILD / "bench.json")
    show(figures, console)
    missed = [figure.name for figure in figures if figure.reached is False]
    console.print(f"Written to build/bench.json. {'All aims are reached.' if not missed else f'Missed: {missed}'}")
    if failure:
        console.print(failure)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
