"""Timer functions of the local host, on a clock that the test moves."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from azure.functions.timer import TimerRequestConverter

from local.functions.invocations import Invocation
from local.functions.ncrontab import parse_schedule
from local.functions.timer_triggers import Clock, Timer, sleep_until
from local.functions.triggers import TimerTrigger
from local.functions.worker import Function, Outcome

EVERY_MINUTE = parse_schedule("0 * * * * *")


class World:
    """Time that stands still until somebody sleeps, and an invoker that notes each run."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 23, 8, 0, 30, tzinfo=UTC)
        self.runs: list[tuple[str, bool]] = []
        self.takes = timedelta(0)
        self.running = 0
        self.wanted = 0
        self.enough = asyncio.Event()
        self.hold: asyncio.Event | None = None
        self.started = asyncio.Event()
        self.ended = asyncio.Event()

    @property
    def clock(self) -> Clock:
        return Clock(now=lambda: self.now, sleep_until=self.sleep_until)

    async def sleep_until(self, moment: datetime) -> None:
        if len(self.runs) >= self.wanted:
            self.enough.set()
            await asyncio.Event().wait()
        self.now = max(self.now, moment)

    async def run(self, function: Function, argument: str, data: Any, *, trace: Any) -> Invocation:
        self.running += 1
        assert self.running == 1, "a timer ran twice at once"
        request = TimerRequestConverter.decode(data, trigger_metadata={})
        assert argument == "timer"
        self.runs.append((f"{self.now:%H:%M:%S}", request.past_due))
        self.started.set()
        if self.hold:
            await self.hold.wait()
        self.now += self.takes
        self.running -= 1
        self.ended.set()
        return Invocation("1", 0.0, Outcome(None, None, ""))


def make_timer(world: World, *, run_on_startup: bool = False) -> Timer:
    function = Function("push_stock", "1", ())
    trigger = TimerTrigger(function=function, argument="timer", schedule="0 * * * * *", run_on_startup=run_on_startup)
    return Timer(trigger, EVERY_MINUTE, world, world.clock)  # type: ignore[arg-type]


async def runs(world: World, wanted: int, prepare: Callable[[World], Timer]) -> list[tuple[str, bool]]:
    world.wanted = wanted
    timer = prepare(world)
    timer.start()
    await asyncio.wait_for(world.enough.wait(), 5)
    timer.stop()
    return world.runs


async def test_timer_runs_at_each_occurrence() -> None:
    assert await runs(World(), 2, make_timer) == [("08:01:00", False), ("08:02:00", False)]


async def test_timer_that_overran_runs_once_at_once_as_past_due() -> None:
    world = World()
    world.takes = timedelta(minutes=3, seconds=10)
    assert await runs(world, 2, make_timer) == [("08:01:00", False), ("08:04:10", True)]


async def test_run_on_startup_runs_before_the_first_occurrence() -> None:
    done = await runs(World(), 2, lambda world: make_timer(world, run_on_startup=True))
    assert done == [("08:00:30", False), ("08:01:00", False)]


async def test_run_on_demand_waits_for_the_run_before_it() -> None:
    world = World()
    world.hold = asyncio.Event()
    timer = make_timer(world)
    first, second = asyncio.create_task(timer.run()), asyncio.create_task(timer.run())
    for _ in range(5):
        await asyncio.sleep(0)
    assert len(world.runs) == 1
    world.hold.set()
    await asyncio.gather(first, second)
    assert len(world.runs) == 2


async def test_stopping_lets_a_run_end() -> None:
    world = World()
    world.hold = asyncio.Event()
    world.wanted = 1
    timer = make_timer(world)
    timer.start()
    async with asyncio.timeout(5):
        await world.started.wait()
        timer.stop()
        world.hold.set()
        await world.ended.wait()


async def test_function_sees_the_status_of_its_schedule() -> None:
    world = World()
    seen: list[dict[str, Any]] = []

    async def keep(_function: Function, _argument: str, data: Any, *, trace: Any) -> Invocation:
        seen.append(json.loads(data.value))
        return Invocation("1", 0.0, Outcome(None, None, ""))

    world.run = keep  # type: ignore[method-assign]
    timer = make_timer(world)
    await timer.run()
    world.now += timedelta(minutes=1)
    await timer.run()
    first, second = (each["ScheduleStatus"] for each in seen)
    assert (first["Last"], first["Next"]) == (None, "2026-11-23T08:01:00+00:00")
    assert (second["Last"], second["Next"]) == ("2026-11-23T08:00:30+00:00", "2026-11-23T08:02:00+00:00")


@pytest.mark.parametrize("seconds", [-1, 0.01])
async def test_sleeping_ends_once_the_wall_clock_is_there(seconds: float) -> None:
    moment = datetime.now(UTC) + timedelta(seconds=seconds)
    await asyncio.wait_for(sleep_until(moment), 5)
    assert datetime.now(UTC) >= moment
