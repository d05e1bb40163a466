"""Which products and variants are sold."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from shared.mapping.products.wanted.approval import is_stopped, lineage
from shared.model import Item
from shared.model.fo_product import (
    AssortmentLine,
    CategoryNode,
    FoAttribute,
    FoCatalogueTerms,
    FoCategory,
    FoProduct,
    FoStop,
)
from tests.builders.fo_products import DAY, TERMS, master, planned, shop_rules, simple, variant

RELEASED = shop_rules(approved={"lifecycle_states": ("Released", "Selling")})


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({}, ""),
        ({"lifecycle_state": "selling"}, ""),
        ({"lifecycle_state": "Draft"}, "lifecycle state Draft"),
        ({"lifecycle_state": ""}, "lifecycle state (none)"),
        ({"is_stopped": True}, "sales are stopped"),
        ({"sold_from": DAY, "sold_until": DAY}, ""),
        ({"sold_from": date(2026, 11, 30)}, "not before 2026-11-30"),
        ({"sold_until": date(2026, 11, 28)}, "not after 2026-11-28"),
        ({"valid_from": date(2026, 11, 30)}, "not before 2026-11-30"),
        ({"valid_until": date(2026, 11, 28)}, "not after 2026-11-28"),
        ({"valid_from": DAY, "valid_until": DAY}, ""),
    ],
)
def test_a_product_is_sold_in_its_states_and_dates_unless_it_is_stopped(fields: dict[str, Any], reason: str) -> None:
    plan = planned(simple(**fields), RELEASED)
    assert plan.unsold == reason
    assert plan.wanted is not None
    assert plan.wanted.is_approved == (not reason)
    assert set(plan.unsold_items) == ({Item("MUG")} if reason else set())


def test_without_lifecycle_states_every_state_is_sold() -> None:
    assert planned(simple(lifecycle_state="Draft"), shop_rules()).unsold == ""


@pytest.mark.parametrize(
    ("category", "is_sold"), [("Tents", True), ("Domes", True), ("Outdoor", False), ("Maps", False)]
)
def test_a_category_of_the_rule_includes_its_children(category: str, *, is_sold: bool) -> None:
    rules = shop_rules(approved={"category": {"hierarchy": "Web", "names": ("Tents",)}})
    plan = planned(simple(categories=(FoCategory("Web", category),)), rules)
    assert plan.unsold == ("" if is_sold else "in none of the categories of Web")


def test_a_category_of_another_hierarchy_does_not_count() -> None:
    rules = shop_rules(approved={"category": {"hierarchy": "Web", "names": ("Tents",)}})
    assert planned(simple(categories=(FoCategory("Purchase", "Tents"),)), rules).unsold


def test_a_circle_of_categories_has_an_end() -> None:
    one, two = FoCategory("Web", "One"), FoCategory("Web", "Two")
    circle = {one: CategoryNode("Two", "One"), two: CategoryNode("One", "Two")}
    assert set(lineage(one, circle)) == {one, two}


@pytest.mark.parametrize(("value", "reason"), [("yes", ""), ("No", "attribute Sell online is No")])
def test_an_attribute_decides_whatever_its_case(value: str, reason: str) -> None:
    rules = shop_rules(approved={"attribute": {"attribute": "Sell online", "value": "Yes"}})
    attributes = {"P-MUG": (FoAttribute("Sell online", "TrueFalse", value),)}
    assert planned(simple(attributes=attributes), rules).unsold == reason
    assert planned(simple(), rules).unsold == "attribute Sell online is (none)"


def in_assortments(product: FoProduct, *lines: AssortmentLine) -> list[str]:
    terms = replace(TERMS, assortments=lines)
    plan = planned(product, shop_rules(approved={"assortments": ("WEB", "SALE")}), terms=terms)
    return sorted("".join(item[1:]) for item in plan.unsold_items)


def line(item: Item, *, includes: bool = True, assortment: str = "WEB") -> AssortmentLine:
    return AssortmentLine(assortment, includes, None, item)


def test_an_assortment_includes_items_with_all_or_some_of_their_variants() -> None:
    assert in_assortments(master(), line(Item("TEE"))) == []
    assert in_assortments(master(), line(Item("TEE", color="RED"))) == ["BLUM", "BLUS"]
    assert in_assortments(master(), line(Item("CAP"))) == ["BLUM", "BLUS", "REDM", "REDS"]
    assert in_assortments(simple(), line(Item("MUG"))) == []


def test_a_line_that_excludes_counts_more_but_not_in_another_assortment() -> None:
    out = line(Item("TEE", color="RED"), includes=False)
    assert in_assortments(master(), line(Item("TEE")), out) == ["REDM", "REDS"]
    assert in_assortments(master(), line(Item("TEE")), out, line(Item("TEE", size="S"), assortment="SALE")) == ["REDM"]


def test_an_assortment_includes_categories_with_their_children() -> None:
    product = simple(categories=(FoCategory("Web", "Domes"),))
    tents = AssortmentLine("WEB", True, FoCategory("Web", "Tents"), Item(""))
    maps = AssortmentLine("WEB", True, FoCategory("Web", "Maps"), Item(""))
    rules = shop_rules(approved={"assortments": ("WEB",)})
    assert planned(product, rules, terms=replace(TERMS, assortments=(tents,))).unsold == ""
    assert planned(product, rules, terms=replace(TERMS, assortments=(maps,))).unsold


def test_a_variant_without_a_state_has_that_of_its_product() -> None:
    variants = (variant(color="RED"), variant(color="BLU", state="Draft"))
    plan = planned(master(variants=variants), RELEASED)
    assert plan.unsold == ""
    assert plan.unsold_items == {Item("TEE", color="BLU"): "lifecycle state Draft"}


def test_a_master_without_a_variant_that_is_sold_is_not_sold() -> None:
    assert planned(master(variants=(variant(color="RED", state="Draft"),)), RELEASED).unsold == (
        "none of its variants is sold"
    )
    assert planned(master(variants=()), RELEASED).unsold == "none of its variants is sold"


@pytest.mark.parametrize(
    ("stops", "stopped"),
    [
        ((), False),
        ((FoStop("", Item("TEE")),), True),
        ((FoStop("", Item("TEE", color="RED")),), True),
        ((FoStop("", Item("TEE", color="BLU")),), False),
        ((FoStop("", Item("CAP")),), False),
        ((FoStop("1", Item("TEE")),), False),
        ((FoStop("1", Item("TEE")), FoStop("2", Item("TEE", size="S"))), True),
        ((FoStop("1", Item("TEE")), FoStop("3", Item("TEE"))), False),
    ],
)
def test_a_variant_is_stopped_at_every_site_of_the_store_or_is_sold(
    stops: tuple[FoStop, ...], *, stopped: bool
) -> None:
    assert is_stopped(Item("TEE", color="RED", size="S"), stops, {"1", "2"}) is stopped


def test_a_stop_of_a_product_without_variants_at_every_site_stops_it() -> None:
    sites = {warehouse.site for warehouse in shop_rules().warehouses}
    stops = tuple(FoStop(site, Item("MUG")) for site in sites)
    assert planned(simple(stops=stops)).unsold == "sales are stopped"
    assert planned(simple(stops=stops[1:])).unsold == ""


def test_what_is_not_sold_keeps_the_variants_that_the_shop_has() -> None:
    kept = Item("TEE", color="RED", size="S")
    plan = planned(master(is_stopped=True), in_shop=[kept])
    assert plan.wanted is not None
    assert [(each.item, each.sku, each.is_approved) for each in plan.wanted.variants] == [(kept, "TEE:RED:S", False)]
    assert (plan.wanted.title, plan.wanted.options) == (None, ())
    assert len(plan.unsold_items) == 4


def test_the_terms_of_a_company_are_empty_where_no_rule_needs_them() -> None:
    assert planned(simple(), terms=FoCatalogueTerms()).unsold == ""
