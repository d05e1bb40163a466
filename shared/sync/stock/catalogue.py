"""What a store sells and F&O stocks, with the safety stock: read at intervals, and stored in between."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from sys import intern
from typing import Any, Final

from shared.d365.items import ItemCache, read_items
from shared.d365.odata.client import RowReader
from shared.d365.on_hand import read_safety_stock
from shared.errors import RefusedError
from shared.mapping.orders.items import sku_field
from shared.mapping.stock import StockedItem, Unlisted, match_variants
from shared.model import Item, Variant
from shared.rules import StoreRules
from shared.shopify.admin.client import QueryRunner
from shared.shopify.inventory import read_variants
from shared.store.blobs import Snapshots

_FORMAT: Final = 3
"""Of the stored assortment. One in another format is read again from both systems."""


@dataclass(frozen=True, slots=True)
class Assortment:
    items: tuple[StockedItem, ...]
    locations: tuple[int, ...]
    safety: dict[tuple[Item, str], Decimal]
    is_new: bool
    """Read in this run. Only then `unlisted` and `problems` are known."""
    unlisted: tuple[tuple[Variant, Unlisted], ...] = ()
    problems: tuple[RefusedError, ...] = ()


async def load_assortment(
    rules: StoreRules,
    *,
    admin: QueryRunner,
    fo: RowReader,
    snapshots: Snapshots,
    now: datetime,
    withheld: Mapping[int, Item],
) -> Assortment:
    """The stored assortment, or a new one from both systems when that is older than the rules allow or the warehouses
    have changed.

    `withheld` are variants that are not sold any more: they have figures too if F&O does not have their item.
    """
    name = f"stock/{rules.key}/catalogue"
    warehouses = sorted(warehouse.id for warehouse in rules.warehouses)
    locations = sorted({warehouse.location for warehouse in rules.warehouses})
    basis = [_FORMAT, rules.company, sku_field(rules), warehouses, locations]
    value, etag = await snapshots.read(name)
    max_age = timedelta(minutes=rules.stock.catalogue_minutes)
    if value and value["basis"] == basis and now < datetime.fromisoformat(value["read_at"]) + max_age:
        return _from_stored(value, locations)
    variants = await read_variants(admin)
    skus = {variant.sku for variant in variants if variant.sku}
    items = await read_items(fo, rules.company, sku_field(rules), skus, cache=ItemCache())
    items |= {
        variant.sku: withheld[variant.variant_id]
        for variant in variants
        if variant.sku and variant.sku not in items and variant.variant_id in withheld
    }
    catalogue = match_variants(variants, items, locations=locations, company=rules.company)
    stocked = {each.item for each in catalogue.items}
    safety = await read_safety_stock(fo, rules.company, stocked, warehouses)
    await snapshots.write(
        name,
        {
            "read_at": now.isoformat(),
            "basis": basis,
            "items": [[each.sku, each.inventory_item, each.variant_id, *each.item] for each in catalogue.items],
            "safety": [[warehouse, str(units), *item] for (item, warehouse), units in safety.items()],
        },
        etag,
    )
    return Assortment(
        items=catalogue.items,
        locations=tuple(locations),
        safety=safety,
        is_new=True,
        unlisted=catalogue.unlisted,
        problems=catalogue.problems,
    )


def _from_stored(value: dict[str, Any], locations: Iterable[int]) -> Assortment:
    return Assortment(
        items=tuple(
            StockedItem(sku, Item(*map(intern, item)), inventory_item, variant_id)
            for sku, inventory_item, variant_id, *item in value["items"]
        ),
        locations=tuple(locations),
        safety={(Item(*item), warehouse): Decimal(units) for warehouse, units, *item in value["safety"]},
        is_new=False,
    )
