from typing import Any

import pytest
from pydantic import ValidationError

from shared.rules import StoreRules
from tests.builders.sales import EU, with_rules

FORMAT = {"dimension_format": ("Department", "CostCenter")}
WEB = {"dimension": "Department", "value": "WEB"}


def mistakes(tenant: dict[str, Any], *rules: dict[str, Any]) -> str:
    with pytest.raises(ValidationError) as refused:
        with_rules(EU, dimensions=rules, tenant=tenant)
    return str(refused.value)


def accepted(tenant: dict[str, Any], *rules: dict[str, Any]) -> StoreRules:
    return with_rules(EU, dimensions=rules, tenant=tenant)


def test_rules_need_the_format_of_the_environment():
    assert "companies.nleu.dimension_format of the tenant file is empty" in mistakes({"dimension_format": ()}, WEB)
    assert accepted(FORMAT, WEB).dimensions[0].value == "WEB"


def test_a_dimension_outside_the_format_is_refused():
    text = mistakes(FORMAT, WEB, {"dimension": "Project", "value": "1"})
    assert "Project is no segment of companies.nleu.dimension_format (Department, CostCenter)" in text
    assert "Department is no segment" not in text


@pytest.mark.parametrize(
    "condition",
    [
        {"channels": ("pos",)},
        {"locations": (71001001,)},
        {"countries": ("DE",)},
        {"tag": "b2b"},
        {"skus": ("TENT-*",)},
    ],
)
def test_a_required_dimension_needs_a_rule_that_always_applies(condition):
    required = FORMAT | {"required_dimensions": ("Department",)}
    assert "company nleu requires Department" in mistakes(required, WEB | condition)
    assert "company nleu requires Department" in mistakes(required)
    assert len(accepted(required, WEB | condition, WEB).dimensions) == 2


def test_a_condition_lists_something():
    for name in ("channels", "countries", "skus"):
        assert "at least 1 item" in mistakes(FORMAT, WEB | {name: ()})
