"""The storefront: a checkout document becomes an order, and the stock it takes is committed."""

import secrets
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from itertools import chain
from typing import Any

import pycountry

from local.shopify.cart import Cart, CartError, PricedLine, Rate, applications, price_cart, read_cart
from local.shopify.model import (
    Customer,
    DiscountAllocation,
    LineItem,
    Order,
    ShippingLine,
    TaxLine,
    Totals,
    Transaction,
)
from local.shopify.money import ZERO, MoneyBag, rounded
from local.shopify.state import Shop

_PLAIN = ("note", "tags", "po_number", "email", "phone")
Pair = tuple[PricedLine, PricedLine]


def place_order(shop: Shop, document: Mapping[str, Any]) -> Order:
    """Place the order of a `_sim/orders` document; raises CartError when it makes no sense."""
    cart = read_cart(document, shop.variant_by_sku)
    currency, buyer_currency = shop.seed.currency, document.get("currency", shop.seed.currency)
    exchange = Decimal(str(document.get("exchange_rate", 1)))
    if buyer_currency != currency and "exchange_rate" not in document:
        raise CartError("another currency than the shop's needs an exchange_rate")

    def to_buyer(amount: Decimal) -> Decimal:
        return rounded(amount * exchange, buyer_currency)

    def to_shop(amount: Decimal) -> Decimal:
        return rounded(amount, currency)

    included = document.get("taxes_included", shop.seed.taxes_included)
    in_shop = price_cart(cart, currency=currency, taxes_included=included, convert=to_shop)
    in_buyer = price_cart(cart, currency=buyer_currency, taxes_included=included, convert=to_buyer)

    def bag(shop_amount: Decimal, buyer_amount: Decimal) -> MoneyBag:
        return MoneyBag(shop_amount, currency, buyer_amount, buyer_currency)

    zero = bag(ZERO, ZERO)
    lines = _lines(shop, cart, list(zip(in_shop.lines, in_buyer.lines, strict=True)), bag)
    parcels = _shipping(shop, cart, list(zip(in_shop.shipping, in_buyer.shipping, strict=True)), bag)
    totals = _totals(lines, parcels, zero, taxes_included=included)
    now = datetime.fromisoformat(document["created_at"]) if "created_at" in document else shop.clock()
    if now.tzinfo is None:
        raise CartError("created_at needs a time zone")
    location_id = int(document.get("location_id") or next(iter(shop.locations)))
    if location_id not in shop.locations:
        raise CartError(f"no location has the id {location_id}")
    customer = _customer(shop, document, now)
    buyer = document.get("customer") or {}
    status = document.get("financial_status", "pending" if document.get("company") else "paid")
    gateway = document.get("gateway", "shopify_payments")
    shipping_address = _address_of(buyer, document.get("shipping_address"))
    order = Order(
        id=shop.next_id(),
        number=shop.next_order_number(),
        token=secrets.token_hex(16),
        confirmation_number=secrets.token_hex(5).upper()[:9],
        location_id=location_id,
        fulfillment_order_id=shop.next_id(),
        currency=currency,
        presentment_currency=buyer_currency,
        taxes_included=included,
        created_at=now,
        updated_at=now,
        financial_status=status,
        customer=customer,
        email=document.get("email", buyer.get("email")),
        phone=document.get("phone", buyer.get("phone")),
        company=document.get("company"),
        billing_address=_address_of(buyer, document.get("billing_address")) or shipping_address,
        shipping_address=shipping_address,
        note=document.get("note"),
        note_attributes=list(document.get("note_attributes", [])),
        po_number=document.get("po_number"),
        tags=list(document.get("tags", [])),
        test=document.get("test", False),
        gateway=gateway,
        lines=lines,
        shipping_lines=parcels,
        discounts=list(applications(cart)),
        tax_lines=_aggregate([*(each.tax_lines for each in lines), *(each.tax_lines for each in parcels)]),
        totals=totals,
        transactions=_transactions(shop, status, gateway, totals.total, now),
    )
    shop.orders[order.id] = order
    _commit_stock(shop, order)
    return order


