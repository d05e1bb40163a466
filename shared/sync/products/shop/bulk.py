"""Many new products by bulk operations: created, set active, and published, one operation after the other.

A product that is created one by one costs about 65 points of the query budget (measured in the simulated shop, which
has Shopify's recorded costs): with 100 points a second 20,000 products take three and a half hours. By bulk operations
each costs the share of a few readings.

Nothing depends on an operation: what it did not do, or did without the app hearing of it, is found by the next run, as
after any other call. An operation creates only products that the shop did not have when it was started.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from shared.errors import OutcomeUnknownError, RefusedError, TransientError
from shared.mapping.products.shop.creation import new_product
from shared.model import ProductFields, WantedProduct
from shared.shopify.bulk import BulkResult, BulkState
from shared.shopify.gid import number_of
from shared.shopify.products.writing import (
    BULK_ACTIVATE,
    BULK_CREATE,
    BULK_PUBLISH,
    fields_input,
    publish_input,
    refusal,
    set_input,
)
from shared.sync.bulk.jobs import BulkJob
from shared.sync.bulk.lane import UNREADABLE, WORTHWHILE, BulkLane
from shared.sync.products.shop.flow import ProductWork
from shared.sync.products.shop.ports import ShopProductPorts, ShowLater

_SHOWING: Final = {BULK_ACTIVATE: "Making products active", BULK_PUBLISH: "Publishing products"}


@dataclass(frozen=True, slots=True)
class BulkProgress:
    """What an operation is about, and what became of it."""

    under_way: frozenset[str] = frozenset()
    """Item numbers that an operation is working on: nobody else may write to them."""
    created: Mapping[str, int] = field(default_factory=dict)
    """Item number -> product, of an operation that has ended."""
    refused: Mapping[str, RefusedError] = field(default_factory=dict)
    ended: tuple[BulkJob, BulkState] | None = None
    """To be passed to `forget`, once the others are remembered."""
    unused: str = ""
    """Why not all of its results are used; "" if they are."""


@dataclass(frozen=True, slots=True)
class BulkProducts:
    """Of one shop."""

    lane: BulkLane
    ports: ShopProductPorts

    async def resume(self) -> BulkProgress:
        """Raises TransientError where Shopify's results cannot be read to their end: the next runs read them again for
        an hour.
        """
        found = await self.lane.jobs.resume()
        if found is None:
            return BulkProgress()
        job, state = found
        if not state.status.is_over:
            return BulkProgress(under_way=frozenset(job.keys))
        created: dict[str, int] = {}
        refused: dict[str, RefusedError] = {}
        unused = ""
        try:
            async for item, result in self.lane.results(job, state):
                if problem := _problem(item, job, result):
                    refused[item] = problem
                elif job.document == BULK_CREATE and result.payload is not None:
                    created[item] = number_of(result.payload["product"]["id"])
        except TransientError:
            if not self.lane.is_given_up(state):
                raise
            unused = UNREADABLE
        return BulkProgress(created=created, refused=refused, ended=found, unused=unused)

    async def forget(self, progress: BulkProgress) -> None:
        """After what the operation did was remembered."""
        if progress.ended is not None:
            await self.lane.jobs.end(*progress.ended, unused=progress.unused)

    async def missing(self, products: Iterable[WantedProduct]) -> frozenset[str]:
        """The item numbers of those that the shop has to be given; none, if they are too few for an operation."""
        wanted = [each for each in products if each.is_approved]
        if len(wanted) < WORTHWHILE:
            return frozenset()
        await self.ports.finder.list_all(self.ports.admin)
        found = frozenset([each.item_number for each in wanted if await self._is_missing(each)])
        return found if len(found) >= WORTHWHILE else frozenset()

    async def _is_missing(self, wanted: WantedProduct) -> bool:
        finder = self.ports.finder
        try:
            return wanted.item_number not in finder.products and not await finder.to_adopt(wanted, self.ports.admin)
        except RefusedError:
            return False

    async def create(self, work: Iterable[ProductWork]) -> frozenset[str]:
        """The item numbers that are being created now, of products that are missing. None, if they are too few for an
        operation: they are created one by one, as are those that the shop has already, and those that cannot be.
        """
        new_variants = self.ports.new_variants
        calls, sizes = {}, {}
        for each in work:
            try:
                product = new_product(each.wanted, each.prices, self.ports.policy)
            except RefusedError:
                continue
            if product is not None and new_variants.take(len(product.variants)):
                calls[product.item_number] = set_input(product)
                sizes[product.item_number] = len(product.variants)
        started: frozenset[str] = frozenset()
        try:
            if len(calls) >= WORTHWHILE:
                started = frozenset((await self.lane.start(BULK_CREATE, "Creating products", calls)).keys)
        except OutcomeUnknownError:
            started = frozenset(calls)
            raise
        finally:
            new_variants.give_back(sum(size for item, size in sizes.items() if item not in started))
        return started

    async def show(self, later: ShowLater) -> frozenset[str]:
        """The item numbers that are being shown now: first all that are drafts are set active, in a later run they are
        published. However few: what was put off for an operation is shown by nothing else.
        """
        drafts = {
            item: {"product": fields_input(product, ProductFields(status=showing.status))}
            for item, (product, showing) in later.showings.items()
            if showing.status is not None
        }
        hidden = {
            item: publish_input(product, showing.publish)
            for item, (product, showing) in later.showings.items()
            if showing.status is None and showing.publish
        }
        document, calls = max([(BULK_ACTIVATE, drafts), (BULK_PUBLISH, hidden)], key=lambda each: len(each[1]))
        if not calls:
            return frozenset()
        return frozenset((await self.lane.start(document, _SHOWING[document], calls)).keys)


def _problem(item: str, job: BulkJob, result: BulkResult) -> RefusedError | None:
    what = {BULK_CREATE: "it", BULK_ACTIVATE: "its fields", BULK_PUBLISH: "sales channels"}[job.document]
    return refusal(result.errors, item, what) if result.errors else None
