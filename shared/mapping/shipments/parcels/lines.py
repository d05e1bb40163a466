"""Which order line in Shopify a sales line stands for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from shared.model import Component

_GOODS: Final = f"{Component.PRODUCTS}:", f"{Component.CUSTOM_LINES}:"
"""Sources of lines that Shopify has something to fulfil for."""


def line_ids_of(sources: Mapping[str, str]) -> dict[str, int]:
    """InventoryLotId -> order line in Shopify, of the lines that are goods. `sources` is that of the order's link."""
    return {lot: int(source.rpartition(":")[2]) for lot, source in sources.items() if source.startswith(_GOODS)}
