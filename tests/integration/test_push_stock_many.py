"""More figures than fit in one wave: what they cost of Shopify's query budget, and runs that end before their work."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
from fixtures.stock import Retailer, retailing

from shared.errors import ThrottledError

_OTHERS = 6
"""Figures of the items that the world has anyway."""


@pytest.fixture
async def busy(wire: None):
    async with retailing("nordlys", more_items=1250 - _OTHERS) as retailer:
        yield retailer


def calls(retailer: Retailer) -> Counter[str]:
    return Counter(call.operation for call in retailer.shopify.simulator.calls)


@pytest.mark.wire
async def test_a_thousand_changed_figures_take_four_writes_and_four_readings():
    async with retailing("nordlys", more_items=1000 - _OTHERS) as retailer:
        report = await retailer.push()
        assert report.changed == 1000
        made = calls(retailer)
        assert (made["StockSet"], made["StockLevels"]) == (4, 4)
        assert sum(call.actual for call in retailer.shopify.simulator.calls) < 400
        assert report.fo_calls < 10
        quiet = await retailer.push()  # Shopify lists what has just been set: 4 pages
        assert (quiet.shopify_calls, quiet.fo_calls, quiet.changed) == (6, 1, 0)
        retailer.clock.ahead += timedelta(minutes=11)
        await retailer.push()
        quiet = await retailer.push()
        assert (quiet.shopify_calls, quiet.fo_calls, quiet.changed) == (3, 1, 0)


async def test_a_run_whose_query_budget_is_spent_is_finished_by_the_next(busy: Retailer):
    def spend():
        if busy.writes():
            raise ThrottledError("no points are left")

    busy.admin.before["StockLevels"] = spend
    report = await busy.push()
    assert (report.halted, report.changed) == ("no points are left", 1000)
    busy.admin.before.clear()
    report = await busy.push()
    assert (report.halted, report.changed, busy.writes()) == ("", 250, 5)


async def test_a_daily_comparison_whose_time_is_up_goes_on_where_it_ended(busy: Retailer):
    await busy.push()
    for level in busy.shop.levels.values():
        level.states["available"] = 3
    busy.clock.ahead += timedelta(hours=25)

    def take_long():
        busy.clock.ahead += timedelta(seconds=45)

    busy.admin.before["StockSet"] = take_long
    report = await busy.push()
    assert (report.halted, report.changed) == ("time limit reached", 1000)
    busy.shopify.simulator.calls.clear()
    report = await busy.push()
    assert (report.halted, report.changed) == ("", 250)
    assert calls(busy)["StockSet"] == 1
