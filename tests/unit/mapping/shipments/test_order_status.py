"""F&O's status of an order as a whole, and the tags that change with it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from shared.mapping.orders.plan import order_id_of
from shared.mapping.shipments.status import TagChange, status_of, tag_change
from shared.model import FoStatus, OrderStatus, SalesOrderState
from shared.rules import StatusTags

OPEN, PARTLY, DELIVERED = FoStatus.OPEN, FoStatus.PARTLY_DELIVERED, FoStatus.DELIVERED
INVOICED, CANCELLED = FoStatus.INVOICED, FoStatus.CANCELLED


def state(status, *, held=False):
    return SalesOrderState(
        number="SN1",
        reference="",
        status=status,
        delivery_mode="STD",
        is_picked=False,
        is_stopped=held,
        is_in_credit_control=False,
        modified_at=datetime(2026, 11, 27, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ([OPEN], OrderStatus.OPEN),
        ([PARTLY], OrderStatus.PARTLY_DELIVERED),
        ([DELIVERED], OrderStatus.DELIVERED),
        ([INVOICED], OrderStatus.INVOICED),
        ([CANCELLED], OrderStatus.CANCELLED),
        ([CANCELLED, CANCELLED], OrderStatus.CANCELLED),
        ([CANCELLED, OPEN], OrderStatus.OPEN),
        ([CANCELLED, INVOICED], OrderStatus.INVOICED),
        ([OPEN, OPEN], OrderStatus.OPEN),
        ([OPEN, DELIVERED], OrderStatus.PARTLY_DELIVERED),
        ([OPEN, INVOICED], OrderStatus.PARTLY_DELIVERED),
        ([DELIVERED, PARTLY], OrderStatus.PARTLY_DELIVERED),
        ([DELIVERED, INVOICED], OrderStatus.DELIVERED),
    ],
)
def test_one_status_stands_for_all_sales_orders(statuses, expected):
    assert status_of([state(each) for each in statuses]) is expected


@pytest.mark.parametrize("status", [OPEN, PARTLY, DELIVERED])
def test_a_hold_comes_first(status):
    assert status_of([state(INVOICED), state(status, held=True)]) is OrderStatus.ON_HOLD


@pytest.mark.parametrize("status", [INVOICED, CANCELLED])
def test_a_hold_of_what_is_closed_does_not_count(status):
    assert status_of([state(status, held=True), state(OPEN)]) is not OrderStatus.ON_HOLD


TAGS = StatusTags(on_hold="Held", delivered="Left", invoiced="left")


def test_the_tag_of_a_status_takes_the_place_of_the_others():
    assert tag_change(OrderStatus.DELIVERED, {"held", "vip"}, TAGS, "Held") == TagChange("Left", ("held",))


def test_a_tag_that_is_there_in_any_case_is_not_added():
    assert tag_change(OrderStatus.INVOICED, {"left"}, TAGS, "Left") == TagChange("", ())


def test_a_status_without_a_tag_takes_the_last_one_off():
    assert tag_change(OrderStatus.OPEN, {"left", "vip"}, TAGS, "") == TagChange("", ("left",))


def test_a_tag_that_the_rules_had_before_goes_too():
    assert tag_change(OrderStatus.ON_HOLD, {"stop", "vip"}, TAGS, "Stop") == TagChange("Held", ("stop",))


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("shopify-nordlys-123", 123),
        ("shopify-nordlys-123-2", 123),
        ("shopify-nordlys-123-26", 123),
        ("shopify-nordlys-123-", None),
        ("shopify-nordlys-1-6100100100014", None),
        ("shopify-nordlys-x", None),
        ("shopify-denver-123", None),
        ("", None),
    ],
)
def test_a_further_sales_order_is_of_the_same_order(reference, expected):
    assert order_id_of("nordlys", reference) == expected
