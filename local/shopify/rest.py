"""An order as the REST Admin API and the order webhooks write it (version 2026-07 and later)."""

from typing import Any

from local.shopify.model import Customer, DiscountAllocation, LineItem, Order, ShippingLine, TaxLine
from local.shopify.money import MoneyBag, rest_amount
from local.shopify.state import Shop


def gid(kind: str, number: int) -> str:
    return f"gid://shopify/{kind}/{number}"


def order_document(shop: Shop, order: Order) -> dict[str, Any]:
    """The full resource, with every key of Shopify's own example of orders/create."""
    totals = order.totals
    outstanding = totals.total - order.received
    created = shop.local(order.created_at)
    return {
        "id": order.id,
        "admin_graphql_api_id": gid("Order", order.id),
        "app_id": 580111,
        "browser_ip": "203.0.113.7",
        "buyer_accepts_marketing": False,
        "cancel_reason": None,
        "cancelled_at": None,
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
        "current_shipping_price_set": totals.shipping_discounted.rest_set,
        **_amount("current_subtotal_price", totals.subtotal),
        "current_total_additional_fees_set": None,
        **_amount("current_total_discounts", totals.discounts),
        "current_total_duties_set": None,
        **_amount("current_total_price", totals.total),
        **_amount("current_total_tax", totals.tax),
        "customer_locale": "en",
        "device_id": None,
        "discount_codes": _discount_codes(order),
        "duties_included": False,
        "email": order.email,
        "estimated_taxes": False,
        "financial_status": order.financial_status,
        "fulfillment_status": None,
        "landing_site": "/",
        "landing_site_ref": None,
        "location_id": None,
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
        "original_total_additional_fees_set": None,
        "original_total_duties_set": None,
        "payment_gateway_names": [order.gateway] if order.transactions else [],
        "phone": order.phone,
        "po_number": order.po_number,
        "presentment_currency": order.presentment_currency,
        "processed_at": created,
        "reference": None,
        "referring_site": "",
        "source_identifier": None,
        "source_name": "web",
        "source_url": None,
        **_amount("subtotal_price", totals.subtotal),
        "tags": ", ".join(order.tags),
        "tax_exempt": bool(order.customer and order.customer.tax_exempt),
        "tax_lines": [_tax_line(line) for line in order.tax_lines],
        "taxes_included": order.taxes_included,
        "test": order.test,
        "token": order.token,
        "total_cash_rounding_payment_adjustment_set": order.zero.rest_set,
        "total_cash_rounding_refund_adjustment_set": order.zero.rest_set,
        **_amount("total_discounts", totals.discounts),
        **_amount("total_line_items_price", totals.line_items),
        "total_outstanding": outstanding.rest,
        **_amount("total_price", totals.total),
        "total_shipping_price_set": totals.shipping.rest_set,
        **_amount("total_tax", totals.tax),
        "total_tip_received": order.zero.rest,
        "total_weight": order.grams,
        "updated_at": shop.local(order.updated_at),
        "user_id": None,
        "billing_address": order.billing_address,
        "customer": _customer(shop, order.customer, order.currency) if order.customer else None,
        "discount_applications": [_application(order, index) for index in range(len(order.discounts))],
        "fulfillments": [],
        "line_items": [_line_item(line, order) for line in order.lines],
        "payment_terms": None,
        "refunds": [],
        "shipping_address": order.shipping_address,
        "shipping_lines": [_shipping_line(line) for line in order.shipping_lines],
        "returns": [],
        "line_item_groups": [],
    }


def _amount(name: str, money: MoneyBag) -> dict[str, Any]:
    """The bare amount in shop currency, and the set with both currencies."""
    return {name: money.rest, f"{name}_set": money.rest_set}


def _discount_codes(order: Order) -> list[dict[str, str]]:
    codes = []
    for index, discount in enumerate(order.discounts):
        if discount.kind == "discount_code":
            granted = (a.amount for line in order.lines for a in line.allocations if a.application == index)
            amount = sum(granted, order.zero)
            codes.append({"code": discount.label, "amount": amount.rest, "type": discount.value_type})
    return codes


