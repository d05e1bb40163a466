"""The order flow in processes that may die: what they are connected to, what is stored, and the next process."""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import httpx
from chaos_wire import BodiesOver, How, HttpxOver, Killed, TableOver, Wire

from local.d365 import Simulator, run_d365
from local.d365.tables import Table
from local.shopify import RunningShopify, run_shopify
from local.shopify.order import Order
from local.shopify.state import Shop
from shared.bus.envelope import Envelope
from shared.d365.customers import Customers
from shared.d365.odata.client import ODataClient
from shared.d365.payment_journals import PaymentJournals
from shared.d365.tax import TaxSetups
from shared.errors import OutcomeUnknownError
from shared.rules import StoreRules
from shared.store.captures import Captures
from shared.store.customers import KnownCustomers
from shared.store.journal import Journal
from shared.store.links import OrderLinks
from shared.store.outbox import Outbox
from shared.store.parking import Parking
from shared.store.payments import COMPLETE, Payments
from shared.store.refunds import Refunds
from shared.store.shared_rows import SharedRows
from shared.store.shipments import Shipments
from shared.sync.deadline import ended_after
from shared.sync.messages.dispatch import MessageHandler, QueuePorts, handle_message
from shared.sync.messages.outcome import MessageOutcome
from shared.sync.orders.flow import sync_order
from shared.sync.orders.ports import OrderPorts
from shared.sync.payments import PaymentPorts
from shared.sync.refunds import RefundPorts
from tests.builders.both_sides import Identity, NoBreaker, Shopify, Time, plentiful_world
from tests.builders.fo_books import Books, books_of
from tests.builders.local_slots import LocalSlots
from tests.builders.memory_table import Entity, MemoryTable

TABLES: Final = ("links", "payments", "refunds", "shipments", "outbox", "parked", "journal")
_PROCESSES: Final = 10
_LONG: Final = timedelta(hours=1)
"""Time that is never used up, unless the wire says so."""
_BUDGET_REFILL: Final = 60.0
"""Seconds until Shopify's query budget is full again: a throttled run makes more calls than the others."""
_VARYING_COLUMNS: Final = {
    "links": {"applied_at"},
    "payments": {"lines", "next_line"},  # a line number that was reserved and not used stays unused
    # When it was first received; F&O numbers documents as they come, and payments that wait let the refunds pass.
    "refunds": {"since", "invoice"},
    "parked": {"at", "closed_at", "properties"},  # the attempt; a replay by the operator counts from one
}
"""Columns that may differ after a second attempt."""

type Rows = dict[tuple[str, str], dict[str, Any]]


class Queue:
    """Service Bus for one order's messages: in order, duplicates dropped, redelivered after a process died.

    A scheduled copy comes after all others; the clock is moved to its time.
    """

    def __init__(self, messages: Iterable[Envelope], time: Time) -> None:
        self.waiting = [(message, datetime.now(UTC)) for message in messages]
        self.wire = Wire()
        self._seen: set[str] = set()
        self._time = time

    async def first(self) -> Envelope:
        message, at = self.waiting[0]
        await self._time.sleep(max((at - self._time.now()).total_seconds(), 0))
        return message

    async def publish(self, envelope: Envelope, *, at: datetime | None = None) -> None:
        async def send() -> None:
            if envelope.message_id not in self._seen:
                self._seen.add(envelope.message_id)
                now = self._time.now()
                self.waiting.append((envelope, now + (at - datetime.now(UTC)) if at else now))

        lost = OutcomeUnknownError("not confirmed")
        await self.wire.call("publish", send, unsent=lost, lost=lost, drop=lambda answer: None)


@dataclass
class Saved:
    """The state of all systems at one moment."""

    fo: list[tuple[Table[Any, Any], dict[Any, Any]]]
    numbers: Any
    rows: dict[str, dict[Any, Any]]
    blobs: dict[str, bytes]


