"""Bad input through the whole stack: the right answer, and nothing lost or half-written."""

from __future__ import annotations

import asyncio
import copy
import json
import uuid
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from typing import Any

import pytest
from whole_world import World, encode, start_world, stores_that_trust_webhooks

BASKET = {
    "customer": {"first_name": "Sanne", "last_name": "de Vries", "email": "sanne@example.com", "phone": "+31201234567"},
    "shipping_address": {
        "first_name": "Sanne",
        "last_name": "de Vries",
        "address1": "Keizersgracht 241",
        "city": "Amsterdam",
        "zip": "1016EA",
        "country_code": "NL",
    },
    "lines": [{"sku": "TENT-2P", "quantity": 1}, {"sku": "LAMP-HEAD", "quantity": 2}],
    "tax": [{"title": "BTW", "rate": 0.21}],
    "shipping": [{"title": "Standard", "code": "STANDARD", "price": "6.95"}],
}
ORDER = b'{"id":5550000000001,"admin_graphql_api_id":"gid://shopify/Order/5550000000001"}'


@pytest.fixture(scope="module")
async def world(wire: None, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """Most orders here are known to no shop: what their webhooks say must count."""
    folder = tmp_path_factory.mktemp("stack")
    async with start_world(folder / "stack.log", stores_that_trust_webhooks(folder / "stores")) as everything:
        yield everything


@pytest.fixture(scope="module")
async def template(world: World) -> dict[str, Any]:
    """A real order of the simulator; each test changes one part of it."""
    return await world.buy("nordlys", BASKET)


def new_id() -> int:
    return 6_000_000_000_000 + uuid.uuid4().int % 10**12


def changed_copy(template: dict[str, Any], change: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    order = copy.deepcopy(template)
    order["id"] = new_id()
    order["admin_graphql_api_id"] = f"gid://shopify/Order/{order['id']}"
    change(order)
    return order


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        pytest.param({"X_Shopify_Hmac_Sha256": "AAAA"}, 401, "SIGNATURE_WRONG", id="wrong signature"),
        pytest.param({"X_Shopify_Hmac_Sha256": None}, 401, "SIGNATURE_WRONG", id="no signature"),
        pytest.param({"secret": "revoked-long-ago"}, 401, "SIGNATURE_WRONG", id="revoked secret"),
        pytest.param({"secret": "dev-prairie-new"}, 401, "SIGNATURE_WRONG", id="another store's secret"),
        pytest.param({"store": "nowhere"}, 404, "UNKNOWN_STORE", id="unknown store"),
        pytest.param(
            {"X_Shopify_Shop_Domain": "prairie-supply.myshopify.com"}, 401, "WRONG_SHOP", id="another store's shop"
        ),
    ],
)
async def test_a_webhook_that_is_not_shopifys_is_refused_with_the_reason(
    world: World, change: dict[str, Any], status: int, code: str
) -> None:
    answer = await world.deliver(ORDER, **change)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json()["cause"]
    assert answer.json()["next_step"]


@pytest.mark.parametrize("value", [b"\xe9\xff", "caf\u00e9".encode()], ids=["no UTF-8", "no ASCII"])
@pytest.mark.parametrize(
    ("header", "statuses"),
    [
        pytest.param("X_Shopify_Hmac_Sha256", {401}, id="signature"),
        pytest.param("X_Shopify_Topic", {400}, id="topic"),
        pytest.param("X_Shopify_Shop_Domain", {400}, id="shop"),
        pytest.param("X_Shopify_Webhook_Id", {400}, id="webhook id"),
        pytest.param("X_Shopify_Triggered_At", {200}, id="time, which the app can do without"),
        pytest.param("Traceparent", {200}, id="trace"),
        pytest.param("X_Anything", {200}, id="a header that nobody reads"),
    ],
)
async def test_bytes_that_are_no_text_in_a_header_are_never_a_failure_of_the_app(
    world: World, header: str, value: bytes, statuses: set[int]
) -> None:
    answer = await world.deliver(ORDER, **{header: value})
    assert answer.status_code in statuses
    assert {"accepted"} <= answer.json().keys() or answer.json()["next_step"]


