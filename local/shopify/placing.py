"""The storefront: a checkout document becomes an order, and the stock it takes is committed."""

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from local.shopify.agreeing import agree
from local.shopify.buyer import address, address_of, buyer_of
from local.shopify.cart import Cart, CartError, read_cart, read_rates
from local.shopify.changing import assess
from local.shopify.lines import Currencies, Priced, charge_taxes, price_lines, spread_duties
from local.shopify.money import ZERO, MoneyBag
from local.shopify.order import Fee, Group, Order, PaymentTerms
from local.shopify.payments import MANUAL, authorize, pay
from local.shopify.routing import route
from local.shopify.state import Shop
from local.shopify.totals import ordered

_PLAIN = ("note", "tags", "po_number", "email", "phone")


def place_order(shop: Shop, document: Mapping[str, Any]) -> Order:
    """Place the order of a `_sim/orders` document; raises CartError for an invalid one."""
    cart = read_cart(document, shop.variant_by_sku)
    currencies = _currencies(shop, document)
    included = document.get("taxes_included", shop.seed.taxes_included)
    priced = price_lines(shop, cart, currencies, taxes_included=included)
    if "duties" in document:
        spread_duties(shop, priced.lines, Decimal(str(document["duties"])), currencies)
    order = _order(shop, document, priced, currencies, included=included)
    order.groups = _groups(shop, document, cart, order)
    order.original_total = ordered(order).total
    order.payment_terms = _terms(shop, document, order.created_at)
    for params in _payments(document, order.original_total):
        (authorize if params.get("kind", "sale") == "authorization" else pay)(shop, order, params)
    _assess(shop, order, document)
    agree(shop, order, "ORDER", {})
    fulfill_at = datetime.fromisoformat(document["fulfill_at"]) if "fulfill_at" in document else None
    route(shop, order, document.get("locations", {}), fulfill_at)
    shop.orders[order.id] = order
    return order


def _currencies(shop: Shop, document: Mapping[str, Any]) -> Currencies:
    currency, buyer_currency = shop.seed.currency, document.get("currency", shop.seed.currency)
    if buyer_currency != currency and "exchange_rate" not in document:
        raise CartError("another currency than the shop's needs an exchange_rate")
    return Currencies(currency, buyer_currency, Decimal(str(document.get("exchange_rate", 1))))


def _order(shop: Shop, document: Mapping[str, Any], priced: Priced, currencies: Currencies, *, included: bool) -> Order:
    now = datetime.fromisoformat(document["created_at"]) if "created_at" in document else shop.clock()
    if now.tzinfo is None:
        raise CartError("created_at needs a time zone")
    location_id = int(document.get("location_id") or next(iter(shop.locations)))
    if location_id not in shop.locations:
        raise CartError(f"no location has the id {location_id}")
    sold_at = document.get("sold_at")
    if sold_at is not None and sold_at not in shop.locations:
        raise CartError(f"no location has the id {sold_at}")
    customer = buyer_of(shop, document, now)
    buyer = document.get("customer") or {}
    delivery_method = document.get("delivery_method", _usual_method(priced))
    if delivery_method not in _DELIVERY_METHODS:
        raise CartError(f"no such delivery method: {delivery_method!r}")
    # Shopify asks a buyer who picks up the goods for a billing address only.
    picked_up = delivery_method == "PICK_UP"
    shipping_address = None if picked_up else address_of(buyer, document.get("shipping_address"))
    zero = currencies.bag(ZERO, ZERO)
    return Order(
        id=shop.next_id(),
        number=shop.next_order_number(),
        token=secrets.token_hex(16),
        confirmation_number=secrets.token_hex(5).upper()[:9],
        location_id=location_id,
        fulfillment_order_id=shop.next_id(),
        currency=currencies.shop,
        presentment_currency=currencies.buyer,
        exchange_rate=currencies.exchange_rate,
        taxes_included=included,
        duties_included=document.get("duties_included", False),
        created_at=now,
        updated_at=now,
        customer=customer,
        email=document.get("email", buyer.get("email")),
        phone=document.get("phone", buyer.get("phone")),
        company=document.get("company"),
        billing_address=address_of(buyer, document.get("billing_address")) or shipping_address,
        shipping_address=shipping_address,
        note=document.get("note"),
        note_attributes=list(document.get("note_attributes", [])),
        po_number=document.get("po_number"),
        tags=list(document.get("tags", [])),
        test=document.get("test", False),
        zero=zero,
        lines=priced.lines,
        shipping_lines=priced.shipping,
        discounts=priced.discounts,
        fees=[_fee(shop, row, currencies, taxes_included=included) for row in document.get("fees", [])],
        groups=[],
        payment_terms=None,
        original_total=zero,
        delivery_method=delivery_method,
        routed_at=now + timedelta(seconds=document.get("routing_seconds", 0)),
        sold_at=sold_at,
        source_name=document.get("source_name", "web" if sold_at is None else "pos"),
    )


