"""What a product is created with."""

from dataclasses import replace
from decimal import Decimal

import pytest
from builders.shop_products import LOCATIONS, POLICY, item, prices, wanted, wanted_plain, with_variant

from shared.errors import RefusedError
from shared.mapping.products.shop.creation import new_product
from shared.mapping.products.shop.given import Given
from shared.model import (
    ListedPrice,
    Metafield,
    NewOption,
    ProductFields,
    ProductImage,
    ProductStatus,
    VariantFields,
)

NAMES = {"de": {("ProductColorId", ""): "Farbe"}}
MATERIAL = Metafield("custom", "material", "single_line_text_field", "Nylon")


def test_a_product_is_created_as_a_draft_with_all_that_fo_says() -> None:
    product = wanted(
        description_html="<p>x</p>",
        vendor="Nordlys",
        product_type="Tents",
        category="gid://x",
        tags=("A", "a", "b, c"),
        metafields=(MATERIAL,),
        once=frozenset({"title", "tags"}),
    )
    new = new_product(product, prices(), POLICY)
    assert new is not None
    assert new.fields == ProductFields("Tent", "<p>x</p>", "Nordlys", "Tents", "gid://x", ProductStatus.DRAFT)
    assert new.options == (NewOption("Color", ("Red", "Green")), NewOption("Size", ("Small", "Large")))
    assert new.tags == ("A", "b c")
    own, given, material = new.metafields
    assert own == Metafield("$app", "item", "id", "TENT")
    assert Given.of_text(given.value) == Given(tags=frozenset({"A", "b c"}))
    assert material == MATERIAL
    assert [each.sku for each in new.variants] == ["TENT-RS", "TENT-RL", "TENT-GS", "TENT-GL"]
    assert new.variants[0] == VariantFields(
        values=(("Color", "Red"), ("Size", "Small")),
        sku="TENT-RS",
        price=Decimal("99.00"),
        denies_overselling=True,
        tracked=True,
        stocked_at=LOCATIONS,
    )


def test_a_variant_without_a_price_is_created_without_one() -> None:
    listed = prices(None) | {item("R", "S"): ListedPrice(Decimal(9), Decimal(12))}
    new = new_product(wanted(), listed, POLICY)
    assert new is not None
    assert [(each.price, each.compare_at) for each in new.variants[:2]] == [(9, 12), (None, None)]


def test_unapproved_variants_are_left_out_with_their_values() -> None:
    product = with_variant(with_variant(wanted(), "G", "S", is_approved=False), "G", "L", is_approved=False)
    new = new_product(product, prices(), POLICY)
    assert new is not None
    assert new.options == (NewOption("Color", ("Red",)), NewOption("Size", ("Small", "Large")))
    assert len(new.variants) == 2


def test_a_product_without_variants_has_shopifys_default_value() -> None:
    new = new_product(wanted_plain(), {}, POLICY)
    assert new is not None
    assert new.options == ()
    assert new.variants[0].values == (("Title", "Default Title"),)


def test_nothing_is_created_of_what_is_not_approved() -> None:
    assert new_product(wanted(is_approved=False), prices(), POLICY) is None
    none = replace(wanted(), variants=tuple(replace(each, is_approved=False) for each in wanted().variants))
    assert new_product(none, prices(), POLICY) is None


def test_what_is_given_once_after_the_creation_is_remembered() -> None:
    product = wanted(
        images=(ProductImage("main", "ab", "a.jpg", "image/jpeg"),),
        translations={"de": {"title": "Zelt"}},
        once=frozenset({"images", "translations", "options"}),
    )
    for each, open_ in [
        (product, {"images", "translations"}),
        (replace(product, once=frozenset({"images"})), {"images"}),
        (replace(product, images=(), translations={}), set()),
        (
            replace(product, translations={}, value_translations={"de": {("Color", ""): "Farbe"}}),
            {"images", "translations"},
        ),
    ]:
        new = new_product(each, prices(), POLICY)
        assert new is not None
        [given] = [field.value for field in new.metafields if field.key == "given"] or [""]
        assert Given.of_text(given).to_give == open_


def test_more_variants_than_the_shop_takes_are_refused() -> None:
    with pytest.raises(RefusedError, match="PRODUCT_VARIANTS_FULL"):
        new_product(wanted(), prices(), replace(POLICY, most_variants=3))
    assert new_product(wanted(), prices(), replace(POLICY, most_variants=4)) is not None


def test_as_many_variants_are_created_at_once_as_shopify_takes_stock_figures() -> None:
    policy = replace(POLICY, locations=tuple(range(1, 20_001)))
    new = new_product(wanted(), prices(), policy)
    assert new is not None
    assert len(new.variants) == 2
    assert new.options[0].values == ("Red",)
