"""Steps of an order in the Shopify simulator, over HTTP: the order and its webhooks after each."""

import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from fixtures.shopify_sim import Client, ManualClock, receiving

from local.shopify import run_shopify
from local.shopify.topics import ALL_TOPICS


@pytest.fixture
async def client(wire: None) -> AsyncIterator[Client]:
    clock = ManualClock()
    async with (
        receiving() as receiver,
        run_shopify(webhooks=receiver.url, clock=clock, time_scale=0, topics=ALL_TOPICS) as shopify,
        aiohttp.ClientSession() as http,
    ):
        yield Client(shopify, http, clock, receiver)


async def step(client: Client, order: dict[str, Any], name: str, expect: int = 200, **wish: Any) -> dict[str, Any]:
    client.clock.advance(60)
    return await client.sim("POST", f"orders/{order['id']}/{name}", wish, expect)


async def webhooks(client: Client) -> list[tuple[str, str]]:
    """Path and topic of the webhooks since the last time."""
    received = await client.settle()
    found = [(each.path, each.headers["X-Shopify-Topic"]) for each in received]
    received.clear()
    return found


async def committed(client: Client, sku: str) -> int:
    rows = await client.sim("GET", "inventory")
    return sum(row["committed"] for row in rows if row["sku"] == sku)


def line(order: dict[str, Any], sku: str) -> dict[str, Any]:
    return next(each for each in order["line_items"] if each["sku"] == sku)


async def test_paid_order_sends_webhooks_of_itself_and_its_payment(client: Client):
    await client.place()
    assert await webhooks(client) == [
        ("/nordlys/orders", "orders/create"),
        ("/nordlys/transactions", "order_transactions/create"),
        ("/nordlys/orders", "orders/paid"),
    ]


@pytest.mark.wire
async def test_shop_sends_webhooks_of_new_and_updated_orders_only_unless_asked():
    clock = ManualClock()
    async with (
        receiving() as receiver,
        run_shopify(webhooks=receiver.url, clock=clock, time_scale=0) as shopify,
        aiohttp.ClientSession() as http,
    ):
        client = Client(shopify, http, clock, receiver)
        order = await client.place()
        await step(client, order, "refund", amount="1")
        assert [topic for _, topic in await webhooks(client)] == ["orders/create", "orders/updated"]


async def test_webhooks_of_one_step_share_their_event_id_and_can_be_chosen(client: Client):
    order = await client.place(announce=[])
    await step(client, order, "refund", amount="1", announce=["refunds/create", "orders/updated"])
    received = await client.settle()
    assert [each.headers["X-Shopify-Topic"] for each in received] == ["refunds/create", "orders/updated"]
    assert len({each.headers["X-Shopify-Event-Id"] for each in received}) == 1
    assert len({each.headers["X-Shopify-Webhook-Id"] for each in received}) == 2


# ---------------------------------------------------------------- edits


async def test_edit_keeps_removed_lines_and_adds_new_ones_at_the_end(client: Client):
    order = await client.place(
        lines=[{"sku": "TENT-2P", "quantity": 3, "price": "100"}, {"sku": "MAP-NORDIC", "quantity": 1, "price": "20"}],
        payment="unpaid",
        announce=[],
    )
    tent, map_ = line(order, "TENT-2P"), line(order, "MAP-NORDIC")
    done = await step(
        client,
        order,
        "edit",
        add=[{"sku": "MUG-ENAMEL", "quantity": 2, "price": "10"}],
        quantities={"MAP-NORDIC": 0, str(tent["id"]): 2},
        note="as agreed",
    )
    edited = done["order"]
    assert [each["sku"] for each in edited["line_items"]] == ["TENT-2P", "MAP-NORDIC", "MUG-ENAMEL"]
    assert [(each["quantity"], each["current_quantity"]) for each in edited["line_items"]] == [(3, 2), (1, 0), (2, 2)]
    assert [each["fulfillable_quantity"] for each in edited["line_items"]] == [2, 0, 2]
    assert (edited["total_line_items_price"], edited["current_subtotal_price"]) == ("340.00", "220.00")
    assert edited["total_outstanding"] == edited["current_total_price"] == "224.95"
    assert await webhooks(client) == [("/nordlys/orders", "orders/edited"), ("/nordlys/orders", "orders/updated")]
    body = done["events"][0]["body"]["order_edit"]
    assert body["line_items"]["additions"] == [{"id": edited["line_items"][2]["id"], "delta": 2}]
    assert body["line_items"]["removals"] == [{"id": map_["id"], "delta": 1}, {"id": tent["id"], "delta": 1}]
    assert (body["order_id"], body["staff_note"]) == (order["id"], "as agreed")
    assert await committed(client, "MAP-NORDIC") == 0
    assert await committed(client, "MUG-ENAMEL") == 2


