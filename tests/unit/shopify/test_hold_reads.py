"""What is read of the holds of an order, and of the order of a fulfilment order."""

from __future__ import annotations

from typing import Any, cast

import pytest

from shared.errors import RefusedError
from shared.model import HeldFulfillmentOrder, ShopHold
from shared.shopify.admin.client import AdminClient
from shared.shopify.holds import order_of, place_hold, read_holds, release_holds


class Admin:
    """Gives the answers one after the other."""

    def __init__(self, *answers: dict[str, Any]) -> None:
        self.answers = list(answers)
        self.sent: list[Any] = []

    async def run(self, query: object, variables: object) -> dict[str, Any]:
        self.sent.append(variables)
        return self.answers.pop(0)


def admin(*answers: dict[str, Any]) -> AdminClient:
    return cast("AdminClient", Admin(*answers))


def page(number: int, status: str, *actions: str, after: str | None = None) -> dict[str, Any]:
    hold = {"id": "gid://shopify/FulfillmentHold/3", "reason": "OTHER", "handle": None, "heldByRequestingApp": False}
    node = {
        "id": f"gid://shopify/FulfillmentOrder/{number}",
        "status": status,
        "supportedActions": [{"action": each} for each in actions],
        "fulfillmentHolds": [hold],
    }
    return {
        "order": {
            "fulfillmentOrders": {
                "nodes": [node],
                "pageInfo": {"hasNextPage": after is not None, "endCursor": after},
            }
        }
    }


async def test_all_pages_are_read() -> None:
    one = admin(page(1, "ON_HOLD", "HOLD", "MOVE", after="c"), page(2, "CLOSED", "MOVE"))
    hold = (ShopHold(id=3, reason="OTHER"),)
    assert await read_holds(one, 7) == [
        HeldFulfillmentOrder(id=1, is_open=True, can_hold=True, holds=hold),
        HeldFulfillmentOrder(id=2, is_open=False, can_hold=False, holds=hold),
    ]
    assert cast("Admin", one).sent == [
        {"order": "gid://shopify/Order/7", "after": None},
        {"order": "gid://shopify/Order/7", "after": "c"},
    ]


@pytest.mark.parametrize(
    ("status", "is_open"),
    [("OPEN", True), ("IN_PROGRESS", True), ("ON_HOLD", True), ("SCHEDULED", False), ("INCOMPLETE", False)],
)
async def test_what_may_still_be_sent_is_open(status: str, is_open: bool) -> None:  # noqa: FBT001 - a table
    (found,) = await read_holds(admin(page(1, status)), 7)
    assert found.is_open == is_open


async def test_an_order_that_is_gone_has_none() -> None:
    assert await read_holds(admin({"order": None}), 7) == []


async def test_the_order_of_a_fulfilment_order_is_found_or_hidden() -> None:
    assert await order_of(admin({"fulfillmentOrder": {"order": {"id": "gid://shopify/Order/7"}}}), 1) == 7
    assert await order_of(admin({"fulfillmentOrder": None}), 1) is None


async def test_only_the_apps_own_handle_may_be_taken() -> None:
    errors = [{"field": ["id"], "message": "Too many.", "code": "FULFILLMENT_ORDER_HOLD_LIMIT_REACHED"}]
    answer = {"fulfillmentOrderHold": {"fulfillmentHold": None, "userErrors": errors}}
    with pytest.raises(RefusedError, match="Too many"):
        await place_hold(admin(answer), 1, handle="fo-staff", reason="OTHER", notes="")
    refused = {"fulfillmentOrderReleaseHold": {"userErrors": [{"field": None, "message": "No."}]}}
    with pytest.raises(RefusedError, match="No"):
        await release_holds(admin(refused), 1, (3,))


async def test_a_release_names_its_holds() -> None:
    one = admin({"fulfillmentOrderReleaseHold": {"userErrors": []}})
    await release_holds(one, 1, (3, 4))
    (sent,) = cast("Admin", one).sent
    assert sent["holds"] == ["gid://shopify/FulfillmentHold/3", "gid://shopify/FulfillmentHold/4"]
