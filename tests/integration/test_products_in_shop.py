"""One product of the shop is brought in line with F&O, over the wire of the simulated Admin API."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from builders.shop_products import (
    ITEMS,
    item,
    prices,
    sku,
    wanted,
    wanted_plain,
    wanted_variant,
    with_variant,
)
from builders.shop_side import LOCATIONS, ONLINE_STORE, ShopSide, shop_in_process, with_policy

from local.shopify.faults import Fault, FaultKind
from shared.errors import ThrottledError
from shared.model import Item, ListedPrice, Metafield, ProductOption, ShopState, WantedProduct, WantedVariant, Weight

READ = {"ProductRead": 1}


@pytest.fixture
async def side() -> AsyncIterator[ShopSide]:
    async with shop_in_process() as one:
        yield one


def codes(result: Any) -> list[str]:
    return [problem.code for problem in result.problems]


FULL = replace(
    wanted(
        description_html="<p>Two rooms.</p>",
        vendor="Nordlys",
        product_type="Tents",
        tags=("Summer", "Camp"),
        metafields=(Metafield("custom", "material", "single_line_text_field", "Nylon"),),
    ),
    variants=tuple(
        replace(
            each,
            barcode=f"400{number}",
            weight=Weight(Decimal("2.5"), "KILOGRAMS"),
            hs_code="6306.22",
            origin_country="NO",
            cost=Decimal("40.5"),
            tracked=True,
            requires_shipping=True,
            tax_code="P0000000",
            metafields=(Metafield("$app:fo", "unit", "single_line_text_field", "pcs"),),
        )
        for number, each in enumerate(wanted().variants)
    ),
)


async def test_what_is_stopped_cannot_be_bought_where_the_rest_of_the_product_cannot_be_written(side: ShopSide) -> None:
    """Also where a master of F&O becomes a product without variants, of which the shop's variants are none."""
    first = await side.converge(wanted(), prices())
    for each in ("TENT-RS", "TENT-GL"):
        side.edit_variant(first, each, inventory_policy="CONTINUE")
    plain = wanted_plain(item_number="TENT", variants=(WantedVariant(item=Item("TENT"), sku="TENT"),))
    result = await side.converge(replace(plain, kept=frozenset({item("R", "S")})), prices())
    assert (result.state, [each.code for each in result.problems]) == (ShopState.REFUSED, ["PRODUCT_OPTIONS_UNLIKE"])
    policies = {each.sku: each.inventory_policy for each in side.product(first).variants}
    assert policies == {"TENT-RS": "CONTINUE"} | dict.fromkeys(("TENT-RL", "TENT-GS", "TENT-GL"), "DENY")
    assert side.product(first).title == "Tent"


async def test_a_product_that_is_not_the_apps_and_cannot_be_taken_over_is_left_alone(side: ShopSide) -> None:
    number = side.add(title="My tent", sku="TENT-RS", price="9.00")
    side.edit_variant(number, "TENT-RS", inventory_policy="CONTINUE")
    before = side.product(number).updated_at
    product = replace(wanted(), variants=wanted().variants[1:], unsold={"TENT-RS": item("R", "S")})
    result = await side.converge(product, prices())
    assert [each.code for each in result.problems] == ["PRODUCT_OPTIONS_UNLIKE"]
    assert side.product(number).updated_at == before


async def test_a_new_product_is_created_as_a_draft_and_shown_when_all_prices_are_there(side: ShopSide) -> None:
    result = await side.converge(FULL, prices())
    assert (result.state, result.problems) == (ShopState.ACTIVE, ())
    assert side.calls == {
        "ProductByItem": 1,
        "ProductSearch": 2,
        "ProductSet": 1,
        "ProductUpdate": 1,
        "ProductPublish": 1,
    }
    document = side.document(result)
    assert document["status"] == "ACTIVE"
    assert document["publications"] == [ONLINE_STORE]
    assert document["title"] == "Tent"
    assert document["tags"] == ["Camp", "Summer"]
    assert document["options"] == {"Color": ["Red", "Green"], "Size": ["Small", "Large"]}
    assert document["metafields"]["custom.material"] == "Nylon"
    first = document["variants"][0]
    assert {name: first[name] for name in ("sku", "barcode", "price", "cost", "tracked", "inventory_policy")} == {
        "sku": "TENT-RS",
        "barcode": "4000",
        "price": "99.00",
        "cost": "40.5",
        "tracked": True,
        "inventory_policy": "DENY",
    }
    assert (first["weight"], first["weight_unit"], first["harmonized_system_code"]) == ("2.5", "KILOGRAMS", "630622")
    assert first["country_code_of_origin"] == "NO"
    assert side.stocked(result) == {sku(*pair): dict.fromkeys(LOCATIONS, 0) for pair in PAIRS}
    assert set(result.variants) == set(ITEMS)


