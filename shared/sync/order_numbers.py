"""The flow write_back: F&O's order numbers from the outbox to the orders in Shopify.

Read what Shopify shows, write what differs, delete the row. A run that stops in between (crash, no answer, time limit)
leaves the row, and the next run reads again: what Shopify already shows is not written twice.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from itertools import batched
from typing import Final

from shared.errors import ErrorCode, RefusedError
from shared.flows import WRITE_BACK
from shared.rules import StoreRules
from shared.shopify.admin.client import AdminClient
from shared.shopify.write_back import (
    BATCH,
    MetafieldKey,
    MetafieldUpdate,
    OrderRejection,
    RejectionCause,
    WriteBackState,
    add_tag,
    read_shown,
    set_metafields,
)
from shared.store.blobs import Snapshots
from shared.store.journal import Journal, JournalEntry
from shared.store.outbox import Outbox, Outgoing
from shared.sync.each_store import for_each_store, noting_halt
from shared.sync.metafield_definitions import ensure_number_definition
from shared.telemetry import emit

_MAX_ORDERS: Final = 1000
"""Orders of a store in one run."""

_TIME_LIMIT: Final = timedelta(minutes=3)
"""No batch begins after it: the run is cut off after FLOW_TIME (shared/sync/deadline.py)."""

_MAX_LOOKUPS: Final = 4
"""How often an order is looked for: its webhook may arrive before Shopify's API shows it."""

_FIRST_WAIT: Final = timedelta(minutes=1)
_LONGEST_WAIT: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class WriteBackPorts:
    rules: Mapping[str, StoreRules]
    admins: Mapping[str, AdminClient]
    """Both by store key."""
    outbox: Outbox
    journal: Journal
    snapshots: Snapshots


@dataclass(slots=True)
class WriteBackReport:
    """What one run did for one store, in orders."""

    numbers: int = 0
    """Metafields set."""
    tags: int = 0
    """Tags added."""
    settled: int = 0
    """Rows deleted from the outbox, whether or not something was written."""
    gone: int = 0
    """Of these, orders that Shopify does not have."""
    newer: int = 0
    """Orders whose row was written again meanwhile; the next run handles them."""
    stale: int = 0
    """Orders whose metafield changed meanwhile; the next run handles them."""
    put_off: int = 0
    """Orders whose number Shopify refused, or that Shopify does not show yet."""
    halted: str | None = None
    """Why the run ended early."""


