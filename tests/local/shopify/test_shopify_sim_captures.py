"""orderCapture and orderCancel of the simulator: the texts are recorded from live stores."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from fixtures.shopify_sim import Client, running_client

CAPTURE = """mutation Capture($input: OrderCaptureInput!) { orderCapture(input: $input) {
  transaction { id kind status amountSet { presentmentMoney { amount currencyCode } } parentTransaction { id } }
  userErrors { field message } } }"""
CANCEL = """mutation Cancel($id: ID!, $refund: Boolean, $method: OrderCancelRefundMethodInput, $note: String,
    $notify: Boolean) {
  orderCancel(orderId: $id, reason: INVENTORY, restock: true, refund: $refund, refundMethod: $method, staffNote: $note,
    notifyCustomer: $notify) {
    job { id done } orderCancelUserErrors { field message code } userErrors { field message } } }"""
READ = """query Read($id: ID!) { order(id: $id) {
  displayFinancialStatus cancelledAt cancellation { staffNote } capturable
  totalCapturableSet { presentmentMoney { amount } } totalOutstandingSet { presentmentMoney { amount } }
  transactions(first: 10) { id kind manuallyCapturable multiCapturable authorizationExpiresAt } } }"""
AUTHORIZED = {"kind": "authorization"}


@pytest.fixture
async def client(wire: None) -> AsyncIterator[Client]:
    async with running_client() as running:
        yield running


async def place(client: Client, *payments: dict[str, Any], **wishes: Any) -> dict[str, Any]:
    """An order of 25.00."""
    lines = [{"title": "Thing", "price": "12.50", "quantity": 2}]
    return await client.place(
        **{"lines": lines, "shipping": [], "discount_codes": [], "tax": [], "payment": list(payments), **wishes}
    )


async def read(client: Client, order: dict[str, Any]) -> Any:
    return (await client.data(READ, {"id": order["admin_graphql_api_id"]}))["order"]


async def capture(client: Client, order: dict[str, Any], amount: str, at: int = 0, **given: Any) -> Any:
    parent = (await read(client, order))["transactions"][at]["id"]
    wish = {"id": order["admin_graphql_api_id"], "parentTransactionId": parent, "amount": amount, **given}
    return (await client.data(CAPTURE, {"input": wish}))["orderCapture"]


def problems(payload: Any) -> list[tuple[list[str] | None, str]]:
    assert payload["transaction"] is None
    return [(each["field"], each["message"]) for each in payload["userErrors"]]


async def test_an_authorization_is_captured_in_parts(client: Client):
    order = await place(client, {**AUTHORIZED, "expires_at": "2026-11-30T09:00:00+00:00"})
    (authorization,) = (await read(client, order))["transactions"]
    assert (authorization["multiCapturable"], authorization["authorizationExpiresAt"]) == (True, "2026-11-30T09:00:00Z")
    made = (await capture(client, order, "10.00"))["transaction"]
    assert (made["kind"], made["status"], made["parentTransaction"]["id"]) == (
        "CAPTURE",
        "SUCCESS",
        authorization["id"],
    )
    assert made["amountSet"]["presentmentMoney"]["amount"] == "10.0"
    half = await read(client, order)
    assert half["displayFinancialStatus"] == "PARTIALLY_PAID"
    assert half["totalCapturableSet"]["presentmentMoney"]["amount"] == "15.0"
    await capture(client, order, "15")
    whole = await read(client, order)
    assert (whole["displayFinancialStatus"], whole["capturable"]) == ("PAID", False)


async def test_where_one_capture_is_allowed_the_rest_cannot_be_captured(client: Client):
    order = await place(client, {**AUTHORIZED, "multi_capturable": False})
    assert not (await read(client, order))["transactions"][0]["multiCapturable"]
    await capture(client, order, "10.00")
    seen = await read(client, order)
    assert (seen["capturable"], seen["totalOutstandingSet"]["presentmentMoney"]["amount"]) == (False, "15.0")
    assert problems(await capture(client, order, "15.00")) == [(["amount"], "Amount exceeds capturable amount")]


async def test_a_final_capture_ends_the_authorization(client: Client):
    order = await place(client, AUTHORIZED)
    await capture(client, order, "10.00", finalCapture=True)
    assert not (await read(client, order))["capturable"]


async def test_captures_are_refused_as_recorded(client: Client):
    first, second = {**AUTHORIZED, "amount": "12.50"}, {**AUTHORIZED, "amount": "12.50", "gateway": "paypal"}
    order = await place(client, first, second)
    text = "Amount must be greater than zero for capture transactions"
    assert problems(await capture(client, order, "0")) == [(None, text)]
    assert problems(await capture(client, order, "25.01")) == [(["amount"], "Amount exceeds capturable amount")]
    text = "Cannot capture more than the authorized 12.50 for this payment."
    assert problems(await capture(client, order, "13")) == [(None, text)]
    text = "Currency Currency must match parent transaction EUR"
    assert problems(await capture(client, order, "1", currency="USD")) == [(["currency"], text)]
    text = (
        "Setting final capture is not supported for this transaction's payment gateway. Please remove the parameter "
        "or set it to null, then try again."
    )
    assert problems(await capture(client, order, "1", at=1, finalCapture=True)) == [(None, text)]
    unknown = {"id": "gid://shopify/Order/1", "parentTransactionId": "gid://shopify/OrderTransaction/1", "amount": "1"}
    payload = (await client.data(CAPTURE, {"input": unknown}))["orderCapture"]
    assert problems(payload) == [(["id"], "Order does not exist")]
    unknown["id"] = order["admin_graphql_api_id"]
    payload = (await client.data(CAPTURE, {"input": unknown}))["orderCapture"]
    assert problems(payload) == [(None, "Unable to find parent transaction")]
    await capture(client, order, "1")
    text = "Parent transaction should be a successful authorization"
    assert problems(await capture(client, order, "1", at=2)) == [(None, text)]
    failed = await place(client, {**AUTHORIZED, "status": "failure"})
    assert problems(await capture(client, failed, "1")) == [(None, "Can only capture successful authorizations")]


async def test_a_lost_answer_leaves_the_capture_behind(client: Client):
    order = await place(client, AUTHORIZED)
    await client.fault("reset_after_commit", operation="Capture")
    with pytest.raises(OSError):
        await capture(client, order, "25.00")
    kinds = [each["kind"] for each in (await read(client, order))["transactions"]]
    assert kinds == ["AUTHORIZATION", "CAPTURE"]


async def test_a_capture_that_pays_the_order_sends_its_webhooks(client: Client):
    order = await place(client, AUTHORIZED)
    await client.settle()
    client.receiver.received.clear()
    await capture(client, order, "25.00")
    (updated,) = await client.settle()
    assert json.loads(updated.body)["financial_status"] == "paid"


async def cancel(client: Client, order: dict[str, Any], **given: Any) -> Any:
    return (await client.data(CANCEL, {"id": order["admin_graphql_api_id"], **given}))["orderCancel"]


async def test_a_cancelled_order_is_refunded_restocked_and_told_of_where_asked(client: Client):
    order = await client.place()
    before = await client.sim("GET", "inventory")
    payload = await cancel(client, order, refund=True, note="Out of stock", notify=True)
    assert (payload["job"]["done"], payload["userErrors"]) == (False, [])
    job = await client.data("query J($id: ID!) { job(id: $id) { id done } }", {"id": payload["job"]["id"]})
    assert job["job"]["done"]
    seen = await read(client, order)
    assert (seen["displayFinancialStatus"], seen["cancellation"]["staffNote"]) == ("REFUNDED", "Out of stock")
    after = await client.sim("GET", "inventory")
    assert sum(each["committed"] for each in before) > 0 == sum(each["committed"] for each in after)
    found = (await client.sim("GET", f"orders/{order['id']}/notices"))["notices"]
    assert [each["kind"] for each in found] == ["order_cancelled"]


async def test_without_a_refund_the_merchant_keeps_the_money(client: Client):
    order = await client.place()
    await cancel(client, order)
    assert (await read(client, order))["displayFinancialStatus"] == "PAID"
    assert (await client.sim("GET", f"orders/{order['id']}/notices"))["notices"] == []


async def test_cancellations_are_refused_as_recorded(client: Client):
    order = await client.place()

    async def refused(**given: Any) -> list[tuple[list[str], str, str]]:
        payload = await cancel(client, order, **given)
        assert payload["job"] is None
        plain = [(each["field"], each["message"]) for each in payload["userErrors"]]
        coded = [(each["field"], each["message"], each["code"]) for each in payload["orderCancelUserErrors"]]
        assert plain == [each[:2] for each in coded]
        return coded

    text = "Only one of the arguments `refund` or `refund_method` is allowed."
    method = {"originalPaymentMethodsRefund": True}
    assert await refused(refund=False, method=method) == [(["refund"], text, "INVALID")]
    text = "Staff note is too long. Maximum length is 255 characters."
    assert await refused(note="x" * 256) == [(["staffNote"], text, "INVALID")]
    await client.sim("POST", f"orders/{order['id']}/fulfill", {})
    text = "Cannot cancel an order that has outstanding fulfillments"
    assert await refused() == [(["orderId"], text, "INVALID")]
    await client.sim("POST", f"orders/{order['id']}/unfulfill", {})
    await cancel(client, order, method=method)
    text = "Cannot cancel an order that has already been canceled"
    assert await refused() == [(["orderId"], text, "INVALID")]
    order = {"admin_graphql_api_id": "gid://shopify/Order/1"}
    assert await refused() == [(["orderId"], "Order does not exist", "NOT_FOUND")]


async def test_an_expired_authorization_cannot_be_captured(client: Client):
    order = await place(client, {**AUTHORIZED, "expires_at": "2020-11-30T09:00:00+00:00"})
    found = await read(client, order)
    assert (found["transactions"][0]["manuallyCapturable"], found["capturable"]) == (False, False)
    assert found["displayFinancialStatus"] == "EXPIRED"
    assert problems(await capture(client, order, "1")) == [(["amount"], "Amount exceeds capturable amount")]
