"""Customer payment journals in F&O: one open journal that many workers write lines into, each line once.

    reserve  take line numbers of the open journal from a row that all instances share, guarded by an ETag; an instance
             that finds no journal in the row opens one, with a lease of `_LEASE`
    write    all lines in one change set
    next     a journal that was posted (or deleted) meanwhile takes no lines: a new journal is used, with a number after
             the description
    wait     a journal that a user has open, or that is being posted, takes no lines for the moment

Before a journal is created, F&O is searched for it, so that an interrupted attempt leads to no second journal. Line
numbers that were reserved and not used stay unused.

Lines are looked up in the journals that they can be in. F&O has no index for payment ids and references: a search
without a journal reads all lines that were ever written.
"""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final, Protocol

from shared.d365.documents import rows_with
from shared.d365.entities import PAYMENT_JOURNALS, PAYMENT_LINES, READ
from shared.d365.odata.answers import settling_time
from shared.d365.odata.batch import Operation
from shared.d365.odata.client import ODataClient
from shared.d365.odata.filters import Filter, all_of, chunks, eq
from shared.errors import ConnectorError, RefusedError, TransientError
from shared.model.fo_order import FoRow

_BATCH: Final = "JournalBatchNumber"
_LEASE: Final = timedelta(minutes=5)  # longer than one invocation may last (host.json)
_RETRY_DELAY: Final = timedelta(seconds=2)
_ATTEMPTS: Final = 20
_IN_USE: Final = re.compile(r"\bjournal\b.{0,80}?\b(?:in use|used by|blocked|locked|being posted)\b", re.IGNORECASE)
"""Assumed: F&O's sentences about it were not recorded, and its user's language must be English."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalDraft:
    """The journal that lines are to be written to."""

    company: str
    name: str
    """F&O's journal name, of the type customer payment."""
    description: str
    """Set by us; identifies our journals."""


@dataclass(frozen=True, slots=True)
class ReservedLines:
    """The journal and the numbers of lines in it."""

    journal: str
    lines: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class JournalState:
    """The state of one open journal, shared by all instances."""

    number: str = ""
    """JournalBatchNumber; "" while it is being opened."""
    turn: int = 1
    """Which of the journals with this description, posted ones counted; from 1."""
    next_line: int = 1
    opening_until: datetime | None = None
    """Until this time another instance may be creating it."""

    def as_row(self) -> dict[str, Any]:
        until = self.opening_until.isoformat() if self.opening_until else ""
        return {"number": self.number, "turn": self.turn, "next_line": self.next_line, "opening_until": until}

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> JournalState:
        until = datetime.fromisoformat(row["opening_until"]) if row["opening_until"] else None
        return cls(row["number"], row["turn"], row["next_line"], until)


