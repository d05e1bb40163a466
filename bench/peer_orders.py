"""An order of 20 lines by the app, and by d365fo-client: part of `make peers`.

The app takes the order's event, proves its money, finds buyer and items, writes the order in one change set, and notes
what it did in its tables. d365fo-client creates the header and then each line; it knows no change sets, and is told the
warehouse. So the app has it from the rules too, of a store with one warehouse. Where it reads F&O's on-hand first, to
choose between two, is a figure of its own.
"""

from __future__ import annotations

import json
import os
import statistics
import time
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

import httpx
from azure.identity.aio import ManagedIdentityCredential
from d365fo_client import FOClient, FOClientConfig

from bench.calls import order_of
from bench.figures import Figure, at_most
from bench.world import write_large_world
from local.stack import NO_PAUSE, ROOT, SCHEDULES, Ports, Stack, running
from local.stores import changed_stores, with_one_warehouse
from shared.bus.envelope import Envelope
from shared.clients import Services, build
from shared.settings import read_settings
from shared.store.links import OrderLink
from shared.sync.messages.dispatch import handle_message
from shared.sync.orders.flow import sync_order
from shared.sync.orders.ports import OrderPorts

_LINES: Final = 20
_DELAY: Final = 50
"""Milliseconds that each call of F&O takes longer."""
_ROUNDS: Final = 9
_RATIO: Final = 0.1


async def measure() -> list[Figure]:
    """Their rounds take turns; neither counts its first orders, which fill caches and open connections."""
    build_folder = ROOT / "build"
    build_folder.mkdir(exist_ok=True)
    world = write_large_world(build_folder / "peers_world.toml", figures=200)
    never = dict.fromkeys(SCHEDULES, "0 0 0 29 2 *")
    with (build_folder / "peers.log").open("w", encoding="utf-8") as log:
        async with (
            running(
                Ports.free(),
                log=lambda part, line: print(f"{part:>10} | {line}", file=log),
                overrides={**never, **NO_PAUSE},
                world=world,
                with_host=False,
            ) as stack,
            httpx.AsyncClient() as http,
        ):
            os.environ |= {name: stack.settings[name] for name in ("IDENTITY_ENDPOINT", "IDENTITY_HEADER")}
            one_house = changed_stores(build_folder / "peers_stores", with_one_warehouse)
            services = build(read_settings({**stack.settings, **one_house}))
            _, link = await _by_app(stack, http, services, lines=1)
            async with await _peer(stack) as peer:
                ours = partial(_by_app, stack, http, services, lines=_LINES)
                choosing = partial(_by_app, stack, http, build(read_settings(stack.settings)), lines=_LINES)
                theirs = partial(_by_peer, peer, link)
                for one in (choosing, ours, theirs):
                    await one()
                slow = {"kind": "slow", "ms": _DELAY, "times": None}
                (await http.post(f"{stack.d365}/_sim/faults", json=slow)).raise_for_status()
                rounds = [((await ours())[0], (await choosing())[0], await theirs()) for _ in range(_ROUNDS)]
    app, chosen, other = (statistics.median(times) for times in zip(*rounds, strict=True))
    ratio = statistics.median(first / last for first, _, last in rounds)
    of_chosen = statistics.median(second / last for _, second, last in rounds)
    return [
        Figure(f"order of {_LINES} lines, F&O slower by {_DELAY} ms, the app", app, "s"),
        Figure("the same, where it chooses between two warehouses", chosen, "s"),
        Figure("the same, d365fo-client", other, "s"),
        at_most("20-line order / d365fo-client", ratio, "ratio", _RATIO),
        Figure("20-line order between two warehouses / d365fo-client", of_chosen, "ratio"),
    ]


async def _by_app(stack: Stack, http: httpx.AsyncClient, services: Services, *, lines: int) -> tuple[float, OrderLink]:
    """The seconds from the message of a new order to what is remembered of it, and that."""
    ports = services.ports["orders"]
    assert isinstance(ports, OrderPorts)
    order = await order_of(stack, http, lines, announce=[])
    body = json.dumps(order).encode()
    envelope = Envelope(
        flow="orders",
        event_id=f"peers-{order['id']}",
        source="shopify",
        store="nordlys",
        topic="orders/create",
        entity_id=str(order["id"]),
        occurred_at=datetime.now(UTC),
        traceparent="",
        body=body,
    )
    handler = partial(sync_order, ports=ports)
    began = time.perf_counter()
    await handle_message(handler, body, envelope.properties(), envelope.event_id, services.queues["orders"])
    took = time.perf_counter() - began
    link = await ports.links.get("nordlys", order["id"])
    if link is None or not link.sales_order:
        raise RuntimeError(f"order {order['name']} was not booked")
    return took, link


async def _peer(stack: Stack) -> FOClient:
    """With the app's own token: without one it sends a fixed text to any server of this machine."""
    config = FOClientConfig(base_url=stack.d365, enable_metadata_cache=False, use_label_cache=False)
    client = FOClient(config)
    async with ManagedIdentityCredential() as credential:
        token: str = (await credential.get_token(f"{stack.d365}/.default")).token

    async def get_token() -> str:
        return token

    client.auth_manager.get_token = get_token
    return client


async def _by_peer(peer: FOClient, link: OrderLink) -> float:
    """The seconds it takes."""
    began = time.perf_counter()
    number = f"PEER-{time.monotonic_ns()}"
    header: dict[str, Any] = {
        "dataAreaId": link.company,
        "SalesOrderNumber": number,
        "OrderingCustomerAccountNumber": link.customer_account,
        "CurrencyCode": "EUR",
    }
    await peer.create_entity("SalesOrderHeadersV4", header, skip_validation=True)
    for line in range(_LINES):
        row = {
            "dataAreaId": link.company,
            "SalesOrderNumber": number,
            "ItemNumber": f"BULK-{line:05d}",
            "OrderedSalesQuantity": 1,
            "SalesPrice": 19.95,
            "ShippingSiteId": "EU",
            "ShippingWarehouseId": "AMS",
        }
        await peer.create_entity("SalesOrderLinesV3", row, skip_validation=True)
    return time.perf_counter() - began
