"""Payments, refunds and returns in the Shopify simulator: amounts, adjustments, webhooks."""

import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from fixtures.shopify_sim import Client, ManualClock, receiving

from local.shopify import run_shopify
from local.shopify.topics import ALL_TOPICS

TENT = [{"sku": "TENT-2P", "quantity": 2, "price": "100"}]


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


def topics(done: dict[str, Any]) -> list[str]:
    return [each["topic"] for each in done["events"]]


def bodies(done: dict[str, Any], topic: str) -> list[dict[str, Any]]:
    return [each["body"] for each in done["events"] if each["topic"] == topic]


# ---------------------------------------------------------------- payments


async def test_authorization_is_captured_in_parts(client: Client):
    order = await client.place(lines=TENT, shipping=[], payment={"kind": "authorization"})
    first = await step(client, order, "capture", amount="50")
    assert first["order"]["financial_status"] == "partially_paid"
    assert topics(first) == ["order_transactions/create", "orders/updated"]
    (body,) = bodies(first, "order_transactions/create")
    assert (body["kind"], body["amount"], body["payment_id"]) == ("capture", "50.00", "#1001.2")
    await step(client, order, "capture", expect=400, amount="150.01")
    last = await step(client, order, "capture")
    assert bodies(last, "order_transactions/create")[0]["amount"] == "150.00"
    assert topics(last) == ["order_transactions/create", "orders/paid", "orders/updated"]
    await step(client, order, "void", expect=400)


async def test_voided_authorization_leaves_the_order_voided(client: Client):
    order = await client.place(payment={"kind": "authorization"})
    done = await step(client, order, "void")
    assert done["order"]["financial_status"] == "voided"
    assert bodies(done, "order_transactions/create")[0]["kind"] == "void"
    await step(client, order, "capture", expect=400)


async def test_order_is_paid_with_a_gift_card_and_a_card(client: Client):
    order = await client.place(
        lines=TENT, shipping=[], payment=[{"gateway": "gift_card", "amount": "30"}, {"gateway": "shopify_payments"}]
    )
    assert (order["payment_gateway_names"], order["financial_status"]) == (["gift_card", "shopify_payments"], "paid")
    received = [json.loads(r.body) for r in await client.settle() if "order_transactions" in str(r.headers)]
    assert [(each["gateway"], each["amount"]) for each in received] == [
        ("gift_card", "30.00"),
        ("shopify_payments", "170.00"),
    ]
    assert received[0]["receipt"]["gift_card_id"]
    refund = (await step(client, order, "refund", amount="40"))["order"]["refunds"][0]
    assert [(each["gateway"], each["amount"]) for each in refund["transactions"]] == [
        ("gift_card", "30.00"),
        ("shopify_payments", "10.00"),
    ]


async def test_pending_payment_pays_when_it_succeeds(client: Client):
    order = await client.place(payment={"gateway": "bank_deposit", "status": "pending"}, announce=[])
    assert (order["financial_status"], order["total_outstanding"]) == ("pending", order["total_price"])
    shopify_order = next(iter(client.shopify.simulator.shops[client.shop].orders.values()))
    (transaction,) = shopify_order.transactions
    done = await step(client, order, "settle", transaction=transaction.id)
    assert topics(done) == ["order_transactions/create", "orders/paid", "orders/updated"]
    assert done["order"]["financial_status"] == "paid"


