"""What prices of 20,000 products with 60,000 variants cost: at first, unchanged, and with one in a hundred changed."""

from __future__ import annotations

import asyncio
import tempfile
import tomllib
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from math import ceil
from typing import Any, Final

from rich.console import Console

from bench.apart import RunsApart, add_operations
from bench.figures import Figure, at_most, show
from local.d365 import Simulator, parse_world, run_d365
from local.d365.generator import Filling, fill
from local.d365.prices.journals import post_prices
from local.shopify import RunningShopify, run_shopify
from local.shopify.products.staff import generate
from local.shopify.state import Shop
from local.stack import ROOT
from shared.sync.bulk.lane import MOST

PRODUCTS: Final = 20_000
VARIANTS: Final = 60_000
_COMPANY: Final = "nleu"
_DOMAIN: Final = "nordlys-outdoor.myshopify.com"
_PLENTY: Final = 10**9
"""Points, so that the run is not paced; they are counted, and told as minutes of a store's budget."""
_REFILL: Final = {"Standard": 100, "Plus": 1_000}
"""Points that Shopify gives a store back in a second, by plan."""
_MEGABYTES: Final = 300
_APART: Final = 15
"""Minutes between two runs."""
_LISTING: Final = ("PriceVariants", "bulk_run_query", "bulk_state")
"""What reads all variants of the shop, by pages or in bulk."""
_FEW: Final = 50
"""Products whose prices are set by single calls."""


