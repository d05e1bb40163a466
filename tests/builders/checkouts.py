"""Checkouts of both example stores with everything that the Shopify simulator can sell, as strategies."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

from hypothesis import strategies as st

from local.shopify.cart import CartError
from local.shopify.placing import place_order
from local.shopify.rest import order_document
from local.shopify.server import WORLD
from local.shopify.state import Shop
from local.shopify.world import ShopSeed, load_world

type Document = dict[str, Any]

ADDRESSES = {
    "nordlys": {"address1": "Keizersgracht 241", "city": "Amsterdam", "zip": "1016EA", "country_code": "NL"},
    "prairie": {
        "address1": "1701 Wynkoop St",
        "city": "Denver",
        "zip": "80202",
        "country_code": "US",
        "province_code": "CO",
    },
}
BUYER = {"first_name": "Sanne", "last_name": "de Vries", "email": "sanne@example.com"}


@dataclass(frozen=True)
class Market:
    """What can be sold in a store, and to whom."""

    skus: tuple[str, ...]
    taxes: tuple[list[Document], ...]
    """What a line can be taxed with, all of it covered by the store's rules."""
    buyers: tuple[tuple[str, str], ...]
    """Currencies, each with its rate: how much of it one unit of the shop's currency buys."""


MARKETS = {
    "nordlys": Market(
        skus=("TENT-2P", "BAG-DOWN", "STOVE-GAS", "LAMP-HEAD", "MAP-NORDIC", "MUG-ENAMEL"),
        taxes=([{"title": "BTW", "rate": "0.21"}], [{"title": "BTW", "rate": "0.09"}], []),
        buyers=(("EUR", "1"), ("DKK", "7.4604"), ("JPY", "178.31"), ("KWD", "0.3312"), ("HUF", "389.27")),
    ),
    "prairie": Market(
        skus=("TEE-RED-M", "TEE-RED-L", "TEE-BLU-M", "BOOT-BRN-9", "BOOT-BRN-10", "HAT-STR-ONE"),
        taxes=(
            [
                {"title": "Colorado State Tax", "rate": "0.029"},
                {"title": "Denver City Tax", "rate": "0.0481"},
                {"title": "Regional Transport Tax", "rate": "0.011"},
            ],
            [],
        ),
        buyers=(("USD", "1"), ("CAD", "1.3731"), ("JPY", "151.02"), ("KWD", "0.3071")),
    ),
}


@cache
def seed_of(store: str) -> ShopSeed:
    return next(seed for seed in load_world(WORLD) if seed.store == store)


class Clock:
    """A clock that changes only when it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 2, 9, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, by: timedelta) -> None:
        self.now += by


def open_shop(store: str, clock: Callable[[], datetime] | None = None) -> Shop:
    return Shop(seed_of(store), clock or Clock())


def sold(store: str, checkout: Document) -> Document:
    """The order of a checkout, as in its webhook."""
    shop = open_shop(store)
    body = json.dumps(order_document(shop, place_order(shop, checkout)))
    document: Document = json.loads(body, parse_float=Decimal)
    return document


def cents(least: int, most: int) -> st.SearchStrategy[str]:
    return st.integers(least, most).map(lambda units: str(Decimal(units) / 100))


@st.composite
def checkout_lines(draw: st.DrawFn, market: Market) -> Document:
    """A line of a product, of anything else, or a gift card; with or without discount, taxes and duties."""
    quantity, price = draw(st.integers(1, 5)), draw(cents(0, 60_000))
    share = Decimal(draw(st.sampled_from(("0", "0", "0.1", "0.333", "1"))))
    line: Document = {
        "quantity": quantity,
        "price": price,
        "discount": str((Decimal(price) * quantity * share).quantize(Decimal("0.01"))),
        "tax": draw(st.sampled_from(market.taxes)),
    }
    match draw(st.sampled_from(("product", "product", "product", "custom", "gift card"))):
        case "product":
            duties = draw(st.lists(cents(1, 900).map(lambda amount: {"amount": amount}), max_size=1))
            return line | {"sku": draw(st.sampled_from(market.skus)), "duties": duties}
        case "custom":
            return line | {"title": "Engraving", "requires_shipping": draw(st.booleans())}
        case _:
            return line | {"title": "Gift card", "gift_card": True, "sku": market.skus[0], "tax": []}


@st.composite
def parcels(draw: st.DrawFn, market: Market) -> Document:
    price = draw(cents(0, 2_000))
    discount = min(Decimal(draw(st.sampled_from(("0", "0", "1.95", "20")))), Decimal(price))
    taxes = st.sampled_from(market.taxes) if Decimal(price) else st.just([])
    return {"title": "Standard", "code": "STANDARD", "price": price, "discount": str(discount), "tax": draw(taxes)}


CODES = (
    [],
    [],
    [{"code": "TEN", "percentage": 10}],
    [{"code": "FIVE", "amount": "5.05"}],
    [{"code": "THIRD", "percentage": "33.3"}, {"code": "ONE", "amount": "1"}],
    [{"code": "FREE", "percentage": 100}],
)


@st.composite
def checkouts(draw: st.DrawFn, store: str, *, currencies: tuple[str, ...] | None = None) -> Document:
    """A checkout that the simulator accepts; `currencies` are those that the buyer may pay in."""
    market = MARKETS[store]
    buyers = [each for each in market.buyers if currencies is None or each[0] in currencies]
    currency, exchange_rate = draw(st.sampled_from(buyers))
    lines = draw(st.lists(checkout_lines(market), min_size=1, max_size=4))
    document: Document = {
        "customer": BUYER,
        "shipping_address": ADDRESSES[store],
        "lines": lines,
        "shipping": draw(st.lists(parcels(market), max_size=2)),
        "discount_codes": draw(st.sampled_from(CODES)),
        "currency": currency,
        "exchange_rate": exchange_rate,
        "taxes_included": draw(st.booleans()),
        "payment": draw(payments(currency, seed_of(store).currency)),
    }
    if draw(st.booleans()):
        document["tip"] = draw(cents(1, 1_500))
    if draw(st.booleans()):
        document["fees"] = [{"name": "Handling", "price": draw(cents(1, 500))}]
    if len(lines) > 1 and draw(st.booleans()):
        document["groups"] = [{"key": "set", "title": "Starter set"}]
        document["lines"] = [each | {"group": "set"} for each in lines[:2]] + lines[2:]
    try:
        place_order(open_shop(store), document)
    except CartError:  # the gift card leaves nothing to pay
        document["payment"] = {"gateway": "paypal"}
    return document


def payments(currency: str, shop_currency: str) -> st.SearchStrategy[Any]:
    """How the buyer pays. Cash is paid and rounded in the shop's currency only."""
    ways: list[Any] = [
        {"gateway": "shopify_payments"},
        "unpaid",
        {"kind": "authorization"},
        [{"gateway": "gift_card", "amount": "2"}, {"gateway": "paypal"}],
        {"gateway": "manual", "status": "pending"},
    ]
    if currency == shop_currency:
        ways += [{"gateway": "cash", "cash_rounding": "0.02"}, {"gateway": "cash", "cash_rounding": "-0.01"}]
    return st.sampled_from(ways)
