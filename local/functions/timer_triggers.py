"""Timer functions."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from azure.functions.meta import Datum

from local.functions.invocations import Invocation, Invoker, continue_trace
from local.functions.ncrontab import Schedule
from local.functions.triggers import TimerTrigger

# A long sleep would outlast a laptop's lid or a corrected clock, so the clock is read again meanwhile.
_LONGEST_SLEEP_SECONDS = 60.0


async def sleep_until(moment: datetime) -> None:
    """Returns when the wall clock has reached that moment."""
    while (left := (moment - datetime.now(UTC)).total_seconds()) > 0:  # noqa: ASYNC110 - a clock has no event
        await asyncio.sleep(min(left, _LONGEST_SLEEP_SECONDS))


@dataclass(frozen=True, slots=True)
class Clock:
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    sleep_until: Callable[[datetime], Awaitable[None]] = sleep_until


class Timer:
    """Runs one function on its schedule, never twice at once."""

    def __init__(self, trigger: TimerTrigger, schedule: Schedule, invoker: Invoker, clock: Clock | None = None) -> None:
        self.trigger = trigger
        self._schedule = schedule
        self._invoker = invoker
        self._clock = clock or Clock()
        self._one_at_a_time = asyncio.Lock()
        self._last: datetime | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._follow_schedule())

    def stop(self) -> None:
        """No further run starts. One that runs goes on: the invoker waits for it."""
        if self._task:
            self._task.cancel()

    async def run(self, *, past_due: bool = False) -> Invocation:
        """One run, after the one before it has ended."""
        async with self._one_at_a_time:
            now = self._clock.now()
            data = self._encode(now, past_due=past_due)
            self._last = now
            trigger = self.trigger
            return await self._invoker.run(trigger.function, trigger.argument, data, trace=continue_trace(None))

    async def _follow_schedule(self) -> None:
        if self.trigger.run_on_startup:
            await self._run_to_the_end(past_due=False)
        started = self._clock.now()
        while True:
            due = self._schedule.next_after(started)
            # Occurrences that passed while the last run went on are made up for once, at once, as func does.
            missed = due < self._clock.now()
            await self._clock.sleep_until(due)
            started = self._clock.now()
            await self._run_to_the_end(past_due=missed)

    async def _run_to_the_end(self, *, past_due: bool) -> None:
        await asyncio.shield(self.run(past_due=past_due))

    def _encode(self, moment: datetime, *, past_due: bool) -> Datum:
        """The trigger data, under the names of the .NET TimerInfo."""
        status = {
            "Last": self._last.isoformat() if self._last else None,
            "LastUpdated": moment.isoformat(),
            "Next": self._schedule.next_after(moment).isoformat(),
        }
        information = {"IsPastDue": past_due, "Schedule": {"AdjustForDST": False}, "ScheduleStatus": status}
        return Datum(json.dumps(information), "json")
