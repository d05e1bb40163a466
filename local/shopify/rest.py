"""An order as the REST Admin API and the order webhooks write it (version 2026-07 and later)."""

from typing import Any

from local.shopify.balance import financial_status, fulfillment_status, gateways, outstanding, rounding
from local.shopify.ids import gid
from local.shopify.order import Group, Order, PaymentTerms
from local.shopify.rest_parts import (
    amount,
    application,
    customer_document,
    discount_codes,
    line_item,
    shipping_line,
    tax_line,
)
from local.shopify.rest_records import fulfillment_document, refund_document, return_document
from local.shopify.state import Shop
from local.shopify.totals import current, grams, ordered, tip


def order_document(shop: Shop, order: Order) -> dict[str, Any]:
    """The full resource, with every key of Shopify's example of orders/create."""
    totals, now = ordered(order), current(order)
    created = shop.local(order.created_at)
    cancelled = shop.local(order.cancelled_at) if order.cancelled_at else None
    has_fees, has_duties = bool(order.fees), any(line.duties for line in order.lines)
    return {
        "id": order.id,
        "admin_graphql_api_id": gid("Order", order.id),
        "app_id": 580111,
        "browser_ip": "203.0.113.7",
        "buyer_accepts_marketing": False,
        "cancel_reason": order.cancel_reason,
        "cancelled_at": cancelled,
        "cart_token": None,
        "checkout_token": order.token[::-1],
        "client_details": None,
        "closed_at": None,
        "company": order.company,
        "confirmation_number": order.confirmation_number,
        "confirmed": True,
        "contact_email": order.email,
        "created_at": created,
        "currency": order.currency,
        "current_shipping_price_set": now.shipping_discounted.rest_set,
        **amount("current_subtotal_price", now.subtotal),
        "current_total_additional_fees_set": now.fees.rest_set if has_fees else None,
        **amount("current_total_discounts", now.discounts),
        "current_total_duties_set": now.duties.rest_set if has_duties else None,
        **amount("current_total_price", now.total),
        **amount("current_total_tax", now.tax),
        "customer_locale": "en",
        "device_id": None,
        "discount_codes": discount_codes(order),
        "duties_included": order.duties_included,
        "email": order.email,
        "estimated_taxes": False,
        "financial_status": financial_status(order),
        "fulfillment_status": fulfillment_status(order),
        "landing_site": "/",
        "landing_site_ref": None,
        "location_id": order.sold_at,
        "merchant_business_entity_id": f"MTU{shop.seed.id}",
        "merchant_of_record_app_id": None,
        "name": order.name,
        "note": order.note,
        "note_attributes": order.note_attributes,
        "number": order.number - 1000,
        "order_number": order.number,
        "order_status_url": (
            f"https://{shop.seed.domain}/{shop.seed.id}/orders/{order.token}/authenticate?key={order.token[:8]}"
        ),
        "original_total_additional_fees_set": totals.fees.rest_set if has_fees else None,
        "original_total_duties_set": totals.duties.rest_set if has_duties else None,
        "payment_gateway_names": gateways(order),
        "phone": order.phone,
        "po_number": order.po_number,
        "presentment_currency": order.presentment_currency,
        "processed_at": created,
        "reference": None,
        "referring_site": "",
        "source_identifier": None,
        "source_name": order.source_name,
        "source_url": None,
        **amount("subtotal_price", totals.subtotal),
        "tags": ", ".join(order.tags),
        "tax_exempt": bool(order.customer and order.customer.tax_exempt),
        "tax_lines": [tax_line(line) for line in totals.tax_lines],
        "taxes_included": order.taxes_included,
        "test": order.test,
        "token": order.token,
        "total_cash_rounding_payment_adjustment_set": rounding(order, ("SALE", "CAPTURE")).rest_set,
        "total_cash_rounding_refund_adjustment_set": rounding(order, ("REFUND",)).rest_set,
        **amount("total_discounts", totals.discounts),
        **amount("total_line_items_price", totals.line_items),
        "total_outstanding": outstanding(order).rest,
        **amount("total_price", totals.total),
        "total_shipping_price_set": totals.shipping.rest_set,
        **amount("total_tax", totals.tax),
        "total_tip_received": tip(order).rest,
        "total_weight": grams(order),
        "updated_at": shop.local(order.updated_at),
        "user_id": None,
        "billing_address": order.billing_address,
        "customer": customer_document(shop, order.customer, order.currency) if order.customer else None,
        "discount_applications": [application(order, index) for index in range(len(order.discounts))],
        "fulfillments": [fulfillment_document(shop, order, each) for each in order.fulfillments],
        "line_items": [line_item(line, order) for line in order.lines],
        "payment_terms": _payment_terms(shop, order, order.payment_terms) if order.payment_terms else None,
        "refunds": [refund_document(shop, order, each) for each in order.refunds],
        "shipping_address": order.shipping_address,
        "shipping_lines": [shipping_line(line) for line in order.shipping_lines],
        "returns": [return_document(order, each) for each in order.returns],
        "line_item_groups": [_group(each) for each in order.groups],
    }


def _payment_terms(shop: Shop, order: Order, terms: PaymentTerms) -> dict[str, Any]:
    """As in the REST resource; the webhook examples have only null. Amounts are the buyer's."""
    owed = outstanding(order)
    money = {"amount": f"{ordered(order).total.presentment}", "currency": order.presentment_currency}
    paid = owed.presentment <= 0 and order.transactions
    return {
        "id": terms.id,
        "created_at": shop.local(terms.issued_at),
        "due_in_days": terms.due_in_days,
        "payment_schedules": [
            {
                "id": terms.schedule_id,
                **money,
                "issued_at": shop.local(terms.issued_at),
                "due_at": shop.local(terms.due_at) if terms.due_at else None,
                "completed_at": shop.local(order.transactions[-1].created_at) if paid else None,
                "expected_payment_method": "shopify_payments",
            }
        ],
        "payment_terms_name": terms.name,
        "payment_terms_type": terms.kind.lower(),
        "updated_at": shop.local(terms.issued_at),
        **money,
    }


def _group(group: Group) -> dict[str, Any]:
    return {
        "id": group.id,
        "title": group.title,
        "quantity": group.quantity,
        "product_id": None,
        "variant_id": None,
        "variant_sku": group.sku,
        "properties": [],
    }
