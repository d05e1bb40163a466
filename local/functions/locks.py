"""Renews a Service Bus lock while its holder works."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from azure.servicebus.exceptions import ServiceBusError

_log = logging.getLogger("host.servicebus")


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock on a message or a session, as its receiver sees it."""

    locked_until: Callable[[], datetime | None]
    renew: Callable[[], Awaitable[object]]


@asynccontextmanager
async def kept_alive(lock: Lock, *, limit: float, now: Callable[[], datetime] = _utc_now) -> AsyncIterator[None]:
    """Renews the lock halfway to its end, again and again, for at most `limit` seconds.

    A renewal on its way is finished before the block is left: the client must not be cancelled within it.
    """
    done = asyncio.Event()
    task = asyncio.create_task(_renew(lock, done, limit, now))
    try:
        yield
    finally:
        done.set()
        await task


async def _renew(lock: Lock, done: asyncio.Event, limit: float, now: Callable[[], datetime]) -> None:
    started = now()
    while (locked_until := lock.locked_until()) is not None:
        pause = (locked_until - now()).total_seconds() / 2
        if (now() - started).total_seconds() + pause > limit:
            return
        try:
            await asyncio.wait_for(done.wait(), max(pause, 0))
        except TimeoutError:
            try:
                await lock.renew()
            except ServiceBusError as error:
                _log.warning("a lock could not be renewed: %s", error)
                return
        else:
            return
