"""Events that never came: told from those that did by the journal, and made good by one of our own."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from shared.bus.envelope import Envelope
from shared.flows import ORDERS
from shared.shopify.sweep import ListedOrder

TOPIC: Final = "sweep/order"
_SOURCE: Final = "sweep"

_EVENTS: Final = frozenset().union(*ORDERS.webhooks.values()) | {TOPIC}
"""Other rows of the journal tell of our own work on the order: writing back, comparing."""
_ROUNDING: Final = timedelta(milliseconds=1)
"""The journal has an event's age in whole milliseconds."""

type Life = Iterable[Mapping[str, Any]]
"""The rows of Journal.life."""


def event_of(store: str, order: ListedOrder) -> Envelope:
    """An event that names the order, which is fetched then. The same change gives the same event, whoever finds it."""
    return Envelope(
        flow=ORDERS.name,
        event_id=f"{_SOURCE}-{store}-{order.id}-{order.updated_at.astimezone(UTC):%Y%m%dT%H%M%SZ}",
        source=_SOURCE,
        store=store,
        topic=TOPIC,
        entity_id=str(order.id),
        occurred_at=order.updated_at,
        traceparent="",
        body=json.dumps({"order_id": order.id}).encode(),
    )


def has_heard(life: Life, updated_at: datetime, *, overdue: datetime) -> bool:
    """Whether an event of this change of the order, or of a later one, came to an end or is waiting to.

    One that should have been tried again before `overdue` got lost. An event that was triggered in the second of the
    change counts: Shopify tells an order's changes to the second.
    """
    for row in _events(life):
        occurred_at = datetime.fromisoformat(row["at"]) - timedelta(seconds=row["seconds"])
        if occurred_at + _ROUNDING >= updated_at and (row["outcome"] != "waiting" or _until(row) > overdue):
            return True
    return False


def is_settled(life: Life) -> bool:
    """Whether the last event that we have a record of was done: neither waits nor is parked."""
    outcomes = [row["outcome"] for row in _events(life)]
    return not outcomes or outcomes[-1] == "done"


def _events(life: Life) -> Iterator[Mapping[str, Any]]:
    return (row for row in life if row["topic"] in _EVENTS)


def _until(row: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(row["waiting_until"])
