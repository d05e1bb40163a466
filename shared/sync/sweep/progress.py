"""How far the sweeps of a store have come: a small document in Blob Storage."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from shared.store.blobs import Snapshots


@dataclass(slots=True)
class Progress:
    snapshots: Snapshots
    name: str
    etag: str | None
    since: datetime
    """The next run looks at orders that changed from here on: a time of Shopify's clock, but for the very first run.
    That begins at its own moment, since what happened before the app came is not the app's to book."""
    next_id: int
    """The order that the next comparison begins with; 0 for the oldest."""
    subscribed: bool
    """Shopify has listed subscriptions of ours, so they are of the kind that gets lost."""

    @classmethod
    async def load(cls, snapshots: Snapshots, store: str, *, now: datetime) -> Self:
        name = f"sweep/{store}"
        value, etag = await snapshots.read(name)
        held = value or {"since": now.isoformat(), "next_id": 0, "subscribed": False}
        return cls(snapshots, name, etag, datetime.fromisoformat(held["since"]), held["next_id"], held["subscribed"])

    async def save(self) -> None:
        """Raises TransientError when another run was faster: then its progress counts."""
        value = {"since": self.since.isoformat(), "next_id": self.next_id, "subscribed": self.subscribed}
        self.etag = await self.snapshots.write(self.name, value, self.etag)
