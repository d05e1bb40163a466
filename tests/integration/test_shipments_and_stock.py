"""What the app moves or cancels in Shopify changes figures there and none in F&O: the next stock run corrects them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

import pytest

from shared.flows import STOCK
from shared.sync.stock.flow import push_stock
from tests.builders.both_sides import App, MemorySnapshots, app_in_process
from tests.builders.shipped_order import BAG, SECOND, Shipped, two_places

HOME: Final = 71001001
RULES: Final = two_places(stock={"settle_seconds": 0})


@pytest.fixture
async def app() -> AsyncIterator[App]:
    async with app_in_process() as one:
        yield one


class Stock:
    """The stock flow, with what it remembers."""

    def __init__(self, one: Shipped) -> None:
        self._one = one
        self._memory = MemorySnapshots()

    async def push(self) -> int:
        """Gives how many figures were set."""
        app = self._one.app
        report = await push_stock(
            RULES,
            admin=app.shopify.admin(RULES, STOCK.scopes),
            fo=app.client,
            links=app.links,
            snapshots=self._memory,  # type: ignore[arg-type]  # documents in memory
            now=app.shopify.time.now,
            sleep=app.shopify.time.sleep,
        )
        assert (report.halted, report.frozen) == ("", False)
        return report.changed

    @property
    def shown(self) -> tuple[int | None, int | None]:
        """Bags at the location of each warehouse; None where they are not stocked."""
        item = self._one.shop.variant_by_sku["BAG-DOWN"].inventory_item_id
        home, second = (self._one.shop.levels.get((item, place)) for place in (HOME, SECOND))
        return home and home.quantity("available"), second and second.quantity("available")


async def booked_elsewhere(app: App) -> tuple[Shipped, Stock]:
    """F&O has the order in HAM, where it has the goods, and Shopify at the location of AMS."""
    one = Shipped(app, BAG, rules=RULES)
    one.open_second_location()
    one.stock("BAG-DOWN", "AMS", 2)
    one.stock("BAG-DOWN", "HAM", 10)
    await one.deliver()
    assert [line["ShippingWarehouseId"] for line in one.lines] == ["HAM"]
    assert await app.push_shipments() == []
    stock = Stock(one)
    await stock.push()
    assert stock.shown == (2, 7)
    assert await stock.push() == 0
    return one, stock


async def test_figures_that_a_move_of_the_app_changes_are_set_right_by_the_next_stock_run(app: App) -> None:
    one, stock = await booked_elsewhere(app)
    one.pack("JJD1", BAG_DOWN=3)
    assert await app.push_shipments() == ["shipments: 1 fulfilments made, 1 fulfilment orders moved or opened"]
    assert stock.shown == (5, 4)
    assert await stock.push() == 2
    assert stock.shown == (2, 7)
    assert await stock.push() == 0


async def test_figures_that_a_cancelled_fulfilment_changes_are_set_right_by_the_next_stock_run(app: App) -> None:
    """The location of the fulfilment does not stock the item any more: Shopify commits the units at another."""
    one, stock = await booked_elsewhere(app)
    slip = one.pack("JJD1", BAG_DOWN=3)
    await app.push_shipments()
    await stock.push()
    assert stock.shown == (2, 7)
    item = one.shop.variant_by_sku["BAG-DOWN"].inventory_item_id
    del one.shop.levels[item, SECOND]
    one.cancel_slip(slip)
    assert await app.push_shipments() == ["shipments: 1 fulfilments cancelled"]
    assert stock.shown == (-1, None)
    await stock.push()
    assert stock.shown == (2, None)
