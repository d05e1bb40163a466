"""Brings products in line with F&O, a few at a time, and remembers each as soon as it is done.

One bad product never stops the others. A run that ends early has remembered what it did; the next one goes on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import batched, groupby
from math import ceil
from typing import Final

from shared.errors import DeniedError, ErrorCode, RefusedError, StorageAwayError, ThrottledError, TransientError
from shared.mapping.products.decisions import ProductAction, RememberedProduct, items_without_price
from shared.mapping.products.wanted.product import PlannedProduct
from shared.model import Converged, Item, KnownProduct, ShopState, VariantPrices, WantedProduct
from shared.rules import StoreRules
from shared.sync.products.memory import CatalogueMemory
from shared.sync.products.ports import QuoteReader, ShopSide
from shared.sync.products.report import ProductsReport
from shared.sync.products.shop.flow import ProductWork
from shared.sync.products.shop.new_variants import NewVariants
from shared.sync.products.survey import Survey
from shared.sync.withheld import read_withheld, write_withheld

_SLICE: Final = 25
"""Products that are read in the shop by one call, and brought in line one after the other."""
_SLICES_AT_ONCE: Final = 4
"""Each waits for Shopify's answers most of the time. The prices of all of them are read together."""
_LEAST_SLICE: Final = 5
"""Of fewer products, one reading costs less time than what runs side by side would save."""
_SAVED_EVERY: Final = timedelta(seconds=30)
_MOST_FAILURES: Final = 5
"""Products in one run that could not be finished for a reason that may pass, before the run ends."""


@dataclass(frozen=True, slots=True)
class _Job:
    item: str
    action: ProductAction
    wanted: WantedProduct
    digest: str
    known: KnownProduct | None
    without_price: frozenset[Item]