@dataclass
class Installation:
    """F&O, Shopify, storage and the queue, for the app's processes, which start and die."""

    fo: Simulator
    shopify: RunningShopify
    time: Time
    rules: StoreRules
    altered: Callable[[bytes], bytes] | None = None
    """Changes the body of F&O's answers."""
    change_pause: timedelta = timedelta(0)
    """Between two changes of one sales order."""
    tables: dict[str, MemoryTable] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)

    def begin(self, rules: StoreRules, altered: Callable[[bytes], bytes] | None = None) -> None:
        """Empties F&O and the app's tables, of which that of payments has been complete for long."""
        self.fo.reset()
        self.rules, self.altered = rules, altered
        self.tables = {name: MemoryTable() for name in TABLES}
        key = (f"store-{rules.key}", COMPLETE)
        row = {"PartitionKey": key[0], "RowKey": COMPLETE, "since": "2020-01-01T00:00:00+00:00"}
        self.tables["payments"].rows[key] = Entity(row, etag="complete")
        self.blobs = {}

    def show(self, order: Order) -> None:
        """From now on Shopify has this state of the order."""
        self.shop.orders = {order.id: order}

    @property
    def shop(self) -> Shop:
        return self.shopify.simulator.shops[self.rules.shop_domain]

    async def deliver(
        self,
        messages: Iterable[Envelope],
        strike: tuple[int, How] | None = None,
        *,
        meanwhile: Callable[[], None] = lambda: None,
    ) -> list[str]:
        """Handles every message until it is done. A new process follows one that died or raised.

        Gives the first process's calls.
        """
        await self.time.sleep(_BUDGET_REFILL)
        queue = Queue(messages, self.time)
        first = wire = Wire(strike)
        trouble: BaseException | None = None
        for _ in range(_PROCESSES):
            queue.wire = wire
            try:
                async with self._process(wire) as (ports, journal):
                    queue_ports = QueuePorts(queue=queue, claims=None, journal=journal, parking=ports.parking)
                    while queue.waiting:
                        one = await queue.first()
                        async with ended_after(_LONG) as wire.deadline:
                            await handle_message(
                                _with_deadline(ports, wire),
                                *(one.body, one.properties(), one.message_id, queue_ports),
                            )
                        queue.waiting.pop(0)
                    return first.calls
            except (Killed, Exception) as end:  # noqa: BLE001 - the process died, or Functions returns the message
                trouble = end
                meanwhile()
                wire = Wire()
        raise AssertionError(f"not done after {_PROCESSES} processes: {first.calls}") from trouble

    @asynccontextmanager
    async def _process(self, wire: Wire) -> AsyncIterator[tuple[OrderPorts, Journal]]:
        """The app's ports, all connected by this wire."""
        fo = ODataClient(
            self.fo.base_url,
            Identity(self.fo),
            slots=LocalSlots(4),
            timeout=20,
            breaker=NoBreaker(),
            on_call=lambda _: None,
            transport=HttpxOver(wire, self.altered),
        )
        over = {name: TableOver(wire, name, table) for name, table in self.tables.items()}
        journals = PaymentJournals(fo, SharedRows(over["payments"], "journals"), now=self.time.now)
        async with httpx.AsyncClient(transport=HttpxOver(wire), trust_env=False) as http:
            ports = OrderPorts(
                rules={self.rules.key: self.rules},
                admins={
                    self.rules.key: Shopify(self.shopify.simulator, self.shopify.url, http, self.time).admin(self.rules)
                },
                links=OrderLinks(over["links"]),
                known_customers=KnownCustomers(over["links"]),
                fo=fo,
                customers=Customers(fo),
                taxes=TaxSetups(fo),
                payments=PaymentPorts(Payments(over["payments"]), journals, now=self.time.now),
                refunds=RefundPorts(Refunds(over["refunds"]), fo, TaxSetups(fo)),
                captures=Captures(over["payments"]),
                outbox=Outbox(over["outbox"]),
                parking=Parking(over["parked"], BodiesOver(wire, self.blobs)),
                shipments=Shipments(over["shipments"]),
                now=self.time.now,
                change_pause=self.change_pause,
            )
            try:
                yield ports, Journal(over["journal"])
            finally:
                await fo.aclose()

    def state(self) -> dict[str, Any]:
        """All that is stored, without the columns that may differ after a second attempt.

        Of the journal, only the first final outcome of each event: the number of attempts may differ.
        """
        books: Books = books_of(self.fo)
        return {
            **books,
            "customers": [row.values for row in self.fo.books.rows("CustomersV3")],
            "on hand": dict(self.fo.books.stock.items()),
            "ends": self.ends(),
            "kept bodies": dict(self.blobs),
            **{name: self._rows(name) for name in TABLES if name != "journal"},
        }

    def ends(self) -> dict[str, tuple[str, str]]:
        """Event id -> its first final outcome, "done" or "parked", and F&O's number."""
        ended = sorted(self.tables["journal"].rows.values(), key=lambda row: row["at"], reverse=True)
        return {row["event_id"]: (row["outcome"], row["document"]) for row in ended if row["outcome"] != "waiting"}

    def bodies(self) -> BodiesOver:
        return BodiesOver(Wire(), self.blobs)

    def parking(self) -> Parking:
        """For the operator's commands, over a connection that never breaks."""
        return Parking(self.tables["parked"], self.bodies())

    def _rows(self, name: str) -> Rows:
        """A link without a column is one that has no value in it."""
        left_out = _VARYING_COLUMNS.get(name, set())
        empty = ("", "{}", False) if name == "links" else ()
        return {
            key: {
                column: _plain(column, value)
                for column, value in row.items()
                if column not in left_out and value not in empty
            }
            for key, row in self.tables[name].rows.items()
        }

    def remember(self) -> Saved:
        tables = {id(table): table for table in self._fo_tables()}.values()
        return Saved(
            fo=[(table, dict(table.items())) for table in tables],
            numbers=copy.deepcopy(self.fo.books.numbers),
            rows={name: dict(table.rows) for name, table in self.tables.items()},
            blobs=dict(self.blobs),
        )

    def go_back(self, before: Saved) -> None:
        for table, held in before.fo:
            for key in dict(table.items()).keys() - held.keys():
                table.remove(key)
            for key, value in held.items():
                table.put(key, value)
        self.fo.books.numbers = copy.deepcopy(before.numbers)
        for name, rows in before.rows.items():
            self.tables[name].rows = dict(rows)
        self.blobs = dict(before.blobs)

    def _fo_tables(self) -> list[Table[Any, Any]]:
        books = self.fo.books
        own: list[Table[Any, Any]] = [books.stock, books.claims, books.progress, books.order_lines]
        return own + [books.rows(name) for name in books.schema.sets]


