"""Messages that cannot succeed as they are: kept whole, with the reason and the next step, until somebody acts."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceModifiedError
from azure.data.tables import UpdateMode
from azure.data.tables.aio import TableClient

from shared.errors import RefusedError
from shared.model import Part
from shared.store import tables
from shared.store.blobs import Bodies
from shared.store.proofs import cut_proof

_SHORT: Final = {
    "cause": "The table did not take the cause. The body is kept whole.",
    "next_step": "Look the code up in docs/errors.md.",
    "proof": "",
}
_PART: Final = "|"
_AFTER_PART: Final = "}"
"""The character after the one that parts an event's id from its part."""


@dataclass(frozen=True, slots=True)
class ParkedMessage:
    """The message as it can be sent again, and why it was not."""

    flow: str
    store: str
    event_id: str
    entity_id: str
    at: datetime
    properties: Mapping[str, str | int]
    """The message's application properties."""
    body: bytes
    error: RefusedError
    part: Part = Part.READING
    """The part of the event that was refused."""
    number: int = 0
    """Among all that is parked of this part of the event."""


class State(StrEnum):
    OPEN = "open"
    """Waits for a person."""
    REPLAYED = "replayed"
    """Sent again; should it be refused again, that is a row of its own."""
    DISCARDED = "discarded"
    """A person decided that nothing comes of it."""
    RESOLVED = "resolved"
    """A later event of the same order was done in the same part, so nothing is left to do about this one."""


@dataclass(frozen=True, slots=True)
class Parked:
    """A row of the table: everything but the body."""

    flow: str
    store: str
    event_id: str
    entity_id: str
    at: datetime
    code: str
    cause: str
    owner: str
    next_step: str
    properties: Mapping[str, str | int]
    state: State
    closed_at: datetime | None
    why: str
    """Of a closed one."""
    blob: str
    sha256: str
    etag: str
    part: Part = Part.ORDER
    number: int = 0
    """Among all that is parked of this part of the event."""
    proof: Mapping[str, Any] | None = None
    """What was compared, of a message that was refused because amounts differ."""