async def test_payment_is_worth_its_amount_at_the_rate_of_its_day(client: Client):
    """As recorded: 9.00 USD for an order of 13.50 CAD came in as 12.77 CAD, and the order is paid all the same."""
    order = await client.place(
        lines=[{"sku": "TENT-2P", "quantity": 1, "price": "13.50"}],
        shipping=[],
        tax=[],
        currency="USD",
        exchange_rate="0.6666667",
        payment={"exchange_rate": "0.7048"},
    )
    assert order["total_price_set"]["presentment_money"]["amount"] == "9.00"
    assert (order["financial_status"], order["total_outstanding"]) == ("paid", "0.00")
    query = """query Paid($id: ID!) {
      order(id: $id) {
        transactions {
          amountSet { shopMoney { amount } presentmentMoney { amount currencyCode } }
          currencyExchangeAdjustment { adjustment { amount } }
        }
      }
    }"""
    data = await client.data(query, {"id": order["admin_graphql_api_id"]})
    (transaction,) = data["order"]["transactions"]
    assert transaction["amountSet"]["shopMoney"]["amount"] == "12.77"
    assert transaction["amountSet"]["presentmentMoney"] == {"amount": "9.0", "currencyCode": "USD"}
    assert transaction["currencyExchangeAdjustment"]["adjustment"]["amount"] == "-0.73"


async def test_payment_can_be_taken_in_the_shops_currency(client: Client):
    order = await client.place(lines=TENT, shipping=[], currency="JPY", exchange_rate="178.31", payment="unpaid")
    done = await step(client, order, "pay", currency="EUR", gateway="manual")
    (body,) = bodies(done, "order_transactions/create")
    assert (body["amount"], body["currency"], body["manual_payment_gateway"]) == ("200.00", "EUR", True)
    assert done["order"]["total_outstanding"] == "0.00"


async def test_cash_rounding_stands_beside_what_is_owed(client: Client):
    order = await client.place(
        lines=[{"sku": "TENT-2P", "quantity": 1, "price": "99.98"}],
        shipping=[],
        payment={"gateway": "cash", "cash_rounding": "0.02"},
    )
    assert order["total_cash_rounding_payment_adjustment_set"]["shop_money"]["amount"] == "0.02"
    assert (order["total_price"], order["total_outstanding"], order["financial_status"]) == ("99.98", "0.00", "paid")


async def test_terms_tip_duties_fees_and_bundles_are_in_the_order(client: Client):
    order = await client.place(
        lines=[
            {"sku": "TENT-2P", "quantity": 1, "price": "100", "group": "camp"},
            {"sku": "MUG-ENAMEL", "quantity": 2, "price": "10", "group": "camp", "duties": [{"amount": "1.50"}]},
            {"title": "Gift card", "quantity": 1, "price": "50", "gift_card": True, "tax": []},
        ],
        groups=[{"key": "camp", "title": "Camp kit", "quantity": 1}],
        tip="5",
        fees=[{"name": "Handling", "price": "2"}],
        shipping=[],
        tax=[{"title": "Marketplace VAT", "rate": 0.21, "channel_liable": True}],
        payment_terms={"type": "NET", "due_in_days": 30},
    )
    assert (order["financial_status"], order["total_tip_received"]) == ("pending", "5.00")
    assert order["total_price"] == "178.50"
    assert order["current_total_duties_set"]["shop_money"]["amount"] == "1.50"
    assert order["original_total_additional_fees_set"]["shop_money"]["amount"] == "2.00"
    assert {each["sales_line_item_group_id"] for each in order["line_items"][:2]} == {
        order["line_item_groups"][0]["id"]
    }
    tip = order["line_items"][-1]
    assert (tip["title"], tip["product_id"], tip["fulfillable_quantity"], tip["gift_card"]) == ("Tip", None, 0, False)
    assert order["tax_lines"][0]["channel_liable"] is True
    assert (order["payment_terms"]["payment_terms_type"], order["payment_terms"]["due_in_days"]) == ("net", 30)


# ---------------------------------------------------------------- refunds


async def test_goodwill_is_an_adjustment_in_the_buyers_favour(client: Client):
    order = await client.place(lines=TENT, shipping=[])
    done = await step(client, order, "refund", amount="10", note="sorry")
    assert topics(done) == ["refunds/create", "order_transactions/create", "orders/updated"]
    (refund,) = bodies(done, "refunds/create")
    assert (refund["refund_line_items"], refund["note"]) == ([], "sorry")
    (adjustment,) = refund["order_adjustments"]
    assert (adjustment["kind"], adjustment["reason"]) == ("refund_discrepancy", "Refund discrepancy")
    assert adjustment["amount"] == "-10.00"
    assert (done["order"]["total_outstanding"], done["order"]["financial_status"]) == ("0.00", "partially_refunded")


