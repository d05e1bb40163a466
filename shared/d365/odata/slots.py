"""The calls to F&O that this process may have under way, leased from the ceiling of all processes (leases.py).

A call takes a slot, or waits for one in order of arrival. While there are calls, one task for each group of functions
renews its lease in the background, every few seconds and whenever a call finds no slot; without calls it gives all
slots back and ends. A group is a flow: in Azure each has processes of its own.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final, Protocol
from uuid import uuid4

from shared.d365.odata.lease_holder import HeldSlot, LeaseHolder, LeaseStore
from shared.d365.odata.leases import LeaseTerms
from shared.errors import StorageAwayError, TransientError
from shared.flows import running_flow

_DEADLINE: Final = 5.0
"""Seconds in which a renewal has to succeed."""


class Slot(Protocol):
    """Room for one call: HeldSlot says what each part means."""

    @property
    def among(self) -> int: ...

    def start(self) -> None: ...

    def free(self, *, ended: bool) -> None: ...


class Slots(Protocol):
    async def take(self) -> Slot:
        """A slot, as soon as there is one. Raises TransientError when there is none for long, or can be none."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


class LeasedSlots:
    """The slots of this process: a lease for each group of its functions."""

    def __init__(
        self,
        store: LeaseStore,
        *,
        ceiling: int,
        longest_call: timedelta,
        terms: LeaseTerms | None = None,
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        """`ceiling`: calls at once of all processes. F&O has ended each call after `longest_call`."""
        self._store = store
        self._ceiling = ceiling
        self._longest_call = longest_call
        self._terms = terms or LeaseTerms()
        self._now = now
        self._process = uuid4().hex[:12]
        self._groups: dict[str, _GroupSlots] = {}

    async def take(self) -> Slot:
        group = running_flow()
        if group not in self._groups:
            self._groups[group] = _GroupSlots(self._terms, partial(self._holder, group))
        return await self._groups[group].take()

    def _holder(self, group: str, on_free: Callable[[], None]) -> LeaseHolder:
        return LeaseHolder(
            self._store,
            member=f"{self._process}-{group}",
            group=group,
            ceiling=self._ceiling,
            longest_call=self._longest_call,
            terms=self._terms,
            now=self._now,
            on_free=on_free,
        )


class _GroupSlots:
    """The slots of one group of functions, and the calls that wait for them."""

    def __init__(self, terms: LeaseTerms, holder: Callable[[Callable[[], None]], LeaseHolder]) -> None:
        self._terms = terms
        self._holder = holder(self._fill)
        self._waiting: deque[asyncio.Future[HeldSlot]] = deque()
        self._more_wanted = asyncio.Event()
        self._renewing: asyncio.Task[None] | None = None
        self._is_polling = False
        """Whether it looks every second for slots that others give up: then a further call changes nothing."""

    async def take(self) -> HeldSlot:
        slot = None if self._waiting else self._holder.take()
        if slot is not None:
            self._renew_soon()
            return slot
        place: asyncio.Future[HeldSlot] = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        self._holder.want(len(self._waiting))
        self._renew_soon()
        try:
            async with asyncio.timeout(self._terms.patience.total_seconds()):
                return await place
        except BaseException as error:
            if place in self._waiting:
                self._waiting.remove(place)
            elif place.done() and not place.cancelled() and place.exception() is None:
                place.result().free(ended=True)  # given at the moment in which the call gave up
            if isinstance(error, TimeoutError):
                raise TransientError("no slot for a call to F&O became free") from None
            raise

    def _renew_soon(self) -> None:
        if self._renewing is None:
            self._renewing = asyncio.create_task(self._keep_renewed())
            self._renewing.add_done_callback(self._ended)
        elif self._waiting and not self._is_polling:
            self._more_wanted.set()

    async def _keep_renewed(self) -> None:
        """Renews until there are no calls and the slots are given back."""
        while self._waiting or self._holder.in_use() or self._holder.has_lease():
            self._more_wanted.clear()
            away = await self._renewed()
            self._fill()
            if away is not None and not self._holder.limit():
                self._refuse(away)
            is_short = bool(self._waiting) and self._holder.may_get_more()
            if is_short and away is None and self._holder.has_all_it_asked_for():
                continue  # more calls came meanwhile
            self._is_polling = is_short
            pause = self._terms.poll if is_short else self._terms.renewal
            with suppress(TimeoutError):
                async with asyncio.timeout(pause.total_seconds()):
                    await self._more_wanted.wait()
            self._is_polling = False

    async def _renewed(self) -> StorageAwayError | None:
        """None, or why the lease was not renewed."""
        holder = self._holder
        try:
            async with asyncio.timeout(_DEADLINE):
                await (holder.renew if holder.has_all_it_asked_for() else holder.look)(len(self._waiting))
        except StorageAwayError as error:
            return error
        except TimeoutError:
            return StorageAwayError("the app's storage did not answer in time")
        return None

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._renewing = None
        if task.cancelled():
            return
        if (defect := task.exception()) is not None:
            self._refuse(defect)
        elif self._waiting:  # a call came after the last look
            self._renew_soon()

    def _fill(self) -> None:
        """Gives what is free to the calls that wait."""
        while self._waiting:
            if self._waiting[0].done():  # cancelled
                self._waiting.popleft()
            elif (slot := self._holder.take()) is not None:
                self._waiting.popleft().set_result(slot)
            else:
                break

    def _refuse(self, error: BaseException) -> None:
        while self._waiting:
            place = self._waiting.popleft()
            if not place.done():
                place.set_exception(error)
