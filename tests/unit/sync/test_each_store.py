"""A timer's work for every store: an error of one store stops no other, and every error is raised."""

import asyncio
from dataclasses import dataclass

import pytest
from builders.sales import EU, US

from shared.errors import ErrorCode, RefusedError, ThrottledError, TransientError
from shared.flows import SWEEP
from shared.rules import Flows, StoreRules
from shared.sync.each_store import for_each_store, noting_halt, side_by_side
from shared.sync.orders.changes import suffix_of


async def test_an_error_of_one_store_stops_no_other() -> None:
    done: list[str] = []

    async def works(name: str) -> None:
        await asyncio.sleep(0)
        done.append(name)

    async def fails() -> None:
        raise ValueError("its own")

    with pytest.raises(ExceptionGroup, match="not all") as caught:
        await side_by_side([works("a"), fails(), works("b")], otherwise="not all")
    assert done == ["a", "b"]
    assert [str(each) for each in caught.value.exceptions] == ["its own"]


async def test_a_cancelled_run_is_no_error_of_a_store() -> None:
    async def is_cancelled() -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await side_by_side([is_cancelled()], otherwise="not all")


def test_the_suffixes_of_further_orders_end_with_a_refusal() -> None:
    assert [suffix_of(at, "SN1") for at in (0, 24)] == ["B", "Z"]
    with pytest.raises(RefusedError) as refused:
        suffix_of(25, "SN1")
    assert refused.value.code == "FURTHER_ORDERS_EXHAUSTED"


@dataclass
class Report:
    halted: str | None = None


def test_throttling_ends_a_run_without_failing_it() -> None:
    report = Report()
    with noting_halt(report):
        raise ThrottledError("busy")
    assert report.halted == "busy"


@pytest.mark.parametrize(
    ("error", "reason"),
    [(RefusedError(ErrorCode.NO_LINES), "NO_LINES"), (TransientError("F&O restarts"), "TransientError")],
)
def test_another_error_is_noted_and_fails_the_run(error: Exception, reason: str) -> None:
    report = Report()
    with pytest.raises(type(error)), noting_halt(report):
        raise error
    assert report.halted == reason


async def test_only_stores_that_have_the_flow_on_are_run() -> None:
    stores = [EU, US]
    seen: list[str] = []

    async def work(rules: StoreRules) -> None:
        await asyncio.sleep(0)
        seen.append(rules.key)

    await for_each_store(SWEEP, [stores[0], off(stores[1])], work)
    assert seen == [stores[0].key]


def off(rules: StoreRules) -> StoreRules:
    return rules.model_copy(update={"flows": Flows()})
