"""The progress of a store's sweeps: a small document in Blob Storage."""

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
    """The next run checks orders that changed from here on, by Shopify's clock. The very first run begins at its own
    time: orders from before the app's installation are not booked by it.
    """
    next_id: int
    """Id of the order that the next comparison begins with; 0 for the oldest."""
    subscribed: bool
    """Shopify has listed subscriptions of the app, so that a missing one is reported."""
    refused: dict[str, str]
    """Topics that Shopify does not let the app subscribe to, with the cause."""
    began: datetime
    """When the first run began: an order from before it that the app does not know is not booked."""

    @classmethod
    async def load(cls, snapshots: Snapshots, store: str, *, now: datetime) -> Self:
        name = f"sweep/{store}"
        value, etag = await snapshots.read(name)
        held = value or {"since": now.isoformat(), "next_id": 0, "subscribed": False}
        return cls(
            snapshots,
            name,
            etag,
            since=datetime.fromisoformat(held["since"]),
            next_id=held["next_id"],
            subscribed=held["subscribed"],
            refused=held.get("refused", {}),
            # Releases up to 0.1.0 did not store it: their orders up to here are left alone.
            began=datetime.fromisoformat(held.get("began", held["since"])),
        )

    async def save(self) -> None:
        """Raises TransientError when another run has saved meanwhile: then that progress counts."""
        value = {
            "since": self.since.isoformat(),
            "next_id": self.next_id,
            "subscribed": self.subscribed,
            "refused": self.refused,
            "began": self.began.isoformat(),
        }
        self.etag = await self.snapshots.write(self.name, value, self.etag)