class Parking:
    """The table `parked` (partition = flow and store, row = event, part and number) and a container with the bodies.

    Closed rows stay as the record of who decided what; so do their bodies: no rule deletes them.
    """

    def __init__(self, table: TableClient, bodies: Bodies) -> None:
        self._table = table
        self._bodies = bodies

    async def park(self, message: ParkedMessage) -> None:
        """Body first, then the row: a row always has its body. Parking the same event twice leaves one row.

        Causes and next steps are cut. A row that the table does not take is kept in short: without proof, cause and
        next step, but with code and body.
        """
        blob = tables.key(f"{message.flow}-{message.store}-{message.event_id}")
        sha256 = await self._bodies.put(blob, message.body)
        proof = message.error.proof
        row = {
            "PartitionKey": _partition(message.flow, message.store),
            "RowKey": _row_key(message.event_id, message.part, message.number),
            "event_id": tables.cut(message.event_id),
            "part": message.part.value,
            "number": message.number,
            "flow": tables.cut(message.flow),
            "store": tables.cut(message.store),
            "code": message.error.code,
            "cause": tables.cut(message.error.cause, tables.REASON_LIMIT),
            "owner": message.error.entry.owner.value,
            "next_step": tables.cut(message.error.next_step, tables.REASON_LIMIT),
            "entity_id": tables.cut(message.entity_id),
            "at": message.at.isoformat(),
            "properties": _as_json(message.properties) or "{}",
            "state": State.OPEN.value,
            "closed_at": "",
            "why": "",
            "blob": blob,
            "sha256": sha256,
            "proof": _as_json(cut_proof(proof)) if proof else "",
        }
        try:
            await tables.overwrite(self._table, row)
        except HttpResponseError as problem:
            if not tables.is_refused(problem):
                raise
            await tables.overwrite(self._table, row | _SHORT)

    async def open(self) -> list[Parked]:
        """Every message that waits for a person, oldest first."""
        found = self._query("state eq @state", state=State.OPEN.value)
        return sorted([one async for one in found], key=lambda one: one.at)

    async def all(self) -> list[Parked]:
        """The closed ones too, oldest first."""
        found = self._query("PartitionKey ge @least", least="")
        return sorted([one async for one in found], key=lambda one: one.at)

    async def of_event(self, event_id: str) -> list[Parked]:
        """Several when several parts of it were refused, or different stores or flows have an event of this id."""
        first = tables.key(event_id)
        found = self._query("RowKey ge @first and RowKey lt @after", first=first, after=f"{first}{_AFTER_PART}")
        return [one async for one in found if tables.key(one.event_id) == first]

    async def body(self, parked: Parked) -> bytes:
        """Raises RefusedError CLAIM_MISSING when somebody deleted it."""
        return await self._bodies.get(parked.blob, sha256=parked.sha256)

    async def close(self, parked: Parked, state: State, why: str, now: datetime) -> bool:
        """Whether the row is closed now; not if somebody changed it since it was read."""
        partition = _partition(parked.flow, parked.store)
        row = {"PartitionKey": partition, "RowKey": _row_key(parked.event_id, parked.part, parked.number)}
        why = tables.cut(why, tables.REASON_LIMIT)
        closed = {**row, "state": state.value, "closed_at": now.isoformat(), "why": why}
        try:
            await self._table.update_entity(
                closed, mode=UpdateMode.MERGE, etag=parked.etag, match_condition=MatchConditions.IfNotModified
            )
        except ResourceModifiedError:
            return False
        return True

    async def close_all(
        self,
        flow: str,
        store: str,
        entity_id: str,
        *,
        state: State,
        why: str,
        now: datetime,
        parts: Collection[Part] = frozenset(Part),
    ) -> None:
        """Closes every open row about these parts of one entity. A row that was parked again meanwhile stays open."""
        for parked in await self.open_of(flow, store, entity_id):
            if parked.part in parts:
                await self.close(parked, state, why, now)

    async def open_of(self, flow: str, store: str, entity_id: str) -> list[Parked]:
        """Every message about one entity that waits for a person."""
        found = self._query(
            "PartitionKey eq @partition and entity_id eq @entity and state eq @state",
            partition=_partition(flow, store),
            entity=entity_id,
            state=State.OPEN.value,
        )
        return [one async for one in found]

    async def open_parts(self, flow: str, store: str, parts: Collection[Part]) -> set[str]:
        """The entities with a message about any of these parts that waits for a person."""
        found = self._query(
            "PartitionKey eq @partition and state eq @state", partition=_partition(flow, store), state=State.OPEN.value
        )
        return {one.entity_id async for one in found if one.part in parts}

    async def _query(self, where: str, **parameters: str) -> AsyncIterator[Parked]:
        async for row in self._table.query_entities(where, parameters=parameters):
            yield _read({**row, "etag": row.metadata["etag"]})


def _as_json(value: Mapping[str, Any]) -> str:
    """Empty for what is too long for a text of the table."""
    text = json.dumps(dict(value), ensure_ascii=False)
    return tables.cut(text) if tables.fits(text) else ""


def _row_key(event_id: str, part: Part, number: int) -> str:
    """The event alone where it was refused as a whole, or its sales order was: one of both at most."""
    suffix = "" if part in {Part.READING, Part.ORDER} else f"{_PART}{part}"
    further = f"{_PART}{number}" if number else ""
    return f"{tables.key(event_id)}{suffix}{further}"


def _partition(flow: str, store: str) -> str:
    return tables.key(f"{flow}-{store}")


def _read(row: Mapping[str, Any]) -> Parked:
    return Parked(
        flow=row["flow"],
        store=row["store"],
        event_id=row.get("event_id") or row["RowKey"],  # rows of earlier releases are named by the event alone
        part=Part(row["part"]) if row.get("part") else Part.ORDER,
        number=row.get("number", 0),  # rows of earlier releases are the only ones of their part
        entity_id=row["entity_id"],
        at=datetime.fromisoformat(row["at"]),
        code=row["code"],
        cause=row["cause"],
        owner=row["owner"],
        next_step=row["next_step"],
        properties=json.loads(row["properties"]),
        state=State(row["state"]),
        closed_at=datetime.fromisoformat(row["closed_at"]) if row["closed_at"] else None,
        why=row["why"],
        blob=row["blob"],
        sha256=row["sha256"],
        etag=row["etag"],
        proof=json.loads(row["proof"]) if row.get("proof") else None,  # rows of older versions have none
    )