PAIRS = [("R", "S"), ("R", "L"), ("G", "S"), ("G", "L")]


async def test_what_is_as_it_should_be_costs_one_reading(side: ShopSide) -> None:
    for product, listed in [(FULL, prices()), (wanted_plain(), {Item("MAP"): ListedPrice(Decimal(9))})]:
        await side.converge(product, listed)
        assert (await side.converge(product, listed)).state is ShopState.ACTIVE
        assert side.calls == READ
        side.known.clear()
        assert (await side.converge(product, listed)).state is ShopState.ACTIVE
        assert side.calls == {"ProductByItem": 1}


CHANGES: dict[str, tuple[WantedProduct, dict[str, int]]] = {
    "title": (replace(FULL, title="Tent 2"), {"ProductUpdate": 1}),
    "texts": (replace(FULL, title="Tent 2", vendor="V", description_html="<p>b</p>"), {"ProductUpdate": 1}),
    "new tag": (replace(FULL, tags=(*FULL.tags, "New")), {"ProductMetafields": 1, "ProductTagsAdd": 1}),
    "old tag": (replace(FULL, tags=("Camp",)), {"ProductMetafields": 1, "ProductTagsRemove": 1}),
    "metafield": (
        replace(FULL, metafields=(Metafield("custom", "material", "single_line_text_field", "Wool"),)),
        {"ProductMetafields": 1},
    ),
    "barcode": (with_variant(FULL, "R", "S", barcode="5000"), {"ProductVariantsUpdate": 1}),
    "all variants": (
        replace(FULL, variants=tuple(replace(each, cost=Decimal(41)) for each in FULL.variants)),
        {"ProductVariantsUpdate": 1},
    ),
    "tax code": (
        with_variant(FULL, "R", "S", tax_code="P1"),
        {"ProductVariantsUpdate": 1, "ProductMetafields": 1},
    ),
    "variant metafield": (
        with_variant(FULL, "R", "S", metafields=(Metafield("$app:fo", "unit", "single_line_text_field", "box"),)),
        {"ProductVariantsUpdate": 1},
    ),
    "option": (
        replace(FULL, options=(replace(FULL.options[0], name="Colour"), FULL.options[1])),
        {"ProductOptionUpdate": 1},
    ),
    "order": (
        replace(FULL, options=(replace(FULL.options[0], values=("Green", "Red"), ids=("G", "R")), FULL.options[1])),
        {"ProductOptionsReorder": 1},
    ),
    "unsold variant": (
        with_variant(FULL, "R", "S", is_approved=False),
        {},
    ),
    "left the rule": (replace(FULL, is_approved=False), {"ProductUnpublish": 1}),
}


@pytest.mark.parametrize("name", CHANGES)
async def test_a_change_costs_one_reading_and_its_own_writes(side: ShopSide, name: str) -> None:
    product, writes = CHANGES[name]
    first = await side.converge(FULL, prices())
    before = side.document(first)
    result = await side.converge(product, prices())
    assert result.problems == ()
    assert side.calls == READ | writes
    assert (side.document(result) != before) == bool(writes)
    await side.converge(product, prices())
    assert side.calls == READ


async def test_a_product_without_prices_waits_as_a_draft_until_it_has_them(side: ShopSide) -> None:
    result = await side.converge(FULL, prices(None))
    assert (result.state, codes(result)) == (ShopState.WAITING, ["PRODUCT_WITHOUT_PRICE"])
    assert side.product(result).status == "DRAFT"
    assert side.product(result).publications == {}
    some = prices(None) | {item("R", "S"): ListedPrice(Decimal(99))}
    result = await side.converge(FULL, some)
    [problem] = result.problems
    assert problem.details["skus"] == "TENT-RL, TENT-GS, TENT-GL"
    result = await side.converge(FULL, prices())
    assert (result.state, result.problems) == (ShopState.ACTIVE, ())
    assert side.calls == {"ProductRead": 2, "ProductVariantsUpdate": 1, "ProductUpdate": 1, "ProductPublish": 1}
    assert {variant.price for variant in side.product(result).variants} == {Decimal("99.00")}


