"""What a store sells and F&O stocks, with the safety stock: read at intervals, and stored in between."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from shared.d365.items import ItemCache, read_items
from shared.d365.odata.client import RowReader
from shared.d365.on_hand import read_safety_stock
from shared.errors import RefusedError
from shared.mapping.orders.items import sku_field
from shared.mapping.stock import Listing, Unlisted, match_variants
from shared.model import Item, LevelId, Variant
from shared.rules import StoreRules
from shared.shopify.admin.client import QueryRunner
from shared.shopify.inventory import read_variants
from shared.store.blobs import Snapshots

_FORMAT: Final = 2
"""Of the stored assortment. One in another format is read again from both systems."""


@dataclass(frozen=True, slots=True)
class Assortment:
    listings: tuple[Listing, ...]
    safety: dict[tuple[Item, str], Decimal]
    shop_items: int
    """Inventory items in the shop, including those that get no figure."""
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

    `withheld` are variants that are not sold any more: they have a listing too if F&O does not have their item.
    """
    name = f"stock/{rules.key}/catalogue"
    warehouses = sorted(warehouse.id for warehouse in rules.warehouses)
    locations = sorted({warehouse.location for warehouse in rules.warehouses})
    basis = [_FORMAT, rules.company, sku_field(rules), warehouses, locations]
    value, etag = await snapshots.read(name)
    max_age = timedelta(minutes=rules.stock.catalogue_minutes)
    if value and value["basis"] == basis and now < datetime.fromisoformat(value["read_at"]) + max_age:
        return _from_stored(value)
    variants = await read_variants(admin)
    skus = {variant.sku for variant in variants if variant.sku}
    items = await read_items(fo, rules.company, sku_field(rules), skus, cache=ItemCache())
    items |= {
        variant.sku: withheld[variant.variant_id]
        for variant in variants
        if variant.sku and variant.sku not in items and variant.variant_id in withheld
    }
    catalogue = match_variants(variants, items, locations=locations, company=rules.company)
    stocked = {listing.item for listing in catalogue.listings}
    safety = await read_safety_stock(fo, rules.company, stocked, warehouses)
    await snapshots.write(
        name,
        {
            "read_at": now.isoformat(),
            "basis": basis,
            "shop_items": len(variants),
            "listings": [
                [listing.sku, listing.variant_id, *listing.level, *listing.item] for listing in catalogue.listings
            ],
            "safety": [[warehouse, str(units), *item] for (item, warehouse), units in safety.items()],
        },
        etag,
    )
    return Assortment(
        listings=catalogue.listings,
        safety=safety,
        shop_items=len(variants),
        is_new=True,
        unlisted=catalogue.unlisted,
        problems=catalogue.problems,
    )


def _from_stored(value: dict[str, Any]) -> Assortment:
    return Assortment(
        listings=tuple(
            Listing(sku, Item(*item), LevelId(inventory_item, location), variant_id)
            for sku, variant_id, inventory_item, location, *item in value["listings"]
        ),
        safety={(Item(*item), warehouse): Decimal(units) for warehouse, units, *item in value["safety"]},
        shop_items=value["shop_items"],
        is_new=False,
    )
