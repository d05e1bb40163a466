"""Random catalogues, trade agreements, hand edits in Shopify and lost answers: once it is quiet, the shop and its
price list show what an independent calculator gives (tests/builders/brute_prices.py), and nothing else was touched.
"""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from builders.brute_prices import Buyer, UndecidedError, tiers
from builders.price_world import LOCATION, ListPrice, Variant, World, store_rules
from hypothesis import event, given, settings
from hypothesis import strategies as st

from shared.errors import TransientError

SKUS = ["TENT", "BOOT", "MAP"]
DEALERS = {
    "name": "Dealers",
    "currency": "EUR",
    "groups": ("DEALER",),
    "company_locations": (LOCATION,),
    "tiers": True,
}
WEB, DEALER = (Buyer(frozenset({group}), "EUR") for group in ("WEB", "DEALER"))
MOST = 30
GIFT, OWN = 9901, 9902
"""Variants that F&O does not have; the merchant has put the second on the price list."""

prices = st.integers(1, 30_000).map(lambda cents: Decimal(cents) / 100)
offsets = st.one_of(st.none(), st.none(), st.integers(-2, 4))


@st.composite
def agreements(draw: st.DrawFn) -> dict[str, Any]:
    first = draw(st.sampled_from([0, 0, 0, 5, 10, 20]))
    return {
        "ItemNumber": draw(st.sampled_from(SKUS)),
        "Price": draw(prices),
        "PriceCustomerGroupCode": draw(st.sampled_from(["WEB", "DEALER", "DEALER", ""])),
        "FromQuantity": Decimal(first),
        "ToQuantity": Decimal(draw(st.sampled_from([0, 0, first + 7]))),
        "WillSearchContinue": draw(st.sampled_from(["Yes", "Yes", "Yes", "Yes", "No"])),
        "from": draw(offsets),
        "to": draw(offsets),
    }


steps = st.one_of(
    st.tuples(st.just("agree"), agreements()),
    st.tuples(st.just("reprice"), st.tuples(st.integers(0, 20), prices)),
    st.tuples(st.just("end"), st.integers(0, 20)),
    st.tuples(st.just("edit"), st.tuples(st.sampled_from(SKUS), prices)),
    st.tuples(st.just("edit list"), st.tuples(st.sampled_from(SKUS), prices)),
    st.tuples(st.just("drop from list"), st.sampled_from(SKUS)),
    st.tuples(
        st.just("fault"),
        st.tuples(
            st.sampled_from(
                ["PriceVariantsSet", "PriceListTiersSet", "PriceVariants", "PriceListCreate", "CatalogCreate"]
            ),
            st.sampled_from(["lost", "throttled", "down"]),
        ),
    ),
    st.tuples(st.just("pass"), st.sampled_from([5, 15, 60, 60 * 12, 60 * 26])),
    st.tuples(st.just("confirm"), st.none()),
)


def stamp(world: World, offset: int | None) -> str:
    day = date(1900, 1, 1) if offset is None else world.time.date() + timedelta(days=offset)
    return f"{day}T12:00:00Z"


async def take(world: World, kind: str, what: Any) -> None:
    rows = world.fo.rows.setdefault("SalesPriceAgreements", [])
    own = next((each.prices for each in world.shop.lists.values()), {})
    variant = {each.sku: key for key, each in world.shop.variants.items()}
    match kind, what:
        case "agree", dict():
            fields = {name: value for name, value in what.items() if name not in {"from", "to", "ItemNumber", "Price"}}
            days = {
                "PriceApplicableFromDate": stamp(world, what["from"]),
                "PriceApplicableToDate": stamp(world, what["to"]),
            }
            world.agree(what["ItemNumber"], str(what["Price"]), **fields | days)
        case "reprice", (at, price) if rows:
            rows[at % len(rows)]["Price"] = price
        case "end", int(at) if rows:
            rows[at % len(rows)]["PriceApplicableToDate"] = stamp(world, -1)
        case "edit", (sku, price):
            world.shop.edit(sku, str(price))
        case "edit list", (sku, price) if variant[sku] in own:
            own[variant[sku]].price = price
        case "drop from list", str(sku):
            own.pop(variant[sku], None)
        case "fault", (document, effect):
            world.shop.faults.setdefault(document, []).append(effect)
        case "pass", int(minutes):
            await run(world, minutes)
        case "confirm", _:
            await world.confirm()


