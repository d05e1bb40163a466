"""Products that the shop had before the app are taken as F&O's, and many products are read in few calls."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from builders.shop_products import ITEMS, PAIRS, item, prices, sku, wanted, wanted_plain
from builders.shop_side import ONLINE_STORE, ShopSide, shop_in_process

from shared.model import Item, KnownProduct, ListedPrice, ShopState, WantedProduct
from shared.shopify.products.finding import find_variants
from shared.sync.products.shop.flow import ProductWork, converge_all, look


@pytest.fixture
async def side() -> AsyncIterator[ShopSide]:
    async with shop_in_process() as one:
        yield one


def own(side: ShopSide, **fields: Any) -> int:
    """The tent as a merchant entered it by hand."""
    names = {"R": "Red", "G": "Green", "S": "Small", "L": "Large"}
    rows = [
        {"values": {"Color": names[color], "Size": names[size]}, "sku": sku(color, size), "price": "80.00"}
        for color, size in PAIRS
    ]
    return side.add(**{"title": "My tent", "options": ["Color", "Size"], "variants": rows, "tags": ["Own"], **fields})


PRODUCT = wanted(tags=("Summer",), description_html="<p>x</p>")


async def test_a_product_is_adopted_by_the_skus_of_its_variants(side: ShopSide) -> None:
    number = own(side)
    count = len(side.shop.products)
    result = await side.converge(PRODUCT, prices())
    assert (result.id, result.state, result.problems) == (number, ShopState.ACTIVE, ())
    assert len(side.shop.products) == count
    product = side.product(number)
    assert (product.title, product.tags, product.description_html) == ("Tent", ["Own", "Summer"], "<p>x</p>")
    assert {variant.price for variant in product.variants} == {Decimal("80.00")}
    assert set(result.variants) == set(ITEMS)
    side.known.clear()
    await side.converge(PRODUCT, prices())
    assert side.calls == {"ProductByItem": 1}


async def test_what_is_given_once_is_not_given_to_an_adopted_product(side: ShopSide) -> None:
    number = own(side)
    await side.converge(replace(PRODUCT, once=frozenset({"title", "tags"})), prices())
    assert (side.product(number).title, side.product(number).tags) == ("My tent", ["Own"])


async def test_a_product_is_adopted_by_barcodes_where_it_has_other_skus(side: ShopSide) -> None:
    number = side.add(title="A map", sku="OTHER", barcode="4001", price="9.00")
    side.add(title="Other", sku="X", barcode="40010", price="9.00")
    product = wanted_plain()
    product = replace(product, variants=tuple(replace(each, barcode="4001") for each in product.variants))
    result = await side.converge(product, {Item("MAP"): ListedPrice(Decimal(9))})
    assert result.id == number
    assert side.product(number).variants[0].sku == "MAP"


async def test_looking_tells_what_would_be_adopted_and_changed_and_writes_nothing(side: ShopSide) -> None:
    assert await look([PRODUCT], side.ports()) == [None]
    number = own(side)
    before = side.product(number).updated_at
    found = await side.look(PRODUCT)
    assert found is not None
    assert (found.id, set(found.variants), found.differing) == (
        number,
        set(ITEMS),
        ("title", "description_html", "tags"),
    )
    assert side.product(number).updated_at == before
    assert not any("Set" in name or "Update" in name for name in side.calls)


async def test_many_products_are_looked_at_in_one_list_and_one_reading_for_25(side: ShopSide) -> None:
    own(side)
    ids = [side.add(title=f"Old {number}", sku=f"M{number:03}", price="1.00") for number in range(23)]
    side.add(title="Copy", sku="M005", price="1.00")
    side.calls.clear()
    found = await look([PRODUCT, *(plain(number) for number in range(24))], side.ports())
    assert side.calls == {"ProductSearch": 1, "ProductRead": 1}
    assert [each.id if each else None for each in found[1:]] == [*ids[:5], 0, *ids[6:], None]
    assert [problem.code for each in found if each for problem in each.problems] == ["PRODUCT_AMBIGUOUS"]


async def test_looking_at_a_product_with_other_options_tells_why_it_cannot_be_adopted(side: ShopSide) -> None:
    number = side.add(title="Tent", sku="TENT-RS", price="9.00")
    found = await side.look(PRODUCT)
    assert found is not None
    assert (found.id, [each.code for each in found.problems]) == (number, ["PRODUCT_OPTIONS_UNLIKE"])


async def test_a_sku_in_two_products_is_refused_with_both(side: ShopSide) -> None:
    first, second = own(side), side.add(title="Copy", sku="TENT-GL", price="9.00")
    result = await side.converge(PRODUCT, prices())
    assert (result.state, result.id) == (ShopState.REFUSED, None)
    [problem] = result.problems
    assert problem.code == "PRODUCT_AMBIGUOUS"
    assert problem.details["places"] == f"product {first} and product {second}"
    assert problem.details["key"] == "TENT-GL"
    found = await side.look(PRODUCT)
    assert found is not None
    assert [each.code for each in found.problems] == ["PRODUCT_AMBIGUOUS"]
    side.delete(second)
    assert (await side.converge(PRODUCT, prices())).id == first


async def test_a_sku_that_two_variants_of_one_product_have_is_refused_with_both(side: ShopSide) -> None:
    number = own(side)
    side.edit_variant(number, "TENT-RL", sku="TENT-RS")
    result = await side.converge(PRODUCT, prices())
    [problem] = result.problems
    assert (problem.code, result.state) == ("PRODUCT_AMBIGUOUS", ShopState.REFUSED)
    one, other = [each.id for each in side.product(number).variants if each.sku == "TENT-RS"]
    assert problem.details["places"] == f"variant {one} of product {number} and variant {other} of product {number}"


async def test_a_product_of_another_item_is_not_taken(side: ShopSide) -> None:
    first = await side.converge(PRODUCT, prices())
    other = replace(PRODUCT, item_number="TENT-2")
    result = await side.converge(other, prices())
    [problem] = result.problems
    assert (problem.code, problem.details["other"]) == ("PRODUCT_OF_OTHER_ITEM", "TENT")
    assert side.product(first).title == "Tent"


async def test_a_known_product_that_became_another_items_is_left_to_it(side: ShopSide) -> None:
    first = await side.converge(PRODUCT, prices())
    assert first.id is not None
    side.known["MAP"] = KnownProduct(first.id, {})
    listed = {Item("MAP"): ListedPrice(Decimal(9))}
    result = await side.converge(wanted_plain(), listed)
    assert result.id != first.id
    assert result.state is ShopState.ACTIVE


@pytest.mark.parametrize("strange", ["o'neil", 'x"y', 'o\'neil "x"', "back\\slash"])
async def test_a_search_finds_exactly_what_it_is_asked_for(side: ShopSide, strange: str) -> None:
    for key in (strange, "abc", "ABC", ""):
        side.add(title="A", sku=key, price="1.00")
    found = await find_variants(side.admin(), "sku", [strange, "ABC", "", "none"])
    assert sorted(each.sku for each in found) == sorted(["ABC", strange])


def plain(number: int) -> WantedProduct:
    product = wanted_plain(item_number=f"M{number:03}", title=f"Map {number}")
    [variant] = product.variants
    return replace(product, variants=(replace(variant, item=Item(f"M{number:03}"), sku=f"M{number:03}"),))


def work(side: ShopSide, count: int) -> list[ProductWork]:
    return [
        ProductWork(
            plain(number),
            side.known.get(f"M{number:03}"),
            {Item(f"M{number:03}"): ListedPrice(Decimal(9))},
        )
        for number in range(count)
    ]


async def run(side: ShopSide, count: int) -> list[ShopState]:
    side.calls.clear()
    states = []
    async for done, result in converge_all(work(side, count), side.ports()):
        states.append(result.state)
        assert result.id is not None
        side.known[done.wanted.item_number] = KnownProduct(result.id, result.variants)
    return states


async def test_many_new_products_are_looked_for_in_one_list(side: ShopSide) -> None:
    adopted = side.add(title="Old", sku="M024", price="1.00")
    assert await run(side, 30) == [ShopState.ACTIVE] * 30
    assert side.known["M024"].id == adopted
    assert side.calls["ProductByItem"] == 20
    assert side.calls["ProductSearch"] == 21
    assert side.calls["ProductSet"] == 29
    assert all(ONLINE_STORE in side.product(each.id).publications for each in side.known.values())
    side.known.clear()
    assert await run(side, 30) == [ShopState.ACTIVE] * 30
    assert "ProductSet" not in side.calls


async def test_known_products_are_read_25_to_a_call(side: ShopSide) -> None:
    await run(side, 30)
    assert await run(side, 30) == [ShopState.ACTIVE] * 30
    assert side.calls == {"ProductRead": 2}
    gone = side.known["M003"].id
    side.delete(gone)
    await run(side, 30)
    assert side.known["M003"].id != gone
    assert side.product(side.known["M003"].id).title == "Map 3"
    assert item("R", "S") not in side.known["M003"].variants
