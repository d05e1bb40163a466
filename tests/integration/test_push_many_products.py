"""Many new products, and products that cannot be finished: what a run does about each, and what it leaves."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from local.d365.world_products import parse_product, parse_release
from shared.errors import (
    DeniedError,
    ErrorCode,
    OutcomeUnknownError,
    RefusedError,
    StorageAwayError,
    ThrottledError,
    TransientError,
)
from shared.mapping.products.decisions import ProductAction
from shared.model import Adoption, Converged, Item, ShopState, VariantPrices, WantedProduct
from shared.rules import StoreRules
from shared.sync.products.first_contact import plan_lines, read_plan
from shared.sync.products.ports import RecalledProduct
from shared.sync.products.shop.bulk import BulkProgress
from shared.sync.products.shop.flow import ProductWork
from shared.sync.withheld import read_withheld
from tests.builders.catalogue_world import RULES, CatalogueWorld, catalogue_world
from tests.builders.confirming import confirm_held
from tests.builders.sales import with_rules

MANY = 210


@dataclass
class FakeShop:
    """A shop that has what it is given, and says what it was asked for."""

    products: dict[str, int] = field(default_factory=dict)
    work: list[ProductWork] = field(default_factory=list)
    """Brought in line one by one, in the last run."""
    bulk: list[ProductWork] = field(default_factory=list)
    """Created by the operation that is under way."""
    progress: BulkProgress = field(default_factory=BulkProgress)
    cannot_start: Exception | None = None
    forgotten: int = 0
    shows_together: bool = False
    shown: frozenset[str] = frozenset()
    looked_at: list[str] = field(default_factory=list)
    fails: Callable[[WantedProduct], Exception | None] = lambda _: None
    is_listing: bool = False
    has_unsold: bool = False
    """It has variants that F&O does not sell, too."""

    async def prepare_search(self) -> bool:
        return not self.is_listing

    async def converge_all(self, work: Iterable[ProductWork]) -> AsyncIterator[tuple[ProductWork, Converged]]:
        for each in work:
            if error := self.fails(each.wanted):
                raise error
            self.work.append(each)
            number = self.products.setdefault(each.wanted.item_number, 1000 + len(self.products))
            items = [variant.item for variant in each.wanted.variants]
            items += each.wanted.unsold.values() if self.has_unsold else ()
            variants = {item: number * 100 + place for place, item in enumerate(items)}
            unsold = {variants[item]: item for item in each.wanted.unsold.values() if item in variants}
            state = ShopState.ACTIVE if each.wanted.is_approved else ShopState.WITHDRAWN
            yield each, Converged(number, variants, state, unsold=unsold)

    async def look(self, products: Sequence[WantedProduct]) -> list[Adoption | None]:
        for error in filter(None, map(self.fails, products)):
            raise error
        self.looked_at += [each.item_number for each in products]
        return [
            Adoption(self.products[each.item_number], {}, ("title",)) if each.item_number in self.products else None
            for each in products
        ]

    async def recall(self) -> dict[str, RecalledProduct]:
        return {}

    def show_together(self) -> None:
        self.shows_together = True

    async def show(self) -> frozenset[str]:
        return self.shown if self.shows_together else frozenset()

    async def missing(self, products: Iterable[WantedProduct]) -> frozenset[str]:
        return frozenset(each.item_number for each in products if each.item_number not in self.products)

    async def create(self, work: Iterable[ProductWork]) -> frozenset[str]:
        if self.cannot_start is not None:
            raise self.cannot_start
        self.bulk = list(work)
        return frozenset(each.wanted.item_number for each in self.bulk)

    async def resume(self) -> BulkProgress:
        return self.progress

    async def forget(self, progress: BulkProgress) -> None:
        self.forgotten += 1


@dataclass
class Many:
    world: CatalogueWorld
    shop: FakeShop

    async def push(self, *, in_full: bool = False, **products: Any) -> Any:
        async def open_shop(*_: object) -> FakeShop:
            self.shop.work = []
            self.shop.shows_together = False
            return self.shop

        self.world.open_shop = open_shop
        rules = with_rules(RULES, products=products)
        return await (self.world.push_in_full(rules) if in_full else self.world.push(rules))

    def release(self, *numbers: str, state: str = "Released") -> None:
        for number in numbers:
            product = parse_product({"number": number, "name": f"Thing {number}"})
            self.world.catalogue.add(product, parse_release({"company": "usmf", "price": "1", "state": state}))

    @property
    def written(self) -> list[str]:
        return [each.wanted.item_number for each in self.shop.work]


@pytest.fixture
async def many() -> AsyncIterator[Many]:
    async with catalogue_world() as world:
        yield Many(world, FakeShop())


THINGS = tuple(f"THING-{number:03d}" for number in range(MANY))
OWN = {"BOOT", "HAT", "TEE"}
"""Of the example world."""


async def test_many_new_products_are_created_by_an_operation_and_few_one_by_one(many: Many) -> None:
    await many.push()
    assert set(many.written) == OWN
    many.release(*THINGS[:199])
    await many.push()
    assert (set(many.written), many.shop.bulk) == (set(THINGS[:199]), [])


async def test_of_many_new_products_prices_are_read_for_those_that_the_shop_does_not_have(many: Many) -> None:
    many.release(*THINGS)
    many.shop.products = {item: number for number, item in enumerate(THINGS[:5])}
    asked: list[set[str]] = []
    quotes = many.world.quotes

    async def read(rules: StoreRules, items: Collection[Item]) -> VariantPrices:
        asked.append({each.number for each in items})
        return await quotes(rules, items)

    many.world.quotes = read  # type: ignore[method-assign]
    await many.push()
    new = OWN | set(THINGS[5:])
    assert ({each.wanted.item_number for each in many.shop.bulk}, asked) == (new, [new])


@pytest.mark.parametrize(
    "error",
    [RefusedError(ErrorCode.SHOPIFY_REJECTED, what="bulkOperationRunMutation", message="no"), TransientError("busy")],
)
async def test_where_no_operation_can_be_started_products_are_created_one_by_one(many: Many, error: Exception) -> None:
    many.release(*THINGS)
    many.shop.cannot_start = error
    report = await many.push()
    assert set(many.written) == OWN | set(THINGS)
    assert (report.under_way, report.pending) == (0, 0)


async def test_products_of_an_operation_that_may_have_been_started_are_left_to_it(many: Many) -> None:
    many.release(*THINGS)
    many.shop.cannot_start = OutcomeUnknownError("no answer")
    report = await many.push()
    assert (many.written, report.under_way, report.pending) == ([], len(OWN) + MANY, len(OWN) + MANY)


@pytest.mark.parametrize(
    "error",
    [DeniedError(ErrorCode.SHOPIFY_DENIED, what="an operation", message="no scope"), StorageAwayError("no storage")],
)
async def test_what_denies_every_write_is_raised_where_an_operation_is_started(many: Many, error: Exception) -> None:
    many.release(*THINGS)
    many.shop.cannot_start = error
    with pytest.raises(type(error)) as raised:
        await many.push()
    assert raised.value is error


async def test_while_an_operation_is_under_way_nobody_else_writes_its_products(many: Many) -> None:
    many.release(*THINGS)
    first = await many.push()
    everything = OWN | set(THINGS)
    assert {each.wanted.item_number for each in many.shop.bulk} == everything
    assert all(each.prices for each in many.shop.bulk)
    assert (many.written, first.under_way, first.pending) == ([], len(everything), len(everything))
    many.shop.progress = BulkProgress(under_way=frozenset(everything))
    many.release("LATE-1")
    second = await many.push()
    assert second.is_full
    assert set(many.written) == {"LATE-1"}


async def test_what_an_operation_created_is_brought_in_line_and_shown_together(many: Many) -> None:
    many.release(*THINGS)
    await many.push()
    created = {each.wanted.item_number: 5000 + number for number, each in enumerate(many.shop.bulk)}
    many.shop.products = dict(created)
    refused = RefusedError(ErrorCode.PRODUCT_REFUSED, item="HAT", what="it", message="Title is too nice")
    del created["HAT"]
    many.shop.progress = BulkProgress(created=created, refused={"HAT": refused}, ended=object())  # type: ignore[arg-type]
    many.shop.shown = frozenset(THINGS)
    report = await many.push()
    assert many.shop.forgotten == 2
    assert many.shop.shows_together
    assert set(many.written) == created.keys()
    assert {each.known.id for each in many.shop.work if each.known} == set(created.values())
    assert report.under_way == MANY
    assert [problem.code for problem in report.problems["HAT"]] == [ErrorCode.PRODUCT_REFUSED]
    many.shop.progress = BulkProgress()
    many.shop.shown = frozenset()
    third = await many.push()
    assert "HAT" not in many.written
    assert third.pending == 0


# ---- what would be done


async def plan_of(many: Many, **products: Any) -> dict[str, Any]:
    await many.world.later(minutes=5)
    await many.push(adopt=False, **products)
    plan = await read_plan(many.world.snapshots, "prairie")
    assert plan is not None
    return plan


async def test_a_plan_of_many_products_is_made_by_several_runs_and_says_how_far_it_is(many: Many) -> None:
    many.release(*THINGS[:60])
    everything = sorted(OWN | set(THINGS[:60]))
    many.shop.products = {"THING-001": 7, "THING-050": 8}
    many.world.slowness = timedelta(seconds=90)
    first = await plan_of(many)
    assert (many.shop.looked_at, first["last"]) == (everything[:25], everything[24])
    assert first["not_looked_at"] == len(everything) - 25
    assert f"it has come to {everything[24]}" in "\n".join(plan_lines(first, 1))
    await plan_of(many)
    last = await plan_of(many)
    assert many.shop.looked_at == everything
    assert (last["last"], last["not_looked_at"]) == ("", 0)
    assert {item: each["product"] for item, each in last["adopt"].items()} == many.shop.products
    assert last["create"] == [item for item in everything if item not in many.shop.products]
    assert "not complete" not in "\n".join(plan_lines(last, 1))
    assert (await many.push(adopt=False)).read == 0  # until the next full run, in an hour


async def test_a_plan_that_is_made_anew_keeps_what_is_known_of_products_that_it_has_not_come_to(many: Many) -> None:
    many.release(*THINGS[:60])
    await plan_of(many)
    many.world.slowness = timedelta(seconds=90)
    many.shop.products = dict.fromkeys((*OWN, *THINGS[:60]), 7)
    many.world.catalogue.set_state("usmf", "THING-059", "Ended")
    await many.world.later(hours=1)
    half = await plan_of(many)
    assert (len(half["adopt"]), len(half["create"]), half["not_looked_at"]) == (25, len(OWN) + 59 - 25, 0)
    assert "THING-059" not in half["create"]
    many.world.slowness = timedelta()
    assert (await plan_of(many))["create"] == []


async def test_a_plan_of_other_rules_begins_anew(many: Many) -> None:
    many.release(*THINGS[:60])
    many.world.slowness = timedelta(seconds=90)
    await plan_of(many)
    many.shop.looked_at.clear()
    other = await plan_of(many, leaves="draft")
    assert (len(many.shop.looked_at), other["not_looked_at"]) == (25, len(OWN) + 60 - 25)
    assert many.shop.looked_at[0] == "BOOT"


async def test_a_plan_goes_on_where_shopify_did_not_answer(many: Many) -> None:
    many.release(*THINGS[:60])
    many.shop.fails = failing(TransientError("no answer"), "THING-040")
    plan = await plan_of(many)
    assert (len(plan["create"]), plan["not_looked_at"]) == (25, len(OWN) + 60 - 25)
    many.shop.fails = lambda _: None
    assert (await plan_of(many))["not_looked_at"] == 0
    assert len(many.shop.looked_at) == len(OWN) + 60


async def test_a_plan_whose_first_products_could_not_be_read_is_made_by_the_next_run(many: Many) -> None:
    many.shop.fails = failing(TransientError("no answer"))
    assert (await plan_of(many))["not_looked_at"] == len(OWN)
    many.shop.fails = lambda _: None
    assert (await plan_of(many))["not_looked_at"] == 0


async def test_a_plan_of_a_release_before_can_be_read(many: Many) -> None:
    plan = await plan_of(many)
    before = {name: plan[name] for name in ("at", "adopt", "create", "cannot", "not_sold")}
    assert list(plan_lines(before, None)) == list(plan_lines(plan, None))


# ---- products that cannot be finished


def failing(error: Exception, *items: str) -> Callable[[WantedProduct], Exception | None]:
    return lambda wanted: error if not items or wanted.item_number in items else None


async def test_a_product_that_cannot_be_finished_is_left_to_the_next_run(many: Many) -> None:
    many.release(*THINGS[:30])
    many.shop.fails = failing(TransientError("no answer"), "THING-003")
    report = await many.push()
    assert (len(report.done), report.pending, report.halted) == (len(OWN) + 29, 1, "")
    many.shop.fails = lambda _: None
    assert (await many.push()).done == {"THING-003": (ProductAction.CREATE, ShopState.ACTIVE)}


async def test_a_refused_product_is_told_and_tried_again_when_it_changes(many: Many) -> None:
    many.shop.fails = failing(RefusedError(ErrorCode.PRODUCT_REFUSED, item="HAT", what="it", message="no"), "HAT")
    report = await many.push()
    assert report.done["HAT"] == (ProductAction.CREATE, ShopState.REFUSED)
    assert [item for item, _ in report.new_problems] == ["HAT"]
    many.shop.fails = lambda _: None
    await many.push(in_full=True)
    assert many.written == []
    many.world.catalogue.set_text("HAT", "en-US", "Another hat", "")
    await many.push(in_full=True)
    assert many.written == ["HAT"]


async def test_five_failures_end_the_run(many: Many) -> None:
    many.release(*THINGS[:60])
    many.shop.fails = failing(TransientError("no answer"))
    report = await many.push()
    assert (report.halted, report.pending) == ("no answer", len(OWN) + 60)
    many.shop.fails = lambda _: None
    assert len((await many.push()).done) == len(OWN) + 60


async def test_products_that_cannot_be_finished_keep_no_others_waiting_and_take_turns(many: Many) -> None:
    many.release(*THINGS[:60])
    broken = THINGS[:9]
    tried: list[str] = []

    def fail(wanted: WantedProduct) -> Exception | None:
        tried.append(wanted.item_number)
        return failing(TransientError("no answer"), *broken)(wanted)

    many.shop.fails = fail
    first = await many.push()
    assert first.halted
    done = set(first.done)
    tried.clear()
    second = await many.push()
    assert done | set(second.done) == OWN | set(THINGS[:60]) - set(broken)
    assert (second.halted, second.pending) == ("no answer", len(broken))
    assert set(tried) < set(THINGS)
    tried.clear()
    for _ in range(4):
        await many.push()
    assert set(tried) == set(broken)


async def test_throttling_ends_the_run_and_nothing_is_lost(many: Many) -> None:
    many.release(*THINGS[:60])
    many.shop.fails = failing(ThrottledError("the query budget is spent"), "THING-000", "THING-001", "THING-002")
    report = await many.push()
    assert report.halted == "the query budget is spent"
    many.shop.fails = lambda _: None
    after = await many.push()
    assert len(report.done) + len(after.done) == len(OWN) + 60


async def test_what_denies_all_products_is_raised_and_what_was_done_is_remembered(many: Many) -> None:
    many.shop.fails = failing(DeniedError(ErrorCode.SHOPIFY_DENIED, what="productSet", message="no scope"), "TEE")
    with pytest.raises(DeniedError, match="SHOPIFY_DENIED"):
        await many.push()


async def test_variants_of_products_that_were_taken_over_are_withheld_as_soon_as_they_are_known(many: Many) -> None:
    many.world.catalogue.set_state("usmf", "TEE", "Ended", ["TEE-RED-L"])
    many.release(*THINGS[:150])
    many.shop.has_unsold = True
    many.shop.fails = failing(DeniedError(ErrorCode.SHOPIFY_DENIED, what="productSet", message="no scope"), THINGS[149])
    many.world.slowness = timedelta(milliseconds=200)
    with pytest.raises(DeniedError, match="SHOPIFY_DENIED"):
        await many.push()
    many.world.slowness = timedelta()
    withheld, _ = await read_withheld(many.world.snapshots, "prairie")
    assert list(withheld.values()) == [Item("TEE", color="Red", size="L")]
    many.shop.fails = lambda _: None
    report = await many.push(in_full=True, unpublish_floor=0, unpublish_percent=0)
    assert (report.held, THINGS[149] in many.written) == (0, True)


async def test_an_error_that_nobody_foresaw_stops_no_other_product_and_fails_the_run(many: Many) -> None:
    many.shop.fails = failing(KeyError("variants"), "HAT")
    with pytest.raises(ExceptionGroup) as failed:
        await many.push()
    assert [type(error) for error in failed.value.exceptions] == [KeyError]
    assert set(many.written) == OWN - {"HAT"}
    many.shop.fails = lambda _: None
    await many.push()
    assert many.written == ["HAT"]


# ---- what F&O does not have any more


async def test_an_item_that_f_and_o_does_not_have_any_more_is_withdrawn(many: Many) -> None:
    many.release(*THINGS[:20])
    await many.push()
    released = many.world.fo.books.rows("ReleasedProductsV2")
    [key] = [key for key, row in released.items() if row.values["ItemNumber"] == "THING-007"]
    released.remove(key)
    assert (await many.push()).done == {}
    report = await many.push(in_full=True)
    assert report.done == {"THING-007": (ProductAction.WITHDRAW, ShopState.WITHDRAWN)}
    assert report.unsold == {"THING-007": "F&O does not have it any more"}
    assert many.shop.work[0].wanted == WantedProduct(item_number="THING-007", is_approved=False)
    assert (await many.push(in_full=True)).done == {}


async def test_the_share_of_the_products_counts_beyond_the_floor(many: Many) -> None:
    many.release(*THINGS[:97])  # and three others
    await many.push()
    for number in range(6):
        many.world.catalogue.set_state("usmf", THINGS[number], "Ended")
    held = await many.push(in_full=True)
    assert (held.done, held.held) == ({}, 6)
    many.world.catalogue.set_state("usmf", THINGS[5], "Released")
    assert len((await many.push(in_full=True)).done) == 5


async def test_a_confirmation_is_of_the_very_changes(many: Many) -> None:
    many.release(*THINGS[:20])
    await many.push()
    for number in range(10):
        many.world.catalogue.set_state("usmf", THINGS[number], "Ended")
    await many.push(in_full=True)
    await confirm_held(many.world.snapshots, "prairie", "products", many.world.time.now())
    for number in range(10, 20):
        many.world.catalogue.set_state("usmf", THINGS[number], "Ended")
    assert (await many.push()).held == 20


async def test_a_product_whose_sku_is_another_products_variant_is_told(many: Many) -> None:
    many.release("OTHER")
    odd = parse_product({"number": "ODD", "name": "Odd"})
    many.world.catalogue.add(
        odd, parse_release({"company": "usmf", "item": "TEE-RED-M", "price": "1", "state": "Released"})
    )
    report = await many.push()
    assert set(many.written) == OWN | {"OTHER"}
    assert [problem.code for problem in report.problems["TEE-RED-M"]] == [ErrorCode.PRODUCT_SKU_DOUBLE]
