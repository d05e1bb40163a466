"""What products cost at first, unchanged, and with one in a hundred changed: 20,000 with 60,000 variants by `python -m
bench.products`, 1,000 with 3,000 in `make bench`.
"""

from __future__ import annotations

import asyncio
import tempfile
import tomllib
from typing import Any, Final

import httpx
from rich.console import Console

from bench.apart import Operations, RunsApart, add_operations
from bench.figures import Figure, at_most, show
from local.d365 import Simulator, parse_world, run_d365
from local.d365.generator import Filling, fill
from local.shopify import RunningShopify, run_shopify
from local.stack import ROOT

PRODUCTS: Final = 20_000
VARIANTS: Final = 60_000
_COMPANY: Final = "usmf"
_DOMAIN: Final = "prairie-supply.myshopify.com"
_PLENTY: Final = 10**9
"""Points, so that the run is not paced; they are counted, and told as minutes of a store's budget."""
_REFILL: Final = {"Standard": 100, "Plus": 1_000}
"""Points that Shopify gives a store back in a second, by plan."""
_MEGABYTES: Final = 300
_BULK_RUNS: Final = "bulk_run"
_WRITES: Final = ("ProductUpdate", "ProductSet", _BULK_RUNS)
_MOST_RUNS: Final = 200


async def measure(*, products: int = PRODUCTS, variants: int = VARIANTS) -> list[Figure]:
    world = tomllib.loads((ROOT / "local/world.toml").read_text(encoding="utf-8"))
    async with run_d365(parse_world(world)) as fo, run_shopify(webhooks="http://127.0.0.1:9/none") as shopify:
        fill(fo.books, Filling(company=_COMPANY, products=products, variants=variants, tax_item_group="ALL"))
        shop = shopify.simulator.shops[_DOMAIN]
        shop.bucket.maximum = _PLENTY
        shop.bucket.charge(-_PLENTY)
        with tempfile.TemporaryDirectory() as folder:
            runs = _Runs(fo, shopify, folder)
            first = await runs.to_the_end()
            unchanged = await runs.run()
            changed = await _rename(fo, products // 100)
            some = await runs.to_the_end()
        shown = sum(product.status == "ACTIVE" for product in shop.products.values())
        renamed = sum(product.title.startswith("Renamed") for product in shop.products.values())
    if shown < products or renamed != changed:
        raise RuntimeError(f"the runs did something else: {shown} products, {renamed} renamed; {first}, {some}")
    return _figures(first, unchanged, some, changed=changed, products=products, variants=variants)


def _figures(
    first: dict[str, Any],
    unchanged: dict[str, Any],
    some: dict[str, Any],
    *,
    changed: int,
    products: int,
    variants: int,
) -> list[Figure]:
    what = f"{products:,} products with {variants:,} variants"
    minutes = {plan: first["points"] / refill / 60 for plan, refill in _REFILL.items()}
    writes = sum(_calls(some, name) for name in _WRITES)
    return [
        Figure(f"{what}, first load: runs", first["runs"], "runs"),
        Figure("bulk operations of it", _calls(first, _BULK_RUNS), "operations"),
        Figure("calls of it, without those inside the operations", first["calls"], "calls"),
        Figure("query budget of it", first["points"], "points"),
        Figure("minutes of a Standard store's budget for it", minutes["Standard"], "minutes"),
        Figure("minutes of a Plus store's budget for it", minutes["Plus"], "minutes"),
        at_most("peak memory of it", first["peak"], "MB", _MEGABYTES),
        at_most(f"{what}, unchanged survey: query budget", unchanged["points"], "points", 100),
        Figure("F&O reads of it", unchanged["fo_calls"], "queries"),
        Figure("processor time of it", unchanged["processor"], "s"),
        at_most("peak memory of the survey", unchanged["peak"], "MB", _MEGABYTES),
        at_most(f"{changed:,} new titles: writes", writes, "calls", changed + 2),
        Figure("query budget of that", some["points"], "points"),
        Figure("processor time of that", some["processor"], "s"),
    ]


class _Runs:
    """Runs of the flow, each in a process of its own, five minutes apart."""

    def __init__(self, fo: Simulator, shopify: RunningShopify, folder: str) -> None:
        self._fo = fo
        self._apart = RunsApart("bench.product_run", fo, shopify, _DOMAIN, folder)

    async def to_the_end(self) -> dict[str, Any]:
        """Several runs as one, until nothing is left."""
        whole = await self.run()
        whole["runs"] = 1
        left = whole["pending"]
        while left:
            if whole["runs"] == _MOST_RUNS:
                raise RuntimeError(f"{left} products are left after {_MOST_RUNS} runs")
            await self._apart.operations_end()
            more = await self.run()
            whole["runs"] += 1
            whole["peak"] = max(whole["peak"], more["peak"])
            for name in ("points", "calls", "processor"):
                whole[name] += more[name]
            add_operations(whole["operations"], more["operations"])
            left = more["pending"]
        return whole

    async def run(self) -> dict[str, Any]:
        before = _calls_of(self._fo)
        found = await self._apart.run(after=5)
        return found | {"calls": found["shopify_calls"], "fo_calls": _calls_of(self._fo) - before}


def _calls(figures: dict[str, Any], operation: str) -> float:
    operations: Operations = figures["operations"]
    return operations.get(operation, {"calls": 0})["calls"]


def _calls_of(fo: Simulator) -> int:
    return fo.http_calls.total()


async def _rename(fo: Simulator, count: int) -> int:
    """A new title for so many products."""
    rows = [row.values for row in fo.books.rows("ProductTranslations")]
    numbers = [str(row["ProductNumber"]) for row in rows if str(row["ProductNumber"]).startswith("GEN")][:count]
    async with httpx.AsyncClient() as http:
        for number in numbers:
            text = {"language": "en-US", "name": f"Renamed {number}"}
            answer = await http.post(f"{fo.base_url}/_sim/products/{number}/text", json=text)
            answer.raise_for_status()
    return len(numbers)


if __name__ == "__main__":
    show(asyncio.run(measure()), Console(width=120))
