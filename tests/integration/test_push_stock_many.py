"""Ten thousand figures: how many calls they take."""

from __future__ import annotations

from stock_fixtures import retailing

_OTHERS = 6
"""Figures of the items that the world has anyway."""


async def test_ten_thousand_changed_figures_take_forty_writes():
    async with retailing("nordlys", more_items=10_000 - _OTHERS) as retailer:
        report = await retailer.push()
        assert report.changed == 10_000
        assert retailer.writes() == 40
        reads = sum(call.operation == "StockLevels" for call in retailer.shopify.simulator.calls)
        assert reads == 40
        quiet = await retailer.push()
        assert (quiet.shopify_calls, quiet.fo_calls, quiet.changed) == (1, 1, 0)
