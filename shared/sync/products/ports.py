"""What the flow of products works with outside of itself."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import httpx

from shared.d365.odata.client import ODataClient
from shared.model import Adoption, Converged, Item, ProductImage, ShopLimits, VariantPrices, WantedProduct
from shared.rules import StoreRules
from shared.shopify.admin.client import AdminClient, QueryRunner
from shared.store.blobs import Bodies, Snapshots
from shared.store.journal import Journal
from shared.sync.products.shop.bulk import BulkProgress
from shared.sync.products.shop.flow import ProductWork
from shared.sync.products.shop.new_variants import NewVariants

type QuoteReader = Callable[[StoreRules, Collection[Item]], Awaitable[VariantPrices]]
"""The shop's prices of items by F&O and the rules, as they are now."""

type ImageReader = Callable[[str, ProductImage], Awaitable[bytes]]
"""Item number and image -> its bytes, from F&O."""


class RecalledProduct(NamedTuple):
    """What the shop itself tells of a product that the app brought there."""

    id: int
    variants: Mapping[str, int]
    """By SKU."""


class ShopSide(Protocol):
    """The products of one shop, during one run; one by one, and many in bulk (shared/sync/products/shop/bulk.py)."""

    def converge_all(self, work: Iterable[ProductWork]) -> AsyncIterator[tuple[ProductWork, Converged]]: ...

    async def prepare_search(self) -> bool:
        """Before many products are looked for: False while Shopify makes the list of a big shop's variants."""

    async def look(self, products: Sequence[WantedProduct]) -> Sequence[Adoption | None]: ...

    async def recall(self) -> Mapping[str, RecalledProduct]:
        """Products of the shop that have F&O's item number, by that."""

    def show_together(self) -> None:
        """From now on `converge_all` gathers the products that may be seen, and `show` shows them."""

    async def show(self) -> frozenset[str]: ...

    async def missing(self, products: Iterable[WantedProduct]) -> frozenset[str]:
        """Item numbers that `create` may be given: the shop has no product of theirs, and they are many."""

    async def create(self, work: Iterable[ProductWork]) -> frozenset[str]: ...

    async def resume(self) -> BulkProgress: ...

    async def forget(self, progress: BulkProgress) -> None: ...


type ShopOpener = Callable[[StoreRules, QueryRunner, ShopLimits, ImageReader, NewVariants], Awaitable[ShopSide]]
"""The new variants are counted by it. Raises RefusedError for rules that name what the shop does not have."""


@dataclass(frozen=True, slots=True)
class ProductPorts:
    rules: Mapping[str, StoreRules]
    admins: Mapping[str, AdminClient]
    """Both by store key."""
    fo: ODataClient
    snapshots: Snapshots
    reports: Bodies
    journal: Journal
    files: httpx.AsyncClient
    """For files that Shopify gives an address for: without the shop's token."""
