"""refundCreate, suggestedRefund and tagsRemove of the simulator: recorded texts, and what they leave of the order."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from fixtures.shopify_sim import Client, running_client

SUGGEST = """query Suggest($id: ID!, $lines: [RefundLineItemInput!]) { order(id: $id) {
  suggestedRefund(refundLineItems: $lines) {
    amountSet { presentmentMoney { amount } } subtotalSet { presentmentMoney { amount } }
    totalTaxSet { presentmentMoney { amount } }
    refundLineItems { quantity restockType lineItem { id } subtotalSet { presentmentMoney { amount } } }
    suggestedTransactions { gateway kind amountSet { presentmentMoney { amount } } parentTransaction { id } } } } }"""
REFUND = """mutation Refund($input: RefundInput!, $key: String!) { refundCreate(input: $input) @idempotent(key: $key) {
  refund { id totalRefundedSet { presentmentMoney { amount } } } userErrors { field message } } }"""
BARE = """mutation Refund($input: RefundInput!) { refundCreate(input: $input) { userErrors { message } } }"""
READ = """query Read($id: ID!) { order(id: $id) { tags
  lineItems(first: 5) { nodes { id currentQuantity unfulfilledQuantity } }
  refunds { refundLineItems(first: 5) { nodes { quantity restockType } }
    orderAdjustments(first: 5) { nodes { reason amountSet { presentmentMoney { amount } } } } } } }"""
UNTAG = (
    """mutation Untag($id: ID!, $tags: [String!]!) { tagsRemove(id: $id, tags: $tags) { userErrors { message } } }"""
)


@pytest.fixture
async def client(wire: None) -> AsyncIterator[Client]:
    async with running_client() as running:
        yield running


async def place(client: Client, **wishes: Any) -> dict[str, Any]:
    """Three things of 12.50 for 37.50, with nothing else."""
    lines = [{"title": "Thing", "price": "12.50", "quantity": 3}]
    return await client.place(**{"lines": lines, "shipping": [], "discount_codes": [], "tax": [], **wishes})


def lines_of(order: dict[str, Any], quantity: int, restock: str = "CANCEL") -> list[dict[str, Any]]:
    line = order["line_items"][0]["admin_graphql_api_id"]
    return [{"lineItemId": line, "quantity": quantity, "restockType": restock}]


async def suggest(client: Client, order: dict[str, Any], quantity: int) -> Any:
    variables = {"id": order["admin_graphql_api_id"], "lines": lines_of(order, quantity)}
    return (await client.data(SUGGEST, variables))["order"]["suggestedRefund"]


async def read(client: Client, order: dict[str, Any]) -> Any:
    return (await client.data(READ, {"id": order["admin_graphql_api_id"]}))["order"]


async def refund(client: Client, order: dict[str, Any], key: str = "k", **given: Any) -> Any:
    wish = {"orderId": order["admin_graphql_api_id"], **given}
    return (await client.data(REFUND, {"input": wish, "key": key}))["refundCreate"]


def paid_back(suggestion: Any, order: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "orderId": order["admin_graphql_api_id"],
            "parentId": each["parentTransaction"]["id"],
            "gateway": each["gateway"],
            "kind": "REFUND",
            "amount": each["amountSet"]["presentmentMoney"]["amount"],
        }
        for each in suggestion["suggestedTransactions"]
    ]


async def test_a_suggestion_changes_nothing_and_can_be_carried_out_once(client: Client):
    order = await place(client)
    suggestion = await suggest(client, order, 2)
    assert suggestion["amountSet"]["presentmentMoney"]["amount"] == "25.0"
    assert suggestion["refundLineItems"][0]["subtotalSet"]["presentmentMoney"]["amount"] == "25.0"
    (line,) = (await read(client, order))["lineItems"]["nodes"]
    assert (line["currentQuantity"], line["unfulfilledQuantity"]) == (3, 3)
    wish = {"refundLineItems": lines_of(order, 2), "transactions": paid_back(suggestion, order)}
    first = await refund(client, order, **wish)
    assert first["refund"]["totalRefundedSet"]["presentmentMoney"]["amount"] == "25.0"
    assert await refund(client, order, **wish) == first
    after = await read(client, order)
    assert after["lineItems"]["nodes"][0]["currentQuantity"] == 1
    assert [each["refundLineItems"]["nodes"] for each in after["refunds"]] == [
        [{"quantity": 2, "restockType": "CANCEL"}]
    ]
    assert after["refunds"][0]["orderAdjustments"]["nodes"] == []


async def test_without_money_the_merchant_keeps_it(client: Client):
    order = await place(client)
    made = await refund(client, order, refundLineItems=lines_of(order, 1))
    assert made["refund"]["totalRefundedSet"]["presentmentMoney"]["amount"] == "0.0"
    (only,) = (await read(client, order))["refunds"]
    (kept,) = only["orderAdjustments"]["nodes"]
    assert (kept["reason"], kept["amountSet"]["presentmentMoney"]["amount"]) == ("REFUND_DISCREPANCY", "12.5")


async def test_an_order_that_is_not_paid_gives_nothing_back(client: Client):
    order = await place(client, payment="unpaid")
    suggestion = await suggest(client, order, 1)
    assert suggestion["amountSet"]["presentmentMoney"]["amount"] == "0.0"
    assert suggestion["suggestedTransactions"] == []


async def test_refunds_are_refused_as_recorded(client: Client):
    order = await place(client)
    over = await refund(client, order, "a", refundLineItems=lines_of(order, 4))
    assert over["userErrors"] == [
        {
            "field": ["refundLineItems", "0", "quantity"],
            "message": "Quantity cannot refund more items than were purchased",
        }
    ]
    parentless = {"orderId": order["admin_graphql_api_id"], "gateway": "x", "kind": "REFUND", "amount": "1"}
    alone = await refund(client, order, "b", transactions=[parentless])
    assert alone["userErrors"] == [
        {"field": ["transactions"], "message": "Transactions require a parent_id associated with the order"}
    ]
    gone = await refund(client, {"admin_graphql_api_id": "gid://shopify/Order/1"}, "c")
    assert gone["userErrors"] == [{"field": ["orderId"], "message": "Order does not exist"}]
    again = await refund(client, order, "a", refundLineItems=lines_of(order, 4))
    assert "failed" in again["userErrors"][0]["message"]
    bare = await client.graphql(BARE, {"input": {"orderId": order["admin_graphql_api_id"]}})
    assert "@idempotent" in bare["errors"][0]["message"]


async def test_tags_are_removed_without_regard_to_case(client: Client):
    order = await place(client, tags=["VIP", "F&O: delivered"])
    await client.data(UNTAG, {"id": order["admin_graphql_api_id"], "tags": ["f&o: DELIVERED", "other"]})
    assert (await read(client, order))["tags"] == ["VIP"]
