"""F&O's products to one shop: read, decide, write what differs, remember it.

A full run reads all of F&O's catalogue. Runs in between read only the items that F&O stamps as changed, and what the
last run did not come to. Of each product a digest is remembered of what was to stand in the shop: the shop is asked
only about products whose digest is another one, that others changed there, or whose turn to be compared has come.

A reading that is short is never taken for products that are gone. What is withdrawn goes through the brake.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from shared.d365.catalogue.images import read_image_bytes
from shared.d365.odata.client import CountedReader
from shared.errors import (
    DeniedError,
    ErrorCode,
    OutcomeUnknownError,
    RefusedError,
    StorageAwayError,
    TransientError,
)
from shared.mapping.products.decisions import ProductAction, RememberedProduct
from shared.mapping.products.wanted.images import image_key
from shared.model import Item, ProductImage, ShopLimits, ShopState, VariantPrices
from shared.rules import StoreRules
from shared.shopify.admin.client import QueryRunner
from shared.shopify.products.reading import read_changed_products, read_limits
from shared.store.blobs import Snapshots
from shared.sync.brake import Brake, read_confirmed_at
from shared.sync.bulk.lane import MOST, WORTHWHILE
from shared.sync.products.choice import Choice, brake_withdrawals, choose, due_for_comparison
from shared.sync.products.first_contact import FirstContact, read_plan, write_plan
from shared.sync.products.memory import CatalogueMemory
from shared.sync.products.ports import ImageReader, QuoteReader, ShopOpener, ShopSide
from shared.sync.products.report import ProductsReport
from shared.sync.products.shop.bulk import BulkProgress
from shared.sync.products.shop.finding import SEARCHES
from shared.sync.products.shop.new_variants import NewVariants
from shared.sync.products.survey import OVERLAP, Survey, survey
from shared.sync.products.writing import CatalogueWriter, day_limit
from shared.sync.withheld import read_withheld, write_withheld
from shared.telemetry import emit

_TIME_LIMIT: Final = timedelta(seconds=150)
"""Nothing begins after it: the run is cut off after FLOW_TIME (shared/sync/deadline.py)."""
_LISTING: Final = "Shopify is listing the shop's variants"
_FEW_WAITING: Final = 50
"""Products whose prices are asked for in every run."""
_CLOCKS_DIFFER: Final = timedelta(minutes=5)
"""Subtracted from the newest change in the shop that is known, so that none of the same moment is missed."""


@dataclass(slots=True)
class ProductsPush:
    """One run for one store."""

    rules: StoreRules
    admin: QueryRunner
    fo: CountedReader
    snapshots: Snapshots
    open_shop: ShopOpener
    quotes: QuoteReader
    now: Callable[[], datetime]
    report: ProductsReport = field(init=False)
    memory: CatalogueMemory = field(init=False)
    began: datetime = field(init=False)

    async def run(self) -> ProductsReport:
        """Raises TransientError and RefusedError for what concerns the run as a whole; single products that cannot be
        written are in the report.
        """
        self.began = self.now()
        run = f"{self.rules.key}-{self.began:%Y%m%dT%H%M%S.%f}"
        self.report = ProductsReport(store=self.rules.key, run=run)
        self.memory = await CatalogueMemory.load(self.snapshots, store=self.rules.key, run=run)
        if self.memory.is_leased(self.began):
            self.report.busy = True
            return self.report
        await self._look_for_confirmation()
        limits = await read_limits(self.admin)
        self._refuse_other_currency(limits)
        brake = Brake(self.snapshots, self.rules.key, "products", now=self.now)
        await self._add_priced()
        found = await survey(self.rules, self.fo, self.memory, limits, brake=brake, now=self.began)
        if found is None:
            return self.report
        self.report.is_full = found.is_full
        counted = self.memory.counted(found.planner.day)
        new_variants = NewVariants(self.rules.products.variants_a_day, limits.has_variants, counted)
        shop = await self.open_shop(self.rules, self.admin, limits, self._image_reader(found), new_variants)
        if self.rules.products.adopt:
            await self._bring_in_line(found, shop, new_variants, brake)
        else:
            await self._plan_only(found, shop)
        return self.report

    async def _look_for_confirmation(self) -> None:
        """Once an operator has confirmed what was held, the run reads F&O in full: it finds the same changes again."""
        if self.memory.is_held and self.memory.read_at is not None:
            confirmed_at = await read_confirmed_at(self.snapshots, self.rules.key, "products")
            if confirmed_at is not None and confirmed_at >= self.memory.read_at:
                self.memory.read_at = None

    def _refuse_other_currency(self, limits: ShopLimits) -> None:
        currency = self.rules.products.cost_currency
        if currency is not None and currency != limits.currency:
            raise RefusedError(ErrorCode.PRODUCTS_OTHER_CURRENCY, currency=currency, shop=limits.currency)

    async def _plan_only(self, found: Survey, shop: ShopSide) -> None:
        self.report.is_plan = True
        if not await shop.prepare_search():
            self.report.halted = _LISTING
            return
        contact = FirstContact(found, self.memory, shop, self.report, self.now, self.began + _TIME_LIMIT)
        plan = await contact.plan(await read_plan(self.snapshots, self.rules.key))
        await write_plan(self.snapshots, self.rules.key, plan)
        self._note_reading(found)
        if plan["last"] or self.report.halted:
            self.memory.read_at = None  # the next run goes on, and is a full one
        self._settle(found, contact.seen)
        await self.memory.release_lease()

    async def _bring_in_line(self, found: Survey, shop: ShopSide, new_variants: NewVariants, brake: Brake) -> None:
        if found.is_full and not self.memory.products:
            if not await shop.prepare_search():
                self.report.halted = _LISTING
                return
            await self._recall(found, shop)
        progress = await shop.resume()
        self._note_bulk(progress, found)
        choice = await self._choose(found, brake, progress.refused.keys())
        choice.leave(progress.under_way)
        writer = CatalogueWriter(
            rules=self.rules,
            shop=shop,
            quotes=self._prices,
            survey=found,
            memory=self.memory,
            new_variants=new_variants,
            report=self.report,
            now=self.now,
            until=self.began + _TIME_LIMIT,
        )
        if choice.actions or progress.ended:
            await self.memory.renew_lease(self.now())
        await shop.forget(progress)
        under_way = progress.under_way | await self._write(choice, writer, is_free=not progress.under_way)
        await writer.withhold_found()
        self.report.under_way = len(under_way)
        self.report.add("", day_limit(self.report, self.rules))
        self.memory.note_left((*writer.left, *sorted(under_way)), writer.failed, self.report.done)
        self.memory.note_new(new_variants.today, found.planner.day)
        self.report.pending = len(self.memory.pending)
        self._forget_gone(found)
        self._note_reading(found)
        left = choice.untouched | (choice.actions.keys() - self.report.done.keys())
        self._settle(found, found.catalogue.released.products.keys() - left)
        await self.memory.release_lease()
        if writer.broken:
            raise ExceptionGroup("products that could not be written", writer.broken)

    async def _choose(self, found: Survey, brake: Brake, refused: Collection[str]) -> Choice:
        edited = await self._edited() if found.is_full else frozenset()
        due = due_for_comparison(self.memory, self.rules.products, self.began) if found.is_full else frozenset()
        withheld, etag = await read_withheld(self.snapshots, self.rules.key)
        # What the last run left was chosen then: it is looked at whether or not it seems changed now.
        due |= frozenset(self.memory.pending).difference(refused)
        choice = choose(found, self.memory, self.report, withheld=withheld.keys(), edited=edited, due=due)
        await brake_withdrawals(choice, self.memory, self.rules, brake, self.report, is_full=found.is_full)
        await self._withhold(choice, found, withheld, etag)
        await self._with_prices(choice)
        self.report.unsold = choice.withdrawn
        return choice

    async def _write(self, choice: Choice, writer: CatalogueWriter, *, is_free: bool) -> frozenset[str]:
        """Writes what was chosen: many products by a bulk operation, if none is under way, all others one by one.
        Returns the items that an operation works on now. While there is one, many new products wait for their turn; so
        they do while they cannot be looked for in the shop.
        """
        new = [item for item, action in choice.actions.items() if action is ProductAction.CREATE]
        under_way: frozenset[str] = frozenset()
        waits = await self._cannot_search(writer.shop) if len(new) > SEARCHES else ""
        if waits:
            choice.leave(new)
            writer.left += new
            new = []
        if len(new) >= WORTHWHILE:
            if is_free:
                under_way = await self._started(writer.create_in_bulk(new[:MOST]), new[:MOST])
            if under_way or not is_free:
                choice.leave(new)
                writer.left += [item for item in new if item not in under_way]
        work = choice.in_order(self.memory.failed)
        is_free = is_free and not under_way
        if len(work) >= WORTHWHILE:  # while an operation is under way they wait: single calls cost 20 points a product
            writer.shop.show_together()
        await writer.write_all(work)
        self.report.halted = self.report.halted or waits
        return under_way | (await self._started(writer.shop.show(), ()) if is_free else frozenset())

    async def _cannot_search(self, shop: ShopSide) -> str:
        """Why many products cannot be looked for in the shop now; "" if they can. Raises DeniedError and
        StorageAwayError.
        """
        try:
            return "" if await shop.prepare_search() else _LISTING
        except (DeniedError, StorageAwayError):
            raise
        except TransientError as error:  # what must not be sold any more is withdrawn all the same
            return error.reason

    async def _started(self, start: Awaitable[frozenset[str]], items: Sequence[str]) -> frozenset[str]:
        """What an operation works on; nothing where Shopify takes none now: then single calls are used.

        Raises DeniedError and StorageAwayError.
        """
        try:
            return await start
        except OutcomeUnknownError:
            return frozenset(items)  # it may work on them
        except (DeniedError, StorageAwayError):
            raise
        except (RefusedError, TransientError) as error:
            emit("products.bulk_failed", level=logging.WARNING, reason=type(error).__name__)
            return frozenset()

    async def _recall(self, found: Survey, shop: ShopSide) -> None:
        """In the first run, and after the app's memory was lost: what it once brought to the shop may have to be
        withdrawn.
        """
        skus = found.items_by_sku()
        for item, product in (await shop.recall()).items():
            variants = {skus[sku]: number for sku, number in product.variants.items() if sku in skus}
            own = {each: number for each, number in variants.items() if each.number == item}
            self.memory.products[item] = RememberedProduct(product.id, "", ShopState.ACTIVE, self.now(), own)

    def _note_bulk(self, progress: BulkProgress, found: Survey) -> None:
        """What a bulk operation created is known, and is compared with the shop now; what Shopify refused is told."""
        for item, number in progress.created.items():
            if item not in self.memory.products or self.memory.products[item].id is None:
                self.memory.products[item] = RememberedProduct(number, "", ShopState.WAITING, self.now())
        for item, refused in progress.refused.items():
            product = found.catalogue.get(item)
            if product is not None and not self.memory.in_shop(item):
                _, digest = found.plan(product, self.memory)
                self.memory.products[item] = RememberedProduct(None, digest, ShopState.REFUSED, self.now())
                self.report.add(item, [refused])

    async def _edited(self) -> frozenset[int]:
        """Products that others changed in the shop since they were last compared."""
        since = self.memory.edited_at
        if since is None:
            self.memory.edited_at = self.began
            return frozenset()
        compared = {each.id: each.compared_at for each in self.memory.products.values() if each.id is not None}
        edited = set()
        async for page in read_changed_products(self.admin, since - _CLOCKS_DIFFER):
            for product in page:
                at = datetime.fromisoformat(product.updated_at)
                self.memory.edited_at = max(at, self.memory.edited_at or at)
                if product.id in compared and at > compared[product.id]:
                    edited.add(product.id)
        return frozenset(edited)

    async def _withhold(self, choice: Choice, found: Survey, before: dict[int, Item], etag: str | None) -> None:
        """Before anything is written: the flow of stock shows 0 of what is not sold from its next run on. A variant
        that the app does not know stays withheld until its item is sold.
        """
        looked_at = {item: self.memory.in_shop(item) for item in choice.withheld}
        known = {variant for variants in looked_at.values() for variant in variants.values()}
        others = {variant: item for variant, item in before.items() if variant not in known}
        kept = {variant: item for variant, item in others.items() if not found.is_sold(item, self.memory)}
        now = {variant: item for variants in choice.withheld.values() for item, variant in variants.items()}
        if kept | now != before:
            await write_withheld(self.snapshots, self.rules.key, kept | now, etag)

    async def _with_prices(self, choice: Choice) -> None:
        """Chooses the products that wait for a price and have one now."""
        items = frozenset(item for its in choice.awaiting.values() for item in its)
        prices = await self._prices(self.rules, items)
        for number, its in choice.awaiting.items():
            if any(prices.get(item) is not None for item in its):
                choice.actions[number] = ProductAction.COMPARE

    async def _prices(self, rules: StoreRules, items: Collection[Item]) -> VariantPrices:
        """None where prices cannot be had now: what is stopped is withdrawn all the same, and nothing is shown without.

        Raises DeniedError.
        """
        if not items:
            return {}
        try:
            return await self.quotes(rules, items)
        except DeniedError:
            raise
        except RefusedError as refusal:
            self.report.add("", [refusal])
        except TransientError as error:
            emit("products.prices_away", level=logging.WARNING, reason=type(error).__name__)
        return {}

    def _forget_gone(self, found: Survey) -> None:
        """Items that F&O does not have and the shop never had."""
        for item in list(found.gone(self.memory)):
            if self.memory.products[item].id is None:
                del self.memory.products[item]

    def _note_reading(self, found: Survey) -> None:
        memory = self.memory
        memory.note_stamps(found.stamped, OVERLAP)
        if found.is_full:
            memory.basis = found.basis
            memory.read_at, memory.day = self.began, found.planner.day
            memory.read_products = len(found.catalogue)
            memory.read_variants = sum(map(len, found.catalogue.released.variants.values()))
            memory.stamped_at = memory.stamped_at or self.began - OVERLAP

    def _settle(self, found: Survey, seen: Collection[str]) -> None:
        """`seen` are the products of F&O of which the run found all problems that they have."""
        read = [*seen, *found.gone(self.memory), *([""] if found.is_full else [])]
        self.memory.told = self.report.settle(self.memory.told, read)

    async def _add_priced(self) -> None:
        """To what is pending, the products that waited for prices and of which every variant has one now. Only while
        few wait; a full run looks at all of them.
        """
        waiting = {
            number: each.variants.keys()
            for number, each in self.memory.products.items()
            if each.state is ShopState.WAITING and each.variants
        }
        if not waiting or len(waiting) > _FEW_WAITING:
            return
        prices = await self._prices(self.rules, frozenset(item for items in waiting.values() for item in items))
        priced = (number for number, its in waiting.items() if all(prices.get(item) is not None for item in its))
        self.memory.pending = tuple(dict.fromkeys((*self.memory.pending, *priced)))

    def _image_reader(self, found: Survey) -> ImageReader:
        attached_to = self.rules.products.images

        async def read(item_number: str, image: ProductImage) -> bytes:
            product = found.catalogue.get(item_number)
            images = product.images if product is not None else ()
            for source in images:
                if image_key(source) == image.key:
                    content = await read_image_bytes(self.fo, self.rules.company, attached_to, source)
                    if content:
                        return content
            raise RefusedError(
                ErrorCode.PRODUCT_IMAGE_REFUSED,
                item=item_number,
                file=image.file_name,
                reason="F&O has no content of it",
            )

        return read