async def test_prices_that_the_flow_of_prices_wrote_show_the_product(side: ShopSide) -> None:
    result = await side.converge(FULL, prices(None))
    for pair in PAIRS:
        side.edit_variant(result, sku(*pair), price="5.00")
    assert (await side.converge(FULL, prices(None))).state is ShopState.ACTIVE


async def test_with_the_flow_of_prices_off_it_stays_a_draft(side: ShopSide) -> None:
    result = await side.converge(FULL, prices(None), with_policy(side, has_prices=False))
    assert (result.state, codes(result)) == (ShopState.WAITING, ["PRODUCT_PRICES_OFF"])


async def test_by_rule_a_product_may_be_seen_without_a_price(side: ShopSide) -> None:
    result = await side.converge(FULL, prices(None), with_policy(side, visible_at_zero=True))
    assert (result.state, side.product(result).status) == (ShopState.ACTIVE, "ACTIVE")


async def test_what_merchants_own_is_never_touched(side: ShopSide) -> None:
    product = replace(FULL, title=None, vendor=None, once=frozenset({"description", "barcode"}))
    product = replace(product, title="Tent", once=product.once | {"title"})
    result = await side.converge(product, prices())
    side.edit(
        result,
        title="By hand",
        description_html="<p>By hand</p>",
        vendor="Own",
        tags=["Camp", "Summer", "Own"],
        seo_title="SEO",
        publications=["Online Store", "Point of Sale"],
    )
    side.edit_variant(result, "TENT-RS", barcode="own", price="50.00", compare_at_price="60.00", taxable=False)
    side.add_variant(result, values={"Color": "Gold", "Size": "Small"}, sku="OWN", price="1.00")
    before = side.document(result)
    await side.converge(product, prices())
    assert side.document(result) == before
    changed = replace(product, tags=("Camp", "New"), product_type="Sold")
    await side.converge(changed, prices())
    after = side.document(result)
    assert after["tags"] == ["Camp", "New", "Own"]
    assert after["product_type"] == "Sold"
    for each in (before, after):
        for name in ("tags", "product_type", "metafields", "options"):
            each.pop(name)
    assert after == before


async def test_owned_fields_that_were_changed_by_hand_are_set_back(side: ShopSide) -> None:
    result = await side.converge(FULL, prices())
    before = side.document(result)
    side.edit(result, title="By hand", description_html="", vendor="Own", product_type="", tags=["camp"])
    side.edit_variant(result, "TENT-RS", barcode="own", weight="1", cost="1", tracked=False)
    side.edit_variant(result, "TENT-RL", sku="OTHER", country_code_of_origin="DE", harmonized_system_code="000000")
    side.rename(result, "Color", rename="Shade", values={"Red": "Pink"})
    side.edit(result, status="DRAFT", publications=[])
    assert (await side.converge(FULL, prices())).problems == ()
    after = side.document(result)
    after["tags"] = sorted(tag.title() for tag in after["tags"])
    assert after == before


async def test_a_renamed_value_keeps_its_variants(side: ShopSide) -> None:
    first = await side.converge(FULL, prices())
    side.add_variant(first, values={"Color": "Red", "Size": "Own size"}, sku="OWN", price="1.00")
    color, size = FULL.options
    product = replace(
        FULL,
        options=(replace(color, values=("Crimson", "Green")), size),
        variants=tuple(
            replace(each, values=("Crimson", each.values[1])) if each.values[0] == "Red" else each
            for each in FULL.variants
        ),
    )
    result = await side.converge(product, prices())
    assert side.calls == READ | {"ProductOptionUpdate": 1}
    assert result.variants == first.variants
    assert side.document(result)["options"] == {"Color": ["Crimson", "Green"], "Size": ["Small", "Large", "Own size"]}
    assert side.variant(result, "OWN").value_names == ("Crimson", "Own size")


async def test_values_that_trade_names_do_so_without_trading_variants(side: ShopSide) -> None:
    first = await side.converge(FULL, prices())
    trade = {"Red": "Green", "Green": "Red"}
    color, size = FULL.options
    product = replace(
        FULL,
        options=(replace(color, values=("Green", "Red")), size),
        variants=tuple(replace(each, values=(trade[each.values[0]], each.values[1])) for each in FULL.variants),
    )
    result = await side.converge(product, prices())
    assert (result.problems, result.variants) == ((), first.variants)
    assert side.variant(result, "TENT-RS").value_names == ("Green", "Small")
    await side.converge(product, prices())
    assert side.calls == READ


