"""The app's order flow as a process that may die: all it is connected to, what that keeps, and who takes over."""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
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
from shared.store.customers import KnownCustomers
from shared.store.journal import Journal
from shared.store.links import OrderLinks
from shared.store.outbox import Outbox
from shared.store.parking import Parking
from shared.store.payments import Payments
from shared.store.refunds import Refunds
from shared.store.shared_rows import SharedRows
from shared.sync.messages.dispatch import QueuePorts, handle_message
from shared.sync.orders.flow import sync_order
from shared.sync.orders.ports import OrderPorts
from shared.sync.payments import PaymentPorts
from shared.sync.refunds import RefundPorts
from tests.builders.both_sides import Identity, NoBreaker, Shopify, Time, plentiful_world
from tests.builders.fo_books import Books, books_of
from tests.builders.memory_table import MemoryTable

TABLES: Final = ("links", "payments", "refunds", "outbox", "parked", "journal")
_PROCESSES: Final = 10
_A_WHILE: Final = 60.0
"""Until Shopify's query budget is full again, in seconds: who is told to wait makes more calls than the others."""
_OWN_WAY: Final = {
    "payments": {"lines", "next_line"},  # line numbers that a worker took and did not use stay unused
    "refunds": {"since"},  # when it was first heard of
    "parked": {"at", "closed_at", "properties"},  # which attempt it was; the operator's replay counts anew
}
"""Columns that a second attempt writes otherwise, and may."""

type Rows = dict[tuple[str, str], dict[str, Any]]


class Queue:
    """Service Bus as far as one order's messages need it: in order, duplicates dropped, redelivered after a death.

    A copy that sleeps comes after all others; the time until then passes at once.
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
class Before:
    """Everything as it was at one moment."""

    fo: list[tuple[Table[Any, Any], dict[Any, Any]]]
    numbers: Any
    rows: dict[str, dict[Any, Any]]
    blobs: dict[str, bytes]


@dataclass
class Installation:
    """F&O, Shopify, storage and the queue; the app itself lives in processes that come and go."""

    fo: Simulator
    shopify: RunningShopify
    time: Time
    rules: StoreRules
    altered: Callable[[bytes], bytes] | None = None
    """What becomes of F&O's answers on the way."""
    tables: dict[str, MemoryTable] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)

    def begin(self, rules: StoreRules, altered: Callable[[bytes], bytes] | None = None) -> None:
        """An empty F&O, an empty memory."""
        self.fo.reset()
        self.rules, self.altered = rules, altered
        self.tables = {name: MemoryTable() for name in TABLES}
        self.blobs = {}

    def show(self, order: Order) -> None:
        """From now on Shopify has the order like this."""
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
        """Every message until it is done: a new process takes over from one that died, and from one that raised.

        Gives the first process's calls.
        """
        await self.time.sleep(_A_WHILE)
        queue = Queue(messages, self.time)
        first = wire = Wire(strike)
        trouble: BaseException | None = None
        for _ in range(_PROCESSES):
            queue.wire = wire
            try:
                async with self._process(wire) as (ports, journal):
                    desk = QueuePorts(queue=queue, claims=None, journal=journal, parking=ports.parking)
                    while queue.waiting:
                        one = await queue.first()
                        await handle_message(
                            lambda envelope: sync_order(envelope, ports),
                            *(one.body, one.properties(), one.message_id, desk),
                        )
                        queue.waiting.pop(0)
                    return first.calls
            except (Killed, Exception) as end:  # noqa: BLE001 - the worker is gone, or Functions gives the message back
                trouble = end
                meanwhile()
                wire = Wire()
        raise AssertionError(f"not done after {_PROCESSES} processes: {first.calls}") from trouble

    @asynccontextmanager
    async def _process(self, wire: Wire) -> AsyncIterator[tuple[OrderPorts, Journal]]:
        """The app's own parts, all of whose connections are this wire."""
        fo = ODataClient(
            self.fo.base_url,
            Identity(self.fo),
            max_calls=4,
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
                admins={self.rules.key: Shopify(self.shopify, http, self.time).admin(self.rules)},
                links=OrderLinks(over["links"]),
                known_customers=KnownCustomers(over["links"]),
                fo=fo,
                customers=Customers(fo),
                taxes=TaxSetups(fo),
                payments=PaymentPorts(Payments(over["payments"]), journals, now=self.time.now),
                refunds=RefundPorts(Refunds(over["refunds"]), fo, TaxSetups(fo)),
                outbox=Outbox(over["outbox"]),
                parking=Parking(over["parked"], BodiesOver(wire, self.blobs)),
            )
            try:
                yield ports, Journal(over["journal"])
            finally:
                await fo.aclose()

    def state(self) -> dict[str, Any]:
        """What both sides keep, but for what a second attempt does in its own way.

        Of the journal only how each event ended first: how often it was tried, and that it was found done already, is
        another matter.
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
        """By event, how it ended first: "done" or "parked", and F&O's number."""
        ended = sorted(self.tables["journal"].rows.values(), key=lambda row: row["at"], reverse=True)
        return {row["event_id"]: (row["outcome"], row["document"]) for row in ended if row["outcome"] != "waiting"}

    def bodies(self) -> BodiesOver:
        return BodiesOver(Wire(), self.blobs)

    def parking(self) -> Parking:
        """As a person's command sees it, undisturbed."""
        return Parking(self.tables["parked"], self.bodies())

    def _rows(self, name: str) -> Rows:
        left_out = _OWN_WAY.get(name, set())
        return {
            key: {column: _plain(column, value) for column, value in row.items() if column not in left_out}
            for key, row in self.tables[name].rows.items()
        }

    def remember(self) -> Before:
        tables = {id(table): table for table in self._fo_tables()}.values()
        return Before(
            fo=[(table, dict(table.items())) for table in tables],
            numbers=copy.deepcopy(self.fo.books.numbers),
            rows={name: dict(table.rows) for name, table in self.tables.items()},
            blobs=dict(self.blobs),
        )

    def go_back(self, before: Before) -> None:
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


def _plain(column: str, value: Any) -> Any:
    """Shopify writes 240.80 into a webhook and 240.8 into an answer."""
    return Decimal(value) if column == "amount" and value else value


def differences(found: Mapping[Any, Any], wanted: Mapping[Any, Any]) -> dict[Any, Any]:
    """What was found and what was wanted, as deep down as both have it."""
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
