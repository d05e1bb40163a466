"""Variants that F&O does not sell any more and Shopify still has: the flow of products says which, and the flow of
stock shows 0 of them everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from shared.model import Item
from shared.store.blobs import Snapshots

_NAME: Final = "products/{store}/withheld"


async def read_withheld(snapshots: Snapshots, store: str) -> tuple[dict[int, Item], str | None]:
    """By Shopify's variant, and what `write_withheld` needs to replace them."""
    value, etag = await snapshots.read(_NAME.format(store=store))
    return {variant: Item(*item) for variant, *item in (value or {}).get("variants", ())}, etag


async def write_withheld(snapshots: Snapshots, store: str, variants: Mapping[int, Item], etag: str | None) -> str:
    """Raises TransientError when another run was faster."""
    stored = [[variant, *item] for variant, item in sorted(variants.items())]
    return await snapshots.write(_NAME.format(store=store), {"variants": stored}, etag)