LARGER = replace(
    FULL,
    options=(
        FULL.options[0],
        ProductOption("Size", "ProductSizeId", ("Small", "Medium", "Large"), ("S", "M", "L")),
    ),
    variants=(*FULL.variants, wanted_variant("R", "M", values=("Red", "Medium"), tracked=True)),
)


def with_medium(price: str | None) -> Any:
    return prices() | {item("R", "M"): ListedPrice(Decimal(price)) if price else None}


async def test_a_new_variant_comes_with_its_price_in_its_place(side: ShopSide) -> None:
    first = await side.converge(FULL, prices())
    result = await side.converge(LARGER, with_medium("79.00"))
    assert result.problems == ()
    assert side.variant(result, "TENT-RM").price == Decimal("79.00")
    assert side.stocked(result)["TENT-RM"] == dict.fromkeys(LOCATIONS, 0)
    assert side.document(result)["options"]["Size"] == ["Small", "Medium", "Large"]
    assert result.variants.items() > first.variants.items()
    await side.converge(LARGER, with_medium("79.00"))
    assert side.calls == READ


async def test_a_new_variant_without_a_price_waits_and_the_product_stays(side: ShopSide) -> None:
    await side.converge(FULL, prices())
    result = await side.converge(replace(LARGER, title="Tent 2"), with_medium(None))
    assert (result.state, codes(result)) == (ShopState.ACTIVE, ["PRODUCT_VARIANT_WITHOUT_PRICE"])
    assert len(side.product(result).variants) == 4
    assert side.product(result).title == "Tent 2"
    assert not (await side.converge(replace(LARGER, title="Tent 2"), with_medium("1.00"))).problems


async def test_a_variant_that_leaves_the_rule_stays_and_comes_back_as_it_was(side: ShopSide) -> None:
    result = await side.converge(FULL, prices())
    side.edit_variant(result, "TENT-RS", inventory_policy="CONTINUE")
    before = side.document(result)
    off = with_variant(FULL, "R", "S", is_approved=False)
    assert (await side.converge(off, prices())).problems == ()
    assert side.variant(result, "TENT-RS").inventory_policy == "DENY"
    await side.converge(off, prices())
    assert side.calls == READ
    await side.converge(FULL, prices())
    assert side.variant(result, "TENT-RS").inventory_policy == "CONTINUE"
    after = side.document(result)
    await side.converge(FULL, prices())
    assert side.calls == READ
    for each in (before, after):
        each.pop("metafields")
    assert after == before


async def test_by_rule_a_variant_that_leaves_is_deleted(side: ShopSide) -> None:
    result = await side.converge(FULL, prices())
    policy = with_policy(side, delete_variants=True)
    off = with_variant(FULL, "R", "S", is_approved=False)
    result = await side.converge(off, prices(), policy)
    assert [variant.sku for variant in side.product(result).variants] == ["TENT-RL", "TENT-GS", "TENT-GL"]
    none = replace(FULL, variants=tuple(replace(each, is_approved=False) for each in FULL.variants))
    await side.converge(none, prices(), policy)
    assert len(side.product(result).variants) == 3


async def test_a_product_that_leaves_the_rule_is_withdrawn_and_comes_back(side: ShopSide) -> None:
    result = await side.converge(FULL, prices())
    side.edit_variant(result, "TENT-RS", inventory_policy="CONTINUE")
    side.edit(result, publications=["Online Store", "Point of Sale"])
    off = replace(FULL, is_approved=False, title="Not sent")
    gone = await side.converge(off, prices())
    assert (gone.state, gone.unpublished, gone.id) == (ShopState.WITHDRAWN, True, result.id)
    product = side.product(result)
    assert (product.status, product.title, set(product.publications)) == ("ACTIVE", "Tent", {75001002})
    assert {variant.inventory_policy for variant in product.variants} == {"DENY"}
    assert not (await side.converge(off, prices())).unpublished
    assert side.calls == READ
    back = await side.converge(FULL, prices())
    assert back.state is ShopState.ACTIVE
    assert set(product.publications) == {75001002, ONLINE_STORE}
    assert side.variant(result, "TENT-RS").inventory_policy == "CONTINUE"


