"""The order's webhook and its GraphQL node give the same state, after every step of an order in the simulator."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import httpx
import pytest
from fixtures.shopify_sim import Client, running_client

from shared.errors import RefusedError
from shared.flows import ORDERS
from shared.mapping.orders.proof import prove
from shared.mapping.payments.proof import prove_payments
from shared.mapping.refunds.proof import prove_refund
from shared.mapping.shopify.fields import Amounts
from shared.mapping.shopify.graphql import as_webhook, read_graphql_state
from shared.mapping.shopify.state import read_state
from shared.mapping.shopify.taxes import read_taxed_duties, read_taxed_fees
from shared.model import CurrencySide, DeliveryMethod, Money, OrderState, Restock, Risk
from shared.settings import Secret
from shared.shopify.admin.client import AdminClient
from shared.shopify.admin.tokens import ClientCredentials
from shared.shopify.orders import fetch_agreements, fetch_order


class Shop:
    """The simulator with our client of it."""

    def __init__(self, client: Client, http: httpx.AsyncClient) -> None:
        self.client = client
        url = f"{client.shopify.url}/{client.shop}"
        secret = Secret("dev-nordlys-new")
        tokens = ClientCredentials(
            http, url, client_id="dev-nordlys-client", client_secret=secret, scopes=ORDERS.scopes
        )
        self.calls: list[str] = []
        self.admin = AdminClient(
            http,
            url,
            api_version="2026-10",
            tokens=tokens,
            on_call=lambda call: self.calls.append(call.query),
            on_other_version=pytest.fail,
        )

    async def take_step(self, order: dict[str, Any], step: str, **wish: Any) -> dict[str, Any]:
        self.client.clock.advance(60)
        answer: dict[str, Any] = await self.client.sim("POST", f"orders/{order['id']}/{step}", wish)
        found: dict[str, Any] = answer["order"]
        return found

    async def fetched(self, order: dict[str, Any], side: CurrencySide = CurrencySide.PRESENTMENT) -> OrderState:
        node = await fetch_order(self.admin, order["id"])
        assert node is not None
        return read_graphql_state(node, store="nordlys", side=side)


@pytest.fixture
async def shop(wire: None) -> AsyncIterator[Shop]:
    async with running_client() as client, httpx.AsyncClient() as http:
        yield Shop(client, http)


def from_webhook(order: dict[str, Any], side: CurrencySide = CurrencySide.PRESENTMENT) -> OrderState:
    """The state from the webhook."""
    return read_state(json.loads(json.dumps(order), parse_float=Decimal), store="nordlys", side=side)


def same(webhook: OrderState, graphql: OrderState) -> None:
    """All but what only GraphQL has: payments, their worth in both currencies, risk, the delivery method."""
    assert without_payments(webhook) == without_payments(graphql)


def without_payments(state: OrderState) -> OrderState:
    refunds = tuple(
        replace(each, transactions=tuple(replace(t, exchange_rate=None) for t in each.transactions))
        for each in state.refunds
    )
    return replace(state, refunds=refunds, transactions=None, risk=Risk.NONE, delivery=None, assigned_location=None)


TWO_LINES: dict[str, Any] = {
    "lines": [
        {"sku": "TENT-2P", "quantity": 3, "discount": "10.01", "tax": [{"title": "BTW", "rate": "0.21"}]},
        {
            "sku": "MUG-ENAMEL",
            "quantity": 2,
            "tax": [{"title": "BTW", "rate": "0.21"}, {"title": "Eco", "rate": "0.01"}],
        },
    ],
    "shipping": [{"title": "Post", "price": "6.50", "tax": [{"title": "BTW", "rate": "0.21"}]}],
}


async def test_an_untouched_order_takes_one_call(shop: Shop):
    order = await shop.client.place(**TWO_LINES)
    state = await shop.fetched(order)
    same(from_webhook(order), state)
    assert [call for call in shop.calls if call.startswith("Order")] == ["OrderState"]
    [payment] = state.transactions or ()
    assert (payment.kind, payment.amount) == ("sale", state.order.total)
    assert prove_payments(state).total == Money(Decimal(0), "EUR")


async def test_every_step_of_an_order_is_read_alike_from_rest_and_graphql(shop: Shop):
    order = await shop.client.place(**TWO_LINES, tip="2.50", fees=[{"name": "Handling", "price": "1.10"}])
    tents, mugs = (line["id"] for line in order["line_items"][:2])
    steps: list[tuple[str, dict[str, Any]]] = [
        ("edit", {"quantities": {str(mugs): 1}}),
        ("refund", {"lines": [{"line": tents, "quantity": 1, "restock": "cancel"}], "shipping": "1.50"}),
        ("risk", {"level": "high"}),
        ("fulfill", {"lines": [{"line": tents, "quantity": 1}]}),
        ("refund", {"amount": "3.00"}),
        ("fulfill", {}),
        ("refund", {"lines": [{"line": tents, "quantity": 1, "restock": "return"}], "restocking_fee": "1"}),
        ("refund", {"lines": [{"line": tents, "quantity": 1, "restock": "no_restock"}], "status": "pending"}),
    ]
    for step, wish in steps:
        order = await shop.take_step(order, step, **wish)
        state = await shop.fetched(order)
        same(from_webhook(order), state)
        prove(state.order)
        for refund in state.refunds:
            prove_refund(refund, state.order)
        prove_payments(state)
    assert state.risk is Risk.HIGH
    assert {line.id: line.quantity for line in state.order.lines}[tents] == 2
    assert state.shipped[tents] == 2
    assert [line.restock for refund in state.refunds for line in refund.lines if line.line_id == tents] == [
        Restock.CANCEL,
        Restock.RETURN,
        Restock.NO_RESTOCK,
    ]


async def test_only_graphql_has_the_shops_side_of_a_payment_in_another_currency(shop: Shop):
    order = await shop.client.place(**TWO_LINES, currency="DKK", exchange_rate="7.46")
    line = order["line_items"][0]["id"]
    wish = {"lines": [{"line": line, "quantity": 1, "restock": "cancel"}], "exchange_rate": "7.30"}
    order = await shop.take_step(order, "refund", **wish)
    with pytest.raises(RefusedError) as caught:
        from_webhook(order, CurrencySide.SHOP)
    assert caught.value.code == "TRANSACTION_CURRENCY"
    state = await shop.fetched(order, CurrencySide.SHOP)
    [refund] = state.refunds
    [payment] = refund.transactions
    assert (payment.amount.currency, payment.paid.currency) == ("EUR", "DKK")
    assert payment.exchange_rate == payment.amount.amount / payment.paid.amount
    evidence = prove_refund(refund, state.order)
    assert evidence.notes == ("proved in DKK, which was paid",)
    assert evidence.row("exchange difference").shopify
    same(from_webhook(order), await shop.fetched(order))
    order = await shop.take_step(order, "refund", **wish, status="pending")
    state = await shop.fetched(order, CurrencySide.SHOP)
    assert prove_refund(state.refunds[1], state.order).notes[0] == "proved in DKK, which was paid"


async def test_an_order_with_many_lines_and_refunds_is_read_whole(shop: Shop):
    lines = [{"sku": "MUG-ENAMEL", "quantity": 2, "price": "1.25"} for _ in range(75)]
    order = await shop.client.place(lines=lines)
    ids = [line["id"] for line in order["line_items"]]
    cancelled = [{"line": each, "quantity": 1, "restock": "cancel"} for each in ids[:70]]
    order = await shop.take_step(order, "refund", lines=cancelled)
    order = await shop.take_step(order, "fulfill", lines=[{"line": each, "quantity": 1} for each in ids[:8]])
    for line in ids[:4]:
        order = await shop.take_step(order, "refund", lines=[{"line": line, "quantity": 1, "restock": "return"}])
    state = await shop.fetched(order)
    same(from_webhook(order), state)
    assert len(state.order.lines) == 75
    assert [len(refund.lines) for refund in state.refunds] == [70, 1, 1, 1, 1]
    refunds = ["OrderRefunds", "OrderRefundLines", "OrderRefundLines", "OrderRefunds"]
    ours = [call for call in shop.calls if call.startswith("Order")]
    assert ours == ["OrderState", "OrderLines", "OrderLines", *refunds, "OrderParcels"]


async def test_an_order_with_more_payments_and_parcels_than_one_answer_holds_is_read_whole(shop: Shop):
    cards = [{"gateway": "gift_card", "amount": "2.00"} for _ in range(30)]
    order = await shop.client.place(
        lines=[{"sku": "MUG-ENAMEL", "quantity": 45, "price": "2.00"}],
        payment=[*cards, {"gateway": "shopify_payments"}],
    )
    line = order["line_items"][0]["id"]
    for _ in range(41):
        order = await shop.take_step(order, "fulfill", lines=[{"line": line, "quantity": 1}])
    order = await shop.take_step(order, "refund", lines=[{"line": line, "quantity": 4, "restock": "cancel"}])
    order = await shop.take_step(order, "refund", lines=[{"line": line, "quantity": 20, "restock": "return"}])
    state = await shop.fetched(order)
    same(from_webhook(order), state)
    assert [len(refund.transactions) for refund in state.refunds] == [4, 20]
    assert len(state.transactions or ()) == 31 + 24
    assert state.shipped[line] == 41
    assert prove_payments(state).total == Money(Decimal(0), "EUR")


async def test_an_order_that_shopify_does_not_have_is_none(shop: Shop):
    assert await fetch_order(shop.admin, 1) is None


async def test_an_order_that_the_buyer_picks_up_names_its_location(shop: Shop):
    order = await shop.client.place(**TWO_LINES, delivery_method="PICK_UP", location_id=71001001)
    state = await shop.fetched(order)
    assert (state.delivery, state.assigned_location) == (DeliveryMethod.PICK_UP, 71001001)
    assert state.order.shipping_address is None
    assert from_webhook(order).delivery is None


async def test_an_order_has_no_delivery_method_before_it_is_routed(shop: Shop):
    order = await shop.client.place(**TWO_LINES, routing_seconds=30)
    assert (await shop.fetched(order)).delivery is None
    shop.client.clock.advance(31)
    assert (await shop.fetched(order)).delivery is DeliveryMethod.SHIPPING


async def test_edits_that_totals_cannot_explain_are_read_from_the_sales_agreements(shop: Shop):
    """Two lines under a discount code, each with fewer units and then with more again."""
    order = await shop.client.place(
        **TWO_LINES | {"discount_codes": [{"code": "TEN", "percentage": 10}], "taxes_included": False}
    )
    tents, mugs = (line["id"] for line in order["line_items"][:2])
    await shop.take_step(order, "edit", quantities={str(tents): 2, str(mugs): 1})
    await shop.take_step(order, "edit", quantities={str(tents): 3})
    order = await shop.take_step(order, "edit", quantities={str(mugs): 4})
    order = await shop.take_step(order, "refund", lines=[{"line": tents, "quantity": 1, "restock": "cancel"}])
    with pytest.raises(RefusedError, match="STATE_SUM_DIFFERS"):
        from_webhook(order)
    agreements = await fetch_agreements(shop.admin, order["id"])
    assert [each["reason"] for each in agreements] == ["ORDER", "ORDER_EDIT", "ORDER_EDIT", "ORDER_EDIT", "REFUND"]
    body = json.loads(json.dumps(order), parse_float=Decimal)
    webhook = read_state(body, store="nordlys", side=CurrencySide.PRESENTMENT, agreements=agreements)
    node = await fetch_order(shop.admin, order["id"])
    assert node is not None
    state = read_graphql_state(node, store="nordlys", side=CurrencySide.PRESENTMENT, agreements=agreements)
    same(webhook, state)
    prove(state.order)
    assert {line.id: line.quantity for line in state.order.lines} == {tents: 2, mugs: 4}
    assert f"{state.order.total.amount}" == order["current_total_price"]
    assert any("sales agreements" in reading for reading in state.readings)


async def test_one_line_that_went_down_and_up_under_a_code_is_read_from_the_body(shop: Shop):
    order = await shop.client.place(
        **TWO_LINES | {"discount_codes": [{"code": "TEN", "percentage": 10}], "taxes_included": False}
    )
    tents = order["line_items"][0]["id"]
    await shop.take_step(order, "edit", quantities={str(tents): 2})
    order = await shop.take_step(order, "edit", quantities={str(tents): 3})
    state = await shop.fetched(order)
    same(from_webhook(order), state)
    prove(state.order)
    assert state.order.lines[0].quantity == 3


async def test_agreements_of_an_order_that_does_not_exist_are_none(shop: Shop):
    assert await fetch_agreements(shop.admin, 1) == []


async def test_a_fee_given_back_after_delivery_reads_the_same_both_ways(shop: Shop):
    """GraphQL shows it on no refund."""
    order = await shop.client.place(**TWO_LINES, fees=[{"name": "Handling", "price": "1.10"}])
    tents = order["line_items"][0]["id"]
    await shop.take_step(order, "fulfill")
    order = await shop.take_step(
        order, "refund", lines=[{"line": tents, "quantity": 1, "restock": "return"}], fees=True
    )
    state = await shop.fetched(order)
    [found] = state.readings
    assert "gave back 1.10 EUR of the fees" in found
    same(from_webhook(order), replace(state, readings=()))
    [refund] = state.refunds
    prove(state.order)
    prove_refund(refund, state.order)
    assert [(each.reason, each.amount.amount, each.on_order) for each in refund.adjustments] == [
        ("additional_fees_refund", Decimal("1.10"), False)
    ]
    assert state.order.additional_fees.amount == Decimal("1.10")


async def test_taxes_of_duties_and_fees_are_read_from_the_node(shop: Shop):
    order = await shop.client.place(**TWO_LINES, duties="10.00", fees=[{"name": "Handling", "price": "2.00"}])
    node = await fetch_order(shop.admin, order["id"])
    assert node is not None
    [duty, *_], [fee] = node["lineItems"]["nodes"][0]["duties"], node["additionalFees"]
    both = {side: {"amount": "0.42", "currencyCode": "EUR"} for side in ("shopMoney", "presentmentMoney")}
    for charge in (duty, fee):
        charge["taxLines"] = [{"title": "VAT", "rate": Decimal("0.21"), "channelLiable": False, "priceSet": both}]
    webhook = as_webhook(node)
    amounts = Amounts(CurrencySide.SHOP, "EUR")
    found = (
        *read_taxed_duties(webhook["line_items"], amounts, included=True),
        *read_taxed_fees(webhook, amounts, included=True),
    )
    assert [charge.amount.amount for charge in found] == [
        Decimal(duty["price"]["shopMoney"]["amount"]),
        Decimal("2.0"),
    ]
    assert [charge.taxes[0].amount.amount for charge in found] == [Decimal("0.42")] * 2
