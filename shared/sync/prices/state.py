"""When the prices of a store were last compared, and which problems were told: stored between two runs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import Any, Final, Self

from shared.errors import RefusedError
from shared.store.blobs import Snapshots

_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TOLD_AT_ONCE: Final = 100
"""Problems that one run writes into the journal; more follow in the next runs."""


@dataclass(slots=True)
class RunState:
    snapshots: Snapshots
    name: str
    etag: str | None = None
    ran_at: datetime | None = None
    """When the last run began that compared prices."""
    day: date | None = None
    """The store's day of which it computed them."""
    is_unfinished: bool = False
    """It ended before it had compared and written all: the next timer goes on."""
    rows: dict[str, dict[str, int]] = field(default_factory=dict)
    """How many rows F&O gave, by what they are and by their last day."""
    proved_day: date | None = None
    told: dict[str, str] = field(default_factory=dict)
    """Problems that were told and still exist, by their fingerprint -> what they are about."""

    @classmethod
    async def load(cls, snapshots: Snapshots, store: str) -> Self:
        name = f"prices/{store}/runs"
        value, etag = await snapshots.read(name)
        if value is None:
            return cls(snapshots, name, etag)
        return cls(
            snapshots=snapshots,
            name=name,
            etag=etag,
            ran_at=datetime.fromisoformat(value["ran_at"]) if value["ran_at"] else None,
            day=_day(value["day"]),
            is_unfinished=value["unfinished"],
            rows=value["rows"],
            proved_day=_day(value["proved_day"]),
            told=value["told"],
        )

    def is_due(self, now: datetime, day: date, minutes: int) -> bool:
        """Prices with a date change when the store's day does."""
        if self.ran_at is None or self.is_unfinished or self.day != day:
            return True
        return now >= self.ran_at + timedelta(minutes=minutes)

    def news(self, problems: Iterable[RefusedError], *, about: str) -> list[RefusedError]:
        """Those of the problems that were not told yet; what is told of `about` and is none of them is forgotten."""
        current = {fingerprint(problem): problem for problem in problems}
        self.told = {print_: what for print_, what in self.told.items() if what != about or print_ in current}
        new = {print_: problem for print_, problem in current.items() if print_ not in self.told}
        now = dict(islice(new.items(), _TOLD_AT_ONCE))
        self.told |= dict.fromkeys(now, about)
        return list(now.values())

    async def save(self) -> None:
        """Raises TransientError when another run was faster."""
        value: dict[str, Any] = {
            "ran_at": self.ran_at and self.ran_at.isoformat(),
            "day": self.day and self.day.isoformat(),
            "unfinished": self.is_unfinished,
            "rows": self.rows,
            "proved_day": self.proved_day and self.proved_day.isoformat(),
            "told": self.told,
        }
        self.etag = await self.snapshots.write(self.name, value, self.etag)


async def compare_prices_at_once(snapshots: Snapshots, store: str) -> None:
    """The next timer compares prices, whatever `minutes` says, and reads all that Shopify shows. Raises TransientError
    when a run stores its memory meanwhile.
    """
    for name in await snapshots.names(f"prices/{store}/"):
        value, etag = await snapshots.read(name)
        if value is not None and value.get("read_at") is not None:
            await snapshots.write(name, value | {"read_at": _LONG_AGO.isoformat()}, etag)
    state = await RunState.load(snapshots, store)
    if state.etag is not None:  # else the first run is still to come
        state.ran_at = None
        await state.save()


def fingerprint(problem: RefusedError) -> str:
    text = json.dumps([problem.code, dict(sorted(problem.details.items()))])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
