"""What of a body is shown: goods, money and place; nothing that identifies the buyer."""

import json

from shared.mapping.redaction import HIDDEN, redacted
from tests.builders.orders import order_payload, parsed

PERSONAL = {
    "email": "sanne@example.com",
    "phone": "+31201234567",
    "note": "for my mother",
    "browser_ip": "203.0.113.7",
    "token": "f00",
    "order_status_url": "https://shop/orders/f00",
    "note_attributes": [{"name": "Engraving", "value": "For Sanne"}],
    "customer": {"id": 7, "first_name": "Sanne", "tags": "vip", "default_address": {"city": "Delft", "zip": 2611}},
    "shipping_address": {"name": "Sanne", "country_code": "NL", "latitude": 52.1, "company": "", "zip": "2611"},
    "a_field_of_tomorrow": "Sanne",
}


def test_the_person_is_hidden_and_the_order_is_not():
    shown = redacted(order_payload(**PERSONAL))
    text = json.dumps(shown, default=str)
    assert not [
        word for word in ("anne", "example", "+31", "203.", "mother", "f00", "Delft", "2611", "52.1") if word in text
    ]
    assert (shown["id"], shown["name"], shown["currency"]) == (parsed(order_payload())["id"], "#1001", "EUR")
    assert shown["line_items"][0]["sku"] == "SKU-11"
    assert shown["line_items"][0]["price_set"]["shop_money"] == {"amount": "10.00", "currency_code": "EUR"}
    assert shown["shipping_address"] == {
        "name": HIDDEN,
        "country_code": "NL",
        "latitude": HIDDEN,
        "company": "",
        "zip": HIDDEN,
    }
    assert shown["note_attributes"] == [{"name": "Engraving", "value": HIDDEN}]


def test_what_is_no_object_is_hidden_too():
    assert redacted(["Sanne", 1, None, True]) == [HIDDEN, 1, None, True]
