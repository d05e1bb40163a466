"""What is read of an order's shipments while the order changes or goes."""

from __future__ import annotations

from typing import Any, cast

from shared.shopify.admin.client import AdminClient
from shared.shopify.shipments import read_shipments

NO_MORE = {"hasNextPage": False, "endCursor": None}
MORE = {"hasNextPage": True, "endCursor": "c"}


class Admin:
    """Gives the answers one after the other."""

    def __init__(self, *answers: dict[str, Any]) -> None:
        self.answers = list(answers)

    async def run(self, query: object, variables: object) -> dict[str, Any]:
        return self.answers.pop(0)


def open_order(page: dict[str, Any]) -> dict[str, Any]:
    line = {
        "id": "gid://shopify/FulfillmentOrderLineItem/5",
        "lineItem": {"id": "gid://shopify/LineItem/6"},
        "remainingQuantity": 2,
    }
    return {
        "id": "gid://shopify/FulfillmentOrder/4",
        "status": "OPEN",
        "requestStatus": "UNSUBMITTED",
        "assignedLocation": {"location": None},
        "deliveryMethod": None,
        "supportedActions": [],
        "fulfillmentHolds": [],
        "lineItems": {"nodes": [line], "pageInfo": page},
    }


def state(page: dict[str, Any], orders: dict[str, Any] = NO_MORE) -> dict[str, Any]:
    parts = {"nodes": [open_order(page)], "pageInfo": orders}
    return {"order": {"cancelledAt": None, "fulfillmentOrders": parts, "fulfillments": []}}


async def test_an_order_that_is_gone_before_its_further_fulfilment_orders_are_read_has_no_more() -> None:
    admin = Admin(state(NO_MORE, MORE), {"order": None})
    found = await read_shipments(cast("AdminClient", admin), 7)
    assert found is not None
    assert (len(found.orders), admin.answers) == (1, [])


async def test_a_fulfilment_order_that_is_gone_by_then_has_no_later_lines() -> None:
    admin = Admin(state(MORE), {"fulfillmentOrder": None})
    found = await read_shipments(cast("AdminClient", admin), 7)
    assert found is not None
    assert [(line.line_id, line.remaining) for line in found.orders[0].lines] == [(6, 2)]
    assert admin.answers == []


async def test_what_a_fulfilment_service_has_and_whether_it_was_asked_are_two_things() -> None:
    def at(request: str, *, service: bool) -> dict[str, Any]:
        location = {"id": "gid://shopify/Location/1", "isFulfillmentService": service}
        return {**open_order(NO_MORE), "requestStatus": request, "assignedLocation": {"location": location}}

    asked = ("SUBMITTED", "ACCEPTED", "CANCELLATION_REQUESTED", "CANCELLATION_REJECTED")
    free = ("UNSUBMITTED", "REJECTED", "CANCELLATION_ACCEPTED", "CLOSED")
    nodes = [at(status, service=service) for status in (*asked, *free) for service in (True, False)]
    answer = state(NO_MORE)
    answer["order"]["fulfillmentOrders"]["nodes"] = nodes
    answer["order"]["cancelledAt"] = "2026-11-27T12:00:00Z"
    found = await read_shipments(cast("AdminClient", Admin(answer)), 7)
    assert found is not None
    assert found.is_cancelled
    assert [(each.is_third_party, each.is_requested) for each in found.orders] == [
        *[(True, True)] * 8,
        *[(True, False), (False, False)] * 4,
    ]
