"""The bulk lane of a flow: thousands of calls of one mutation as a bulk operation, over several runs of its timer.

What is under way is stored as `bulk/<store>/<flow>` in the container `state`: the mutation, and a key for each line.
The job is stored before the operation is started, so that an operation whose start was not confirmed is found again.
All calls must be harmless when they are repeated: an operation that cannot be found, or ends half-way, leaves the rest
to the next run, which finds by itself what is still to be done.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, Final

import httpx

from shared.errors import OutcomeUnknownError
from shared.shopify import bulk, queries
from shared.shopify.admin.client import QueryRunner
from shared.shopify.bulk import BulkResult, BulkState
from shared.store.blobs import Snapshots
from shared.telemetry import emit

WORTHWHILE: Final = 200
"""Calls from which on the bulk lane is used. A call of its own costs 10 points or more, of which a shop gives 100 a
second and 2,000 at once: 200 calls are what it gives at once. A bulk operation takes minutes, whatever its size.
"""

MOST: Final = 5_000
MOST_BYTES: Final = 20_000_000
"""Lines and bytes of one operation: its file is held in memory, and Shopify takes 100 MB. The rest follows later."""

_CLOCKS_DIFFER: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class BulkJob:
    document: str
    """Its mutation is queries/<document>.graphql."""
    keys: tuple[str, ...]
    """What each line is about, in their order."""
    started_at: datetime
    operation: str | None
    """Shopify's id; None while it is not known whether it was started."""
    earlier: str | None = None
    """The id of the operation before it."""


@dataclass(frozen=True, slots=True)
class BulkLane:
    """Of one flow of one store; it carries out one operation at a time."""

    admin: QueryRunner
    http: httpx.AsyncClient
    """For the files, without the shop's token."""
    snapshots: Snapshots
    store: str
    flow: str
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    async def start(self, document: str, calls: Mapping[str, Mapping[str, Any]]) -> BulkJob:
        """Starts an operation of up to MOST of these calls, given by key as the variables of the mutation.

        Raises TransientError, RefusedError and OutcomeUnknownError as bulk.start does; after the last, `resume` finds
        out what became of it.
        """
        lines: list[bytes] = []
        size = 0
        for key in islice(calls, MOST):
            line = bulk.line_of(calls[key])
            size += len(line)
            if lines and size > MOST_BYTES:
                break
            lines.append(line)
        keys = tuple(islice(calls, len(lines)))
        value, etag = await self.snapshots.read(self._name)
        job = BulkJob(document, keys, self.now(), None, (value or {}).get("earlier"))
        etag = await self._write(_stored(job), etag)
        try:
            operation = await bulk.start(self.admin, self.http, queries.load(document), lines)
        except OutcomeUnknownError:
            raise
        except Exception:
            await self._write({"earlier": job.earlier}, etag)
            raise
        started = replace(job, operation=operation)
        await self._write(_stored(started), etag)
        emit("bulk.started", lines=len(keys), document=document, operation=operation)
        return started

    async def resume(self) -> tuple[BulkJob, BulkState] | None:
        """The operation that was started last, unless `end` was called for it; None for none, and for one that cannot
        be found.
        """
        value, etag = await self.snapshots.read(self._name)
        job = _of_stored(value)
        if job is None:
            return None
        operation = job.operation
        if operation is None:
            mutation = queries.load(job.document)
            since = job.started_at - _CLOCKS_DIFFER
            operation = await bulk.find(self.admin, mutation, since, other_than=job.earlier)
        state = await bulk.read_state(self.admin, operation) if operation else None
        if operation is None or state is None:
            emit("bulk.lost", lines=len(job.keys), document=job.document, operation=operation or "")
            await self._write({"earlier": job.earlier}, etag)
            return None
        found = replace(job, operation=operation)
        if found != job:
            await self._write(_stored(found), etag)
        return found, state

    async def results(self, job: BulkJob, state: BulkState) -> AsyncIterator[tuple[str, BulkResult]]:
        """What became of each call that was carried out, by its key. Raises TransientError when the file ends early."""
        if state.results is not None:
            async for result in bulk.read_results(self.http, state.results):
                if result.line < len(job.keys):
                    yield job.keys[result.line], result

    async def end(self, job: BulkJob, state: BulkState) -> None:
        """Forgets the operation, once its results are stored."""
        emit(
            "bulk.ended",
            lines=len(job.keys),
            done=state.done,
            status=state.status,
            error=state.error,
            seconds=round((self.now() - job.started_at).total_seconds()),
        )
        _, etag = await self.snapshots.read(self._name)
        await self._write({"earlier": job.operation}, etag)

    @property
    def _name(self) -> str:
        return f"bulk/{self.store}/{self.flow}"

    async def _write(self, value: dict[str, Any], etag: str | None) -> str:
        return await self.snapshots.write(self._name, value, etag)


def _stored(job: BulkJob) -> dict[str, Any]:
    return {
        "document": job.document,
        "keys": list(job.keys),
        "started_at": job.started_at.isoformat(),
        "operation": job.operation,
        "earlier": job.earlier,
    }


def _of_stored(value: Mapping[str, Any] | None) -> BulkJob | None:
    if not value or "document" not in value:
        return None
    at = datetime.fromisoformat(value["started_at"])
    return BulkJob(value["document"], tuple(value["keys"]), at, value["operation"], value["earlier"])
