"""The flow of shipments, cut off at every call that leaves the process: fulfilments, units and mails are those of a run
that nothing disturbs.
"""

from __future__ import annotations

import copy
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any, Final

import httpx
import pytest
from azure.core.exceptions import AzureError
from chaos_wire import BodiesOver, How, HttpxOver, Killed, TableOver, Wire

from local.d365.server import Server
from shared.bus.envelope import Envelope
from shared.d365.odata.client import ODataClient
from shared.errors import ConnectorError, OutcomeUnknownError, TransientError
from shared.flows import ORDERS, SHIPMENTS
from shared.store.links import OrderLinks
from shared.store.parking import ParkedMessage, Parking
from shared.store.shipments import Shipments
from shared.sync.deadline import ended_after
from shared.sync.messages.outcome import as_parts
from shared.sync.shipments.ports import ShipmentPorts
from shared.sync.shipments.run import push_shipments
from shared.sync.shipments.session import ship
from tests.builders.both_sides import App, Identity, MemorySnapshots, NoBreaker, Shopify, app_in_process
from tests.builders.in_process import InProcess
from tests.builders.local_slots import LocalSlots
from tests.builders.memory_table import MemoryTable
from tests.builders.shipped_order import BAG, MAP, Shipped, two_places

_LONG: Final = timedelta(hours=1)
_PROCESSES: Final = 8
_BUDGET_REFILL: Final = 60.0
"""Seconds until Shopify's query budget is full again: a throttled run makes more calls than the others."""

type People = Callable[[Shipped], None]


class SnapshotsOver:
    """Documents in memory, called over the wire."""

    def __init__(self, wire: Wire, inner: MemorySnapshots) -> None:
        self._wire = wire
        self._inner = inner

    async def read(self, name: str) -> Any:
        return copy.deepcopy(await self._call(f"read {name}", lambda: self._inner.read(name)))

    async def write(self, name: str, value: dict[str, Any], etag: str | None) -> Any:
        return await self._call(f"write {name}", lambda: self._inner.write(name, copy.deepcopy(value), etag))

    async def _call(self, name: str, do: Callable[[], Awaitable[Any]]) -> Any:
        away = TransientError("storage is away")
        return await self._wire.call(name, do, unsent=away, lost=away, drop=lambda answer: None)


class Queue:
    """Events in order, those of a known id dropped; one stays until it was handled."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._seen: set[str] = set()
        self.waiting: list[Envelope] = []

    async def publish(self, envelope: Envelope) -> None:
        async def send() -> None:
            if envelope.event_id not in self._seen:
                self._seen.add(envelope.event_id)
                self.waiting.append(envelope)

        lost = OutcomeUnknownError("not confirmed")
        await self._wire.call("publish", send, unsent=lost, lost=lost, drop=lambda answer: None)


class Installation:
    """One order with its warehouses and its shop, and what the app's processes have stored of it."""

    def __init__(self, app: App, wire: Wire, http: httpx.AsyncClient, fo: ODataClient) -> None:
        self.one = Shipped(app, BAG, MAP, rules=two_places())
        self.one.open_second_location()
        for sku in ("BAG-DOWN", "MAP-NORDIC"):
            self.one.stock(sku, "HAM", 10)
        self._app = app
        self._wire = wire
        self._http = http
        self._fo = fo
        self._shipments, self._parked = MemoryTable(), MemoryTable()
        self._snapshots = MemorySnapshots()
        self._blobs: dict[str, bytes] = {}

    async def begin(self) -> None:
        """F&O gets the order, and the timer runs for the first time."""
        await self.one.deliver()
        await self.run(None)

    async def run(self, strike: tuple[int, How] | None) -> list[str]:
        """The timer and the handling of its events, again until nothing is left. Gives the first process's calls."""
        await self._app.shopify.time.sleep(_BUDGET_REFILL)
        self._wire.begin(strike)
        queue = Queue(self._wire)
        first: list[str] | None = None
        for _ in range(_PROCESSES):
            try:
                with of_the_timer():
                    async with ended_after(_LONG) as self._wire.deadline:
                        await self._once(queue)
            except (Killed, ConnectorError, AzureError):
                first = first or self._wire.calls
                self._wire.begin()
            else:
                return first or self._wire.calls
        raise AssertionError(f"not done after {_PROCESSES} processes: {first}")

    async def _once(self, queue: Queue) -> None:
        ports = self._ports(queue)
        await push_shipments(ports)
        while queue.waiting:
            envelope = queue.waiting[0]
            parts = as_parts(await ship(envelope, ports))
            for refused in parts.parked:
                await ports.parking.park(_message(envelope, refused.error, refused.part))
            if parts.then is not None:
                await parts.then()
            if parts.retry is not None:
                raise parts.retry.error
            queue.waiting.pop(0)

    def _ports(self, queue: Queue) -> ShipmentPorts:
        rules, shopify = self._app.rules, self._app.shopify
        admin = Shopify(shopify.simulator, shopify.url, self._http, shopify.time)
        links = TableOver(self._wire, "links", self._app.links._table)  # type: ignore[arg-type]  # in memory
        return replace(
            self._app.shipments,
            admins={rules.key: admin.admin(rules, ORDERS.scopes | SHIPMENTS.scopes)},
            fo=self._fo,
            links=OrderLinks(links),  # type: ignore[arg-type]
            parking=Parking(TableOver(self._wire, "parked", self._parked), BodiesOver(self._wire, self._blobs)),  # type: ignore[arg-type]
            shipments=Shipments(TableOver(self._wire, "shipments", self._shipments)),  # type: ignore[arg-type]
            snapshots=SnapshotsOver(self._wire, self._snapshots),  # type: ignore[arg-type]
            queue=queue,  # type: ignore[arg-type]
        )

    @property
    def state(self) -> dict[str, Any]:
        """All fulfilments that were ever made, and what is stored of them, without their ids."""
        order = self.one.order
        names = {line.id: line.sku for line in order.lines}
        made = [
            (
                {names[line.line_id]: line.quantity for line in each.lines},
                each.location_id,
                each.is_cancelled,
                [number.number for number in each.tracking],
            )
            for each in order.fulfillments
        ]
        stored = {
            row["slip"]: (
                [(part["units"], [each[0] for each in part["tracking"]]) for part in json.loads(row["parts"])],
                row["is_told"],
                row["tells"],
                row["intent"],
                bool(row["ask_until"]),
            )
            for row in self._shipments.rows.values()
        }
        return {
            "fulfilments": made,
            "mails": [(each.kind, each.numbers) for each in order.notices],
            "stored": stored,
            "parked": [(row["code"], row["state"]) for row in self._parked.rows.values()],
        }

    def remember(self) -> Callable[[], None]:
        """Gives what brings all back to this moment. The flow writes nothing to F&O."""
        order, shop = self.one.order, self.one.shop
        shared: dict[int, Any] = {id(each): each for each in (*shop.variants.values(), order.customer)}
        kept = copy.deepcopy(order, dict(shared))
        levels = {pair: dict(level.states) for pair, level in shop.levels.items()}
        tables = [self._shipments, self._parked, self._app.links._table]
        rows = [copy.deepcopy(table.rows) for table in tables]  # type: ignore[attr-defined]
        documents = copy.deepcopy(self._snapshots.documents)

        def go_back() -> None:
            again = copy.deepcopy(kept, dict(shared))
            for name in order.__dataclass_fields__:
                setattr(order, name, getattr(again, name))
            for pair, states in levels.items():
                shop.levels[pair].states = dict(states)
            for table, held in zip(tables, rows, strict=True):
                table.rows = copy.deepcopy(held)  # type: ignore[attr-defined]
            self._snapshots.documents = copy.deepcopy(documents)

        return go_back


