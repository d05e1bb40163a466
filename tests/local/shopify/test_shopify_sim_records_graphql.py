"""An order with payments, refunds and returns in GraphQL: the same figures as REST, and what only GraphQL has."""

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest
from fixtures.shopify_sim import Client, running_client

BAG = "{ shopMoney { amount currencyCode } presentmentMoney { amount currencyCode } }"
TAX = f"taxLines {{ title rate channelLiable priceSet {BAG} }}"
OFF = f"""discountAllocations {{
  allocatedAmountSet {BAG}
  discountApplication {{ index allocationMethod targetType targetSelection value {{
    ... on MoneyV2 {{ amount currencyCode }} ... on PricingPercentageValue {{ percentage }} }} }}
}}"""
TRANSACTION = f"""id kind status gateway manualPaymentGateway paymentId processedAt test receiptJson
  amountSet {BAG} amountRoundingSet {BAG} parentTransaction {{ id }}
  currencyExchangeAdjustment {{ adjustment {{ amount }} }}"""
AMOUNTS = " ".join(
    f"{name} {BAG}"
    for name in [
        "totalPriceSet",
        "currentTotalPriceSet",
        "originalTotalPriceSet",
        "subtotalPriceSet",
        "currentSubtotalPriceSet",
        "totalTaxSet",
        "currentTotalTaxSet",
        "totalDiscountsSet",
        "currentTotalDiscountsSet",
        "currentShippingPriceSet",
        "totalShippingPriceSet",
        "totalOutstandingSet",
        "totalReceivedSet",
        "netPaymentSet",
        "totalRefundedSet",
        "totalRefundedShippingSet",
        "refundDiscrepancySet",
        "totalTipReceivedSet",
        "totalCapturableSet",
        "currentTotalDutiesSet",
        "originalTotalDutiesSet",
        "currentTotalAdditionalFeesSet",
        "originalTotalAdditionalFeesSet",
    ]
)
LINES = f"""lineItems(first: 20) {{ nodes {{
  id title sku quantity currentQuantity refundableQuantity unfulfilledQuantity isGiftCard requiresShipping taxable
  originalUnitPriceSet {BAG} {OFF} {TAX} variant {{ id sku }} product {{ id }}
  duties {{ id harmonizedSystemCode countryCodeOfOrigin price {BAG} taxLines {{ title }} }}
  lineItemGroup {{ id title quantity }} customAttributes {{ key value }} }} }}"""
REFUNDS = f"""refunds(first: 20) {{ id legacyResourceId createdAt note totalRefundedSet {BAG}
  return {{ id }}
  duties {{ amountSet {BAG} originalDuty {{ id }} }}
  refundLineItems(first: 20) {{ nodes {{
    quantity restockType restocked location {{ id }} lineItem {{ id }} subtotalSet {BAG} totalTaxSet {BAG} }} }}
  refundShippingLines(first: 5) {{ nodes {{ shippingLine {{ id }} subtotalAmountSet {BAG} taxAmountSet {BAG} }} }}
  orderAdjustments(first: 5) {{ nodes {{ id reason amountSet {BAG} taxAmountSet {BAG} }} }}
  transactions(first: 5) {{ nodes {{ {TRANSACTION} }} }} }}"""
RETURNS = """returns(first: 5) { nodes { id name status totalQuantity
  returnLineItems(first: 5) { nodes { ... on ReturnLineItem {
    quantity processedQuantity returnReason fulfillmentLineItem { lineItem { id } } } } }
  exchangeLineItems(first: 5) { nodes { id quantity lineItem { id } variantSku } } } }"""
