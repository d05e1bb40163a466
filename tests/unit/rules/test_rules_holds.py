"""`[holds]`: off by default, and what contradicts other rules."""

import pytest
from pydantic import ValidationError

from shared.model import HoldOrigin
from shared.rules.sections.holds import HoldRules
from tests.builders.sales import EU, with_rules

STAFF = {"staff": {"reason": "OTHER"}}
FROM_SHOPIFY = {"from_shopify": ("OTHER",)}


def test_by_default_no_hold_is_copied():
    rules = HoldRules()
    assert (rules.to_shopify, rules.from_shopify) == ({}, ())
    assert with_rules(EU).holds == rules


def test_each_kind_is_copied_by_a_table_of_its_own():
    rules = with_rules(EU, flows={"shipments": True}, holds=STAFF).holds
    assert {origin: rule.reason for origin, rule in rules.to_shopify.items()} == {HoldOrigin.STAFF: "OTHER"}
    assert rules.to_shopify[HoldOrigin.STAFF].notes == "Held in Dynamics 365"


@pytest.mark.parametrize("holds", [STAFF, {"credit": {"reason": "AWAITING_PAYMENT"}}, FROM_SHOPIFY])
def test_holds_need_the_flow_that_copies_them(holds):
    with pytest.raises(ValidationError, match="set shipments = true"):
        with_rules(EU, flows={"shipments": False}, holds=holds)


def test_a_reason_is_one_of_shopifys():
    with pytest.raises(ValidationError, match="AWAITING_PAYMENT"):
        HoldRules(from_shopify=("WHATEVER",))  # type: ignore[arg-type]
