"""The event with which parts of an order converge in its session."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Final

from shared.bus.envelope import Envelope
from shared.flows import ORDERS
from shared.mapping.shopify.events import naming_body
from shared.model import Part
from shared.rules import StoreRules

MOVED: Final = "shipments/moved"
_SOURCE: Final = "push-shipments"


def moved_event(rules: StoreRules, order_id: int, parts: Collection[Part], digest: str, at: datetime) -> Envelope:
    """An event with the same digest is one and the same: the queue drops it."""
    return Envelope(
        flow=ORDERS.name,
        event_id=f"shipped-{rules.key}-{order_id}-{digest}",
        source=_SOURCE,
        store=rules.key,
        topic=MOVED,
        entity_id=str(order_id),
        occurred_at=at,
        traceparent="",
        body=naming_body(order_id, parts),
    )
