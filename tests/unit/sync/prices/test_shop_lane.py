"""What becomes of prices that a bulk operation of an earlier run was given."""

from __future__ import annotations

from decimal import Decimal

import pytest
from builders.price_world import Snapshots

from shared.errors import TransientError
from shared.mapping.prices.changes import PriceChange, PriceOutcome
from shared.model import ListedPrice
from shared.shopify.bulk import BulkResult, BulkState, BulkStatus
from shared.sync.bulk.lane import WORTHWHILE
from shared.sync.prices.lists.memory import KnownPrice, PriceMemory
from shared.sync.prices.lists.shop_lane import ShopPriceLane
from shared.sync.prices.ports import LaneOutcome, ProductPrices

DONE = {"userErrors": []}
OLD, NEW, EDITED = (ListedPrice(Decimal(each)) for each in (1, 2, 3))


class Single:
    """Single calls, of which each is carried out."""

    def __init__(self) -> None:
        self.products: list[int] = []

    async def write(self, products, *, keeps_compare_at):
        self.products += [each.product for each in products]
        return LaneOutcome(written=[change for each in products for change in each.changes])


class Bulk:
    """An operation that is over, with a payload of each line that it came to; and those that are started."""

    def __init__(self, status: BulkStatus, payloads) -> None:
        self.state = BulkState(status, len(payloads), None, "", "https://results")
        self.payloads, self.started, self.has_ended = payloads, [], False
        self.jobs, self.ends_early, self.gives_up = self, False, False

    async def resume(self):
        return "job", self.state

    async def results(self, job, state):
        for line, (product, payload) in enumerate(self.payloads.items()):
            yield str(product), BulkResult(line, payload)
        if self.ends_early:
            raise TransientError("the results of a bulk operation end early")

    def is_given_up(self, state):
        return self.gives_up

    async def end(self, job, state, *, unused):
        self.has_ended, self.unused = True, unused

    async def start(self, document, what, calls):
        self.started.append(list(calls))


async def lane_of(status: BulkStatus, payloads) -> ShopPriceLane:
    """A lane whose operation was given the products 8001 and 8002; somebody has changed the first price since."""
    memory = await PriceMemory.load(Snapshots(), "prices/nordlys/shop", [])
    memory.prices = {9001: KnownPrice(8001, "TENT", EDITED, OLD), 9002: KnownPrice(8002, "BOOT", OLD, OLD)}
    memory.set_extra(**{"sent in bulk": {"8001": [[9001, "2", None]], "8002": [[9002, "2", None]]}})
    return ShopPriceLane(Single(), Bulk(status, payloads), memory)


async def settled(status: BulkStatus, payloads) -> ShopPriceLane:
    lane = await lane_of(status, payloads)
    await lane.settle()
    assert (lane.bulk.has_ended, lane.memory.extra, lane.bulk.unused) == (True, {}, "")
    return lane


def many() -> list[ProductPrices]:
    return [
        ProductPrices(number, (PriceChange(number, number, f"SKU-{number}", OLD, NEW, PriceOutcome.SET),))
        for number in range(WORTHWHILE)
    ]


async def test_what_an_operation_set_was_written_by_the_flow_and_what_is_shown_is_read() -> None:
    lane = await settled(BulkStatus.COMPLETED, {8001: DONE, 8002: DONE})
    assert [(each.shown, each.written) for each in lane.memory.prices.values()] == [(EDITED, NEW), (OLD, NEW)]


async def test_after_an_operation_that_did_all_the_next_many_go_in_bulk() -> None:
    lane = await settled(BulkStatus.COMPLETED, {8001: DONE, 8002: DONE})
    await lane.write(many(), keeps_compare_at=True)
    assert ([len(each) for each in lane.bulk.started], lane.single.products) == ([WORTHWHILE], [])


@pytest.mark.parametrize(
    ("status", "payloads"),
    [
        (BulkStatus.CANCELED, {8001: DONE}),
        (BulkStatus.FAILED, {}),
        (BulkStatus.EXPIRED, {8001: DONE, 8002: DONE}),
        (BulkStatus.COMPLETED, {8001: DONE, 8002: None}),
    ],
)
async def test_after_one_that_did_not_the_next_run_uses_single_calls(status, payloads) -> None:
    lane = await settled(status, payloads)
    await lane.write(many(), keeps_compare_at=True)
    assert (lane.bulk.started, len(lane.single.products)) == ([], WORTHWHILE)
    assert lane.memory.prices[9002].written == (NEW if payloads.get(8002) else OLD)
    assert lane.memory.refused == {}


async def test_results_that_end_early_are_read_again_until_they_are_given_up() -> None:
    lane = await lane_of(BulkStatus.COMPLETED, {8001: DONE})
    lane.bulk.ends_early = True
    with pytest.raises(TransientError, match="end early"):
        await lane.settle()
    assert not lane.bulk.has_ended
    lane.bulk.gives_up = True
    await lane.settle()
    assert (lane.bulk.has_ended, lane.memory.extra) == (True, {})
    assert "could not be read" in lane.bulk.unused
    assert [each.written for each in lane.memory.prices.values()] == [NEW, OLD]
    await lane.write(many(), keeps_compare_at=True)
    assert (lane.bulk.started, len(lane.single.products)) == ([], WORTHWHILE)