async def test_more_of_a_paid_line_leaves_the_difference_to_be_paid(client: Client):
    order = await client.place(lines=[{"sku": "TENT-2P", "quantity": 1, "price": "100"}], shipping=[])
    edited = (await step(client, order, "edit", quantities={"TENT-2P": 3}))["order"]
    assert (edited["financial_status"], edited["total_outstanding"]) == ("partially_paid", "200.00")
    assert edited["current_total_tax"] == "52.07"
    paid = await step(client, order, "pay", gateway="paypal")
    assert paid["order"]["financial_status"] == "paid"
    assert [each["topic"] for each in paid["events"]] == ["order_transactions/create", "orders/paid", "orders/updated"]
    assert paid["order"]["payment_gateway_names"] == ["shopify_payments", "paypal"]


async def test_less_of_a_paid_line_is_owed_to_the_buyer_and_refunded_without_an_adjustment(client: Client):
    order = await client.place(lines=[{"sku": "TENT-2P", "quantity": 2, "price": "100"}], shipping=[])
    edited = (await step(client, order, "edit", quantities={"TENT-2P": 1}))["order"]
    assert (edited["total_outstanding"], edited["refunds"]) == ("-100.00", [])
    refunded = (await step(client, order, "refund"))["order"]
    assert (refunded["total_outstanding"], refunded["current_total_price"]) == ("0.00", "100.00")
    assert refunded["refunds"][0]["order_adjustments"] == []
    assert refunded["refunds"][0]["transactions"][0]["amount"] == "100.00"


async def test_line_discount_comes_and_goes_with_an_edit_and_taxes_follow(client: Client):
    order = await client.place(lines=[{"sku": "TENT-2P", "quantity": 1, "price": "121"}], shipping=[], payment="unpaid")
    cut = (await step(client, order, "edit", discounts={"TENT-2P": "21"}))["order"]
    assert (cut["current_total_price"], cut["current_total_tax"]) == ("100.00", "17.36")
    assert cut["discount_applications"][-1]["type"] == "manual"
    whole = (await step(client, order, "edit", remove_discounts=["TENT-2P"]))["order"]
    assert (whole["current_total_price"], whole["current_total_tax"]) == ("121.00", "21.00")


async def test_removed_shipping_stays_with_its_flag(client: Client):
    order = await client.place(lines=[{"sku": "TENT-2P", "quantity": 1, "price": "100"}], payment="unpaid")
    shipping = {"remove": True, "add": [{"title": "Express", "price": "12"}]}
    edited = (await step(client, order, "edit", shipping=shipping))["order"]
    found = [(each["title"], each["is_removed"]) for each in edited["shipping_lines"]]
    assert found == [("Standard", True), ("Express", False)]
    assert edited["current_shipping_price_set"]["shop_money"]["amount"] == "12.00"
    assert edited["current_total_price"] == "112.00"


async def test_nothing_can_be_edited_away_that_was_shipped(client: Client):
    order = await client.place(lines=[{"sku": "TENT-2P", "quantity": 2}])
    await step(client, order, "fulfill", lines=[{"line": "TENT-2P", "quantity": 1}])
    await step(client, order, "edit", expect=400, quantities={"TENT-2P": 0})
    edited = (await step(client, order, "edit", quantities={"TENT-2P": 1}))["order"]
    assert (edited["fulfillment_status"], line(edited, "TENT-2P")["fulfillment_status"]) == ("fulfilled", "fulfilled")


# ---------------------------------------------------------------- cancellation


