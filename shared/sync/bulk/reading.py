"""One list of a whole shop, made by Shopify in the background: a bulk query instead of hundreds of pages.

It is only ever a faster way to what pages give. Where Shopify takes no operation now, or does not make the whole list,
the caller reads pages in the same run.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Any, Final

import httpx

from shared.errors import DeniedError, OutcomeUnknownError, RefusedError, StorageAwayError, TransientError
from shared.shopify import bulk, queries
from shared.shopify.bulk import BulkState, BulkStatus
from shared.sync.bulk.jobs import BulkJob, BulkJobs
from shared.telemetry import emit

LISTED_IN_BULK: Final = 10_000
"""Variants from which on a shop is listed in bulk. 250 of them cost 24 points by pages, 35 with their product's
metafield (measured in the simulated shop, which has Shopify's recorded costs): 10,000 variants are 40 pages and 960 or
1,400 points, half of what a shop gives at once to all flows together. In bulk they cost the start and a look a run,
but the list comes with a later run of the timer.
"""
PATIENCE: Final = timedelta(minutes=20)
"""How long Shopify may work on a list before it is read by pages: less than the half hour after which people are called
because no run came to compare prices.
"""
FRESH: Final = timedelta(hours=1)
"""How old a list may be: what changed since it was begun is read by pages, which should stay few."""
_OVERLAP: Final = timedelta(minutes=10)
"""How far the search for what changed since reaches back before the list: clocks differ, and Shopify's search may show
a change late.
"""


class NoList(Enum):
    """There is no list now."""

    UNDER_WAY = auto()
    """Shopify is making it: a later run has it."""
    BY_PAGES = auto()
    """Pages have to be read instead."""


@dataclass(frozen=True, slots=True)
class BulkList:
    """A list that Shopify has made."""

    job: BulkJob
    state: BulkState

    @property
    def changed_since(self) -> datetime:
        """What changed at or after it may differ from the list."""
        return self.job.started_at - _OVERLAP


@dataclass(frozen=True, slots=True)
class BulkReading:
    """Of one flow of one store."""

    jobs: BulkJobs
    http: httpx.AsyncClient
    """For the files, without the shop's token."""

    async def ask(self, document: str, what: str) -> BulkList | NoList:
        """The list that queries/<document>.graphql gives, if Shopify has made it; else it is begun, or waited for.

        Raises TransientError where Shopify does not tell what became of it, DeniedError and StorageAwayError.
        """
        was_begun = await self.jobs.is_begun()
        found = await self.jobs.resume()
        if found is None:  # where every start is lost, none is waited for again and again
            return NoList.BY_PAGES if was_begun else await self._begin(document, what)
        job, state = found
        age = self.jobs.now() - job.started_at
        if not state.status.is_over:
            if age <= PATIENCE:
                return NoList.UNDER_WAY
            await self.jobs.end(job, state, unused="Shopify takes too long with it. Pages are read instead")
            return NoList.BY_PAGES
        if state.status is BulkStatus.COMPLETED and age <= FRESH:
            return BulkList(job, state)
        await self.jobs.end(job, state)
        return await self._begin(document, what) if age > FRESH else NoList.BY_PAGES

    async def rows(self, made: BulkList) -> AsyncIterator[dict[str, Any]]:
        """Its nodes, one by one. Raises TransientError where they are not as many as Shopify counted: such a list is
        no proof that something is gone.
        """
        count = 0
        if made.state.results is not None:
            async for row in bulk.read_rows(self.http, made.state.results):
                count += 1
                yield row
        if count != made.state.done:
            raise TransientError(f"a list of {made.state.done} lines ends after {count}")

    async def end(self, made: BulkList, *, unused: str = "") -> None:
        """Forgets it; `unused` says why it was not used."""
        await self.jobs.end(made.job, made.state, unused=unused)

    async def _begin(self, document: str, what: str) -> NoList:
        query = queries.load(document)
        try:
            await self.jobs.start(document, what, (), lambda: bulk.start_query(self.jobs.admin, query))
        except (DeniedError, StorageAwayError):
            raise
        except OutcomeUnknownError:
            return NoList.UNDER_WAY  # it may be
        except (RefusedError, TransientError) as error:
            emit("bulk.not_taken", level=logging.WARNING, document=document, reason=type(error).__name__)
            return NoList.BY_PAGES
        return NoList.UNDER_WAY
