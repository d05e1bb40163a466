"""A Shopify order as the Admin GraphQL API gives it -> OrderState.

The node is put into the form of the webhooks and read by the same code, so that both ways give the same state.
GraphQL differs in names, ids (gid://shopify/Order/1), enums (capitals) and amounts ("13.5"), and has more: the
payments, both currencies of each, the risk, and how the buyer gets the goods.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from shared.mapping.shopify.edits.agreements import AgreementNode
from shared.mapping.shopify.events import read_signals
from shared.mapping.shopify.fields import moment
from shared.mapping.shopify.state import read_state
from shared.mapping.shopify.terms import read_terms
from shared.mapping.shopify.transaction import read_transactions
from shared.model import (
    CurrencySide,
    DeliveryMethod,
    OrderRecord,
    OrderState,
    Risk,
)

type GraphqlNode = dict[str, Any]

_ENDED: Final = ("CLOSED", "CANCELLED")
"""A fulfilment order's status, once there is nothing left to do for it."""
_GIVEN_BACK: Final = ("REFUNDED", "PARTIALLY_REFUNDED")
_SHIPPED: Final = ("FULFILLED", "PARTIALLY_FULFILLED")
_RISKS: Final = (Risk.HIGH, Risk.MEDIUM, Risk.LOW)
_RECOMMENDED: Final = {"CANCEL": Risk.HIGH, "INVESTIGATE": Risk.MEDIUM, "ACCEPT": Risk.LOW}
_NOT_ASSESSED: Final = frozenset({"pos", "shopify_draft_order"})
"""Sources of orders that Shopify does not assess."""


def read_graphql_state(
    node: GraphqlNode,
    *,
    store: str,
    side: CurrencySide,
    now: datetime | None = None,
    known: OrderRecord | None = None,
    agreements: Sequence[AgreementNode] | None = None,
) -> OrderState:
    """The state with payments, risk and delivery method; else what read_state gives for the same order, and its
    refusals.

    `node` is what shared.shopify.orders.fetch_order returns.
    """
    payload = as_webhook(node)
    state = read_state(payload, store=store, side=side, now=now, known=known, agreements=agreements)
    transactions = read_transactions(payload["transactions"], read_terms(payload, side), "transactions")
    delivery, location = read_delivery(node["fulfillmentOrders"]["nodes"])
    return replace(
        state,
        transactions=transactions,
        risk=_risk(node["risk"]),
        is_being_assessed=_is_being_assessed(payload, node["risk"], payload["transactions"]),
        delivery=delivery,
        assigned_location=location,
    )


def has_no_payments(payload: GraphqlNode) -> bool:
    """Whether a webhook's order shows that it has no transaction. What the body leaves out shows nothing."""
    return payload.get("financial_status") == "pending" and payload.get("payment_gateway_names") == []


def is_supplement(node: GraphqlNode, state: OrderState, payload: GraphqlNode, *, is_fresh: bool) -> bool:
    """Whether the node may be put beside the state of a webhook's body: both are of one moment, or the event is fresh
    and the order has changed since in nothing that stops it. One that was cancelled, edited, refunded, shipped or
    tagged is to be read whole, be it in the same second, which is as exact as Shopify's times are. So is one in two
    currencies that has changed: its payments settle what it costs at their moment.
    """
    updated_at, version = moment(node, "updatedAt", ""), state.order.version
    return (
        (updated_at == version or (is_fresh and updated_at > version and state.rate is None))
        and not node["cancelledAt"]
        and not node["edited"]
        and node["displayFinancialStatus"] not in _GIVEN_BACK
        and not _is_shipped_since(node, payload)
        and sorted(node["tags"]) == sorted(filter(None, read_signals(payload).tags))
    )


def _is_shipped_since(node: GraphqlNode, payload: GraphqlNode) -> bool:
    """Whether the node shows parcels that the body may not have. What is sold over the counter is fulfilled at once."""
    status = node["displayFulfillmentStatus"]
    is_all_known = status == "FULFILLED" and payload.get("fulfillment_status") == "fulfilled"
    return status in _SHIPPED and not is_all_known


