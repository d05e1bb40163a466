"""The bulk operation that one flow of a store has in Shopify, over several runs of its timer.

What is under way is stored as `bulk/<store>/<name>` in the container `state`. It is stored before the operation is
started, so that an operation whose start was not confirmed is found again. The journal's partition `<store>-bulk` has a
row for each operation, which every run writes anew until the operation has ended.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from shared.errors import OutcomeUnknownError
from shared.shopify import bulk, queries
from shared.shopify.admin.client import QueryRunner
from shared.shopify.bulk import BulkState, BulkStatus
from shared.store.blobs import Snapshots
from shared.store.journal import Journal, JournalEntry
from shared.telemetry import emit

BULK: Final = "bulk"
"""What the journal's rows are about, in place of an order."""
_CLOCKS_DIFFER: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class BulkJob:
    document: str
    """What is carried out is queries/<document>.graphql."""
    what: str
    """In words for the journal, as "Setting prices of products"."""
    keys: tuple[str, ...]
    """What each line of a mutation's variables is about, in their order; none of a query."""
    started_at: datetime
    operation: str | None
    """Shopify's id; None while it is not known whether it was started."""
    earlier: str | None = None
    """The id of the operation before it."""


@dataclass(frozen=True, slots=True)
class BulkJobs:
    """One operation at a time."""

    admin: QueryRunner
    snapshots: Snapshots
    journal: Journal
    store: str
    name: str
    """The flow's, for what it writes; another one for what it reads, which goes on beside that."""
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    async def start(
        self, document: str, what: str, keys: tuple[str, ...], run: Callable[[], Awaitable[str]]
    ) -> BulkJob:
        """Stores the job, and has `run` start it in Shopify. Raises what `run` raises; after an OutcomeUnknownError,
        `resume` finds out what became of it.
        """
        value, etag = await self.snapshots.read(self._blob)
        job = BulkJob(document, what, keys, self.now(), None, (value or {}).get("earlier"))
        etag = await self._write(_stored(job), etag)
        try:
            operation = await run()
        except OutcomeUnknownError:
            raise
        except Exception:
            await self._write({"earlier": job.earlier}, etag)
            raise
        started = replace(job, operation=operation)
        await self._write(_stored(started), etag)
        self._tell("bulk.started", started, None)
        await self._note(started, "waiting", "Shopify has taken it")
        return started

    async def is_begun(self) -> bool:
        """Whether an operation was started, or may have been, and `end` was not called for it."""
        value, _ = await self.snapshots.read(self._blob)
        return _of_stored(value) is not None

    async def resume(self) -> tuple[BulkJob, BulkState] | None:
        """The operation that was started last, unless `end` was called for it; None for none, and for one that cannot
        be found.
        """
        value, etag = await self.snapshots.read(self._blob)
        job = _of_stored(value)
        if job is None:
            return None
        operation = job.operation
        if operation is None:
            since = job.started_at - _CLOCKS_DIFFER
            operation = await bulk.find(self.admin, queries.load(job.document), since, other_than=job.earlier)
        state = await bulk.read_state(self.admin, operation) if operation else None
        if operation is None or state is None:
            self._tell("bulk.ended", replace(job, operation=operation), None, "Shopify does not have it")
            await self._write({"earlier": job.earlier}, etag)
            await self._note(job, "left", "Shopify does not have it. The next runs do what is left to do")
            return None
        found = replace(job, operation=operation)
        if found != job:
            await self._write(_stored(found), etag)
        await self._note_state(found, state)
        return found, state

    async def end(self, job: BulkJob, state: BulkState, *, unused: str = "") -> None:
        """Forgets the operation, once its results are stored. `unused` says why they were not used."""
        self._tell("bulk.ended", job, state, unused)
        _, etag = await self.snapshots.read(self._blob)
        await self._write({"earlier": job.operation}, etag)
        if unused:
            await self._note(job, "left", unused, state)

    def _tell(self, event: str, job: BulkJob, state: BulkState | None, unused: str = "") -> None:
        """Without a state it is just started, or lost."""
        emit(
            event,
            document=job.document,
            operation=job.operation or "",
            lines=len(job.keys),
            done=state.done if state else 0,
            status=state.status if state else "",
            error=state.error if state else "",
            unused=unused,
            seconds=round(self._age(job, state).total_seconds()),
        )

    async def _note_state(self, job: BulkJob, state: BulkState) -> None:
        done = f"{state.done:,} of {len(job.keys):,}" if job.keys else f"{state.done:,}"
        at = f"{state.ended_at or self.now():%Y-%m-%d %H:%M} UTC"
        if not state.status.is_over:
            self._tell("bulk.under_way", job, state)
            await self._note(job, "waiting", f"{done} done at {at}", state)
        elif state.status is BulkStatus.COMPLETED:
            await self._note(job, "done", f"{done} done, ended at {at}", state)
        else:
            why = f" ({state.error})" if state.error else ""
            note = f"{state.status.lower()}{why} after {done}. The next runs do what is left to do"
            await self._note(job, "left", note, state)

    async def _note(self, job: BulkJob, outcome: str, note: str, state: BulkState | None = None) -> None:
        """The operation's one row: its key has when it was started."""
        lines = f", {len(job.keys):,} lines" if job.keys else ""
        await self.journal.write(
            JournalEntry(
                store=self.store,
                entity_id=BULK,
                event_id=self.name,
                topic=f"{BULK}/{self.name}",
                attempt=1,
                at=job.started_at,
                outcome=outcome,
                note=f"{job.what}{lines}, since {job.started_at:%Y-%m-%d %H:%M} UTC: {note}",
                document=job.operation or "",
                seconds=self._age(job, state).total_seconds(),
                evidence={
                    "lines": len(job.keys) or None,
                    "done": state.done if state else 0,
                    "status": state.status if state else None,
                    "error": state.error if state else None,
                },
            )
        )

    def _age(self, job: BulkJob, state: BulkState | None) -> timedelta:
        return ((state and state.ended_at) or self.now()) - job.started_at

    @property
    def _blob(self) -> str:
        return f"bulk/{self.store}/{self.name}"

    async def _write(self, value: dict[str, Any], etag: str | None) -> str:
        return await self.snapshots.write(self._blob, value, etag)


def _stored(job: BulkJob) -> dict[str, Any]:
    return {
        "document": job.document,
        "what": job.what,
        "keys": list(job.keys),
        "started_at": job.started_at.isoformat(),
        "operation": job.operation,
        "earlier": job.earlier,
    }


def _of_stored(value: Mapping[str, Any] | None) -> BulkJob | None:
    if not value or "document" not in value:
        return None
    document, keys = value["document"], tuple(value["keys"])
    at = datetime.fromisoformat(value["started_at"])
    # A release before stored no words.
    return BulkJob(document, value.get("what", document), keys, at, value["operation"], value["earlier"])