def _lines(shop: Shop, cart: Cart, priced: list[Pair], bag: Callable[[Decimal, Decimal], MoneyBag]) -> list[LineItem]:
    return [
        LineItem(
            id=shop.next_id(),
            title=line.title,
            sku=line.sku,
            variant=line.variant,
            quantity=line.quantity,
            price=bag(mine.price, theirs.price),
            taxable=bool(line.rates),
            requires_shipping=line.requires_shipping,
            gift_card=line.gift_card,
            properties=[{"name": name, "value": value} for name, value in line.properties],
            allocations=_allocations(mine, theirs, bag),
            tax_lines=_tax_lines(line.rates, mine, theirs, bag),
            fulfillment_line_id=shop.next_id(),
        )
        for line, (mine, theirs) in zip(cart.lines, priced, strict=True)
    ]


def _shipping(
    shop: Shop, cart: Cart, priced: list[Pair], bag: Callable[[Decimal, Decimal], MoneyBag]
) -> list[ShippingLine]:
    return [
        ShippingLine(
            id=shop.next_id(),
            title=parcel.title,
            code=parcel.code,
            source="shopify",
            price=bag(mine.price, theirs.price),
            discounted_price=bag(mine.net, theirs.net),
            allocations=_allocations(mine, theirs, bag),
            tax_lines=_tax_lines(parcel.rates, mine, theirs, bag),
        )
        for parcel, (mine, theirs) in zip(cart.shipping, priced, strict=True)
    ]


def _allocations(
    mine: PricedLine, theirs: PricedLine, bag: Callable[[Decimal, Decimal], MoneyBag]
) -> list[DiscountAllocation]:
    in_shop, in_buyer = dict(mine.allocations), dict(theirs.allocations)
    return [
        DiscountAllocation(index, bag(in_shop.get(index, ZERO), in_buyer.get(index, ZERO)))
        for index in sorted(in_shop.keys() | in_buyer.keys())
    ]


def _tax_lines(
    rates: tuple[Rate, ...],
    mine: PricedLine,
    theirs: PricedLine,
    bag: Callable[[Decimal, Decimal], MoneyBag],
) -> list[TaxLine]:
    amounts = zip(rates, mine.taxes, theirs.taxes, strict=True)
    return [TaxLine(rate.title, rate.rate, bag(a, b)) for rate, a, b in amounts]


def _aggregate(tax_lines: Iterable[list[TaxLine]]) -> list[TaxLine]:
    """The order's own tax lines: one for each title and rate."""
    found: dict[tuple[str, Decimal], MoneyBag] = {}
    for line in chain.from_iterable(tax_lines):
        key = (line.title, line.rate)
        found[key] = found[key] + line.price if key in found else line.price
    return [TaxLine(title, rate, price) for (title, rate), price in found.items()]


def _totals(lines: list[LineItem], parcels: list[ShippingLine], zero: MoneyBag, *, taxes_included: bool) -> Totals:
    line_items = sum((line.original_total for line in lines), zero)
    off_lines = sum((a.amount for line in lines for a in line.allocations), zero)
    off_shipping = sum((a.amount for parcel in parcels for a in parcel.allocations), zero)
    shipping_discounted = sum((parcel.discounted_price for parcel in parcels), zero)
    taxes = [*(t.price for line in lines for t in line.tax_lines), *(t.price for p in parcels for t in p.tax_lines)]
    tax = sum(taxes, zero)
    subtotal = line_items - off_lines
    return Totals(
        line_items=line_items,
        subtotal=subtotal,
        discounts=off_lines + off_shipping,
        shipping=sum((parcel.price for parcel in parcels), zero),
        shipping_discounted=shipping_discounted,
        tax=tax,
        total=subtotal + shipping_discounted + (zero if taxes_included else tax),
    )