LIFE = f"""query Life($id: ID!) {{ order(id: $id) {{
  id name updatedAt cancelledAt cancelReason edited note poNumber tags taxesIncluded dutiesIncluded
  displayFinancialStatus displayFulfillmentStatus returnStatus currencyCode presentmentCurrencyCode paymentGatewayNames
  {AMOUNTS} {LINES} {REFUNDS} {RETURNS}
  taxLines {{ title rate priceSet {BAG} }}
  shippingLines(first: 5, includeRemovals: true) {{ nodes {{
    id title code isRemoved {OFF} {TAX}
    originalPriceSet {BAG} discountedPriceSet {BAG} currentDiscountedPriceSet {BAG} }} }}
  discountApplications(first: 10) {{ nodes {{ index }} }}
  transactions(first: 20) {{ {TRANSACTION} }}
  totalCashRoundingAdjustment {{ paymentSet {BAG} refundSet {BAG} }}
  additionalFees {{ id name price {BAG} }}
  risk {{ recommendation assessments {{ riskLevel provider {{ id }} }} }}
  paymentTerms {{ paymentTermsType dueInDays paymentSchedules(first: 1) {{ nodes {{ dueAt amount {{ amount }} }} }} }}
  fulfillmentOrders(first: 5) {{ nodes {{ status lineItems(first: 20) {{
    nodes {{ totalQuantity remainingQuantity lineItem {{ id }} }} }} }} }}
  fulfillments(first: 10) {{ id status trackingInfo {{ company number url }} location {{ id }}
    fulfillmentLineItems(first: 20) {{ nodes {{ quantity lineItem {{ id }} }} }} }}
  customer {{ id email }}
  purchasingEntity {{ __typename ... on PurchasingCompany {{ company {{ id }} location {{ id }} }} }}
  shippingAddress {{ city }} billingAddress {{ city }} customAttributes {{ key value }}
}} }}"""
# what REST calls them
NAMES = {
    "totalPriceSet": "total_price_set",
    "currentTotalPriceSet": "current_total_price_set",
    "subtotalPriceSet": "subtotal_price_set",
    "currentSubtotalPriceSet": "current_subtotal_price_set",
    "totalTaxSet": "total_tax_set",
    "currentTotalTaxSet": "current_total_tax_set",
    "totalDiscountsSet": "total_discounts_set",
    "currentTotalDiscountsSet": "current_total_discounts_set",
    "currentShippingPriceSet": "current_shipping_price_set",
    "totalShippingPriceSet": "total_shipping_price_set",
    "currentTotalDutiesSet": "current_total_duties_set",
    "originalTotalDutiesSet": "original_total_duties_set",
    "currentTotalAdditionalFeesSet": "current_total_additional_fees_set",
    "originalTotalAdditionalFeesSet": "original_total_additional_fees_set",
}


@pytest.fixture
async def client(wire: None) -> AsyncIterator[Client]:
    async with running_client() as running:
        yield running


async def step(client: Client, order: dict[str, Any], name: str, **wish: Any) -> dict[str, Any]:
    client.clock.advance(60)
    return await client.sim("POST", f"orders/{order['id']}/{name}", wish)


def same(bag: dict[str, Any] | None, rest: dict[str, Any] | None) -> bool:
    if bag is None or rest is None:
        return bag is rest
    sides = (("shopMoney", "shop_money"), ("presentmentMoney", "presentment_money"))
    return all(
        (Decimal(bag[mine]["amount"]), bag[mine]["currencyCode"])
        == (Decimal(rest[theirs]["amount"]), rest[theirs]["currency_code"])
        for mine, theirs in sides
    )


