"""An order beyond the bounds is refused before anything of it is read, and one at the bounds is not."""

from typing import Any

import pytest
from builders.orders import line, order_payload, parsed

from shared.errors import RefusedError
from shared.mapping.bounds import MAX_LINES, MAX_PARTS, MAX_PROPERTIES, MAX_UNITS, refuse_beyond_bounds
from shared.mapping.shopify.state import read_state
from shared.mapping.shopify.taxes import lacks_taxes_of_fees
from shared.model import CurrencySide


def of_lines(count: int) -> dict[str, Any]:
    return {"line_items": [{}] * count}


def of_shipping_lines(count: int) -> dict[str, Any]:
    return {"shipping_lines": [{}] * count}


def of_units(count: int) -> dict[str, Any]:
    return {"line_items": [{"quantity": 1}, {"quantity": count}]}


def of_attributes(count: int) -> dict[str, Any]:
    return {"note_attributes": [{}] * count}


def of_line_properties(count: int) -> dict[str, Any]:
    return {"line_items": [{"properties": [{}] * (count - 1)}, {"properties": [{}]}]}


def of_taxes(count: int) -> dict[str, Any]:
    return {"line_items": [{"tax_lines": [{}] * (count - 1)}], "shipping_lines": [{"tax_lines": [{}]}]}


def of_discounts(count: int) -> dict[str, Any]:
    return {"line_items": [{"discount_allocations": [{}] * count}]}


def of_refunds(count: int) -> dict[str, Any]:
    return {"refunds": [{}] * count}


def of_refund_lines(count: int) -> dict[str, Any]:
    return {"refunds": [{"refund_line_items": [{}] * (count - 1)}]}


def of_parcels(count: int) -> dict[str, Any]:
    return {"fulfillments": [{"line_items": [{}]}] * (count // 2) + [{}] * (count % 2)}


BOUNDS = [
    (of_lines, MAX_LINES),
    (of_shipping_lines, MAX_LINES),
    (of_units, MAX_UNITS),
    (of_attributes, MAX_PROPERTIES),
    (of_line_properties, MAX_PROPERTIES),
    (of_taxes, MAX_PARTS),
    (of_discounts, MAX_PARTS),
    (of_refunds, MAX_PARTS),
    (of_refund_lines, MAX_PARTS),
    (of_parcels, MAX_PARTS),
]


@pytest.mark.parametrize(("payload", "limit"), BOUNDS, ids=[payload.__name__ for payload, _ in BOUNDS])
def test_one_more_than_the_bound_is_refused_with_the_count(payload: Any, limit: int) -> None:
    refuse_beyond_bounds(payload(limit))
    with pytest.raises(RefusedError) as refused:
        refuse_beyond_bounds(payload(limit + 1))
    assert refused.value.code == "ORDER_TOO_LARGE"
    assert (refused.value.details["count"], refused.value.details["limit"]) == (str(limit + 1), str(limit))


@pytest.mark.parametrize("wrong", [None, 1, "x", {}, [1, None, "x"], [{"quantity": "7", "tax_lines": "x"}]])
def test_what_is_not_of_the_documented_type_is_left_to_its_reader(wrong: Any) -> None:
    keys = ("line_items", "shipping_lines", "refunds", "fulfillments", "note_attributes")
    refuse_beyond_bounds(dict.fromkeys(keys, wrong))


def test_an_order_beyond_the_bounds_is_refused_before_its_mistakes() -> None:
    """So that nothing of it is mapped."""
    payload = parsed(order_payload(lines=[line(11, quantity=MAX_UNITS + 1)])) | {"currency": "no currency"}
    with pytest.raises(RefusedError) as refused:
        read_state(payload, store="nordlys", side=CurrencySide.SHOP)
    assert refused.value.code == "ORDER_TOO_LARGE"


def test_an_order_with_a_fee_is_counted_before_its_taxes_are_summed():
    payload = parsed(order_payload(fees="1.00"))
    payload.pop("additional_fees", None)
    payload["line_items"] = payload["line_items"][:1] * (MAX_LINES + 1)
    with pytest.raises(RefusedError) as refused:
        lacks_taxes_of_fees(payload)
    assert refused.value.code == "ORDER_TOO_LARGE"
