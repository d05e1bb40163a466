"""What one group of functions of this process may do by its lease of slots.

It follows from renewals that storage confirmed, and is lowered before a write that lowers it is sent. So it is never
more than the row says, whether an answer was lost, came late, or another process was faster.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from shared.d365.odata.leases import Demand, Lease, Leases, LeaseTerms
from shared.errors import TransientError

_LASTING: Final = timedelta(seconds=2)
"""A call under way for so long may be one that takes minutes."""
_NEVER: Final = datetime.max.replace(tzinfo=UTC)


class LeaseStore(Protocol):
    """Raises StorageAwayError when storage does not work."""

    async def load(self) -> tuple[Leases, str | None]:
        """The leases and their ETag, which is None when there is no row yet."""

    async def save(self, leases: Leases, etag: str | None) -> str | None:
        """The new ETag, or None when another process has changed the leases since they were loaded."""


class HeldSlot:
    """Room for one call, until it is freed."""

    def __init__(self, holder: LeaseHolder, among: int) -> None:
        self._holder = holder
        self.among = among
        """How many slots the process had when the call took this one."""
        self.started: datetime | None = None
        self.ends = _NEVER
        """When F&O has ended the call, once it has started, at the latest."""
        self.free_at = _NEVER

    def start(self) -> None:
        """Before the call is sent. Raises TransientError if the slot was lost since it was taken."""
        self._holder.start(self)

    def free(self, *, ended: bool) -> None:
        """After the call. Not `ended`: F&O may still execute it, and the slot stays taken until it cannot any more."""
        self._holder.free(self, ended=ended)


class LeaseHolder:
    def __init__(
        self,
        store: LeaseStore,
        *,
        member: str,
        group: str,
        ceiling: int,
        longest_call: timedelta,
        terms: LeaseTerms,
        now: Callable[[], datetime],
        on_free: Callable[[], None],
    ) -> None:
        """`on_free` is called when a slot may have become free."""
        self.ceiling = ceiling
        self._store = store
        self._member = member
        self._group = group
        self._longest_call = longest_call
        self._terms = terms
        self._now = now
        self._on_free = on_free
        self._row: tuple[Leases, str | None] | None = None
        """The row as this process last saw it, or None when it has to be read."""
        self._share, self._until = 0, now()
        self._kept, self._kept_until = 0, now()
        self._asked = 0
        """Slots that the last renewal asked for."""
        self._peak = 0
        """The most calls under way or waiting since then."""
        self._taken: set[HeldSlot] = set()

    def limit(self) -> int:
        """How many calls may be under way now."""
        moment = self._now() + self._terms.margin
        if moment < self._until:
            return self._share
        return self._kept if moment < self._kept_until else 0

    def in_use(self) -> int:
        now = self._now()
        self._taken = {slot for slot in self._taken if now < slot.free_at}
        return len(self._taken)

    def has_lease(self) -> bool:
        """Whether others leave slots to it."""
        return self._now() < self._until

    def has_all_it_asked_for(self) -> bool:
        return self._share >= self._asked

    def may_get_more(self) -> bool:
        return self._share < self.ceiling

    def take(self) -> HeldSlot | None:
        """A slot, if one is free."""
        if self.in_use() >= self.limit():
            return None
        slot = HeldSlot(self, self.limit())
        self._taken.add(slot)
        self.want(0)
        return slot

    def start(self, slot: HeldSlot) -> None:
        now = self._now()
        if now + self._terms.margin >= self._until and self.in_use() > self.limit():
            raise TransientError("the slot for a call to F&O was lost before the call was sent")
        slot.started, slot.ends = now, now + self._longest_call

    def free(self, slot: HeldSlot, *, ended: bool) -> None:
        if ended or slot.started is None:
            self._taken.discard(slot)
        else:
            slot.free_at = slot.ends
        self._on_free()

    def want(self, waiting: int) -> None:
        """So many calls wait for a slot: the next renewal asks for as many as there ever were."""
        self._peak = max(self._peak, self.in_use() + waiting)

    async def look(self, waiting: int) -> None:
        """Renews with the slots that others gave up, if there are any or it is time for a renewal."""
        self._row = None
        await self.renew(waiting)

    async def renew(self, waiting: int) -> None:
        """Renews the lease, or gives it back when no call is under way or waits. Raises StorageAwayError."""
        while True:
            row, etag = self._row or await self._store.load()
            self._row = None
            now, demand = self._now(), self._demand(waiting)
            leases, share = row.renew(self._member, demand, now, self._terms)
            mine = leases.members.get(self._member)
            if share == self._share and not self._has_news(row.members.get(self._member), mine, now):
                self._row = row, etag
                self._asked = demand.wanted
                return
            kept, kept_until = (mine.kept, mine.kept_until) if mine else (0, now)
            self._share = min(self._share, share)
            self._kept, self._kept_until = min(self._kept, kept), min(self._kept_until, kept_until)
            saved = await self._store.save(leases, etag)
            if saved is not None:
                break
            await asyncio.sleep(random.uniform(0, self._terms.conflict.total_seconds()))
        self._row = leases, saved
        self._share, self._until = share, mine.until if mine else now
        self._kept, self._kept_until = kept, kept_until
        self._asked, self._peak = demand.wanted, 0

    def _demand(self, waiting: int) -> Demand:
        now, in_use = self._now(), self.in_use()
        lasting = [slot.ends for slot in self._taken if slot.started is not None and now - slot.started >= _LASTING]
        return Demand(
            group=self._group,
            ceiling=self.ceiling,
            wanted=max(self._peak, in_use + waiting) if in_use or waiting else 0,
            in_use=in_use,
            lasting=len(lasting),
            lasting_until=max(lasting, default=now),
        )

    def _has_news(self, known: Lease | None, mine: Lease | None, now: datetime) -> bool:
        """Whether the row has to be written although the share is the same."""
        if known is None or mine is None:
            return known is not mine
        is_due = now >= self._until - self._terms.length + self._terms.renewal
        return is_due or mine.slots != known.slots or mine.wanted > known.wanted
