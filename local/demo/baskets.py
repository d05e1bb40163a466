"""What the demo's customers buy: baskets for both shops, one of them with a product that F&O does not have."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

NORDLYS: Final = "nordlys-outdoor.myshopify.com"
PRAIRIE: Final = "prairie-supply.myshopify.com"
SHOPS: Final = {"nordlys": NORDLYS, "prairie": PRAIRIE}


@dataclass(frozen=True, slots=True)
class Placed:
    store: str
    shop: str
    basket: dict[str, Any]
    goes_through: bool = True
    """Whether F&O should have the order in the end; otherwise it is parked."""
    rest: dict[str, Any] | None = None
    """The order as Shopify's REST resource, once it is placed."""

    def placed(self, rest: dict[str, Any]) -> Placed:
        return replace(self, rest=rest)

    @property
    def order(self) -> dict[str, Any]:
        if self.rest is None:
            raise ValueError("the order is not placed yet")
        return self.rest

    @property
    def name(self) -> str:
        return str(self.order["name"])

    @property
    def label(self) -> str:
        """As in "#1001 nordlys": order names begin with #1001 in every shop."""
        return f"{self.name} {self.store}"

    @property
    def key(self) -> str:
        """The journal's partition of this order."""
        return f"{self.store}-{self.order['id']}"


def _person(first: str, last: str, mail: str, phone: str) -> dict[str, str]:
    return {"first_name": first, "last_name": last, "email": mail, "phone": phone}


def _address(street: str, city: str, zip_code: str, country: str, province: str = "", **more: str) -> dict[str, str]:
    return {
        "address1": street,
        "city": city,
        "zip": zip_code,
        "country_code": country,
        "province_code": province,
        **more,
    }


_VAT: Final = {"NL": ("BTW", 0.21), "DE": ("MwSt", 0.19), "FR": ("TVA", 0.2), "DK": ("MOMS", 0.25)}


def _eu(country: str, basket: dict[str, Any]) -> Placed:
    title, rate = _VAT[country]
    whole = {"tax": [{"title": title, "rate": rate}], **basket}
    return Placed("nordlys", NORDLYS, whole)


ORDERS: Final = (
    _eu(
        "NL",
        {
            "customer": _person("Sanne", "de Vries", "sanne@example.com", "+31 20 123 4567"),
            "shipping_address": _address("Keizersgracht 241", "Amsterdam", "1016EA", "NL"),
            "lines": [{"sku": "TENT-2P", "quantity": 1}, {"sku": "LAMP-HEAD", "quantity": 2}],
            "shipping": [{"title": "Standard", "code": "STANDARD", "price": "6.95"}],
            "note": "Please ring twice.",
        },
    ),
    _eu(
        "DE",
        {
            "customer": _person("Jürgen", "Groß", "juergen@example.com", "+49 40 1234567"),
            "shipping_address": _address("Große Elbstraße 12", "Hamburg", "22767", "DE"),
            "lines": [
                {"sku": "STOVE-GAS", "quantity": 3},
                {"sku": "BAG-DOWN", "quantity": 1},
            ],
            "discount_codes": [{"code": "HERBST10", "percentage": 10}],
            "shipping": [{"title": "Express", "code": "EXPRESS", "price": "14.95"}],
        },
    ),
    _eu(
        "DK",
        {
            "customer": _person("Søren", "Ærø", "soren@example.com", "+45 33 12 34 56"),
            "shipping_address": _address("Nyhavn 17", "København", "1051", "DK"),
            "lines": [{"sku": "MAP-NORDIC", "quantity": 4}, {"sku": "STOVE-GAS", "quantity": 1}],
            "shipping": [{"title": "Standard", "code": "STANDARD", "price": "9.95"}],
            "discount_codes": [{"code": "VELKOMMEN", "amount": "10.00"}],
            # Paid in Danish crowns, by gift card and by card; the card payment has the exchange rate of its own day.
            "currency": "DKK",
            "exchange_rate": "7.46",
            "payment": [
                {"gateway": "gift_card", "amount": "200.00"},
                {"gateway": "shopify_payments", "exchange_rate": "7.44"},
            ],
        },
    ),
    replace(
        _eu(
            "FR",
            {
                "customer": _person("Zoé", "Lefèvre", "zoe@example.com", "+33 1 23 45 67 89"),
                "shipping_address": _address("12 rue de l'Église", "Paris", "75015", "FR"),
                "lines": [{"sku": "GHOST-1", "quantity": 1}],
                "shipping": [{"title": "Standard", "code": "STANDARD", "price": "8.95"}],
            },
        ),
        goes_through=False,
    ),
    Placed(
        "prairie",
        PRAIRIE,
        {
            "customer": _person("Ada", "Lovelace", "ada@example.com", "+1 303 555 0100"),
            "shipping_address": _address("1600 Broadway, Suite 400", "Denver", "80202-4910", "US", "CO"),
            "lines": [{"sku": "TEE-RED-M", "quantity": 3}, {"sku": "BOOT-BRN-9", "quantity": 1}],
            "tax": [
                {"title": "Colorado State Tax", "rate": 0.029},
                {"title": "Denver City Tax", "rate": 0.0481},
                {"title": "RTD Tax", "rate": 0.011},
            ],
            "shipping": [{"title": "Ground", "code": "GROUND", "price": "7.50", "tax": []}],
            "po_number": "PO-7731",
        },
    ),
    Placed(
        "prairie",
        PRAIRIE,
        {
            "customer": _person("Luz", "Ortega", "luz@example.com", "+1 512 555 0134"),
            "shipping_address": _address("500 Congress Ave", "Austin", "78701", "US", "TX"),
            "lines": [{"sku": "HAT-STR-ONE", "quantity": 2}, {"sku": "TEE-BLU-M", "quantity": 1}],
            "tax": [
                {"title": "Texas State Tax", "rate": 0.0625},
                {"title": "Austin City Tax", "rate": 0.01},
                {"title": "Austin MTA Transit", "rate": 0.01},
            ],
            "shipping": [{"title": "Ground", "code": "GROUND", "price": "7.50", "tax": []}],
        },
    ),
    Placed(
        "prairie",
        PRAIRIE,
        {
            "customer": _person("Noah", "Reyes", "noah@example.com", "+1 303 555 0177"),
            "billing_address": _address("44 Cook St", "Denver", "80206", "US", "CO"),
            "shipping_address": None,
            "delivery_method": "PICK_UP",
            "location_id": 72001001,
            "lines": [{"sku": "TEE-RED-M", "quantity": 2}],
            "tax": [
                {"title": "Colorado State Tax", "rate": 0.029},
                {"title": "Denver City Tax", "rate": 0.0481},
                {"title": "RTD Tax", "rate": 0.011},
            ],
            "shipping": [{"title": "Mountain DC", "code": "Mountain DC", "price": "0.00", "tax": []}],
        },
    ),
)
