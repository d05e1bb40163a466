"""What an event says about an order, whatever else is wrong with it."""

import pytest

from shared.mapping.shopify.events import read_signals


@pytest.mark.parametrize(
    ("quantity", "status", "is_given_back"),
    [(0, None, True), (0, "partial", True), (0, "fulfilled", False), (1, None, False)],
    ids=["never shipped", "shipped in part", "shipped and back", "still to ship"],
)
def test_an_order_of_which_nothing_is_left_to_ship_is_given_back(
    quantity: int, status: str | None, *, is_given_back: bool
):
    lines = [{"current_quantity": quantity, "fulfillment_status": status}]
    assert read_signals({"line_items": lines}).is_given_back is is_given_back


def test_a_refunded_order_is_given_back_whatever_was_shipped():
    lines = [{"current_quantity": 0, "fulfillment_status": "fulfilled"}]
    assert read_signals({"line_items": lines, "financial_status": "refunded"}).is_given_back
