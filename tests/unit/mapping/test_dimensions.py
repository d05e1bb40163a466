"""Which financial dimensions an order's documents get, and how F&O displays them."""

from dataclasses import replace

import pytest

from shared.mapping.customers import customer_record
from shared.mapping.dimensions import dimensions_of
from shared.mapping.payments.plan import plan_payments
from shared.model import LineKind
from tests.builders.payments import METHODS, state, transaction
from tests.builders.sales import EU, address, euros, line, order, plan, with_rules

FORMAT = {"dimension_format": ("Department", "Project", "CostCenter")}
WEB = {"dimension": "Department", "value": "WEB"}


def rules(*found, **tenant):
    return with_rules(EU, dimensions=found, tenant=FORMAT | tenant)


def test_without_a_rule_there_is_no_value():
    assert dimensions_of(order(line(1)), EU) == ""
    assert dimensions_of(order(line(1)), rules(WEB | {"tag": "b2b"})) == ""


def test_segments_stand_in_the_order_of_the_format_and_empty_ones_stay():
    assert dimensions_of(order(line(1)), rules(WEB)) == "WEB--"
    both = rules({"dimension": "CostCenter", "value": "100"}, WEB)
    assert dimensions_of(order(line(1)), both) == "WEB--100"


def test_the_delimiter_is_that_of_the_environment_and_escaped_within_a_value():
    outdoor = {"dimension": "CostCenter", "value": "OUT-DOOR|1"}
    assert dimensions_of(order(line(1)), rules(WEB, outdoor)) == r"WEB--OUT\-DOOR|1"
    assert dimensions_of(order(line(1)), rules(WEB, outdoor, account_delimiter="|")) == r"WEB||OUT-DOOR\|1"


@pytest.mark.parametrize(
    ("condition", "fitting", "other"),
    [
        ({"channels": ("pos", "1834*")}, {"channel": "183467"}, {"channel": "web"}),
        ({"channels": ("POS",)}, {"channel": "pos"}, {"channel": "posh"}),
        ({"locations": (71, 72)}, {"location_id": 72}, {"location_id": 73}),
        ({"locations": (71,)}, {"served_by": 71}, {"served_by": None}),
        ({"countries": ("DE", "NL")}, {"shipping_address": address("DE")}, {"shipping_address": address("DK")}),
        ({"tag": "b2b"}, {"tags": ("x", "B2B")}, {"tags": ("b2b-old",)}),
    ],
)
def test_the_first_rule_whose_conditions_fit_decides(condition, fitting, other):
    found = rules(WEB | {"value": "SPECIAL"} | condition, WEB)
    assert dimensions_of(replace(order(line(1)), **fitting), found) == "SPECIAL--"
    assert dimensions_of(replace(order(line(1)), **other), found) == "WEB--"


def test_all_conditions_of_a_rule_must_fit():
    found = rules(WEB | {"tag": "b2b", "channels": ("pos",)}, WEB | {"value": "REST"})
    assert dimensions_of(replace(order(line(1)), tags=("b2b",), channel="web"), found) == "REST--"
    assert dimensions_of(replace(order(line(1)), tags=("b2b",), channel="pos"), found) == "WEB--"


def test_an_order_without_address_belongs_to_the_stores_market():
    nowhere = replace(order(line(1)), shipping_address=None, billing_address=None)
    assert dimensions_of(nowhere, rules(WEB | {"countries": ("NL",)})) == "WEB--"


def test_rules_by_sku_are_for_product_lines():
    by_sku = rules({"dimension": "CostCenter", "value": "TENTS", "skus": ("TENT-*",)}, WEB)
    sale = order(line(1, sku="TENT-2P"), line(2, sku="tent-2p"), line(3, sku="", kind=LineKind.PRODUCT))
    assert dimensions_of(sale, by_sku, sku="TENT-2P") == "WEB--TENTS"
    assert dimensions_of(sale, by_sku, sku="tent-2p") == dimensions_of(sale, by_sku) == "WEB--"


def test_every_document_has_them():
    by_sku = rules({"dimension": "CostCenter", "value": "TENTS", "skus": ("TENT-*",)}, WEB)
    sale = order(line(1, euros("50.00"), 2, sku="TENT-2P"))
    planned = plan(sale, by_sku)
    field = "DefaultLedgerDimensionDisplayValue"
    assert planned.header[field] == "WEB--"
    assert [each.record[field] for each in planned.lines] == ["WEB--TENTS", *["WEB--"] * (len(planned.lines) - 1)]
    assert customer_record(sale, by_sku, "C1")["DefaultDimensionDisplayValue"] == "WEB--"


def test_payments_have_them_on_both_sides():
    paying = with_rules(rules(WEB), payments={"journal": "SHOPPAY", "methods": tuple(METHODS)})
    one = state(transaction(1, "100.00"))
    lines = plan_payments(one, paying, customer_account="C1", sales_order="SN1", booked={})
    assert lines
    for each in lines:
        assert each.record["DefaultDimensionsForAccountDisplayValue"] == "WEB--"
        assert each.record["DefaultDimensionsForOffsetAccountDisplayValue"] == "WEB--"
