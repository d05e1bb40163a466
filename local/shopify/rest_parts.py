"""The parts of an order in REST's notation: lines, taxes, discounts, the customer."""

from typing import Any

from local.shopify.ids import gid
from local.shopify.money import MoneyBag, rest_amount, total
from local.shopify.order import Customer, DiscountAllocation, Duty, LineItem, Order, ShippingLine, TaxLine
from local.shopify.state import Shop


def amount(name: str, money: MoneyBag) -> dict[str, Any]:
    """The bare amount in shop currency, and the set with both currencies."""
    return {name: money.rest, f"{name}_set": money.rest_set}


def discount_codes(order: Order) -> list[dict[str, str]]:
    codes = []
    for index, discount in enumerate(order.discounts):
        if discount.kind == "discount_code":
            granted = (a.amount for line in order.lines for a in line.allocations if a.application == index)
            worth = total(granted, order.zero)
            codes.append({"code": discount.label, "amount": worth.rest, "type": discount.value_type})
    return codes


def application(order: Order, index: int) -> dict[str, Any]:
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
    return {**amount("amount", allocation.amount), "discount_application_index": allocation.application}


def tax_line(line: TaxLine) -> dict[str, Any]:
    return {
        "channel_liable": line.channel_liable,
        **amount("price", line.price),
        "rate": line.shown_rate,
        "title": line.title,
    }


def line_item(line: LineItem, order: Order) -> dict[str, Any]:
    variant = line.variant
    return {
        "id": line.id,
        "admin_graphql_api_id": gid("LineItem", line.id),
        "attributed_staffs": [],
        "current_quantity": line.current_quantity,
        "fulfillable_quantity": line.unfulfilled,
        "fulfillment_service": "manual",
        "fulfillment_status": line_status(line),
        "gift_card": line.gift_card,
        "grams": variant.grams if variant else 0,
        "name": f"{line.title} - {variant.title}" if variant and variant.title else line.title,
        **amount("price", line.price),
        "product_exists": variant is not None,
        "product_id": variant.product_id if variant else None,
        "properties": line.properties,
        "quantity": line.quantity,
        "requires_shipping": line.requires_shipping,
        "sales_line_item_group_id": line.group_id,
        "sku": line.sku,
        "taxable": line.taxable,
        "title": line.title,
        # stays 0.00 even where discounts are allocated, as in real payloads
        **amount("total_discount", order.zero),
        "variant_id": variant.id if variant else None,
        "variant_inventory_management": "shopify" if variant else None,
        "variant_title": variant.title if variant else None,
        "vendor": None,
        "tax_lines": [tax_line(tax) for tax in line.tax_lines],
        "duties": [duty_document(duty) for duty in line.duties],
        "discount_allocations": [_allocation(allocation) for allocation in line.allocations],
    }


def line_status(line: LineItem) -> str | None:
    if not line.fulfilled:
        return None
    return "partial" if line.unfulfilled else "fulfilled"


def duty_document(duty: Duty) -> dict[str, Any]:
    return {
        "id": str(duty.id),
        "harmonized_system_code": duty.harmonized_system_code,
        "country_code_of_origin": duty.country_of_origin,
        **duty.price.rest_set,
        "tax_lines": [tax_line(tax) for tax in duty.tax_lines],
        "admin_graphql_api_id": gid("Duty", duty.id),
    }


def shipping_line(line: ShippingLine) -> dict[str, Any]:
    return {
        "id": line.id,
        "carrier_identifier": None,
        "code": line.code,
        "current_discounted_price_set": line.left.rest_set,
        **amount("discounted_price", line.discounted_price),
        "is_removed": line.removed,
        "phone": None,
        **amount("price", line.price),
        "requested_fulfillment_service_id": None,
        "source": line.source,
        "title": line.title,
        "tax_lines": [tax_line(tax) for tax in line.tax_lines],
        "discount_allocations": [_allocation(allocation) for allocation in line.allocations],
    }


def customer_document(shop: Shop, customer: Customer, currency: str) -> dict[str, Any]:
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
