"""The bulk lane of a flow: thousands of calls of one mutation as a bulk operation, over several runs of its timer.

All calls must be harmless when they are repeated: an operation that cannot be found, or ends half-way, leaves the rest
to the next run, which finds by itself what is still to be done.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import Any, Final

import httpx

from shared.shopify import bulk, queries
from shared.shopify.bulk import BulkResult, BulkState
from shared.sync.bulk.jobs import BulkJob, BulkJobs

WORTHWHILE: Final = 200
"""Calls from which on the bulk lane is used. A call of its own costs 10 points or more, of which a shop gives 100 a
second and 2,000 at once: 200 calls are what it gives at once. A bulk operation takes minutes, whatever its size.
"""

MOST: Final = 5_000
MOST_BYTES: Final = 20_000_000
"""Lines and bytes of one operation: its file is held in memory, and Shopify takes 100 MB. The rest follows later."""


RESULTS_AWAITED: Final = timedelta(hours=1)
"""How long after the end of an operation its results are tried again where they end early. What they would have told is
found by looking at the shop, as after any lost answer.
"""
UNREADABLE: Final = "its results could not be read to their end. The next runs find what it did"


@dataclass(frozen=True, slots=True)
class BulkLane:
    """Of one flow of one store; it carries out one operation at a time."""

    jobs: BulkJobs
    http: httpx.AsyncClient
    """For the files, without the shop's token."""

    async def start(self, document: str, what: str, calls: Mapping[str, Mapping[str, Any]]) -> BulkJob:
        """Starts an operation of up to MOST of these calls, given by key as the variables of the mutation.

        Raises TransientError, RefusedError and OutcomeUnknownError as bulk.start does; after the last, `jobs.resume`
        finds out what became of it.
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
        mutation = queries.load(document)
        return await self.jobs.start(
            document, what, keys, lambda: bulk.start(self.jobs.admin, self.http, mutation, lines)
        )

    def is_given_up(self, state: BulkState) -> bool:
        """Whether results that cannot be read to their end are not waited for any longer."""
        return state.ended_at is None or self.jobs.now() > state.ended_at + RESULTS_AWAITED

    async def results(self, job: BulkJob, state: BulkState) -> AsyncIterator[tuple[str, BulkResult]]:
        """What became of each call that was carried out, by its key. Raises TransientError when the file ends early."""
        if state.results is not None:
            async for result in bulk.read_results(self.http, state.results):
                if result.line < len(job.keys):
                    yield job.keys[result.line], result
