"""Products are looked for in a big shop by a list that Shopify makes in the background, and by pages otherwise."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from local.d365.world_products import parse_product, parse_release
from local.shopify.bulk_records import BulkOperation
from local.shopify.faults import Fault, FaultKind
from local.shopify.merchandise import Product
from local.shopify.products import staff
from shared.errors import ErrorCode
from shared.mapping.products.decisions import ProductAction
from shared.rules import StoreRules
from shared.sync.bulk.lane import WORTHWHILE
from shared.sync.bulk.reading import FRESH, LISTED_IN_BULK
from shared.sync.products.first_contact import read_plan
from shared.sync.products.shop.finding import SEARCHES
from tests.builders.catalogue_world import RULES, CatalogueWorld, catalogue_world
from tests.builders.sales import with_rules

START, LOOK, PAGE = "bulk_run_query", "bulk_state", "ProductSearch"
OWN = {"BOOT", "HAT", "TEE"}
THINGS = tuple(f"THING-{number:03d}" for number in range(SEARCHES + 5))
WAITS = "Shopify is listing the shop's variants"


@pytest.fixture
async def world() -> AsyncIterator[CatalogueWorld]:
    async with catalogue_world() as one:
        one.pretend_variants = LISTED_IN_BULK
        yield one


def plan_only() -> StoreRules:
    return with_rules(RULES, products={"adopt": False})


def release(world: CatalogueWorld, *numbers: str) -> None:
    for number in numbers:
        product = parse_product({"number": number, "name": f"Thing {number}"})
        world.catalogue.add(product, parse_release({"company": "usmf", "price": "1", "state": "Released"}))


def operations(world: CatalogueWorld) -> list[BulkOperation]:
    return list(world.shop.bulk_operations.values())


def points(world: CatalogueWorld) -> float:
    names = {START, LOOK, PAGE}
    spent = sum(call.actual or 0 for call in world.shopify.calls if call.operation in names)
    world.shopify.calls.clear()
    return spent


async def soon(world: CatalogueWorld, rules: StoreRules | None = None) -> Any:
    """The next run of the timer, after Shopify has ended what was under way."""
    await world.bulk_ends()
    await world.later(minutes=5)
    return await world.push(rules)


def old_cap(world: CatalogueWorld) -> Product:
    """A product of the merchant's that F&O has too."""
    release(world, "CAP")
    return staff.add_product(world.shop, {"title": "Old cap", "sku": "CAP", "price": "24.00"})


async def looked_over(world: CatalogueWorld) -> None:
    """The first runs, with all that stands in the example world."""
    await world.push()
    assert (await soon(world)).done.keys() == OWN


async def test_a_plan_waits_for_the_list_and_is_made_from_it(world: CatalogueWorld) -> None:
    staff.generate(world.shop, 1, variants=3)
    first = await world.push(plan_only())
    assert (first.halted, await read_plan(world.snapshots, "prairie")) == (WAITS, None)
    assert (await world.push()).halted == WAITS
    assert [row["outcome"] for row in await world.bulk_rows()] == ["waiting"]
    report = await soon(world, plan_only())
    plan = await read_plan(world.snapshots, "prairie")
    assert plan is not None
    assert (report.halted, {*plan["adopt"], *plan["create"]}) == ("", OWN)
    [row] = await world.bulk_rows()
    assert (row["outcome"], row["note"].startswith("Listing the shop's variants, since ")) == ("done", True)
    assert f"{len(world.shop.variants)} done" in row["note"]


async def test_a_list_costs_far_less_than_its_pages(world: CatalogueWorld) -> None:
    staff.generate(world.shop, 25, variants=100)
    for variant in world.shop.variants.values():
        variant.updated_at -= timedelta(days=1)
    points(world)
    await world.push(plan_only())
    await soon(world, plan_only())
    in_bulk = points(world)
    world.pretend_variants = 0
    await world.push_in_full(plan_only())
    by_pages = points(world)
    assert world.shopify_calls[PAGE] == 11
    assert in_bulk < 30
    assert by_pages > 350


async def test_the_first_run_waits_for_the_list_and_doubles_nothing(world: CatalogueWorld) -> None:
    adopted = old_cap(world)
    assert (await world.push()).halted == WAITS
    assert (await soon(world)).done.keys() == OWN | {"CAP"}
    assert world.product("CAP").id == adopted.id
    known = {item: world.product(item).id for item in (*OWN, "CAP")}
    del world.container.blobs["products/prairie/catalogue.json"]
    assert (await world.push()).halted == ""  # the list is not an hour old
    assert {item: world.product(item).id for item in (*OWN, "CAP")} == known
    assert len(operations(world)) == 1
    del world.container.blobs["products/prairie/catalogue.json"]
    await world.later(seconds=FRESH.total_seconds())
    assert (await world.push()).halted == WAITS
    assert len(operations(world)) == 2