async def test_bytes_that_are_no_text_in_the_address_name_no_store(world: World) -> None:
    answer = await world.deliver(ORDER, store="%E9%FF")
    assert (answer.status_code, answer.json()["code"]) == (404, "UNKNOWN_STORE")


async def test_a_truncated_body_is_turned_away_by_its_signature(world: World) -> None:
    whole = await world.deliver(ORDER)
    signature = whole.request.headers["X-Shopify-Hmac-Sha256"]
    answer = await world.deliver(ORDER[:-10], X_Shopify_Hmac_Sha256=signature)
    assert (answer.status_code, answer.json()["code"]) == (401, "SIGNATURE_WRONG")


async def test_a_body_beyond_what_is_verified_is_turned_away(world: World) -> None:
    answer = await world.deliver(b'{"note":"' + b"x" * 20_000_001 + b'"}')
    assert (answer.status_code, answer.json()["code"]) == (413, "BODY_TOO_LARGE")


async def test_an_order_whose_body_is_over_the_limit_is_fetched(world: World) -> None:
    order = await world.buy("nordlys", {**BASKET, "announce": []})
    large = order | {"note_attributes": [{"name": "a", "value": "x" * 19_000_000}]}
    answer = await world.deliver(encode(large))
    assert answer.status_code == 200, answer.text
    end = await world.end_of("nordlys", order["id"])
    assert (end["outcome"], end["topic"]) == ("done", "orders/create"), end["note"]
    assert len(await world.sales_orders(str(order["id"]))) == 1


async def test_a_body_over_the_limit_that_names_no_order_is_kept_whole(world: World) -> None:
    body, event = b'{"note":"' + b"x" * 19_900_000 + b'"}', str(uuid.uuid4())
    answer = await world.deliver(body, event_id=event)
    assert answer.status_code == 200, answer.text
    assert (await world.end_of_event(event, seconds=60))["outcome"] == "parked"
    record = await world.parked(event)
    assert (record["code"], record["body"] == body) == ("ORDER_NOT_NAMED", True)


async def test_a_signed_webhook_of_a_topic_without_a_flow_is_noted_and_acknowledged(world: World) -> None:
    event = str(uuid.uuid4())
    answer = await world.deliver(ORDER, event_id=event, X_Shopify_Topic="themes/publish")
    assert (answer.status_code, answer.json()["code"]) == (200, "UNKNOWN_TOPIC")
    again = await world.deliver(ORDER, X_Shopify_Topic="themes/publish")
    assert (again.status_code, again.json()["code"]) == (200, "UNKNOWN_TOPIC")
    note = await world.end_of_event(event)
    assert (note["outcome"], note["topic"]) == ("ignored", "themes/publish")
    assert note["note"].startswith("UNKNOWN_TOPIC")


async def test_a_webhook_signed_with_the_previous_secret_is_accepted(world: World, template: dict[str, Any]) -> None:
    order = changed_copy(template, lambda order: None)
    answer = await world.deliver(encode(order), secret="dev-nordlys-old")
    assert answer.status_code == 200
    assert (await world.end_of("nordlys", order["id"]))["outcome"] == "done"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        pytest.param(b"{not json", "NOT_JSON", id="not JSON"),
        pytest.param(b"", "NOT_JSON", id="empty"),
        pytest.param('{"note": "é"'.encode("latin-1"), "NOT_JSON", id="not UTF-8"),
        pytest.param(b"[1, 2, 3]", "NOT_AN_ORDER", id="a list"),
        pytest.param(b'{"order_edit": {"id": 1, "order_id": 2}}', "NOT_AN_ORDER", id="another resource"),
        pytest.param(b'{"id": "42", "line_items": {}}', "NOT_AN_ORDER", id="wrong types"),
    ],
)
async def test_a_signed_webhook_that_cannot_be_read_is_kept_whole(world: World, body: bytes, code: str) -> None:
    event = str(uuid.uuid4())
    answer = await world.deliver(body, event_id=event)
    assert answer.status_code == 200
    end = await world.end_of_event(event)
    assert end["outcome"] == "parked"
    record = await world.parked(event)
    assert (record["code"], record["body"]) == (code, body)
    assert record["owner"]
    assert record["next_step"]


