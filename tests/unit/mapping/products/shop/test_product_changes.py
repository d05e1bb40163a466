"""What is written to a product that the shop has."""

from dataclasses import replace
from decimal import Decimal

import pytest
from builders.shop_products import (
    LOCATIONS,
    POLICY,
    item,
    prices,
    remembering,
    shop,
    shop_plain,
    shop_variant,
    wanted,
    wanted_plain,
    with_shop_variant,
    with_variant,
    without_shop_variant,
)

from shared.mapping.products.shop.changes import ProductChanges, plan_changes, stored_texts
from shared.mapping.products.shop.given import Given, GivenText, Withheld, digest_of
from shared.mapping.products.shop.matching import match_shop_variants
from shared.mapping.products.shop.policy import ShopPolicy
from shared.model import (
    Item,
    ListedPrice,
    Metafield,
    ProductFields,
    ProductStatus,
    ShopProduct,
    VariantFields,
    VariantPrices,
    WantedProduct,
    Weight,
)


def planned(
    product: WantedProduct,
    has: ShopProduct,
    listed: VariantPrices | None = None,
    policy: ShopPolicy = POLICY,
    known: dict[Item, int] | None = None,
) -> ProductChanges:
    match = match_shop_variants(product, has, known or {})
    return plan_changes(product, has, match, prices() if listed is None else listed, policy)


def written(changes: ProductChanges) -> bool:
    return changes != replace(ProductChanges(changes.before), after=changes.after, options=changes.options) or bool(
        changes.options.changes or changes.options.order
    )


def test_an_equal_product_is_left_alone() -> None:
    changes = planned(wanted(), shop())
    assert not written(changes)
    assert changes.before == changes.after == Given()
    assert not written(planned(wanted_plain(), shop_plain()))


ALL_TEXTS = {"title": "Tent 2", "description_html": "<p>x</p>", "vendor": "Nordlys", "product_type": "Tents"}


@pytest.mark.parametrize("name", ALL_TEXTS)
def test_a_changed_text_is_sent_alone(name: str) -> None:
    product = wanted(**{name: ALL_TEXTS[name]})
    assert planned(product, shop()).fields == ProductFields(**{name: ALL_TEXTS[name]})
    assert planned(product, shop(**{name: ALL_TEXTS[name]})).fields is None


def test_a_merchants_text_is_never_sent() -> None:
    assert planned(wanted(title=None), shop(title="By hand")).fields is None
    assert planned(wanted(once=frozenset({"title"})), shop(title="By hand")).fields is None
    assert planned(wanted(category="gid://x", once=frozenset({"category"})), shop()).fields is None


def test_a_category_is_sent() -> None:
    assert planned(wanted(category="gid://x"), shop()).fields == ProductFields(category="gid://x")
    assert planned(wanted(category="gid://x"), shop(category="gid://x")).fields is None


def test_a_text_that_shopify_stores_in_another_form_is_not_sent_again() -> None:
    sent = ProductFields(title="Tent", description_html="<p>a</p><p>b</p>")
    given = stored_texts(sent, ProductFields(title="Tent", description_html="<p>a</p>\n<p>b</p>"), Given())
    assert list(given.texts) == ["description"]
    has = shop(description_html="<p>a</p>\n<p>b</p>", given=given.text)
    product = wanted(description_html="<p>a</p><p>b</p>")
    assert planned(product, has).fields is None
    assert planned(replace(product, description_html="<p>c</p>"), has).fields == ProductFields(
        description_html="<p>c</p>"
    )
    by_hand = replace(has, description_html="By hand")
    assert planned(product, by_hand).fields == ProductFields(description_html="<p>a</p><p>b</p>")


def test_a_text_that_is_stored_as_it_was_sent_is_not_remembered() -> None:
    before = Given(texts={"title": GivenText(digest_of("a"), digest_of("b")), "vendor": GivenText("1", "2")})
    sent = ProductFields(title="Tent")
    assert list(stored_texts(sent, sent, before).texts) == ["vendor"]


