"""A product's options: which dimensions, in which order, under which names, and what keeps them from the shop."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from shared.error_catalogue import ErrorCode
from shared.model import Item, ProductOption, ShopLimits
from shared.model.fo_product import FoValue, FoVariant
from shared.rules import StoreRules
from tests.builders.fo_products import PlannedProduct, codes, master, planned, shop_rules, variant

FOUR = (
    variant(color="RED", size="S", style="SLIM", configuration="A"),
    variant(color="RED", size="M", style="SLIM", configuration="B"),
)


def options(plan: PlannedProduct) -> tuple[ProductOption, ...]:
    assert plan.wanted is not None
    return plan.wanted.options


def values(plan: PlannedProduct) -> list[tuple[str, ...]]:
    assert plan.wanted is not None
    return [each.values for each in plan.wanted.variants]


def joining(*dimensions: str, text: str = " - ") -> StoreRules:
    return shop_rules(fourth_dimension="join", join={"dimensions": dimensions, "text": text})


def test_options_are_the_dimensions_in_use_with_values_in_f_and_os_order() -> None:
    plan = planned(master())
    assert options(plan) == (
        ProductOption("Color", "ProductColorId", ("Blue", "Red"), ("BLU", "RED")),
        ProductOption("Size", "ProductSizeId", ("S", "M"), ("S", "M")),
    )
    assert values(plan) == [("Blue", "S"), ("Blue", "M"), ("Red", "S"), ("Red", "M")]


def test_names_and_order_of_options_are_those_of_the_rules() -> None:
    rules = shop_rules(options=({"dimension": "size", "name": "Maat"},))
    plan = planned(master(), rules)
    assert [each.name for each in options(plan)] == ["Maat", "Color"]
    assert values(plan)[:3] == [("S", "Blue"), ("S", "Red"), ("M", "Blue")]


def test_values_without_a_place_in_f_and_o_come_last_by_their_ids() -> None:
    variants = [variant(size=size) for size in ("XL", "S", "L")]
    product = master(variants=variants, values={"ProductSizeId": (FoValue("S", Decimal(9)),)})
    assert options(planned(product))[0].ids == ("S", "L", "XL")


def test_values_of_one_place_are_in_the_order_of_their_ids() -> None:
    variants = [variant(size=size) for size in ("M", "L", "S")]
    places = tuple(FoValue(size, Decimal(0)) for size in ("S", "M", "L"))
    assert options(planned(master(variants=variants, values={"ProductSizeId": places})))[0].ids == ("L", "M", "S")


def test_a_product_without_variants_has_no_options() -> None:
    plan = planned(master(variants=(FoVariant(Item("TEE"), "TEE:1", "", ""),)))
    assert options(plan) == ()
    assert values(plan) == [()]


def test_a_fourth_dimension_is_told_and_the_product_not_written() -> None:
    plan = planned(master(variants=FOUR))
    assert plan.wanted is None
    assert codes(plan) == [ErrorCode.PRODUCT_TOO_MANY_DIMENSIONS]
    assert plan.problems[0].details["dimensions"] == "color, size, style, configuration"


def test_a_fourth_dimension_becomes_part_of_another_option_where_the_rules_say_so() -> None:
    plan = planned(master(variants=FOUR), joining("size", "configuration"))
    assert options(plan)[1] == ProductOption(
        "Size - Configuration", "ProductSizeId+ProductConfigurationId", ("S - A", "M - B"), ("S+A", "M+B")
    )
    assert values(plan) == [("Red", "S - A", "SLIM"), ("Red", "M - B", "SLIM")]


def test_three_dimensions_are_not_joined() -> None:
    variants = [variant(color="RED", size="S", configuration="A"), variant(color="RED", size="M", configuration="A")]
    assert len(options(planned(master(variants=variants), joining("size", "configuration")))) == 3


def test_joining_dimensions_that_the_product_does_not_have_leaves_too_many() -> None:
    assert codes(planned(master(variants=FOUR), joining("size", "version"))) == [ErrorCode.PRODUCT_TOO_MANY_DIMENSIONS]


def test_the_shop_says_how_many_options_a_product_has() -> None:
    assert codes(planned(master(), limits=ShopLimits("USD", options=1))) == [ErrorCode.PRODUCT_TOO_MANY_DIMENSIONS]


def many(count: int, **dimension: str) -> list[FoVariant]:
    return [variant(**{name: f"{value}{number}" for name, value in dimension.items()}) for number in range(count)]


def test_101_values_are_too_many_and_100_are_not() -> None:
    assert planned(master(variants=many(100, size="S"))).problems == ()
    plan = planned(master(variants=many(101, size="S")))
    assert (plan.wanted, codes(plan)) == (None, [ErrorCode.PRODUCT_TOO_MANY_VALUES])
    assert plan.problems[0].details == {"item": "TEE", "option": "Size", "count": "101", "limit": "100"}


def test_2049_variants_are_too_many_and_2048_are_not() -> None:
    variants = [
        variant(color=f"C{color}", size=f"S{size}", style=f"T{style}")
        for color in range(13)
        for size in range(13)
        for style in range(13)
    ]
    assert planned(master(variants=variants[:2048])).problems == ()
    plan = planned(master(variants=variants[:2049]))
    assert (plan.wanted, codes(plan)) == (None, [ErrorCode.PRODUCT_TOO_MANY_VARIANTS])


def test_variants_that_are_not_sold_do_not_count_unless_the_shop_has_them() -> None:
    rules = shop_rules(approved={"lifecycle_states": ("Released",)})
    variants = [*many(100, size="S"), variant(size="OLD", state="Draft")]
    plan = planned(master(variants=variants), rules)
    assert codes(plan) == []
    assert len(values(plan)) == 100
    assert codes(planned(master(variants=variants), rules, in_shop=[variants[-1].item])) == [
        ErrorCode.PRODUCT_TOO_MANY_VALUES
    ]


@pytest.mark.parametrize("names", [("Red", "Red"), ("Red", "RED"), ("Red", " red ")])
def test_two_values_that_are_shown_alike_are_told(names: tuple[str, str]) -> None:
    shown = {("ProductColorId", each, "en-US"): name for each, name in zip(("RED", "BLU"), names, strict=True)}
    plan = planned(master(value_names=shown))
    assert (plan.wanted, codes(plan)) == (None, [ErrorCode.PRODUCT_VALUES_ALIKE])
    assert {plan.problems[0].details[each] for each in ("first", "second")} == {"RED", "BLU"}


def test_a_variant_without_a_value_that_the_others_have_is_left_out_and_told() -> None:
    plan = planned(master(variants=[variant(color="RED", size="S"), variant(color="RED")]))
    assert codes(plan) == [ErrorCode.PRODUCT_VALUE_MISSING]
    assert plan.problems[0].details == {"item": "TEE", "sku": "TEE:RED", "option": "Size"}
    assert values(plan) == [("Red", "S")]


def test_a_variant_without_a_number_is_left_out_and_told() -> None:
    plan = planned(master(variants=[variant(color="RED"), FoVariant(Item("TEE", color="BLU"), "", "", "")]))
    assert codes(plan) == [ErrorCode.PRODUCT_SKU_MISSING]
    assert values(plan) == [("Red",)]


def test_a_sold_variant_that_is_left_out_stays_as_the_shop_has_it() -> None:
    lacking = variant(color="RED")
    old = variant(color="BLU", size="S", state="Draft")
    rules = shop_rules(approved={"lifecycle_states": ("Released",)})
    plan = planned(master(variants=[variant(color="RED", size="S"), lacking, old]), rules, in_shop=[lacking.item])
    assert plan.wanted is not None
    assert plan.wanted.kept == {lacking.item}


def test_variants_that_are_not_sold_are_listed_by_sku_unless_the_shop_is_known_to_have_them() -> None:
    rules = shop_rules(approved={"lifecycle_states": ("Released",)})
    draft, ended = variant(color="BLU", state="Draft"), variant(color="GRN", state="Ended")
    nameless = FoVariant(Item("TEE", color="GRY"), "", "Draft", "")
    product = master(variants=[variant(color="RED"), draft, ended, nameless])
    plan = planned(product, rules, in_shop=[ended.item])
    assert plan.wanted is not None
    assert plan.wanted.unsold == {"TEE:BLU": draft.item}
    gone = planned(master(variants=product.variants, is_stopped=True), rules, in_shop=[ended.item])
    assert gone.wanted is not None
    assert gone.wanted.unsold == {"TEE:RED": Item("TEE", color="RED"), "TEE:BLU": draft.item}


def test_joined_variants_that_are_alike_are_told() -> None:
    variants = [
        variant(color="RED", size="S+A", style="X", configuration="B"),
        variant(color="RED", size="S", style="X", configuration="A+B"),
    ]
    plan = planned(master(variants=variants), joining("size", "configuration", text="-"))
    assert codes(plan) == [ErrorCode.PRODUCT_VARIANTS_ALIKE]
    assert len(values(plan)) == 1


def test_a_problem_of_a_variant_that_is_not_sold_is_not_told() -> None:
    rules = shop_rules(approved={"lifecycle_states": ("Released",)})
    old = FoVariant(Item("TEE", color="BLU"), "", "Draft", "")
    assert codes(planned(master(variants=[variant(color="RED"), old]), rules, in_shop=[old.item])) == []


def translated(**rules: Any) -> StoreRules:
    return shop_rules(locales=({"locale": "de", "language": "de"},), owners={"translations": "fo"}, **rules)


def test_options_are_translated_where_f_and_o_and_the_rules_have_names() -> None:
    named = ({"dimension": "color", "name": "Color", "names": ({"locale": "de", "name": "Farbe"},)},)
    plan = planned(master(), translated(options=named))
    assert plan.wanted is not None
    assert plan.wanted.value_translations == {"de": {("ProductColorId", ""): "Farbe", ("ProductColorId", "RED"): "Rot"}}


def test_a_translation_that_is_the_same_word_is_not_sent() -> None:
    same = {("ProductSizeId", "S", "de"): "S"}
    plan = planned(master(value_names=same), translated())
    assert plan.wanted is not None
    assert plan.wanted.value_translations == {}
