"""What stock of 200,000 pairs of item and location costs: with nothing changed, and with one in a hundred changed."""

from __future__ import annotations

import asyncio
import random
import sys
import tempfile
import tomllib
from decimal import Decimal
from math import ceil
from typing import Any, Final

from rich.console import Console

from bench.apart import RunsApart
from bench.figures import Figure, at_most, show
from bench.stock_run import LOCATIONS, warehouse_of
from local.d365 import Simulator, parse_world, run_d365
from local.d365.generator import Filling, fill
from local.d365.inventory import Stock
from local.shopify import RunningShopify, run_shopify
from local.shopify.products.staff import generate
from local.shopify.state import Shop
from local.stack import ROOT
from shared.shopify.inventory import BATCH

PAIRS: Final = 200_000
_COMPANY: Final = "nleu"
_DOMAIN: Final = "nordlys-outdoor.myshopify.com"
_PLENTY: Final = 10**9
"""Points, so that the run is not paced; they are counted."""
_MOST_RUNS: Final = 5
_AN_HOUR: Final = 60
"""Minutes before the first run: what was filled in is no change of the last minutes."""
_CALLS_AT_REST: Final = 3
"""Which figures changed in Shopify, which orders are new, and which changed."""


async def measure(*, pairs: int = PAIRS) -> list[Figure]:
    world = tomllib.loads((ROOT / "local/world.toml").read_text(encoding="utf-8"))
    for location in LOCATIONS:
        warehouse = warehouse_of(location)
        world["warehouses"].append({"company": _COMPANY, "id": warehouse, "site": "EU", "name": warehouse})
    items = pairs // len(LOCATIONS)
    async with run_d365(parse_world(world)) as fo, run_shopify(webhooks="http://127.0.0.1:9/none") as shopify:
        shop = shopify.simulator.shops[_DOMAIN]
        _fill(fo, shop, items)
        with tempfile.TemporaryDirectory() as folder:
            runs = _Runs(fo, shopify, folder)
            first = await runs.to_rest()
            parsing = await runs.run(parse=True)
            unchanged = await runs.run()
            changed = _change(fo, items, pairs // 100)
            scattered = await runs.run()
            wrong = _wrong(fo, shop, items)
    if parsing["rows"] < pairs or unchanged["changed"] or scattered["changed"] != changed or wrong:
        raise RuntimeError(f"the runs did something else ({wrong} wrong): {parsing}, {unchanged}, {scattered}")
    least = ceil(changed / BATCH)
    writes = scattered["operations"]["StockSet"]["calls"]
    seconds = parsing["processor"]
    return [
        Figure(f"parsing on-hand of {pairs:,} pairs", seconds, "s"),
        at_most("stock 200k unchanged processor / parsing", unchanged["processor"] / seconds, "x", 3),
        at_most("stock 200k unchanged peak MB", unchanged["peak"], "MB", 150),
        Figure("stock 200k unchanged points", unchanged["points"], "points"),
        at_most("stock 200k scattered processor / parsing", scattered["processor"] / seconds, "x", 10),
        at_most("stock 200k scattered peak MB", scattered["peak"], "MB", 300),
        at_most("stock 200k scattered writes over least", writes - least, "calls", 2),
        at_most("stock 200k scattered points", scattered["points"], "points", 1500),
        Figure("stock 200k scattered F&O queries", scattered["fo_calls"], "queries"),
        Figure("points of reading what the shop sells, once an hour", first["StockVariants"]["cost"], "points"),
        Figure("points of comparing every figure, once a day", first["StockLevels"]["cost"], "points"),
    ]


class _Runs:
    """Runs of the flow, each in a process of its own, two minutes apart: what the shop sells is read by the first."""

    def __init__(self, fo: Simulator, shopify: RunningShopify, folder: str) -> None:
        self._apart = RunsApart("bench.stock_run", fo, shopify, _DOMAIN, folder)

    async def to_rest(self) -> dict[str, dict[str, float]]:
        """Until a run has nothing to look at. Returns what the first cost of Shopify's budget, by operation: it reads
        what the shop sells and every figure.
        """
        first = await self.run(after=_AN_HOUR)
        found = first
        for _ in range(_MOST_RUNS):
            found = await self.run()
            if found["shopify_calls"] <= _CALLS_AT_REST:
                return dict(first["operations"])
        raise RuntimeError(f"the runs come to no end: {found}")

    async def run(self, *, after: int = 2, parse: bool = False) -> dict[str, Any]:
        return await self._apart.run(after=after, parse=parse)


def _number(position: int) -> str:
    return f"GEN{position:06}"


def _fill(fo: Simulator, shop: Shop, items: int) -> None:
    """F&O and the shop with the same items, and the same figures at each location."""
    fill(fo.books, Filling(company=_COMPANY, products=items, barcodes=False))
    generate(shop, items, variants=1, sku="GEN{n:06d}")
    for place, location in enumerate(LOCATIONS):
        made = shop.add_location(warehouse_of(location), "NL", "Amsterdam", None)
        shop.locations[location] = shop.locations.pop(made.id)
        shop.locations[location].id = location
        for position in range(1, items + 1):
            units = (position + place) % 90 + 10
            at = fo.books.bin(_COMPANY, _number(position), warehouse_of(location))
            fo.books.stock.put(at, Stock(physical=Decimal(units)))
            variant = shop.variant_by_sku[_number(position)]
            shop.activate(variant.inventory_item_id, location).states["available"] = units
    shop.bucket.maximum = _PLENTY
    shop.bucket.charge(-_PLENTY)


def _change(fo: Simulator, items: int, count: int) -> int:
    """Scattered pairs, the same each time, get up to three pieces more or less."""
    chance = random.Random(1)
    pairs = [(position, location) for position in range(1, items + 1) for location in LOCATIONS]
    for position, location in chance.sample(pairs, count):
        at = fo.books.bin(_COMPANY, _number(position), warehouse_of(location))
        before = fo.books.stock.get(at)
        assert before is not None
        fo.books.stock.put(at, Stock(physical=before.physical + chance.choice((-3, -2, -1, 1, 2, 3))))
    return count


def _wrong(fo: Simulator, shop: Shop, items: int) -> int:
    """Figures in Shopify that are not what F&O has."""
    wrong = 0
    for position in range(1, items + 1):
        item = shop.variant_by_sku[_number(position)].inventory_item_id
        for location in LOCATIONS:
            stock = fo.books.stock.get(fo.books.bin(_COMPANY, _number(position), warehouse_of(location)))
            assert stock is not None
            wrong += shop.levels[item, location].quantity("available") != stock.physical
    return wrong


if __name__ == "__main__":
    show(asyncio.run(measure(pairs=int(sys.argv[1]) if len(sys.argv) > 1 else PAIRS)), Console(width=120))