def _with_deadline(ports: OrderPorts, wire: Wire) -> MessageHandler:
    """The flow, cut off on demand. What comes after it has the invocation's deadline, as before it."""

    async def handler(envelope: Envelope) -> MessageOutcome:
        of_invocation = wire.deadline
        try:
            async with ended_after(_LONG) as wire.deadline:
                return await sync_order(envelope, ports)
        finally:
            wire.deadline = of_invocation

    return handler


def _plain(column: str, value: Any) -> Any:
    """An amount is 240.80 in a webhook and 240.8 in an answer of Shopify."""
    return Decimal(value) if column == "amount" and value else value


def differences(found: Mapping[Any, Any], wanted: Mapping[Any, Any]) -> dict[Any, Any]:
    """What was found and what was expected, for every key in which they differ."""
    unlike: dict[Any, Any] = {}
    for key in found.keys() | wanted.keys():
        here, there = found.get(key), wanted.get(key)
        if here == there:
            continue
        match here, there:
            case Mapping(), Mapping():
                unlike[key] = differences(here, there)
            case [], _:
                unlike[key] = here, there
            case [tuple(), *_], [tuple(), *_]:
                unlike[key] = [row for row in here if row not in there], [row for row in there if row not in here]
            case _:
                unlike[key] = here, there
    return unlike


@asynccontextmanager
async def installed(rules: StoreRules) -> AsyncIterator[Installation]:
    time = Time()
    async with run_shopify(clock=time.now, time_scale=0) as shopify, run_d365(plentiful_world()) as fo:
        yield Installation(fo, shopify, time, rules)