async def test_many_new_products_wait_for_the_list_and_nothing_else_does(world: CatalogueWorld) -> None:
    await looked_over(world)
    await world.later(seconds=FRESH.total_seconds())
    release(world, *THINGS)
    world.catalogue.set_text("HAT", "en-US", "Another hat", "")
    listed = staff.add_product(world.shop, {"title": "Old", "sku": THINGS[3], "price": "1.00"})
    report = await world.push_in_full()
    assert (report.done.keys(), report.pending, report.halted) == ({"HAT"}, len(THINGS), WAITS)
    await world.bulk_ends()
    later = staff.add_product(world.shop, {"title": "New", "sku": THINGS[4], "price": "1.00"})
    report = await soon(world)
    assert report.done.keys() == set(THINGS)
    assert (world.product(THINGS[3]).id, world.product(THINGS[4]).id) == (listed.id, later.id)
    assert world.shopify_calls[PAGE] == 1
    assert (await soon(world)).pending == 0


async def test_a_product_that_was_given_another_item_since_it_was_listed_is_told(world: CatalogueWorld) -> None:
    other = old_cap(world)
    for variant in other.variants:
        variant.updated_at -= timedelta(days=1)
    await world.push()
    await world.bulk_ends()
    staff.generate(world.shop, 1, item="OTHER", variants=1)
    given = next(each for each in world.shop.products.values() if world.item_of(each) == "OTHER")
    other.metafields = given.metafields
    report = await soon(world)
    assert [problem.code for problem in report.problems["CAP"]] == [ErrorCode.PRODUCT_OF_OTHER_ITEM]
    assert report.done.keys() >= {"BOOT", "TEE"}


async def test_a_list_is_kept_where_what_changed_since_cannot_be_read(world: CatalogueWorld) -> None:
    await looked_over(world)
    await world.later(seconds=FRESH.total_seconds())
    release(world, *THINGS)
    await world.push(with_rules(RULES, products={"full_minutes": 15}))
    await world.bulk_ends()
    world.catalogue.set_state("usmf", "HAT", "Ended")
    world.shopify.faults.pending.append(Fault(FaultKind.UNAVAILABLE, times=None, operation=PAGE))
    report = await world.push_in_full(world.rules)
    assert (report.done.keys(), report.pending) == ({"HAT"}, len(THINGS))
    assert report.halted
    world.shopify.faults.pending.clear()
    assert (await soon(world)).done.keys() == set(THINGS)
    assert len(operations(world)) == 2
    assert [row["outcome"] for row in await world.bulk_rows()] == ["done", "done"]


async def test_a_list_is_not_used_again_after_an_operation_has_created_products(world: CatalogueWorld) -> None:
    await looked_over(world)
    await world.later(seconds=FRESH.total_seconds())
    release(world, *(f"MORE-{number:03d}" for number in range(WORTHWHILE)))
    assert (await world.push()).halted == WAITS
    assert (await soon(world)).under_way == WORTHWHILE
    release(world, *THINGS)
    assert (await soon(world)).halted == WAITS
    lists = [each for each in operations(world) if each.kind == "QUERY"]
    assert len(lists) == 3


# ---- what can go wrong: pages are read in the same run


async def test_a_list_that_ends_early_is_not_used(world: CatalogueWorld) -> None:
    adopted = old_cap(world)
    await world.push()
    await world.bulk_ends()
    [operation] = operations(world)
    assert operation.result is not None
    operation.result = b"".join(operation.result.splitlines(keepends=True)[:2])
    report = await soon(world)
    assert report.done.keys() == OWN | {"CAP"}
    assert world.product("CAP").id == adopted.id
    [row] = await world.bulk_rows()
    assert (row["outcome"], "ends after 2. Pages are read instead" in row["note"]) == ("left", True)


async def test_an_operation_that_fails_half_way_is_not_used(world: CatalogueWorld) -> None:
    adopted = old_cap(world)
    await world.push()
    world.shopify.faults.pending.append(Fault(FaultKind.BULK_FAILURE, body={"rows": 2, "code": "TIMEOUT"}))
    report = await soon(world)
    assert report.done.keys() == OWN | {"CAP"}
    assert world.product("CAP").id == adopted.id
    [row] = await world.bulk_rows()
    assert (row["outcome"], "failed (TIMEOUT) after 2" in row["note"]) == ("left", True)


async def test_an_operation_whose_start_got_no_answer_is_found_again(world: CatalogueWorld) -> None:
    world.shopify.faults.pending.append(Fault(FaultKind.RESET_AFTER_COMMIT, operation=START))
    assert (await world.push()).halted == WAITS
    assert (await soon(world)).done.keys() == OWN
    assert len(operations(world)) == 1


async def test_a_shop_that_works_on_five_queries_is_read_by_pages(world: CatalogueWorld) -> None:
    error = {"code": "OPERATION_IN_PROGRESS", "field": None, "message": "A bulk query operation is in progress."}
    answer = {"data": {"bulkOperationRunQuery": {"bulkOperation": None, "userErrors": [error]}}}
    world.shopify.faults.pending.append(Fault(FaultKind.OTHER_ANSWER, operation=START, body=answer))
    report = await world.push()
    assert {item: action for item, (action, _) in report.done.items()} == dict.fromkeys(OWN, ProductAction.CREATE)
    assert operations(world) == []


async def test_where_no_start_is_ever_answered_pages_are_read_by_the_next_run(world: CatalogueWorld) -> None:
    world.shopify.faults.pending.append(Fault(FaultKind.CONNECTION_RESET, times=None, operation=START))
    assert (await world.push()).halted == WAITS
    assert (await soon(world)).done.keys() == OWN
    assert operations(world) == []
