"""The bodies of fulfillment_holds/* and fulfillment_orders/*: which fulfilment order they name, and whose hold."""

from __future__ import annotations

from typing import Any

import pytest

from shared.mapping.orders.plan import order_id_of
from shared.mapping.shopify.events import fulfillment_order_of, is_of_own_hold

PART = {"id": "gid://shopify/FulfillmentOrder/7"}


@pytest.mark.parametrize(
    ("payload", "found"),
    [
        ({"fulfillment_order": PART}, 7),
        (
            {"moved_fulfillment_order": PART, "original_fulfillment_order": {"id": "gid://shopify/FulfillmentOrder/8"}},
            7,
        ),
        ({"original_fulfillment_order": PART}, 7),
        ({"fulfillment_order": {"id": 7}}, None),
        ({"fulfillment_order": {"id": "gid://shopify/Order/7"}}, None),
        ({"fulfillment_order": {"id": "gid://shopify/FulfillmentOrder/7/8"}}, None),
        ({"fulfillment_order": None}, None),
        ({}, None),
        ([], None),
    ],
)
def test_the_fulfilment_order_is_named_by_its_gid(payload: Any, found: int | None) -> None:
    assert fulfillment_order_of(payload) == found


@pytest.mark.parametrize(
    ("payload", "own"),
    [
        ({"fulfillment_hold": {"held_by_requesting_app": True}}, True),
        ({"created_fulfillment_hold": {"held_by_requesting_app": True}}, True),
        ({"fulfillment_hold": {"held_by_requesting_app": False}}, False),
        ({"fulfillment_hold": {"held_by_requesting_app": "true"}}, False),
        ({"fulfillment_hold": None}, False),
        ([], False),
    ],
)
def test_a_hold_is_the_apps_own_where_the_body_says_so(payload: Any, own: bool) -> None:  # noqa: FBT001 - a table
    assert is_of_own_hold(payload) == own


@pytest.mark.parametrize(
    ("reference", "order_id"),
    [
        ("shopify-nordlys-5500000000001", 5500000000001),
        ("shopify-nordlys-5500000000001-2", 5500000000001),
        ("shopify-nordlys-2-5500000000001", None),
        ("shopify-nordlys-x", None),
        ("shopify-prairie-5500000000001", None),
        ("5500000000001", None),
        ("", None),
    ],
)
def test_a_reference_names_its_order_also_that_of_a_further_sales_order(reference: str, order_id: int | None) -> None:
    assert order_id_of("nordlys", reference) == order_id