async def test_cancelled_order_is_refunded_and_restocked(client: Client):
    """As in a real payload: totals stay, current figures are zero, goods come off with the restock type cancel."""
    order = await client.place(lines=[{"sku": "TENT-2P", "quantity": 2, "price": "100"}], announce=[])
    done = await step(client, order, "cancel", reason="customer")
    assert [topic for _, topic in await webhooks(client)] == [
        "orders/cancelled",
        "refunds/create",
        "order_transactions/create",
        "orders/updated",
    ]
    cancelled = done["order"]
    assert (cancelled["cancel_reason"], cancelled["cancelled_at"]) == ("customer", cancelled["updated_at"])
    assert (cancelled["financial_status"], cancelled["fulfillment_status"]) == ("refunded", None)
    assert (cancelled["total_price"], cancelled["current_total_price"]) == ("204.95", "0.00")
    assert cancelled["total_outstanding"] == "0.00"
    assert line(cancelled, "TENT-2P")["fulfillable_quantity"] == 0
    (refund,) = cancelled["refunds"]
    assert [each["restock_type"] for each in refund["refund_line_items"]] == ["cancel"]
    assert refund["transactions"][0]["parent_id"]
    assert await committed(client, "TENT-2P") == 0
    await step(client, order, "cancel", expect=400)


async def test_cancelling_voids_what_was_only_authorized(client: Client):
    order = await client.place(payment={"kind": "authorization"})
    assert order["financial_status"] == "authorized"
    cancelled = (await step(client, order, "cancel", reason="fraud"))["order"]
    assert (cancelled["financial_status"], cancelled["total_outstanding"]) == ("voided", "0.00")
    assert cancelled["refunds"][0]["transactions"] == []


async def test_cancelling_without_a_refund_keeps_the_money_as_an_adjustment(client: Client):
    order = await client.place()
    cancelled = (await step(client, order, "cancel", refund=False, restock=False))["order"]
    (refund,) = cancelled["refunds"]
    assert [each["restock_type"] for each in refund["refund_line_items"]] == ["no_restock"]
    [kept] = [each for each in refund["order_adjustments"] if each["kind"] == "refund_discrepancy"]
    assert kept["amount"] == order["total_price"] == cancelled["current_total_price"]
    assert cancelled["total_outstanding"] == "0.00"


async def test_shipped_or_returned_orders_cannot_be_cancelled(client: Client):
    order = await client.place()
    await step(client, order, "fulfill")
    await step(client, order, "cancel", expect=400)


async def test_part_of_an_order_is_cancelled_by_a_refund(client: Client):
    order = await client.place(lines=[{"sku": "TENT-2P", "quantity": 3, "price": "100"}])
    lines = [{"line": "TENT-2P", "quantity": 2, "restock": "cancel"}]
    refunded = (await step(client, order, "refund", lines=lines))["order"]
    assert line(refunded, "TENT-2P")["current_quantity"] == 1
    assert line(refunded, "TENT-2P")["fulfillable_quantity"] == 1
    assert (refunded["financial_status"], refunded["current_total_price"]) == ("partially_refunded", "104.95")
    assert await committed(client, "TENT-2P") == 1


# ---------------------------------------------------------------- risk and parcels


async def test_risk_is_sent_without_a_provider_and_with_the_order_as_text(client: Client):
    order = await client.place(announce=[])
    await step(client, order, "risk", level="high", announce=["orders/risk_assessment_changed"])
    (received,) = await client.settle()
    assert received.path == "/nordlys/orders"
    body = json.loads(received.body)
    assert (body["risk_level"], body["order_id"], body["provider_id"]) == ("high", str(order["id"]), None)


async def test_parcels_make_an_order_partially_and_then_wholly_fulfilled(client: Client):
    order = await client.place(lines=[{"sku": "TENT-2P", "quantity": 2}], tip="4", announce=[])
    half = await step(client, order, "fulfill", lines=[{"line": "TENT-2P", "quantity": 1}])
    assert (half["events"][0]["topic"], half["order"]["fulfillment_status"]) == (
        "orders/partially_fulfilled",
        "partial",
    )
    tracking = {"company": "PostNL", "number": "3S1", "url": "https://postnl.example/3S1"}
    whole = await step(client, order, "fulfill", tracking=tracking)
    assert (whole["events"][0]["topic"], whole["order"]["fulfillment_status"]) == ("orders/fulfilled", "fulfilled")
    assert [each["tracking_number"] for each in whole["order"]["fulfillments"]] == [None, "3S1"]
    assert await committed(client, "TENT-2P") == 0
