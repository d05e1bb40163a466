"""Which variant of the shop is which item of F&O."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from shared.errors import ErrorCode, RefusedError
from shared.model import Item, ShopProduct, ShopVariant, WantedProduct, WantedVariant


@dataclass(frozen=True, slots=True)
class VariantMatch:
    found: Mapping[Item, ShopVariant]
    """Those that are not sold, too."""
    missing: tuple[WantedVariant, ...]
    """Approved, and not in the shop."""
    deleted: frozenset[Item]
    """Of the missing ones: the shop had them."""
    left: tuple[ShopVariant, ...]
    """Variants that the app made for items which F&O does not list any more, and further ones of items that are not
    sold.
    """

    @property
    def ids(self) -> dict[Item, int]:
        return {item: variant.id for item, variant in self.found.items()}


def match_shop_variants(wanted: WantedProduct, shop: ShopProduct, known: Mapping[Item, int]) -> VariantMatch:
    """By id where the app knows it, else by SKU. A variant without one is found by its barcode or its option values; so
    is one with another SKU in a product of which the app knows no variant yet. In a known product that is a merchant's.

    Raises RefusedError PRODUCT_AMBIGUOUS where two variants of the product have the SKU of one that is looked for.
    """
    by_id = {variant.id: variant for variant in shop.variants}
    items = {variant.item for variant in wanted.variants}
    found = {item: by_id[number] for item, number in known.items() if item in items and number in by_id}
    taken = {variant.id for variant in found.values()} | {known[item] for item in wanted.kept & known.keys()}
    ours = set(known.values())
    for of_wanted, of_shop, is_unique in _WAYS:
        rest = (variant for variant in shop.variants if variant.id not in taken)
        free = _by(of_shop, (each for each in rest if is_unique or not ours or not each.sku or each.id in ours))
        for variant in wanted.variants:
            same = () if variant.item in found else free.pop(of_wanted(variant), ())
            if len(same) == 1:
                found[variant.item] = same[0]
                taken.add(same[0].id)
            elif same and is_unique:
                raise RefusedError(
                    ErrorCode.PRODUCT_AMBIGUOUS,
                    item=wanted.item_number,
                    key=variant.sku,
                    places=" and ".join(f"variant {each.id} of product {shop.id}" for each in same),
                )
    left = [by_id[number] for number in known.values() if number in by_id and number not in taken]
    for other in (each for each in shop.variants if each.id not in taken and each.id not in ours):
        item = wanted.unsold.get(other.sku)
        if item in found:
            left.append(other)
        elif item is not None:
            found[item] = other
    missing = tuple(each for each in wanted.variants if each.is_approved and each.item not in found)
    return VariantMatch(
        found=found,
        missing=missing,
        deleted=frozenset(each.item for each in missing if each.item in known),
        left=tuple(left),
    )


DEFAULT_VALUE: Final = "Default Title"
"""Shopify's option value of the only variant of a product without options."""


def _values(values: Iterable[str]) -> str:
    """Option values whatever their order; staff may change the order of options."""
    return "\n".join(sorted(value.strip().casefold() for value in values or (DEFAULT_VALUE,)))


_WAYS: Final[tuple[tuple[Callable[[WantedVariant], str], Callable[[ShopVariant], str], bool], ...]] = (
    (lambda wanted: wanted.sku, lambda shop: shop.sku, True),
    (lambda wanted: wanted.barcode or "", lambda shop: shop.barcode, False),
    (lambda wanted: _values(wanted.values), lambda shop: _values(shop.values), False),
)
"""The key of either side, and whether two variants with one key are an error."""


def _by(key: Callable[[ShopVariant], str], variants: Iterable[ShopVariant]) -> dict[str, list[ShopVariant]]:
    found: defaultdict[str, list[ShopVariant]] = defaultdict(list)
    for variant in variants:
        if name := key(variant):
            found[name].append(variant)
    return dict(found)
