"""An order of the model as Shopify's Admin GraphQL API gives it: the node of order_state.graphql, complete."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from shared.model import Address, Money, Order, OrderLine, ShippingLine, TaxLine, Transaction, total

type Node = dict[str, Any]

_LAST = {"hasNextPage": False, "endCursor": None}


def order_node(order: Order, transactions: Iterable[Transaction] = ()) -> Node:
    """Of an order in the shop's currency without edits, refunds, parcels, duties, fees and tips."""
    net = {line.id: line.discount for line in order.lines} | {line.id: line.discount for line in order.shipping}
    nothing = order.total * 0
    return {
        "id": _gid("Order", order.id),
        "name": order.name,
        "createdAt": _time(order.created_at),
        "updatedAt": _time(order.version),
        "cancelledAt": order.cancelled_at and _time(order.cancelled_at),
        "currencyCode": order.currency,
        "presentmentCurrencyCode": order.currency,
        "taxesIncluded": order.taxes_included,
        "dutiesIncluded": False,
        "test": order.is_test,
        "note": order.note or None,
        "poNumber": order.po_number or None,
        "sourceName": order.channel or None,
        "tags": list(order.tags),
        "email": order.buyer.email,
        "phone": order.buyer.phone,
        "customAttributes": [{"key": key, "value": value} for key, value in order.attributes],
        "customer": {
            "id": _gid("Customer", order.buyer.id or 0),
            "firstName": order.buyer.first_name,
            "lastName": order.buyer.last_name,
            "defaultEmailAddress": {"emailAddress": order.buyer.email},
            "defaultPhoneNumber": {"phoneNumber": order.buyer.phone},
        },
        "purchasingEntity": None,
        "billingAddress": _address(order.billing_address),
        "shippingAddress": _address(order.shipping_address),
        "retailLocation": order.location_id and {"id": _gid("Location", order.location_id)},
        "risk": {"recommendation": "ACCEPT", "assessments": [{"riskLevel": "LOW"}]},
        "totalPriceSet": _money(order.total),
        "totalTaxSet": _money(order.total_tax),
        "totalTipReceivedSet": _money(nothing),
        "originalTotalDutiesSet": None,
        "originalTotalAdditionalFeesSet": None,
        "currentTotalPriceSet": _money(order.total),
        "currentTotalTaxSet": _money(order.total_tax),
        "currentShippingPriceSet": _money(order.shipping_net),
        "currentTotalDiscountsSet": _money(total(net.values(), order.currency)),
        "currentTotalDutiesSet": None,
        "currentTotalAdditionalFeesSet": None,
        "additionalFees": [],
        "totalCashRoundingAdjustment": {"paymentSet": _money(nothing)},
        "lineItems": {"nodes": [_line(each) for each in order.lines], "pageInfo": _LAST},
        "shippingLines": {"nodes": [_shipping_line(each) for each in order.shipping], "pageInfo": _LAST},
        "fulfillmentOrders": {"nodes": [], "pageInfo": _LAST},
        "transactions": [_transaction(each) for each in transactions],
        "refunds": [],
        "fulfillments": [],
    }


def _line(line: OrderLine) -> Node:
    return {
        "id": _gid("LineItem", line.id),
        "title": line.title,
        "sku": line.sku,
        "quantity": line.quantity,
        "currentQuantity": line.quantity,
        "isGiftCard": False,
        "requiresShipping": line.requires_shipping,
        "product": {"id": _gid("Product", 1)},
        "variant": {"id": _gid("ProductVariant", 1), "barcode": None},
        "originalUnitPriceSet": _money(line.unit_price),
        "discountAllocations": _allocations(line.discount),
        "taxLines": [_tax(each) for each in line.taxes],
        "duties": [],
    }


def _shipping_line(line: ShippingLine) -> Node:
    return {
        "id": _gid("ShippingLine", line.id),
        "code": line.code,
        "title": line.title,
        "isRemoved": False,
        "originalPriceSet": _money(line.price),
        "discountedPriceSet": _money(line.price - line.discount),
        "discountAllocations": _allocations(line.discount),
        "taxLines": [_tax(each) for each in line.taxes],
    }


def _transaction(each: Transaction) -> Node:
    return {
        "id": _gid("OrderTransaction", each.id),
        "kind": each.kind.upper(),
        "status": each.status.upper(),
        "gateway": each.gateway,
        "manualPaymentGateway": False,
        "test": each.is_test,
        "createdAt": _time(each.processed_at),
        "processedAt": _time(each.processed_at),
        "authorizationExpiresAt": _time(each.expires_at) if each.expires_at else None,
        "parentTransaction": each.parent_id and {"id": _gid("OrderTransaction", each.parent_id)},
        "amountSet": _money(each.amount),
        "amountRoundingSet": _money(each.cash_rounding) if each.cash_rounding else None,
    }


def _address(address: Address | None) -> Node | None:
    if address is None:
        return None
    address1, _, address2 = address.street.partition("\n")
    first, _, last = address.name.partition(" ")
    return {
        "name": address.name,
        "firstName": first,
        "lastName": last,
        "company": address.company or None,
        "address1": address1,
        "address2": address2 or None,
        "city": address.city,
        "zip": address.postal_code,
        "province": None,
        "provinceCode": address.province or None,
        "country": None,
        "countryCodeV2": address.country,
        "phone": address.phone or None,
        "latitude": None,
        "longitude": None,
    }


def _tax(tax: TaxLine) -> Node:
    return {
        "title": tax.title,
        "rate": tax.rate,
        "channelLiable": tax.channel_liable,
        "priceSet": _money(tax.amount),
    }


def _allocations(discount: Money) -> list[Node]:
    return [{"allocatedAmountSet": _money(discount)}] if discount else []


def _money(amount: Money) -> Node:
    plain = {"amount": str(amount.amount.quantize(Decimal("0.01"))), "currencyCode": amount.currency}
    return {"shopMoney": plain, "presentmentMoney": plain}


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _gid(kind: str, number: int) -> str:
    return f"gid://shopify/{kind}/{number}"
