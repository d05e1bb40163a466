"""What an environment's file says of packing slips, and what cannot be said together."""

from __future__ import annotations

from typing import Any, Final

import pytest
from builders.sales import EU, with_rules
from pydantic import ValidationError

from shared.rules import ShipmentsEntity, Tenant
from tests.builders.flat_shipments import ENTITY

UNSTAMPED: Final = {key: value for key, value in ENTITY.items() if key != "changed_at"}


@pytest.mark.parametrize(
    ("says", "found"),
    [
        ({}, "by_time"),
        ({"slip_search": "by_time"}, "by_time"),
        ({"slip_search": "by_line"}, "by_line"),
        ({"slip_search": "by_order"}, "by_order"),
        ({"slip_search": "by_order", "shipments_entity": ENTITY}, "by_time"),
        ({"shipments_entity": UNSTAMPED}, "by_order"),
        ({"slip_search": "by_time", "shipments_entity": UNSTAMPED}, "by_order"),
        ({"slip_search": "by_line", "shipments_entity": UNSTAMPED}, "by_line"),
    ],
)
def test_slips_are_found_as_the_file_says_and_as_the_entity_can(says: dict[str, Any], found: str) -> None:
    assert Tenant.model_validate(says).finds_slips == found


@pytest.mark.parametrize(
    ("change", "mistake"),
    [
        ({"lot": ""}, "name either lot or line_number"),
        ({"line_number": "OrderLine"}, "name either lot or line_number"),
        ({"key": ("ShipmentLineId",)}, "key must have dataAreaId"),
        ({"key": ()}, "at least 1 item"),
        ({"quantity": "Qty eq 1 or Qty"}, "should match pattern"),
        ({"carrier": "a/b"}, "should match pattern"),
        ({"warehouse": ""}, "should match pattern"),
        ({"weight": "Weight"}, "Extra inputs"),
    ],
)
def test_an_entity_that_cannot_be_read_is_a_mistake(change: dict[str, Any], mistake: str) -> None:
    with pytest.raises(ValidationError, match=mistake):
        ShipmentsEntity.model_validate(ENTITY | change)


def test_the_fields_of_an_entity_are_each_read_once() -> None:
    entity = ShipmentsEntity.model_validate(UNSTAMPED | {"tracking": "DeliveryNote"})
    assert entity.fields[:2] == ("dataAreaId", "ShipmentLineId")
    assert len(set(entity.fields)) == len(entity.fields)
    assert "ContosoShipmentLines" not in entity.fields
    assert "" not in entity.fields


def test_shipments_need_slips_that_the_app_sees_or_an_entity() -> None:
    on = {"shipments": True}
    hidden = {"packing_slips": "no"}
    with pytest.raises(ValidationError, match=r"flows\.shipments needs F&O's packing slips"):
        with_rules(EU, flows=on, tenant=hidden)
    assert with_rules(EU, tenant=hidden).tenant.packing_slips == "no"
    assert with_rules(EU, flows=on, tenant=hidden | {"shipments_entity": ENTITY}).tenant.shipments_entity is not None
    assert with_rules(EU, flows=on, tenant={"packing_slips": "unknown"}).flows.shipments


@pytest.mark.parametrize(
    ("rules", "tenant", "mistake"),
    [
        ({"holds": {"staff": {"reason": "OTHER"}}}, {"order_stamps": "no"}, "holds.credit and holds.staff"),
        (
            {"holds": {"credit": {"reason": "AWAITING_PAYMENT"}}},
            {"slip_search": "by_order"},
            "holds.credit and holds.staff",
        ),
        (
            {"orders": {"delivery": {"pick_up": {}}}},
            {"order_stamps": "no", "warehouse_management": "no"},
            'shipments.pick_up = "picked"',
        ),
    ],
)
def test_what_is_found_by_the_time_of_a_change_needs_a_tenant_that_searches_by_it(
    rules: dict[str, Any], tenant: dict[str, Any], mistake: str
) -> None:
    on = {"flows": {"shipments": True}} | rules
    assert with_rules(EU, **on).tenant.stamps_orders
    with pytest.raises(ValidationError, match=mistake):
        with_rules(EU, **on, tenant=tenant)


@pytest.mark.parametrize(
    ("rules", "tenant"),
    [
        ({"orders": {"delivery": {"pick_up": {}}}}, {"order_stamps": "no", "warehouse_management": "yes"}),
        (
            {"orders": {"delivery": {"pick_up": {}}}, "shipments": {"pick_up": "never"}},
            {"order_stamps": "no", "warehouse_management": "no"},
        ),
        ({}, {"order_stamps": "no", "warehouse_management": "no"}),
    ],
)
def test_a_tenant_that_does_not_search_by_it_may_have_the_rest(rules: dict[str, Any], tenant: dict[str, Any]) -> None:
    assert not with_rules(EU, flows={"shipments": True}, tenant=tenant, **rules).tenant.stamps_orders
