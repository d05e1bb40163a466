"""When what a webhook leaves out may be put beside its body: payments, risk and delivery of the same state."""

from datetime import timedelta
from typing import Any

import pytest
from builders.orders import as_json, order_payload

from shared.mapping.shopify.graphql import is_supplement
from shared.mapping.shopify.state import read_state
from shared.model import CurrencySide
from shared.sync.orders.reading import read_json

SECOND = timedelta(seconds=1)
CHANGES: dict[str, dict[str, Any]] = {
    "cancelled": {"cancelledAt": "2026-11-22T09:16:00Z"},
    "edited": {"edited": True},
    "refunded": {"displayFinancialStatus": "REFUNDED"},
    "refunded in part": {"displayFinancialStatus": "PARTIALLY_REFUNDED"},
    "shipped": {"displayFulfillmentStatus": "FULFILLED"},
    "shipped in part": {"displayFulfillmentStatus": "PARTIALLY_FULFILLED"},
    "tagged": {"tags": ["hold"]},
}


def fits(*, later: timedelta = 0 * SECOND, is_fresh: bool = True, body: Any = None, **node: Any) -> bool:
    """Whether the node, which Shopify changed so much later than the body, fits the body."""
    payload = read_json(as_json(order_payload(tags="", **(body or {}))))
    state = read_state(payload, store="nordlys", side=CurrencySide.SHOP)
    plain = {
        "updatedAt": (state.order.version + later).isoformat(),
        "cancelledAt": None,
        "edited": False,
        "displayFinancialStatus": "PAID",
        "displayFulfillmentStatus": "UNFULFILLED",
        "tags": [],
    }
    return is_supplement(plain | node, state, payload, is_fresh=is_fresh)


@pytest.mark.parametrize("is_fresh", [True, False])
def test_a_node_of_the_same_moment_fits_however_old_the_event_is(*, is_fresh: bool) -> None:
    assert fits(is_fresh=is_fresh)


def test_a_node_of_a_later_moment_fits_a_fresh_event_alone() -> None:
    assert fits(later=SECOND)
    assert not fits(later=SECOND, is_fresh=False)


def test_a_node_of_an_earlier_moment_does_not_fit() -> None:
    assert not fits(later=-SECOND)


@pytest.mark.parametrize("later", [0 * SECOND, SECOND])
@pytest.mark.parametrize("change", CHANGES)
def test_what_stops_an_order_does_not_fit_be_it_in_the_same_second(change: str, later: timedelta) -> None:
    assert not fits(later=later, **CHANGES[change])


@pytest.mark.parametrize("status", ["fulfilled", "partial"])
def test_an_order_fits_that_its_body_shows_as_fulfilled_too(status: str) -> None:
    body = {"fulfillment_status": status}
    assert fits(body=body, displayFulfillmentStatus="FULFILLED") == (status == "fulfilled")
    assert not fits(body=body, displayFulfillmentStatus="PARTIALLY_FULFILLED")
