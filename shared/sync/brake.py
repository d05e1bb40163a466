"""What a run would change beyond the rules' limits is held until an operator confirms it.

Held changes are stored as `brakes/<store>/<flow>/<kind>` in the container `state`. A confirmation is of these very
changes and holds for a day: what a run finds besides is judged by itself. What an operator leaves out of a confirmation
stays held until it is confirmed, or until F&O changes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Final, Self

from shared.errors import ConnectorError
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
    excepted: Changes = field(default_factory=dict)
    """What an operator left out of a confirmation: it stays held, however few they are."""

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

    def excepted_of(self, changes: Changes) -> Changes:
        """Those of the changes that an operator left out: by what F&O wants, whatever stands in the shop meanwhile."""
        excepted = {what: _wanted(how) for what, how in self.excepted.items()}
        return {what: how for what, how in changes.items() if excepted.get(what) == _wanted(how)}

    def stored(self) -> dict[str, Any]:
        return {
            "changes": dict(self.changes),
            "since": self.since and self.since.isoformat(),
            "confirmed": dict(self.confirmed),
            "confirmed_at": self.confirmed_at and self.confirmed_at.isoformat(),
            "excepted": dict(self.excepted),
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
            value.get("excepted", {}),
        )


@dataclass(frozen=True, slots=True)
class Braked:
    """What the brake says of a run's changes of one kind."""

    held: frozenset[str]
    """Those that may not be written."""
    are_too_many: bool
    """All of them are held, because more than the limit are unconfirmed."""


@dataclass(frozen=True, slots=True)
class Brake:
    """Of one flow of one store. Raises TransientError when an operator confirms meanwhile: the next run looks again."""

    snapshots: Snapshots
    store: str
    flow: str
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    async def hold(self, kind: str, changes: Changes, limit: int) -> Braked:
        """Holds all of these changes if more than `limit` of them are unconfirmed, else those that an operator left
        out.
        """
        held, etag = await self._read(kind)
        excepted = held.excepted_of(changes)
        others = held.others(changes, self.now()).keys() - excepted.keys()
        is_over = len(others) > limit
        return Braked(await self._store(held, changes if is_over else excepted, excepted, etag), is_over)

    async def hold_each(self, kind: str, changes: Changes) -> frozenset[str]:
        """Which of these changes are held: each is beyond the limits by itself. What is confirmed may be written."""
        held, etag = await self._read(kind)
        return await self._store(held, held.others(changes, self.now()), held.excepted_of(changes), etag)

    async def _store(self, held: Held, changes: Changes, excepted: Changes, etag: str | None) -> frozenset[str]:
        if (changes, excepted) != (held.changes, held.excepted):
            since = (held.since or self.now()) if changes else None
            await _write(self.snapshots, replace(held, changes=changes, since=since, excepted=excepted), etag)
        return frozenset(changes)

    async def _read(self, kind: str) -> tuple[Held, str | None]:
        name = f"{_FOLDER}/{self.store}/{self.flow}/{kind}"
        value, etag = await self.snapshots.read(name)
        return Held.of_stored(name, value), etag


def _wanted(how: str) -> str:
    """What a change leads to: of "249.00 -> 2.49, instead of 300.00" the price alone, for what it is instead of may be
    the merchant's.
    """
    return ", ".join(part for part in how.rpartition(" -> ")[2].split(", ") if not part.startswith("instead of "))


async def read_held_changes(snapshots: Snapshots, store: str | None = None) -> list[Held]:
    """What is held now, of one store or of all."""
    prefix = f"{_FOLDER}/{store}/" if store else f"{_FOLDER}/"
    found = [Held.of_stored(name, (await snapshots.read(name))[0]) for name in await snapshots.names(prefix)]
    return [each for each in found if each.changes]


async def read_confirmed_at(snapshots: Snapshots, store: str, flow: str) -> datetime | None:
    """When an operator confirmed changes of the flow last."""
    names = await snapshots.names(f"{_FOLDER}/{store}/{flow}/")
    found = [Held.of_stored(name, (await snapshots.read(name))[0]) for name in names]
    return max((each.confirmed_at for each in found if each.confirmed_at), default=None)


def digest_of(held: Iterable[Held]) -> str:
    """Eight hexadecimal digits that stand for exactly these changes."""
    changes = sorted((each.name, sorted(each.changes.items())) for each in held if each.changes)
    return sha256(json.dumps(changes).encode()).hexdigest()[:8]


async def confirm(
    snapshots: Snapshots, store: str, flow: str, now: datetime, *, shown: str, leaving: Collection[str] = ()
) -> list[Held]:
    """Lets the next run write what is held of the flow, but what is named in `leaving`, and returns it.

    `shown` is the digest of what the operator has seen. Raises ConnectorError when other changes are held now, or when
    a name to leave is none of them; TransientError when a run holds others meanwhile.
    """
    read = [(name, *await snapshots.read(name)) for name in await snapshots.names(f"{_FOLDER}/{store}/{flow}/")]
    found = [(held, etag) for name, value, etag in read if (held := Held.of_stored(name, value)).changes]
    if not found:
        raise ConnectorError(f"no changes of {flow} are held for store {store}")
    if digest_of(held for held, _ in found) != shown:
        raise ConnectorError(
            f"other changes of {flow} are held now than those of {shown}. Look again: changes --store {store} --all"
        )
    unknown = sorted({*leaving}.difference(*(held.changes for held, _ in found)))
    if unknown:
        raise ConnectorError(f"not held, so that nothing was confirmed: {', '.join(unknown)}")
    confirmed = []
    for held, etag in found:
        excepted = {what: how for what, how in held.changes.items() if what in leaving}
        chosen = {what: how for what, how in held.changes.items() if what not in leaving}
        earlier = {what: how for what, how in held.confirmed_by(now).items() if what not in excepted}
        after = replace(
            held,
            changes=excepted,
            since=held.since if excepted else None,
            confirmed=earlier | chosen,
            confirmed_at=now,
            excepted=excepted,
        )
        await _write(snapshots, after, etag)
        confirmed.append(replace(held, changes=chosen))
    return confirmed


async def _write(snapshots: Snapshots, held: Held, etag: str | None) -> None:
    await snapshots.write(held.name, held.stored(), etag)
