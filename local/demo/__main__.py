"""`make demo`: F&O's stock goes to two shops, they sell, F&O books; orders change and are refunded; the books close.

Prints what happened, writes the same values to build/demo.json, then stops everything. Every process, protocol and SDK
is the one that `make up` and the tests run.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import Sequence
from typing import Final

import httpx
from rich.console import Console

from local.demo import tables
from local.demo.baskets import ORDERS, Placed
from local.demo.catalogue import Catalogue
from local.demo.shipments import Shipments
from local.demo.systems import Systems
from local.demo.values import Result, documents
from local.process import StackError
from local.stack import ROOT, SCHEDULES, Ports, running, stop_on_signals
from local.stores import changed_stores, with_catalogue, with_shipments

_BUILD: Final = ROOT / "build"
_NEVER: Final = "0 0 0 29 2 *"  # the demo runs the timers itself, when it wants to show them
_SHORT_PAUSE: Final = {"ORDER_CHANGE_PAUSE_SECONDS": "1"}  # nobody should wait 10 s for each change that is shown


class Demo:
    def __init__(self, console: Console, systems: Systems) -> None:
        self._print = console.print
        self._systems = systems
        self.results: list[Result] = []

    async def run(self) -> bool:
        """Whether everything went as it should."""
        good = await self._first_push()
        placed = await self._place_all()
        good = await self._orders(placed) and good
        good = await self._later_pushes() and good
        good = await self._shipments(placed[1], placed[-1]) and good
        await self._changes(placed)
        good = await self._write_back(placed[0]) and good
        good = await self._accounts(placed) and good
        return await self._catalogue() and good

    async def _first_push(self) -> bool:
        """F&O's stock goes to both shops, which showed other figures."""
        self._print("F&O's sellable stock goes to Shopify (the timer's work, called at once).")
        levels = await self._systems.push_stock()
        self._print(tables.stock(levels))
        self.results += levels
        return any(level.is_changed for level in levels)

    async def _place_all(self) -> list[Placed]:
        self._print(f"\nCustomers place {len(ORDERS)} orders in two shops; Shopify sends a signed webhook for each.")
        return await asyncio.gather(*(self._systems.place(order) for order in ORDERS))

    async def _orders(self, placed: Sequence[Placed]) -> bool:
        """Waits until each order is done or parked, prints both lists."""
        results = await self._systems.order_results(placed)
        self._print(tables.orders(results))
        self.results += results
        parked = await self._systems.parked(placed)
        if parked:
            self._print(tables.parked(parked))
        self.results += parked
        return len(parked) == sum(not order.goes_through for order in placed)

    async def _later_pushes(self) -> bool:
        """After the orders both systems agree already; after a loss in F&O one figure is sent."""
        agreed = [level for level in await self._systems.push_stock() if level.is_changed]
        self._print("\nThe next push: Shopify counted its sales, F&O reserved the same goods, so nearly all agree.")
        if agreed:
            self._print(tables.stock_changes(agreed))
        self._print("\nFive gas stoves turn out to be damaged in Amsterdam. The push after that sends what changed:")
        await self._systems.adjust_on_hand("nleu", "STOVE-GAS", "AMS", -5)
        sent = [level for level in await self._systems.push_stock() if level.is_changed]
        self._print(tables.stock_changes(sent))
        self.results += [*agreed, *sent]
        return len(sent) == 1

    async def _shipments(self, order: Placed, at_counter: Placed) -> bool:
        """One order leaves in two parcels from two warehouses, one slip turns out to be wrong, and one order is picked
        for its buyer to collect.
        """
        shipments = Shipments(self._systems)
        await self._systems.settle()
        await shipments.start()
        self._print(f"\nTwo warehouses of F&O ship {order.name} in two parcels, with tracking numbers of the carrier.")
        parcels = await shipments.ship(order, ({"STOVE-GAS": 3}, {"BAG-DOWN": 1}))
        self._print(tables.parcels(parcels))
        self._print("\nTwo stoves left, not three: the first packing slip is corrected. The buyer gets no second mail.")
        corrected = await shipments.correct(order, parcels[0].tracking, {"STOVE-GAS": 2})
        self._print(tables.parcels([corrected]))
        is_told_once = await shipments.notices(order) == len(parcels)
        self._print(f"\nThe goods of {at_counter.name} are picked. Shopify tells the buyer to collect them.")
        ready = await shipments.prepare(at_counter)
        self._print(tables.collected([ready]))
        self.results += [*parcels, corrected, ready]
        return all(parcel.shown for parcel in (*parcels, corrected)) and is_told_once and bool(ready.told)

    async def _changes(self, placed: Sequence[Placed]) -> None:
        """One order is edited, one returned, one cancelled."""
        tent, stoves, maps, _, shirts, *_ = placed
        systems = self._systems
        await systems.invoice(stoves)
        self._print(
            f"\nF&O has invoiced {stoves.name}. One customer edits an order, one returns goods, one cancels an order."
        )
        changes = [
            await systems.payment(maps, "200.00 DKK by gift card, the rest in DKK by card"),
            await systems.change(
                "orders",
                tent,
                "one head lamp less, a map more",
                ("edit", {"quantities": {"LAMP-HEAD": 1}, "add": [{"sku": "MAP-NORDIC", "quantity": 1}]}),
            ),
            await systems.change(
                "refunds",
                stoves,
                "shipped; one of three stoves comes back",
                ("refund", {"lines": [{"line": "STOVE-GAS", "quantity": 1, "restock": "return"}]}),
            ),
            await systems.change(
                "orders", shirts, "cancelled before shipping, money back", ("cancel", {"refund": True})
            ),
        ]
        self._print(tables.changes(changes))
        self.results += changes

    async def _write_back(self, order: Placed) -> bool:
        number = await self._systems.write_back(order)
        self._print(f"Staff see F&O's number at order {order.name} in Shopify: {number.shown}")
        self.results.append(number)
        return bool(number.shown)

    async def _accounts(self, placed: Sequence[Placed]) -> bool:
        """Every figure of both systems side by side, once all is shipped, invoiced and paid."""
        self._print(
            "\nMaps arrive from Hamburg; F&O ships and invoices the rest, receives the stove, and posts the payments."
        )
        await self._systems.adjust_on_hand("nleu", "MAP-NORDIC", "AMS", 5)
        accounts = await self._systems.close_the_books([order for order in placed if order.goes_through])
        self._print(tables.accounts(accounts))
        self.results += accounts
        return all(account.agrees for account in accounts)

    async def _catalogue(self) -> bool:
        """A product is approved, a price with quantity breaks begins, a description changes, a product is stopped."""
        catalogue = Catalogue(self._systems)
        await catalogue.push()
        results = []
        for text, step in (
            ("F&O approves a rain jacket in two colours and three sizes: it appears in the shop.", catalogue.approve),
            ("A price with a quantity break begins for dealers, and one for the jacket.", catalogue.begin_prices),
            ("The jacket gets another description.", catalogue.describe),
            ("The jacket is stopped for sales: nobody sees it any more, and nothing is deleted.", catalogue.stop),
        ):
            self._print(f"\n{text}")
            facts = await step()
            self._print(tables.catalogue(facts))
            results += facts
        self.results += results
        return all(fact.agrees for fact in results)