@contextmanager
def of_the_timer() -> Iterator[None]:
    """The timer raises what happened at its stores as a group: here it is one store."""
    try:
        yield
    except ExceptionGroup as group:
        (error,) = group.exceptions
        raise error from None


def _message(envelope: Envelope, error: Any, part: Any) -> ParkedMessage:
    return ParkedMessage(
        flow=envelope.flow,
        store=envelope.store,
        event_id=envelope.event_id,
        entity_id=envelope.entity_id,
        at=envelope.occurred_at,
        properties=envelope.properties(),
        body=envelope.body,
        error=error,
        part=part,
    )


@pytest.fixture
async def installation() -> AsyncIterator[Installation]:
    async with installed() as made:
        yield made


@asynccontextmanager
async def installed() -> AsyncIterator[Installation]:
    async with app_in_process() as app:
        wire = Wire()
        over = partial(HttpxOver, wire)
        fo = ODataClient(
            app.fo.base_url,
            Identity(app.fo),
            slots=LocalSlots(1),
            timeout=60,
            breaker=NoBreaker(),
            on_call=lambda _: None,
            transport=over(inner=InProcess(Server(app.fo).application())),
            knows_fields=True,
        )
        async with httpx.AsyncClient(transport=over(inner=app.shopify.http._transport)) as http:
            made = Installation(app, wire, http, fo)
            await made.begin()
            yield made
        await fo.aclose()


async def shown(at: Installation) -> str:
    """A slip without a number that is shown already."""
    slip = at.one.pack(BAG_DOWN=3)
    await at.run(None)
    return slip


async def shipped(at: Installation) -> None:
    at.one.pack("JJD1", BAG_DOWN=2)
    at.one.pack("JJD2", BAG_DOWN=1, MAP_NORDIC=1)


async def moved(at: Installation) -> None:
    at.one.pack("JJD1", warehouse="HAM", BAG_DOWN=2)


async def tracked(at: Installation) -> None:
    at.one.track(await shown(at), "JJD1")
    at.one.pack(MAP_NORDIC=1)


async def corrected(at: Installation) -> None:
    slip = at.one.pack("JJD1", BAG_DOWN=3)
    await at.run(None)
    at.one.correct(slip, BAG_DOWN=1)


async def refused(at: Installation) -> None:
    at.one.change("hold")
    at.one.pack("JJD1", BAG_DOWN=3)


SCENARIOS: Final = (shipped, moved, tracked, corrected, refused)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=[each.__name__ for each in SCENARIOS])
@pytest.mark.parametrize("how", How)
async def test_shipments_interrupted_at_any_call_end_like_undisturbed_ones(
    installation: Installation, scenario: Callable[[Installation], Awaitable[None]], how: How
) -> None:
    await scenario(installation)
    go_back = installation.remember()
    await installation.run(None)
    wanted = installation.state
    go_back()
    clean = await installation.run(None)  # without F&O's metadata, which the first run has read
    assert installation.state == wanted
    assert wanted["mails"] or scenario is refused
    wrong = {}
    for position, call in enumerate(clean):
        go_back()
        struck = await installation.run((position, how))
        assert len(struck) > position, (struck, clean)
        if installation.state != wanted:
            wrong[f"{position} {call}"] = installation.state
    assert not wrong, (clean, wanted)
