"""One store that is swept: Shopify's lists of orders, F&O, the app's tables and its queue, in memory."""

from __future__ import annotations

import json
import re
from copy import deepcopy
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from shared.errors import TransientError
from shared.flows import FLOWS
from shared.model import OrderState
from shared.store.journal import Journal, JournalEntry
from shared.store.links import OrderLink
from shared.sync.sweep.ports import SweepPorts
from shared.sync.sweep.run import sweep_orders
from tests.builders.compared_orders import BOOKS, PAID, SALE, ComparedWorld
from tests.builders.graphql_order import order_node
from tests.builders.memory_table import MemoryTable
from tests.builders.payments import NOON, Clock, state
from tests.builders.sales import with_rules

SWEPT = with_rules(BOOKS, flows={"orders": True, "write_back": False, "stock": False})
PLAIN_STATE = state(PAID, sale=SALE)
LONG_AGO = NOON - timedelta(days=10)


def gid(order_id: int) -> str:
    return f"gid://shopify/Order/{order_id}"


class Shop:
    """Orders that are listed, by id; of those that have a state, the order too."""

    def __init__(self) -> None:
        self.orders: dict[int, tuple[datetime, datetime]] = {}
        """When each was updated, and when it was created."""
        self.states: dict[int, OrderState] = {}
        self.subscriptions: list[tuple[str, str]] = []
        self.page = 250
        self.calls: list[str] = []
        self.on_call: Any = lambda _name: None

    async def run(self, query: Any, variables: dict[str, Any]) -> dict[str, Any]:
        self.calls.append(query.name)
        self.on_call(query.name)
        return deepcopy(getattr(self, query.name)(**variables))

    def SweepOrders(self, query: str, sort: str, after: str | None) -> dict[str, Any]:  # noqa: N802 - GraphQL's name
        found = [each for each in self.orders if all(self._fits(each, term) for term in query.split(" AND "))]
        found.sort(key=lambda each: (self.orders[each][0], each) if sort == "UPDATED_AT" else (each,))
        begin = int(after or 0)
        nodes = [self._listed(each) for each in found[begin : begin + self.page]]
        more = begin + self.page < len(found)
        return {"orders": {"nodes": nodes, "pageInfo": {"hasNextPage": more, "endCursor": str(begin + self.page)}}}

    def _fits(self, order_id: int, term: str) -> bool:
        match = re.fullmatch(r"(updated_at|created_at|id):>=(?:'(.+)'|(\d+))", term)
        assert match, term
        updated, created = self.orders[order_id]
        if match[1] == "id":
            return order_id >= int(match[3])
        return (updated if match[1] == "updated_at" else created) >= datetime.fromisoformat(match[2])

    def _listed(self, order_id: int) -> dict[str, Any]:
        updated, created = self.orders[order_id]
        return {
            "id": gid(order_id),
            "name": f"#{order_id}",
            "updatedAt": updated.isoformat(),
            "createdAt": created.isoformat(),
        }

    def Subscriptions(self, after: str | None) -> dict[str, Any]:  # noqa: N802
        assert after is None
        plain = {"format": "JSON", "filter": "", "includeFields": []}
        nodes = [{"id": topic, "topic": topic, "uri": uri, **plain} for topic, uri in self.subscriptions]
        return {"webhookSubscriptions": {"nodes": nodes, "pageInfo": {"hasNextPage": False, "endCursor": None}}}

    def OrderState(self, order: str) -> dict[str, Any]:  # noqa: N802
        shown = self.states.get(int(order.rpartition("/")[2]))
        return {"order": None if shown is None else order_node(shown.order, shown.transactions or ())}

    def subscribe(self, rules: Any) -> None:
        """To every topic of every flow that the store has on."""
        self.subscriptions = [
            (topic.upper().replace("/", "_"), f"https://a.example.com/api/webhooks/shopify/{rules.key}/{family}")
            for flow in FLOWS
            if rules.runs(flow)
            for family, topics in flow.webhooks.items()
            for topic in topics
        ]