class JournalRows(Protocol):
    """The store of the states; names are any text."""

    async def load(self, name: str) -> tuple[Mapping[str, Any] | None, str | None]:
        """The row and its ETag, or (None, None)."""

    async def save(self, name: str, row: Mapping[str, Any], etag: str | None) -> str | None:
        """The new ETag, or None when another instance has changed (etag None: created) the row since it was loaded."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


class PaymentJournals:
    """Use one for the whole process: its lock keeps the workers of one process from competing for the shared row."""

    def __init__(self, client: ODataClient, rows: JournalRows, *, now: Callable[[], datetime] = _utc_now) -> None:
        self._client = client
        self._rows = rows
        self._now = now
        self._locks: defaultdict[JournalDraft, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def find(self, company: str, payment_ids: Iterable[str], journals: Iterable[str]) -> list[FoRow]:
        """The lines with these payment ids in these journals (JournalBatchNumber), posted or not."""
        wanted = sorted(set(payment_ids))
        return [
            row
            for journal in sorted(set(journals))
            for ids in chunks("PaymentId", wanted)
            for row in await self._lines(company, all_of(eq(_BATCH, journal), ids))
            if row["PaymentId"] in wanted
        ]

    async def search(self, company: str, payment_ids: Iterable[str]) -> list[FoRow]:
        """The lines with these payment ids in any journal of the company. Slow: see above."""
        wanted = sorted(set(payment_ids))
        rows = [row for ids in chunks("PaymentId", wanted) for row in await self._lines(company, ids)]
        return [row for row in rows if row["PaymentId"] in wanted]

    async def of_order(self, company: str, sales_order: str, journals: Iterable[str]) -> list[FoRow]:
        """The lines that name this sales order in these journals, lines that staff wrote included."""
        reference = eq("PaymentReference", sales_order)
        return [
            row
            for journal in sorted(set(journals))
            for row in await self._lines(company, all_of(eq(_BATCH, journal), reference))
            if row["PaymentReference"] == sales_order
        ]

    async def search_order(self, company: str, sales_order: str) -> list[FoRow]:
        """The lines that name this sales order in any journal. Slow: see above."""
        return await rows_with(self._client, PAYMENT_LINES, company, "PaymentReference", sales_order)

    async def numbers(self, draft: JournalDraft) -> list[str]:
        """The numbers of the journals that lines with this draft can be in: the open one, and those before it."""
        state, _ = await self._load(draft)
        if state is None or not state.number:
            numbers: list[str] = []
            turn = 1
            while found := await self._described(draft, [turn]):
                numbers += [row[_BATCH] for row in found]
                turn += 1
            return numbers
        if state.turn == 1:
            return [state.number]
        return [row[_BATCH] for row in await self._described(draft, range(1, state.turn + 1))]

    async def _lines(self, company: str, where: Filter) -> list[FoRow]:
        return await self._client.query(PAYMENT_LINES, company=company, where=where, select=READ[PAYMENT_LINES])

    async def book(self, draft: JournalDraft, lines: Sequence[FoRow]) -> ReservedLines:
        """Writes the lines, all or none, into the open journal, which is created when there is none.

        The caller must have checked that F&O has none of them. Raises TransientError while another instance opens the
        journal, or a user of F&O has it open; OutcomeUnknownError when the lines may have been written: find() shows
        whether they were.
        """
        for _ in range(_ATTEMPTS):
            reserved = await self._reserve(draft, len(lines))
            place = {"dataAreaId": draft.company, _BATCH: reserved.journal}
            operations = [
                Operation("POST", PAYMENT_LINES, body={**line, **place, "LineNumber": Decimal(number)})
                for number, line in zip(reserved.lines, lines, strict=True)
            ]
            try:
                await self._client.change_set(operations)
            except RefusedError as refusal:
                # F&O's reason may be in any language, so the journal is read to find out whether it still takes lines.
                if not await self._is_replaced(draft, reserved):
                    if _IN_USE.search(refusal.details.get("infolog", "")):
                        raise TransientError(f"payment journal {reserved.journal} is in use in F&O") from refusal
                    raise
            else:
                return reserved
        raise TransientError(f"the journal “{draft.description}” changes faster than lines can be written")

    async def _reserve(self, draft: JournalDraft, count: int) -> ReservedLines:
        async with self._locks[draft]:
            for _ in range(_ATTEMPTS):
                state, etag = await self._load(draft)
                if state is None or not state.number:
                    await self._open(draft, state or JournalState(), etag)
                    continue
                numbers = tuple(range(state.next_line, state.next_line + count))
                if await self._save(draft, replace(state, next_line=state.next_line + count), etag):
                    return ReservedLines(state.number, numbers)
        raise TransientError(f"too many instances write to the journal “{draft.description}”", retry_after=_RETRY_DELAY)

    async def _open(self, draft: JournalDraft, state: JournalState, etag: str | None) -> None:
        """Writes the open journal into the row, unless another instance was faster.

        While another instance is creating the journal it is only looked up; raises TransientError until F&O has it.
        """
        now = self._now()
        if state.opening_until is not None and now < state.opening_until:
            found, _ = await self._find_open(draft, state.turn)
            if found is None:
                raise TransientError(
                    "another instance opens the payment journal",
                    retry_after=min(_RETRY_DELAY, state.opening_until - now),
                )
            await self._save(draft, found, etag)
            return
        etag = await self._save(draft, replace(state, opening_until=now + _LEASE), etag)
        if etag is None:
            return
        try:
            opened = await self._find_or_create(draft, state.turn)
        except ConnectorError as error:
            await self._save(draft, replace(state, opening_until=self._now() + settling_time(error)), etag)
            raise
        await self._save(draft, opened, etag)

    async def _find_or_create(self, draft: JournalDraft, turn: int) -> JournalState:
        found, free = await self._find_open(draft, turn)
        if found is not None:
            return found
        created = await self._client.create(
            PAYMENT_JOURNALS,
            {"dataAreaId": draft.company, "JournalName": draft.name, "Description": _description(draft, free)},
        )
        return JournalState(number=created[_BATCH], turn=free)

    async def _find_open(self, draft: JournalDraft, turn: int) -> tuple[JournalState | None, int]:
        """The open journal of this turn or a later one; else None and the first turn without a journal in F&O."""
        while True:
            ours = await self._described(draft, [turn])
            if not ours:
                return None, turn
            still_open = [row[_BATCH] for row in ours if row["IsPosted"] == "No"]
            if still_open:
                number = min(still_open)
                last = max(await self._line_numbers(draft, number), default=0)
                return JournalState(number, turn, last + 1), turn
            turn += 1

    async def _described(self, draft: JournalDraft, turns: Iterable[int]) -> list[FoRow]:
        """The journals of these turns."""
        descriptions = [_description(draft, turn) for turn in turns]
        name = eq("JournalName", draft.name)
        rows = [
            row
            for where in chunks("Description", descriptions)
            for row in await self._client.query(
                PAYMENT_JOURNALS, company=draft.company, where=all_of(name, where), select=READ[PAYMENT_JOURNALS]
            )
        ]
        return [row for row in rows if row["Description"] in descriptions]

    async def _is_replaced(self, draft: JournalDraft, reserved: ReservedLines) -> bool:
        """Whether the journal takes these lines no more; then the shared row is set to where the next lines go."""
        journal = await self._client.get(PAYMENT_JOURNALS, {"dataAreaId": draft.company, _BATCH: reserved.journal})
        state, etag = await self._load(draft)
        if state is None or state.number != reserved.journal:
            return True
        if journal is None or journal["IsPosted"] == "Yes":
            await self._save(draft, JournalState(turn=state.turn + (journal is not None)), etag)
            return True
        used = await self._line_numbers(draft, reserved.journal)
        if used.isdisjoint(reserved.lines):
            return False
        # A person wrote lines with our numbers in F&O.
        await self._save(draft, replace(state, next_line=max(state.next_line, *(number + 1 for number in used))), etag)
        return True

    async def _line_numbers(self, draft: JournalDraft, journal: str) -> set[int]:
        where = eq(_BATCH, journal)
        rows = await self._client.query(PAYMENT_LINES, company=draft.company, where=where, select=("LineNumber",))
        return {int(row["LineNumber"]) for row in rows}

    async def _load(self, draft: JournalDraft) -> tuple[JournalState | None, str | None]:
        row, etag = await self._rows.load(_row_name(draft))
        return (JournalState.of(row) if row else None), etag

    async def _save(self, draft: JournalDraft, state: JournalState, etag: str | None) -> str | None:
        return await self._rows.save(_row_name(draft), state.as_row(), etag)


def _row_name(draft: JournalDraft) -> str:
    return f"{draft.company} {draft.name} {draft.description}"


def _description(draft: JournalDraft, turn: int) -> str:
    return draft.description if turn == 1 else f"{draft.description} {turn}"
