"""Finding the shop's product of an item that the app does not know: by its id metafield, else by SKU or barcode."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Literal

from shared.errors import ErrorCode, RefusedError
from shared.model import WantedProduct
from shared.shopify.admin.client import QueryRunner
from shared.shopify.products.finding import FoundVariant, find_variants, list_variants

SEARCHES: Final = 20
"""Products that are searched for one by one. From the next one on, all variants of the shop are listed once, 250 to a
call: measured, a search costs as many points as a page of that list.
"""

type _Key = Literal["sku", "barcode"]


@dataclass(slots=True)
class Finder:
    """Of one shop and one run."""

    searches: int = 0
    variants: dict[_Key, dict[str, list[FoundVariant]]] | None = None
    """Those of the shop by SKU and by barcode, once they were listed."""
    products: dict[str, int] = field(default_factory=dict)
    """Item number -> product, of those."""
    listing: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Products are brought in line side by side: they are listed once."""

    def take(self, variants: Iterable[FoundVariant]) -> None:
        """The list of all variants of the shop, in which a later entry of a variant replaces an earlier one."""
        by_id = {each.id: each for each in variants}
        by_sku: defaultdict[str, list[FoundVariant]] = defaultdict(list)
        by_barcode: defaultdict[str, list[FoundVariant]] = defaultdict(list)
        for variant in by_id.values():
            by_sku[variant.sku].append(variant)
            by_barcode[variant.barcode].append(variant)
        self.products = {each.item_number: each.product for each in by_id.values() if each.item_number is not None}
        self.variants = {"sku": dict(by_sku), "barcode": dict(by_barcode)}

    async def is_listed(self, admin: QueryRunner) -> bool:
        """Whether the shop's variants are listed now: from the 21st product on."""
        if self.searches >= SEARCHES:
            await self.list_all(admin)
        return self.variants is not None

    async def list_all(self, admin: QueryRunner) -> None:
        """All variants of the shop, once."""
        async with self.listing:
            if self.variants is None:
                self.take([each async for page in list_variants(admin) for each in page])

    async def to_adopt(self, wanted: WantedProduct, admin: QueryRunner) -> int | None:
        """The product that has the item's variants and is not F&O's yet, be it only some that are not sold; None if the
        shop has none.

        Raises RefusedError PRODUCT_AMBIGUOUS where several products have them, PRODUCT_OF_OTHER_ITEM where that product
        is another item's.
        """
        skus = [variant.sku for variant in wanted.variants]
        barcodes = [variant.barcode for variant in wanted.variants if variant.barcode]
        found = (
            await self._find(admin, "sku", skus)
            or await self._find(admin, "barcode", barcodes)
            or await self._find(admin, "sku", wanted.unsold)
        )
        self.searches += 1
        products = {each.product: each for each in found}
        if len(products) > 1:
            by_key: defaultdict[str, set[int]] = defaultdict(set)
            for each in found:
                by_key[each.sku or each.barcode].add(each.product)
            double = {key: places for key, places in by_key.items() if len(places) > 1} or by_key
            keys = ", ".join(sorted(double))
            places = " and ".join(f"product {number}" for number in sorted(set().union(*double.values())))
            raise RefusedError(ErrorCode.PRODUCT_AMBIGUOUS, item=wanted.item_number, key=keys, places=places)
        for number, variant in products.items():
            if variant.item_number not in {None, wanted.item_number}:
                raise RefusedError(
                    ErrorCode.PRODUCT_OF_OTHER_ITEM, item=wanted.item_number, product=number, other=variant.item_number
                )
        return next(iter(products), None)

    async def _find(self, admin: QueryRunner, key: _Key, values: Iterable[str]) -> list[FoundVariant]:
        values = [value for value in values if value]
        if not values:
            return []
        if await self.is_listed(admin) and self.variants is not None:
            return [each for value in values for each in self.variants[key].get(value, ())]
        return await find_variants(admin, key, values)