def _fee(shop: Shop, row: Mapping[str, Any], currencies: Currencies, *, taxes_included: bool) -> Fee:
    price, rates = currencies.both(Decimal(str(row["price"]))), read_rates(row.get("tax", []))
    return Fee(
        id=shop.next_id(),
        name=row["name"],
        price=price,
        refunded=price.zero,
        rates=rates,
        taxes=charge_taxes(price, rates, taxes_included=taxes_included),
    )


_DELIVERY_METHODS = ("LOCAL", "NONE", "PICKUP_POINT", "PICK_UP", "RETAIL", "SHIPPING")


def _usual_method(priced: Priced) -> str:
    return "SHIPPING" if any(line.requires_shipping for line in priced.lines) else "NONE"


def _groups(shop: Shop, document: Mapping[str, Any], cart: Cart, order: Order) -> list[Group]:
    """Bundles: {key, title, quantity?, sku?}; lines refer to one by `group`."""
    found = {
        row["key"]: Group(shop.next_id(), row["title"], row.get("quantity", 1), row.get("sku"))
        for row in document.get("groups", [])
    }
    for requested, line in zip(cart.lines, order.lines, strict=True):
        if requested.group is not None:
            if requested.group not in found:
                raise CartError(f"no group has the key {requested.group!r}")
            line.group_id = found[requested.group].id
    return list(found.values())


def _terms(shop: Shop, document: Mapping[str, Any], issued_at: datetime) -> PaymentTerms | None:
    """{type: NET, due_in_days: 30} or {type: FIXED, due_at: ...}."""
    params = document.get("payment_terms")
    if params is None:
        return None
    kind, days = params["type"], params.get("due_in_days")
    due_at = datetime.fromisoformat(params["due_at"]) if "due_at" in params else None
    if days is not None:
        due_at = issued_at + timedelta(days=days)
    name = f"Net {days}" if kind == "NET" else kind.capitalize()
    return PaymentTerms(shop.next_id(), shop.next_id(), kind, name, days, issued_at, due_at)


def _payments(document: Mapping[str, Any], total: MoneyBag) -> list[Mapping[str, Any]]:
    """The sales and authorizations of a checkout: one of `payment`, a list of them, "unpaid", or a financial status.

    An order of zero needs no payment; one on terms or of a company is paid later.
    """
    payment = document.get("payment")
    if payment is None:
        later = document.get("company") or document.get("payment_terms")
        status = document.get("financial_status", "pending" if later else "paid")
        short = {"paid": ["sale"], "authorized": ["authorization"], "pending": []}.get(status)
        if short is None:
            raise CartError(f"an order cannot be placed with the financial status {status!r}")
        gateway = document.get("gateway", "shopify_payments")
        payment = [{"gateway": gateway, "kind": kind} for kind in short]
    elif payment == "unpaid":
        payment = []
    elif isinstance(payment, dict):
        payment = [payment]
    return list(payment) if total.presentment else []


def _assess(shop: Shop, order: Order, document: Mapping[str, Any]) -> None:
    """`risk` is a level, or null for no assessment yet. By default an online order with a payment by a gateway has a
    low risk at once; others are not assessed.
    """
    is_online = order.source_name not in ("pos", "shopify_draft_order")
    is_assessed = is_online and any(each.gateway not in MANUAL for each in order.transactions)
    level = document.get("risk", "low" if is_assessed else None)
    if level is not None:
        assess(shop, order, {"level": level})


def amend_order(order: Order, changes: Mapping[str, Any]) -> None:
    """Change note, tags, po_number, e-mail, phone or an address; raises CartError for anything else."""
    unknown = changes.keys() - {*_PLAIN, "shipping_address", "billing_address"}
    if unknown:
        raise CartError(f"an order placed here cannot change {', '.join(sorted(unknown))}")
    for name, value in changes.items():
        setattr(order, name, value if name in _PLAIN else address(value))