def without_gids(value: Any) -> Any:
    match value:
        case dict():
            return {key: without_gids(part) for key, part in value.items() if key != "admin_graphql_api_id"}
        case list():
            return [without_gids(part) for part in value]
        case _:
            return value


async def test_events_without_the_gid_become_one_sales_order(world: World, template: dict[str, Any]) -> None:
    order = without_gids(changed_copy(template, lambda order: None))
    topics = ("orders/create", "orders/paid", "orders/updated")
    answers = await asyncio.gather(*(world.deliver(encode(order), X_Shopify_Topic=topic) for topic in topics))
    assert [answer.status_code for answer in answers] == [200] * len(topics)
    ends = await world.ends_of("nordlys", order["id"], count=len(topics))
    assert {end["outcome"] for end in ends} == {"done"}
    assert len(await world.sales_orders(str(order["id"]))) == 1


SHIRTS = {
    "customer": {"first_name": "Wren", "last_name": "Abbott", "email": "wren@example.net"},
    "shipping_address": {
        "first_name": "Wren",
        "last_name": "Abbott",
        "address1": "2150 Larimer St",
        "city": "Denver",
        "zip": "80205",
        "country_code": "US",
        "province_code": "CO",
    },
    "lines": [{"sku": "TEE-RED-L", "quantity": 2, "price": "19.75"}],
    "tax": [{"title": "Colorado", "rate": 0.0881}],
    "shipping": [{"title": "Ground", "code": "GROUND", "price": "5.40", "tax": []}],
}


async def test_events_without_the_gid_become_one_sales_order_where_fo_draws_the_number(world: World) -> None:
    """While F&O takes a second to create it, the other event has arrived."""
    order = without_gids(changed_copy(await world.buy("prairie", SHIRTS), lambda order: None))
    later = {**order, "tags": "second look"}
    await world.fo_fault(kind="slow", method="POST", set="SalesOrderHeadersV4", ms=1000)
    prairie = {"store": "prairie", "secret": "dev-prairie-new"}
    answers = await asyncio.gather(
        world.deliver(encode(order), X_Shopify_Topic="orders/create", **prairie),
        world.deliver(encode(later), X_Shopify_Topic="orders/updated", **prairie),
    )
    assert [answer.status_code for answer in answers] == [200, 200]
    ends = await world.ends_of("prairie", order["id"], count=2)
    assert {end["outcome"] for end in ends} == {"done"}
    (booked,) = await world.sales_orders(str(order["id"]))
    assert [(line["item"], line["quantity"], Decimal(str(line["line_amount"]))) for line in booked["lines"]] == [
        ("TEE", 2, Decimal("39.50")),
        ("SHIPPING", 1, Decimal("5.40")),
    ]


async def test_an_order_without_any_id_is_acknowledged_and_kept_whole(world: World, template: dict[str, Any]) -> None:
    order, event = without_gids(changed_copy(template, lambda order: None)), str(uuid.uuid4())
    order_id = order.pop("id")
    answer = await world.deliver(encode(order), event_id=event)
    assert answer.status_code == 200
    assert (await world.end_of_event(event))["outcome"] == "parked"
    record = await world.parked(event)
    assert json.loads(record["body"]) == order
    assert record["next_step"]
    assert await world.sales_orders(str(order_id)) == []