async def test_restocking_fee_is_an_adjustment_in_the_merchants_favour(client: Client):
    order = await client.place(lines=TENT, shipping=[])
    await step(client, order, "fulfill")
    lines = [{"line": "TENT-2P", "quantity": 1, "restock": "return"}]
    (refund,) = bodies(
        await step(client, order, "refund", lines=lines, restocking_fee="15", reason="RESTOCK"), "refunds/create"
    )
    assert refund["transactions"][0]["amount"] == "85.00"
    assert [(each["reason"], each["amount"]) for each in refund["order_adjustments"]] == [("Restock", "15.00")]


async def test_refund_gives_shipping_and_duties_back_in_part(client: Client):
    order = await client.place(
        lines=[{"sku": "TENT-2P", "quantity": 2, "price": "100", "duties": [{"amount": "9"}]}],
        shipping=[{"title": "Post", "price": "12.10"}],
    )
    lines = [{"line": "TENT-2P", "quantity": 1, "restock": "no_restock"}]
    done = await step(client, order, "refund", lines=lines, shipping="2.10", duties=True)
    (refund,) = bodies(done, "refunds/create")
    assert refund["total_duties_set"]["shop_money"]["amount"] == "4.50"
    (shipping,) = refund["refund_shipping_lines"]
    assert shipping["subtotal_amount_set"]["shop_money"]["amount"] == "2.10"
    assert refund["transactions"][0]["amount"] == "106.60"
    assert done["order"]["current_total_price"] == "114.50"
    assert done["order"]["shipping_lines"][0]["current_discounted_price_set"]["shop_money"]["amount"] == "10.00"


async def test_returned_goods_come_back_to_the_location_of_the_refund(client: Client):
    order = await client.place(lines=TENT)
    await step(client, order, "fulfill")
    locations = list(client.shopify.simulator.shops[client.shop].locations)
    rows = await client.sim("GET", "inventory")
    key = ("TENT-2P", locations[-1])
    before = {(row["sku"], row["location_id"]): row["available"] for row in rows}
    lines = [{"line": "TENT-2P", "quantity": 1, "restock": "return", "location_id": locations[-1]}]
    done = await step(client, order, "refund", lines=lines)
    assert bodies(done, "refunds/create")[0]["refund_line_items"][0]["location_id"] == locations[-1]
    rows = await client.sim("GET", "inventory")
    after = {(row["sku"], row["location_id"]): row["available"] for row in rows}
    assert after[key] == before.get(key, 0) + 1


@pytest.mark.parametrize(
    ("terms", "amounts"),
    [({"taxes_included": True}, ("-1.74", "-0.36")), ({"taxes_included": False}, ("-2.10", "-0.44"))],
)
async def test_the_tax_of_refunded_shipping_stands_in_an_adjustment_only(
    client: Client, terms: dict, amounts: tuple[str, str]
):
    shipping = [{"title": "Post", "price": "12.10"}]
    order = await client.place(lines=TENT, shipping=shipping, **terms)
    done = await step(client, order, "refund", shipping="2.10")
    (refund,) = bodies(done, "refunds/create")
    (row,) = refund["refund_shipping_lines"]
    assert row.keys() == {"id", "shipping_line_id", "shipping_line", "subtotal_amount_set"}
    (adjustment,) = refund["order_adjustments"]
    assert (adjustment["kind"], adjustment["reason"]) == ("shipping_refund", "Shipping refund")
    assert (adjustment["amount"], adjustment["tax_amount"]) == amounts
    assert {side["amount"] for side in adjustment["tax_amount_set"].values()} == {amounts[1]}


def discrepancies(refund: dict) -> list[tuple[str, str]]:
    return [(each["reason"], each["amount"]) for each in refund["order_adjustments"]]


