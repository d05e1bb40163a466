"""The clerk's command over Azurite and Service Bus: parked messages seen, sent again, given up."""

from __future__ import annotations

import asyncio
import copy
import getpass
import json
import os
import re
import sys
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from builders.root import ROOT
from whole_world import World, encode

ME = f"{getpass.getuser()} (local)"
"""What the command records as who did it."""
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
    "lines": [{"sku": "STOVE-GAS", "quantity": 1}],
    "tax": [{"title": "BTW", "rate": 0.21}],
    "shipping": [{"title": "Standard", "code": "STANDARD", "price": "6.95"}],
}


@pytest.fixture(scope="module")
async def template(world: World) -> dict[str, Any]:
    order = await world.buy("nordlys", BASKET)
    await world.end_of("nordlys", order["id"])
    return order


async def untold(world: World, *, sku: str = "STOVE-GAS") -> dict[str, Any]:
    """An order in the shop of which no webhook came yet."""
    return await world.buy(
        "nordlys", BASKET | {"lines": [{"sku": sku, "quantity": 1, "price": "89.95"}], "announce": []}
    )


def unknown_to_the_shop(template: dict[str, Any], *, sku: str) -> dict[str, Any]:
    order = copy.deepcopy(template)
    order["id"] = 7_000_000_000_000 + uuid.uuid4().int % 10**12
    order["admin_graphql_api_id"] = f"gid://shopify/Order/{order['id']}"
    order["line_items"][0]["sku"] = sku
    return order


async def take_the_number(world: World, order: dict[str, Any], template: dict[str, Any]) -> str:
    """Gives the order's number to a sales order of somebody else; the way to it in F&O."""
    foreign = {
        "dataAreaId": "nleu",
        "SalesOrderNumber": f"SN{order['id']}",
        "OrderingCustomerAccountNumber": (await world.sales_orders(str(template["id"])))[0]["customer"],
    }
    await world.fo_data("POST", "SalesOrderHeadersV4", foreign)
    return f"SalesOrderHeadersV4(dataAreaId='nleu',SalesOrderNumber='SN{order['id']}')"


async def operator(world: World, *arguments: str) -> tuple[int, str, str]:
    """Exit code, what it prints, and what it complains of."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "shared.operator", *arguments),
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **world.stack.settings},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 30)
    return process.returncode or 0, out.decode(), err.decode()


def replays_of(event: str, output: str) -> list[str]:
    """The ids of the event's replays that the command names."""
    return re.findall(rf"{event}\.replay-\w+", output)


async def park(world: World, order: dict[str, Any], **headers: str) -> str:
    event = str(uuid.uuid4())
    assert (await world.deliver(encode(order), event_id=event, **headers)).status_code == 200
    assert (await world.end_of_event(event))["outcome"] == "parked"
    return event


async def test_a_clerk_sees_the_message_mends_the_cause_and_sends_it_again(
    world: World, template: dict[str, Any]
) -> None:
    order = await untold(world)
    foreign = await take_the_number(world, order, template)
    event = await park(world, order)

    code, listed, _ = await operator(world, "list", "--store", "nordlys", "--code", "FO_FOREIGN_ORDER")
    assert code == 0
    assert f"nordlys  order {order['id']}  FO_FOREIGN_ORDER  since " in listed
    assert "next:  Find out what else uses this number range" in listed
    code, shown, _ = await operator(world, "show", event)
    assert code == 0
    assert "topic = orders/create" in shown
    assert '"sku": "STOVE-GAS"' in shown
    assert not [secret for secret in ("sanne@example.com", "Keizersgracht", "+31201234567", "Vries") if secret in shown]

    await world.fo_data("DELETE", foreign)
    code, output, _ = await operator(world, "replay", event)
    (sent,) = replays_of(event, output)
    assert (code, output) == (0, f"{event} sent again as {sent}\n1 of 1 sent again\n")
    end = await world.end_of_event(sent)
    assert (end["outcome"], end["document"], end["topic"]) == ("done", f"SN{order['id']}", "orders/create")
    code, listed, _ = await operator(world, "list", "--all")
    assert f"    event: {event}\n    replayed: sent again as {sent}" in listed
    asked = [row["note"] for row in await world.journal_of("nordlys", order["id"]) if row["outcome"] == "asked"]
    assert asked == [f"replay as {sent}, by {ME}"]
    code, listed, _ = await operator(world, "list")
    assert event not in listed
    code, output, _ = await operator(world, "replay", event)
    assert (code, replays_of(event, output)) == (1, [sent])
    assert f"{event} not sent: it was sent again as {sent} by {ME} on " in output
    code, output, _ = await operator(world, "replay", event, "--again")
    (once_more,) = replays_of(event, output)
    assert (code, once_more == sent) == (0, False)
    assert (await world.end_of_event(once_more))["outcome"] == "done"