def _transactions(shop: Shop, status: str, gateway: str, total: MoneyBag, now: datetime) -> list[Transaction]:
    """A paid order has a sale, an authorized one an authorization; a free or pending one nothing."""
    kind = {"paid": "SALE", "authorized": "AUTHORIZATION", "pending": None}.get(status, "")
    if kind == "":
        raise CartError(f"an order cannot be placed with the financial status {status!r}")
    if kind is None or not total.shop:
        return []
    return [Transaction(shop.next_id(), kind, "SUCCESS", gateway, total, now)]


def _customer(shop: Shop, document: Mapping[str, Any], now: datetime) -> Customer | None:
    """The buyer; the same e-mail address is the same customer. None for an anonymous order."""
    buyer = document.get("customer")
    if buyer is None:
        return None
    known = (order.customer for order in shop.orders.values() if order.customer)
    same = next((c for c in known if c.email and c.email == buyer.get("email")), None)
    return same or Customer(
        id=shop.next_id(),
        address_id=shop.next_id(),
        first_name=buyer.get("first_name"),
        last_name=buyer.get("last_name"),
        email=buyer.get("email"),
        phone=buyer.get("phone"),
        note=buyer.get("note"),
        tax_exempt=buyer.get("tax_exempt", False),
        created_at=now,
        default_address=_address_of(buyer, buyer.get("default_address") or document.get("shipping_address")),
    )


def _address_of(buyer: Mapping[str, Any], document: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """An address; what it leaves out about the person is the buyer's, as a checkout fills it in."""
    if document is None:
        return None
    person = {name: buyer.get(name) for name in ("first_name", "last_name", "phone")}
    return address({**person, **document})


def address(document: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """A REST address with all its keys; the names of country and province follow from their codes."""
    if document is None:
        return None
    country_code = document.get("country_code") or None
    province_code = document.get("province_code") or None
    country = pycountry.countries.get(alpha_2=country_code) if country_code else None
    province = (
        # pycountry annotates countries but not subdivisions
        pycountry.subdivisions.get(code=f"{country_code}-{province_code}")  # type: ignore[no-untyped-call]
        if province_code
        else None
    )
    names = (document.get("first_name"), document.get("last_name"))
    return {
        "first_name": document.get("first_name"),
        "address1": document.get("address1"),
        "phone": document.get("phone"),
        "city": document.get("city"),
        "zip": document.get("zip"),
        "province": document.get("province", province.name if province else None),
        "country": document.get("country", country.name if country else None),
        "last_name": document.get("last_name"),
        "address2": document.get("address2"),
        "company": document.get("company"),
        "latitude": document.get("latitude"),
        "longitude": document.get("longitude"),
        "name": " ".join(name for name in names if name),
        "country_code": country_code,
        "province_code": province_code,
    }


def amend_order(shop: Shop, order: Order, changes: Mapping[str, Any]) -> None:
    """Change note, tags, po_number, e-mail, phone or an address; raises CartError for anything else."""
    unknown = changes.keys() - {*_PLAIN, "shipping_address", "billing_address"}
    if unknown:
        raise CartError(f"an order placed here cannot change {', '.join(sorted(unknown))}")
    for name, value in changes.items():
        setattr(order, name, value if name in _PLAIN else address(value))
    order.updated_at = shop.clock()


def _commit_stock(shop: Shop, order: Order) -> None:
    """What is sold moves from available to committed; on hand stays. Oversold items go below zero."""
    for line in order.lines:
        if line.variant is None:
            continue
        pair = (line.variant.inventory_item_id, order.location_id)
        level = shop.levels.get(pair) or shop.activate(*pair)
        level.states["available"] = level.quantity("available") - line.quantity
        level.states["committed"] = level.quantity("committed") + line.quantity
        level.updated_at = shop.clock()