def test_the_id_is_written_to_an_adopted_product() -> None:
    [own] = planned(wanted(), shop(item_number=None)).metafields
    assert own == Metafield("$app", "item", "id", "TENT")


def test_metafields_are_sent_unless_they_are_given_once() -> None:
    field = Metafield("custom", "material", "single_line_text_field", "Nylon")
    assert planned(wanted(metafields=(field,)), shop()).metafields == (field,)
    assert planned(wanted(metafields=(field,)), shop(metafields=(field,))).metafields == ()
    assert planned(wanted(metafields=(field,), once=frozenset({"metafields"})), shop()).metafields == ()


def test_only_tags_of_fo_come_and_go() -> None:
    has = remembering(shop(tags=("Own", "old", "SUMMER")), tags=frozenset({"Old", "Gone", "Summer"}))
    changes = planned(wanted(tags=("Summer", "New, er")), has)
    assert (changes.new_tags, changes.old_tags) == (("New er",), ("old",))
    assert changes.before.tags == {"Old", "Gone", "Summer", "New er"}
    assert changes.after.tags == {"Summer", "New er"}


def test_a_tag_that_the_merchant_gave_before_fo_stays_the_merchants() -> None:
    first = planned(wanted(tags=("Sale", "New")), shop(tags=("SALE",)))
    assert (first.new_tags, first.after.tags) == (("New",), {"New"})
    later = planned(wanted(tags=()), shop(tags=("SALE", "New"), given=first.after.text))
    assert later.old_tags == ("New",)


def test_tags_that_are_given_once_stay_as_they_are() -> None:
    has = remembering(shop(tags=("Own",)), tags=frozenset({"Old"}))
    changes = planned(wanted(tags=("New",), once=frozenset({"tags"})), has)
    assert (changes.new_tags, changes.old_tags, changes.after.tags) == ((), (), {"Old"})


def test_differing_fields_of_a_variant_are_sent_alone() -> None:
    product = with_variant(
        wanted(),
        "R",
        "L",
        barcode="4001",
        weight=Weight(Decimal("1.5"), "KILOGRAMS"),
        hs_code="6306.22",
        origin_country="NO",
        origin_province="03",
        cost=Decimal("40.5"),
        tracked=True,
        requires_shipping=False,
        metafields=(Metafield("custom", "fit", "single_line_text_field", "Slim"),),
    )
    [update] = planned(product, shop()).updates
    assert update == VariantFields(
        id=501,
        barcode="4001",
        weight=Weight(Decimal("1.5"), "KILOGRAMS"),
        hs_code="6306.22",
        origin_country="NO",
        origin_province="03",
        cost=Decimal("40.5"),
        requires_shipping=False,
        metafields=(Metafield("custom", "fit", "single_line_text_field", "Slim"),),
    )
    same = with_shop_variant(
        shop(),
        "R",
        "L",
        barcode="4001",
        weight=Weight(Decimal("1.50"), "KILOGRAMS"),
        hs_code="630622",
        origin_country="NO",
        origin_province="03",
        cost=Decimal("40.50"),
        requires_shipping=False,
        metafields=(Metafield("custom", "fit", "single_line_text_field", "Slim"),),
    )
    assert planned(product, same).updates == ()


FIELDS_ONCE = {
    "barcode": {"barcode": "4001"},
    "weight": {"weight": Weight(Decimal(2), "GRAMS")},
    "hs_code": {"hs_code": "630622"},
    "origin": {"origin_country": "NO", "origin_province": "03"},
    "cost": {"cost": Decimal(4)},
    "tracked": {"tracked": False},
    "requires_shipping": {"requires_shipping": False},
    "metafields": {"metafields": (Metafield("custom", "fit", "single_line_text_field", "Slim"),)},
    "tax_code": {"tax_code": "P0000000"},
}


