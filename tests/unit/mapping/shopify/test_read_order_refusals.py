"""Everything that can be wrong with one field of an order, and the words that name it."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from shared.errors import RefusedError
from shared.mapping.shopify.order import read_order
from shared.model import CurrencySide
from tests.builders.orders import line, money_set, order_payload, parsed, shipping_line, tax_line


def refusal(payload: Any, **options: Any) -> RefusedError:
    with pytest.raises(RefusedError) as caught:
        read_order(payload, store="nordlys", side=CurrencySide.SHOP, **options)
    return caught.value


def with_value(path: tuple[str | int, ...], value: Any) -> dict[str, Any]:
    lines = [line(11, discounts=["1.00"], taxes=[tax_line("1.00")]), line(12)]
    payload = parsed(order_payload(lines=lines, duties="1.00"))
    block: Any = payload
    for step in path[:-1]:
        block = block[step]
    if value is ABSENT:
        del block[path[-1]]
    else:
        block[path[-1]] = value
    return payload


ABSENT = object()
PRICE = ("line_items", 1, "price_set", "shop_money", "amount")


@pytest.mark.parametrize("body", [None, [], "order", 7])
def test_a_body_that_is_no_object_is_refused(body: Any):
    assert "the body is" in refusal(body).cause


@pytest.mark.parametrize(
    "key",
    [
        "id",
        "name",
        "created_at",
        "updated_at",
        "currency",
        "test",
        "taxes_included",
        "line_items",
        "shipping_lines",
    ],
)
def test_a_missing_key_is_named(key: str):
    refused = refusal(with_value((key,), ABSENT))
    assert refused.code == "NOT_AN_ORDER"
    assert f"{key} is missing" in refused.cause


@pytest.mark.parametrize("key", ["total_price", "total_tax"])
def test_a_missing_total_is_named(key: str):
    payload = with_value((f"{key}_set",), ABSENT)
    del payload[key]
    assert f"{key} is missing" in refusal(payload).cause


@pytest.mark.parametrize(
    "amount",
    [
        *("abc", "", " 1.00", "1.00 ", "1.00\n", "+1.00", "1e2", "1E+2", "NaN", "Infinity", "-Infinity", "0x1"),
        *("1,00", "1.", ".5", "1.001", "1_000", "9" * 16, "\u0661.\u0660\u0660"),
        *(None, True, 1, 1.5, Decimal("1.00"), {}, []),
    ],
)
def test_what_is_no_amount_is_refused(amount: Any):
    refused = refusal(with_value(PRICE, amount))
    assert refused.code == "NOT_AN_ORDER"
    assert "line_items[1].price_set.shop_money.amount is " in refused.cause
    assert ", not an amount of EUR" in refused.cause


def test_the_refusal_shows_the_value():
    refused = refusal(with_value(PRICE, "abc"))
    assert "line_items[1].price_set.shop_money.amount is “abc”, not an amount of EUR" in refused.cause
    assert len(refusal(with_value(PRICE, "9" * 5000)).cause) < 250


@pytest.mark.parametrize("amount", ["1.5", "0.01", "1.001"])
def test_a_fraction_of_the_smallest_unit_is_no_amount(amount: str):
    payload = parsed(order_payload(lines=[line(price=amount, currency="JPY")], shipping=[], currency="JPY"))
    assert f"“{amount}”, not an amount of JPY" in refusal(payload).cause


@pytest.mark.parametrize(
    ("path", "what"),
    [
        (PRICE, "line_items[1].price_set"),
        (
            ("line_items", 0, "tax_lines", 0, "price_set", "shop_money", "amount"),
            "line_items[0].tax_lines[0].price_set",
        ),
        (
            ("line_items", 0, "discount_allocations", 0, "amount_set", "shop_money", "amount"),
            "line_items[0].discount_allocations[0].amount_set",
        ),
        (("shipping_lines", 0, "price_set", "shop_money", "amount"), "shipping_lines[0].price_set"),
        (("original_total_duties_set", "shop_money", "amount"), "original_total_duties_set"),
        (("total_price_set", "shop_money", "amount"), "total_price_set"),
        (("total_tip_received",), "total_tip_received"),
    ],
)
def test_a_negative_amount_is_refused(path: tuple[str | int, ...], what: str):
    refused = refusal(with_value(path, "-0.01"))
    assert (refused.code, refused.details["what"]) == ("NEGATIVE_AMOUNT", what)


def test_a_discount_beyond_the_price_is_refused():
    refused = refusal(parsed(order_payload(lines=[line(price="1.00", discounts=["1.01"])])))
    assert (refused.code, refused.details["amount"]) == ("NEGATIVE_AMOUNT", "-0.01 EUR")


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (("id",), True, "id is true, not an id"),
        (("id",), 0, "id is 0, not an id"),
        (("id",), 2**63, "id is 9223372036854775808, not an id"),
        (("id",), "5", "id is “5”, not an id"),
        (("line_items", 0, "id"), 1.0, "line_items[0].id is 1.0, not an id"),
        (("line_items", 1, "id"), 11, "line_items[1].id is 11, not an id of its own"),
        (("line_items", 0, "quantity"), 2**31, "line_items[0].quantity is 2147483648, not a whole number of 1 or more"),
        (("line_items", 0, "quantity"), 0, "line_items[0].quantity is 0, not a whole number of 1 or more"),
        (("line_items", 0, "quantity"), True, "line_items[0].quantity is true"),
        (("line_items", 0, "title"), 5, "line_items[0].title is 5, not text"),
        (("line_items", 0, "sku"), 5, "line_items[0].sku is 5, not text"),
        (("line_items", 0, "gift_card"), None, "line_items[0].gift_card is null, not true or false"),
        (("line_items", 0, "requires_shipping"), 1, "line_items[0].requires_shipping is 1, not true or false"),
        (("line_items", 0, "tax_lines"), None, "line_items[0].tax_lines is null, not a list"),
        (("line_items", 0, "tax_lines", 0), 3, "line_items[0].tax_lines[0] is 3, not an object"),
        (("line_items", 0, "tax_lines", 0, "rate"), 0.21, "line_items[0].tax_lines[0].rate is 0.21, not a rate"),
        (("line_items", 0, "tax_lines", 0, "rate"), Decimal("1000.1"), "rate is 1000.1, not a rate between 0 and 1000"),
        (("line_items", 0, "tax_lines", 0, "rate"), Decimal("-0.1"), "rate is -0.1, not a rate"),
        (("line_items", 0, "tax_lines", 0, "rate"), float("nan"), "rate is nan, not a rate"),
        (("line_items", 0, "tax_lines", 0, "channel_liable"), "no", "channel_liable is “no”, not true or false"),
        (("line_items", 0, "price_set"), [], "line_items[0].price_set is a list, not an object"),
        (("line_items", 0, "price_set", "shop_money"), None, "price_set.shop_money is null, not an object"),
        (("line_items", 0, "price_set", "shop_money", "currency_code"), "USD", "is “USD”, not EUR like the order"),
        (("line_items",), {}, "line_items is an object, not a list"),
        (("currency",), "eur", "currency is “eur”, not an ISO currency code"),
        (("customer",), "Sanne", "customer is a text, not an object"),
        (("customer", "id"), None, "customer.id is null, not an id"),
        (("shipping_address",), [], "shipping_address is a list, not an object"),
        (("shipping_address", "city"), 7, "shipping_address.city is a number, not text"),
        (("billing_address", "latitude"), Decimal(91), "billing_address.latitude is a number, not degrees"),
        (("note_attributes",), [{"name": "a", "value": 1}], "note_attributes[0].value is a number, not text"),
        (("name",), " ", "name is “”, not text"),
        (("created_at",), "2026-11-22", "created_at is “2026-11-22”, not a date and time with an offset"),
        (("created_at",), "2026-11-22T10:15:00", "not a date and time with an offset"),
        (("created_at",), 1763800000, "created_at is 1763800000, not a date"),
    ],
)
def test_a_field_of_the_wrong_type_or_form_is_named(path: tuple[str | int, ...], value: Any, words: str):
    refused = refusal(with_value(path, value))
    assert refused.code == "NOT_AN_ORDER"
    assert words in refused.cause


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("created_at", "1999-12-31T23:59:59+00:00"),
        ("created_at", "2026-11-25T10:15:03+01:00"),
        ("created_at", "2026-02-30T10:15:00+01:00"),
        ("updated_at", "2100-01-01T00:00:00Z"),
        ("updated_at", "9999-12-31T23:59:59-12:00"),
        ("cancelled_at", "0001-01-01T00:00:00+14:00"),
        ("cancelled_at", "2026-12-22T10:15:03+01:00"),
    ],
)
def test_an_absurd_date_is_refused(key: str, value: str):
    refused = refusal(with_value((key,), value))
    assert (refused.code, refused.details["field"]) == ("DATE_ABSURD", key)


def test_an_order_from_the_future_is_refused_when_the_time_is_known():
    now = datetime(2026, 11, 1, tzinfo=UTC)
    assert refusal(parsed(order_payload()), now=now).details["field"] == "updated_at"


def test_an_order_without_lines_is_refused():
    assert refusal(parsed(order_payload(lines=[]))).code == "NO_LINES"


def test_an_unknown_country_is_refused():
    payload = with_value(("shipping_address", "country_code"), "QZ")
    payload["shipping_address"]["country"] = "Atlantis"
    refused = refusal(payload)
    assert (refused.code, refused.details["country"]) == ("UNKNOWN_COUNTRY", "Atlantis")


def test_shipping_whose_discounts_disagree_is_refused():
    shipping = shipping_line(price="5.00", discounts=["2.00"], discounted_price_set=money_set("4.00"))
    refused = refusal(parsed(order_payload(shipping=[shipping])))
    assert "shipping_lines[0].discounted_price is 4.00 EUR, not 3.00 EUR" in refused.cause


@pytest.mark.parametrize(("length", "shown"), [(40, f"“{'x' * 40}”"), (41, f"“{'x' * 40}…”")])
def test_a_wrong_value_is_shown_up_to_forty_characters(length: int, shown: str):
    assert shown in refusal(with_value(PRICE, "x" * length)).cause
