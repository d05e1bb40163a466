"""Prices for variants that are about to be created."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from builders.price_rows import RED_M
from builders.price_world import World, store_rules
from builders.sales import with_rules

from shared.model import Item, ListedPrice
from shared.sync.prices.quotes import quotes

TENT, GHOST = Item("TENT"), Item("GHOST")
NIGHT = datetime(2026, 11, 29, 23, 30, tzinfo=UTC)  # the 30th in Amsterdam


@pytest.fixture
def world() -> World:
    world = World(store_rules(list_price_group="LIST"))
    world.sell("TENT", "249")
    world.sell("SHIRT", "30", ProductSubType="ProductMaster")
    world.agree("TENT", "229", PriceApplicableFromDate="2026-11-30T12:00:00Z")
    world.agree("TENT", "299", PriceCustomerGroupCode="LIST")
    return world


async def test_each_item_has_the_shops_price_of_the_stores_day_or_none(world):
    found = await quotes(world.rules, world.fo, [TENT, RED_M, GHOST], now=lambda: NIGHT)
    assert found == {TENT: ListedPrice(Decimal(229), Decimal(299)), RED_M: ListedPrice(Decimal(30)), GHOST: None}


async def test_none_has_one_while_the_flow_is_off(world):
    rules = with_rules(world.rules, flows={"prices": False})
    assert await quotes(rules, world.fo, [TENT]) == {TENT: None}
    assert world.fo.read.total() == 0


async def test_no_items_need_no_call(world):
    assert await quotes(world.rules, world.fo, []) == {}
    assert world.fo.read.total() == 0


async def test_the_tenants_service_is_asked_where_the_rules_name_it(world):
    service = {"group": "G", "service": "S", "operation": "get"}
    world.rules = store_rules(source="service", service=service)
    world.fo.answers["G/S/get"] = lambda question: {"prices": [Decimal(240) for _ in question["lines"]]}
    assert await quotes(world.rules, world.fo, [TENT]) == {TENT: ListedPrice(Decimal(240))}