@pytest.mark.parametrize(
    ("wish", "pending"),
    [
        (
            {"lines": [{"line": "TENT-2P", "quantity": 1, "restock": "cancel"}]},
            [("Refund discrepancy", "100.00")],
        ),
        ({"amount": "15"}, [("Refund discrepancy", "-15.00"), ("Refund discrepancy", "15.00")]),
    ],
)
async def test_pending_refund_has_an_adjustment_that_is_reversed_when_the_money_moves(
    client: Client, wish: dict, pending: list[tuple[str, str]]
):
    order = await client.place(lines=TENT, shipping=[])
    done = await step(client, order, "refund", **wish, status="pending")
    assert topics(done) == ["refunds/create", "orders/updated"]
    (refund,) = bodies(done, "refunds/create")
    assert discrepancies(refund) == pending
    assert (done["order"]["financial_status"], done["order"]["total_outstanding"]) == ("paid", "0.00")
    settled = await step(client, order, "settle", transaction=refund["transactions"][0]["id"])
    assert topics(settled) == ["order_transactions/create", "orders/updated"]
    assert settled["order"]["financial_status"] == "partially_refunded"
    (after,) = settled["order"]["refunds"]
    reversal = ("Pending refund discrepancy", f"-{pending[-1][1]}")
    assert discrepancies(after) == [*pending, reversal]
    assert settled["order"]["total_outstanding"] == "0.00"


async def test_failed_refund_leaves_its_adjustment(client: Client):
    order = await client.place(lines=TENT, shipping=[])
    lines = [{"line": "TENT-2P", "quantity": 1, "restock": "cancel"}]
    (refund,) = bodies(await step(client, order, "refund", lines=lines, status="pending"), "refunds/create")
    outcome = {"transaction": refund["transactions"][0]["id"], "status": "failure"}
    failed = await client.sim("POST", f"orders/{order['id']}/settle", outcome)
    assert discrepancies(failed["order"]["refunds"][0]) == [("Refund discrepancy", "100.00")]


async def test_no_more_goods_or_money_go_back_than_came(client: Client):
    order = await client.place(lines=TENT, shipping=[])
    before = await client.sim("GET", f"orders/{order['id']}")
    await step(client, order, "refund", expect=400, lines=[{"line": "TENT-2P", "quantity": 3}])
    await step(client, order, "refund", expect=400, amount="200.01")
    assert await client.sim("GET", f"orders/{order['id']}") == before


# ---------------------------------------------------------------- returned goods


async def test_return_is_asked_for_approved_processed_and_closed(client: Client):
    order = await client.place(lines=TENT, shipping=[])
    await step(client, order, "return", expect=400, action="request", lines=[{"line": "TENT-2P", "quantity": 1}])
    await step(client, order, "fulfill")
    asked = await step(client, order, "return", action="request", lines=[{"line": "TENT-2P", "quantity": 1}])
    assert topics(asked) == ["returns/request", "orders/updated"]
    await step(client, order, "return", expect=400, action="process")
    assert topics(await step(client, order, "return", action="approve")) == ["returns/approve", "orders/updated"]
    done = await step(client, order, "return", action="process")
    assert topics(done) == ["refunds/create", "order_transactions/create", "orders/updated"]
    assert bodies(done, "refunds/create")[0]["return"]["id"] == bodies(asked, "returns/request")[0]["id"]
    closed = await step(client, order, "return", action="close")
    assert bodies(closed, "returns/close")[0]["status"] == "closed"
    await step(client, order, "return", expect=400, action="close")


