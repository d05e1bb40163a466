"""Options and values of a product in the shop are renamed and put in order by id."""

from dataclasses import replace

import pytest
from builders.shop_products import (
    COLORS,
    ITEMS,
    item,
    shop,
    shop_plain,
    shop_variant,
    wanted,
    wanted_plain,
    with_shop_variant,
    with_variant,
)

from shared.errors import RefusedError
from shared.mapping.products.shop.matching import match_shop_variants
from shared.mapping.products.shop.options import OptionChanges, moved_values, plan_options, with_change
from shared.model import OptionChange, OptionOrder, ProductOption, ShopOption, ShopProduct, WantedProduct


def planned(product: WantedProduct, has: ShopProduct, *, is_owned: bool = True) -> OptionChanges:
    return plan_options(product, has, match_shop_variants(product, has, {}), is_owned=is_owned)


def renamed(texts: dict[str, str], product: WantedProduct | None = None) -> WantedProduct:
    """The product with other texts of its colours."""
    product = product or wanted()
    color, size = product.options
    names = tuple(texts.get(value, value) for value in color.values)
    variants = tuple(
        replace(each, values=(texts.get(each.values[0], each.values[0]), each.values[1])) for each in product.variants
    )
    return replace(product, options=(replace(color, values=names), size), variants=variants)


def moved(product: WantedProduct, has: ShopProduct) -> dict[int, tuple[str, ...]]:
    """The values that single variants are given, by variant."""
    plan, match = planned(product, has), match_shop_variants(product, has, {})
    given = {variant.id: moved_values(plan, found, variant, has) for found, variant in match.found.items()}
    return {number: tuple(value for _, value in values) for number, values in given.items() if values}


def test_equal_options_are_left_alone() -> None:
    plan = planned(wanted(), shop())
    assert (plan.changes, plan.order) == ((), None)
    assert plan.values[item("R", "L")] == (("Color", "Red"), ("Size", "Large"))


def test_a_renamed_value_is_renamed_by_its_id() -> None:
    plan = planned(renamed({"Red": "Crimson"}), shop())
    assert plan.changes == (OptionChange(301, None, ((311, "Crimson"),)),)
    assert plan.order is None
    assert moved(renamed({"Red": "Crimson"}), shop()) == {}


def test_a_value_that_differs_in_case_is_renamed() -> None:
    assert planned(renamed({"Red": "RED"}), shop()).changes == (OptionChange(301, None, ((311, "RED"),)),)


def test_a_renamed_option_is_renamed_with_its_values_in_one_call() -> None:
    product = renamed({"Red": "Crimson"})
    color, size = product.options
    product = replace(product, options=(replace(color, name="Colour"), size))
    plan = planned(product, shop())
    assert plan.changes == (OptionChange(301, "Colour", ((311, "Crimson"),)),)
    assert plan.values[item("R", "S")] == (("Colour", "Crimson"), ("Size", "Small"))


def test_a_name_is_taken_only_when_the_value_that_has_it_has_given_it_up() -> None:
    plan = planned(renamed({"Red": "Green", "Green": "Lime"}), shop())
    assert plan.changes == (OptionChange(301, None, ((312, "Lime"),)), OptionChange(301, None, ((311, "Green"),)))


def test_values_that_trade_names_do_so_over_a_third_name() -> None:
    plan = planned(renamed({"Red": "Green", "Green": "Red"}), shop())
    assert [change.values for change in plan.changes] == [((311, "Green …"),), ((312, "Red"),), ((311, "Green"),)]


def test_a_value_whose_new_name_another_value_keeps_is_not_renamed_but_its_variants_move() -> None:
    merchants = shop_variant(600, sku="OWN", values=("Crimson", "Small"))
    color, size = shop().options
    has = replace(
        shop(),
        options=(replace(color, values=(*color.values, (313, "Crimson"))), size),
        variants=(*shop().variants, merchants),
    )
    product = renamed({"Red": "Crimson"})
    assert planned(product, has).changes == ()
    assert moved(product, has) == {500: ("Crimson", "Small"), 501: ("Crimson", "Large")}


def test_variants_that_staff_gave_one_value_get_their_own_back() -> None:
    has = with_shop_variant(shop(), "G", "S", values=("Red", "Medium"))
    has = with_shop_variant(has, "G", "L", values=("Red", "Large 2"))
    color, size = has.options
    has = replace(has, options=(replace(color, values=((311, "Red"),)), size))
    assert planned(wanted(), has).changes == ()
    assert {number: values[0] for number, values in moved(wanted(), has).items()} == {502: "Green", 503: "Green"}


