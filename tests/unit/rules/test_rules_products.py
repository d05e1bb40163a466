"""`[products]`: what must be said, what must not contradict, and what a file without the section means."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from shared.rules import ApprovalRules, ProductRules
from tests.builders.sales import EU, US, with_rules


def mistakes(**table: Any) -> str:
    with pytest.raises(ValidationError) as raised:
        ProductRules.model_validate(table)
    return str(raised.value)


def test_by_default_nothing_is_written_to_the_shop():
    assert not ProductRules().adopt
    assert not EU.flows.products


def test_a_store_with_the_flow_says_which_products_are_sold():
    with pytest.raises(ValidationError, match="needs to know which products are sold"):
        with_rules(US, flows={"products": True}, products=ProductRules())
    approved = {"lifecycle_states": ("Released",)}
    assert with_rules(US, flows={"products": True}, products={"approved": approved}).flows.products


@pytest.mark.parametrize(
    "approved",
    [
        {"lifecycle_states": ("Released",)},
        {"category": {"hierarchy": "Web", "names": ("Tents",)}},
        {"attribute": {"attribute": "Web", "value": "Yes"}},
        {"assortments": ("WEB",)},
        {"every_product": True},
    ],
)
def test_each_condition_alone_says_what_is_sold(approved: dict[str, Any]):
    assert ApprovalRules.model_validate(approved).is_said


def test_every_product_goes_with_no_condition():
    assert "contradicts the other keys" in mistakes(approved={"every_product": True, "lifecycle_states": ("Released",)})


def test_skus_of_a_store_with_the_flow_are_variant_numbers():
    rules = {"approved": {"every_product": True}}
    with pytest.raises(ValidationError, match=r'needs orders\.product_identity = "variant"'):
        with_rules(EU, flows={"products": True}, products=rules)
    assert with_rules(EU, products=rules).products.approved.every_product


def test_the_flow_never_writes_to_the_master_of_products():
    with pytest.raises(ValidationError, match="products = true would write to 'shopify'"):
        with_rules(
            US,
            masters={"products": "shopify"},
            flows={"products": True},
            products={"approved": {"every_product": True}},
        )


@pytest.mark.parametrize(
    ("owner", "key"),
    [
        ("vendor", "vendor"),
        ("product_type", "product_type"),
        ("tags", "tags"),
        ("category", "categories"),
        ("weight", "weight_unit"),
        ("cost", "cost_currency"),
        ("tax_code", "tax_codes"),
        ("translations", "locales"),
    ],
)
def test_an_owned_field_needs_the_key_that_gives_its_value(owner: str, key: str):
    assert f'owners.{owner} = "once" needs {key}' in mistakes(owners={owner: "once"})


@pytest.mark.parametrize(
    "table",
    [
        {"vendor": {"text": "Nordlys"}},
        {"product_type": {"hierarchy": "Web"}},
        {"tags": ({"attribute": "Season"},)},
        {"categories": ({"hierarchy": "Web", "name": "Tents", "taxonomy": "gid://shopify/TaxonomyCategory/sg-4-1"},)},
        {"weight_unit": "kg"},
        {"cost_currency": "EUR"},
        {"tax_codes": ({"group": "FULL", "code": "PC040000"},)},
        {"locales": ({"locale": "de", "language": "de-DE"},)},
        {"owners": {"metafields": "never"}, "metafields": ({"attribute": "Material", "key": "material"},)},
    ],
)
def test_a_value_that_nobody_sets_is_a_mistake(table: dict[str, Any]):
    assert "so that nothing would be set" in mistakes(**table)


@pytest.mark.parametrize("source", [{}, {"text": "Nordlys", "attribute": "Brand"}])
def test_a_text_comes_from_exactly_one_place(source: dict[str, str]):
    assert "exactly one of text, attribute and hierarchy" in mistakes(owners={"vendor": "fo"}, vendor=source)


def test_options_have_english_names_and_the_order_of_the_rules():
    rules = ProductRules.model_validate(
        {
            "owners": {"translations": "fo"},
            "locales": ({"locale": "de", "language": "de-DE"},),
            "options": (
                {"dimension": "size", "name": "Maat", "names": ({"locale": "de", "name": "Größe"},)},
                {"dimension": "color", "name": "Kleur"},
            ),
        }
    )
    assert rules.option_order == ("size", "color", "style", "configuration", "version")
    assert [rules.option_name(each) for each in rules.option_order[:3]] == ["Maat", "Kleur", "Style"]
    assert [rules.translated_option(each, "de") for each in rules.option_order[:2]] == ["Größe", None]


@pytest.mark.parametrize(
    ("options", "mistake"),
    [
        (({"dimension": "size", "name": "Size / Fit"},), 'must not contain " / "'),
        (({"dimension": "size", "name": "Color"},), "options: name color is there twice"),
        (({"dimension": "size", "name": "A"}, {"dimension": "size", "name": "B"}), "options: dimension size is there"),
        (
            ({"dimension": "size", "name": "Size", "names": ({"locale": "de", "name": "Größe"},)},),
            "size has a name in locale de, which products.locales does not have",
        ),
    ],
)
def test_options_that_cannot_be_shown_are_a_mistake(options: Any, mistake: str):
    assert mistake in mistakes(options=options)


@pytest.mark.parametrize(
    ("join", "mistake"),
    [
        ({"dimensions": ("size", "style"), "text": " / "}, 'text must not contain "/"'),
        ({"dimensions": ("size", "size")}, "a dimension is named twice"),
        ({"dimensions": ("size",)}, "at least 2 items"),
    ],
)
def test_dimensions_are_joined_by_a_text_that_shopify_does_not_use(join: Any, mistake: str):
    assert mistake in mistakes(fourth_dimension="join", join=join)


@pytest.mark.parametrize("table", [{"fourth_dimension": "join"}, {"join": {"dimensions": ("size", "style")}}])
def test_joining_and_what_is_joined_go_together(table: Any):
    assert "go together: give both or none" in mistakes(**table)


@pytest.mark.parametrize("namespace", ["$app", "a b", "ab"])
def test_a_metafield_is_not_among_the_apps_own(namespace: str):
    assert "metafields.0.namespace" in mistakes(
        metafields=({"attribute": "Material", "key": "material", "namespace": namespace},)
    )


def test_a_metafield_has_one_attribute():
    twice = ({"attribute": "Material", "key": "material"}, {"attribute": "Fabric", "key": "material"})
    assert "two rules write custom.material of the product" in mistakes(metafields=twice)
    of_both = ({"attribute": "Material", "key": "m1"}, {"attribute": "Material", "key": "m1", "of": "variant"})
    assert len(ProductRules.model_validate({"metafields": of_both}).metafields) == 2


@pytest.mark.parametrize(
    ("table", "mistake"),
    [
        ({"publications": ("Online Store", "Online Store")}, "publications: Online Store is there twice"),
        (
            {
                "owners": {"tax_code": "fo"},
                "tax_codes": ({"group": "FULL", "code": "A"}, {"group": "full", "code": "B"}),
            },
            "tax_codes: group full is there twice",
        ),
        (
            {
                "owners": {"translations": "fo"},
                "locales": ({"locale": "de", "language": "de"}, {"locale": "de", "language": "de-AT"}),
            },
            "locales: locale de is there twice",
        ),
    ],
)
def test_what_is_named_twice_is_a_mistake(table: Any, mistake: str):
    assert mistake in mistakes(**table)


def test_a_tax_code_is_found_whatever_the_case_of_the_group():
    rules = ProductRules.model_validate(
        {"owners": {"tax_code": "fo"}, "tax_codes": ({"group": "FULL", "code": "PC040000"},)}
    )
    assert (rules.tax_code("full"), rules.tax_code("NONE")) == ("PC040000", None)
