"""`make demo`: F&O's stock goes to two shops, they sell, F&O books. Prints what happened, then stops everything.

Every process, protocol and SDK is the one that `make up` and the tests run: nothing in here is a shortcut.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
from pathlib import Path
from typing import Any, Final

import httpx
from azure.data.tables.aio import TableServiceClient
from azure.storage.blob.aio import BlobServiceClient
from rich.console import Console

from local import demo_tables
from local.demo_http import answer_of
from local.demo_life import live
from local.demo_orders import ORDERS, SHOPS, Placed
from local.process import StackError
from local.stack import ROOT, SCHEDULES, Ports, Stack, running, stop_on_signals

_NEVER: Final = "0 0 0 29 2 *"  # the demo pushes stock itself, when it wants to show it
_WAIT_SECONDS: Final = 60.0


async def demo(console: Console) -> bool:
    """Whether everything went as it should."""
    began = time.monotonic()
    log = ROOT / "build/demo.log"
    log.parent.mkdir(exist_ok=True)
    with log.open("w", encoding="utf-8") as lines:
        console.print(
            f"[dim]Starting Service Bus, storage, F&O, Shopify and the Functions host ... (log: {_shown(log)})"
        )
        async with (
            running(
                Ports.free(),
                log=lambda part, line: print(f"{part:>10} | {line}", file=lines, flush=True),
                overrides=dict.fromkeys(SCHEDULES, _NEVER),
            ) as stack,
            httpx.AsyncClient(timeout=30) as http,
        ):
            console.print(f"[dim]Up after {time.monotonic() - began:.1f} s.\n")
            good = await _first_push(console, stack, http)
            placed = await _place_all(console, stack, http)
            good = await _orders(console, stack, http, placed) and good
            good = await _later_pushes(console, stack, http) and good
            good = await live(console, stack, http, placed) and good
    console.print(f"[dim]Everything is stopped again. {time.monotonic() - began:.1f} s in all.")
    return good


async def _place_all(console: Console, stack: Stack, http: httpx.AsyncClient) -> list[Placed]:
    console.print(f"\nCustomers place {len(ORDERS)} orders in two shops; Shopify sends a signed webhook for each.")
    return await asyncio.gather(*(_place(stack, http, order) for order in ORDERS))


async def _orders(console: Console, stack: Stack, http: httpx.AsyncClient, placed: list[Placed]) -> bool:
    """Waits until each order is done or parked, prints both lists."""
    ends = await _ends(stack, placed)
    booked = {row["number"]: row for row in await answer_of(http.get(f"{stack.d365}/_sim/orders"))}
    console.print(demo_tables.orders(placed, ends, booked))
    parked = [(order, ends[order.key]) for order in placed if ends[order.key]["outcome"] == "parked"]
    if parked:
        console.print(demo_tables.parked(parked, await _parked_rows(stack)))
    expected = sum(1 for order in placed if order.goes_through)
    return expected == len(placed) - len(parked)


async def _place(stack: Stack, http: httpx.AsyncClient, order: Placed) -> Placed:
    url = f"{stack.shopify}/{order.shop}/_sim/orders"
    return order.placed(await answer_of(http.post(url, json=order.basket)))


async def _ends(stack: Stack, placed: list[Placed]) -> dict[str, dict[str, Any]]:
    """The last journal entry of each order. Raises StackError when one has no end in time."""
    ends: dict[str, dict[str, Any]] = {}
    until = time.monotonic() + _WAIT_SECONDS
    async with TableServiceClient.from_connection_string(stack.storage) as service:
        journal = service.get_table_client("journal")
        while time.monotonic() < until:
            async for row in journal.query_entities("outcome ne 'waiting'"):
                ends[row["PartitionKey"]] = dict(row)
            if all(order.key in ends for order in placed):
                return ends
            if dead := stack.dead():
                raise StackError(f"{', '.join(dead)} stopped by itself; see build/demo.log.")
            await asyncio.sleep(0.2)
    missing = [order.name for order in placed if order.key not in ends]
    raise StackError(
        f"After {_WAIT_SECONDS:.0f} s these orders have no end yet: {', '.join(missing)}. See build/demo.log."
    )


async def _parked_rows(stack: Stack) -> list[dict[str, Any]]:
    async with TableServiceClient.from_connection_string(stack.storage) as service:
        return [dict(row) async for row in service.get_table_client("parked").list_entities()]


async def _first_push(console: Console, stack: Stack, http: httpx.AsyncClient) -> bool:
    """F&O's stock goes to both shops, which showed something else."""
    console.print("F&O's sellable stock goes to Shopify (the timer's work, called at once).")
    before = await _levels(stack, http)
    await _push(stack, http)
    after = await _levels(stack, http)
    console.print(demo_tables.stock(before, after, await _reports(stack)))
    return before != after