@dataclass(slots=True)
class CatalogueWriter:
    rules: StoreRules
    shop: ShopSide
    quotes: QuoteReader
    survey: Survey
    memory: CatalogueMemory
    new_variants: NewVariants
    report: ProductsReport
    now: Callable[[], datetime]
    until: datetime
    """No product begins after it."""
    failed: list[str] = field(default_factory=list)
    """Item numbers that could not be finished, but for being refused."""
    left: list[str] = field(default_factory=list)
    """Item numbers that the run did not come to, or could not finish."""
    unsold: dict[int, Item] = field(default_factory=dict)
    """By id, variants that the shop had and the app did not know, of items that are not sold: not withheld yet."""
    broken: list[Exception] = field(default_factory=list)
    """Errors that nobody foresaw, of single products."""

    async def write_all(self, work: Sequence[tuple[str, ProductAction]]) -> None:
        """What earlier runs could not finish begins when all that comes before it has ended.

        Raises what denies all of them, once the others of the batch are remembered.
        """
        saved_at = self.now()
        failed = frozenset(self.memory.failed)
        parts = (part for _, part in groupby(work, lambda each: each[0] in failed))
        for batch in (batch for part in parts for batch in batched(part, _SLICE * _SLICES_AT_ONCE, strict=False)):
            if self._is_over():
                self.left += [item for item, _ in batch]
                continue
            if self.now() >= saved_at + _SAVED_EVERY:
                saved_at = self.now()
                await self.withhold_found()
                self.memory.note_new(self.new_variants.today, self.survey.planner.day)
                await self.memory.renew_lease(saved_at)
            await self._write(batch)

    async def withhold_found(self) -> None:
        """Before the products are remembered: the brake would count what is not withheld by then as stopped by F&O."""
        if self.unsold:
            before, etag = await read_withheld(self.memory.snapshots, self.rules.key)
            await write_withheld(self.memory.snapshots, self.rules.key, before | self.unsold, etag)
            self.unsold.clear()

    async def create_in_bulk(self, items: Sequence[str]) -> frozenset[str]:
        """The item numbers that an operation is creating now. In a shop that has most of them, as where it is taken
        over, no prices are read for nothing.
        """
        jobs = [self._job(item, ProductAction.CREATE) for item in items]
        missing = await self.shop.missing(job.wanted for job in jobs)
        jobs = [job for job in jobs if job.item in missing]
        prices = await self._prices(jobs)
        self.memory.assert_lease(self.now())
        return await self.shop.create(ProductWork(job.wanted, job.known, prices) for job in jobs)

    async def _prices(self, jobs: Iterable[_Job]) -> VariantPrices:
        items = frozenset(item for job in jobs for item in job.without_price)
        return await self.quotes(self.rules, items) if items else {}

    async def _write(self, batch: Collection[tuple[str, ProductAction]]) -> None:
        jobs = [self._job(item, action) for item, action in batch]
        prices = await self._prices(jobs)
        count = min(_SLICES_AT_ONCE, ceil(len(jobs) / _LEAST_SLICE))
        slices = [jobs[start::count] for start in range(count)]
        ends = await asyncio.gather(*(self._converge(each, prices) for each in slices), return_exceptions=True)
        for end in ends:
            if end is not None:
                raise end

    async def _converge(self, jobs: list[_Job], prices: VariantPrices) -> None:
        """Raises what concerns more than one product."""
        while jobs and not self._is_over():
            self.memory.assert_lease(self.now())
            done = 0
            work = [ProductWork(job.wanted, job.known, prices) for job in jobs]
            try:
                async with aclosing(self.shop.converge_all(work)) as results:  # type: ignore[type-var]
                    async for _, converged in results:
                        self._remember(jobs[done], converged)
                        done += 1
                        if self._is_over():
                            break
            except Exception as error:  # noqa: BLE001 - one bad product never stops the others
                self._failed(jobs[done], error)
                done += 1
            jobs = jobs[done:]
        self.left += [job.item for job in jobs]

    def _is_over(self) -> bool:
        if not self.report.halted and self.now() >= self.until:
            self.report.halted = "time limit reached"
        return bool(self.report.halted)

    def _job(self, item: str, action: ProductAction) -> _Job:
        product = self.survey.catalogue.get(item)
        remembered = self.memory.products.get(item)
        if product is None:
            planned = PlannedProduct(WantedProduct(item_number=item, is_approved=False), "gone")
            digest = self.survey.digest(planned.wanted)
        else:
            planned, digest = self.survey.plan(product, self.memory)
        known = remembered.id if remembered is not None else None
        return _Job(
            item=item,
            action=action,
            wanted=planned.wanted or WantedProduct(item_number=item, is_approved=False),
            digest=digest,
            known=KnownProduct(known, remembered.variants) if remembered is not None and known is not None else None,
            without_price=items_without_price(planned, remembered),
        )

    def _remember(self, job: _Job, converged: Converged) -> None:
        """What awaits another day is looked at again by each full run."""
        self.report.awaiting_another_day += converged.awaits_another_day
        if converged.awaits_another_day and converged.id is None:
            self.report.add(job.item, converged.problems)
            return
        before = self.memory.in_shop(job.item)
        listed = {each.item for each in job.wanted.variants}
        deleted = before.keys() & listed - converged.variants.keys()
        kept = {item: variant for item, variant in before.items() if item not in listed}
        self.memory.products[job.item] = RememberedProduct(
            id=converged.id,
            digest="" if converged.awaits_another_day else job.digest,
            state=converged.state,
            compared_at=self.now(),
            variants={**kept, **converged.variants},
            is_pending=converged.is_pending,
        )
        self.unsold |= converged.unsold
        self.report.done[job.item] = (job.action, converged.state)
        self.report.add(job.item, converged.problems)
        if converged.is_pending or deleted:  # the next run asks for the prices of what was deleted
            self.left.append(job.item)

    def _failed(self, job: _Job, error: Exception) -> None:
        """Raises the error if it concerns more than this product."""
        if isinstance(error, RefusedError):
            self._refused(job, error)
            return
        self.left.append(job.item)
        if isinstance(error, DeniedError | StorageAwayError):
            raise error
        if isinstance(error, ThrottledError):
            self.report.halted = error.reason
            return
        self.failed.append(job.item)
        if not isinstance(error, TransientError):  # says nothing of the products behind it
            self.broken.append(error)
        elif len(self.failed) - len(self.broken) >= _MOST_FAILURES and not self.report.halted:
            self.report.halted = error.reason

    def _refused(self, job: _Job, error: RefusedError) -> None:
        """Remembered with what was wanted: it is tried again when that changes, or when its turn to be compared has
        come.
        """
        known = job.known
        self.memory.products[job.item] = RememberedProduct(
            id=known.id if known is not None else None,
            digest=job.digest,
            state=ShopState.REFUSED,
            compared_at=self.now(),
            variants=known.variants if known is not None else {},
        )
        self.report.done[job.item] = (job.action, ShopState.REFUSED)
        self.report.add(job.item, [error])


def day_limit(report: ProductsReport, rules: StoreRules) -> list[RefusedError]:
    waiting = report.awaiting_another_day
    limit = rules.products.variants_a_day
    return [RefusedError(ErrorCode.PRODUCTS_DAY_LIMIT, limit=limit, waiting=waiting)] if waiting else []
