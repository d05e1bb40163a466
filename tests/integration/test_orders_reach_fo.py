"""Orders through the whole stack: each once, complete, to the cent, whatever happens on the way."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from whole_world import World, encode

EU = {
    "customer": {"first_name": "Sanne", "last_name": "de Vries", "email": "sanne@example.com", "phone": "+31201234567"},
    "shipping_address": {
        "first_name": "Sanne",
        "last_name": "de Vries",
        "address1": "Keizersgracht 241",
        "city": "Amsterdam",
        "zip": "1016EA",
        "country_code": "NL",
    },
    "lines": [{"sku": "STOVE-GAS", "quantity": 3}, {"sku": "LAMP-HEAD", "quantity": 2}],
    "tax": [{"title": "BTW", "rate": 0.21}],
    "shipping": [{"title": "Standard", "code": "STANDARD", "price": "6.95"}],
}
QUIET = {"announce": ["orders/create"]}
UNPAID = {"payment": "unpaid"}
US = {
    "customer": {"first_name": "Ada", "last_name": "Lovelace", "email": "ada@example.com", "phone": "+13035550100"},
    "shipping_address": {
        "first_name": "Ada",
        "last_name": "Lovelace",
        "address1": "1600 Broadway",
        "city": "Denver",
        "zip": "80202",
        "country_code": "US",
        "province_code": "CO",
    },
    "lines": [{"sku": "TEE-RED-M", "quantity": 3}, {"sku": "TEE-RED-L", "quantity": 1}],
    "tax": [
        {"title": "Colorado State Tax", "rate": 0.029},
        {"title": "Denver City Tax", "rate": 0.0481},
        {"title": "RTD Tax", "rate": 0.011},
    ],
    "shipping": [{"title": "Ground", "code": "GROUND", "price": "7.50", "tax": []}],
}


async def the_sales_order(world: World, order: dict[str, Any]) -> dict[str, Any]:
    (found,) = await world.sales_orders(str(order["id"]))
    return found


def amount(sales_order: dict[str, Any]) -> Decimal:
    return sum((Decimal(str(line["line_amount"])) for line in sales_order["lines"]), Decimal(0))


async def test_a_european_order_is_in_fo_to_the_cent_with_vat_in_its_prices(world: World) -> None:
    order = await world.buy("nordlys", {**EU, "discount_codes": [{"code": "TEN", "amount": "10.00"}]})
    end = await world.end_of("nordlys", order["id"])
    assert end["outcome"] == "done", end["note"]
    found = await the_sales_order(world, order)
    assert found["number"] == end["document"] == f"SN{order['id']}"
    assert found["prices_include_tax"]
    assert amount(found) == Decimal(order["total_price"])
    assert [(line["item"], line["warehouse"]) for line in found["lines"]][:2] == [
        ("STOVE-GAS", "AMS"),
        ("LAMP-HEAD", "AMS"),
    ]
    assert found["lines"][2]["item"] == "FREIGHT"
    assert {line["tax_group"] for line in found["lines"]} == {"NL-VAT"}
    assert not found["stopped"]


async def test_an_american_order_gets_fos_number_and_is_released_complete(world: World) -> None:
    order = await world.buy("prairie", US)
    end = await world.end_of("prairie", order["id"])
    assert end["outcome"] == "done", end["note"]
    found = await the_sales_order(world, order)
    assert found["number"].startswith("USMF-")
    assert found["customer"] == "WEB-US"
    assert not found["stopped"]
    assert not found["prices_include_tax"]
    assert amount(found) + Decimal(order["total_tax"]) == Decimal(order["total_price"])
    assert [(line["item"], line["color"], line["size"]) for line in found["lines"]][:2] == [
        ("TEE", "Red", "M"),
        ("TEE", "Red", "L"),
    ]


async def test_names_and_streets_beyond_fos_fields_arrive_whole(world: World) -> None:
    person = {"first_name": "Maria Fernanda Guadalupe Eulalia", "last_name": "Wolfeschlegelsteinhausenbergerdorff"}
    street = {"address1": ("Achter de Oude Kerk " * 12).strip(), "address2": "third door on the left"}
    place = {**EU["shipping_address"], **person, **street}
    buyer = {**person, "email": "maria@example.com"}
    order = await world.buy("nordlys", {**EU, "customer": buyer, "shipping_address": place})
    end = await world.end_of("nordlys", order["id"])
    assert end["outcome"] == "done", end["note"]
    header = await world.fo_row("SalesOrderHeadersV4", dataAreaId="nleu", SalesOrderNumber=end["document"])
    assert header["DeliveryAddressStreet"].replace("\n", " ") == street["address1"]
    assert header["DeliveryBuildingCompliment"] == street["address2"]
    account = header["OrderingCustomerAccountNumber"]
    customer = await world.fo_row("CustomersV3", dataAreaId="nleu", CustomerAccount=account)
    assert customer["OrganizationName"] == " ".join(person.values())


async def test_the_journal_keeps_the_proof_and_the_reason_for_the_warehouse(world: World) -> None:
    order = await world.buy("nordlys", EU)
    end = await world.end_of("nordlys", order["id"])
    evidence = json.loads(end["evidence"])
    assert evidence["shopify"]["totals"][-1]["shopify"] == f"{order['total_price']} EUR"
    assert "holds all of it" in json.dumps(evidence["fo"])
    link = await world.link("nordlys", order["id"])
    assert (link["sales_order"], link["company"]) == (end["document"], "nleu")
    assert len(json.loads(link["lots_0"])) == 3


async def test_the_same_webhook_twenty_times_at_once_makes_one_sales_order(world: World) -> None:
    order = await world.buy("nordlys", EU | QUIET)
    await world.end_of("nordlys", order["id"])
    body = encode(order)
    answers = await asyncio.gather(*(world.deliver(body, event_id=str(uuid.uuid4())) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {200}
    ends = await world.ends_of("nordlys", order["id"], count=21)
    assert {end["outcome"] for end in ends} == {"done"}
    assert len(await world.sales_orders(str(order["id"]))) == 1


async def test_a_webhook_delivered_again_with_its_id_is_dropped_by_the_bus(world: World) -> None:
    order = await world.buy("nordlys", EU | QUIET)
    await world.end_of("nordlys", order["id"])
    event, body = str(uuid.uuid4()), encode({**order, "updated_at": "2026-01-01T00:00:00+01:00"})
    for _ in range(3):
        assert (await world.deliver(body, event_id=event)).status_code == 200
    await world.end_of_event(event)
    assert len(await world.ends_of("nordlys", order["id"], count=2)) == 2


async def test_an_update_that_changes_nothing_for_fo_is_done_without_a_word_to_fo(world: World) -> None:
    order = await world.buy("nordlys", EU | QUIET)
    await world.end_of("nordlys", order["id"])
    later = {**order, "updated_at": _later(order["updated_at"]), "financial_status": "paid"}
    before, event = await world.fo_calls(), str(uuid.uuid4())
    await world.deliver(encode(later), event_id=event, X_Shopify_Topic="orders/updated")
    end = await world.end_of_event(event)
    assert end["outcome"] == "done"
    assert end["note"].startswith("F&O has the order as it is")
    assert await world.fo_calls() == before


async def test_a_timeout_after_fo_has_written_creates_no_second_order(world: World) -> None:
    await world.fo_fault(kind="timeout_after_commit", method="POST", set="$batch", times=1)
    order = await world.buy("nordlys", EU | QUIET)
    end = await world.end_of("nordlys", order["id"])
    assert end["outcome"] == "done", end["note"]
    assert end["attempt"] == 2
    assert "earlier attempt" in end["note"]
    assert len(await world.sales_orders(str(order["id"]))) == 1


async def test_when_fo_is_busy_the_order_waits_as_long_as_fo_asks(world: World) -> None:
    await world.fo_fault(kind="throttle", retry_after=2, times=1)
    order = await world.buy("prairie", US)
    end = await world.end_of("prairie", order["id"])
    assert end["outcome"] == "done", end["note"]
    waits = [row for row in await world.journal_of("prairie", order["id"]) if row["outcome"] == "waiting"]
    assert waits
    assert waits[0]["waiting_until"]


async def test_a_known_customers_order_of_twenty_lines_costs_fo_three_requests(world: World) -> None:
    first = await world.buy("nordlys", EU)
    await world.end_of("nordlys", first["id"])
    await world.end_of_topic("nordlys", first["id"], "order_transactions/create")
    lines = [{"sku": "STOVE-GAS", "quantity": 1, "price": f"{40 + number}.95"} for number in range(20)]
    before = await world.fo_calls()
    order = await world.buy(
        "nordlys", {**EU, **UNPAID, "customer": {**EU["customer"], "id": first["customer"]["id"]}, "lines": lines}
    )
    end = await world.end_of("nordlys", order["id"])
    assert end["outcome"] == "done", end["note"]
    after = await world.fo_calls()
    asked = {
        call: count - before["http"].get(call, 0)
        for call, count in after["http"].items()
        if count != before["http"].get(call, 0)
    }
    assert asked.pop("POST /data/$batch") == 1
    assert sum(asked.values()) <= 2


@pytest.mark.parametrize("action", ["lose", "silence"])
async def test_when_service_bus_does_not_confirm_shopify_keeps_the_webhook(world: World, action: str) -> None:
    """Whether the message was lost or only its confirmation: Shopify's second delivery mends both."""
    order = await world.buy("nordlys", EU | QUIET)
    await world.end_of("nordlys", order["id"])
    body, event = encode({**order, "updated_at": _later(order["updated_at"])}), str(uuid.uuid4())
    control = world.stack.service_bus_control
    answer = await world.http.post(f"{control}/faults", json={"entity": "commerce-events", "action": action})
    assert answer.status_code < 300, answer.text
    began = time.monotonic()
    try:
        refused = await world.deliver(body, event_id=event)
    finally:
        await world.http.delete(f"{control}/faults")
    assert (refused.status_code, refused.json()["code"]) == (503, "NOT_QUEUED")
    assert time.monotonic() - began < 5
    assert (await world.deliver(body, event_id=event)).status_code == 200
    assert (await world.end_of_event(event))["outcome"] == "done"
    assert len(await world.ends_of("nordlys", order["id"], count=2)) == 2


async def test_the_app_goes_on_after_service_bus_has_dropped_every_connection(world: World) -> None:
    answer = await world.http.post(f"{world.stack.service_bus_control}/connections/drop")
    assert answer.json()["dropped"] >= 1
    order = await world.buy("nordlys", EU)
    assert (await world.end_of("nordlys", order["id"]))["outcome"] == "done"


def _later(moment: str) -> str:
    """A minute later, in the same form."""
    return (datetime.fromisoformat(moment) + timedelta(minutes=1)).isoformat()
