"""The real worker process is killed in the middle of an order; the intake loses Service Bus's confirmation."""

from __future__ import annotations

import asyncio
import os
import signal
import time
import uuid
from collections.abc import AsyncIterator
from typing import Final

import pytest
from whole_world import World, encode, start_world

from local.process import python, start
from local.stack import ROOT

BASKET = {
    "customer": {"first_name": "Ada", "last_name": "Lovelace", "email": "ada@example.com"},
    "shipping_address": {
        "first_name": "Ada",
        "last_name": "Lovelace",
        "address1": "Damrak 1",
        "city": "Amsterdam",
        "zip": "1012LG",
        "country_code": "NL",
    },
    "lines": [{"sku": "STOVE-GAS", "quantity": 1}],
    "tax": [{"title": "BTW", "rate": 0.21}],
    "shipping": [{"title": "Standard", "code": "STANDARD", "price": "6.95"}],
}


LOCK_SECONDS: Final = 8
"""Of the queue's sessions, in place of a minute."""


@pytest.fixture(scope="module")
async def doomed(wire: None, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """A stack of its own, since its host will die."""
    log = tmp_path_factory.mktemp("doomed") / "stack.log"
    async with start_world(log, lock_seconds=LOCK_SECONDS) as world:
        yield world


async def kill_host(world: World) -> None:
    host = world.stack.parts.pop()
    assert host.name == "host"
    os.killpg(host._process.pid, signal.SIGKILL)
    await host.stop()


async def start_host(world: World) -> None:
    stack = world.stack
    command = python("-m", "local.functions", "--port", str(stack.ports.host), "--app", str(ROOT))
    host = await start("host", command, log=lambda part, line: None, env=stack.settings, folder=ROOT)
    stack.parts.append(host)
    await host.ready(30)


async def test_an_order_whose_worker_is_killed_while_fo_writes_it_is_there_once(doomed: World) -> None:
    await doomed.fo_fault(kind="timeout_after_commit", method="POST", set="$batch", ms=60_000, times=1)
    order = await doomed.buy("nordlys", BASKET)
    async with asyncio.timeout(20):
        while not await doomed.sales_orders(str(order["id"])):  # noqa: ASYNC110 - F&O sends no event
            await asyncio.sleep(0.05)
    assert await doomed.journal_of("nordlys", order["id"]) == []
    await kill_host(doomed)
    killed = time.monotonic()
    await start_host(doomed)
    up = time.monotonic()
    taken_again = await doomed.waiting("nordlys", order["id"])
    assert time.monotonic() - max(up, killed + LOCK_SECONDS) < 10, "the bucket stood still for longer than its lock"
    # until the claim of the killed one ends
    assert taken_again["note"].startswith("another worker, or F&O, may still be writing order")
    end = await doomed.end_of("nordlys", order["id"])
    assert end["outcome"] == "done"
    assert end["note"].startswith("found in F&O, created by an earlier attempt; F&O has the order as it is; ")
    assert len(await doomed.sales_orders(str(order["id"]))) == 1
    assert (await doomed.link("nordlys", order["id"]))["sales_order"] == end["document"]


async def test_an_order_published_twice_since_the_confirmation_was_lost_is_booked_once(doomed: World) -> None:
    order = await doomed.buy("nordlys", BASKET | {"announce": []})
    body, webhook = encode(order), str(uuid.uuid4())
    control = doomed.stack.service_bus_control
    await doomed.http.post(f"{control}/faults", json={"entity": "commerce-events", "action": "silence"})
    refused = await doomed.deliver(body, event_id=webhook)
    await doomed.http.delete(f"{control}/faults")
    assert (refused.status_code, refused.json()["code"]) == (503, "NOT_QUEUED")
    assert (await doomed.end_of("nordlys", order["id"]))["outcome"] == "done"  # it was there all the same
    assert (await doomed.deliver(body, event_id=webhook)).status_code == 200
    marker = str(uuid.uuid4())  # another event of the same order, so of the same session: it comes after the duplicate
    await doomed.deliver(body, event_id=marker)
    await doomed.end_of_event(marker)
    assert {row["event_id"] for row in await doomed.journal_of("nordlys", order["id"])} == {webhook, marker}
    assert len(await doomed.journal_of("nordlys", order["id"])) == 2
    assert len(await doomed.sales_orders(str(order["id"]))) == 1