@pytest.mark.parametrize("name", FIELDS_ONCE)
def test_a_variants_field_that_is_given_once_is_not_sent_again(name: str) -> None:
    product = with_variant(wanted(), "R", "L", **FIELDS_ONCE[name])
    assert len(planned(product, shop()).updates) == 1
    assert planned(replace(product, once=frozenset({name})), shop()).updates == ()


def test_a_province_is_sent_with_its_country() -> None:
    product = with_variant(wanted(), "R", "L", origin_country="CA", origin_province="QC")
    has = with_shop_variant(shop(), "R", "L", origin_country="CA", origin_province="ON")
    assert planned(product, has).updates == (VariantFields(id=501, origin_country="CA", origin_province="QC"),)
    assert planned(product, with_shop_variant(has, "R", "L", origin_province="QC")).updates == ()


def test_a_changed_sku_is_set_back() -> None:
    has = with_shop_variant(shop(), "R", "L", sku="BY-HAND")
    assert planned(wanted(), has).updates == (VariantFields(id=501, sku="TENT-RL"),)


def test_a_price_is_set_only_where_the_shop_has_none() -> None:
    has = with_shop_variant(shop(), "R", "S", price=Decimal("0.0"))
    listed = prices() | {item("R", "S"): ListedPrice(Decimal(99), Decimal(120))}
    changes = planned(wanted(), has, listed)
    assert changes.updates == (VariantFields(id=500, price=Decimal(99), compare_at=Decimal(120)),)
    assert planned(wanted(), has, prices(None)).updates == ()
    assert planned(wanted(), has, prices("0.00")).updates == ()
    assert planned(wanted(), shop(), prices("1.00")).updates == ()


def test_tax_codes_are_sent_when_they_are_others_than_those_given() -> None:
    product = with_variant(wanted(), "R", "S", tax_code="P1")
    changes = planned(product, shop())
    assert changes.updates == (VariantFields(id=500, tax_code="P1"),)
    assert changes.before.tax_codes != changes.after.tax_codes
    assert planned(product, shop(given=changes.after.text)).updates == ()


def test_a_variant_that_leaves_the_rule_stays_and_cannot_be_bought() -> None:
    has = with_shop_variant(shop(), "R", "S", denies_overselling=False, tracked=False)
    product = with_variant(wanted(), "R", "S", is_approved=False, tracked=False)
    changes = planned(product, has)
    assert changes.updates == (VariantFields(id=500, denies_overselling=True, tracked=True),)
    assert changes.before.withheld == {500: Withheld(sold_beyond_stock=True, tracked=False)}
    assert changes.after == changes.before
    kept = with_shop_variant(shop(given=changes.after.text), "R", "S", tracked=True)
    assert planned(product, kept).updates == ()
    assert planned(product, kept).after == changes.after


def test_a_variant_that_comes_back_is_sold_as_before() -> None:
    given = Given(withheld={500: Withheld(sold_beyond_stock=True, tracked=False)})
    changes = planned(wanted(), shop(given=given.text))
    assert changes.updates == (VariantFields(id=500, denies_overselling=False, tracked=False),)
    assert (changes.before.withheld, changes.after.withheld) == (given.withheld, {})
    counted = planned(with_variant(wanted(), "R", "S", tracked=True), shop(given=given.text))
    assert counted.updates == (VariantFields(id=500, denies_overselling=False),)


def test_an_unsold_variant_that_cannot_be_bought_anyway_is_left_alone() -> None:
    changes = planned(with_variant(wanted(), "R", "S", is_approved=False), shop())
    assert (changes.updates, changes.before, changes.after) == ((), Given(), Given())


