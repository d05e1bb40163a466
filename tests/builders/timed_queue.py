"""The queue of orders with a clock that is moved: messages become due, are handled, and wait as scheduled copies."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from heapq import heappop, heappush
from itertools import count
from typing import Any, Final, cast

from local.shopify.order import Order
from shared.bus.envelope import Envelope
from shared.store.journal import Journal
from shared.sync.messages.dispatch import QueuePorts, handle_message
from shared.sync.orders.flow import sync_order
from shared.sync.orders.safety import remember_parked
from tests.builders.both_sides import App
from tests.builders.histories import Webhook
from tests.builders.memory_table import MemoryTable
from tests.builders.one_order import OneOrder

START: Final = datetime(2026, 11, 2, 9, tzinfo=UTC)


@dataclass
class TimedQueue:
    """Handles the messages of one order, each at its time. Times are seconds since START."""

    order: OneOrder
    seconds: float = 0.0
    """The time."""
    handled: list[tuple[float, Envelope, int, int]] = field(default_factory=list)
    """Of each attempt: when, the message, how many requests F&O got by it, and how many of them wrote."""
    _due: list[tuple[float, int, Envelope]] = field(default_factory=list)
    _shown: list[tuple[float, Order]] = field(default_factory=list)
    _numbers: Any = field(default_factory=count)
    _journal: MemoryTable = field(default_factory=MemoryTable)

    def __post_init__(self) -> None:
        self.app.now = self.now

    @property
    def app(self) -> App:
        return self.order.app

    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds)

    def change(self, step: str, *, at: float, late: float = 0.0, **wish: Any) -> None:
        """Changes the order in Shopify at this time. Its webhooks arrive then, or later."""
        self.order.change(step, **wish)
        self.arrive(at=at, late=late)

    def arrive(self, *, at: float, late: float = 0.0) -> None:
        """The webhooks of what has changed in Shopify at this time since the last call arrive then, or later."""
        self.show_now(at=at)
        for webhook in self.order.pending():
            self.send(webhook, at=at + late)

    def show_now(self, *, at: float) -> None:
        """From this time on Shopify shows the order as it was changed last."""
        self._shown.append((at, self.order.simulated.steps[-1].order))

    def send(self, webhook: Webhook, *, at: float) -> None:
        """The triggered-at of the webhook is the order's updated_at, which the body has in whole seconds too."""
        envelope = self.app._envelope(webhook)
        moment = self.order.simulated.steps[webhook.at].order.updated_at
        self._push(at, replace(envelope, occurred_at=moment))

    async def publish(self, envelope: Envelope, *, at: datetime | None = None) -> None:
        self._push((at - START).total_seconds() if at is not None else self.seconds, envelope)

    async def run(self, *, until: float = float("inf")) -> None:
        """Handles all messages that become due by this time, with the order in Shopify as it is at each one's time."""
        ports = QueuePorts(
            queue=cast("Any", self),
            claims=self.app._parking._bodies,
            journal=Journal(self._journal),
            parking=self.app._parking,
            now=self.now,
            remember=partial(remember_parked, links=self.app.links),
        )
        handler = partial(sync_order, ports=self.app._ports)
        while self._due and self._due[0][0] <= until:
            due, _, envelope = heappop(self._due)
            self.seconds = max(self.seconds, due)
            self.app.shopify.show(self.app.rules.key, self._order_of_now())
            calls = self.app.fo.http_calls
            before, writes = calls.total(), _writes(calls)
            await handle_message(handler, envelope.body, envelope.properties(), envelope.message_id, ports)
            self.handled.append((self.seconds, envelope, calls.total() - before, _writes(calls) - writes))

    def leave_out(self, topic: str) -> None:
        """The messages of this topic are lost."""
        self._due = sorted(each for each in self._due if each[2].topic != topic)

    def grow_old(self, *, attempt: int, since: datetime) -> None:
        """The messages have been tried this often, since then."""
        self._due = [(at, number, replace(one, attempt=attempt, occurred_at=since)) for at, number, one in self._due]

    def oldest_first(self, *, at: float) -> None:
        """The messages become due from this time on, in the order in which Shopify sent them."""
        events = sorted((one for _, _, one in self._due), key=lambda one: int(one.event_id))
        self._due = [(at + number / 1000, number, one) for number, one in enumerate(events)]

    def applications(self) -> list[float]:
        """When attempts wrote to F&O."""
        return [at for at, _, _, writes in self.handled if writes]

    def outcomes(self) -> list[tuple[str, str]]:
        """Outcome and note of each attempt, as the journal has them."""
        rows = sorted(self._journal.rows.values(), key=lambda row: row["at"])
        return [(row["outcome"], row["note"]) for row in rows]

    def _push(self, at: float, envelope: Envelope) -> None:
        heappush(self._due, (at, next(self._numbers), envelope))

    def _order_of_now(self) -> Order:
        return [order for at, order in self._shown if at <= self.seconds][-1]


def _writes(calls: dict[str, int]) -> int:
    return sum(times for call, times in calls.items() if not call.startswith("GET "))
