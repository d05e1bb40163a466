"""A timer's work for every store."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from shared.errors import RefusedError, ThrottledError, TransientError
from shared.flows import Flow
from shared.rules import StoreRules
from shared.telemetry import correlated


class Halting(Protocol):
    halted: str | None
    """Why the run ended early."""


async def for_each_store(
    flow: Flow, stores: Iterable[StoreRules], work: Callable[[StoreRules], Awaitable[None]]
) -> None:
    """Does the work for each store that has the flow on; all events inside name store and flow. Raises what
    side_by_side does.
    """

    async def run(rules: StoreRules) -> None:
        with correlated(store=rules.key, flow=flow.name):
            await work(rules)

    runs = (run(rules) for rules in stores if rules.runs(flow))
    await side_by_side(runs, otherwise=f"the flow {flow.name} failed for one store or more")


async def side_by_side(runs: Iterable[Coroutine[Any, Any, None]], *, otherwise: str) -> None:
    """Runs the stores concurrently. An error of one store does not stop the others; it is raised at the end, in an
    ExceptionGroup with the message `otherwise`, so that the timer's run counts as failed.
    """
    ends = await asyncio.gather(*runs, return_exceptions=True)
    errors = [_error(end) for end in ends if end is not None]
    if errors:
        raise ExceptionGroup(otherwise, errors)


@contextmanager
def noting_halt(report: Halting) -> Iterator[None]:
    """Writes into the report why a run ended early. Throttling is no failure: the next run continues. Everything else
    is raised again.
    """
    try:
        yield
    except ThrottledError as error:
        report.halted = error.reason
    except RefusedError as error:
        report.halted = error.code
        raise
    except TransientError as error:
        report.halted = type(error).__name__
        raise
    except asyncio.CancelledError:
        report.halted = "cut off"
        raise


def _error(end: BaseException) -> Exception:
    """Raises a cancellation: it is no error of one store, and goes to the caller as it is."""
    if isinstance(end, Exception):
        return end
    raise end
