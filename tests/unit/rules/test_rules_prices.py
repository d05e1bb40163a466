"""Mistakes in `[prices]` are explained before anything runs."""

from __future__ import annotations

from typing import Any

import pytest
from builders.sales import EU, with_rules
from pydantic import ValidationError

from shared.rules.sections.prices import PriceRules

PLAIN: dict[str, Any] = {
    "currency": "EUR",
    "groups": ("WEB",),
    "base_currency": "EUR",
    "fo_includes_tax": False,
    "shop_includes_tax": False,
}
DEALERS = {"name": "Dealers", "currency": "EUR", "groups": ("DEALER",), "company_locations": (5001,)}
MARKET = {"name": "Denmark", "currency": "DKK", "groups": ("WEB",), "market": 44}
RATES = ({"item_tax_group": "FULL", "rate": 0.21},)
SERVICE = {"group": "G", "service": "S", "operation": "get"}


def mistakes(*lists: dict[str, Any], **keys: Any) -> str:
    with pytest.raises(ValidationError) as refused:
        PriceRules.model_validate(PLAIN | {"lists": lists} | keys)
    return str(refused.value)


def test_the_plain_rules_and_lists_are_accepted():
    rules = PriceRules.model_validate(PLAIN | {"lists": (DEALERS, MARKET)})
    assert [each.name for each in rules.lists] == ["Dealers", "Denmark"]


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ({"currency": "EURO"}, "ISO 4217"),
        ({"groups": ("WEB", "WEB")}, "groups: WEB is named twice"),
        ({"search": ("all", "all"), "groups": ()}, "search: all is named twice"),
        ({"proof_groups": ("A", "A")}, "proof_groups: A is named twice"),
        ({"shop_includes_tax": True}, "tax_rates: are missing"),
        ({"tax_rates": ({"item_tax_group": "FULL", "rate": 21},)}, "less than 1"),
        ({"source": "service"}, "service: is missing"),
        ({"service": SERVICE}, "service: is for source"),
        ({"source": "service", "service": SERVICE, "groups": ("A", "B")}, "asked for one price group"),
        ({"source": "service", "service": SERVICE, "proof_groups": ("A",)}, "nothing to prove"),
        ({"source": "service", "service": SERVICE | {"quantities": (10, 5)}}, "in ascending order"),
        ({"source": "service", "service": SERVICE | {"quantities": (1,)}}, "greater than 1"),
        ({"source": "service", "service": SERVICE | {"operation": "../data"}}, "pattern"),
        ({"search": ("group",), "groups": (), "base_currency": None}, "no price can be found"),
        ({"search": ("all",)}, "groups: are never searched"),
        ({"ending": 0.995}, "ending: EUR has no amounts"),
        ({"ending": 1}, "less than 1"),
        ({"currency": "JPY", "ending": 0.99}, "ending: JPY has no amounts"),
        ({"minutes": -1}, "greater than or equal to 0"),
    ],
)
def test_a_mistake_is_explained(keys, says):
    assert says in mistakes(**keys)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"market": 44}, "give either the market or the company_locations"),
        ({"company_locations": ()}, "give either the market or the company_locations"),
        ({"company_locations": (5001, 5001)}, "a location is named twice"),
        ({"company_locations": (), "market": 44, "tiers": True}, "tiers: Shopify has quantity breaks"),
        (
            {"company_locations": (), "market": 44, "quantity_rules": True},
            "quantity_rules: Shopify has quantity breaks",
        ),
        ({"name": " Dealers"}, "pattern"),
        ({"name": ""}, "at least 1 character"),
        ({"ending": 0.995}, "ending: EUR has no amounts"),
        ({"groups": ("A", "A")}, "groups: A is named twice"),
        ({"includes_tax": True}, "lists (Dealers): tax_rates: are missing"),
    ],
)
def test_a_mistake_in_a_list_is_explained(change, says):
    assert says in mistakes(DEALERS | change)


def test_two_lists_have_two_names():
    assert "lists: name: dealers is named twice" in mistakes(DEALERS, DEALERS | {"name": "DEALERS"})


def test_a_customer_that_is_never_searched_is_a_mistake():
    assert "add `customer` to search" in mistakes(DEALERS | {"customer": "C-1"}, search=("group", "all"))


def test_the_ending_of_the_shop_has_to_fit_the_lists_without_one_of_their_own():
    yen = MARKET | {"currency": "JPY"}
    assert "lists (Denmark): ending: JPY has no amounts" in mistakes(yen, ending=0.99)
    assert PriceRules.model_validate(PLAIN | {"ending": 0.99, "lists": (yen | {"ending": 0},)})


def test_a_list_with_rates_of_its_own_needs_none_of_the_shop():
    assert PriceRules.model_validate(
        PLAIN | {"lists": (DEALERS | {"includes_tax": True, "tax_rates": ({"item_tax_group": "FULL", "rate": 0.19},)},)}
    )
    assert PriceRules.model_validate(PLAIN | {"shop_includes_tax": True, "tax_rates": RATES, "lists": (DEALERS,)})


def test_the_flow_needs_its_rules():
    with pytest.raises(ValidationError) as refused:
        with_rules(EU.model_copy(update={"prices": None}), flows={"prices": True}, prices=None)
    assert "flows.prices needs the rules of prices" in str(refused.value)


def test_the_flow_does_not_write_to_the_master_of_prices():
    with pytest.raises(ValidationError) as refused:
        with_rules(EU, flows={"prices": True}, masters={"prices": "shopify"}, prices=PLAIN)
    assert "prices = true would write to 'shopify'" in str(refused.value)


def test_prices_in_a_currency_that_is_not_booked_are_a_mistake():
    with pytest.raises(ValidationError) as refused:
        with_rules(EU, flows={"prices": True}, prices=PLAIN | {"currency": "NOK"})
    assert "no order at these prices could be booked" in str(refused.value)


def test_a_tax_group_has_one_rate():
    twice = ({"item_tax_group": "FULL", "rate": 0.21}, {"item_tax_group": "full", "rate": 0.09})
    assert "tax_rates: full is named twice" in mistakes(tax_rates=twice)
    assert "tax_rates: full is named twice" in mistakes(DEALERS | {"tax_rates": twice})