async def test_what_is_parked_again_within_the_queues_window_is_sent_each_time(world: World) -> None:
    event = await park(world, await untold(world, sku="GHOST-1"))
    ids = set()
    for _ in range(2):
        code, output, _ = await operator(world, "replay", event)
        (sent,) = replays_of(event, output)
        assert code == 0
        assert (await world.end_of_event(sent))["outcome"] == "parked"
        ids.add(sent)
        await world.open_again(event)
    assert len(ids) == 2


async def test_an_order_that_a_later_event_brought_to_fo_is_no_longer_open(
    world: World, template: dict[str, Any]
) -> None:
    order = await untold(world)
    foreign = await take_the_number(world, order, template)
    event = await park(world, order)
    await world.fo_data("DELETE", foreign)
    mended = str(uuid.uuid4())
    await world.deliver(encode(order), event_id=mended, X_Shopify_Topic="orders/updated")
    assert (await world.end_of_event(mended))["outcome"] == "done"
    row = await world.parked(event)
    assert (row["state"], row["code"]) == ("resolved", "FO_FOREIGN_ORDER")


async def test_an_order_that_is_given_up_is_not_created_by_its_later_events(world: World) -> None:
    order = await untold(world, sku="GHOST-1")
    event, second = await park(world, order), await park(world, order)
    reason = "entered by hand"
    code, output, _ = await operator(world, "discard", event, "--reason", reason, "--sales-order", "NL-77")
    assert (code, output) == (0, f"{event} discarded\n")
    for one in (event, second):
        row = await world.parked(one)
        assert (row["state"], row["why"]) == ("discarded", f"{reason} (by {ME})")
    assert (await world.link("nordlys", order["id"]))["sales_order"] == "NL-77"
    later = str(uuid.uuid4())
    await world.deliver(encode(order), event_id=later, X_Shopify_Topic="orders/updated")
    end = await world.end_of_event(later)
    assert (end["outcome"], end["document"]) == ("done", "NL-77")


async def test_a_large_parked_body_is_set_aside_again_when_it_is_sent_again(world: World) -> None:
    order = (await untold(world, sku="GHOST-1")) | {"note": "x" * 300_000}
    event = await park(world, order)
    code, output, _ = await operator(world, "replay", event)
    (sent,) = replays_of(event, output)
    assert code == 0
    assert (await world.end_of_event(sent))["outcome"] == "parked"
    again = await world.parked(sent)
    assert (again["state"], json.loads(again["body"])["id"]) == ("open", order["id"])
    properties = json.loads(again["properties"])
    assert (properties["attempt"], properties["claim_blob"]) == (1, f"nordlys/{sent}")


async def test_what_holds_stock_back_is_listed_and_can_be_released(world: World, template: dict[str, Any]) -> None:
    """The order is in no list of Shopify's: it may be deleted there, and never ends by itself."""
    order = unknown_to_the_shop(template, sku="GHOST-1")
    an_hour_ago = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    event = await park(world, order, X_Shopify_Triggered_At=an_hour_ago)
    await world.run("push_stock")
    code, listed, _ = await operator(world, "held", "--store", "nordlys")
    assert code == 0
    about = listed[listed.index(f"nordlys  order {order['id']}  ") :]
    assert about.startswith(
        f"nordlys  order {order['id']}  units not read yet  Shopify does not show it any more\n    why:   parked, "
    )
    assert f"    event: {event}\n" in about
    code, said, _ = await operator(world, "release", "nordlys", str(order["id"]), "--reason", "sold at the fair")
    assert (code, said) == (0, f"order {order['id']} is given up: the next stock run offers its goods again\n")
    await world.run("push_stock")
    _, listed, _ = await operator(world, "held")
    assert str(order["id"]) not in listed
    row = await world.parked(event)
    assert (row["state"], row["why"]) == ("discarded", f"sold at the fair (by {ME})")


async def test_what_is_not_there_is_said_so(world: World) -> None:
    code, out, err = await operator(world, "replay", "no-such-event")
    assert (code, out) == (1, "")
    assert err == "there are 0 parked messages of event no-such-event\n"


async def test_a_lost_link_is_restored_from_the_export_of_the_night(world: World, template: dict[str, Any]) -> None:
    assert (await world.run("export_tables")).status_code == 200
    link = await world.link("nordlys", template["id"])
    await world.delete_link("nordlys", template["id"])
    code, output, error = await operator(world, "restore", "--night", "2001-01-01")
    assert (code, output) == (1, "")
    assert "there is no export of 2001-01-01; there are: " in error
    code, output, _ = await operator(world, "restore")
    assert code == 0
    assert re.search(
        r"^links: 1 rows restored from \d{4}-\d\d-\d\d, \d+ were there and are kept$", output, re.MULTILINE
    )
    assert await world.link("nordlys", template["id"]) == link