def with_payments(state: OrderState, payload: GraphqlNode, node: GraphqlNode, *, side: CurrencySide) -> OrderState:
    """The state of a webhook's body with the payments and the risk that the body leaves out; a node without
    transactions is of an order without payments.

    Raises what read_transactions does.
    """
    found = [_transaction(each) for each in node.get("transactions", ())]
    return replace(
        state,
        transactions=read_transactions(found, read_terms(payload, side), "transactions"),
        risk=_risk(node["risk"]),
        is_being_assessed=_is_being_assessed(payload, node["risk"], found),
    )


def read_delivery(nodes: Sequence[GraphqlNode]) -> tuple[DeliveryMethod | None, int | None]:
    """The delivery method, and the id of the location that all of the goods are assigned to, None where it is not one.

    No method while there are no fulfilment orders: Shopify makes them when it routes the order. Where methods are
    mixed, PICK_UP without a location if it is among them, else SHIPPING. Goods whose method is not given are shipped.
    """
    current = [node for node in nodes if node["status"] not in _ENDED]
    current = current or [node for node in nodes if node["status"] != "CANCELLED"]
    if not current:
        return None, None
    methods = {_delivery_method(node) for node in current}
    if len(methods) > 1:
        methods.discard(DeliveryMethod.NONE)
    if len(methods) > 1:
        return (DeliveryMethod.PICK_UP if DeliveryMethod.PICK_UP in methods else DeliveryMethod.SHIPPING), None
    [method] = methods
    locations = {_assigned_location(node) for node in current if _delivery_method(node) is method}
    return method, locations.pop() if len(locations) == 1 else None


def _delivery_method(node: GraphqlNode) -> DeliveryMethod:
    method = (node["deliveryMethod"] or {}).get("methodType")
    return DeliveryMethod(method) if method in set(DeliveryMethod) else DeliveryMethod.SHIPPING


def _assigned_location(node: GraphqlNode) -> int | None:
    location = node["assignedLocation"]["location"]
    return None if location is None else _number(location["id"])


def as_webhook(node: GraphqlNode) -> GraphqlNode:
    """The order as orders/updated would carry it, as far as it is read, and its transactions."""
    rounding = node["totalCashRoundingAdjustment"]["paymentSet"]
    return {
        "id": _number(node["id"]),
        "name": node["name"],
        "created_at": node["createdAt"],
        "updated_at": node["updatedAt"],
        "cancelled_at": node["cancelledAt"],
        "currency": node["currencyCode"],
        "presentment_currency": node["presentmentCurrencyCode"],
        "taxes_included": node["taxesIncluded"],
        "duties_included": node["dutiesIncluded"],
        "test": node["test"],
        "note": node["note"],
        "po_number": node["poNumber"],
        "source_name": node["sourceName"],
        "tags": ", ".join(node["tags"]),
        "email": node["email"],
        "phone": node["phone"],
        "note_attributes": [{"name": each["key"], "value": each["value"]} for each in node["customAttributes"]],
        "location_id": _optional_number(node["retailLocation"]),
        "customer": _customer(node["customer"]),
        "company": _company(node["purchasingEntity"]),
        "billing_address": _address(node["billingAddress"]),
        "shipping_address": _address(node["shippingAddress"]),
        "total_price_set": _money(node["totalPriceSet"]),
        "total_tax_set": _money(node["totalTaxSet"]),
        "total_tip_received": node["totalTipReceivedSet"]["shopMoney"]["amount"],
        "total_cash_rounding_payment_adjustment_set": _money(rounding),
        "original_total_duties_set": _money(node["originalTotalDutiesSet"]),
        "original_total_additional_fees_set": _money(node["originalTotalAdditionalFeesSet"]),
        "additional_fees": [
            {"price_set": _money(each["price"]), "tax_lines": _taxes(each)} for each in node["additionalFees"]
        ],
        "current_total_price": None,  # the key shows that the version has it; the amount is in the set
        "current_total_price_set": _money(node["currentTotalPriceSet"]),
        "current_total_tax": None,
        "current_total_tax_set": _money(node["currentTotalTaxSet"]),
        "current_shipping_price_set": _money(node["currentShippingPriceSet"]),
        "current_total_discounts_set": _money(node["currentTotalDiscountsSet"]),
        "current_total_duties_set": _money(node["currentTotalDutiesSet"]),
        "current_total_additional_fees_set": _money(node["currentTotalAdditionalFeesSet"]),
        "line_items": [_line(each) for each in node["lineItems"]["nodes"]],
        "shipping_lines": [_shipping_line(each) for each in node["shippingLines"]["nodes"]],
        "refunds": [_refund(each, node["id"]) for each in node["refunds"]],
        "fulfillments": [_parcel(each) for each in node["fulfillments"]],
        "transactions": [_transaction(each) for each in node["transactions"]],
    }