async def _later_pushes(console: Console, stack: Stack, http: httpx.AsyncClient) -> bool:
    """After the orders both sides agree already; after a loss in F&O one figure is sent."""
    await http.delete(f"{stack.shopify}/_sim/calls")
    before = await _levels(stack, http)
    await _push(stack, http)
    agreed = await _levels(stack, http)
    moved = [key for key, level in agreed.items() if before[key]["available"] != level["available"]]
    console.print("\nThe next push: Shopify counted its sales, F&O reserved the same goods, so nearly all agree.")
    if moved:
        console.print(demo_tables.changes(before, agreed, moved))
    console.print("\nFive gas stoves turn out to be damaged in Amsterdam. The push after that sends what changed:")
    loss = {"company": "nleu", "item": "STOVE-GAS", "warehouse": "AMS", "delta": -5}
    await answer_of(http.post(f"{stack.d365}/_sim/on-hand", json=loss))
    await _push(stack, http)
    last = await _levels(stack, http)
    sent = [key for key, level in last.items() if level["available"] != agreed[key]["available"]]
    console.print(demo_tables.changes(agreed, last, sent))
    return len(sent) == 1


async def _reports(stack: Stack) -> dict[str, dict[str, Any]]:
    """Each store's last report of the stock flow."""
    async with BlobServiceClient.from_connection_string(stack.storage) as service:
        state = service.get_container_client("state")
        return {
            store: json.loads(await (await state.download_blob(f"stock/{store}/report.json")).readall())
            for store in SHOPS
        }


async def _push(stack: Stack, http: httpx.AsyncClient) -> None:
    answer = await http.post(f"{stack.host}/admin/functions/push_stock?wait=true", json={"input": ""})
    if answer.status_code >= httpx.codes.BAD_REQUEST:
        raise StackError(f"push_stock failed: {answer.json()['error']} See build/demo.log.")


async def _levels(stack: Stack, http: httpx.AsyncClient) -> dict[demo_tables.LevelKey, dict[str, Any]]:
    """What Shopify shows: (store, SKU, location) -> level."""
    return {
        (store, level["sku"], level["location_id"]): level
        for store, shop in SHOPS.items()
        for level in await answer_of(http.get(f"{stack.shopify}/{shop}/_sim/inventory"))
    }


def _shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


async def _run(console: Console) -> bool:
    work = asyncio.create_task(demo(console))
    stop = asyncio.create_task(stop_on_signals().wait())
    await asyncio.wait({work, stop}, return_when=asyncio.FIRST_COMPLETED)
    stop.cancel()
    if not work.done():
        console.print("Stopping ...")
        work.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await work
        return False
    return work.result()


def main() -> int:
    console = Console(width=None if sys.stdout.isatty() else 140)
    try:
        return 0 if asyncio.run(_run(console)) else 1
    except StackError as error:
        console.print(f"[red]{error}")
        return 1


if __name__ == "__main__":
    sys.exit(main())
