"""`make soak`: half an hour of orders, refusals and timers, in which memory, handles and connections must stay flat."""

from __future__ import annotations

import argparse
import asyncio
import itertools
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import httpx

from bench.calls import place
from bench.processes import Usage, usage
from local.process import LogLine, StackError
from local.stack import NO_PAUSE, ROOT, SCHEDULES, Ports, Stack, running
from shared.command_line import run

_MINUTES: Final = 30.0
_WARM: Final = 0.2
"""The part of the time in which caches fill and connections open: it is no part of the verdict."""
_MEMORY_GROWTH: Final = 1.1
"""How many times as much memory the last tenth may need as the first after warming up."""
_MORE: Final = 10
"""Handles or connections that the last tenth may have more: both vary by what is under way."""
_FEWEST: Final = 10
_PATIENCE: Final = 120
"""Seconds in which F&O has every order, once the last is placed."""
_BETWEEN_ORDERS: Final = 0.5
"""Seconds."""
_TIMERS: Final = ("push_stock", "write_back", "sweep_orders")
_FAULTS: Final[tuple[dict[str, Any], ...]] = (
    {"kind": "throttle", "retry_after": 1},
    {"kind": "reset"},
    {"kind": "bad_gateway"},
    {"kind": "slow", "ms": 1500},
)
"""One of them between two readings, since what goes wrong is what leaks."""
_ADDRESS: Final = {"address1": "Keizersgracht 241", "city": "Amsterdam", "zip": "1016EA", "country_code": "NL"}


@dataclass(frozen=True, slots=True)
class Reading:
    minutes: float
    """Since the beginning."""
    usage: Usage
    orders: int
    """Placed since the beginning."""


@dataclass(frozen=True, slots=True)
class Growth:
    """Of one resource, from the first tenth after warming up to the last, each in the middle."""

    name: str
    before: float
    after: float
    limit: float

    @property
    def is_flat(self) -> bool:
        return self.after <= self.limit


def growth_of(readings: Sequence[Reading]) -> list[Growth]:
    """Raises ValueError for less than ten readings."""
    if len(readings) < _FEWEST:
        raise ValueError(f"{len(readings)} readings tell nothing: at least {_FEWEST} are needed")
    settled = readings[int(len(readings) * _WARM) :]
    tenth = max(1, len(settled) // 10)
    first, last = settled[:tenth], settled[-tenth:]

    def middle(part: Sequence[Reading], name: str) -> float:
        values: list[float] = [getattr(each.usage, name) for each in part]
        return statistics.median(values)

    memory, handles, connections = (
        (middle(first, name), middle(last, name)) for name in ("memory", "handles", "connections")
    )
    return [
        Growth("memory (MB)", *memory, limit=memory[0] * _MEMORY_GROWTH),
        Growth("handles", *handles, limit=handles[0] + _MORE),
        Growth("connections", *connections, limit=connections[0] + _MORE),
    ]


async def soak(seconds: float, each: float, log: LogLine, say: Callable[[str], None]) -> list[Reading]:
    """Orders, timers and faults for so many seconds; a reading of the app's process every `each` seconds.

    Raises StackError, and RuntimeError where an order is not booked or a timer did nothing but fail.
    """
    readings: list[Reading] = []
    placed = 0
    answers = {timer: Counter[bool]() for timer in _TIMERS}
    never = dict.fromkeys(SCHEDULES, "0 0 0 29 2 *")
    async with (
        running(Ports.free(), log=log, overrides={**never, **NO_PAUSE}) as stack,
        httpx.AsyncClient(timeout=240) as http,
    ):
        began = time.monotonic()

        async def buy() -> None:
            nonlocal placed
            while True:
                buyer = {"first_name": "Ada", "last_name": "Soak", "email": f"soak{placed % 40}@example.com"}
                lines = [{"sku": "STOVE-GAS", "quantity": 1}]
                order = {"customer": buyer, "shipping_address": _ADDRESS, "lines": lines, "payment": "unpaid"}
                await place(stack, http, **order, announce=["orders/create", "orders/updated"])
                placed += 1
                await asyncio.sleep(_BETWEEN_ORDERS)

        async def disturb() -> None:
            for timer, fault in zip(itertools.cycle(_TIMERS), itertools.cycle(_FAULTS)):
                await http.post(f"{stack.d365}/_sim/faults", json=fault)
                answer = await http.post(f"{stack.host}/admin/functions/{timer}?wait=true", json={"input": ""})
                answers[timer][answer.is_success] += 1
                await asyncio.sleep(each)

        work = [asyncio.create_task(buy()), asyncio.create_task(disturb())]
        try:
            while (past := time.monotonic() - began) < seconds:
                await asyncio.sleep(min(each, seconds - past))
                for task in work:
                    if task.done():
                        task.result()
                if dead := stack.dead():
                    raise StackError(f"{', '.join(dead)} stopped by itself")
                now = usage(stack.parts[-1].pid)
                readings.append(Reading((time.monotonic() - began) / 60, now, placed))
                say(_line(readings[-1]))
        finally:
            for task in work:
                task.cancel()
            await asyncio.gather(*work, return_exceptions=True)
        # While calls to F&O are paused faults pile up, and each call that tries F&O again would meet one more.
        (await http.delete(f"{stack.d365}/_sim/faults")).raise_for_status()
        await _until_booked(stack, http, placed)
    _refuse_broken(answers)
    return readings


def _refuse_broken(answers: Mapping[str, Counter[bool]]) -> None:
    """One fault in four only makes a call slow: a timer that met them all has to succeed at times."""
    broken = [timer for timer, told in answers.items() if told[False] >= len(_FAULTS) and not told[True]]
    if broken:
        raise RuntimeError(f"every run failed of {', '.join(broken)}")


async def _until_booked(stack: Stack, http: httpx.AsyncClient, placed: int) -> None:
    """Raises StackError for orders that F&O does not get, or gets twice."""
    references: list[str] = []
    for _ in range(_PATIENCE):
        references = [row["reference"] for row in (await http.get(f"{stack.d365}/_sim/orders")).json()]
        if len(set(references)) >= placed:
            break
        await asyncio.sleep(1)
    if len(set(references)) < placed or len(references) != len(set(references)):
        raise StackError(f"{placed} orders were placed, and F&O has {len(references)} of {len(set(references))}")


def _line(reading: Reading) -> str:
    now = reading.usage
    return (
        f"{reading.minutes:6.1f} min  {now.memory:7.1f} MB  {now.handles:4} handles  {now.connections:4} connections  "
        f"{reading.orders:6} orders"
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=_MINUTES, help="at least 10; a reading each minute")
    options = parser.parse_args()
    if options.minutes < _FEWEST:
        parser.error(f"--minutes must be at least {_FEWEST}: there is a reading each minute")
    build = ROOT / "build"
    build.mkdir(exist_ok=True)
    with (build / "soak.log").open("w", encoding="utf-8") as log:

        def write(part: str, line: str) -> None:
            log.write(f"{part:>10} | {line}\n")

        try:
            readings = asyncio.run(soak(options.minutes * 60, 60, write, lambda line: print(line, flush=True)))
            found = growth_of(readings)
        except (RuntimeError, ValueError) as error:
            sys.stderr.write(f"{error}\n")
            return 1
    for each in found:
        verdict = "flat" if each.is_flat else f"GROWS beyond {each.limit:.0f}"
        print(f"{each.name}: {each.before:.1f}, in the end {each.after:.1f}: {verdict}")
    return 0 if all(each.is_flat for each in found) else 1


if __name__ == "__main__":
    sys.exit(run(main))
