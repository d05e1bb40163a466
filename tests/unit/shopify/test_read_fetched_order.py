"""Fetching an order from a shop whose answers are written down here: what the simulator's orders never need."""

from copy import deepcopy
from typing import Any, cast

import pytest

from shared.errors import RefusedError, TransientError
from shared.shopify.admin.client import AdminClient
from shared.shopify.orders import fetch_agreements, fetch_order
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
        "fulfillmentOrders": {"nodes": [], "pageInfo": END},
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


def numbered(kind: str, count: int) -> list[dict[str, Any]]:
    return [{"id": f"gid://shopify/{kind}/{number}"} for number in range(1, count + 1)]


def part_ids(**lists: list[dict[str, Any]]) -> dict[str, Any]:
    ids: dict[str, Any] = {"transactions": [], "refunds": [], "fulfillments": []} | lists
    counts = {f"{name}Count": {"count": len(ids[name])} for name in ("transactions", "fulfillments")}
    return {"updatedAt": "2026-11-22T10:00:00Z"} | ids | counts


async def test_payments_beyond_the_first_window_are_read_by_their_ids():
    payments = numbered("OrderTransaction", 52)
    shop = Shop(
        {"order": order(transactions=payments[:25])},
        {"order": part_ids(transactions=payments)},
        {"nodes": payments[25:50]},
        {"nodes": payments[50:]},
    )
    found = await fetch_order(cast("AdminClient", shop), 1)
    assert found is not None
    assert found["transactions"] == payments
    asked = [(name, len(variables.get("ids", ()))) for name, variables in shop.asked]
    assert asked == [("OrderState", 0), ("OrderPartIds", 0), ("OrderTransactions", 25), ("OrderTransactions", 2)]


async def test_refunds_beyond_the_first_window_are_read_too():
    ids = numbered("Refund", 51)
    refunds = [refund(**each) for each in ids]
    answers = [{"nodes": refunds[start : start + 4]} for start in range(0, 51, 4)]
    found = await fetch({"order": order(refunds=ids[:50])}, {"order": part_ids(refunds=ids)}, *answers)
    assert [each["id"] for each in found["refunds"]] == [each["id"] for each in ids]


async def test_parcels_beyond_the_first_window_are_read_with_all_their_lines():
    ids = numbered("Fulfillment", 41)
    parcels = [parcel(number) | each for number, each in enumerate(ids)]
    found = await fetch(
        {"order": order(fulfillments=ids[:1])},
        {"order": order(fulfillments=parcels[:40])},
        {"order": part_ids(fulfillments=ids)},
        {"nodes": [parcel(40, more="here") | ids[40]]},
        {"fulfillment": parcel(41)},
    )
    assert [each["id"] for each in found["fulfillments"]] == [each["id"] for each in ids]
    assert len(found["fulfillments"][40]["fulfillmentLineItems"]["nodes"]) == 2


async def test_an_order_that_changes_while_its_long_lists_are_read_is_read_again_later():
    payments = numbered("OrderTransaction", 26)
    first = {"order": order(transactions=payments[:25])}
    later = part_ids(transactions=payments) | {"updatedAt": "2026-11-22T10:00:01Z"}
    with pytest.raises(TransientError, match="changed while it was being read"):
        await fetch(first, {"order": later})
    with pytest.raises(TransientError, match="changed while it was being read"):
        await fetch(first, {"order": part_ids(transactions=payments)}, {"nodes": [None]})


@pytest.mark.parametrize(
    ("name", "answers"),
    [
        ("transactions", [{"order": order(transactions=numbered("Any", 25))}]),
        ("fulfillments", [{"order": order(fulfillments=[{}])}, {"order": order(fulfillments=[parcel(1)] * 40)}]),
    ],
)
async def test_parts_that_shopify_counts_and_does_not_list_are_refused_not_left_out(
    name: str, answers: list[dict[str, Any]]
):
    listed = part_ids() | {f"{name}Count": {"count": 300}, name: numbered("Any", 250)}
    with pytest.raises(RefusedError, match=f"it has 300 {name} and lists 250") as caught:
        await fetch(*answers, {"order": listed})
    assert caught.value.code == "SHOPIFY_SHAPE"


