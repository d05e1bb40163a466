"""The shop of a store, ready to have products brought in line."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import httpx

from shared.errors import ErrorCode, RefusedError, TransientError
from shared.mapping.products.shop.policy import ShopPolicy
from shared.model import Adoption, Converged, ShopLimits, WantedProduct
from shared.rules import StoreRules
from shared.shopify.admin.client import QueryRunner
from shared.shopify.products.definition import define_item
from shared.shopify.products.finding import ALL_VARIANTS, changed_variants, found_variant
from shared.shopify.products.pictures import HttpUploader
from shared.shopify.products.reading import read_publications
from shared.store.blobs import Snapshots
from shared.store.journal import Journal
from shared.sync.bulk.jobs import BulkJobs
from shared.sync.bulk.lane import BulkLane
from shared.sync.bulk.reading import LISTED_IN_BULK, BulkList, BulkReading, NoList
from shared.sync.products.ports import ImageReader, RecalledProduct
from shared.sync.products.shop.bulk import BulkProducts, BulkProgress
from shared.sync.products.shop.finding import Finder
from shared.sync.products.shop.flow import ProductWork, converge_all, look
from shared.sync.products.shop.new_variants import NewVariants
from shared.sync.products.shop.ports import ShopProductPorts, ShowLater


@dataclass(slots=True)
class OpenedShop:
    ports: ShopProductPorts
    lane: BulkLane
    reading: BulkReading
    variants: int
    """How many the shop has."""
    listed: BulkList | None = None
    """The list that this run uses."""

    async def prepare_search(self) -> bool:
        """Where it is a small shop, or Shopify makes no list now, pages are read by whoever looks for a product."""
        finder = self.ports.finder
        if finder.variants is not None or self.variants < LISTED_IN_BULK:
            return True
        listed = await self.reading.ask(ALL_VARIANTS, "Listing the shop's variants")
        if isinstance(listed, BulkList):
            await self._take(listed)
        return listed is not NoList.UNDER_WAY

    async def _take(self, listed: BulkList) -> None:
        """Raises TransientError where what changed since cannot be read: the next run uses the same list."""
        try:
            variants = [found_variant(row) async for row in self.reading.rows(listed)]
        except TransientError as error:
            await self.reading.end(listed, unused=f"{error.reason}. Pages are read instead")
            return
        variants += [each async for each in changed_variants(self.ports.admin, listed.changed_since)]
        self.ports.finder.take(variants)
        self.listed = listed

    def converge_all(self, work: Iterable[ProductWork]) -> AsyncIterator[tuple[ProductWork, Converged]]:
        return converge_all(work, self.ports)

    async def look(self, products: Sequence[WantedProduct]) -> list[Adoption | None]:
        return await look(products, self.ports)

    async def recall(self) -> dict[str, RecalledProduct]:
        """The products that the shop has by their id metafield: all variants are listed for it, once in a run."""
        finder = self.ports.finder
        await finder.list_all(self.ports.admin)
        ids: dict[str, int] = {}
        skus: defaultdict[str, dict[str, int]] = defaultdict(dict)
        for its in (finder.variants or {"sku": {}})["sku"].values():
            for each in its:
                if each.item_number is not None:
                    ids[each.item_number] = each.product
                    skus[each.item_number][each.sku] = each.id
        return {item: RecalledProduct(number, skus[item]) for item, number in ids.items()}

    def show_together(self) -> None:
        self.ports = replace(self.ports, later=ShowLater())

    async def show(self) -> frozenset[str]:
        """The item numbers that are being shown now; none, if they are too few to be shown together."""
        return await self._bulk.show(self.ports.later) if self.ports.later is not None else frozenset()

    async def missing(self, products: Iterable[WantedProduct]) -> frozenset[str]:
        return await self._bulk.missing(products)

    async def create(self, work: Iterable[ProductWork]) -> frozenset[str]:
        """The item numbers that are being created now. The next run needs another list of the shop's variants: in this
        one all of them would be among what changed since, which is read by pages.
        """
        started = await self._bulk.create(work)
        if started and self.listed is not None:
            await self.reading.end(self.listed)
        return started

    async def resume(self) -> BulkProgress:
        return await self._bulk.resume()

    async def forget(self, progress: BulkProgress) -> None:
        await self._bulk.forget(progress)

    @property
    def _bulk(self) -> BulkProducts:
        return BulkProducts(self.lane, self.ports)


async def open_shop(
    rules: StoreRules,
    admin: QueryRunner,
    limits: ShopLimits,
    read_image: ImageReader,
    new_variants: NewVariants,
    *,
    files: httpx.AsyncClient,
    snapshots: Snapshots,
    journal: Journal,
    now: Callable[[], datetime],
) -> OpenedShop:
    """For one run. Raises RefusedError PRODUCTS_CHANNEL_UNKNOWN for a sales channel that the shop does not have, and
    SHOPIFY_REJECTED if Shopify refuses the definition of the metafield by which products are found again.
    """
    products = rules.products
    if products.adopt and (refused := await define_item(admin)):
        raise RefusedError(ErrorCode.SHOPIFY_REJECTED, what="the metafield of F&O's item number", message=refused)
    known = await read_publications(admin)
    policy = ShopPolicy(
        locations=tuple(sorted({warehouse.location for warehouse in rules.warehouses})),
        publications=tuple(_publication(each, known, rules) for each in products.publications),
        leaves=products.leaves,
        delete_variants=products.delete_variants,
        visible_at_zero=products.visible_at_zero,
        status=products.owners.status,
        has_prices=rules.flows.prices,
        pictures=products.owners.images,
        most_variants=limits.variants,
        most_options=limits.options,
    )
    return OpenedShop(
        ports=ShopProductPorts(admin, policy, read_image, HttpUploader(files), Finder(), new_variants),
        lane=BulkLane(BulkJobs(admin, snapshots, journal, rules.key, "products", now), files),
        reading=BulkReading(BulkJobs(admin, snapshots, journal, rules.key, "products-reading", now), files),
        variants=limits.has_variants,
    )


def _publication(wanted: int | str, known: Mapping[int, str], rules: StoreRules) -> int:
    named = [number for number, name in known.items() if wanted in {number, name}]
    if len(named) != 1:
        channels = ", ".join(f"{name} ({number})" if name else str(number) for number, name in sorted(known.items()))
        raise RefusedError(
            ErrorCode.PRODUCTS_CHANNEL_UNKNOWN, channel=wanted, known=channels or "(none)", store=rules.key
        )
    return named[0]