def test_values_come_in_the_order_of_fo_and_merchants_own_after_them() -> None:
    color, size = shop().options
    has = replace(shop(), options=(replace(color, values=((313, "Gold"), (312, "Green"), (311, "Red"))), size))
    assert planned(wanted(), has).order == OptionOrder(((301, (311, 312, 313)), (302, (321, 322))))


def test_options_come_in_the_order_of_fo() -> None:
    color, size = shop().options
    has = replace(
        shop(),
        options=(size, color),
        variants=tuple(replace(each, values=each.values[::-1]) for each in shop().variants),
    )
    plan = planned(wanted(), has)
    assert plan.order == OptionOrder(((301, (311, 312)), (302, (321, 322))))
    assert plan.values[item("R", "S")] == (("Size", "Small"), ("Color", "Red"))
    assert moved(wanted(), has) == {}


def test_an_option_of_another_name_is_found_by_its_values() -> None:
    size, color = shop().options[::-1]
    has = replace(
        shop(),
        options=(replace(size, name="Taille"), replace(color, name="Couleur")),
        variants=tuple(replace(each, values=each.values[::-1]) for each in shop().variants),
    )
    plan = planned(wanted(), has)
    assert plan.changes == (OptionChange(301, "Color"), OptionChange(302, "Size"))
    assert moved(wanted(), has) == {}


def test_options_that_staff_own_give_new_variants_the_shops_words() -> None:
    color, size = shop().options
    has = replace(
        shop(),
        options=(replace(color, name="Shade", values=((311, "Rouge"), (312, "Green"))), size),
        variants=tuple(
            replace(each, values=("Rouge", each.values[1])) if each.values[0] == "Red" else each
            for each in shop().variants[:3]
        ),
    )
    product = wanted(options=(replace(wanted().options[0], values=tuple(COLORS.values())), wanted().options[1]))
    plan = planned(product, has, is_owned=False)
    assert (plan.changes, plan.order) == ((), None)
    assert plan.values[item("R", "L")] == (("Shade", "Rouge"), ("Size", "Large"))
    assert plan.values[item("G", "L")] == (("Shade", "Green"), ("Size", "Large"))


def test_a_new_value_has_the_text_of_fo() -> None:
    product = renamed({"Green": "Lime"})
    has = replace(shop(), variants=shop().variants[:2])
    assert planned(product, has).values[item("G", "S")][0] == ("Color", "Lime")


def test_a_product_without_options_has_shopifys_default_value() -> None:
    plan = planned(wanted_plain(), shop_plain())
    assert list(plan.values.values()) == [(("Title", "Default Title"),)]
    assert (plan.changes, plan.order) == ((), None)


ONE = ShopOption(301, "Color", ((311, "Red"),))


@pytest.mark.parametrize(
    ("product", "has", "told"),
    [
        (wanted(), shop_plain(), ("no options", "Color, Size")),
        (wanted_plain(), shop(), ("Color, Size", "no options")),
        (wanted(), replace(shop(), options=(ONE,)), ("Color", "Color, Size")),
        (
            wanted(
                options=(ProductOption("Title", "", ("Default Title",)),),
                variants=tuple(replace(each, values=("Default Title",)) for each in wanted().variants[:1]),
            ),
            shop_plain(),
            ("no options", "Title"),
        ),
    ],
)
def test_another_number_of_options_is_refused(product: WantedProduct, has: ShopProduct, told: tuple[str, str]) -> None:
    with pytest.raises(RefusedError) as refused:
        planned(product, has)
    assert refused.value.code == "PRODUCT_OPTIONS_UNLIKE"
    assert (refused.value.details["shop"], refused.value.details["fo"]) == told


def test_a_variant_whose_values_staff_changed_is_given_its_own() -> None:
    has = with_shop_variant(shop(), "R", "S", values=("Red", "Tiny"))
    color, size = has.options
    has = replace(has, options=(color, replace(size, values=(*size.values, (323, "Tiny")))))
    product = with_variant(wanted(), "R", "S", barcode=None)
    assert moved(product, has) == {500: ("Red", "Small")}


def test_after_a_change_the_options_have_their_new_names() -> None:
    after = with_change(shop(), OptionChange(301, "Colour", ((311, "Crimson"),)))
    assert after.options == (ShopOption(301, "Colour", ((311, "Crimson"), (312, "Green"))), shop().options[1])
    assert with_change(shop(), OptionChange(301, None, ((311, "Crimson"),))).options[0].name == "Color"


def test_all_items_have_values() -> None:
    assert set(planned(wanted(), shop()).values) == set(ITEMS)