def _number(gid: str) -> int:
    """The number at the end of gid://shopify/Order/1."""
    return int(gid.rpartition("/")[2])


def _optional_number(node: GraphqlNode | None) -> int | None:
    return None if node is None else _number(node["id"])


def _money(bag: GraphqlNode | None) -> GraphqlNode | None:
    if bag is None:
        return None
    return {
        rest: {"amount": bag[side]["amount"], "currency_code": bag[side]["currencyCode"]}
        for rest, side in (("shop_money", "shopMoney"), ("presentment_money", "presentmentMoney"))
    }


def _customer(node: GraphqlNode | None) -> GraphqlNode | None:
    if node is None:
        return None
    email, phone = node["defaultEmailAddress"], node["defaultPhoneNumber"]
    return {
        "id": _number(node["id"]),
        "first_name": node["firstName"],
        "last_name": node["lastName"],
        "email": email and email["emailAddress"],
        "phone": phone and phone["phoneNumber"],
    }


def _company(purchaser: GraphqlNode | None) -> GraphqlNode | None:
    """None for a private person: the purchaser is a customer then, whose fields the query does not select."""
    if not purchaser or "company" not in purchaser:
        return None
    return {"id": _number(purchaser["company"]["id"]), "location_id": _number(purchaser["location"]["id"])}


def _address(node: GraphqlNode | None) -> GraphqlNode | None:
    if node is None:
        return None
    same = ("name", "company", "address1", "address2", "city", "zip", "province", "country", "phone")
    return {key: node[key] for key in (*same, "latitude", "longitude")} | {
        "first_name": node["firstName"],
        "last_name": node["lastName"],
        "province_code": node["provinceCode"],
        "country_code": node["countryCodeV2"],
    }


def _line(node: GraphqlNode) -> GraphqlNode:
    return {
        "id": _number(node["id"]),
        "title": node["title"],
        "sku": node["sku"],
        "quantity": node["quantity"],
        "current_quantity": node["currentQuantity"],
        "gift_card": node["isGiftCard"],
        "requires_shipping": node["requiresShipping"],
        "product_id": _optional_number(node["product"]),
        "variant_id": _optional_number(node["variant"]),
        "barcode": node["variant"] and node["variant"]["barcode"],
        "price_set": _money(node["originalUnitPriceSet"]),
        "discount_allocations": _allocations(node),
        "tax_lines": _taxes(node),
        "duties": [{**(_money(each["price"]) or {}), "tax_lines": _taxes(each)} for each in node["duties"]],
    }


def _shipping_line(node: GraphqlNode) -> GraphqlNode:
    return {
        "id": _number(node["id"]),
        "code": node["code"],
        "title": node["title"],
        "is_removed": node["isRemoved"],
        "price_set": _money(node["originalPriceSet"]),
        "discounted_price_set": _money(node["discountedPriceSet"]),
        "discount_allocations": _allocations(node),
        "tax_lines": _taxes(node),
    }


