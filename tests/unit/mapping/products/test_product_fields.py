"""What F&O and the rules give a product and its variants, and what is told where Shopify does not take it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from shared.error_catalogue import ErrorCode
from shared.model import Item, Metafield, WantedProduct, WantedVariant, Weight
from shared.model.fo_product import FoAttribute, FoBarcode, FoCategory, FoImage, FoProduct, FoText
from shared.rules import StoreRules
from tests.builders.fo_products import codes, master, planned, shop_rules, simple


def product_of(source: FoProduct, rules: StoreRules | None = None) -> WantedProduct:
    plan = planned(source, rules)
    assert plan.wanted is not None
    assert plan.problems == ()
    return plan.wanted


def variant_of(source: FoProduct, rules: StoreRules | None = None) -> WantedVariant:
    (variant,) = product_of(source, rules).variants
    return variant


def owning(**fields: Any) -> StoreRules:
    """Rules in which F&O owns the fields: owning(vendor={"text": "Nordlys"})."""
    keys = {"categories": "category", "weight_unit": "weight", "cost_currency": "cost", "tax_codes": "tax_code"}
    owners = {
        keys.get(name, name): "fo" for name in fields if name in keys or name in ("vendor", "product_type", "tags")
    }
    return shop_rules(owners=owners, **fields)


def test_a_product_without_variants_has_its_item_number_as_sku() -> None:
    product = product_of(simple())
    assert (product.item_number, product.title, product.description_html) == ("MUG", "Mug", "<p>Holds coffee.</p>")
    assert [(each.item, each.sku, each.values) for each in product.variants] == [(Item("MUG"), "MUG", ())]


def test_variants_have_their_product_variant_numbers_as_skus() -> None:
    assert [each.sku for each in product_of(master()).variants] == ["TEE:BLU:S", "TEE:BLU:M", "TEE:RED:S", "TEE:RED:M"]


@pytest.mark.parametrize("texts", [{}, {"de": FoText("Becher", "")}, {"en-US": FoText(" \n", "x")}])
def test_a_product_without_a_name_in_the_stores_language_is_told(texts: dict[str, FoText]) -> None:
    plan = planned(simple(texts=texts))
    assert (plan.wanted, codes(plan)) == (None, [ErrorCode.PRODUCT_TITLE_MISSING])
    assert plan.problems[0].details == {"item": "MUG", "language": "en-US"}


def test_a_title_of_255_characters_fits_and_of_256_is_told() -> None:
    assert product_of(simple(texts={"en-US": FoText("x" * 255, "")})).title == "x" * 255
    plan = planned(simple(texts={"en-US": FoText("x" * 256, "")}))
    assert (plan.wanted, codes(plan)) == (None, [ErrorCode.PRODUCT_TEXT_TOO_LONG])


def test_a_title_is_one_line_without_control_characters() -> None:
    assert product_of(simple(texts={"en-US": FoText(" Mug\x00\n <b> ", "")})).title == "Mug <b>"


def test_fields_of_the_merchant_and_fields_without_a_value_are_never_sent() -> None:
    never = dict.fromkeys(("description", "barcode", "hs_code", "origin", "tracked", "requires_shipping"), "never")
    source = simple(barcodes={Item("MUG"): (FoBarcode("123", "ea", "EAN"),)}, hs_code="691110", origin_country="NLD")
    product = product_of(source, shop_rules(owners=never))
    assert product.description_html is None
    assert product.variants == (WantedVariant(Item("MUG"), "MUG"),)
    empty = variant_of(simple(texts={"en-US": FoText("Mug", "")}))
    assert empty == WantedVariant(Item("MUG"), "MUG", tracked=True, requires_shipping=True)
    assert product_of(simple(texts={"en-US": FoText("Mug", " ")})).description_html is None


def test_fields_that_are_set_once_are_named() -> None:
    product = product_of(simple(), shop_rules(owners={"title": "once", "barcode": "once", "images": "never"}))
    assert product.once == {"title", "barcode"}


def barcode(*found: FoBarcode, **rules: Any) -> str | None:
    return variant_of(simple(barcodes={Item("MUG"): found}), shop_rules(**rules)).barcode


def test_the_barcode_is_that_of_the_sales_unit_else_the_first_one() -> None:
    box, piece, other = FoBarcode("900", "box", "EAN"), FoBarcode("500", "EA", "UPC"), FoBarcode("400", "ea", "EAN")
    assert barcode(box, piece, other) == "400"
    assert barcode(box, piece) == "500"
    assert barcode(box) == "900"
    assert barcode() is None
    assert barcode(FoBarcode("  ", "ea", "EAN")) is None


def test_barcodes_of_other_setups_are_not_shown() -> None:
    assert barcode(FoBarcode("400", "ea", "EAN"), FoBarcode("500", "ea", "UPC"), barcode_setups=("upc",)) == "500"
    assert barcode(FoBarcode("400", "ea", "EAN"), barcode_setups=("UPC",)) is None


def test_each_variant_has_its_own_barcode() -> None:
    codes_of = {Item("TEE", color="RED", size="S"): (FoBarcode("1", "ea", "EAN"),)}
    assert [each.barcode for each in product_of(master(barcodes=codes_of)).variants] == [None, None, "1", None]


@pytest.mark.parametrize(
    ("weights", "rules", "weight"),
    [
        (("0.35", "0.05"), {}, Weight(Decimal("0.35"), "KILOGRAMS")),
        (("0.35", "0.05"), {"weight": "gross"}, Weight(Decimal("0.40"), "KILOGRAMS")),
        (("0", "0"), {}, None),
        (("0", "0.05"), {}, None),
    ],
)
def test_the_weight_is_in_the_companys_unit(weights: tuple[str, str], rules: Any, weight: Weight | None) -> None:
    net, tare = map(Decimal, weights)
    assert variant_of(simple(net_weight=net, tare_weight=tare), owning(weight_unit="kg", **rules)).weight == weight


@pytest.mark.parametrize("unit", [("g", "GRAMS"), ("lb", "POUNDS"), ("oz", "OUNCES")])
def test_each_unit_of_weight_is_shopifys(unit: tuple[str, str]) -> None:
    weight = variant_of(simple(net_weight=Decimal(1)), owning(weight_unit=unit[0])).weight
    assert weight == Weight(Decimal(1), unit[1])


@pytest.mark.parametrize(
    ("hs_code", "commodity", "sent"),
    [
        ("6911.10.00", "999999", "69111000"),
        (" 6911 10-0037 ", "", "6911100037"),
        ("", "69111000", "69111000"),
        ("691110", "", "691110"),
        ("1234567890123", "", "1234567890123"),
        ("", "", None),
    ],
)
def test_the_hs_code_has_digits_only(hs_code: str, commodity: str, sent: str | None) -> None:
    assert variant_of(simple(hs_code=hs_code, commodity_code=commodity)).hs_code == sent


@pytest.mark.parametrize("hs_code", ["69111", "12345678901234", "6911A0", "\u0661\u0661\u0661\u0661\u0661\u0661"])
def test_what_is_no_hs_code_is_told_and_left_out(hs_code: str) -> None:
    plan = planned(simple(hs_code=hs_code))
    assert codes(plan) == [ErrorCode.PRODUCT_HS_CODE_WRONG]
    assert plan.wanted is not None
    assert plan.wanted.variants[0].hs_code is None


@pytest.mark.parametrize(
    ("country", "state", "origin"),
    [
        ("NLD", "", ("NL", None)),
        ("CAN", "ON", ("CA", "ON")),
        ("CAN", "Upper", ("CA", None)),
        ("", "ON", (None, None)),
    ],
)
def test_the_origin_is_in_iso_codes(country: str, state: str, origin: tuple[str | None, str | None]) -> None:
    variant = variant_of(simple(origin_country=country, origin_state=state))
    assert (variant.origin_country, variant.origin_province) == origin


@pytest.mark.parametrize("country", ["QQQ", "XYZ"])
def test_a_country_without_an_iso_code_is_told_and_left_out(country: str) -> None:
    plan = planned(simple(origin_country=country))
    assert codes(plan) == [ErrorCode.PRODUCT_COUNTRY_UNKNOWN]
    assert plan.wanted is not None
    assert plan.wanted.variants[0].origin_country is None


@pytest.mark.parametrize(
    ("cost", "quantity", "sent"), [("4.20", "0", "4.20"), ("10", "3", "3.33"), ("0.125", "1", "0.13"), ("0", "1", None)]
)
def test_the_cost_is_of_one_unit(cost: str, quantity: str, sent: str | None) -> None:
    source = simple(cost=Decimal(cost), cost_quantity=Decimal(quantity))
    assert variant_of(source, owning(cost_currency="USD")).cost == (Decimal(sent) if sent else None)


def test_services_are_neither_counted_nor_shipped() -> None:
    service = variant_of(simple(is_service=True))
    assert (service.tracked, service.requires_shipping) == (False, False)
    unstocked = variant_of(simple(model_group="NonStock"), shop_rules(not_stocked_groups=("NONSTOCK",)))
    assert (unstocked.tracked, unstocked.requires_shipping) == (False, True)


def test_the_tax_code_is_that_of_the_variants_group_else_of_the_items() -> None:
    rules = owning(tax_codes=({"group": "CLOTHES", "code": "PC040000"}, {"group": "FOOD", "code": "PF050000"}))
    shirt = master(tax_group="CLOTHES")
    shirt = master(tax_group="CLOTHES", variants=[shirt.variants[0]._replace(tax_group="FOOD"), *shirt.variants[1:]])
    assert [each.tax_code for each in product_of(shirt, rules).variants] == [
        "PC040000",
        "PC040000",
        "PF050000",
        "PC040000",
    ]
    assert variant_of(simple(tax_group="NONE"), rules).tax_code is None


WEB = (FoCategory("Web", "Domes"), FoCategory("Web", "Maps"), FoCategory("Other", "Tents"))


@pytest.mark.parametrize(
    ("source", "vendor"),
    [
        ({"text": "Nordlys"}, "Nordlys"),
        ({"attribute": "Brand"}, "Acme & Co"),
        ({"attribute": "Nothing"}, None),
        ({"hierarchy": "Web"}, "Dome tents"),
        ({"hierarchy": "Other"}, "Tents"),
        ({"hierarchy": "None"}, None),
    ],
)
def test_vendor_and_type_come_from_a_text_an_attribute_or_a_category(source: Any, vendor: str | None) -> None:
    brand = {"P-MUG": (FoAttribute("Brand", "Text", "Acme\n & Co"),)}
    product = product_of(simple(categories=WEB, attributes=brand), owning(vendor=source, product_type=source))
    assert (product.vendor, product.product_type) == (vendor, vendor)


def test_tags_are_there_once_and_without_commas() -> None:
    attributes = {"P-MUG": (FoAttribute("Season", "Text", "Spring, Summer"),)}
    rules = owning(tags=({"hierarchy": "Web"}, {"attribute": "Season", "prefix": "Season: "}, {"text": "MAPS"}))
    assert product_of(simple(categories=WEB, attributes=attributes), rules).tags == (
        "Dome tents",
        "Maps",
        "Season: Spring Summer",
    )


@pytest.mark.parametrize("key", ["vendor", "product_type", "tags"])
def test_a_text_that_is_too_long_is_told(key: str) -> None:
    attributes = {"P-MUG": (FoAttribute("Brand", "Text", "x" * 256),)}
    source: Any = {"attribute": "Brand"}
    plan = planned(simple(attributes=attributes), owning(**{key: (source,) if key == "tags" else source}))
    assert codes(plan) == [ErrorCode.PRODUCT_TEXT_TOO_LONG]
    assert plan.wanted is None


def test_shopifys_category_is_that_of_the_nearest_category_with_a_rule() -> None:
    outdoor, tents = "gid://shopify/TaxonomyCategory/sg-4", "gid://shopify/TaxonomyCategory/sg-4-1"
    rules = owning(
        categories=(
            {"hierarchy": "Web", "name": "Outdoor", "taxonomy": outdoor},
            {"hierarchy": "Web", "name": "Tents", "taxonomy": tents},
        )
    )
    assert product_of(simple(categories=(FoCategory("Web", "Domes"),)), rules).category == tents
    assert product_of(simple(categories=(FoCategory("Web", "Outdoor"),)), rules).category == outdoor
    assert product_of(simple(categories=(FoCategory("Web", "Maps"),)), rules).category is None


@pytest.mark.parametrize(
    ("attribute", "rule", "written"),
    [
        (("Text", "Wool\n and  silk"), {}, ("single_line_text_field", "Wool and silk")),
        (("Text", "Wool\nSilk"), {"type": "multi_line_text_field"}, ("multi_line_text_field", "Wool\nSilk")),
        (("Integer", "12"), {}, ("number_integer", "12")),
        (("Decimal", "1.50"), {}, ("number_decimal", "1.5")),
        (("TrueFalse", "Yes"), {}, ("boolean", "true")),
        (("TrueFalse", "No"), {}, ("boolean", "false")),
        (("DateTime", "2026-11-29T12:00:00Z"), {}, ("date_time", "2026-11-29T12:00:00+00:00")),
        (("DateTime", "2026-11-29T12:00:00Z"), {"type": "date"}, ("date", "2026-11-29")),
        (("Currency", "12.50", "USD"), {}, ("money", '{"amount": "12.5", "currency_code": "USD"}')),
        (("Integer", "12"), {"type": "number_decimal"}, ("number_decimal", "12")),
    ],
)
def test_an_attribute_is_a_metafield_of_its_type(attribute: tuple[str, ...], rule: Any, written: Any) -> None:
    rules = shop_rules(metafields=({"attribute": "A", "key": "a1", **rule},))
    product = product_of(simple(attributes={"P-MUG": (FoAttribute("A", *attribute),)}), rules)
    assert product.metafields == (Metafield("custom", "a1", *written),)
    assert product.variants[0].metafields == ()


@pytest.mark.parametrize(
    ("attribute", "rule"),
    [
        (("Reference", "5637"), {}),
        (("Text", "a dozen"), {"type": "number_integer"}),
        (("Text", "much"), {"type": "number_decimal"}),
        (("Text", "maybe"), {"type": "boolean"}),
        (("Text", "tomorrow"), {"type": "date_time"}),
        (("Currency", "12.50", ""), {}),
        (("Currency", "12.50", "EUR"), {}),  # of a shop in USD
    ],
)
def test_a_value_that_is_not_of_the_metafields_type_is_told_and_left_out(attribute: tuple[str, ...], rule: Any) -> None:
    rules = shop_rules(metafields=({"attribute": "A", "key": "a1", **rule},))
    plan = planned(simple(attributes={"P-MUG": (FoAttribute("A", *attribute),)}), rules)
    assert codes(plan) == [ErrorCode.PRODUCT_ATTRIBUTE_WRONG]
    assert plan.wanted is not None
    assert plan.wanted.metafields == ()


def test_an_attribute_without_a_value_is_no_metafield() -> None:
    rules = shop_rules(metafields=({"attribute": "A", "key": "a1"}, {"attribute": "B", "key": "b1"}))
    assert product_of(simple(attributes={"P-MUG": (FoAttribute("A", "Text", ""),)}), rules).metafields == ()


def test_metafields_of_variants_come_from_the_variants_attributes() -> None:
    rules = shop_rules(metafields=({"attribute": "A", "key": "a1", "of": "variant"},))
    attributes = {"TEE:RED:S": (FoAttribute("A", "Integer", "1"),), "P-TEE": (FoAttribute("A", "Integer", "2"),)}
    found = [each.metafields for each in product_of(master(attributes=attributes), rules).variants]
    assert found == [(), (), (Metafield("custom", "a1", "number_integer", "1"),), ()]
    own = {"P-MUG": (FoAttribute("A", "Integer", "3"),)}
    assert variant_of(simple(attributes=own), rules).metafields[0].value == "3"


def test_texts_are_translated_where_they_differ() -> None:
    texts = {
        "en-US": FoText("Mug", "Holds coffee."),
        "de-DE": FoText("Becher", "F\u00fcr Kaffee."),
        "fr-FR": FoText("Mug", ""),
    }
    locales = ({"locale": "de", "language": "de-DE"}, {"locale": "fr", "language": "fr-FR"})
    rules = shop_rules(owners={"translations": "fo"}, locales=locales)
    assert product_of(simple(texts=texts), rules).translations == {
        "de": {"title": "Becher", "body_html": "<p>F\u00fcr Kaffee.</p>"}
    }


def test_a_translated_title_that_is_too_long_is_told_and_left_out() -> None:
    texts = {"en-US": FoText("Mug", ""), "de": FoText("x" * 256, "Text")}
    rules = shop_rules(owners={"translations": "fo"}, locales=({"locale": "de", "language": "de"},))
    plan = planned(simple(texts=texts), rules)
    assert codes(plan) == [ErrorCode.PRODUCT_TEXT_TOO_LONG]
    assert plan.wanted is not None
    assert plan.wanted.translations == {"de": {"body_html": "<p>Text</p>"}}


def image(name: str, at: str = "2026-11-01T08:00:00Z", *, kind: str = "jpg", is_default: bool = False) -> FoImage:
    return FoImage("MUG", "Image", name, at, f"{name}.{kind}", kind, is_default)


def test_the_default_image_comes_first_and_others_as_they_were_attached() -> None:
    images = (image("late", "2026-11-02T08:00:00Z"), image("early"), image("main", kind="PNG", is_default=True))
    found = product_of(simple(images=images), shop_rules(owners={"images": "fo"})).images
    assert [(each.file_name, each.mime_type) for each in found] == [
        ("main.PNG", "image/png"),
        ("early.jpg", "image/jpeg"),
        ("late.jpg", "image/jpeg"),
    ]
    assert len({each.key for each in found}) == 3
    assert product_of(simple(images=images)).images == ()


def test_an_image_that_is_attached_anew_is_another_one() -> None:
    rules = shop_rules(owners={"images": "fo"})
    (before,) = product_of(simple(images=(image("main"),)), rules).images
    (after,) = product_of(simple(images=(image("main", "2026-11-02T08:00:00Z"),)), rules).images
    assert before.key != after.key


def test_a_file_that_is_no_image_is_told_and_left_out() -> None:
    plan = planned(simple(images=(image("main", kind="pdf"), image("two"))), shop_rules(owners={"images": "fo"}))
    assert codes(plan) == [ErrorCode.PRODUCT_IMAGE_REFUSED]
    assert plan.wanted is not None
    assert [each.file_name for each in plan.wanted.images] == ["two.jpg"]