async def a_long_life(client: Client) -> dict[str, Any]:
    order = await client.place(
        lines=[
            {"sku": "TENT-2P", "quantity": 3, "price": "100", "duties": [{"amount": "9", "hs_code": "630622"}]},
            {"sku": "MUG-ENAMEL", "quantity": 2, "price": "10", "discount": "3"},
        ],
        discount_codes=[{"code": "TEN", "percentage": 10}],
        currency="DKK",
        exchange_rate="7.4604",
        tip="5",
        fees=[{"name": "Handling", "price": "2"}],
        payment=[{"gateway": "gift_card", "amount": "100"}, {"gateway": "paypal", "exchange_rate": "7.5"}],
    )
    await step(client, order, "risk", level="medium")
    shipping = {"remove": True, "add": [{"title": "Express", "price": "9"}]}
    await step(client, order, "edit", add=[{"sku": "MAP-NORDIC", "quantity": 2}], shipping=shipping)
    await step(client, order, "edit", quantities={"MUG-ENAMEL": 1}, discounts={"MAP-NORDIC": "1.50"})
    await step(client, order, "pay", gateway="shopify_payments")
    await step(client, order, "fulfill", lines=[{"line": "TENT-2P", "quantity": 2}], tracking={"number": "3S1"})
    exchange = [{"sku": "MUG-ENAMEL", "quantity": 1, "price": "12"}]
    await step(client, order, "return", action="open", lines=[{"line": "TENT-2P", "quantity": 1}], exchange=exchange)
    await step(client, order, "return", action="process")
    await step(client, order, "refund", amount="20", shipping="10", status="pending")
    return await client.sim("GET", f"orders/{order['id']}")


async def test_graphql_has_the_same_figures_as_rest(client: Client):
    rest = await a_long_life(client)
    order = (await client.data(LIFE, {"id": rest["admin_graphql_api_id"]}))["order"]
    assert [name for name, key in NAMES.items() if not same(order[name], rest[key])] == []
    assert Decimal(order["totalOutstandingSet"]["shopMoney"]["amount"]) == Decimal(rest["total_outstanding"])
    assert order["displayFinancialStatus"] == rest["financial_status"].upper()
    assert (order["edited"], order["displayFulfillmentStatus"]) == (True, "PARTIALLY_FULFILLED")
    mine = [
        (n["id"], n["quantity"], n["currentQuantity"], n["unfulfilledQuantity"]) for n in order["lineItems"]["nodes"]
    ]
    assert mine == [
        (each["admin_graphql_api_id"], each["quantity"], each["current_quantity"], each["fulfillable_quantity"])
        for each in rest["line_items"]
    ]
    for node, each in zip(order["lineItems"]["nodes"], rest["line_items"], strict=True):
        for tax, theirs in zip(node["taxLines"], each["tax_lines"], strict=True):
            assert same(tax["priceSet"], theirs["price_set"])
        for off, theirs in zip(node["discountAllocations"], each["discount_allocations"], strict=True):
            assert same(off["allocatedAmountSet"], theirs["amount_set"])
            assert off["discountApplication"]["index"] == theirs["discount_application_index"]
    for node, each in zip(order["shippingLines"]["nodes"], rest["shipping_lines"], strict=True):
        assert node["isRemoved"] == each["is_removed"]
        assert same(node["currentDiscountedPriceSet"], each["current_discounted_price_set"])


async def test_graphql_and_rest_give_the_same_refunds(client: Client):
    rest = await a_long_life(client)
    order = (await client.data(LIFE, {"id": rest["admin_graphql_api_id"]}))["order"]
    assert len(order["refunds"]) == 2
    for node, each in zip(order["refunds"], rest["refunds"], strict=True):
        assert node["legacyResourceId"] == str(each["id"])
        for row, theirs in zip(node["refundLineItems"]["nodes"], each["refund_line_items"], strict=True):
            assert same(row["subtotalSet"], theirs["subtotal_set"])
            assert same(row["totalTaxSet"], theirs["total_tax_set"])
            assert row["restockType"] == theirs["restock_type"].upper()
        told = {
            kind: [adjustment for adjustment in each["order_adjustments"] if adjustment["kind"] == kind]
            for kind in ("shipping_refund", "refund_discrepancy")
        }
        shipping = zip(
            node["refundShippingLines"]["nodes"], each["refund_shipping_lines"], told["shipping_refund"], strict=True
        )
        for row, theirs, taxed in shipping:
            assert same(row["subtotalAmountSet"], theirs["subtotal_amount_set"])
            tax = row["taxAmountSet"]["presentmentMoney"]["amount"]
            assert Decimal(tax) == -Decimal(taxed["tax_amount_set"]["presentment_money"]["amount"])
        for row, theirs in zip(node["orderAdjustments"]["nodes"], told["refund_discrepancy"], strict=True):
            assert same(row["amountSet"], theirs["amount_set"])
            assert row["reason"] == theirs["reason"].upper().replace(" ", "_")
        for row, theirs in zip(node["transactions"]["nodes"], each["transactions"], strict=True):
            assert row["id"] == theirs["admin_graphql_api_id"]
            assert (row["kind"], row["status"]) == (theirs["kind"].upper(), theirs["status"].upper())
            assert row["parentTransaction"]["id"].endswith(str(theirs["parent_id"]))
    assert order["refunds"][0]["return"]["id"] == order["returns"]["nodes"][0]["id"]