def _allocations(node: GraphqlNode) -> list[GraphqlNode]:
    return [{"amount_set": _money(each["allocatedAmountSet"])} for each in node["discountAllocations"]]


def _taxes(node: GraphqlNode) -> list[GraphqlNode]:
    return [
        {
            "title": tax["title"],
            "rate": tax["rate"],
            "channel_liable": tax["channelLiable"],
            "price_set": _money(tax["priceSet"]),
        }
        for tax in node["taxLines"]
    ]


def _refund(node: GraphqlNode, order_gid: str) -> GraphqlNode:
    return {
        "id": _number(node["id"]),
        "order_id": _number(order_gid),
        "created_at": node["createdAt"],
        "processed_at": node["processedAt"],
        "note": node["note"],
        "return": None if node["return"] is None else {"id": _number(node["return"]["id"])},
        "duties": [{"amount_set": _money(each["amountSet"])} for each in node["duties"] or ()],
        "refund_line_items": [
            {
                "line_item_id": _number(each["lineItem"]["id"]),
                "quantity": each["quantity"],
                "restock_type": each["restockType"].lower(),
                "location_id": _optional_number(each["location"]),
                "subtotal_set": _money(each["subtotalSet"]),
                "total_tax_set": _money(each["totalTaxSet"]),
            }
            for each in node["refundLineItems"]["nodes"]
        ],
        "refund_shipping_lines": [
            {
                "subtotal_amount_set": _money(each["subtotalAmountSet"]),
                "tax_amount_set": _money(each["taxAmountSet"]),
            }
            for each in node["refundShippingLines"]["nodes"]
        ],
        "order_adjustments": [
            {
                "reason": each["reason"] and each["reason"].lower(),
                "amount_set": _money(each["amountSet"]),
                "tax_amount_set": _money(each["taxAmountSet"]),
            }
            for each in node["orderAdjustments"]["nodes"]
        ],
        "transactions": [_transaction(each) for each in node["transactions"]["nodes"]],
    }


def _parcel(node: GraphqlNode) -> GraphqlNode:
    return {
        "id": _number(node["id"]),
        "status": node["status"].lower(),
        "created_at": node["createdAt"],
        "line_items": [
            {"id": _number(each["lineItem"]["id"]), "quantity": each["quantity"]}
            for each in node["fulfillmentLineItems"]["nodes"]
        ],
    }


def _transaction(node: GraphqlNode) -> GraphqlNode:
    return {
        "id": _number(node["id"]),
        "kind": node["kind"].lower(),
        "status": node["status"].lower(),
        "gateway": node["gateway"],
        "test": node["test"],
        "manual_payment_gateway": node["manualPaymentGateway"],
        "created_at": node["createdAt"],
        "processed_at": node["processedAt"],
        "authorization_expires_at": node["authorizationExpiresAt"],
        "parent_id": _optional_number(node["parentTransaction"]),
        "amount_set": _money(node["amountSet"]),
        "amount_rounding_set": _money(node["amountRoundingSet"]),
    }


def _risk(summary: GraphqlNode) -> Risk:
    """The strictest of Shopify's recommendation and all assessments, by Shopify itself and by apps. Whether it lists
    assessments that were followed by others is not documented: an order is rather held too long.
    """
    found = {each["riskLevel"].lower() for each in summary["assessments"]}
    found.add(_RECOMMENDED.get(summary["recommendation"], Risk.NONE))
    return next((risk for risk in _RISKS if risk in found), Risk.NONE)


def _is_being_assessed(payload: GraphqlNode, risk: GraphqlNode, transactions: Sequence[GraphqlNode]) -> bool:
    """Before the first assessment, and while one is pending."""
    if payload.get("source_name") in _NOT_ASSESSED or payload.get("location_id") is not None:
        return False
    levels = {each["riskLevel"] for each in risk["assessments"]}
    is_awaited = not levels or "PENDING" in levels
    return is_awaited and any(not each["manual_payment_gateway"] for each in transactions)