def test_variants_of_items_that_are_gone_are_withheld_and_merchants_own_stay() -> None:
    own = shop_variant(600, sku="OWN", values=("Gold", "Small"), denies_overselling=False)
    has = replace(with_shop_variant(shop(), "G", "L", denies_overselling=False))
    has = replace(has, variants=(*has.variants, own))
    product = replace(wanted(), variants=wanted().variants[:3])
    changes = planned(product, has, known={item("G", "L"): 503})
    assert [each.id for each in changes.updates] == [503]
    assert planned(product, has).updates == ()


def test_a_variant_of_an_adopted_product_that_is_not_sold_cannot_be_bought() -> None:
    has = with_shop_variant(shop(item_number=None), "G", "L", denies_overselling=False)
    product = replace(wanted(), variants=wanted().variants[:3], unsold={"TENT-GL": item("G", "L")})
    changes = planned(product, has)
    assert changes.updates == (VariantFields(id=503, denies_overselling=True),)
    assert changes.after.withheld == {503: Withheld(sold_beyond_stock=True, tracked=True)}
    assert planned(product, has, policy=replace(POLICY, delete_variants=True)).deletions == (503,)
    assert [each.id for each in planned(replace(product, is_approved=False), has).updates] == [503]


def test_a_variant_that_is_sold_and_cannot_be_shown_stays_as_it_is() -> None:
    has = with_shop_variant(shop(), "G", "L", denies_overselling=False, tracked=False)
    product = replace(wanted(), variants=wanted().variants[:3], kept=frozenset({item("G", "L")}))
    known = {item("G", "L"): 503}
    assert not written(planned(product, has, known=known))
    assert not written(planned(product, has, known=known, policy=replace(POLICY, delete_variants=True)))


def test_unsold_variants_are_deleted_by_rule_but_never_the_last_one() -> None:
    policy = replace(POLICY, delete_variants=True)
    given = Given(withheld={500: Withheld(sold_beyond_stock=True, tracked=True)})
    product = with_variant(wanted(), "R", "S", is_approved=False)
    changes = planned(product, shop(given=given.text), policy=policy)
    assert (changes.deletions, changes.updates, changes.after.withheld) == ((500,), (), {})
    none = replace(wanted(), variants=tuple(replace(each, is_approved=False) for each in wanted().variants))
    assert planned(none, shop(), policy=policy).deletions == ()


def test_a_new_variant_of_a_visible_product_needs_a_price() -> None:
    has = without_shop_variant(shop(), "R", "S")
    changes = planned(wanted(), has, prices(None))
    assert changes.new_variants == {}
    assert [(each.code, each.details["skus"]) for each in changes.problems] == [
        ("PRODUCT_VARIANT_WITHOUT_PRICE", "TENT-RS")
    ]
    assert planned(wanted(), has, prices("0.00")).new_variants == {}
    changes = planned(wanted(), has)
    assert changes.problems == ()
    assert changes.new_variants == {
        item("R", "S"): VariantFields(
            values=(("Color", "Red"), ("Size", "Small")),
            sku="TENT-RS",
            price=Decimal("99.00"),
            denies_overselling=True,
            tracked=True,
            stocked_at=LOCATIONS,
        )
    }


@pytest.mark.parametrize("status", [ProductStatus.DRAFT, ProductStatus.ARCHIVED])
def test_a_new_variant_of_a_draft_needs_no_price(status: ProductStatus) -> None:
    has = replace(without_shop_variant(shop(), "R", "S"), status=status)
    [new] = planned(wanted(), has, prices(None)).new_variants.values()
    assert new.price is None


def test_a_new_variant_may_have_no_price_by_rule() -> None:
    has = without_shop_variant(shop(status=ProductStatus.UNLISTED), "R", "S")
    assert planned(wanted(), has, prices(None)).new_variants == {}
    assert planned(wanted(), has, prices(None), replace(POLICY, visible_at_zero=True)).new_variants


def test_a_service_is_not_stocked() -> None:
    has = without_shop_variant(shop(), "R", "S")
    [new] = planned(with_variant(wanted(), "R", "S", tracked=False), has).new_variants.values()
    assert (new.tracked, new.stocked_at) == (False, ())