async def test_graphql_gives_returns_risk_parcels_and_what_is_left_to_send(client: Client):
    rest = await a_long_life(client)
    order = (await client.data(LIFE, {"id": rest["admin_graphql_api_id"]}))["order"]
    (found,) = order["returns"]["nodes"]
    assert (found["name"], found["status"], order["returnStatus"]) == ("#1001-R1", "OPEN", "IN_PROGRESS")
    assert found["returnLineItems"]["nodes"][0]["processedQuantity"] == 1
    assert found["exchangeLineItems"]["nodes"][0]["lineItem"]["id"] == order["lineItems"]["nodes"][-1]["id"]
    assert order["risk"]["recommendation"] == "INVESTIGATE"
    assert [each["riskLevel"] for each in order["risk"]["assessments"]] == ["MEDIUM"]
    (parcel,) = order["fulfillments"]
    assert parcel["trackingInfo"] == [{"company": None, "number": "3S1", "url": None}]
    assert [row["quantity"] for row in parcel["fulfillmentLineItems"]["nodes"]] == [2]
    routed = order["fulfillmentOrders"]["nodes"]
    # the lines that the edit and the exchange added have fulfilment orders of their own
    assert [each["status"] for each in routed] == ["IN_PROGRESS", "OPEN", "OPEN"]
    left = [[row["remainingQuantity"] for row in each["lineItems"]["nodes"]] for each in routed]
    assert left == [[1, 1], [2], [1]]
    # an edit's discount is no discount of the order
    assert [row["index"] for row in order["discountApplications"]["nodes"]] == [0, 1]
    assert order["additionalFees"][0]["name"] == "Handling"


@pytest.mark.parametrize(
    ("wish", "status"),
    [({"payment": "unpaid"}, None), ({"payment": {"status": "pending"}}, "PENDING"), ({}, "PAID")],
)
async def test_an_unpaid_order_without_transactions_has_no_financial_status(
    client: Client, wish: dict[str, Any], status: str | None
):
    order = await client.place(**wish)
    query = "query Q($id: ID!) { order(id: $id) { displayFinancialStatus } }"
    data = await client.data(query, {"id": order["admin_graphql_api_id"]})
    assert data["order"]["displayFinancialStatus"] == status


async def test_cancelled_orders_are_found_by_their_status(client: Client):
    kept, gone = await client.place(), await client.place()
    await step(client, gone, "cancel", reason="inventory")
    query = "query Find($q: String!) { orders(first: 5, query: $q) { nodes { id cancelReason cancelledAt } } }"
    found = (await client.data(query, {"q": "status:cancelled"}))["orders"]["nodes"]
    assert [(each["id"], each["cancelReason"]) for each in found] == [(gone["admin_graphql_api_id"], "INVENTORY")]
    found = (await client.data(query, {"q": "status:open"}))["orders"]["nodes"]
    assert [each["id"] for each in found] == [kept["admin_graphql_api_id"]]


