"""Many prices of the shop at once: by a bulk operation, over several runs, and by single calls where that cannot be."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from fixtures.prices import PricedShop, priced

from local.shopify.bulk_records import BulkOperation
from local.shopify.products.making import delete_product
from shared.mapping.prices.changes import PriceOutcome
from shared.sync.bulk.lane import WORTHWHILE

MANY = WORTHWHILE + 5
SINGLE = "PriceVariantsSet"


@pytest.fixture
async def nordlys(wire: None):
    async with priced("nordlys", products=MANY, brake_percent=100, brake_single_percent=98) as shop:
        shop.retailer.shop.bulk_seconds = 60
        await shop.run()
        for number in range(1, MANY + 1):
            shop.agree(f"BULK-{number:05d}", 1.40)
        yield shop


def operations(shop: PricedShop) -> list[BulkOperation]:
    return list(shop.retailer.shop.bulk_operations.values())


def at(shop: PricedShop, price: str) -> int:
    return sum(sku.startswith("BULK") and each == price for sku, each in shop.shown().items())


async def carried_out(shop: PricedShop) -> None:
    """Shopify takes its time, and ends the operation."""
    shop.retailer.clock.ahead += timedelta(minutes=2)
    async with asyncio.timeout(20):
        while not operations(shop)[-1].has_ended:  # noqa: ASYNC110 - the simulator tells nobody
            await asyncio.sleep(0.05)


async def test_many_prices_are_set_by_one_operation_and_count_as_set_by_the_flow(nordlys: PricedShop) -> None:
    first = await nordlys.run()
    assert (first.changed, first.lists[0].outcomes[PriceOutcome.LEFT]) == (0, MANY)
    assert (len(operations(nordlys)), nordlys.calls(SINGLE)) == (1, 0)
    waiting = await nordlys.run(after=timedelta(seconds=10))  # due again although 15 minutes have not passed
    assert (waiting.is_idle, len(operations(nordlys)), nordlys.calls(SINGLE)) == (False, 1, 0)
    await carried_out(nordlys)
    assert at(nordlys, "1.40") == MANY
    settled = await nordlys.run(after=timedelta(minutes=5))
    assert (settled.changed, settled.lists[0].outcomes[PriceOutcome.LEFT]) == (0, 0)
    nordlys.edit("BULK-00001", price="1.70")
    nordlys.edit("BULK-00002", price="1.70")
    report = await nordlys.run()
    assert (report.lists[0].outcomes[PriceOutcome.SET_BACK], at(nordlys, "1.40")) == (2, MANY)
    assert (await nordlys.run()).changed == 0
    assert len(operations(nordlys)) == 1
    [row] = await nordlys.bulk_rows()
    assert (row["outcome"], f"{MANY} of {MANY} done" in row["note"]) == ("done", True)
    assert row["note"].startswith(f"Setting prices of products, {MANY} lines, since ")


async def test_a_few_other_prices_are_set_while_an_operation_works(nordlys: PricedShop) -> None:
    await nordlys.run()
    nordlys.agree("LAMP-HEAD", 29.95)
    await nordlys.run(after=timedelta(seconds=10))
    assert nordlys.shown()["LAMP-HEAD"] == "29.95"
    assert (nordlys.calls(SINGLE), at(nordlys, "1.00")) == (1, MANY)


async def test_what_an_operation_does_not_come_to_is_set_by_single_calls(nordlys: PricedShop) -> None:
    await nordlys.run()
    operations(nordlys)[0].state = "CANCELING"
    await carried_out(nordlys)
    assert at(nordlys, "1.40") == 0
    await nordlys.run(after=timedelta(minutes=5))
    assert (at(nordlys, "1.40"), len(operations(nordlys)), nordlys.calls(SINGLE)) == (MANY, 1, MANY)


async def test_an_operation_whose_start_got_no_answer_is_found_again(nordlys: PricedShop) -> None:
    faults = nordlys.retailer.shopify.simulator.faults
    faults.add({"kind": "reset_after_commit", "operation": "bulk_run"})
    await nordlys.run()
    await carried_out(nordlys)
    report = await nordlys.run(after=timedelta(minutes=5))
    assert (report.changed, at(nordlys, "1.40"), len(operations(nordlys))) == (0, MANY, 1)


async def test_a_product_that_is_deleted_meanwhile_stops_none_of_the_others(nordlys: PricedShop) -> None:
    await nordlys.run()
    shop = nordlys.retailer.shop
    delete_product(shop, shop.products[shop.variant_by_sku["BULK-00007"].product_id])
    await carried_out(nordlys)
    report = await nordlys.run(after=timedelta(minutes=5))
    assert at(nordlys, "1.40") == MANY - 1
    assert report.lists[0].outcomes[PriceOutcome.LEFT] == 0


async def test_a_shop_that_works_on_five_operations_is_sent_single_calls(nordlys: PricedShop) -> None:
    busy = {"code": "OPERATION_IN_PROGRESS", "field": None, "message": "A bulk mutation operation is in progress."}
    answer = {"data": {"bulkOperationRunMutation": {"bulkOperation": None, "userErrors": [busy]}}}
    faults = nordlys.retailer.shopify.simulator.faults
    faults.add({"kind": "other_answer", "operation": "bulk_run", "body": answer})
    report = await nordlys.run()
    assert (report.changed, nordlys.calls(SINGLE), at(nordlys, "1.40")) == (MANY, MANY, MANY)