@pytest.mark.parametrize(
    ("name", "document"),
    [
        ("refundLineItems", "OrderRefundLines"),
        ("refundShippingLines", "OrderRefundShipping"),
        ("orderAdjustments", "OrderRefundAdjustments"),
        ("transactions", "OrderRefundTransactions"),
    ],
)
async def test_every_list_of_a_refund_is_read_to_its_end(name: str, document: str):
    parts = numbered("OrderTransaction", 3)
    pages = [
        {"nodes": [part], "pageInfo": {"hasNextPage": part != parts[-1], "endCursor": part["id"]}} for part in parts
    ]
    shop = Shop(
        {"order": order(refunds=[{"id": "gid://shopify/Refund/7"}], transactions=parts)},
        {"nodes": [refund(**{name: pages[0]})]},
        {"refund": {name: pages[1]}},
        {"refund": {name: pages[2]}},
    )
    found = await fetch_order(cast("AdminClient", shop), 1)
    assert found is not None
    assert found["refunds"][0][name] == {"nodes": parts}
    assert shop.asked[2:] == [(document, {"part": "gid://shopify/Refund/7", "after": each["id"]}) for each in parts[:2]]


async def test_a_refund_that_is_gone_between_two_pages_is_read_again_later():
    first = {"nodes": [{}], "pageInfo": {"hasNextPage": True, "endCursor": "x"}}
    with pytest.raises(TransientError, match="changed while it was being read"):
        await fetch(
            {"order": order(refunds=[{"id": "gid://shopify/Refund/7"}])},
            {"nodes": [refund(orderAdjustments=first)]},
            {"refund": None},
        )


async def test_shipping_lines_are_read_to_their_end():
    pages = [
        {"nodes": [{"id": number}], "pageInfo": {"hasNextPage": number < 3, "endCursor": str(number)}}
        for number in (1, 2, 3)
    ]
    answers = [{"order": order(shippingLines=page)} for page in pages]
    found = await fetch(*answers)
    assert [line["id"] for line in found["shippingLines"]["nodes"]] == [1, 2, 3]


def agreements(*pages: Any, updated_at: str = "2026-11-22T10:00:00Z", more: str | None = None) -> dict[str, Any]:
    """An answer with one page of agreements; each has some of its sales, and where the further ones begin."""
    nodes = [
        {
            "id": agreement,
            "sales": {"nodes": [*sales], "pageInfo": {"hasNextPage": bool(further), "endCursor": further}},
        }
        for agreement, sales, further in pages
    ]
    page = {"hasNextPage": more is not None, "endCursor": more}
    return {"order": {"id": GID, "updatedAt": updated_at, "agreements": {"nodes": nodes, "pageInfo": page}}}


async def test_every_agreement_is_read_with_all_its_sales():
    shop = Shop(
        agreements(("first", "ab", "b"), more="1"),
        agreements(("first", "cd", "d"), more="1"),
        agreements(("first", "e", None), more="1"),
        agreements(("second", "", None), more="2"),
        agreements(("third", "f", None)),
    )
    found = await fetch_agreements(cast("AdminClient", shop), 1)
    assert [(each["id"], "".join(each["sales"])) for each in found] == [
        ("first", "abcde"),
        ("second", ""),
        ("third", "f"),
    ]
    asked = [(variables["after"], variables["sales"]) for _, variables in shop.asked]
    assert asked == [(None, None), (None, "b"), (None, "d"), ("1", None), ("2", None)]
    assert {variables["order"] for _, variables in shop.asked} == {GID}


async def test_agreements_of_an_order_that_changes_meanwhile_are_read_again_later():
    shop = Shop(
        agreements(("first", "a", None), more="1"), agreements(("second", "b", None), updated_at="2026-11-22T10:00:01Z")
    )
    with pytest.raises(TransientError, match="changed while it was being read"):
        await fetch_agreements(cast("AdminClient", shop), 1)


async def test_an_order_that_shopify_does_not_have_has_no_agreements():
    assert await fetch_agreements(cast("AdminClient", Shop({"order": None})), 1) == []