def unknown_sku(order: dict[str, Any]) -> None:
    order["line_items"][0]["sku"] = "NO-SUCH-THING"


def unknown_country(order: dict[str, Any]) -> None:
    order["shipping_address"].update(country_code="ZZ", country="Atlantis")


def other_currency(order: dict[str, Any]) -> None:
    text = json.dumps(order).replace('"EUR"', '"GBP"')
    order.update(json.loads(text))


def other_tax(order: dict[str, Any]) -> None:
    for part in (*order["line_items"], *order["shipping_lines"]):
        for tax in part["tax_lines"]:
            tax.update(rate=0.123, title="Tourist tax")


def no_lines(order: dict[str, Any]) -> None:
    order["line_items"] = []


def negative_price(order: dict[str, Any]) -> None:
    line = order["line_items"][0]
    line["price"] = "-5.00"
    for side in ("shop_money", "presentment_money"):
        line["price_set"][side]["amount"] = "-5.00"


def absurd_date(order: dict[str, Any]) -> None:
    order["created_at"] = "0999-01-01T00:00:00+01:00"


def a_cent_less(order: dict[str, Any]) -> None:
    for side in ("shop_money", "presentment_money"):
        order["total_price_set"][side]["amount"] = "1.00"
        order["current_total_price_set"][side]["amount"] = "1.00"


def unknown_shipping(order: dict[str, Any]) -> None:
    order["shipping_lines"][0].update(code="DRONE", title="By drone")


@pytest.mark.parametrize(
    ("change", "code", "named"),
    [
        (unknown_sku, "UNKNOWN_SKU", "NO-SUCH-THING"),
        (unknown_country, "UNKNOWN_COUNTRY", "Atlantis"),
        (other_currency, "CURRENCY_WITHOUT_RULE", "GBP"),
        (other_tax, "TAX_WITHOUT_RULE", "Tourist tax"),
        (no_lines, "NO_LINES", "no lines"),
        (negative_price, "NEGATIVE_AMOUNT", "-5.00"),
        (absurd_date, "DATE_ABSURD", "0999"),
        (a_cent_less, "SUM_DIFFERS", "1.00"),
        (unknown_shipping, "SHIPPING_WITHOUT_RULE", "By drone"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
async def test_an_order_that_cannot_be_booked_is_parked_with_words_for_a_clerk(
    world: World, template: dict[str, Any], change: Callable[[dict[str, Any]], None], code: str, named: str
) -> None:
    order, event = changed_copy(template, change), str(uuid.uuid4())
    answer = await world.deliver(encode(order), event_id=event)
    assert answer.status_code == 200
    assert (await world.end_of("nordlys", order["id"]))["outcome"] == "parked"
    record = await world.parked(event)
    assert record["code"] == code
    assert named in record["cause"]
    assert record["owner"]
    assert record["next_step"]
    assert json.loads(record["body"]) == order
    assert await world.sales_orders(str(order["id"])) == []


async def test_a_large_order_takes_the_way_through_blob_storage(world: World, template: dict[str, Any]) -> None:
    order = changed_copy(template, lambda order: order["note_attributes"].append({"name": "a", "value": "x" * 300_000}))
    answer = await world.deliver(encode(order))
    assert answer.status_code == 200
    assert (await world.end_of("nordlys", order["id"]))["outcome"] == "done"
    assert len(await world.sales_orders(str(order["id"]))) == 1


async def test_five_hundred_lines_become_one_sales_order(world: World) -> None:
    lines = [{"sku": "STOVE-GAS", "quantity": 1, "price": f"{50 + number % 7}.95"} for number in range(500)]
    order = await world.buy("nordlys", {**BASKET, "lines": lines})
    end = await world.end_of("nordlys", order["id"], seconds=90)
    assert end["outcome"] == "done", end["note"]
    (booked,) = await world.sales_orders(str(order["id"]))
    assert len(booked["lines"]) == 501  # and shipping
