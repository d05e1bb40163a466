"""Which translations of a product, its options and their values are sent."""

from dataclasses import replace

from builders.shop_products import shop, wanted

from shared.mapping.products.shop.given import Given
from shared.mapping.products.shop.translations import differing, stored_translations, wanted_translations
from shared.model import TranslatableText, Translated

PRODUCT, OPTION, RED = (
    "gid://shopify/Product/42",
    "gid://shopify/ProductOption/301",
    "gid://shopify/ProductOptionValue/311",
)
TEXTS = wanted(
    translations={"de": {"title": "Zelt", "body_html": " "}, "fr": {"title": "Tente"}},
    value_translations={
        "de": {
            ("ProductColorId", ""): "Farbe",
            ("ProductColorId", "R"): "Rot",
            ("ProductColorId", "X"): "Weg",
            ("ProductStyleId", ""): "Stil",
        }
    },
)
TITLE = Translated(PRODUCT, "title", "de", "Zelt")


def test_texts_belong_to_the_product_its_options_and_their_values() -> None:
    assert wanted_translations(TEXTS, shop()) == {
        "de": [TITLE, Translated(OPTION, "name", "de", "Farbe"), Translated(RED, "name", "de", "Rot")],
        "fr": [Translated(PRODUCT, "title", "fr", "Tente")],
    }
    assert wanted_translations(wanted(), shop()) == {}


def test_names_of_options_that_the_shop_does_not_have_are_left_out() -> None:
    color, size = shop().options
    other = shop(options=(replace(color, name="Shade"), size))
    assert list(wanted_translations(TEXTS, other)["de"]) == [TITLE]
    less = shop(options=(replace(color, values=((312, "Green"),)), size))
    assert Translated(RED, "name", "de", "Rot") not in wanted_translations(TEXTS, less)["de"]


def text(translated: str | None = None, *, value: str = "Tent", is_outdated: bool = False) -> TranslatableText:
    return TranslatableText(PRODUCT, "title", value, "digest", translated, is_outdated)


def sent(shown: TranslatableText, given: Given | None = None) -> bool:
    found = list(differing([TITLE], [shown], given or Given()))
    assert found in ([], [(TITLE, "digest")])
    return bool(found)


def test_a_translation_that_is_missing_other_or_outdated_is_sent() -> None:
    assert sent(text())
    assert sent(text("Anders"))
    assert sent(text("Zelt", is_outdated=True))
    assert not sent(text("Zelt"))


def test_what_equals_the_text_itself_or_has_no_text_is_not_sent() -> None:
    assert not sent(text(value="Zelt"))
    assert list(differing([TITLE], [], Given())) == []


def test_a_translation_that_shopify_stores_in_another_form_is_not_sent_again() -> None:
    given = stored_translations([TITLE], [replace(TITLE, value="Zelt.")], Given())
    assert not sent(text("Zelt."), given)
    assert sent(text("Zelt,"), given)
    assert sent(text("Zelt.", is_outdated=True), given)
    other = replace(TITLE, value="Zelte")
    assert list(differing([other], [text("Zelt.")], given))


def test_a_translation_that_is_stored_as_it_was_sent_is_not_remembered() -> None:
    before = stored_translations([TITLE], [replace(TITLE, value="Zelt.")], Given())
    assert stored_translations([TITLE], [TITLE], before) == Given()
    assert stored_translations([TITLE], [], before) == Given()