async def test_by_rule_a_product_that_leaves_becomes_a_draft(side: ShopSide) -> None:
    result = await side.converge(FULL, prices())
    gone = await side.converge(replace(FULL, is_approved=False), prices(), with_policy(side, leaves="draft"))
    assert gone.unpublished
    assert side.product(result).status == "DRAFT"
    assert (await side.converge(FULL, prices())).state is ShopState.ACTIVE
    assert side.product(result).status == "ACTIVE"


async def test_staff_decide_after_the_product_was_shown_once_and_fo_still_withdraws(side: ShopSide) -> None:
    policy = with_policy(side, status="once")
    result = await side.converge(FULL, prices(), policy)
    assert result.state is ShopState.ACTIVE
    side.edit(result, status="DRAFT")
    assert (await side.converge(FULL, prices(), policy)).state is ShopState.WAITING
    assert side.calls == READ
    side.edit(result, status="ACTIVE")
    off = replace(FULL, is_approved=False)
    assert (await side.converge(off, prices(), policy)).unpublished
    assert (await side.converge(FULL, prices(), policy)).state is ShopState.ACTIVE
    assert side.product(result).publications


async def test_nothing_is_created_for_what_is_not_sold(side: ShopSide) -> None:
    count = len(side.shop.products)
    result = await side.converge(replace(FULL, is_approved=False), prices())
    assert (result.id, result.state) == (None, ShopState.WITHDRAWN)
    none = replace(FULL, variants=tuple(replace(each, is_approved=False) for each in FULL.variants))
    assert (await side.converge(none, prices())).id is None
    assert len(side.shop.products) == count


async def test_a_product_that_was_deleted_by_hand_is_created_again_and_told(side: ShopSide) -> None:
    first = await side.converge(FULL, prices())
    side.delete(first)
    result = await side.converge(FULL, prices())
    assert (result.state, codes(result)) == (ShopState.ACTIVE, ["PRODUCT_DELETED_IN_SHOP"])
    assert result.id != first.id
    assert not (await side.converge(FULL, prices())).problems
    side.delete(result)
    assert (await side.converge(replace(FULL, is_approved=False), prices())).problems == ()


async def test_a_variant_that_was_deleted_by_hand_is_created_again_and_told(side: ShopSide) -> None:
    result = await side.converge(FULL, prices())
    side.delete_variant(result, "TENT-RS")
    result = await side.converge(FULL, prices())
    assert codes(result) == ["PRODUCT_VARIANT_DELETED"]
    assert side.variant(result, "TENT-RS").value_names == ("Red", "Small")
    assert not (await side.converge(FULL, prices())).problems
    assert side.calls == READ


async def test_other_options_than_in_fo_are_told_and_nothing_is_written(side: ShopSide) -> None:
    result = await side.converge(FULL, prices())
    before = side.document(result)
    one = replace(
        FULL,
        title="Tent 2",
        options=FULL.options[:1],
        variants=tuple(replace(each, values=each.values[:1]) for each in FULL.variants[::2]),
    )
    refused = await side.converge(one, prices())
    assert (refused.state, codes(refused), refused.id) == (ShopState.REFUSED, ["PRODUCT_OPTIONS_UNLIKE"], result.id)
    assert refused.variants == result.variants
    assert side.document(result) == before


async def test_what_shopify_refuses_is_told_with_its_words_and_the_rest_is_written(side: ShopSide) -> None:
    result = await side.converge(FULL, prices())
    product = replace(with_variant(FULL, "R", "S", barcode="x" * 256), title="x" * 256, tags=("Summer",))
    product = with_variant(product, "G", "L", barcode="5000")
    refused = await side.converge(product, prices())
    assert [(each.code, each.details["what"]) for each in refused.problems] == [
        ("PRODUCT_REFUSED", "its fields"),
        ("PRODUCT_REFUSED", "the variant TENT-RS"),
    ]
    assert refused.problems[0].details["message"] == "title: Title is too long (maximum is 255 characters)"
    assert "Barcode is too long" in refused.problems[1].details["message"]
    assert refused.state is ShopState.ACTIVE
    assert (side.product(result).title, side.product(result).tags) == ("Tent", ["Summer"])
    assert side.variant(result, "TENT-GL").barcode == "5000"