async def test_processed_return_leaves_the_current_figures_before_any_refund(client: Client):
    order = await client.place(lines=TENT, shipping=[])
    await step(client, order, "fulfill")
    await step(client, order, "return", action="open", lines=[{"line": "TENT-2P", "quantity": 1}])
    processed = await step(client, order, "return", action="process", refund=False)
    assert topics(processed) == ["orders/updated"]
    (line,) = processed["order"]["line_items"]
    assert (line["quantity"], line["current_quantity"]) == (2, 1)
    assert (processed["order"]["total_price"], processed["order"]["current_total_price"]) == ("200.00", "100.00")
    assert (processed["order"]["refunds"], processed["order"]["total_outstanding"]) == ([], "-100.00")
    refunded = await step(client, order, "return", action="refund")
    (refund,) = refunded["order"]["refunds"]
    assert (refund["transactions"][0]["amount"], refund["order_adjustments"]) == ("100.00", [])
    assert [each["quantity"] for each in refund["refund_line_items"]] == [1]
    (line,) = refunded["order"]["line_items"]
    assert (line["current_quantity"], refunded["order"]["current_total_price"]) == (1, "100.00")
    assert refunded["order"]["total_outstanding"] == "0.00"
    await step(client, order, "return", expect=400, action="refund")


async def test_return_fees_are_charged_with_the_order_and_lower_the_refund_without_an_adjustment(client: Client):
    order = await client.place(lines=TENT, shipping=[])
    await step(client, order, "fulfill")
    lines = [{"line": "TENT-2P", "quantity": 1, "restocking_fee": "10"}]
    opened = await step(client, order, "return", action="open", lines=lines, shipping_fee="4.50")
    (fee,) = bodies(opened, "returns/approve")[0]["return_shipping_fees"]
    assert fee["price"]["shop_money"]["amount"] == "4.50"
    done = await step(client, order, "return", action="process")
    (refund,) = done["order"]["refunds"]
    assert (refund["transactions"][0]["amount"], refund["order_adjustments"]) == ("85.50", [])
    assert (done["order"]["current_total_price"], done["order"]["total_outstanding"]) == ("114.50", "0.00")


async def test_return_that_pays_out_less_leaves_the_rest_owed(client: Client):
    order = await client.place(lines=TENT, shipping=[])
    await step(client, order, "fulfill")
    await step(client, order, "return", action="open", lines=[{"line": "TENT-2P", "quantity": 1}])
    done = await step(client, order, "return", action="process", amount="30")
    (refund,) = done["order"]["refunds"]
    assert (refund["transactions"][0]["amount"], refund["order_adjustments"]) == ("30.00", [])
    assert (done["order"]["current_total_price"], done["order"]["total_outstanding"]) == ("100.00", "-70.00")


async def test_exchange_adds_a_line_and_pays_only_the_difference(client: Client):
    order = await client.place(lines=TENT, shipping=[])
    await step(client, order, "fulfill")
    exchange = [{"sku": "MUG-ENAMEL", "quantity": 1, "price": "30", "tax": [{"title": "NL VAT", "rate": 0.21}]}]
    lines = [{"line": "TENT-2P", "quantity": 1}]
    opened = await step(client, order, "return", action="open", lines=lines, exchange=exchange)
    assert bodies(opened, "returns/approve")[0]["exchange_line_items"][0]["line_item"] is None
    assert len(opened["order"]["line_items"]) == 1
    done = await step(client, order, "return", action="process")
    assert [each["sku"] for each in done["order"]["line_items"]] == ["TENT-2P", "MUG-ENAMEL"]
    (refund,) = done["order"]["refunds"]
    assert (refund["transactions"][0]["amount"], refund["order_adjustments"]) == ("70.00", [])
    assert (done["order"]["current_total_price"], done["order"]["total_outstanding"]) == ("130.00", "0.00")


async def test_refused_step_takes_back_all_it_did(client: Client):
    """The exchange line is added before the refund turns out to be impossible."""
    order = await client.place(lines=TENT)
    await step(client, order, "fulfill")
    lines = [{"line": "TENT-2P", "quantity": 2}]
    exchange = [{"sku": "MUG-ENAMEL", "quantity": 1}]
    await step(client, order, "return", action="open", lines=lines, exchange=exchange)
    await step(client, order, "refund", lines=[{"line": "TENT-2P", "quantity": 1}])
    before = await client.sim("GET", f"orders/{order['id']}"), await client.sim("GET", "inventory")
    await step(client, order, "return", expect=400, action="process")
    assert (await client.sim("GET", f"orders/{order['id']}"), await client.sim("GET", "inventory")) == before