def test_a_new_variant_has_the_fields_that_are_given_once() -> None:
    has = without_shop_variant(shop(), "R", "S")
    product = with_variant(wanted(once=frozenset({"barcode"})), "R", "S", barcode="4001")
    [new] = planned(product, has).new_variants.values()
    assert new.barcode == "4001"


def test_a_variant_that_was_deleted_by_hand_is_created_again_and_told() -> None:
    has = without_shop_variant(shop(), "R", "S")
    changes = planned(wanted(), has, known={item("R", "S"): 500})
    assert set(changes.new_variants) == {item("R", "S")}
    assert [(each.code, each.details["skus"]) for each in changes.problems] == [("PRODUCT_VARIANT_DELETED", "TENT-RS")]


def test_a_new_variant_whose_values_a_merchants_variant_has_is_told_and_not_created() -> None:
    known = {item("R", "L"): 501}
    has = with_shop_variant(shop(), "R", "S", sku="OWN", values=("RED", "Small"))
    changes = planned(wanted(), has, known=known)
    assert changes.new_variants == {}
    assert [(each.code, each.details["skus"]) for each in changes.problems] == [("PRODUCT_VARIANT_TAKEN", "TENT-RS")]
    given_its_sku = with_shop_variant(shop(), "R", "S", values=("RED", "Small"))
    assert planned(wanted(), given_its_sku, known=known).problems == ()


def test_more_variants_than_the_shop_takes_are_told_and_the_rest_is_written() -> None:
    has = without_shop_variant(shop(title="Old"), "R", "S")
    changes = planned(wanted(), has, policy=replace(POLICY, most_variants=3))
    assert changes.new_variants == {}
    assert changes.fields == ProductFields(title="Tent")
    [problem] = changes.problems
    assert (problem.code, problem.details["has"], problem.details["limit"]) == ("PRODUCT_VARIANTS_FULL", "3", "3")
    assert planned(wanted(), has, policy=replace(POLICY, most_variants=4)).new_variants


def test_a_product_that_left_the_rule_is_not_described_any_more_and_cannot_be_bought() -> None:
    has = with_shop_variant(shop(title="Old", options=()), "R", "S", denies_overselling=False)
    changes = planned(wanted(is_approved=False), has)
    assert changes.fields is None
    assert changes.updates == (VariantFields(id=500, denies_overselling=True),)
    assert changes.after.withheld == {500: Withheld(sold_beyond_stock=True, tracked=True)}


def test_the_product_is_read_again_only_where_ids_or_prices_are_new() -> None:
    assert not planned(wanted(title="New"), shop()).needs_reading
    assert not planned(with_variant(wanted(), "R", "S", barcode="4001"), shop()).needs_reading
    assert planned(wanted(), without_shop_variant(shop(), "R", "S")).needs_reading
    assert planned(wanted(), with_shop_variant(shop(), "R", "S", values=("Red", "Tiny"))).needs_reading
    assert planned(wanted(), with_shop_variant(shop(), "R", "S", price=Decimal(0))).needs_reading
    off = with_variant(wanted(), "R", "S", is_approved=False)
    assert planned(off, shop(), policy=replace(POLICY, delete_variants=True)).needs_reading


def test_what_would_be_written_is_named() -> None:
    assert planned(wanted(), shop(item_number=None)).differing == ()
    product = with_variant(
        wanted(title="New", tags=("A",), metafields=(Metafield("custom", "x", "boolean", "true"),)),
        "R",
        "S",
        barcode="4001",
    )
    product = replace(product, options=(replace(product.options[0], name="Colour"), product.options[1]))
    has = with_shop_variant(without_shop_variant(shop(), "G", "L"), "R", "L", sku="X")
    assert planned(product, has).differing == (
        "title",
        "options",
        "tags",
        "metafields",
        "new variants",
        "barcode of variants",
        "sku of variants",
    )
