"""A short text that is another one as soon as anything changes that a product in the shop depends on."""

from __future__ import annotations

from dataclasses import fields
from hashlib import sha256
from typing import Final

from shared.model import ShopLimits, WantedProduct
from shared.rules import StoreRules

_FORMAT: Final = 1
"""Raise it when the app writes products in another way, so that all of them are compared with the shop again."""
_OF_RUNS: Final = frozenset(
    {
        "full_compare_hours",
        "full_minutes",
        "least_share",
        "unpublish_floor",
        "unpublish_percent",
        "variants_a_day",
    }
)
"""Rules that say when products are written, not what."""
_FIELDS: Final = tuple(each.name for each in fields(WantedProduct) if each.name not in {"once", "unsold"})


def basis_of(rules: StoreRules, limits: ShopLimits) -> str:
    """Of everything beside F&O's product: of the rules, and of what the shop takes."""
    written = rules.products.model_dump(exclude=set(_OF_RUNS), mode="json")
    locations = sorted({warehouse.location for warehouse in rules.warehouses})
    return _digest(repr((_FORMAT, written, locations, limits.currency, limits.options, limits.variants)))


def product_digest(wanted: WantedProduct, basis: str) -> str:
    """The same for the same product, in every process."""
    shown = {name: getattr(wanted, name) for name in _FIELDS} | {"kept": sorted(wanted.kept)}
    return _digest(repr((basis, *shown.values())))


def _digest(text: str) -> str:
    return sha256(text.encode(errors="surrogatepass")).hexdigest()[:20]
