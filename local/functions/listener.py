"""A queue or subscription of Service Bus, read by a few receivers side by side.

azure-servicebus does not promise that coroutines may share a receiver, so each of the `maxConcurrentCalls` or
`maxConcurrentSessions` slots has its own, and works on one message at a time. A session slot takes the next
session that is free, works through it in order, and lets it go after `sessionIdleTimeout`.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import datetime
from typing import Protocol

from azure.servicebus import ServiceBusReceivedMessage
from azure.servicebus.exceptions import (
    MessageLockLostError,
    OperationTimeoutError,
    ServiceBusError,
    SessionLockLostError,
)

from local.functions.locks import Lock, kept_alive

_log = logging.getLogger("host.servicebus")

WAIT_SECONDS = 60.0
"""How long a slot waits for a first message, or for a free session, before it asks again."""

_PROBE_SECONDS = 3.0
"""The same after trouble, so that an empty queue too is known to be there again soon."""

_FIRST_BACKOFF_SECONDS = 0.5
_LONGEST_BACKOFF_SECONDS = 5.0
_CLOSE_SECONDS = 2.0


class Session(Protocol):
    @property
    def locked_until_utc(self) -> datetime | None: ...

    async def renew_lock(self) -> object: ...


class Receiver(Protocol):
    """What the host uses of azure.servicebus.aio.ServiceBusReceiver."""

    @property
    def session(self) -> Session | None: ...

    async def receive_messages(
        self, *, max_message_count: int, max_wait_time: float
    ) -> list[ServiceBusReceivedMessage]: ...

    async def renew_message_lock(self, message: ServiceBusReceivedMessage) -> object: ...

    async def complete_message(self, message: ServiceBusReceivedMessage) -> None: ...

    async def abandon_message(self, message: ServiceBusReceivedMessage) -> None: ...

    async def close(self) -> None: ...


class Listener:
    """Feeds one function from one queue or subscription."""

    def __init__(
        self,
        *,
        source: str,
        open_receiver: Callable[[], Receiver],
        process: Callable[[ServiceBusReceivedMessage], Awaitable[bool]],
        slots: int,
        session_idle_timeout: float | None,
        lock_renewal: float,
    ) -> None:
        """`process` runs the function and gives whether it succeeded. Times are in seconds.

        `session_idle_timeout` is None for a queue without sessions.
        """
        self._source = source
        self._open_receiver = open_receiver
        self._process = process
        self._slots = slots
        self._session_idle_timeout = session_idle_timeout
        self._lock_renewal = lock_renewal
        self._tasks: set[asyncio.Task[None]] = set()
        self._busy: set[asyncio.Task[None]] = set()
        self._closing: set[asyncio.Task[None]] = set()
        self._stopping = False
        self._down_since: float | None = None

    def start(self) -> None:
        for _ in range(self._slots):
            self._tasks.add(asyncio.create_task(self._run_slot()))

    async def stop(self, grace: float) -> None:
        """Takes no more messages; lets those at work be settled, at most so many seconds."""
        self._stopping = True
        for task in self._tasks - self._busy:
            task.cancel()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=grace)
            for task in late:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            self._tasks.clear()
        await asyncio.gather(*self._closing)

    async def _run_slot(self) -> None:
        while not self._stopping:
            receiver = self._open_receiver()
            try:
                await self._take_messages(receiver)
            except SessionLockLostError as error:
                _log.warning("%s: a session was lost and will be taken again: %s", self._source, error)
            except OperationTimeoutError as error:
                if self._session_idle_timeout is None:
                    await self._back_off(error)
                else:
                    # The answer of Service Bus when no session has messages.
                    self._note_connection()
            except (ServiceBusError, OSError, ValueError) as error:
                # azure-servicebus raises ValueError for a receiver whose link is closed.
                await self._back_off(error)
            finally:
                # azure-servicebus takes up to a second for an orderly close; the slot need not wait for it.
                closing = asyncio.create_task(self._close(receiver))
                self._closing.add(closing)
                closing.add_done_callback(self._closing.discard)

    async def _take_messages(self, receiver: Receiver) -> None:
        """Works until the listener stops, or the session has been idle.

        The lock of a session is renewed for `lock_renewal` seconds in all, counted from accepting the session, as the
        .NET client does (github.com/Azure/azure-sdk-for-net/issues/35267); a message's lock for as long per message.
        """
        wait = WAIT_SECONDS if self._down_since is None else _PROBE_SECONDS
        renewed = False
        async with AsyncExitStack() as renewal:
            while not self._stopping:
                messages = await receiver.receive_messages(max_message_count=1, max_wait_time=wait)
                self._note_connection()
                if receiver.session is not None and not renewed:
                    lock = _session_lock(receiver.session)
                    await renewal.enter_async_context(kept_alive(lock, limit=self._lock_renewal))
                    renewed = True
                for message in messages:
                    await self._work(receiver, message)
                if self._session_idle_timeout is None:
                    wait = WAIT_SECONDS
                elif messages:
                    wait = self._session_idle_timeout
                else:
                    return

    async def _work(self, receiver: Receiver, message: ServiceBusReceivedMessage) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._busy.add(task)
        try:
            succeeded = await self._process_under_lock(receiver, message)
            if succeeded:
                await receiver.complete_message(message)
            else:
                await receiver.abandon_message(message)
        except MessageLockLostError as error:
            _log.warning("%s: %s will be delivered again: %s", self._source, message.message_id, error)
        finally:
            self._busy.discard(task)

    async def _process_under_lock(self, receiver: Receiver, message: ServiceBusReceivedMessage) -> bool:
        if receiver.session is not None:  # The message is locked with its session.
            return await self._process(message)
        async with kept_alive(_message_lock(receiver, message), limit=self._lock_renewal):
            return await self._process(message)

    async def _back_off(self, error: Exception) -> None:
        """Waits as long as the connection has been down already, so each wait is about twice the last."""
        now = asyncio.get_running_loop().time()
        if self._down_since is None:
            self._down_since = now
            _log.warning("%s: no connection to Service Bus, trying on: %s", self._source, error)
        pause = min(max(now - self._down_since, _FIRST_BACKOFF_SECONDS), _LONGEST_BACKOFF_SECONDS)
        await asyncio.sleep(pause * random.uniform(0.5, 1))

    def _note_connection(self) -> None:
        if self._down_since is not None:
            _log.info("%s: connected to Service Bus again", self._source)
        self._down_since = None

    async def _close(self, receiver: Receiver) -> None:
        try:
            await asyncio.wait_for(receiver.close(), _CLOSE_SECONDS)
        except (TimeoutError, ServiceBusError, OSError) as error:
            _log.debug("%s: a receiver did not close in order: %s", self._source, error)


def _session_lock(session: Session) -> Lock:
    return Lock(lambda: session.locked_until_utc, session.renew_lock)


def _message_lock(receiver: Receiver, message: ServiceBusReceivedMessage) -> Lock:
    return Lock(lambda: message.locked_until_utc, lambda: receiver.renew_message_lock(message))
