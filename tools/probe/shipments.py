"""What F&O shows of packing slips, and how they can be searched. Nothing is written."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from shared.d365.entities import (
    PACKING_SLIP_LINES,
    PACKING_SLIP_VERSIONS,
    PACKING_SLIPS,
    READ,
    SALES_LINE_PROGRESS,
    SALES_TABLE,
    SLIP_TRACKING,
)
from shared.d365.odata.filters import Filter, eq, since
from shared.errors import ErrorCode, RefusedError
from shared.rules import ShipmentsEntity
from tools.probe.sandbox import Sandbox

_NOBODYS: Final = "PROBE-NONE"
"""The number of no packing slip."""


async def shipments(sandbox: Sandbox, entity: ShipmentsEntity | None) -> None:
    """Which sets there are, and which of their times can be filtered; and whether the tenant's own entity is right."""
    if entity is not None:
        await _own_entity(sandbox, entity)
    await _slips(sandbox)
    await _search(sandbox)
    await _stamps(sandbox)
    refusal = await _refusal(sandbox, SLIP_TRACKING, eq("PackingSlipNumber", _NOBODYS))
    _answer(sandbox, "slip_tracking", refusal, SLIP_TRACKING)


async def _slips(sandbox: Sandbox) -> None:
    refused = [
        refusal
        for name in (PACKING_SLIPS, PACKING_SLIP_LINES)
        if (refusal := await _refusal(sandbox, name, eq("PackingSlipId", _NOBODYS))) is not None
    ]
    _answer(sandbox, "packing_slips", refused[0] if refused else None, f"{PACKING_SLIPS} and {PACKING_SLIP_LINES}")


async def _search(sandbox: Sandbox) -> None:
    """The first way that F&O permits."""
    key, now = "slip_search", datetime.now(UTC)
    lines = await _refusal(sandbox, PACKING_SLIP_LINES, since("CreatedOn", now))
    versions = await _refusal(sandbox, PACKING_SLIP_VERSIONS, since("VersionDateTime", now))
    refusal = lines or versions
    if refusal is None:
        sandbox.answer(key, "by_time", "CreatedOn and VersionDateTime can be filtered")
        return
    if await _refusal(sandbox, SALES_LINE_PROGRESS, since("SysModifiedDateTime", now)) is None:
        sandbox.answer(key, "by_line", f"{refusal}; SysModifiedDateTime of {SALES_LINE_PROGRESS} can be filtered")
    else:
        sandbox.answer(key, "by_order", f"{refusal}; nor can SysModifiedDateTime of {SALES_LINE_PROGRESS}")


async def _stamps(sandbox: Sandbox) -> None:
    now = datetime.now(UTC)
    for name in (SALES_TABLE, SALES_LINE_PROGRESS):
        refusal = await _refusal(sandbox, name, since("SysModifiedDateTime", now))
        if refusal is not None:
            sandbox.answer("order_stamps", "no", str(refusal))
            return
    sandbox.answer("order_stamps", "yes", "SysModifiedDateTime of sales orders and their lines can be filtered")


async def _own_entity(sandbox: Sandbox, entity: ShipmentsEntity) -> None:
    """Whether it has all of its fields, and can be searched by them."""
    filters = [eq(entity.sales_order, _NOBODYS)]
    filters += [since(entity.changed_at, datetime.now(UTC))] if entity.changed_at else []
    for where in filters:
        read = sandbox.fo.query(
            entity.entity_set, company=sandbox.company, where=where, select=entity.fields, key=entity.key
        )
        refusal = await sandbox.attempt(read)
        if isinstance(refusal, RefusedError):
            sandbox.say(f"  shipments_entity cannot be used: {refusal}")
            return
    sandbox.say(f"  shipments_entity {entity.entity_set} has its fields, and can be searched")


async def _refusal(sandbox: Sandbox, entity_set: str, where: Filter) -> RefusedError | None:
    read = sandbox.fo.query(entity_set, company=sandbox.company, where=where, select=READ[entity_set])
    found = await sandbox.attempt(read)
    return found if isinstance(found, RefusedError) else None


def _answer(sandbox: Sandbox, key: str, refusal: RefusedError | None, what: str) -> None:
    if refusal is None:
        sandbox.answer(key, "yes", f"F&O has {what}")
    elif refusal.code == ErrorCode.FO_SET_MISSING:
        sandbox.answer(key, "no", str(refusal))
    else:
        sandbox.unanswered(key, str(refusal))
