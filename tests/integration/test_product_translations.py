"""F&O's texts in other languages reach a product of the shop, its options and their values."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from builders.shop_products import prices, wanted, wanted_plain
from builders.shop_side import ShopSide, shop_in_process

from shared.model import Converged, Item, KnownProduct, ListedPrice, WantedProduct
from shared.sync.products.shop.flow import ProductWork, converge_all


@pytest.fixture
async def side() -> AsyncIterator[ShopSide]:
    async with shop_in_process() as one:
        yield one


GERMAN = {
    "title": "Zelt",
    "body_html": "<p>Zwei Räume.</p>",
    "Color": "Farbe",
    "Size": "Größe",
    "Red": "Rot",
    "Green": "Grün",
    "Large": "Groß",
}
TEXTS = wanted(
    description_html="<p>Two rooms.</p>",
    translations={
        "de": {"title": "Zelt", "body_html": "<p>Zwei Räume.</p>"},
        "fr": {"title": "Tente", "body_html": ""},
    },
    value_translations={
        "de": {
            ("ProductColorId", ""): "Farbe",
            ("ProductColorId", "R"): "Rot",
            ("ProductColorId", "G"): "Grün",
            ("ProductSizeId", ""): "Größe",
            ("ProductSizeId", "S"): "Small",
            ("ProductSizeId", "L"): "Groß",
        }
    },
)


async def converge(side: ShopSide, product: WantedProduct) -> Converged:
    return await side.converge(product, prices())


async def test_texts_are_translated_and_then_left_alone(side: ShopSide) -> None:
    result = await converge(side, TEXTS)
    assert result.problems == ()
    assert side.translated(result, "de") == GERMAN
    assert side.translated(result, "fr") == {"title": "Tente"}
    assert side.calls["ProductTranslate"] == 6
    await converge(side, TEXTS)
    assert side.calls == {"ProductRead": 1, "ProductTranslatable": 2}


async def test_a_changed_translation_is_sent_alone(side: ShopSide) -> None:
    result = await converge(side, TEXTS)
    product = replace(TEXTS, translations={**TEXTS.translations, "fr": {"title": "Tente deux"}})
    await converge(side, product)
    assert side.calls == {"ProductRead": 1, "ProductTranslatable": 2, "ProductTranslate": 1}
    assert side.translated(result, "fr") == {"title": "Tente deux"}


async def test_a_translation_whose_text_changed_is_sent_again(side: ShopSide) -> None:
    result = await converge(side, TEXTS)
    await converge(side, replace(TEXTS, title="Tent 2"))
    assert side.calls["ProductTranslate"] == 1
    await converge(side, replace(TEXTS, title="Tent 2"))
    assert "ProductTranslate" not in side.calls
    assert side.translated(result, "de") == GERMAN


async def test_a_translation_that_staff_changed_is_set_back_unless_it_is_given_once(side: ShopSide) -> None:
    once = replace(TEXTS, once=frozenset({"translations"}))
    result = await converge(side, once)
    assert side.translated(result, "de") == GERMAN
    side.translate(result, "de", title="Von Hand")
    await converge(side, once)
    assert side.calls == {"ProductRead": 1}
    assert side.translated(result, "de")["title"] == "Von Hand"
    await converge(side, TEXTS)
    assert side.translated(result, "de") == GERMAN


async def test_other_languages_and_texts_of_merchants_stay(side: ShopSide) -> None:
    result = await converge(side, TEXTS)
    side.edit(result, seo_title="SEO")
    side.translate(result, "de", meta_title="SEO auf Deutsch")
    side.translate(result, "nl", title="Tent in het Nederlands")
    await converge(side, replace(TEXTS, translations={"de": {"title": "Zelte"}}))
    assert side.translated(result, "nl") == {"title": "Tent in het Nederlands"}
    assert side.translated(result, "de")["meta_title"] == "SEO auf Deutsch"
    assert side.translated(result, "fr") == {"title": "Tente"}


async def test_a_renamed_value_is_translated_anew(side: ShopSide) -> None:
    result = await converge(side, TEXTS)
    color, size = TEXTS.options
    changed: dict[str, Any] = {
        "options": (replace(color, values=("Crimson", "Green")), size),
        "variants": tuple(
            replace(each, values=("Crimson", each.values[1])) if each.values[0] == "Red" else each
            for each in TEXTS.variants
        ),
        "value_translations": {"de": {("ProductColorId", "R"): "Karmin"}},
    }
    result = await converge(side, replace(TEXTS, **changed))
    assert result.problems == ()
    assert side.translated(result, "de")["Crimson"] == "Karmin"


async def test_a_locale_that_the_shop_does_not_have_is_told_and_the_others_are_written(side: ShopSide) -> None:
    product = replace(TEXTS, translations={"sv": {"title": "Tält"}, "de": {"title": "Zelt"}}, value_translations={})
    result = await converge(side, product)
    assert [each.code for each in result.problems] == ["PRODUCT_REFUSED"]
    assert result.problems[0].details["what"] == "the translation of title into sv"
    assert "Locale is not a valid locale for the shop" in result.problems[0].details["message"]
    assert side.translated(result, "de") == {"title": "Zelt"}


async def converge_many(side: ShopSide, count: int, **of_the_third: Any) -> list[Converged]:
    side.shop.bucket.charge(-side.shop.bucket.maximum)  # so that no attempt is throttled
    side.calls.clear()
    work = []
    for number in range(count):
        item = Item(f"M{number:03}")
        variants = tuple(replace(each, item=item, sku=item.number) for each in wanted_plain().variants)
        texts = {"title": f"Map {number}", "translations": {"de": {"title": f"Karte {number}"}}}
        texts |= of_the_third if number == 3 else {}
        product = wanted_plain(item_number=item.number, variants=variants, **texts)
        work.append(ProductWork(product, side.known.get(item.number), {item: ListedPrice(Decimal(9))}))
    results = []
    async for done, result in converge_all(work, side.ports()):
        assert result.id is not None
        side.known[done.wanted.item_number] = KnownProduct(result.id, result.variants)
        results.append(result)
    return results


async def test_texts_of_known_products_are_read_25_products_to_a_call(side: ShopSide) -> None:
    await converge_many(side, 30)
    assert side.calls["ProductTranslate"] == 30
    await converge_many(side, 30)
    assert side.calls == {"ProductRead": 2, "ProductTranslatable": 2}


async def test_texts_that_were_read_before_the_product_was_changed_are_read_again(side: ShopSide) -> None:
    await converge_many(side, 30)
    changed = {"title": "Atlas", "translations": {"de": {"title": "Weltatlas"}}}
    results = await converge_many(side, 30, **changed)
    assert [each.problems for each in results] == [()] * 30
    assert side.translated(results[3], "de") == {"title": "Weltatlas"}
    assert side.calls["ProductTranslatable"] == 3
