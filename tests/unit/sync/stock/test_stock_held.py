"""What people are shown of the orders that hold stock back."""

from datetime import UTC, datetime

from shared.model import Sale
from shared.sync.stock.unknown.held import HeldBack, HeldOrder, read_held

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def held(number, **units):
    return HeldOrder(number, HeldBack.WAITING, NOON if number % 2 else None, units)


class Snapshots:
    def __init__(self, **stores):
        self.documents = {f"stock/{store}/orders": {"held": rows} for store, rows in stores.items()}
        self.documents |= {"stock/nordlys/figures": {}, "stock/new/figures": {}}

    async def names(self, prefix):
        return sorted(name for name in self.documents if name.startswith(prefix))

    async def read(self, name):
        return self.documents.get(name), None


def rows(*numbers):
    return [held(number, TENT=number).as_stored() for number in numbers]


async def test_the_orders_of_every_store_are_read_the_oldest_first():
    snapshots = Snapshots(prairie=rows(7), nordlys=rows(3, 1, 2), empty=[])
    assert await read_held(snapshots) == {
        "nordlys": [held(1, TENT=1), held(2, TENT=2), held(3, TENT=3)],
        "prairie": [held(7, TENT=7)],
    }


async def test_the_orders_of_one_store_are_read_alone():
    assert list(await read_held(Snapshots(prairie=rows(7), nordlys=rows(1)), "prairie")) == ["prairie"]
    assert await read_held(Snapshots(), "nordlys") == {}


async def test_a_record_of_an_older_release_without_orders_is_none():
    snapshots = Snapshots()
    snapshots.documents["stock/nordlys/orders"] = {"since": "2026-11-23"}
    assert await read_held(snapshots) == {}


def test_units_are_added_up_by_sku_and_items_without_a_figure_are_left_out():
    sales = [Sale(101, 1, 2), Sale(101, None, 1), Sale(999, 1, 5)]
    order = HeldOrder.of_sales(1, HeldBack.WAITING, NOON, sales=sales, skus={101: "TENT-2P"})
    assert order.units == {"TENT-2P": 3}