async def _demo(console: Console) -> bool:
    began = time.monotonic()
    log, rows = _BUILD / "demo.log", _BUILD / "demo.json"
    _BUILD.mkdir(exist_ok=True)
    with log.open("w", encoding="utf-8") as lines:
        console.print(
            "[dim]Starting Service Bus, storage, F&O, Shopify and the Functions host ... "
            f"(log: {log.relative_to(ROOT)})"
        )
        async with (
            running(
                Ports.free(),
                log=lambda part, line: print(f"{part:>10} | {line}", file=lines, flush=True),
                overrides={
                    **dict.fromkeys(SCHEDULES, _NEVER),
                    **_SHORT_PAUSE,
                    **changed_stores(_BUILD / "demo-stores", lambda text: with_catalogue(with_shipments(text))),
                },
            ) as stack,
            httpx.AsyncClient(timeout=30) as http,
        ):
            console.print(f"[dim]Up after {time.monotonic() - began:.1f} s.\n")
            demo = Demo(console, Systems(stack, http))
            good = await demo.run()
    rows.write_text(json.dumps(documents(demo.results), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    console.print(
        f"[dim]The same figures are in {rows.relative_to(ROOT)}. "
        f"Everything is stopped again. {time.monotonic() - began:.1f} s in all."
    )
    return good


async def _run(console: Console) -> bool:
    work = asyncio.create_task(_demo(console))
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
