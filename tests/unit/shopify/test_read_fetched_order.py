"""Fetching an order from a shop whose answers are written down here: what the simulator's orders never need."""

from copy import deepcopy
from typing import Any, cast

import pytest

from shared.errors import RefusedError, TransientError
from shared.shopify.admin.client import AdminClient
from shared.shopify.orders import fetch_order
from shared.shopify.queries import Query

END = {"hasNextPage": False, "endCursor": None}
GID = "gid://shopify/Order/1"


def order(**overrides: Any) -> dict[str, Any]:
    return {
        "id": GID,
        "updatedAt": "2026-11-22T10:00:00Z",
        "lineItems": {"nodes": [{"id": "gid://shopify/LineItem/11"}], "pageInfo": END},
        "shippingLines": {"nodes": [], "pageInfo": END},
        "transactions": [],
        "refunds": [],
        "fulfillments": [],
    } | overrides


def parcel(*lines: int, more: str | None = None) -> dict[str, Any]:
    page = {"hasNextPage": more is not None, "endCursor": more}
    nodes = [{"quantity": 1, "lineItem": {"id": f"gid://shopify/LineItem/{each}"}} for each in lines]
    return {"id": "gid://shopify/Fulfillment/5", "fulfillmentLineItems": {"nodes": nodes, "pageInfo": page}}


def refund(**overrides: Any) -> dict[str, Any]:
    empty = {"nodes": [], "pageInfo": END}
    connections = ("refundLineItems", "refundShippingLines", "orderAdjustments", "transactions")
    return {"id": "gid://shopify/Refund/7", **{name: deepcopy(empty) for name in connections}} | overrides


class Shop:
    """Gives the answers in turn, and keeps what was asked."""

    def __init__(self, *answers: dict[str, Any]) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, dict[str, Any]]] = []

    async def run(self, query: Query, variables: dict[str, Any]) -> dict[str, Any]:
        self.asked.append((query.name, variables))
        return deepcopy(self.answers.pop(0))


async def fetch(*answers: dict[str, Any]) -> Any:
    return await fetch_order(cast("AdminClient", Shop(*answers)), 1)


async def test_a_parcel_with_many_lines_is_read_to_its_end():
    shipped = order(fulfillments=[{"id": "gid://shopify/Fulfillment/5"}])
    shop = Shop(
        {"order": shipped},
        {"order": order(fulfillments=[parcel(11, 12, more="here")])},
        {"fulfillment": parcel(13, more="there")},
        {"fulfillment": parcel(14)},
    )
    found = await fetch_order(cast("AdminClient", shop), 1)
    assert found is not None
    lines = found["fulfillments"][0]["fulfillmentLineItems"]["nodes"]
    assert [line["lineItem"]["id"][-2:] for line in lines] == ["11", "12", "13", "14"]
    assert [variables.get("after") for _, variables in shop.asked] == [None, None, "here", "there"]


async def test_an_order_that_changes_while_it_is_read_is_read_again_later():
    shipped = order(fulfillments=[{"id": "gid://shopify/Fulfillment/5"}])
    later = order(updatedAt="2026-11-22T10:00:01Z", fulfillments=[parcel(11)])
    with pytest.raises(TransientError, match="changed while it was being read"):
        await fetch({"order": shipped}, {"order": later})
    with pytest.raises(TransientError, match="changed while it was being read"):
        await fetch({"order": shipped}, {"order": None})


async def test_a_refunds_payment_that_the_order_did_not_have_yet_is_read_again_later():
    payment = {"nodes": [{"id": "gid://shopify/OrderTransaction/9"}], "pageInfo": END}
    refunded = order(refunds=[{"id": "gid://shopify/Refund/7"}])
    with pytest.raises(TransientError, match="got a transaction while"):
        await fetch({"order": refunded}, {"nodes": [refund(transactions=payment)]})


async def test_a_refund_that_is_gone_is_read_again_later():
    with pytest.raises(TransientError, match="changed while it was being read"):
        await fetch({"order": order(refunds=[{"id": "gid://shopify/Refund/7"}])}, {"nodes": [None]})


@pytest.mark.parametrize(("name", "count"), [("transactions", 25), ("refunds", 50)])
async def test_more_parts_than_any_order_has_are_refused_not_left_out(name: str, count: int):
    with pytest.raises(RefusedError, match=f"it has {count} or more {name}") as caught:
        await fetch({"order": order(**{name: [{"id": "gid://shopify/Any/1"}] * count})})
    assert caught.value.code == "SHOPIFY_SHAPE"


async def test_more_parts_of_a_refund_than_one_page_are_refused_not_left_out():
    cut_off = {"nodes": [{}, {}], "pageInfo": {"hasNextPage": True, "endCursor": "x"}}
    with pytest.raises(RefusedError, match="it has 2 or more orderAdjustments"):
        await fetch(
            {"order": order(refunds=[{"id": "gid://shopify/Refund/7"}])}, {"nodes": [refund(orderAdjustments=cut_off)]}
        )
