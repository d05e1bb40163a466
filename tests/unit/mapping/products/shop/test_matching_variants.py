"""Which variant of the shop is which item of F&O."""

from dataclasses import replace

import pytest
from builders.shop_products import (
    ITEMS,
    item,
    shop,
    shop_plain,
    shop_variant,
    wanted,
    wanted_plain,
    wanted_variant,
    with_shop_variant,
    with_variant,
    without_shop_variant,
)

from shared.errors import RefusedError
from shared.mapping.products.shop.matching import match_shop_variants
from shared.model import Item


def test_variants_are_found_by_their_skus() -> None:
    match = match_shop_variants(wanted(), shop(), {})
    assert match.ids == dict(zip(ITEMS, [500, 501, 502, 503], strict=True))
    assert (match.missing, match.deleted, match.left) == ((), frozenset(), ())


def test_a_known_variant_is_found_by_its_id_whatever_its_sku_and_values_are_now() -> None:
    has = with_shop_variant(shop(), "R", "S", sku="TENT-RL", values=("Pink", "Tiny"))
    has = with_shop_variant(has, "R", "L", sku="OTHER")
    match = match_shop_variants(wanted(), has, {item("R", "S"): 500, item("R", "L"): 501})
    assert match.ids[item("R", "S")] == 500
    assert match.ids[item("R", "L")] == 501


def test_a_variant_with_another_sku_is_found_by_its_barcode_then_by_its_values() -> None:
    has = with_shop_variant(shop(), "R", "S", sku="A", values=("Pink", "Tiny"), barcode="4001")
    has = with_shop_variant(has, "R", "L", sku="", values=("Large", "RED "))
    match = match_shop_variants(with_variant(wanted(), "R", "S", barcode="4001"), has, {})
    assert match.ids[item("R", "S")] == 500
    assert match.ids[item("R", "L")] == 501


def test_in_a_known_product_a_variant_with_another_sku_is_the_merchants() -> None:
    product = with_variant(wanted(), "R", "S", barcode="4001")
    known = dict(zip(ITEMS[1:], [501, 502, 503], strict=True))
    has = with_shop_variant(shop(), "R", "S", sku="OWN", barcode="4001")
    match = match_shop_variants(product, has, known)
    assert [each.item for each in match.missing] == [item("R", "S")]
    assert match_shop_variants(product, with_shop_variant(shop(), "R", "S", sku=""), known).missing == ()


def test_two_variants_with_the_sku_that_is_looked_for_are_refused_by_name() -> None:
    has = with_shop_variant(shop(), "G", "L", sku="TENT-RS")
    with pytest.raises(RefusedError) as refused:
        match_shop_variants(wanted(), has, {})
    assert refused.value.code == "PRODUCT_AMBIGUOUS"
    assert refused.value.details["key"] == "TENT-RS"
    assert refused.value.details["places"] == "variant 500 of product 42 and variant 503 of product 42"


def test_two_variants_with_one_sku_do_not_matter_where_the_ids_are_known() -> None:
    has = with_shop_variant(shop(), "G", "L", sku="TENT-RS")
    known = dict(zip(ITEMS, [500, 501, 502, 503], strict=True))
    assert match_shop_variants(wanted(), has, known).ids == known


def test_two_variants_with_one_barcode_are_told_apart_by_their_values() -> None:
    has = shop(variants=tuple(replace(each, sku="", barcode="4001") for each in shop().variants))
    product = replace(wanted(), variants=tuple(replace(each, barcode="4001") for each in wanted().variants))
    assert match_shop_variants(product, has, {}).ids == dict(zip(ITEMS, [500, 501, 502, 503], strict=True))


def test_approved_variants_that_the_shop_lacks_are_missing_and_known_ones_were_deleted() -> None:
    has = without_shop_variant(without_shop_variant(shop(), "R", "S"), "G", "L")
    match = match_shop_variants(with_variant(wanted(), "G", "L", is_approved=False), has, {item("R", "S"): 500})
    assert [each.item for each in match.missing] == [item("R", "S")]
    assert match.deleted == {item("R", "S")}
    assert match_shop_variants(wanted(), has, {}).deleted == frozenset()


def test_variants_of_items_that_fo_does_not_list_any_more_are_left_and_merchants_own_are_not() -> None:
    has = replace(shop(), variants=(*shop().variants, shop_variant(600, sku="OWN", values=("Gold", "Small"))))
    product = replace(wanted(), variants=wanted().variants[:3])
    match = match_shop_variants(product, has, {item("G", "L"): 503, Item("TENT", color="X"): 999})
    assert [each.id for each in match.left] == [503]


def test_a_left_variant_is_taken_by_the_item_that_has_its_place_now() -> None:
    renumbered = replace(wanted_variant("R", "S"), item=item("R2", "S"), sku="TENT-R2S")
    product = replace(wanted(), variants=(renumbered, *wanted().variants[1:]))
    match = match_shop_variants(product, shop(), {item("R", "S"): 500})
    assert match.ids[item("R2", "S")] == 500
    assert match.left == ()


def test_variants_of_items_that_are_not_sold_are_found_by_their_skus() -> None:
    product = replace(wanted(), variants=wanted().variants[:3], unsold={"TENT-GL": item("G", "L")})
    assert match_shop_variants(product, shop(), {}).ids == dict(zip(ITEMS, [500, 501, 502, 503], strict=True))
    twice = replace(shop(), variants=(*shop().variants, shop_variant(600, sku="TENT-GL", values=("Gold", "Small"))))
    match = match_shop_variants(product, twice, {})
    assert (match.ids[item("G", "L")], [each.id for each in match.left]) == (503, [600])
    known = {item("R", "S"): 503}
    assert item("G", "L") not in match_shop_variants(product, shop(), known).ids
    assert match_shop_variants(replace(product, unsold={}), shop(), {}).left == ()


def test_a_variant_that_is_kept_is_neither_left_nor_another_items() -> None:
    renumbered = replace(wanted_variant("R", "S"), item=item("R2", "S"), sku="TENT-R2S")
    product = replace(wanted(), variants=(renumbered, *wanted().variants[1:]), kept=frozenset({item("R", "S")}))
    match = match_shop_variants(product, shop(), {item("R", "S"): 500})
    assert match.left == ()
    assert [each.item for each in match.missing] == [item("R2", "S")]


def test_the_only_variant_of_a_product_without_options_is_found_whatever_its_sku() -> None:
    has = replace(shop_plain(), variants=(shop_variant(500, sku="OLD"),))
    assert match_shop_variants(wanted_plain(), has, {}).ids == {Item("MAP"): 500}
