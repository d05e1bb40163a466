"""F&O's products reach the shop: what is approved appears, what changes follows, what leaves is withdrawn."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Collection
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from local.d365.faults import Fault as FoFault
from local.d365.world_products import parse_variants
from local.shopify.faults import Fault, FaultKind
from local.shopify.products import staff
from local.shopify.products.making import delete_product, delete_variant
from shared.errors import DeniedError, ErrorCode, RefusedError, TransientError
from shared.mapping.products.decisions import ProductAction
from shared.model import Item, ListedPrice, ShopState
from shared.rules import StoreRules
from shared.sync.brake import read_held_changes
from shared.sync.products.first_contact import read_plan
from shared.sync.products.report import ProductsReport
from shared.sync.withheld import read_withheld
from tests.builders.catalogue_world import PRICE, RULES, CatalogueWorld, catalogue_world
from tests.builders.confirming import confirm_held
from tests.builders.sales import with_rules

PRAIRIE = ("BOOT", "HAT", "TEE")
"""Approved in the example world; JACKET is not yet."""


@pytest.fixture
async def world() -> AsyncIterator[CatalogueWorld]:
    async with catalogue_world() as one:
        yield one


def codes(report: ProductsReport) -> dict[str, list[str]]:
    return {item: [problem.code for problem in problems] for item, problems in report.problems.items()}


def rules_of(**products: Any) -> StoreRules:
    return with_rules(RULES, products={**products})


async def approve(
    world: CatalogueWorld, item: str = "JACKET", state: str = "Released", variants: Collection[str] | None = None
) -> None:
    world.catalogue.set_state("usmf", item, state, variants)


# ---- entering the rule


async def test_a_product_that_is_approved_stands_in_the_shop_with_all_that_is_owned(world: CatalogueWorld) -> None:
    await world.push()
    await approve(world)
    report = await world.push()
    assert report.done == {"JACKET": (ProductAction.CREATE, ShopState.ACTIVE)}
    assert not report.is_full
    jacket = world.document("JACKET")
    assert (jacket["title"], jacket["status"], jacket["publications"]) == ("Prairie rain jacket", "ACTIVE", [75002001])
    assert jacket["description_html"] == "<p>Keeps out a summer storm.</p><p>Folds into its own pocket.</p>"
    assert jacket["options"] == {"Color": ["Forest green", "Navy blue"], "Size": ["S", "M", "L"]}
    variants = {each["sku"]: each for each in jacket["variants"]}
    assert list(variants) == [f"JACKET-{color}-{size}" for color in ("GRN", "NVY") for size in "SML"]
    small = variants["JACKET-GRN-S"]
    assert (small["barcode"], small["price"], small["inventory_policy"]) == ("0810000000104", "24.00", "DENY")
    assert (small["harmonized_system_code"], small["country_code_of_origin"]) == ("620140", "CA")
    locations = {warehouse.location for warehouse in RULES.warehouses}
    for variant in world.product("JACKET").variants:
        levels = world.shop.levels_of(variant.inventory_item_id)
        assert {level.location_id: level.quantity("available") for level in levels} == dict.fromkeys(locations, 0)


async def test_a_second_run_finds_nothing_to_do(world: CatalogueWorld) -> None:
    await world.push()
    await world.push()  # once more what was stamped in the last second
    quick = await world.push()
    assert (quick.done, dict(world.shopify_calls)) == ({}, {"ProductLimits": 1})
    full = await world.push_in_full()
    assert full.is_full
    assert full.done == {}
    assert full.actions == {ProductAction.UNCHANGED: len(PRAIRIE), ProductAction.NOT_SOLD: full.read - len(PRAIRIE)}
    assert "ProductRead" not in world.shopify_calls


async def test_products_that_the_shop_has_are_adopted_by_their_skus(world: CatalogueWorld) -> None:
    ids = {each.id for each in world.shop.products.values()}
    report = await world.push()
    assert set(report.done) == set(PRAIRIE)
    assert {each.id for each in world.shop.products.values()} == ids
    assert world.item_of(world.by_sku("TEE-RED-M")) == "TEE"


async def test_a_variant_of_an_adopted_product_that_is_not_sold_cannot_be_bought_from_the_first_run_on(
    world: CatalogueWorld,
) -> None:
    await approve(world, "TEE", "Ended", ["TEE-RED-L"])
    [large] = [each for each in world.by_sku("TEE-RED-L").variants if each.sku == "TEE-RED-L"]
    staff.edit_variant(world.shop, large, {"inventory_policy": "CONTINUE"})
    await world.push(rules_of(unpublish_floor=0, unpublish_percent=1))
    assert (large.inventory_policy, large.tracked) == ("DENY", True)
    withheld, _ = await read_withheld(world.snapshots, "prairie")
    assert withheld == {large.id: Item("TEE", color="Red", size="L")}
    full = await world.push_in_full()
    assert (full.held, (await read_withheld(world.snapshots, "prairie"))[0]) == (0, withheld)
    await approve(world, "TEE", "Released", ["TEE-RED-L"])
    await world.push_in_full()
    assert (large.inventory_policy, (await read_withheld(world.snapshots, "prairie"))[0]) == ("CONTINUE", {})


async def test_a_product_of_which_the_shop_has_only_what_is_not_sold_is_adopted(world: CatalogueWorld) -> None:
    tee = world.by_sku("TEE-RED-L")
    own = [each.sku for each in tee.variants]
    await approve(world, "TEE", "Ended", own)
    world.catalogue.write("ProductMasterSizes", {"ProductMasterNumber": "TEE", "ProductSizeId": "XXL"})
    new = {"number": "TEE-RED-XXL", "color": "Red", "size": "XXL", "state": "Released"}
    world.catalogue.add_variants("TEE", parse_variants("TEE", [new], {}))
    await world.push()
    await world.push()
    assert world.product("TEE") is tee
    assert {each.sku: each.inventory_policy for each in tee.variants} == dict.fromkeys([*own, "TEE-RED-XXL"], "DENY")


async def test_without_adopt_nothing_is_written_and_the_plan_says_what_would_be(world: CatalogueWorld) -> None:
    await approve(world)
    before = {each.id: staff.product_document(each) for each in world.shop.products.values()}
    report = await world.push(rules_of(adopt=False))
    assert report.is_plan
    assert {each.id: staff.product_document(each) for each in world.shop.products.values()} == before
    assert "WriteBackDefine" not in world.shopify_calls
    plan = await read_plan(world.snapshots, "prairie")
    assert plan is not None
    assert plan["create"] == ["JACKET"]
    assert set(plan["adopt"]) == set(PRAIRIE)
    assert plan["adopt"]["TEE"]["product"] == world.by_sku("TEE-RED-M").id
    assert "description_html" in plan["adopt"]["TEE"]["changes"]
    assert plan["not_sold"]["SHIPPING"] == "lifecycle state (none)"
    assert (await world.push(rules_of(adopt=False))).read == 0
    adopted = await world.push(RULES)
    assert set(adopted.done) == {*PRAIRIE, "JACKET"}


async def test_a_product_without_a_price_waits_as_a_draft_until_it_has_one(world: CatalogueWorld) -> None:
    await world.push()
    await approve(world)
    world.prices = lambda _: None
    report = await world.push()
    assert report.done == {"JACKET": (ProductAction.CREATE, ShopState.WAITING)}
    assert codes(report) == {"JACKET": [ErrorCode.PRODUCT_WITHOUT_PRICE]}
    assert world.document("JACKET")["status"] == "DRAFT"
    again = await world.push()
    assert (again.done, again.new_problems) == ({}, [])
    world.prices = lambda item: ListedPrice(CatalogueWorld.price_of(item))
    report = await world.push()
    assert report.done == {"JACKET": (ProductAction.COMPARE, ShopState.ACTIVE)}
    assert world.document("JACKET")["status"] == "ACTIVE"


# ---- changes


async def test_a_text_that_changed_is_set_by_the_next_full_run_with_one_reading_and_one_write(
    world: CatalogueWorld,
) -> None:
    await world.push()
    await world.push()
    world.catalogue.set_text("TEE", "en-US", "Prairie tee <new>", "Line one\nline two")
    assert (await world.push()).done == {}
    report = await world.push_in_full()
    assert report.done == {"TEE": (ProductAction.CHANGE, ShopState.ACTIVE)}
    tee = world.document("TEE")
    assert (tee["title"], tee["description_html"]) == ("Prairie tee <new>", "<p>Line one<br>line two</p>")
    assert (world.shopify_calls["ProductRead"], world.shopify_calls["ProductUpdate"]) == (1, 1)


async def test_what_f_and_o_stamps_is_set_within_minutes(world: CatalogueWorld) -> None:
    await world.push()
    await world.push()
    await world.later(seconds=2)
    world.catalogue.write(
        "ReleasedProductsV2", {"dataAreaId": "usmf", "ItemNumber": "TEE", "OriginCountryRegionId": "CAN"}
    )
    report = await world.push()
    assert not report.is_full
    assert report.done == {"TEE": (ProductAction.CHANGE, ShopState.ACTIVE)}
    assert {each["country_code_of_origin"] for each in world.document("TEE")["variants"]} == {"CA"}
    assert (await world.push()).read == 1
    assert (await world.push()).read == 0


async def test_fields_of_merchants_stay_and_owned_ones_are_set_back(world: CatalogueWorld) -> None:
    await world.push()
    await world.later(minutes=5)
    tee = world.product("TEE")
    staff.edit_product(
        world.shop, tee, {"title": "Our tee", "vendor": "Maker", "tags": ["sale"], "seo_title": "Tee for you"}
    )
    staff.add_variant(world.shop, tee, {"values": {"Color": "Gold", "Size": "M"}, "sku": "TEE-GOLD", "price": "99"})
    report = await world.push_in_full()
    assert report.done == {"TEE": (ProductAction.COMPARE, ShopState.ACTIVE)}
    document = world.document("TEE")
    assert (document["title"], document["vendor"], document["tags"]) == ("Prairie tee", "Maker", ["sale"])
    assert document["seo_title"] == "Tee for you"
    assert "TEE-GOLD" in [each["sku"] for each in document["variants"]]


async def test_the_apps_own_writes_are_no_reason_to_compare(world: CatalogueWorld) -> None:
    await world.push()
    await world.push_in_full()
    await world.push_in_full()
    assert world.shopify_calls["ProductRead"] == 0


async def test_every_product_is_compared_within_the_hours_of_the_rules(world: CatalogueWorld) -> None:
    await world.push(rules_of(full_compare_hours=2))
    await world.later(hours=2)
    report = await world.push()
    assert report.done == dict.fromkeys(PRAIRIE, (ProductAction.COMPARE, ShopState.ACTIVE))
    assert world.shopify_calls["ProductRead"] == 1


async def test_a_product_that_was_deleted_in_the_shop_is_made_again(world: CatalogueWorld) -> None:
    await world.push(rules_of(full_compare_hours=1))
    delete_product(world.shop, world.product("HAT"))
    await world.later(hours=1)
    report = await world.push()
    assert ErrorCode.PRODUCT_DELETED_IN_SHOP in codes(report)["HAT"]
    assert report.done["HAT"][1] is ShopState.WAITING
    await world.push()
    assert world.document("HAT")["status"] == "ACTIVE"


async def test_a_variant_that_was_deleted_in_the_shop_is_added_again_with_its_price(world: CatalogueWorld) -> None:
    await world.push(rules_of(full_compare_hours=1))
    variant = world.product("BOOT").variants[0]
    delete_variant(world.shop, variant)
    await world.later(hours=1)
    report = await world.push()
    assert codes(report) == {"BOOT": [ErrorCode.PRODUCT_VARIANT_DELETED]}
    assert variant.sku not in {each.sku for each in world.product("BOOT").variants}
    report = await world.push()
    assert codes(report) == {}
    [again] = [each for each in world.product("BOOT").variants if each.sku == variant.sku]
    assert again.price == PRICE.price
    assert not (await world.push()).done


async def test_a_new_value_and_a_new_variant_join_the_product(world: CatalogueWorld) -> None:
    await world.push()
    world.catalogue.write("ProductMasterColors", {"ProductMasterNumber": "TEE", "ProductColorId": "Green"})
    world.catalogue.add_variants(
        "TEE", parse_variants("TEE", [{"number": "TEE-GRN-M", "color": "Green", "size": "M", "state": "Released"}], {})
    )
    before = {each.sku: each.id for each in world.product("TEE").variants}
    await world.push_in_full()
    after = {each.sku: each.id for each in world.product("TEE").variants}
    assert after.keys() - before.keys() == {"TEE-GRN-M"}
    assert {sku: after[sku] for sku in before} == before


async def test_texts_and_options_are_translated_in_the_locales_of_the_rules(world: CatalogueWorld) -> None:
    await approve(world)
    rules = rules_of(
        owners={"translations": "fo"},
        locales=({"locale": "es", "language": "es"},),
        options=({"dimension": "color", "name": "Color", "names": ({"locale": "es", "name": "Colorido"},)},),
    )
    report = await world.push(rules)
    assert report.done["JACKET"][1] is ShopState.ACTIVE
    assert codes(report) == {}
    jacket = world.product("JACKET")
    translated = world.translations(jacket, "es")
    assert translated["title"] == "Chubasquero Prairie"
    assert translated["body_html"].startswith("<p>Protege de una tormenta de verano.</p>")
    assert {"Colorido", "Verde bosque", "Azul marino"} <= set(translated.values())
    again = await world.push_in_full()
    assert again.done == {}


async def test_images_are_brought_over_once_and_merchants_images_stay(world: CatalogueWorld) -> None:
    await approve(world)
    rules = rules_of(owners={"images": "fo"})
    assert (await world.push(rules)).done["JACKET"][1] is ShopState.ACTIVE
    assert len(world.document("JACKET")["media"]) == 2
    assert world.shopify_calls["ProductPicturesAdd"] == 1
    world.fo_calls.clear()
    await world.push_in_full()
    assert world.fo_calls["ReleasedProductDocumentAttachments"] == 1  # the list, without bytes
    assert world.shopify_calls["ProductUploads"] == 0


async def test_an_image_of_30_megabytes_is_told_and_the_product_is_shown_without_it(world: CatalogueWorld) -> None:
    await approve(world)
    large = base64.b64encode(b"\xff" * (30 * 1024 * 1024)).decode()
    world.catalogue.attach_image("usmf", "JACKET", "huge.png", large, is_default=True)
    report = await world.push(rules_of(owners={"images": "fo"}))
    assert report.done["JACKET"][1] is ShopState.ACTIVE
    assert codes(report) == {"JACKET": [ErrorCode.PRODUCT_IMAGE_REFUSED]}
    assert len(world.document("JACKET")["media"]) == 2


# ---- leaving the rule


async def test_a_product_that_leaves_the_rule_is_unpublished_and_comes_back(world: CatalogueWorld) -> None:
    await world.push()
    await approve(world, "HAT", "Ended")
    report = await world.push()
    assert report.done == {"HAT": (ProductAction.WITHDRAW, ShopState.WITHDRAWN)}
    assert report.unsold == {"HAT": "lifecycle state Ended"}
    assert 75002001 not in world.document("HAT")["publications"]
    withheld, _ = await read_withheld(world.snapshots, "prairie")
    assert list(withheld.values()) == [Item("HAT", color="Straw", size="One")]
    await world.later(seconds=2)
    await approve(world, "HAT")
    report = await world.push()
    assert report.done == {"HAT": (ProductAction.RETURN, ShopState.ACTIVE)}
    assert 75002001 in world.document("HAT")["publications"]
    assert (
        await read_withheld(world.snapshots, "prairie") == ({}, None)
        or not (await read_withheld(world.snapshots, "prairie"))[0]
    )


async def test_a_product_that_leaves_the_rule_becomes_a_draft_where_the_rules_say_so(world: CatalogueWorld) -> None:
    await world.push(rules_of(leaves="draft"))
    await approve(world, "HAT", "Ended")
    await world.push()
    assert world.document("HAT")["status"] == "DRAFT"


async def test_a_variant_that_leaves_the_rule_stays_and_cannot_be_bought(world: CatalogueWorld) -> None:
    await world.push()
    await approve(world, "TEE", "Ended", ["TEE-RED-L"])
    report = await world.push_in_full()
    assert report.done == {"TEE": (ProductAction.CHANGE, ShopState.ACTIVE)}
    variants = {each["sku"]: each for each in world.document("TEE")["variants"]}
    assert (variants["TEE-RED-L"]["inventory_policy"], variants["TEE-RED-L"]["tracked"]) == ("DENY", True)
    withheld, _ = await read_withheld(world.snapshots, "prairie")
    assert withheld == {variants["TEE-RED-L"]["id"]: Item("TEE", color="Red", size="L")}
    await approve(world, "TEE", "Released", ["TEE-RED-L"])
    await world.push_in_full()
    assert (await read_withheld(world.snapshots, "prairie"))[0] == {}


async def test_what_is_sold_by_its_dates_changes_on_the_stores_day(world: CatalogueWorld) -> None:
    await world.push()
    today = world.time.now().astimezone(RULES.zone).date()
    world.catalogue.write(
        "ReleasedProductsV2", {"dataAreaId": "usmf", "ItemNumber": "HAT", "SellEndDate": f"{today}T12:00:00Z"}
    )
    assert (await world.push()).done.get("HAT", (None, None))[1] is not ShopState.WITHDRAWN
    await world.later(hours=24)
    report = await world.push()
    assert report.is_full
    assert report.done["HAT"] == (ProductAction.WITHDRAW, ShopState.WITHDRAWN)


@pytest.mark.parametrize(
    "error", [TransientError("no prices"), RefusedError(ErrorCode.FO_READ_SHORT, entity_set="X", expected=2, read=1)]
)
async def test_what_is_stopped_is_withdrawn_while_no_prices_can_be_had(world: CatalogueWorld, error: Exception) -> None:
    def no_prices(item: Item) -> ListedPrice | None:
        raise error

    await world.push()
    world.prices = no_prices
    await approve(world, "HAT", "Ended")
    await approve(world)
    report = await world.push()
    assert report.done["HAT"] == (ProductAction.WITHDRAW, ShopState.WITHDRAWN)
    assert report.done["JACKET"] == (ProductAction.CREATE, ShopState.WAITING)
    assert ("" in codes(report)) is isinstance(error, RefusedError)


async def test_a_denied_reading_of_prices_ends_the_run(world: CatalogueWorld) -> None:
    def denied(item: Item) -> ListedPrice | None:
        raise DeniedError(ErrorCode.FO_DENIED, status=403, infolog="no role")

    world.prices = denied
    await approve(world)
    with pytest.raises(DeniedError, match="FO_DENIED"):
        await world.push()


async def test_a_product_that_the_last_run_left_is_compared_by_a_full_run_too(world: CatalogueWorld) -> None:
    await world.push()
    await world.later(minutes=5)
    staff.edit_product(world.shop, world.product("TEE"), {"title": "By hand"})
    await world.later(minutes=20)
    staff.edit_product(world.shop, world.product("HAT"), {"seo_title": "Changed later"})
    world.shopify.faults.pending.append(Fault(FaultKind.SERVER_ERROR, times=None, operation="ProductRead"))
    assert (await world.push_in_full()).pending == 2
    world.shopify.faults.pending.clear()
    await world.push_in_full()
    assert world.document("TEE")["title"] == "Prairie tee"


# ---- the brake, and readings that are short


async def end_all(world: CatalogueWorld) -> None:
    for item in PRAIRIE:
        await approve(world, item, "Ended")


async def test_more_withdrawals_than_the_rules_allow_wait_for_an_operator(world: CatalogueWorld) -> None:
    rules = rules_of(unpublish_floor=2)
    await world.push(rules)
    await end_all(world)
    report = await world.push_in_full()
    assert (report.done, report.held) == ({}, 3)
    assert codes(report) == {"": [ErrorCode.PRODUCTS_HELD]}
    assert {world.document(item)["status"] for item in PRAIRIE} == {"ACTIVE"}
    assert (await read_withheld(world.snapshots, "prairie"))[0] == {}
    [held] = await read_held_changes(world.snapshots, "prairie")
    assert held.changes == dict.fromkeys(PRAIRIE, "lifecycle state Ended")
    quick = await world.push()
    assert (quick.done, quick.new_problems) == ({}, [])
    await confirm_held(world.snapshots, "prairie", "products", world.time.now())
    confirmed = await world.push()
    assert set(confirmed.done) == set(PRAIRIE)
    assert (await world.push_in_full()).held == 0


async def test_what_an_operator_leaves_out_of_a_confirmation_is_not_withdrawn(world: CatalogueWorld) -> None:
    rules = rules_of(unpublish_floor=2)
    await world.push(rules)
    await end_all(world)
    await world.push_in_full()
    await confirm_held(world.snapshots, "prairie", "products", world.time.now(), leaving=PRAIRIE[:1])
    report = await world.push()
    assert (report.is_full, set(report.done), report.held) == (True, set(PRAIRIE[1:]), 1)
    assert codes(report) == {"": [ErrorCode.PRODUCTS_HELD]}
    assert not (await world.push()).is_full
    report = await world.push_in_full()
    assert (report.done, report.held, report.new_problems) == ({}, 1, [])
    withheld, _ = await read_withheld(world.snapshots, "prairie")
    assert {each.number for each in withheld.values()} == set(PRAIRIE[1:])
    [held] = await read_held_changes(world.snapshots, "prairie")
    assert held.changes == {PRAIRIE[0]: "lifecycle state Ended"}
    await confirm_held(world.snapshots, "prairie", "products", world.time.now())
    assert set((await world.push()).done) == {PRAIRIE[0]}


async def test_more_stopped_variants_than_the_rules_allow_wait_for_an_operator(world: CatalogueWorld) -> None:
    await world.push(rules_of(unpublish_floor=0, unpublish_percent=20))
    await approve(world, "TEE", "Ended", ["TEE-RED-L", "TEE-RED-M"])
    report = await world.push_in_full()
    assert (report.done, report.held) == ({}, 2)
    assert (await read_withheld(world.snapshots, "prairie"))[0] == {}
    await confirm_held(world.snapshots, "prairie", "products", world.time.now())
    await world.push()
    assert len((await read_withheld(world.snapshots, "prairie"))[0]) == 2


async def test_a_variant_that_is_left_out_of_a_confirmation_keeps_no_other_one_on_sale(world: CatalogueWorld) -> None:
    await world.push(rules_of(unpublish_floor=0, unpublish_percent=20))
    await approve(world, "TEE", "Ended", ["TEE-RED-L", "TEE-RED-M"])
    await world.push_in_full()
    await confirm_held(world.snapshots, "prairie", "products", world.time.now(), leaving=["TEE Red, L"])
    await world.push()
    withheld, _ = await read_withheld(world.snapshots, "prairie")
    assert [(each.color, each.size) for each in withheld.values()] == [("Red", "M")]


async def test_an_error_half_way_through_f_and_o_writes_nothing(world: CatalogueWorld) -> None:
    await world.push()
    await end_all(world)
    world.fo.faults.add(FoFault("bad_gateway", entity_set="ProductTranslations"))
    with pytest.raises(TransientError, match="ProductTranslations"):
        await world.push_in_full()
    assert {world.document(item)["status"] for item in PRAIRIE} == {"ACTIVE"}
    assert "ProductRead" not in world.shopify_calls
    assert set((await world.push()).done) == set(PRAIRIE)


async def test_an_empty_or_short_reading_is_never_taken_for_products_that_are_gone(world: CatalogueWorld) -> None:
    await world.push()
    released = world.fo.books.rows("ReleasedProductVariantsV2")
    for key in [key for key, _ in released.items()]:
        released.remove(key)
    with pytest.raises(RefusedError) as refused:
        await world.push_in_full()
    assert refused.value.code is ErrorCode.PRODUCTS_READ_SHORT
    assert {world.document(item)["status"] for item in PRAIRIE} == {"ACTIVE"}
    await confirm_held(world.snapshots, "prairie", "products", world.time.now())
    report = await world.push(rules_of(unpublish_floor=99))
    assert report.is_full
    assert {state for _, state in report.done.values()} == {ShopState.WITHDRAWN}


# ---- one bad product, and runs that end early


async def test_one_bad_product_does_not_stop_the_others(world: CatalogueWorld) -> None:
    world.catalogue.set_text("HAT", "en-US", " ", "")
    report = await world.push()
    assert set(report.done) == {"BOOT", "TEE"}
    assert codes(report) == {"HAT": [ErrorCode.PRODUCT_TITLE_MISSING]}
    assert [(item, problem.code) for item, problem in report.new_problems] == [("HAT", ErrorCode.PRODUCT_TITLE_MISSING)]
    again = await world.push_in_full()
    assert codes(again) == {"HAT": [ErrorCode.PRODUCT_TITLE_MISSING]}
    assert again.new_problems == []
    world.catalogue.set_text("HAT", "en-US", "Straw hat", "")
    assert set((await world.push_in_full()).done) == {"HAT"}


async def test_what_shopify_refuses_of_one_product_does_not_stop_the_others(world: CatalogueWorld) -> None:
    world.shopify.faults.pending.append(Fault(FaultKind.SERVER_ERROR, times=1, operation="ProductVariantsUpdate"))
    report = await world.push()
    assert len(report.done) == 2
    assert report.pending == 1
    assert len((await world.push()).done) == 1


async def test_a_run_that_has_no_more_time_is_continued_by_the_next_one(world: CatalogueWorld) -> None:
    world.slowness = timedelta(seconds=20)
    first = await world.push()
    assert first.halted == "time limit reached"
    assert first.pending
    assert len(first.done) + first.pending == len(PRAIRIE)
    world.slowness = timedelta()
    await world.later(minutes=5)
    second = await world.push()
    assert (len(second.done), second.pending, second.halted) == (first.pending, 0, "")
    assert all(world.products_of(item) for item in PRAIRIE)


async def test_a_lost_memory_costs_comparisons_and_doubles_nothing(world: CatalogueWorld) -> None:
    await approve(world)
    await world.push()
    before = {each.id for each in world.shop.products.values()}
    del world.container.blobs["products/prairie/catalogue.json"]
    report = await world.push()
    assert {each.id for each in world.shop.products.values()} == before
    assert report.done == dict.fromkeys((*PRAIRIE, "JACKET"), (ProductAction.CHANGE, ShopState.ACTIVE))
    assert set(world.shopify_calls) == {
        "ProductLimits",
        "ProductPublications",
        "ProductRead",
        "ProductSearch",
        "WriteBackDefinition",
    }


async def test_what_left_the_rule_while_the_memory_was_lost_is_withdrawn_too(world: CatalogueWorld) -> None:
    await world.push()
    await approve(world, "HAT", "Ended")
    await approve(world, "TEE", "Ended", ["TEE-RED-L"])
    del world.container.blobs["products/prairie/catalogue.json"]
    report = await world.push()
    assert report.done["HAT"] == (ProductAction.WITHDRAW, ShopState.WITHDRAWN)
    withheld = {"".join(item[1:]) for item in (await read_withheld(world.snapshots, "prairie"))[0].values()}
    assert withheld == {"StrawOne", "RedL"}
    [large] = [each for each in world.document("TEE")["variants"] if each["sku"] == "TEE-RED-L"]
    assert large["inventory_policy"] == "DENY"


async def test_all_variants_with_the_sku_of_one_that_is_not_sold_are_withheld(world: CatalogueWorld) -> None:
    await approve(world, "TEE", "Ended", ["TEE-RED-L"])
    product = world.by_sku("TEE-RED-L")
    values = {option.name: "Old" for option in product.options}
    staff.add_variant(world.shop, product, {"values": values, "sku": "TEE-RED-L", "price": "24.00"})
    await world.push()
    assert world.product("TEE").id == product.id
    unsold = {each.id for each in product.variants if each.sku == "TEE-RED-L"}
    for _ in range(2):
        withheld, _ = await read_withheld(world.snapshots, "prairie")
        assert (len(unsold), withheld) == (2, dict.fromkeys(unsold, Item("TEE", color="Red", size="L")))
        await world.push_in_full()
    await approve(world, "TEE", "Released", ["TEE-RED-L"])
    await world.push_in_full()
    assert (await read_withheld(world.snapshots, "prairie"))[0] == {}


async def test_a_second_run_at_the_same_time_does_nothing(world: CatalogueWorld) -> None:
    await world.push()
    memory = world.container.blobs["products/prairie/catalogue.json"]
    until = world.time.now() + timedelta(seconds=60)
    leased = memory.body.replace(b'"turn_until":null', f'"turn_until":"{until.isoformat()}"'.encode())
    world.container.blobs["products/prairie/catalogue.json"] = replace(memory, body=leased)
    assert (await world.push()).busy
    assert dict(world.shopify_calls) == {}


async def test_new_variants_beyond_shopifys_daily_limit_wait_for_another_day(world: CatalogueWorld) -> None:
    await world.push(rules_of(variants_a_day=5))
    await approve(world)
    world.pretend_variants = 50_000
    report = await world.push()
    assert report.awaiting_another_day == 1
    assert codes(report) == {"": [ErrorCode.PRODUCTS_DAY_LIMIT]}
    assert not world.products_of("JACKET")
    assert (await world.push_in_full(rules_of(variants_a_day=0))).done["JACKET"][1] is ShopState.ACTIVE


async def test_products_that_are_taken_over_are_no_new_variants(world: CatalogueWorld) -> None:
    world.pretend_variants = 50_000
    assert (await world.push(rules_of(variants_a_day=1))).halted == "Shopify is listing the shop's variants"
    await world.bulk_ends()
    await world.later(minutes=5)
    report = await world.push(rules_of(variants_a_day=1))
    assert {state for _, state in report.done.values()} == {ShopState.ACTIVE}
    assert (set(report.done), report.awaiting_another_day) == (set(PRAIRIE), 0)


async def test_variants_of_a_product_that_cannot_be_created_today_are_added_on_another_day(
    world: CatalogueWorld,
) -> None:
    await world.push()
    world.pretend_variants = 50_000
    rules = rules_of(variants_a_day=1)
    new = [{"number": f"TEE-X{size}", "color": "Red", "size": f"X{size}", "state": "Released"} for size in "12"]
    for variant in new:
        key = {"ProductMasterNumber": "TEE", "ProductSizeId": variant["size"]}
        world.catalogue.write("ProductMasterSizes", key)
    world.catalogue.add_variants("TEE", parse_variants("TEE", new[:1], {}))
    assert (await world.push_in_full(rules)).awaiting_another_day == 0
    world.catalogue.add_variants("TEE", parse_variants("TEE", new[1:], {}))
    world.catalogue.set_text("TEE", "en-US", "Tee of today", "")
    today = await world.push_in_full(rules)
    tee = world.document("TEE")
    assert (tee["title"], today.awaiting_another_day) == ("Tee of today", 1)
    assert {"TEE-X1", "TEE-X2"} & {each["sku"] for each in tee["variants"]} == {"TEE-X1"}
    assert (await world.push_in_full(rules)).awaiting_another_day == 1
    await world.later(hours=24)
    assert (await world.push(rules)).awaiting_another_day == 0
    assert {"TEE-X1", "TEE-X2"} <= {each["sku"] for each in world.document("TEE")["variants"]}


async def test_a_creation_that_was_refused_leaves_its_variants_to_others_and_a_lost_answer_does_not(
    world: CatalogueWorld,
) -> None:
    await world.push()
    await approve(world)
    world.pretend_variants = 50_000
    rules = rules_of(variants_a_day=6)
    error = {"field": ["input", "title"], "message": "Title is too nice"}
    body = {"data": {"productSet": {"product": None, "userErrors": [error]}}}
    world.shopify.faults.pending.append(Fault(FaultKind.OTHER_ANSWER, operation="ProductSet", body=body))
    assert (await world.push_in_full(rules)).done["JACKET"][1] is ShopState.REFUSED
    world.catalogue.set_text("JACKET", "en-US", "Jacket", "")
    lost = Fault(FaultKind.SERVER_ERROR, times=None, operation="ProductSet")
    world.shopify.faults.pending.append(lost)
    failed = await world.push_in_full(rules)
    assert (failed.awaiting_another_day, failed.pending) == (0, 1)
    world.shopify.faults.pending.clear()
    assert (await world.push(rules)).awaiting_another_day == 1
    assert not world.products_of("JACKET")


# ---- rules that do not fit the shop


async def test_a_sales_channel_that_the_shop_does_not_have_is_told(world: CatalogueWorld) -> None:
    with pytest.raises(RefusedError) as refused:
        await world.push(rules_of(publications=("Nowhere",)))
    assert refused.value.code is ErrorCode.PRODUCTS_CHANNEL_UNKNOWN
    assert "Online Store (75002001)" in refused.value.cause
    assert (await world.push(rules_of(publications=(75002001,)))).done


async def test_costs_in_another_currency_than_the_shops_are_told(world: CatalogueWorld) -> None:
    with pytest.raises(RefusedError) as refused:
        await world.push(rules_of(owners={"cost": "fo"}, cost_currency="EUR"))
    assert refused.value.code is ErrorCode.PRODUCTS_OTHER_CURRENCY