async def push_numbers(ports: WriteBackPorts, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
    """Every store's order numbers. What throttling leaves undone waits for the next run. Raises what for_each_store
    does.
    """
    await for_each_store(WRITE_BACK, ports.rules.values(), lambda rules: _push(rules, ports, now))


async def _push(rules: StoreRules, ports: WriteBackPorts, now: Callable[[], datetime]) -> None:
    began = now()
    report = WriteBackReport()
    push = _NumberPush(rules, ports.admins[rules.key], ports, now, report)
    try:
        with noting_halt(report):
            await push.run()
    finally:
        if report != WriteBackReport():
            level = logging.WARNING if report.halted else logging.INFO
            emit("write_back.pushed", level=level, **asdict(report), seconds=(now() - began).total_seconds())


@dataclass(frozen=True, slots=True)
class _NumberPush:
    """A run under way, for one store."""

    rules: StoreRules
    admin: AdminClient
    ports: WriteBackPorts
    now: Callable[[], datetime]
    report: WriteBackReport

    async def run(self) -> None:
        began = self.now()
        rows = await self.ports.outbox.due(self.rules.key, began, limit=_MAX_ORDERS)
        if rows:
            await ensure_number_definition(self.rules, self.admin, self.ports.snapshots, self.ports.journal, began)
        for batch in batched(rows, BATCH, strict=False):
            if self.now() >= began + _TIME_LIMIT:
                self.report.halted = "time limit reached"
                return
            await self._converge(batch)

    @property
    def _slot(self) -> MetafieldKey:
        return MetafieldKey(self.rules.write_back.namespace, self.rules.write_back.key)

    async def _converge(self, batch: Sequence[Outgoing]) -> None:
        shown = await read_shown(self.admin, [row.order_id for row in batch], self._slot)
        objections = await self._set_numbers([row for row in batch if row.order_id in shown], shown)
        for row in batch:
            if row.order_id not in shown:
                objection: OrderRejection | None = OrderRejection(
                    row.order_id, RejectionCause.GONE, "Shopify does not show the order."
                )
            else:
                objection = objections.get(row.order_id) or await self._add_tag(row, shown[row.order_id])
            if objection is None:
                await self._settle(row)
            else:
                await self._object(row, objection)

    async def _set_numbers(
        self, rows: Iterable[Outgoing], shown: Mapping[int, WriteBackState]
    ) -> dict[int, OrderRejection]:
        """Sets the numbers that differ. Returns Shopify's objections by order; all others are set."""
        notes = [
            MetafieldUpdate(row.order_id, row.number, shown[row.order_id].digest)
            for row in rows
            if shown[row.order_id].value != row.number
        ]
        found = await set_metafields(self.admin, notes, self._slot) if notes else []
        self.report.numbers += len(notes) - len(found)
        return {objection.order_id: objection for objection in found}

    async def _add_tag(self, row: Outgoing, shown: WriteBackState) -> OrderRejection | None:
        tag = self.rules.write_back.tag_for(row.number)
        if tag is None or tag.casefold() in shown.tags:
            return None
        objection = await add_tag(self.admin, row.order_id, tag)
        self.report.tags += objection is None
        return objection

    async def _settle(self, row: Outgoing) -> None:
        if await self.ports.outbox.settle(row):
            self.report.settled += 1
        else:
            self.report.newer += 1

    async def _object(self, row: Outgoing, objection: OrderRejection) -> None:
        """Settles a row that can never be written, and postpones others. A stale metafield is read again in the next
        run.
        """
        attempt = row.attempts + 1
        if objection.cause is RejectionCause.STALE:
            self.report.stale += 1
        elif objection.cause is RejectionCause.GONE and attempt >= _MAX_LOOKUPS:
            note = (
                "F&O's number was not written back: Shopify does not have the order, or no longer shows it to the app"
            )
            await self._record(row, "done", note)
            self.report.gone += 1
            await self._settle(row)
        else:
            until = self.now() + min(_FIRST_WAIT * (1 << min(row.attempts, 12)), _LONGEST_WAIT)
            if objection.cause is RejectionCause.REFUSED:
                await self._refused(row, objection, until)
            self.report.put_off += 1
            await self.ports.outbox.put_off(row, until)

    async def _refused(self, row: Outgoing, objection: OrderRejection, until: datetime) -> None:
        """Reported at every attempt, in the end once a day: a person has to grant or correct what Shopify's message
        names.
        """
        refusal = RefusedError(ErrorCode.SHOPIFY_REJECTED, what="F&O's number on the order", message=objection.message)
        emit(
            "write_back.refused",
            level=logging.WARNING,
            entity_id=row.order_id,
            document=row.number,
            code=refusal.code,
            owner=refusal.entry.owner,
        )
        evidence = {"next_step": refusal.next_step, "owner": refusal.entry.owner}
        await self._record(row, "waiting", f"{refusal.code}: {refusal.cause}", until=until, evidence=evidence)

    async def _record(
        self,
        row: Outgoing,
        outcome: str,
        note: str,
        *,
        until: datetime | None = None,
        evidence: Mapping[str, object] | None = None,
    ) -> None:
        await self.ports.journal.write(
            JournalEntry(
                store=row.store,
                entity_id=str(row.order_id),
                event_id=f"write-back-{row.number}",
                topic="write_back",
                attempt=row.attempts + 1,
                at=self.now(),
                outcome=outcome,
                note=note,
                document=row.number,
                waiting_until=until,
                evidence=evidence or {},
            )
        )