async def run(world: World, minutes: int) -> int:
    try:
        return (await world.run(after=timedelta(minutes=minutes))).changed
    except TransientError:
        return 0


async def settle(world: World) -> None:
    """No more faults; an operator confirms whatever is held, and all prices are read once more."""
    world.shop.faults.clear()
    world.time = world.time.replace(hour=9, minute=0)
    await run(world, 60 * 49)
    for _ in range(6):
        await world.confirm()
        await run(world, 15)
    assert await world.held() == {}
    changed = [await run(world, 15) for _ in range(2)]
    assert changed == [0, 0]


def expected(world: World, sku: str, buyer: Buyer, most: int) -> str | None:
    """None where F&O's rule does not decide."""
    [item] = [row for row in world.fo.rows["ReleasedProductsV2"] if row["ItemNumber"] == sku]
    day = world.time.astimezone(world.rules.zone).date()
    rows = world.fo.rows.get("SalesPriceAgreements", [])
    try:
        (_, first), *more = tiers(rows, item | {"ProductColorId": "", "ProductSizeId": ""}, buyer, day, most=most)
    except UndecidedError:
        return None
    return " ".join([f"{first:.2f}", *(f"{minimum}:{price:.2f}" for minimum, price in more)])


async def live(base: list[Decimal], history: list[tuple[str, Any]]) -> World:
    world = World(store_rules(lists=(DEALERS,)))
    for sku, price in zip(SKUS, base, strict=True):
        world.sell(sku, str(price))
    world.shop.edit("MAP", str(base[2]), "999")
    for number, sku in ((GIFT, "GIFT-CARD"), (OWN, "OWN-BRAND")):
        world.shop.variants[number] = Variant(8900, sku, Decimal(50), Decimal(60))
    for kind, what in history:
        await take(world, kind, what)
        if OWN not in (own := next((each.prices for each in world.shop.lists.values()), {OWN: None})):
            own[OWN] = ListPrice(Decimal(44), None, {7: Decimal(40)})
    await settle(world)
    return world


@settings(max_examples=150)
@given(base=st.lists(prices, min_size=3, max_size=3), history=st.lists(steps, max_size=14))
def test_at_quiet_the_shop_shows_fo_s_prices_and_nothing_else_was_touched(
    base: list[Decimal], history: list[tuple[str, Any]]
) -> None:
    world = asyncio.run(live(base, history))
    shown, on_list = world.shop.shown(), world.shop.on_list("Dealers")
    undecided = 0
    for sku in SKUS:
        for actual, price in (
            (shown[sku], expected(world, sku, WEB, 1)),
            (on_list.get(sku), expected(world, sku, DEALER, MOST)),
        ):
            undecided += price is None
            assert price is None or actual == price
    event(f"undecided: {undecided}")
    assert world.shop.variants[9003].compare_at == Decimal(999) or any(kind == "edit" for kind, _ in history)
    assert [world.shop.variants[each].price for each in (GIFT, OWN)] == [Decimal(50)] * 2
    assert [world.shop.variants[each].compare_at for each in (GIFT, OWN)] == [Decimal(60)] * 2
    assert GIFT not in world.shop.list_named("Dealers").prices
    own = world.shop.list_named("Dealers").prices.get(OWN)
    assert own is None or (own.price, own.tiers) == (Decimal(44), {7: Decimal(40)})
    assert len(world.shop.lists) == len(world.shop.catalogs) == 1
