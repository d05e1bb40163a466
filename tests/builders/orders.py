"""Shopify orders as the REST webhooks give them, whole and consistent by default.

`order_payload(lines=[line(...), ...], shipping=[shipping_line(...)], ...)` computes the totals from its parts. Any
other keyword overrides (or adds) a key of the payload as it is. Amounts are strings, as in Shopify's JSON.
`as_json` and `parsed` take the way of a real webhook body.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

Payload = dict[str, Any]


def money_set(amount: str, currency: str = "EUR") -> Payload:
    money = {"amount": amount, "currency_code": currency}
    return {"shop_money": dict(money), "presentment_money": dict(money)}


def tax_line(amount: str, rate: str = "0.21", title: str = "VAT", currency: str = "EUR", **overrides: Any) -> Payload:
    return {
        "channel_liable": False,
        "price": amount,
        "price_set": money_set(amount, currency),
        "rate": Decimal(rate),
        "title": title,
    } | overrides


def allocation(amount: str, currency: str = "EUR", application: int = 0) -> Payload:
    return {
        "amount": amount,
        "amount_set": money_set(amount, currency),
        "discount_application_index": application,
    }


def line(
    line_id: int = 11,
    *,
    price: str = "10.00",
    quantity: int = 1,
    discounts: Sequence[str] = (),
    taxes: Iterable[Payload] = (),
    currency: str = "EUR",
    **overrides: Any,
) -> Payload:
    return {
        "id": line_id,
        "admin_graphql_api_id": f"gid://shopify/LineItem/{line_id}",
        "attributed_staffs": [],
        "current_quantity": quantity,
        "fulfillable_quantity": quantity,
        "fulfillment_service": "manual",
        "fulfillment_status": None,
        "gift_card": False,
        "grams": 400,
        "name": f"Tent {line_id} - Green",
        "price": price,
        "price_set": money_set(price, currency),
        "product_exists": True,
        "product_id": 7_000_000_000_000 + line_id,
        "properties": [],
        "quantity": quantity,
        "requires_shipping": True,
        "sales_line_item_group_id": None,
        "sku": f"SKU-{line_id}",
        "taxable": True,
        "title": f"Tent {line_id}",
        "total_discount": "0.00",
        "total_discount_set": money_set("0.00", currency),
        "variant_id": 8_000_000_000_000 + line_id,
        "variant_inventory_management": "shopify",
        "variant_title": "Green",
        "vendor": "Nordlys",
        "tax_lines": list(taxes),
        "duties": [],
        "discount_allocations": [allocation(amount, currency) for amount in discounts],
    } | overrides


def duty(amount: str = "10.00", *, taxes: Iterable[Payload] = (), currency: str = "EUR", number: int = 61) -> Payload:
    """A duty of a line. Shopify writes both its amounts beside the other keys."""
    return {
        "id": str(number),
        "admin_graphql_api_id": f"gid://shopify/Duty/{number}",
        "harmonized_system_code": "732111",
        "country_code_of_origin": "CN",
        **money_set(amount, currency),
        "tax_lines": list(taxes),
    }


def fee(amount: str = "2.00", *, taxes: Iterable[Payload] = (), currency: str = "EUR", number: int = 71) -> Payload:
    return {
        "id": number,
        "name": "Delivery fee",
        "price": amount,
        "price_set": money_set(amount, currency),
        "tax_lines": list(taxes),
    }


def custom_line(line_id: int = 21, **overrides: Any) -> Payload:
    """Typed in by staff: neither product nor SKU."""
    return line(line_id, **({"product_id": None, "variant_id": None, "sku": None, "vendor": None} | overrides))


def tip_line(amount: str = "3.00", line_id: int = 31, **overrides: Any) -> Payload:
    values = {"price": amount, "title": "Tip", "name": "Tip", "requires_shipping": False, "taxable": False}
    return custom_line(line_id, **(values | overrides))


def shipping_line(
    line_id: int = 51,
    *,
    price: str = "5.00",
    discounts: Sequence[str] = (),
    taxes: Iterable[Payload] = (),
    currency: str = "EUR",
    **overrides: Any,
) -> Payload:
    discounted = _plain(Decimal(price) - sum(map(Decimal, discounts)))
    return {
        "id": line_id,
        "carrier_identifier": None,
        "code": "STANDARD",
        "current_discounted_price_set": money_set(discounted, currency),
        "discounted_price": discounted,
        "discounted_price_set": money_set(discounted, currency),
        "is_removed": False,
        "phone": None,
        "price": price,
        "price_set": money_set(price, currency),
        "requested_fulfillment_service_id": None,
        "source": "shopify",
        "title": "Standard",
        "tax_lines": list(taxes),
        "discount_allocations": [allocation(amount, currency) for amount in discounts],
    } | overrides


def address(**overrides: Any) -> Payload:
    return {
        "first_name": "Sanne",
        "last_name": "de Vries",
        "name": "Sanne de Vries",
        "company": None,
        "address1": "Prinsengracht 263",
        "address2": None,
        "city": "Amsterdam",
        "zip": "1016GV",
        "province": None,
        "province_code": None,
        "country": "Netherlands",
        "country_code": "NL",
        "phone": "020 556 7100",
        "latitude": Decimal("52.3752"),
        "longitude": Decimal("4.8840"),
    } | overrides


def customer(**overrides: Any) -> Payload:
    return {
        "id": 6_111_111_111_111,
        "admin_graphql_api_id": "gid://shopify/Customer/6111111111111",
        "created_at": "2026-01-05T10:00:00+01:00",
        "updated_at": "2026-11-20T10:00:00+01:00",
        "first_name": "Sanne",
        "last_name": "de Vries",
        "email": "sanne@example.com",
        "phone": None,
        "state": "enabled",
        "note": None,
        "verified_email": True,
        "multipass_identifier": None,
        "tax_exempt": False,
        "tax_exemptions": [],
        "currency": "EUR",
        "default_address": address() | {"id": 9_111, "customer_id": 6_111_111_111_111, "default": True},
    } | overrides


def order_payload(
    *,
    lines: Sequence[Payload] | None = None,
    shipping: Sequence[Payload] | None = None,
    currency: str = "EUR",
    taxes_included: bool = True,
    tip: str = "0.00",
    duties: str | None = None,
    fees: str | None = None,
    **overrides: Any,
) -> Payload:
    """An order from a shop in the given currency. A tip here is total_tip_received: add `tip_line` if it has a line.

    `duties` and `fees` are added to the total (unless duties_included), a tip that no line named "Tip" holds is too.
    """
    lines = [line(currency=currency)] if lines is None else list(lines)
    shipping = [shipping_line(currency=currency)] if shipping is None else list(shipping)
    kept = [each for each in shipping if not each["is_removed"]]
    gross = sum((Decimal(each["price"]) * each["quantity"] for each in lines), Decimal(0))
    discounts = _sum(each["amount"] for part in lines for each in part["discount_allocations"])
    delivery = _sum(each["discounted_price"] for each in kept)
    charges = [*(each for part in lines for each in part["duties"]), *overrides.get("additional_fees", ())]
    tax = _sum(each["price"] for part in (*lines, *kept, *charges) for each in part["tax_lines"])
    on_top = [tax] if not taxes_included else []
    if duties is not None and not overrides.get("duties_included"):
        on_top.append(Decimal(duties))
    if fees is not None:
        on_top.append(Decimal(fees))
    if not any(each["title"] == "Tip" for each in lines):
        on_top.append(Decimal(tip))
    total = gross - discounts + delivery + sum(on_top)
    shipping_discounts = _sum(each["amount"] for part in kept for each in part["discount_allocations"])
    payload: Payload = {
        "id": 5_500_000_000_001,
        "admin_graphql_api_id": "gid://shopify/Order/5500000000001",
        "app_id": 580_111,
        "browser_ip": "192.0.2.10",
        "buyer_accepts_marketing": False,
        "cancel_reason": None,
        "cancelled_at": None,
        "cart_token": "c1-7f00",
        "checkout_token": "7f00aa",
        "client_details": {"accept_language": "nl-NL", "browser_ip": "192.0.2.10", "user_agent": "Mozilla/5.0"},
        "closed_at": None,
        "company": None,
        "confirmation_number": "QK2L9ZP7X",
        "confirmed": True,
        "contact_email": "sanne@example.com",
        "created_at": "2026-11-22T10:15:00+01:00",
        "currency": currency,
        "customer_locale": "nl-NL",
        "device_id": None,
        "discount_codes": [],
        "duties_included": False,
        "email": "sanne@example.com",
        "estimated_taxes": False,
        "financial_status": "paid",
        "fulfillment_status": None,
        "landing_site": "/",
        "landing_site_ref": None,
        "location_id": None,
        "merchant_business_entity_id": "MTU0ODM4MDAwOQ",
        "merchant_of_record_app_id": None,
        "name": "#1001",
        "note": None,
        "note_attributes": [],
        "number": 1,
        "order_number": 1001,
        "order_status_url": "https://nordlys.example/1/orders/7f00aa/authenticate?key=1",
        "original_total_additional_fees_set": None if fees is None else money_set(fees, currency),
        "original_total_duties_set": None if duties is None else money_set(duties, currency),
        "payment_gateway_names": ["shopify_payments"],
        "phone": None,
        "po_number": None,
        "presentment_currency": currency,
        "processed_at": "2026-11-22T10:14:58+01:00",
        "reference": None,
        "referring_site": None,
        "source_identifier": None,
        "source_name": "web",
        "source_url": None,
        "tags": "",
        "tax_exempt": False,
        "tax_lines": [],
        "taxes_included": taxes_included,
        "test": False,
        "token": "7f00aa",
        "total_cash_rounding_payment_adjustment_set": money_set("0.00", currency),
        "total_cash_rounding_refund_adjustment_set": money_set("0.00", currency),
        "total_outstanding": "0.00",
        "total_tip_received": tip,
        "total_weight": 400,
        "updated_at": "2026-11-22T10:15:02+01:00",
        "user_id": None,
        "billing_address": address(),
        "customer": customer(),
        "discount_applications": [],
        "fulfillments": [],
        "line_items": lines,
        "payment_terms": None,
        "refunds": [],
        "shipping_address": address(),
        "shipping_lines": shipping,
        "returns": [],
        "line_item_groups": [],
    }
    for key, amount in (
        ("total_line_items_price", gross),
        ("total_discounts", discounts + shipping_discounts),
        ("subtotal_price", gross - discounts),
        ("total_tax", tax),
        ("total_price", total),
        ("current_subtotal_price", gross - discounts),
        ("current_total_discounts", discounts + shipping_discounts),
        ("current_total_tax", tax),
        ("current_total_price", total),
    ):
        payload |= {key: _plain(amount), f"{key}_set": money_set(_plain(amount), currency)}
    payload["total_shipping_price_set"] = payload["current_shipping_price_set"] = money_set(_plain(delivery), currency)
    payload["current_total_duties_set"] = payload["original_total_duties_set"]
    payload["current_total_additional_fees_set"] = payload["original_total_additional_fees_set"]
    return payload | overrides


def in_presentment(payload: Payload, currency: str, factor: int) -> Payload:
    """The same order as a buyer in another currency sees it: every amount of a set times the factor."""

    def shown(value: Any) -> Any:
        if isinstance(value, list):
            return [shown(each) for each in value]
        if not isinstance(value, dict):
            return value
        if "shop_money" in value:
            amount = Decimal(value["shop_money"]["amount"]) * factor
            others = {key: shown(each) for key, each in value.items() if not key.endswith("_money")}
            own = {"shop_money": value["shop_money"]}
            return others | own | {"presentment_money": {"amount": _plain(amount), "currency_code": currency}}
        return {key: shown(each) for key, each in value.items()}

    converted: Payload = shown(payload)
    return converted | {"presentment_currency": currency}


def as_json(payload: Payload) -> bytes:
    """The body of the webhook. Rates and coordinates are numbers in it, amounts strings."""
    return json.dumps(payload, default=float).encode()


def parsed(payload: Payload) -> Payload:
    """The payload as it comes out of the body that carried it."""
    result: Payload = json.loads(as_json(payload), parse_float=Decimal)
    return result


def _sum(amounts: Iterable[str]) -> Decimal:
    return sum(map(Decimal, amounts), Decimal(0))


def _plain(amount: Decimal) -> str:
    return format(amount, "f")
