"""In which portions Shopify is asked for many figures."""

from __future__ import annotations

from shared.mapping.stock.figures import StockedItem, listings_of
from shared.model import Item, Level, LevelId
from shared.shopify.inventory import NoLevel
from shared.sync.stock.waves import Waves

NOW = "2026-11-23T08:00:00Z"


class Shop:
    """Inventory items 0, 1, 2, ... that show their own number at the first location, twice that at the second ..."""

    def __init__(self, items):
        self.items = list(items)
        self.calls = []

    async def run(self, query, variables):
        assert query.name == "StockLevels"
        place = int(variables["location"].rpartition("/")[2])
        numbers = [int(gid.rpartition("/")[2]) for gid in variables["items"]]
        self.calls.append((place, len(numbers)))
        return {"nodes": [self.node(number, place) if number in self.items else None for number in numbers]}

    def node(self, number, place):
        level = {"updatedAt": NOW, "quantities": [{"quantity": number * place}]}
        return {"id": f"gid://shopify/InventoryItem/{number}", "tracked": True, "inventoryLevel": level}


def listings(items, places=(1,)):
    return [
        listings_of(StockedItem(f"SKU-{number}", Item(f"SKU-{number}"), number, number), places) for number in items
    ]


async def all_waves(shop, wanted):
    waves = Waves.over(wanted, admin=shop)
    read = []
    while not waves.is_over:
        read.append(await waves.read())
    return read


def available(wave):
    return {level: found.available for level, found in wave.shown.items() if isinstance(found, Level)}


async def test_figures_are_read_in_full_calls_and_full_waves():
    shop = Shop(range(2100))
    waves = await all_waves(shop, listings(range(2100)))
    assert [len(wave.listings) for wave in waves] == [1000, 1000, 100]
    assert shop.calls == [(1, 250)] * 8 + [(1, 100)]
    assert available(waves[2]) == {LevelId(number, 1): number for number in range(2000, 2100)}


async def test_all_figures_of_an_item_that_have_to_be_read_are_in_one_wave():
    shop = Shop(range(900))
    waves = await all_waves(shop, listings(range(900), places=(1, 2, 3)))
    assert [len(wave.listings) for wave in waves] == [999, 999, 702]
    assert available(waves[1])[LevelId(400, 3)] == 1200


async def test_an_item_with_more_figures_than_a_wave_has_one_of_its_own():
    waves = await all_waves(Shop([1, 2]), listings([1, 2], places=range(1, 1202)))
    assert [len(wave.listings) for wave in waves] == [1201, 1201]


async def test_only_the_figures_that_were_asked_for_are_read():
    shop = Shop(range(100))
    [wave] = await all_waves(shop, [*listings([1], places=(2,)), *listings([2], places=(1,))])
    assert available(wave) == {LevelId(1, 2): 2, LevelId(2, 1): 2}
    assert shop.calls == [(2, 1), (1, 1)]


async def test_an_item_that_was_deleted_is_gone():
    [wave] = await all_waves(Shop([1]), listings([1, 2]))
    assert wave.shown[LevelId(2, 1)] is NoLevel.GONE
