"""Sending to Service Bus with confirmation, within a deadline; concurrent callers share one send."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

from azure.servicebus.aio import ServiceBusSender
from azure.servicebus.exceptions import MessageSizeExceededError, ServiceBusError

from shared.bus.encoding import add, to_message
from shared.bus.envelope import Envelope
from shared.errors import OutcomeUnknownError

TOPIC: Final = "commerce-events"

# Service Bus detaches a link after ten idle minutes, and the next send on it takes seconds: replace it before.
_LINK_MAX_IDLE: Final = timedelta(minutes=8).total_seconds()
_BATCH_MAX_MESSAGES: Final = 100
_OPEN_SECONDS: Final = 15.0
"""Seconds after which an opening that has not come to an end is begun anew."""


type _Waiting = tuple[Envelope, datetime | None, asyncio.Future[None]]
"""What is to be sent, when it is to be delivered, and what its caller waits for."""


class Publisher:
    """One sender to one queue or topic. Messages that arrive during a send are sent together in the next batch.

    A caller returns only when Service Bus has confirmed the batch that held its message. Opening the sender (a token, a
    connection, a link) takes seconds the first time: callers whose time ends meanwhile get an error, and the opening
    goes on for those that follow.
    """

    def __init__(
        self,
        open_sender: Callable[[], ServiceBusSender],
        *,
        deadline: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._open_sender = open_sender
        self._deadline = deadline
        self._clock = clock
        self._waiting: list[_Waiting] = []
        self._pump: asyncio.Task[None] | None = None
        self._opening: asyncio.Task[ServiceBusSender] | None = None
        self._last_used = 0.0

    def warm(self) -> asyncio.Task[ServiceBusSender]:
        """The opening of a sender, started anew where there is none or its link may be detached. Waits for nothing."""
        opening = self._opening
        if opening is None or _has_failed(opening) or self._is_idle(opening):
            self._opening = opening = asyncio.create_task(self._open(instead_of=opening))
            opening.add_done_callback(_has_failed)  # a failure counts as seen although nobody may wait for it
        return opening

    def _is_idle(self, opening: asyncio.Task[ServiceBusSender]) -> bool:
        return opening.done() and self._clock() - self._last_used > _LINK_MAX_IDLE

    async def publish(self, envelope: Envelope, *, at: datetime | None = None) -> None:
        """Returns once Service Bus has confirmed the message. Raises OutcomeUnknownError without confirmation in time;
        the same envelope may then be sent again, since its MessageId is the same.
        """
        loop = asyncio.get_running_loop()
        confirmed: asyncio.Future[None] = loop.create_future()
        self._waiting.append((envelope, at, confirmed))
        if self._pump is None or self._pump.done():
            self._pump = asyncio.create_task(self._drain())
        ending = loop.call_later(self._deadline, self._give_up, confirmed)
        try:
            await confirmed
        finally:
            ending.cancel()

    def _give_up(self, confirmed: asyncio.Future[None]) -> None:
        if not confirmed.done():
            confirmed.set_exception(OutcomeUnknownError(f"Service Bus did not confirm within {self._deadline} s"))

    async def close(self) -> None:
        if self._pump is not None:
            self._pump.cancel()
            with suppress(asyncio.CancelledError):
                await self._pump
        await self._drop_sender()

    async def _drain(self) -> None:
        while self._waiting:
            share, self._waiting = self._waiting[:_BATCH_MAX_MESSAGES], self._waiting[_BATCH_MAX_MESSAGES:]
            wanted = [each for each in share if not each[-1].done()]
            if wanted:
                await self._send(wanted)

    async def _send(self, share: list[_Waiting]) -> None:
        try:
            async with asyncio.timeout(self._deadline):
                sender = await asyncio.shield(self.warm())
                self._last_used = self._clock()
                await _send_together(sender, share)
        except Exception as failure:  # noqa: BLE001 - after any failure every waiting caller must get a result
            if self._opening is None or self._opening.done():
                await self._drop_sender()  # the state of its link is unknown now
            reason = f"Service Bus did not confirm: {type(failure).__name__}"
            for *_, confirmed in share:
                if not confirmed.done():
                    confirmed.set_exception(OutcomeUnknownError(reason))
        else:
            self._last_used = self._clock()
            for *_, confirmed in share:
                if not confirmed.done():
                    confirmed.set_result(None)

    async def _open(self, instead_of: asyncio.Task[ServiceBusSender] | None) -> ServiceBusSender:
        if instead_of is not None and not _has_failed(instead_of):
            await _close(instead_of.result())
        sender = self._open_sender()
        try:
            async with asyncio.timeout(_OPEN_SECONDS):
                await sender.__aenter__()  # opens the link; without it the first sending would
        except BaseException:
            await _close(sender)
            raise
        self._last_used = self._clock()
        return sender

    async def _drop_sender(self) -> None:
        """Closes it, or ends its opening."""
        opening, self._opening = self._opening, None
        if opening is None:
            return
        opening.cancel()
        with suppress(Exception, asyncio.CancelledError):  # an opening that failed has closed what it had
            await _close(await opening)


def _has_failed(task: asyncio.Task[ServiceBusSender]) -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)


async def _close(sender: ServiceBusSender) -> None:
    """The SDK's close does not cover an opening that was cancelled (it has no AMQP session yet): that socket is closed
    when Python collects the SDK's objects.
    """
    with suppress(ServiceBusError, TimeoutError, OSError):  # it is dropped because it is broken
        async with asyncio.timeout(1):
            await sender.close()


async def _send_together(sender: ServiceBusSender, share: list[_Waiting]) -> None:
    """In one batch if they fit, otherwise in several. A message that no batch can hold goes alone."""
    batch = await sender.create_message_batch()
    held = 0
    for envelope, at, _ in share:
        try:
            add(batch, envelope, at)
        except MessageSizeExceededError:
            if held:
                await sender.send_messages(batch)
                batch, held = await sender.create_message_batch(), 0
            try:
                add(batch, envelope, at)
            except MessageSizeExceededError:
                await sender.send_messages(to_message(envelope, at=at))
                continue
        held += 1
    if held:
        await sender.send_messages(batch)
