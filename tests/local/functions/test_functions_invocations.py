"""A function that passes functionTimeout takes with it what runs in its worker, as in Azure."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from azure.functions.meta import Datum

from local.functions import worker
from local.functions.invocations import Invocation, Invoker, continue_trace
from local.functions.worker import Function, Outcome

TIMEOUT = 0.3
QUEUE = Function("sync_order", "1", ({"type": "serviceBusTrigger"},))
TIMER = Function("push_stock", "2", ({"type": "timerTrigger"},))
HTTP = tuple(Function(name, name, ({"type": "httpTrigger"}, {"type": "http"})) for name in ("orders", "health"))


@pytest.fixture
def invoker(monkeypatch: pytest.MonkeyPatch) -> Invoker:
    """Its functions never end."""

    async def invoke(*_: object, **__: object) -> Outcome:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(worker, "invoke", invoke)
    return Invoker(timeout=TIMEOUT)


def begin(invoker: Invoker, function: Function) -> asyncio.Task[Invocation]:
    data: Any = Datum("", "string")
    return asyncio.create_task(invoker.run(function, "message", data, trace=continue_trace(None)))


async def ends(*runs: asyncio.Task[Invocation]) -> list[tuple[str, bool]]:
    """The beginning of each error, and whether the invocation had all its time."""
    async with asyncio.timeout(5):
        return [((ended.outcome.error or "")[:11], ended.seconds >= TIMEOUT) for ended in await asyncio.gather(*runs)]


async def test_seven_other_orders_fail_with_the_one_that_took_too_long(invoker: Invoker) -> None:
    slow = begin(invoker, QUEUE)
    await asyncio.sleep(TIMEOUT / 2)
    others = [begin(invoker, QUEUE) for _ in range(7)]
    assert await ends(slow, *others) == [("took longer", True), *[("its worker ", False)] * 7]


async def test_functions_of_other_workers_go_on(invoker: Invoker) -> None:
    slow = begin(invoker, QUEUE)
    await asyncio.sleep(TIMEOUT / 2)
    timer = begin(invoker, TIMER)
    assert await ends(slow, timer) == [("took longer", True)] * 2


async def test_http_functions_share_their_workers(invoker: Invoker) -> None:
    slow = begin(invoker, HTTP[0])
    await asyncio.sleep(TIMEOUT / 2)
    other = begin(invoker, HTTP[1])
    assert await ends(slow, other) == [("took longer", True), ("its worker ", False)]
