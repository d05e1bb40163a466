"""The prices of a big shop are listed by a bulk query, over several runs, and by pages where that cannot be."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from fixtures.prices import PricedShop, priced

from local.shopify.bulk_records import BulkOperation
from local.shopify.products.making import delete_product
from local.shopify.products.staff import generate
from shared.sync.bulk.reading import FRESH, LISTED_IN_BULK, PATIENCE

SOME = 270
"""Variants that the shop of most tests has; it says that it has many."""
PAGE, PAGES = "PriceVariants", 2
START = "bulk_run_query"
NOT_YET = ("errorCode", "completedAt", "url", "partialDataUrl")
SOON, NEXT_DAY = timedelta(minutes=5), timedelta(days=1, hours=1)


@pytest.fixture
async def shop(wire: None):
    async with priced("nordlys", brake_percent=100) as shop:
        shop.pretend_variants = LISTED_IN_BULK
        fill(shop, SOME)
        yield shop


def fill(shop: PricedShop, variants: int) -> None:
    generate(shop.retailer.shop, variants // 10, variants=10)
    for variant in shop.retailer.shop.variants.values():
        variant.updated_at -= timedelta(days=1)
    shop.retailer.shop.bulk_seconds = 60


def operations(shop: PricedShop) -> list[BulkOperation]:
    return list(shop.retailer.shop.bulk_operations.values())


def known(shop: PricedShop) -> set[str]:
    """SKUs of the variants whose prices the flow knows; only of those that F&O does not have."""
    text = shop.snapshots.documents.get("prices/nordlys/shop", "")
    return {sku for sku in shop.shown() if sku.startswith("GEN-") and f'"{sku}"' in text}


def points(shop: PricedShop, *operations: str) -> float:
    calls = shop.retailer.shopify.simulator.calls
    return sum(call.actual or 0 for call in calls if call.operation in operations)


def fail(shop: PricedShop, kind: str, **fault: Any) -> None:
    shop.retailer.shopify.simulator.faults.add({"kind": kind, **fault})


async def made(shop: PricedShop) -> BulkOperation:
    """Shopify takes its time, and ends the operation."""
    shop.retailer.clock.ahead += timedelta(minutes=2)
    operation = operations(shop)[-1]
    async with asyncio.timeout(60):
        while not operation.has_ended:  # noqa: ASYNC110 - the simulator tells nobody
            await asyncio.sleep(0.05)
    return operation


async def told(shop: PricedShop) -> tuple[str, str]:
    """Of the last operation: its outcome, and what the journal says of it, without the times."""
    row = (await shop.bulk_rows())[-1]
    return row["outcome"], row["note"].partition(" UTC: ")[2]


async def test_a_list_costs_a_hundredth_of_the_calls_and_points_of_its_pages(shop: PricedShop) -> None:
    shop.pretend_variants = 0
    fill(shop, LISTED_IN_BULK)
    calls = shop.retailer.shopify.simulator.calls
    first = await shop.run()
    assert "making the first list" in first.halted
    await made(shop)
    assert (await shop.run(after=SOON)).halted == ""
    names = (START, "bulk_state", PAGE)
    in_bulk = (sum(call.operation in names for call in calls), points(shop, *names))
    calls.clear()
    fail(shop, "other_answer", operation=START, body=BUSY)
    await shop.run(after=NEXT_DAY)
    by_pages = (shop.calls(PAGE), points(shop, PAGE))
    assert in_bulk <= (3, 30)
    assert by_pages >= (40, 900)
    assert len(known(shop)) == LISTED_IN_BULK


async def test_a_shop_that_is_listed_has_its_prices_compared_and_the_journal_says_how_far_it_is(
    shop: PricedShop,
) -> None:
    shop.agree("LAMP-HEAD", 29.95)
    await shop.run()
    assert (await told(shop), shop.shown()["LAMP-HEAD"] == "29.95") == (("waiting", "Shopify has taken it"), False)
    waiting = await shop.run(after=timedelta(seconds=10))
    assert "making the first list" in waiting.halted
    assert (await told(shop))[0] == "waiting"
    await made(shop)
    report = await shop.run(after=SOON)
    assert (report.halted, shop.shown()["LAMP-HEAD"], len(known(shop))) == ("", "29.95", SOME)
    outcome, note = await told(shop)
    assert (outcome, note.partition(" done")[0]) == ("done", f"{len(shop.shown())}")
    assert len(await shop.bulk_rows()) == 1
    await shop.run()
    assert len(operations(shop)) == 1


async def test_the_next_day_runs_go_on_while_the_shop_is_listed_and_a_list_makes_nothing_old_again(
    shop: PricedShop,
) -> None:
    await listed_once(shop)
    await shop.run(after=NEXT_DAY)
    await made(shop)
    still = {"status": "RUNNING", "objectCount": "1000", **dict.fromkeys(NOT_YET)}
    fail(shop, "other_answer", operation="bulk_state", body={"data": {"bulkOperation": still}})
    shop.agree("LAMP-HEAD", 29.95)
    report = await shop.run()
    assert (report.changed, shop.shown()["LAMP-HEAD"], len(operations(shop))) == (1, "29.95", 2)
    shop.edit("GEN-00001-1", price="77.00")
    assert (await told(shop))[1].startswith("1,000 done at ")
    told_before = list(shop.told)
    report = await shop.run(after=timedelta(seconds=10))  # due again although 15 minutes have not passed
    assert (report.is_idle, report.halted, report.changed) == (False, "", 0)
    assert '"77.00"' in shop.snapshots.documents["prices/nordlys/shop"]
    assert (len(known(shop)), shop.told) == (SOME, told_before)


async def listed_once(shop: PricedShop) -> None:
    await shop.run()
    await made(shop)
    await shop.run(after=SOON)
    shop.retailer.shopify.simulator.calls.clear()


async def test_a_variant_that_a_whole_list_does_not_have_is_forgotten_and_a_new_one_is_not(shop: PricedShop) -> None:
    await listed_once(shop)
    await shop.run(after=NEXT_DAY)
    simulated = shop.retailer.shop
    delete_product(simulated, simulated.products[simulated.variant_by_sku["GEN-00003-1"].product_id])
    await made(shop)
    generate(simulated, 1, variants=2, sku="GEN-NEW-{v}")
    await shop.run(after=SOON)
    text = shop.snapshots.documents["prices/nordlys/shop"]
    assert ('"GEN-00003-1"' in text, '"GEN-NEW-1"' in text, '"GEN-00004-1"' in text) == (False, True, True)


# ---- what can go wrong: pages are read in the same run, and nothing is taken for gone


def cut_within_a_line(operation: BulkOperation) -> None:
    assert operation.result is not None
    operation.result = operation.result[: len(operation.result) // 2]


def cut_after_a_line(operation: BulkOperation) -> None:
    assert operation.result is not None
    operation.result = b"".join(operation.result.splitlines(keepends=True)[:100])


def without_file(operation: BulkOperation) -> None:
    operation.result = None


@pytest.mark.parametrize(
    ("cut", "why"),
    [
        (cut_within_a_line, "the results of a bulk operation end early: JSONDecodeError"),
        (cut_after_a_line, "ends after 100"),
        (without_file, "ends after 0"),
    ],
)
async def test_a_file_that_ends_early_is_not_used(
    shop: PricedShop, cut: Callable[[BulkOperation], None], why: str
) -> None:
    await listed_once(shop)
    await shop.run(after=NEXT_DAY)
    cut(await made(shop))
    shop.retailer.shopify.simulator.calls.clear()
    report = await shop.run(after=SOON)
    assert (report.halted, shop.calls(PAGE), len(known(shop))) == ("", PAGES, SOME)
    outcome, note = await told(shop)
    assert (outcome, why in note, "Pages are read instead" in note) == ("left", True, True)
    assert (await shop.run(after=SOON)).is_idle
    assert len(operations(shop)) == 2


async def test_an_operation_that_fails_half_way_is_not_used(shop: PricedShop) -> None:
    await shop.run()
    fail(shop, "bulk_failure", body={"rows": 100, "code": "INTERNAL_SERVER_ERROR"})
    operation = await made(shop)
    assert (operation.state, operation.result is None) == ("FAILED", False)
    report = await shop.run(after=SOON)
    assert (report.halted, shop.calls(PAGE), len(known(shop))) == ("", PAGES, SOME)
    assert (await told(shop)) == (
        "left",
        "failed (INTERNAL_SERVER_ERROR) after 100. The next runs do what is left to do",
    )


async def test_a_list_that_expired_is_made_anew(shop: PricedShop) -> None:
    await shop.run()
    operation = await made(shop)
    await shop.run(after=timedelta(days=8))
    assert operation.status(shop.retailer.clock.now()) == "EXPIRED"
    assert (len(operations(shop)), shop.calls(PAGE)) == (2, 0)
    await made(shop)
    assert (await shop.run(after=SOON)).halted == ""
    assert len(known(shop)) == SOME


async def test_a_list_that_is_old_is_made_anew(shop: PricedShop) -> None:
    await shop.run()
    await made(shop)
    await shop.run(after=FRESH)
    assert (len(operations(shop)), shop.calls(PAGE)) == (2, 0)


async def test_a_list_that_takes_too_long_is_read_by_pages(shop: PricedShop) -> None:
    shop.retailer.shop.bulk_seconds = 1e6
    await shop.run()
    assert "first list" in (await shop.run(after=PATIENCE - timedelta(minutes=1))).halted
    report = await shop.run(after=timedelta(minutes=2))
    assert (report.halted, shop.calls(PAGE), len(known(shop))) == ("", PAGES, SOME)
    assert (await told(shop)) == ("left", "Shopify takes too long with it. Pages are read instead")


async def test_a_shop_that_works_on_five_queries_is_read_by_pages(shop: PricedShop) -> None:
    fail(shop, "other_answer", operation=START, body=BUSY)
    report = await shop.run()
    assert (report.halted, shop.calls(PAGE), len(known(shop)), operations(shop)) == ("", PAGES, SOME, [])


async def test_an_operation_whose_start_got_no_answer_is_found_again(shop: PricedShop) -> None:
    fail(shop, "reset_after_commit", operation=START)
    assert "first list" in (await shop.run()).halted
    await made(shop)
    assert (await shop.run(after=SOON)).halted == ""
    assert (len(operations(shop)), shop.calls(PAGE), len(known(shop))) == (1, 1, SOME)


async def test_after_a_start_that_never_reached_shopify_pages_are_read(shop: PricedShop) -> None:
    fail(shop, "reset_after_commit", operation=START)
    await shop.run()
    shop.retailer.shop.bulk_operations.clear()
    report = await shop.run(after=SOON)
    assert (report.halted, operations(shop), len(known(shop))) == ("", [], SOME)
    assert [row["outcome"] for row in await shop.bulk_rows()] == ["left"]


async def test_a_run_that_ends_before_it_forgets_the_list_takes_it_once_more(shop: PricedShop) -> None:
    await shop.run()
    await made(shop)
    before = shop.snapshots.documents["bulk/nordlys/prices-reading"]
    await shop.run(after=SOON)
    # As if the process had ended between storing the prices and forgetting the list.
    shop.snapshots.documents["bulk/nordlys/prices-reading"] = before
    report = await shop.run()
    assert (report.halted, len(known(shop)), len(operations(shop))) == ("", SOME, 1)


async def test_a_small_shop_is_read_by_pages(shop: PricedShop) -> None:
    shop.pretend_variants = LISTED_IN_BULK - 1 - len(shop.retailer.shop.variants)
    assert (await shop.run()).halted == ""
    assert (shop.calls(PAGE), operations(shop)) == (PAGES, [])


BUSY = {
    "data": {
        "bulkOperationRunQuery": {
            "bulkOperation": None,
            "userErrors": [
                {
                    "code": "OPERATION_IN_PROGRESS",
                    "field": None,
                    "message": "A bulk query operation for this app and shop is already in progress.",
                }
            ],
        }
    }
}