async def test_refund_return_and_transaction_are_found_by_their_own_ids(client: Client):
    rest = await a_long_life(client)
    query = """query One($refund: ID!, $return: ID!, $parcel: ID!, $node: ID!) {
      fulfillment(id: $parcel) { order { id } }
      refund(id: $refund) { order { id } }
      return(id: $return) { order { id } refunds(first: 5) { nodes { id } } }
      node(id: $node) { ... on OrderTransaction { kind } }
    }"""
    refund, found = rest["refunds"][0], rest["returns"][0]
    variables = {
        "refund": refund["admin_graphql_api_id"],
        "return": found["admin_graphql_api_id"],
        "parcel": rest["fulfillments"][0]["admin_graphql_api_id"],
        "node": refund["transactions"][0]["admin_graphql_api_id"],
    }
    data = await client.data(query, variables)
    assert data["refund"]["order"] == data["return"]["order"] == {"id": rest["admin_graphql_api_id"]}
    assert data["fulfillment"]["order"] == data["refund"]["order"]
    assert data["return"]["refunds"]["nodes"] == [{"id": refund["admin_graphql_api_id"]}]
    assert data["node"] == {"kind": "REFUND"}


AGREED = """query Agreed($id: ID!) { order(id: $id) { agreements(first: 5) { nodes { reason
  ... on ReturnAgreement { return { id } }
  sales(first: 5) { nodes { actionType lineType quantity totalAmount { shopMoney { amount } }
    ... on ProductSale { lineItem { sku } } ... on FeeSale { fee { __typename } } } } } } } }"""


async def test_return_agreement_has_what_came_back_and_the_fees(client: Client):
    order = await client.place(lines=[{"sku": "TENT-2P", "quantity": 2, "price": "100"}], shipping=[])
    await step(client, order, "fulfill")
    lines = [{"line": "TENT-2P", "quantity": 1, "restocking_fee": "10"}]
    await step(client, order, "return", action="open", lines=lines, shipping_fee="4.50")
    await step(client, order, "return", action="process", refund=False)
    processed = await client.sim("GET", f"orders/{order['id']}")
    await step(client, order, "return", action="refund")
    found = (await client.data(AGREED, {"id": order["admin_graphql_api_id"]}))["order"]["agreements"]["nodes"]
    assert [each["reason"] for each in found] == ["ORDER", "RETURN"]  # a refund of a return sells nothing
    assert found[1]["return"]["id"] == processed["returns"][0]["admin_graphql_api_id"]
    sales = [
        (
            each["actionType"],
            each["lineType"],
            each["quantity"],
            each["totalAmount"]["shopMoney"]["amount"],
            (each.get("fee") or {}).get("__typename"),
        )
        for each in found[1]["sales"]["nodes"]
    ]
    assert sales == [
        ("RETURN", "PRODUCT", -1, "-100.0", None),
        ("ORDER", "FEE", 1, "4.5", "ReturnShippingFee"),
        ("ORDER", "FEE", 1, "10.0", "RestockingFee"),
    ]


@pytest.mark.parametrize(
    ("shown", "rate", "percentage"), [("fraction", 0.21, 21), ("percent", 21, 2100), ("null", None, None)]
)
async def test_tax_app_may_write_a_rate_in_percent_or_none(
    client: Client, shown: str, rate: float | None, percentage: float | None
):
    tax = [{"title": "BTW", "rate": "0.21", "shown": shown}]
    order = await client.place(lines=[{"sku": "TENT-2P", "quantity": 1, "price": "100"}], shipping=[], tax=tax)
    assert order["line_items"][0]["tax_lines"][0]["rate"] == rate
    query = (
        "query Q($id: ID!) { order(id: $id) { lineItems(first: 1) { nodes { taxLines { rate ratePercentage } } } } }"
    )
    found = (await client.data(query, {"id": order["admin_graphql_api_id"]}))["order"]["lineItems"]["nodes"]
    assert found[0]["taxLines"] == [{"rate": rate, "ratePercentage": percentage}]
