"""Customers and addresses."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pycountry

from local.shopify.order import Customer
from local.shopify.state import Shop


def buyer_of(shop: Shop, document: Mapping[str, Any], now: datetime) -> Customer | None:
    """The customer; the same e-mail address is the same customer. None for an order without one."""
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
        default_address=address_of(buyer, buyer.get("default_address") or document.get("shipping_address")),
    )


def address_of(buyer: Mapping[str, Any], document: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """An address; names and phone that it lacks are the customer's, as a checkout fills them in."""
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
