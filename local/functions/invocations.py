"""One call of a function: its id, its trace context, its time limit and its line in the log."""

import asyncio
import logging
import re
import secrets
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from azure.functions.meta import Datum

from local.functions import worker
from local.functions.worker import Function, Outcome

_log = logging.getLogger("host")

# https://www.w3.org/TR/trace-context/#traceparent-header, version 00; all-zero ids are invalid there.
_TRACE_PARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


@dataclass(frozen=True, slots=True)
class TraceContext:
    parent: str
    state: str = ""


def continue_trace(parent: str | None, state: str | None = None) -> TraceContext:
    """The caller's trace, where its `traceparent` is valid; otherwise a new one."""
    if parent and _TRACE_PARENT.fullmatch(parent):
        return TraceContext(parent, state or "")
    return TraceContext(f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01")


@dataclass(frozen=True, slots=True)
class Invocation:
    id: str
    seconds: float
    outcome: Outcome


class Invoker:
    """Runs functions within `functionTimeout`, and counts those that are running.

    A function that passes it fails, and with it all that runs in its worker, which Azure restarts
    (github.com/Azure/azure-functions-host/issues/8720). As on Flex Consumption, HTTP functions share workers, and every
    other function has its own.
    """

    def __init__(self, *, timeout: float | None) -> None:
        self._timeout = timeout
        self._limits: dict[asyncio.Timeout, str] = {}
        """The limit of each running invocation, and its worker."""
        self._running = 0
        self._idle = asyncio.Event()
        self._idle.set()

    async def run(
        self,
        function: Function,
        argument: str,
        data: Datum,
        *,
        trace: TraceContext,
        metadata: Mapping[str, Datum] | None = None,
    ) -> Invocation:
        """Calls the function and logs how it ended. Raising, or taking too long, is an outcome too."""
        invocation_id = str(uuid.uuid4())
        started = time.perf_counter()
        self._running += 1
        self._idle.clear()
        limit = asyncio.timeout(self._timeout)
        self._limits[limit] = _worker_of(function)
        try:
            async with limit:
                outcome = await worker.invoke(
                    function,
                    argument,
                    data,
                    invocation_id=invocation_id,
                    metadata=metadata or {},
                    trace_parent=trace.parent,
                    trace_state=trace.state,
                )
        except TimeoutError:
            if limit in self._limits:
                outcome = Outcome(None, f"took longer than functionTimeout, {self._timeout:g} s", "")
                self._restart_worker(_worker_of(function))
            else:
                outcome = Outcome(None, "its worker was restarted, since another function took too long", "")
        finally:
            self._limits.pop(limit, None)
            self._running -= 1
            if not self._running:
                self._idle.set()
        seconds = time.perf_counter() - started
        if outcome.error is None:
            _log.info("%s succeeded in %.1f ms, id %s", function.name, seconds * 1000, invocation_id)
        else:
            _log.error(
                "%s failed in %.1f ms, id %s: %s",
                *(function.name, seconds * 1000, invocation_id, outcome.traceback or outcome.error),
            )
        return Invocation(invocation_id, seconds, outcome)

    def _restart_worker(self, name: str) -> None:
        """Ends whatever else runs in this worker. It cannot be kept from cleaning up, as a killed process is."""
        for limit in [limit for limit, worker_name in self._limits.items() if worker_name == name]:
            del self._limits[limit]
            if not limit.expired():
                limit.reschedule(0)

    async def drain(self, grace: float) -> None:
        """Waits until nothing runs, at most so many seconds."""
        try:
            await asyncio.wait_for(self._idle.wait(), grace)
        except TimeoutError:
            _log.warning("%d invocations still run after %g s and are given up", self._running, grace)


def _worker_of(function: Function) -> str:
    is_http = any(binding["type"] == "httpTrigger" for binding in function.bindings)
    return "http" if is_http else function.name