def _application(order: Order, index: int) -> dict[str, Any]:
    discount = order.discounts[index]
    value = rest_amount(discount.value, order.currency)
    name = "code" if discount.kind == "discount_code" else "title"
    document = {
        "target_type": discount.target_type,
        "type": discount.kind,
        "value": value if discount.value_type == "fixed_amount" else f"{discount.value:.1f}",
        "value_type": discount.value_type,
        "allocation_method": discount.allocation_method,
        "target_selection": discount.target_selection,
        name: discount.label,
    }
    if discount.kind == "manual":
        document["description"] = discount.label
    return document


def _allocation(allocation: DiscountAllocation) -> dict[str, Any]:
    return {**_amount("amount", allocation.amount), "discount_application_index": allocation.application}


def _tax_line(line: TaxLine) -> dict[str, Any]:
    return {
        "channel_liable": False,
        **_amount("price", line.price),
        "rate": float(line.rate),
        "title": line.title,
    }


def _line_item(line: LineItem, order: Order) -> dict[str, Any]:
    variant = line.variant
    return {
        "id": line.id,
        "admin_graphql_api_id": gid("LineItem", line.id),
        "attributed_staffs": [],
        "current_quantity": line.quantity,
        "fulfillable_quantity": line.quantity,
        "fulfillment_service": "manual",
        "fulfillment_status": None,
        "gift_card": line.gift_card,
        "grams": variant.grams if variant else 0,
        "name": f"{line.title} - {variant.title}" if variant and variant.title else line.title,
        **_amount("price", line.price),
        "product_exists": variant is not None,
        "product_id": variant.product_id if variant else None,
        "properties": line.properties,
        "quantity": line.quantity,
        "requires_shipping": line.requires_shipping,
        "sales_line_item_group_id": None,
        "sku": line.sku,
        "taxable": line.taxable,
        "title": line.title,
        # stays 0.00 even where discounts are allocated, as in real payloads
        **_amount("total_discount", order.zero),
        "variant_id": variant.id if variant else None,
        "variant_inventory_management": "shopify" if variant else None,
        "variant_title": variant.title if variant else None,
        "vendor": None,
        "tax_lines": [_tax_line(tax) for tax in line.tax_lines],
        "duties": [],
        "discount_allocations": [_allocation(allocation) for allocation in line.allocations],
    }


def _shipping_line(line: ShippingLine) -> dict[str, Any]:
    return {
        "id": line.id,
        "carrier_identifier": None,
        "code": line.code,
        "current_discounted_price_set": line.discounted_price.rest_set,
        **_amount("discounted_price", line.discounted_price),
        "is_removed": False,
        "phone": None,
        **_amount("price", line.price),
        "requested_fulfillment_service_id": None,
        "source": line.source,
        "title": line.title,
        "tax_lines": [_tax_line(tax) for tax in line.tax_lines],
        "discount_allocations": [_allocation(allocation) for allocation in line.allocations],
    }


def _customer(shop: Shop, customer: Customer, currency: str) -> dict[str, Any]:
    created = shop.local(customer.created_at)
    document = {
        "id": customer.id,
        "created_at": created,
        "updated_at": created,
        "first_name": customer.first_name,
        "last_name": customer.last_name,
        "state": "disabled",
        "note": customer.note,
        "verified_email": True,
        "multipass_identifier": None,
        "tax_exempt": customer.tax_exempt,
        "email": customer.email,
        "phone": customer.phone,
        "currency": currency,
        "tax_exemptions": [],
        "admin_graphql_api_id": gid("Customer", customer.id),
    }
    if customer.default_address:
        known = {k: v for k, v in customer.default_address.items() if k not in ("latitude", "longitude")}
        document["default_address"] = {
            "id": customer.address_id,
            "customer_id": customer.id,
            **known,
            "country_name": known["country"],
            "default": True,
        }
    return document
