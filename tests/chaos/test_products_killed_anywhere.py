"""A product that is brought in line, cut off at every call: in the end the shop is as after a run that nothing
disturbs, and has nothing twice.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

import pytest
from builders.shop_products import item, prices, wanted, wanted_variant, with_variant
from builders.shop_side import ShopSide, shop_in_process
from chaos_wire import How, HttpxOver, Killed, Wire

from local.shopify.metafields import APP_NAMESPACE
from shared.errors import ConnectorError
from shared.model import ListedPrice, Metafield, ProductImage, ProductOption, WantedProduct
from shared.sync.deadline import ended_after

_LONG: Final = timedelta(hours=1)
_PROCESSES: Final = 8
_PAUSE: Final = 60.0
"""Seconds between two runs. Pictures are processed then, and the query budget is full again."""

FRONT: Final = ProductImage("front", "", "front.jpg", "image/jpeg", alt="Front")
BACK: Final = ProductImage("back", "", "back.jpg", "image/jpeg", alt="Back")
FULL: Final = replace(
    wanted(
        description_html="<p>Two rooms.</p>",
        images=(FRONT,),
        translations={"de": {"title": "Zelt"}},
        value_translations={"de": {("ProductColorId", "R"): "Rot"}},
        tags=("Summer", "Camp"),
        metafields=(Metafield("custom", "material", "single_line_text_field", "Nylon"),),
    ),
    variants=tuple(replace(each, tracked=True, tax_code="P1") for each in wanted().variants),
)


def renamed(product: WantedProduct) -> WantedProduct:
    """Red and Green trade their names, and a size comes between the others."""
    trade = {"Red": "Green", "Green": "Red"}
    color, _ = product.options
    return replace(
        product,
        options=(
            replace(color, name="Colour", values=("Green", "Red")),
            ProductOption("Size", "ProductSizeId", ("Small", "Medium", "Large"), ("S", "M", "L")),
        ),
        variants=(
            *(replace(each, values=(trade[each.values[0]], each.values[1])) for each in product.variants),
            wanted_variant("R", "M", values=("Green", "Medium"), tracked=True),
        ),
    )


ALL_PRICES: Final = prices() | {item("R", "M"): ListedPrice(Decimal(79))}
CHANGED: Final = replace(
    renamed(FULL),
    title="Tent 2",
    tags=("Camp", "New"),
    images=(BACK, replace(FRONT, alt="View")),
    translations={"de": {"title": "Zelte"}},
    metafields=(Metafield("custom", "material", "single_line_text_field", "Wool"),),
)
OFF: Final = replace(FULL, is_approved=False)

GIVEN: Final = f"{APP_NAMESPACE}.given"

type Scenario = Callable[[ShopSide], Awaitable[WantedProduct]]


async def created(side: ShopSide) -> WantedProduct:
    return FULL


async def adopted(side: ShopSide) -> WantedProduct:
    names = {"R": "Red", "G": "Green", "S": "Small", "L": "Large"}
    rows = [
        {"values": {"Color": names[color], "Size": names[size]}, "sku": f"TENT-{color}{size}", "price": "80.00"}
        for color, size in [("R", "S"), ("R", "L"), ("G", "S")]
    ]
    side.add(title="My tent", options=["Color", "Size"], variants=rows, tags=["Own"])
    return FULL


async def changed(side: ShopSide) -> WantedProduct:
    first = await side.converge(FULL, ALL_PRICES)
    side.add_picture(first, "Own")
    side.edit(first, tags=["Summer", "Camp", "Own"])
    side.add_variant(first, values={"Color": "Red", "Size": "Own size"}, sku="OWN", price="1.00")
    return CHANGED


async def withdrawn(side: ShopSide) -> WantedProduct:
    first = await side.converge(FULL, ALL_PRICES)
    side.edit_variant(first, "TENT-RS", inventory_policy="CONTINUE", tracked=False)
    return OFF


async def come_back(side: ShopSide) -> WantedProduct:
    await withdrawn(side)
    await side.converge(OFF, ALL_PRICES)
    return with_variant(FULL, "R", "S", tracked=None)


async def deleted_by_hand(side: ShopSide) -> WantedProduct:
    first = await side.converge(FULL, ALL_PRICES)
    side.delete_variant(first, "TENT-RS")
    other = await side.converge(replace(FULL, title="Again"), ALL_PRICES)
    side.delete(other)
    return FULL


SCENARIOS: Final = (
    (created, "fo"),
    (created, "once"),
    (adopted, "fo"),
    (changed, "fo"),
    (withdrawn, "once"),
    (come_back, "once"),
    (deleted_by_hand, "fo"),
)
"""With who decides whether the product is seen."""


class Run:
    """One shop and the processes that work on it."""

    def __init__(self) -> None:
        self.wire = Wire()

    def shop(self) -> AbstractAsyncContextManager[ShopSide]:
        return shop_in_process(lambda inner: HttpxOver(self.wire, inner=inner))

    async def until_quiet(self, side: ShopSide, product: WantedProduct, strike: tuple[int, How] | None) -> list[str]:
        """Runs again until one ends undisturbed. Gives the first process's calls."""
        self.wire.begin(strike)
        first: list[str] | None = None
        for _ in range(_PROCESSES):
            await side.time.sleep(_PAUSE)
            try:
                async with ended_after(_LONG) as self.wire.deadline:
                    result = await side.converge(product, ALL_PRICES)
            except (Killed, ConnectorError):
                first = first or self.wire.calls
                self.wire.begin()
            else:
                first = first or self.wire.calls
                if not result.is_pending:
                    return first
        raise AssertionError(f"not done after {_PROCESSES} processes: {first}")


def state(side: ShopSide, product: WantedProduct) -> Any:
    known = side.known[product.item_number]
    skus = {number: variant.sku for number, variant in side.shop.variants.items()}
    document = side.document(known.id)
    given = json.loads(document["metafields"].pop(GIVEN))
    # A picture that is found by its name again was not read again.
    pictures = {key: number for key, (_, number) in given.pop("pictures", {}).items()}
    return (
        len(side.shop.products),
        document,
        given,
        [(key, pictures[key] in side.product(known.id).media) for key in sorted(pictures)],
        side.translated(known.id, "de"),
        {found: skus[number] for found, number in known.variants.items()},
    )


@pytest.mark.parametrize(("scenario", "policy"), SCENARIOS, ids=[f"{each.__name__}-{who}" for each, who in SCENARIOS])
@pytest.mark.parametrize("how", How)
async def test_a_product_interrupted_at_any_call_ends_like_an_undisturbed_one(
    scenario: Scenario, policy: str, how: How
) -> None:
    async def run_with(strike: tuple[int, How] | None) -> tuple[list[str], Any, list[str]]:
        run = Run()
        async with run.shop() as side:
            side.policy = replace(side.policy, status=policy, pictures="fo")  # type: ignore[arg-type]
            side.pictures |= {"front": b"\xff\xd8\xfffront", "back": b"\xff\xd8\xffback"}
            product = await scenario(side)
            calls = await run.until_quiet(side, product, strike)
            found = state(side, product)
            run.wire.begin()
            await side.converge(product, ALL_PRICES)
            return calls, found, [name for name in side.calls if name not in {"ProductRead", "ProductTranslatable"}]

    clean, expected, _ = await run_with(None)
    wrong = {}
    for position, call in enumerate(clean):
        struck, found, writes = await run_with((position, how))
        assert len(struck) > position, (struck, clean)
        if found != expected or writes:
            wrong[f"{position} {call}"] = (found, writes)
    assert not wrong, (clean, expected)
