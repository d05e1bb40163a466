"""What the sweep mends: it sends an event of the order, as far as `sweep.heal` allows, and journals it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from shared.rules import StoreRules
from shared.shopify.sweep import ListedOrder
from shared.store.journal import JournalEntry
from shared.sync.sweep.missed import HEALING_TOPIC, JournalEntries, event_of, healing_of, is_under_way
from shared.sync.sweep.ports import SweepPorts
from shared.telemetry import emit

type Healing = Literal["orders", "states", "differences"]

_EVENTS: Final = {"orders": "sweep.order_missed", "states": "sweep.order_missed", "differences": "sweep.order_healed"}


@dataclass(frozen=True, slots=True)
class Healer:
    """Of one run for one store."""

    rules: StoreRules
    ports: SweepPorts
    now: Callable[[], datetime]
    began: datetime

    def is_under_way(self, entries: JournalEntries) -> bool:
        """Whether an earlier healing of the order is not settled. One that was not handled in time is lost."""
        return is_under_way(entries, overdue=self.began - timedelta(minutes=self.rules.sweep.overlap_minutes))

    async def heal(self, kind: Healing, order: ListedOrder, what: str) -> None:
        """What the rules leave to people is written into the journal with the outcome "left", and not again before the
        time after which an event would count as lost.
        """
        is_sent = kind in self.rules.sweep.heal
        key = self.rules.key
        event = healing_of(key, order, self.began) if kind == "differences" else event_of(key, order)
        at = self.now()  # before the event can be handled
        if is_sent:
            await self.ports.queue.publish(event)
        await self.ports.journal.write(
            JournalEntry(
                store=key,
                entity_id=event.entity_id,
                event_id=event.event_id,
                topic=HEALING_TOPIC,
                attempt=1,
                at=at,
                outcome="sent" if is_sent else "left",
                note=f"{kind}: {what}",
            )
        )
        emit(_EVENTS[kind], level=logging.WARNING, order=order.id, updated_at=order.updated_at, what=what, sent=is_sent)
