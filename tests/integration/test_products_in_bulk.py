"""Many new products are created, set active and published by bulk operations, over several runs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from typing import Any, cast

import pytest
from builders.memory_blobs import MemoryContainer
from builders.memory_table import MemoryTable
from builders.shop_products import wanted_plain
from builders.shop_side import ONLINE_STORE, ShopSide, shop_in_process

from local.shopify.faults import Fault, FaultKind
from shared.errors import OutcomeUnknownError, TransientError
from shared.model import Item, KnownProduct, ListedPrice, ShopState, WantedProduct
from shared.store.blobs import Snapshots
from shared.store.journal import Journal
from shared.sync.bulk.jobs import BulkJobs
from shared.sync.bulk.lane import RESULTS_AWAITED, WORTHWHILE, BulkLane
from shared.sync.products.shop.bulk import BulkProducts, BulkProgress
from shared.sync.products.shop.flow import ProductWork, converge_all
from shared.sync.products.shop.new_variants import NewVariants
from shared.sync.products.shop.ports import ShowLater

MANY = WORTHWHILE + 10


@pytest.fixture
async def side() -> AsyncIterator[ShopSide]:
    async with shop_in_process() as one:
        yield one


@pytest.fixture
def container() -> Any:
    return MemoryContainer()


def plain(number: int, **fields: Any) -> WantedProduct:
    name = f"M{number:04}"
    [variant] = wanted_plain().variants
    variants = (replace(variant, item=Item(name), sku=name),)
    return wanted_plain(**{"item_number": name, "title": f"Chart {number}", "variants": variants, **fields})


class Runs:
    """What the flow does with it: one run after the other, with what the app remembers."""

    def __init__(self, side: ShopSide, container: Any, products: list[WantedProduct]) -> None:
        self.side = side
        self.container = container
        self.products = products
        self.states: dict[str, ShopState] = {}
        self.refused: dict[str, str] = {}
        self.new_variants = NewVariants()

    def bulk(self) -> BulkProducts:
        ports = replace(self.side.ports(), later=ShowLater(), new_variants=self.new_variants)
        snapshots, journal = Snapshots(self.container), Journal(cast("Any", MemoryTable()))
        jobs = BulkJobs(ports.admin, snapshots, journal, "nordlys", "products", self.side.time.now)
        return BulkProducts(BulkLane(jobs, self.side.http), ports)

    def work(self) -> list[ProductWork]:
        return [
            ProductWork(each, self.side.known.get(each.item_number), self.prices(each.item_number))
            for each in self.products
            if self.states.get(each.item_number) is not ShopState.ACTIVE
        ]

    @staticmethod
    def prices(name: str) -> dict[Item, ListedPrice | None]:
        return {Item(name): ListedPrice(Decimal(9))}

    async def run(self) -> frozenset[str]:
        """Returns the item numbers that an operation works on when the run ends."""
        self.side.calls.clear()
        await self.side.time.sleep(60)
        bulk = self.bulk()
        progress = await bulk.resume()
        self.remember(progress)
        await bulk.forget(progress)
        if progress.under_way:
            return progress.under_way
        work = self.work()
        started = await self.create(bulk)
        rest = [each for each in work if each.wanted.item_number not in started]
        later = bulk.ports.later
        assert later is not None
        async for done, result in converge_all(rest, bulk.ports):
            name = done.wanted.item_number
            self.states[name] = result.state
            if result.id is not None:
                self.side.known[name] = KnownProduct(result.id, result.variants)
        return started or await bulk.show(later)

    async def create(self, bulk: BulkProducts) -> frozenset[str]:
        missing = await bulk.missing(each.wanted for each in self.work() if each.known is None)
        return await bulk.create(each for each in self.work() if each.wanted.item_number in missing)

    def remember(self, progress: BulkProgress) -> None:
        for name, number in progress.created.items():
            self.side.known[name] = KnownProduct(number, {})
        self.refused |= {name: error.code for name, error in progress.refused.items()}

    async def shopify_works(self) -> None:
        await self.side.bulk.run(self.side.shop, at_once=True)


async def test_many_new_products_are_created_set_active_and_published_by_three_operations(
    side: ShopSide, container: Any
) -> None:
    runs = Runs(side, container, [plain(number) for number in range(MANY)])
    assert len(await runs.run()) == MANY
    assert len(await runs.run()) == MANY
    assert side.calls == {"bulk_state": 1}
    await runs.shopify_works()
    drafts = [each for each in side.shop.products.values() if each.title.startswith("Chart ")]
    assert {each.status for each in drafts} == {"DRAFT"}
    assert len(drafts) == MANY
    assert len(await runs.run()) == MANY
    assert set(side.calls) == {"bulk_state", "ProductRead", "bulk_upload", "bulk_run"}
    await runs.shopify_works()
    assert {(each.status, ONLINE_STORE in each.publications) for each in drafts} == {("ACTIVE", False)}
    assert len(await runs.run()) == MANY
    await runs.shopify_works()
    assert await runs.run() == frozenset()
    assert {(each.status, ONLINE_STORE in each.publications) for each in drafts} == {("ACTIVE", True)}
    assert set(runs.states.values()) == {ShopState.ACTIVE}
    assert side.calls == {"bulk_state": 1, "ProductRead": 9}


async def test_few_products_are_created_one_by_one(side: ShopSide, container: Any) -> None:
    runs = Runs(side, container, [plain(number) for number in range(3)])
    assert await runs.run() == {"M0000", "M0001", "M0002"}  # shown together, however few, as the run was asked to
    assert side.calls["ProductSet"] == 3
    assert len(side.shop.bulk_operations) == 1


async def test_what_the_shop_has_or_does_not_take_is_left_to_single_calls(side: ShopSide, container: Any) -> None:
    products = [plain(number) for number in range(MANY)]
    side.add(title="Old", sku="M0001", price="9.00")
    await side.converge(products[2], Runs.prices("M0002"))
    side.known.clear()
    for title in "AB":
        side.add(title=title, sku="M0003", price="9.00")
    products[4] = replace(products[4], is_approved=False)
    products[5] = replace(products[5], title="x" * 256)
    runs = Runs(side, container, products)
    started = await runs.run()
    assert len(started) == MANY - 4
    assert started.isdisjoint({"M0001", "M0002", "M0003", "M0004"})
    assert runs.states == {
        "M0001": ShopState.ACTIVE,
        "M0002": ShopState.ACTIVE,
        "M0003": ShopState.REFUSED,
        "M0004": ShopState.WITHDRAWN,
    }
    await runs.shopify_works()
    await runs.run()
    assert runs.refused == {"M0005": "PRODUCT_REFUSED"}


async def test_an_operation_whose_start_was_not_confirmed_is_found_and_nothing_is_created_twice(
    side: ShopSide, container: Any
) -> None:
    runs = Runs(side, container, [plain(number) for number in range(MANY)])
    side.faults.pending.append(Fault(FaultKind.RESET_AFTER_COMMIT, operation="bulk_run"))
    with pytest.raises(Exception, match="bulk_run"):
        await runs.run()
    assert len(await runs.run()) == MANY
    await runs.shopify_works()
    await runs.run()
    assert len([each for each in side.shop.products.values() if each.title.startswith("Chart ")]) == MANY
    assert len(side.shop.bulk_operations) == 2


async def test_an_operation_creates_no_more_than_shopify_takes_on_a_day(side: ShopSide, container: Any) -> None:
    runs = Runs(side, container, [plain(number) for number in range(MANY)])
    runs.new_variants = NewVariants(most=WORTHWHILE + 1, in_shop=50_000)
    assert len(await runs.create(runs.bulk())) == runs.new_variants.today == WORTHWHILE + 1


async def test_what_no_operation_was_started_for_counts_as_nothing_new(side: ShopSide, container: Any) -> None:
    runs = Runs(side, container, [plain(number) for number in range(MANY)])
    runs.new_variants = NewVariants(most=WORTHWHILE - 1, in_shop=50_000)
    assert await runs.create(runs.bulk()) == frozenset()
    assert runs.new_variants.today == 0
    runs.new_variants = NewVariants(most=MANY, in_shop=50_000)
    side.faults.pending.append(Fault(FaultKind.RESET_AFTER_COMMIT, operation="bulk_run"))
    with pytest.raises(OutcomeUnknownError, match="bulk_run"):
        await runs.create(runs.bulk())
    assert runs.new_variants.today == MANY


async def test_an_operation_that_ends_half_way_leaves_the_rest_to_the_next_run(side: ShopSide, container: Any) -> None:
    runs = Runs(side, container, [plain(number) for number in range(MANY)])
    await runs.run()
    side.faults.pending.append(Fault(FaultKind.BULK_FAILURE, body={"rows": 100, "code": "INTERNAL_SERVER_ERROR"}))
    await runs.shopify_works()
    await runs.run()
    assert len(side.known) >= 100
    for _ in range(6):
        await runs.shopify_works()
        await runs.run()
    assert set(runs.states.values()) == {ShopState.ACTIVE}
    assert len([each for each in side.shop.products.values() if each.title.startswith("Chart ")]) == MANY


async def test_an_operation_whose_results_are_never_whole_is_left_after_an_hour_and_nothing_is_created_twice(
    side: ShopSide, container: Any
) -> None:
    runs = Runs(side, container, [plain(number) for number in range(MANY)])
    await runs.run()
    await runs.shopify_works()
    [operation] = side.shop.bulk_operations.values()
    assert operation.result is not None
    operation.result = operation.result[: len(operation.result) // 2]
    with pytest.raises(TransientError, match="end early"):
        await runs.run()
    await side.time.sleep(RESULTS_AWAITED.total_seconds())
    for _ in range(4):
        await runs.run()
        await runs.shopify_works()
    assert set(runs.states.values()) == {ShopState.ACTIVE}
    assert len([each for each in side.shop.products.values() if each.title.startswith("Chart ")]) == MANY


async def test_products_without_prices_are_created_and_wait(side: ShopSide, container: Any) -> None:
    runs = Runs(side, container, [plain(number) for number in range(MANY)])
    runs.prices = lambda name: {Item(name): None}  # type: ignore[method-assign]
    await runs.run()
    await runs.shopify_works()
    assert await runs.run() == frozenset()
    assert set(runs.states.values()) == {ShopState.WAITING}
    assert len(side.shop.bulk_operations) == 1
