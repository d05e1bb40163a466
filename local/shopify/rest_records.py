"""Transactions, refunds, returns and parcels in REST notation, as webhooks carry them."""

from typing import Any

from local.shopify.balance import capturable
from local.shopify.ids import gid
from local.shopify.money import MoneyBag, rest_amount, total
from local.shopify.order import LineItem, Order
from local.shopify.payments import MANUAL
from local.shopify.records import (
    Adjustment,
    Refund,
    RefundLine,
    RefundShipping,
    Return,
    ReturnLine,
    Transaction,
)
from local.shopify.rest_parts import amount, line_item, shipping_line
from local.shopify.shipping_records import Fulfillment
from local.shopify.state import Shop

_CARD_DETAILS = {
    "credit_card_bin": "424242",
    "avs_result_code": "Y",
    "cvv_result_code": "M",
    "credit_card_number": "•••• •••• •••• 4242",
    "credit_card_company": "Visa",
    "buyer_action_info": None,
    "credit_card_name": "Test Buyer",
    "credit_card_wallet": None,
    "credit_card_expiration_month": 1,
    "credit_card_expiration_year": 2038,
    "payment_method_name": "visa",
}


def transaction_document(shop: Shop, order: Order, transaction: Transaction) -> dict[str, Any]:
    """`amount` and `currency` are the buyer's; only GraphQL has the amount in the shop's currency."""
    created = shop.local(transaction.created_at)
    currency = transaction.amount.presentment_currency
    document = {
        "id": transaction.id,
        "order_id": order.id,
        "kind": transaction.kind.lower(),
        "gateway": transaction.gateway,
        "status": transaction.status.lower(),
        "message": None,
        "created_at": created,
        "test": order.test,
        "authorization": f"{transaction.id:x}",
        "location_id": None,
        "user_id": None,
        "parent_id": transaction.parent_id,
        "processed_at": created,
        "device_id": None,
        "error_code": None if transaction.status in ("SUCCESS", "PENDING") else "generic_error",
        "source_name": "web",
        "receipt": receipt(transaction),
        "amount": rest_amount(transaction.amount.presentment, currency),
        "currency": currency,
        "payment_id": f"{order.name}.{transaction.number}",
        "total_unsettled_set": _unsettled(unsettled(order, transaction)),
        "manual_payment_gateway": transaction.gateway in MANUAL,
        "amount_rounding": _rounding(transaction),
        "admin_graphql_api_id": gid("OrderTransaction", transaction.id),
    }
    if transaction.gateway == "shopify_payments":
        document["payment_details"] = _CARD_DETAILS
    return document


def _rounding(transaction: Transaction) -> str | None:
    rounding = transaction.rounding
    return None if rounding is None else rest_amount(rounding.presentment, rounding.presentment_currency)


def receipt(transaction: Transaction) -> dict[str, Any]:
    """Only the receipt identifies a gift card."""
    if transaction.gateway != "gift_card":
        return {}
    return {"gift_card_id": transaction.id + 1, "gift_card_last_characters": f"{transaction.id % 0x10000:04x}"}


def unsettled(order: Order, transaction: Transaction) -> MoneyBag:
    """The part of an authorization that is not captured yet."""
    if transaction.kind != "AUTHORIZATION":
        return transaction.settles.zero
    return transaction.settles.settled_by(capturable(order, transaction))


def _unsettled(money: MoneyBag) -> dict[str, Any]:
    """The only set whose currency key is `currency`."""
    return {
        side: {"amount": each["amount"], "currency": each["currency_code"]} for side, each in money.rest_set.items()
    }


def refund_document(shop: Shop, order: Order, refund: Refund) -> dict[str, Any]:
    created = shop.local(refund.created_at)
    lines = {line.id: line for line in order.lines}
    return {
        "id": refund.id,
        "order_id": order.id,
        "created_at": created,
        "note": refund.note,
        "user_id": shop.seed.id,
        "processed_at": created,
        "duties": [{"duty_id": each.duty_id, "amount_set": each.amount.rest_set} for each in refund.duties],
        "additional_fees": [
            {"id": each.fee_id, "name": each.name, "price_set": each.amount.rest_set} for each in refund.fees
        ],
        "total_additional_fees_set": total((each.amount for each in refund.fees), order.zero).rest_set,
        "total_duties_set": total((each.amount for each in refund.duties), order.zero).rest_set,
        "return": (
            {"id": refund.return_id, "admin_graphql_api_id": gid("Return", refund.return_id)}
            if refund.return_id
            else None
        ),
        "refund_shipping_lines": [
            {
                "id": each.id,
                "shipping_line_id": each.shipping_line_id,
                "shipping_line": next(shipping_line(p) for p in order.shipping_lines if p.id == each.shipping_line_id),
                "subtotal_amount_set": each.subtotal.rest_set,
            }
            for each in refund.shipping
        ],
        "restock": any(line.restock != "no_restock" for line in refund.lines),
        "admin_graphql_api_id": gid("Refund", refund.id),
        "order_adjustments": [
            *(_shipping_adjustment(order, refund, each) for each in refund.shipping),
            *(_adjustment(order, refund, each) for each in refund.adjustments),
        ],
        "refund_line_items": [_refund_line(order, lines[each.line_id], each) for each in refund.lines],
        "transactions": [transaction_document(shop, order, each) for each in refund.transactions],
    }