class Snapshots:
    """Documents in memory; `lost_race` makes the next write fail."""

    def __init__(self) -> None:
        self.documents: dict[str, str] = {}
        self.lost_race = False
        self.writes = 0

    async def read(self, name: str) -> tuple[Any, str | None]:
        text = self.documents.get(name)
        return (json.loads(text), str(self.writes)) if text is not None else (None, None)

    async def write(self, name: str, value: Any, etag: str | None) -> str:
        if self.lost_race:
            raise TransientError("written by another run")
        self.documents[name] = json.dumps(value)
        self.writes += 1
        return str(self.writes)


class SweptWorld(ComparedWorld):
    """The first run has begun LONG_AGO, and what the tests list is younger."""

    def __init__(self, rules: Any = SWEPT) -> None:
        super().__init__()
        self.rules = rules
        self.clock = Clock()
        self.shop = Shop()
        self.queue: list[Any] = []
        self.fails_to_send = False
        self.journal_rows = MemoryTable()
        self.snapshots = Snapshots()
        self.remember(since=NOON - timedelta(hours=3))

    def remember(self, *, since: datetime, next_id: int = 0, subscribed: bool = False, store: str = "nordlys") -> None:
        """The progress of earlier runs."""
        self.snapshots.documents[f"sweep/{store}"] = json.dumps(
            {
                "since": since.isoformat(),
                "next_id": next_id,
                "subscribed": subscribed,
                "began": LONG_AGO.isoformat(),
            }
        )

    def progress(self, store: str = "nordlys") -> dict[str, Any]:
        saved: dict[str, Any] = json.loads(self.snapshots.documents[f"sweep/{store}"])
        return saved | {name: datetime.fromisoformat(saved[name]) for name in ("since", "began")}

    @property
    def journal(self) -> Journal:
        return Journal(self.journal_rows)  # type: ignore[arg-type]  # a table in memory

    async def publish(self, envelope: Any, *, at: datetime | None = None) -> None:
        if self.fails_to_send:
            raise TransientError("Service Bus is away")
        self.queue.append(envelope)

    def list(
        self, order_id: int, updated: datetime = NOON - timedelta(hours=1), created: datetime | None = None
    ) -> None:
        """The order is in Shopify's lists."""
        self.shop.orders[order_id] = (updated, created or updated)

    async def booked(self, shown: OrderState = PLAIN_STATE, **other: Any) -> OrderLink:
        """SALE in both systems, with its payment and its link, and listed by Shopify; `shown` is what Shopify has."""
        await self.pay(PAID)
        self.shop.states[SALE.id] = shown
        self.list(SALE.id, shown.order.version)
        return await self.ports.links.put(replace(self.link, version=shown.order.version, **other))

    async def note(self, order_id: int, at: datetime, outcome: str = "done", **other: Any) -> None:
        """A row of the journal about an event of the order that was handled as soon as it happened."""
        plain = {"event_id": "webhook-1", "topic": "orders/updated", "attempt": 1, "note": ""} | other
        await self.journal.write(
            JournalEntry(store="nordlys", entity_id=str(order_id), at=at, outcome=outcome, **plain)
        )

    async def sweep(self, after: float = 0, **stores: tuple[Any, Shop]) -> None:
        """A run, some minutes later; `stores` are further ones."""
        self.clock.pass_by(minutes=after)
        rules = {self.rules.key: self.rules} | {key: its for key, (its, _) in stores.items()}
        admins: Any = {self.rules.key: self.shop} | {key: shop for key, (_, shop) in stores.items()}
        orders = replace(self.ports, rules=rules, admins=admins)
        queue: Any = self
        snapshots: Any = self.snapshots
        await sweep_orders(SweepPorts(orders, queue, self.journal, snapshots), now=self.clock)

    @property
    def sent(self) -> list[int]:
        return [int(each.entity_id) for each in self.queue]

    def noted(self, outcome: str) -> list[Any]:
        return [row for _, row in sorted(self.journal_rows.rows.items()) if row["outcome"] == outcome]
