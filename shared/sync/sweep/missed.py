"""Missed events: those that the journal does not have, replaced by events of the app."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from shared.bus.envelope import HEALING, Envelope
from shared.flows import ORDERS
from shared.mapping.shopify.events import naming_body
from shared.shopify.sweep import ListedOrder

TOPIC: Final = "sweep/order"
HEALING_TOPIC: Final = "sweep/heal"
"""Of the journal's rows about events that the sweep sent."""
_SOURCE: Final = "sweep"

EVENTS: Final = frozenset().union(*ORDERS.webhooks.values()) | {TOPIC}
"""Topics whose outcome tells of the order. Other rows of the journal are about the app's own work (writing back,
comparing) and about its parts, as where goods ship from. infra/queries/orders_late.kql has the same topics.
"""
_ROUNDING: Final = timedelta(milliseconds=1)
"""The journal has an event's age in whole milliseconds."""

type JournalEntries = Iterable[Mapping[str, Any]]
"""The rows of Journal.life."""


def event_of(store: str, order: ListedOrder) -> Envelope:
    """An event that only names the order, so that the flow fetches it. The same change always gives the same event
    id.
    """
    return Envelope(
        flow=ORDERS.name,
        event_id=f"{_SOURCE}-{store}-{order.id}-{order.updated_at.astimezone(UTC):%Y%m%dT%H%M%SZ}",
        source=_SOURCE,
        store=store,
        topic=TOPIC,
        entity_id=str(order.id),
        occurred_at=order.updated_at,
        traceparent="",
        body=naming_body(order.id),
    )


def healing_of(store: str, order: ListedOrder, began: datetime) -> Envelope:
    """An event that names an order whose sales order differs; a later run sends another one."""
    event = event_of(store, order)
    return replace(event, source=HEALING, event_id=f"{event.event_id}-{began.astimezone(UTC):%Y%m%dT%H%M%SZ}")


def is_recorded(entries: JournalEntries, updated_at: datetime, *, overdue: datetime) -> bool:
    """Whether an event of this change of the order, or of a later one, was handled or is waiting.

    One that should have been tried again before `overdue` is lost. An event that was triggered in the second of the
    change counts: Shopify gives the time of an order's change in whole seconds. One about a transaction alone that is
    done does not: it may have been done without a look at the order (shared/sync/orders/flow.py).
    """
    for row in _events(entries):
        if row["topic"] in ORDERS.webhooks["transactions"] and row["outcome"] == "done":
            continue
        occurred_at = datetime.fromisoformat(row["at"]) - timedelta(seconds=row["seconds"])
        if occurred_at + _ROUNDING >= updated_at and (row["outcome"] != "waiting" or _until(row) > overdue):
            return True
    return False


def is_settled(entries: JournalEntries) -> bool:
    """Whether the last recorded event was done: it neither waits nor is parked."""
    outcomes = [row["outcome"] for row in _events(entries)]
    return not outcomes or outcomes[-1] == "done"


def has_ended(entries: JournalEntries) -> bool:
    """Whether any recorded event was done or parked: a person can see then what became of the order."""
    return any(row["outcome"] in {"done", "parked"} for row in _events(entries))


def is_waiting(entries: JournalEntries) -> bool:
    """Whether the last recorded event waits for its next attempt."""
    outcomes = [row["outcome"] for row in _events(entries)]
    return outcomes[-1:] == ["waiting"]


def is_under_way(entries: JournalEntries, *, overdue: datetime) -> bool:
    """Whether the sweep sent an event after `overdue` that was not handled yet: it is still in the queue."""
    rows = list(entries)
    handled: defaultdict[str, list[datetime]] = defaultdict(list)
    for row in _events(rows):
        handled[row["event_id"]].append(datetime.fromisoformat(row["at"]))
    sent = ((row["event_id"], datetime.fromisoformat(row["at"])) for row in rows if row["topic"] == HEALING_TOPIC)
    return any(at > overdue and all(when < at for when in handled[event]) for event, at in sent)


def _events(entries: JournalEntries) -> Iterator[Mapping[str, Any]]:
    return (row for row in entries if row["topic"] in EVENTS)


def _until(row: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(row["waiting_until"])
