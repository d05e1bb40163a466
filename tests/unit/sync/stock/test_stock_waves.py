"""In which portions Shopify is asked for many figures, and what that costs of its budget."""

from __future__ import annotations

import pytest

from shared.mapping.stock import Listing
from shared.model import Item, Level, LevelId
from shared.shopify.inventory import NoLevel
from shared.sync.stock.waves import Waves

NOW = "2026-11-23T08:00:00Z"


class Shop:
    """Inventory items 0, 1, 2, ... that show their own number at each location."""

    def __init__(self, items):
        self.items = list(items)
        self.calls = []
        self.before_call = lambda: None

    async def run(self, query, variables):
        self.before_call()
        self.calls.append(query.name)
        place = int(variables["location"].rpartition("/")[2])
        return getattr(self, query.name)(variables, place)

    def StockLevels(self, variables, place):  # noqa: N802 - GraphQL's name
        numbers = [int(gid.rpartition("/")[2]) for gid in variables["items"]]
        return {"nodes": [self.node(number, place) if number in self.items else None for number in numbers]}

    def StockLevelPage(self, variables, place):  # noqa: N802
        rest = [number for number in self.items if variables["after"] is None or number > int(variables["after"])]
        edges = [{"cursor": str(number), "node": self.node(number, place)} for number in rest[:250]]
        return {"inventoryItems": {"edges": edges, "pageInfo": {"hasNextPage": len(rest) > 250}}}

    def node(self, number, place):
        level = {"updatedAt": NOW, "quantities": [{"quantity": number * place}]}
        return {"id": f"gid://shopify/InventoryItem/{number}", "tracked": True, "inventoryLevel": level}


def listings(items, places=(1,)):
    return [
        Listing(f"SKU-{number}", Item(f"SKU-{number}"), LevelId(number, place), number)
        for number in items
        for place in places
    ]


async def all_waves(shop, wanted, *, shop_items=None):
    waves = Waves.over(wanted, admin=shop, shop_items=len(shop.items) if shop_items is None else shop_items)
    read = []
    while not waves.is_over:
        read.append(await waves.read())
    return read


def items_of(waves):
    return [listing.level.inventory_item for wave in waves for listing in wave.listings]


def available(wave):
    return {level: found.available for level, found in wave.shown.items() if isinstance(found, Level)}


async def test_few_figures_are_asked_for_by_item():
    shop = Shop(range(10_000))
    [wave] = await all_waves(shop, listings(range(0, 10_000, 25)))
    assert set(shop.calls) == {"StockLevels"}
    assert available(wave) == {LevelId(number, 1): number for number in range(0, 10_000, 25)}


async def test_many_figures_are_read_in_pages_and_in_full_waves():
    shop = Shop(range(10_000))
    waves = await all_waves(shop, listings(range(10_000)))
    assert shop.calls == ["StockLevelPage"] * 40
    assert [len(wave.listings) for wave in waves] == [1000] * 10
    assert items_of(waves) == list(range(10_000))


async def test_what_the_store_does_not_list_leaves_the_waves_full_and_every_reading_their_own():
    shop = Shop(range(4000))
    wanted = [number for number in range(4000) if number % 100]
    waves = await all_waves(shop, listings(wanted))
    assert [len(wave.listings) for wave in waves] == [1000, 1000, 1000, 960]
    assert items_of(waves) == wanted
    assert [wave.shown.keys() == {listing.level for listing in wave.listings} for wave in waves] == [True] * 4


async def test_all_locations_of_an_item_are_in_one_wave():
    shop = Shop(range(900))
    waves = await all_waves(shop, listings(range(900), places=(1, 2, 3)))
    assert set(shop.calls) == {"StockLevelPage"}
    assert [len(wave.listings) for wave in waves] == [999, 999, 702]
    assert available(waves[1])[LevelId(400, 3)] == 1200


async def test_where_few_items_of_a_page_are_wanted_a_wave_ends_before_its_readings_are_old():
    shop = Shop(range(6000))
    waves = await all_waves(shop, listings(range(0, 6000, 15)))
    assert shop.calls == ["StockLevelPage"] * 24
    assert len(waves) == 3


async def test_what_is_sold_between_two_pages_is_on_the_next_page_all_the_same():
    """Pages go by id: only an item that appears or disappears changes them, and none of the others moves."""
    shop = Shop(range(1000))

    def one_is_deleted():
        if len(shop.calls) == 2:
            shop.items.remove(100)

    shop.before_call = one_is_deleted
    waves = await all_waves(shop, listings(range(1000)))
    assert items_of(waves) == list(range(1000))


async def test_what_no_page_shows_is_asked_for_by_item():
    shop = Shop(range(500))
    waves = await all_waves(shop, listings([*range(500), 999]))
    assert shop.calls == ["StockLevelPage", "StockLevelPage", "StockLevels"]
    assert waves[-1].shown == {LevelId(999, 1): NoLevel.GONE}


async def test_an_item_that_is_deleted_between_two_locations_is_gone_at_the_second():
    shop = Shop(range(30))

    def one_is_deleted():
        if shop.calls:
            shop.items.remove(7)
            shop.before_call = lambda: None

    shop.before_call = one_is_deleted
    [wave] = await all_waves(shop, listings(range(30), places=(1, 2)))
    assert isinstance(wave.shown[LevelId(7, 1)], Level)
    assert wave.shown[LevelId(7, 2)] is NoLevel.GONE
    assert available(wave)[LevelId(8, 2)] == 16


@pytest.mark.parametrize(("wanted", "by_page"), [(480, False), (481, True)])
async def test_pages_are_turned_where_they_cost_less(wanted, by_page):
    """10,000 items are 40 pages of 35 points; 480 figures by item cost 1,440 points, as much."""
    waves = Waves.over(listings(range(wanted)), admin=None, shop_items=10_000)
    assert waves.by_page is by_page
