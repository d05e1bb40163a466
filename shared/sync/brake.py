"""What a run would change beyond the rules' limits is held until an operator confirms it.

Held changes are stored as `brakes/<store>/<flow>/<kind>` in the container `state`. A confirmation is of these very
changes and holds for a day: what a run finds besides is judged by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Self

from shared.store.blobs import Snapshots

_FOLDER: Final = "brakes"
_CONFIRMED_FOR: Final = timedelta(days=1)

type Changes = Mapping[str, str]
"""What would change -> how, for a person: {"TENT-2P": "249.00 -> 2.49"}."""


@dataclass(frozen=True, slots=True)
class Held:
    """Changes of one kind that a flow of a store has not written, and those that an operator confirmed."""

    store: str
    flow: str
    kind: str
    changes: Changes = field(default_factory=dict)
    since: datetime | None = None
    """When the first of them was held; None while nothing is."""
    confirmed: Changes = field(default_factory=dict)
    confirmed_at: datetime | None = None

    @property
    def name(self) -> str:
        return f"{_FOLDER}/{self.store}/{self.flow}/{self.kind}"

    def confirmed_by(self, now: datetime) -> Changes:
        """What is confirmed at this time."""
        is_valid = self.confirmed_at is not None and now < self.confirmed_at + _CONFIRMED_FOR
        return self.confirmed if is_valid else {}

    def others(self, changes: Changes, now: datetime) -> Changes:
        """Those of the changes that nobody confirmed."""
        confirmed = self.confirmed_by(now)
        return {what: how for what, how in changes.items() if confirmed.get(what) != how}

    def stored(self) -> dict[str, Any]:
        return {
            "changes": dict(self.changes),
            "since": self.since and self.since.isoformat(),
            "confirmed": dict(self.confirmed),
            "confirmed_at": self.confirmed_at and self.confirmed_at.isoformat(),
        }

    @classmethod
    def of_stored(cls, name: str, value: Mapping[str, Any] | None) -> Self:
        _, store, flow, kind = name.split("/")
        if value is None:
            return cls(store, flow, kind)
        since, at = value["since"], value["confirmed_at"]
        return cls(
            store,
            flow,
            kind,
            value["changes"],
            datetime.fromisoformat(since) if since else None,
            value["confirmed"],
            datetime.fromisoformat(at) if at else None,
        )


@dataclass(frozen=True, slots=True)
class Brake:
    """Of one flow of one store. Raises TransientError when an operator confirms meanwhile: the next run looks again."""

    snapshots: Snapshots
    store: str
    flow: str
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    async def allows(self, kind: str, changes: Changes, limit: int, *, counts: Mapping[str, int] | None = None) -> bool:
        """Whether all of these changes may be written: no more than `limit` of them are unconfirmed. `counts` has how
        many a change counts for, where that is not one.

        If not, all of them are held.
        """
        held, etag = await self._read(kind)
        others = held.others(changes, self.now())
        is_allowed = sum((counts or {}).get(what, 1) for what in others) <= limit
        await self._hold(held, {} if is_allowed else changes, etag)
        return is_allowed

    async def unconfirmed(self, kind: str, changes: Changes) -> frozenset[str]:
        """Which of these changes are held: each is beyond the limits by itself. What is confirmed may be written."""
        held, etag = await self._read(kind)
        others = held.others(changes, self.now())
        await self._hold(held, others, etag)
        return frozenset(others)

    async def _hold(self, held: Held, changes: Changes, etag: str | None) -> None:
        if changes != held.changes:
            since = (held.since or self.now()) if changes else None
            await _write(self.snapshots, replace(held, changes=changes, since=since), etag)

    async def _read(self, kind: str) -> tuple[Held, str | None]:
        name = f"{_FOLDER}/{self.store}/{self.flow}/{kind}"
        value, etag = await self.snapshots.read(name)
        return Held.of_stored(name, value), etag


async def read_held_changes(snapshots: Snapshots, store: str | None = None) -> list[Held]:
    """What is held now, of one store or of all."""
    prefix = f"{_FOLDER}/{store}/" if store else f"{_FOLDER}/"
    found = [Held.of_stored(name, (await snapshots.read(name))[0]) for name in await snapshots.names(prefix)]
    return [each for each in found if each.changes]


async def confirm(snapshots: Snapshots, store: str, flow: str, now: datetime) -> list[Held]:
    """Lets the next run write what is held of the flow; returns it. Raises TransientError when a run holds others
    meanwhile: they have to be looked at first.
    """
    confirmed = []
    for name in await snapshots.names(f"{_FOLDER}/{store}/{flow}/"):
        value, etag = await snapshots.read(name)
        held = Held.of_stored(name, value)
        if held.changes:
            both = {**held.confirmed_by(now), **held.changes}
            await _write(snapshots, replace(held, changes={}, since=None, confirmed=both, confirmed_at=now), etag)
            confirmed.append(held)
    return confirmed


async def _write(snapshots: Snapshots, held: Held, etag: str | None) -> None:
    await snapshots.write(held.name, held.stored(), etag)