def _refund_line(order: Order, line: LineItem, refunded: RefundLine) -> dict[str, Any]:
    return {
        "id": refunded.id,
        "quantity": refunded.quantity,
        "line_item_id": line.id,
        "location_id": refunded.location_id,
        "restock_type": refunded.restock,
        # numbers, unlike all other amounts
        "subtotal": float(refunded.subtotal.shop),
        "total_tax": float(refunded.tax.shop),
        "subtotal_set": refunded.subtotal.rest_set,
        "total_tax_set": refunded.tax.rest_set,
        "line_item": line_item(line, order),
    }


def _shipping_adjustment(order: Order, refund: Refund, row: RefundShipping) -> dict[str, Any]:
    """The only place where REST has the tax of refunded shipping. `tax_amount` comes on top of `amount`."""
    amount_before_tax = row.subtotal - row.tax if order.taxes_included else row.subtotal
    return {
        "id": row.adjustment_id,
        "order_id": order.id,
        "refund_id": refund.id,
        "kind": "shipping_refund",
        "reason": "Shipping refund",
        **amount("amount", -amount_before_tax),
        **amount("tax_amount", -row.tax),
    }


def _adjustment(order: Order, refund: Refund, adjustment: Adjustment) -> dict[str, Any]:
    return {
        "id": adjustment.id,
        "order_id": order.id,
        "refund_id": refund.id,
        "kind": "refund_discrepancy",
        "reason": adjustment.reason.replace("_", " ").capitalize(),
        **amount("amount", adjustment.amount),
        **amount("tax_amount", order.zero),
    }


def return_document(order: Order, found: Return) -> dict[str, Any]:
    """The body of returns/request and returns/approve."""
    return {
        "id": found.id,
        "admin_graphql_api_id": gid("Return", found.id),
        "status": found.status.lower(),
        "order": {"id": order.id, "admin_graphql_api_id": gid("Order", order.id)},
        "total_return_line_items": found.quantity,
        # null in every official example, although GraphQL calls it String!
        "name": None,
        "return_line_items": [_return_line(each) for each in found.lines],
        "return_shipping_fees": [
            {
                "id": each.id,
                "admin_graphql_api_id": gid("ReturnShippingFee", each.id),
                "price": each.amount.rest_set,
            }
            for each in found.shipping_fees
        ],
        "exchange_line_items": [
            {
                "id": each.id,
                "admin_graphql_api_id": gid("ExchangeLineItem", each.id),
                "line_item": (
                    {"id": each.line_id, "admin_graphql_api_id": gid("LineItem", each.line_id)}
                    if each.line_id
                    else None
                ),
            }
            for each in found.exchanges
        ],
        "total_exchange_line_items": sum(each.quantity for each in found.exchanges),
    }


def _return_line(row: ReturnLine) -> dict[str, Any]:
    return {
        "id": row.id,
        "admin_graphql_api_id": gid("ReturnLineItem", row.id),
        "fulfillment_line_item": {
            "id": row.fulfillment_line_id,
            "admin_graphql_api_id": gid("FulfillmentLineItem", row.fulfillment_line_id),
            "line_item": {"id": row.line_id, "admin_graphql_api_id": gid("LineItem", row.line_id)},
        },
        "quantity": row.quantity,
        "return_reason": row.reason.lower(),
        "return_reason_note": row.note,
        "customer_note": None,
        "restocking_fee": {"amount": row.restocking_fee.rest_set} if row.restocking_fee is not None else None,
    }


def fulfillment_document(shop: Shop, order: Order, parcel: Fulfillment) -> dict[str, Any]:
    lines = {line.id: line for line in order.lines}
    numbers = [each.number for each in parcel.tracking if each.number]
    urls = [each.url for each in parcel.tracking if each.url]
    return {
        "id": parcel.id,
        "admin_graphql_api_id": gid("Fulfillment", parcel.id),
        "created_at": shop.local(parcel.created_at),
        "location_id": parcel.location_id,
        "name": parcel.name,
        "order_id": order.id,
        "origin_address": {},
        "receipt": {},
        "service": "manual",
        "shipment_status": parcel.events[-1].status.lower() if parcel.events else None,
        "status": "cancelled" if parcel.is_cancelled else "success",
        "tracking_company": parcel.tracking_company,
        "tracking_number": numbers[0] if numbers else None,
        "tracking_numbers": numbers,
        "tracking_url": urls[0] if urls else None,
        "tracking_urls": urls,
        "updated_at": shop.local(parcel.updated_at),
        "line_items": [{**line_item(lines[each.line_id], order), "quantity": each.quantity} for each in parcel.lines],
    }


def fulfillment_body(shop: Shop, order: Order, parcel: Fulfillment) -> dict[str, Any]:
    """The body of fulfillments/create and fulfillments/update."""
    document = fulfillment_document(shop, order, parcel)
    return {**document, "email": order.email, "destination": order.shipping_address}