async def measure(*, products: int = PRODUCTS, variants: int = VARIANTS) -> list[Figure]:
    world = tomllib.loads((ROOT / "local/world.toml").read_text(encoding="utf-8"))
    async with run_d365(parse_world(world)) as fo, run_shopify(webhooks="http://127.0.0.1:9/none") as shopify:
        shop = shopify.simulator.shops[_DOMAIN]
        _fill(fo, shop, products, variants)
        with tempfile.TemporaryDirectory() as folder:
            runs = _Runs(fo, shopify, folder)
            first = await runs.to_the_end()
            unchanged = await runs.run()
            few = min(_FEW, products)
            _change(fo, shop, few, "1.05")
            single = await runs.run()
            before = {variant.id: variant.price for variant in shop.variants.values()}
            changed = _change(fo, shop, variants // 100, "0.9")
            some = await runs.to_the_end()
            moved = sum(before[variant.id] != variant.price for variant in shop.variants.values())
    if single["changed"] < few or unchanged["changed"] or moved != changed:
        raise RuntimeError(f"the runs did something else: {first}, {unchanged}, {single}, {some}")
    return _figures(first, unchanged, single, some, changed=changed, products=products, variants=variants)


def _figures(
    first: dict[str, Any],
    unchanged: dict[str, Any],
    single: dict[str, Any],
    some: dict[str, Any],
    *,
    changed: int,
    products: int,
    variants: int,
) -> list[Figure]:
    calls = single["operations"]["PriceVariantsSet"]
    cost = calls["cost"] / calls["calls"]
    writes = sum(some["operations"].get(name, {"calls": 0})["calls"] for name in ("PriceVariantsSet", "bulk_run"))
    what = f"prices of {variants:,} variants"
    minutes = {plan: products * cost / refill / 60 for plan, refill in _REFILL.items()}
    tiers = first["operations"]["PriceListTiersSet"]
    listing = [first["operations"][name] for name in _LISTING if name in first["operations"]]
    return [
        Figure(f"{what}, first list of the shop: calls", sum(each["calls"] for each in listing), "calls"),
        at_most("query budget for it", sum(each["cost"] for each in listing), "points", 200),
        at_most("writes of a price list with quantity breaks for all", tiers["calls"], "calls", variants / 100 + 2),
        Figure("query budget for it", tiers["cost"], "points"),
        Figure("bulk operations if every price of the shop differs", ceil(products / MOST), "operations"),
        Figure("minutes of a Standard store's budget for that by single calls", minutes["Standard"], "minutes"),
        Figure("minutes of a Plus store's budget for that by single calls", minutes["Plus"], "minutes"),
        at_most("peak memory of the first run", first["peak"], "MB", _MEGABYTES),
        at_most(f"{what}, run that has nothing to do: query budget", unchanged["points"], "points", 100),
        Figure("F&O reads of it, for all lists", unchanged["fo_calls"], "queries"),
        Figure("processor time of it", unchanged["processor"], "s"),
        at_most("peak memory of it", unchanged["peak"], "MB", _MEGABYTES),
        Figure("a changed price by a call of its own: query budget", cost, "points"),
        at_most(f"{changed:,} changed prices in as many products: writes", writes, "calls", changed),
        Figure("query budget of that run", some["points"], "points"),
        Figure("processor time of it", some["processor"], "s"),
    ]


class _Runs:
    """Runs of the flow, each in a process of its own, a quarter of an hour apart."""

    def __init__(self, fo: Simulator, shopify: RunningShopify, folder: str) -> None:
        self._apart = RunsApart("bench.price_run", fo, shopify, _DOMAIN, folder)
        self._shop = shopify.simulator.shops[_DOMAIN]

    async def to_the_end(self) -> dict[str, Any]:
        """Several runs as one, until nothing is left: a run writes for two and a half minutes at most, and leaves bulk
        operations to the next.
        """
        whole = await self.run()
        while whole["halted"] or whole["left"]:
            await self._apart.operations_end()
            more = await self.run()
            add_operations(whole["operations"], more["operations"])
            whole["peak"] = max(whole["peak"], more["peak"])
            whole["points"] += more["points"]
            whole["processor"] += more["processor"]
            whole["halted"], whole["left"] = more["halted"], more["left"]
        return whole

    async def run(self) -> dict[str, Any]:
        ahead = timedelta(minutes=self._apart.minutes + _APART)
        self._shop.clock = lambda: datetime.now(UTC) + ahead  # as the run's own clock
        return await self._apart.run(after=_APART, confirm=False)


def _fill(fo: Simulator, shop: Shop, products: int, variants: int) -> None:
    """F&O and the shop with the same variants at the same prices; F&O has three prices of dealers for each product."""
    filling = Filling(
        company=_COMPANY,
        products=products,
        variants=variants,
        tax_item_group="FULL",
        price_group="DEALER",
        tiers=3,
        barcodes=False,
    )
    fill(fo.books, filling)
    generate(shop, products, variants=variants // products)
    made = [variant for variant in shop.variants.values() if (variant.sku or "").startswith("GEN-")]
    released = [row.values for row in fo.books.rows("ReleasedProductVariantsV2")]
    ours = [row for row in released if str(row["ProductVariantNumber"]).startswith("GEN")]
    prices = {row.values["ItemNumber"]: row.values["SalesPrice"] for row in fo.books.rows("ReleasedProductsV2")}
    for variant, row in zip(made, ours, strict=True):
        shop.assortment.set_sku(variant, str(row["ProductVariantNumber"]))
        variant.price = Decimal(str(prices[row["ItemNumber"]]))
    shop.bucket.maximum = _PLENTY
    shop.bucket.charge(-_PLENTY)


def _change(fo: Simulator, shop: Shop, count: int, factor: str) -> int:
    """A price of its own for one variant of each so many products."""
    lines: list[dict[str, Any]] = []
    for row in fo.books.rows("ReleasedProductVariantsV2"):
        values = row.values
        if str(values["ProductVariantNumber"]).startswith("GEN") and len(lines) < count:
            if lines and lines[-1]["ItemNumber"] == values["ItemNumber"]:
                continue
            price = shop.variant_by_sku[str(values["ProductVariantNumber"])].price
            lines.append(
                {
                    "ItemNumber": values["ItemNumber"],
                    "ProductColorId": values["ProductColorId"],
                    "ProductSizeId": values["ProductSizeId"],
                    "PriceCustomerGroupCode": "WEB",
                    "Price": price * Decimal(factor),
                }
            )
    post_prices(fo.books, _COMPANY, lines)
    return len(lines)


if __name__ == "__main__":
    show(asyncio.run(measure()), Console(width=120))