async def test_a_product_that_shopify_refuses_altogether_is_told(side: ShopSide) -> None:
    result = await side.converge(replace(FULL, title="x" * 256), prices())
    assert (result.id, result.state, codes(result)) == (None, ShopState.REFUSED, ["PRODUCT_REFUSED"])
    assert "is too long" in result.problems[0].details["message"]


async def test_a_wrong_category_is_told_and_the_other_fields_are_written(side: ShopSide) -> None:
    await side.converge(FULL, prices())
    wrong = replace(FULL, category="gid://shopify/TaxonomyCategory/zz-99", title="Tent 2")
    result = await side.converge(wrong, prices())
    assert codes(result) == ["SHOPIFY_REJECTED"]
    assert (result.state, side.product(result).title) == (ShopState.ACTIVE, "Tent 2")


async def test_a_refused_metafield_leaves_the_others_written(side: ShopSide) -> None:
    await side.converge(FULL, prices())
    fields = (
        Metafield("custom", "layers", "number_integer", "many"),
        Metafield("custom", "material", "single_line_text_field", "Wool"),
    )
    result = await side.converge(replace(FULL, metafields=fields), prices())
    assert [each.details["what"] for each in result.problems] == ["the metafield custom.layers"]
    assert side.document(result)["metafields"]["custom.material"] == "Wool"


async def test_more_variants_than_one_page_are_read_and_compared(side: ShopSide) -> None:
    sizes = tuple(f"S{number:03}" for number in range(260))
    items = [Item("TENT", size=size) for size in sizes]
    product = replace(
        wanted(),
        options=(ProductOption("Size", "ProductSizeId", sizes[:100], sizes[:100]),),
        variants=tuple(
            replace(wanted_variant("R", size), item=one, sku=f"T-{size}", values=(size,))
            for size, one in zip(sizes[:100], items[:100], strict=True)
        ),
    )
    color = ProductOption("Color", "ProductColorId", ("Red", "Green", "Blue"), ("R", "G", "B"))
    wide = replace(
        product,
        options=(color, *product.options),
        variants=tuple(
            replace(
                each, item=each.item._replace(color=number), sku=f"{each.sku}-{number}", values=(name, *each.values)
            )
            for number, name in zip(color.ids, color.values, strict=True)
            for each in product.variants
        ),
    )
    listed = prices(items=[each.item for each in wide.variants])
    result = await side.converge(wide, listed)
    assert (result.state, len(result.variants)) == (ShopState.ACTIVE, 300)
    await side.converge(wide, listed)
    assert side.calls == READ | {"ProductVariants": 1}
    changed = replace(wide, variants=tuple(replace(each, barcode="1" + each.sku) for each in wide.variants))
    await side.converge(changed, listed)
    assert side.calls == READ | {"ProductVariants": 1, "ProductVariantsUpdate": 2}


async def test_a_throttled_run_is_continued_by_the_next_one(side: ShopSide) -> None:
    side.faults.pending.append(Fault(FaultKind.THROTTLED, operation="ProductSet", times=None))
    with pytest.raises(ThrottledError):
        await side.converge(FULL, prices())
    side.faults.pending.clear()
    assert (await side.converge(FULL, prices())).state is ShopState.ACTIVE


async def test_a_creation_whose_answer_is_lost_is_found_again(side: ShopSide) -> None:
    count = len(side.shop.products)
    side.faults.pending.append(Fault(FaultKind.RESET_AFTER_COMMIT, operation="ProductSet"))
    result = await side.converge(FULL, prices())
    assert (result.state, len(side.shop.products)) == (ShopState.ACTIVE, count + 1)


async def test_what_is_not_sold_is_known_although_shopify_refuses_to_show_the_product(side: ShopSide) -> None:
    hidden = with_policy(side, publications=())
    first = await side.converge(wanted(), prices(), hidden)
    side.known.clear()
    product = replace(wanted(), variants=wanted().variants[1:], unsold={"TENT-RS": item("R", "S")})
    result = await side.converge(product, prices(), with_policy(side, publications=(999,)))
    assert (result.state, [each.code for each in result.problems]) == (ShopState.REFUSED, ["PRODUCT_REFUSED"])
    stopped = first.variants[item("R", "S")]
    assert (result.unsold, result.variants[item("R", "S")]) == ({stopped: item("R", "S")}, stopped)
    [policy] = [each.inventory_policy for each in side.product(first.id).variants if each.sku == "TENT-RS"]
    assert policy == "DENY"
