"""A circuit breaker that all instances share: no calls while F&O is down or busy, then a single one to probe it.

    closed --- failures in a row, or a delay that F&O requested ---> open
    open ----- the pause is over: one call probes, others wait ----> probing
    probing -- it succeeds ---> closed          -- it fails ---> open

The state is a value and its changes are pure; a store keeps it. The ETag of its row decides which instance probes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from shared.errors import MaintenanceError, TransientError
from shared.model.maintenance import Maintenance


@dataclass(frozen=True, slots=True)
class BreakerPolicy:
    threshold: int = 5
    """Failures in a row that open it."""
    window: timedelta = timedelta(seconds=60)
    """Failures further apart than this are not in a row."""
    pause: timedelta = timedelta(seconds=30)
    """How long it stays open."""
    probe: timedelta = timedelta(seconds=150)
    """How long other calls wait for a probe that never ends: longer than the longest call."""


@dataclass(frozen=True, slots=True)
class BreakerState:
    failures: int = 0
    """In a row, over all instances."""
    since: datetime | None = None
    """When the first of them happened."""
    open_until: datetime | None = None
    """No calls before this time; None while calls are allowed."""
    probing: bool = False
    """One call is under way to find out whether F&O works again."""

    def failed(self, now: datetime, policy: BreakerPolicy, wait: timedelta | None = None) -> BreakerState:
        """After one more failure, for which F&O requested a delay of `wait`, or none."""
        in_row = self.since is not None and now - self.since <= policy.window
        failures = self.failures + 1 if in_row else 1
        opens = wait is not None or self.open_until is not None or failures >= policy.threshold
        until = now + (wait or policy.pause)
        if self.open_until is not None and not self.probing:
            until = max(until, self.open_until)  # of calls that were sent together, the longest delay counts
        return BreakerState(failures=failures, since=self.since if in_row else now, open_until=until if opens else None)

    def succeeded(self) -> BreakerState:
        """After a good call. While the breaker is open that call was sent before it opened, so the pause stays."""
        return self if self.open_until is not None and not self.probing else CLOSED

    def probe(self, now: datetime, policy: BreakerPolicy) -> BreakerState:
        return replace(self, open_until=now + policy.probe, probing=True)


CLOSED: Final = BreakerState()


class Breaker(Protocol):
    """What a client calls before and after each call."""

    async def before(self) -> None:
        """Raises TransientError with the time left while no calls are allowed: MaintenanceError in a window."""

    async def success(self) -> None: ...

    async def failure(self, wait: timedelta | None = None) -> None: ...


class BreakerStore(Protocol):
    async def load(self) -> tuple[BreakerState, str | None]:
        """The state and its ETag; CLOSED and None when there is none yet."""

    async def save(self, state: BreakerState, etag: str | None) -> str | None:
        """The new ETag, or None when another instance has changed the state since it was loaded."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


class SharedBreaker:
    """The breaker over a store, which is read at most every `fresh_for` and written only when the state changes."""

    def __init__(
        self,
        store: BreakerStore,
        *,
        policy: BreakerPolicy | None = None,
        maintenance: Maintenance | None = None,
        fresh_for: timedelta = timedelta(seconds=5),
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        self._store = store
        self._policy = policy or BreakerPolicy()
        self._maintenance = maintenance or Maintenance()
        self._fresh_for = fresh_for
        self._now = now
        self._state = CLOSED
        self._etag: str | None = None
        self._read_at: datetime | None = None

    async def before(self) -> None:
        now = self._now()
        if (until := self._maintenance.until(now)) is not None:
            raise MaintenanceError(until, now)
        if self._read_at is None or now - self._read_at >= self._fresh_for:
            await self._read()
        if self._state.open_until is None:
            return
        if now < self._state.open_until:
            raise TransientError("calls to F&O are paused", retry_after=self._state.open_until - now)
        if not await self._write(self._state.probe(now, self._policy)):
            raise TransientError("another instance probes whether F&O works again", retry_after=self._policy.pause)

    async def success(self) -> None:
        if self._state.succeeded() != self._state:
            await self._write(self._state.succeeded())

    async def failure(self, wait: timedelta | None = None) -> None:
        await self._read()
        while not await self._write(self._state.failed(self._now(), self._policy, wait)):
            await self._read()

    async def _read(self) -> None:
        self._state, self._etag = await self._store.load()
        self._read_at = self._now()

    async def _write(self, state: BreakerState) -> bool:
        """Whether the state was written; if not, it is read again at the next call."""
        etag = await self._store.save(state, self._etag)
        if etag is None:
            self._read_at = None
            return False
        self._state, self._etag, self._read_at = state, etag, self._now()
        return True
