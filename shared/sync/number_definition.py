"""The definition of the metafield that holds F&O's number: made once in each shop, before the first number."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Final

from shared.errors import DeniedError, ErrorCode, RefusedError
from shared.rules import StoreRules
from shared.shopify.admin.client import AdminClient
from shared.shopify.write_back import MetafieldKey, define
from shared.store.blobs import Snapshots
from shared.store.journal import Journal, JournalEntry
from shared.telemetry import emit

_AGAIN_AFTER: Final = timedelta(days=1)


async def ensure_definition(
    rules: StoreRules, admin: AdminClient, snapshots: Snapshots, journal: Journal, now: datetime
) -> None:
    """Makes the definition if the shop has none. What Shopify refuses is told, and tried again a day later: numbers are
    written without it, where only staff do not see them. Raises TransientError where Shopify does not answer.
    """
    slot = MetafieldKey(rules.write_back.namespace, rules.write_back.key)
    document, name = f"write_back/{rules.key}", f"{slot.namespace}.{slot.key}"
    known, etag = await snapshots.read(document)
    if known is not None and known["metafield"] == name:
        refused_at = known["refused_at"]
        if not refused_at or now < datetime.fromisoformat(refused_at) + _AGAIN_AFTER:
            return
    try:
        message = await define(admin, slot)
    except DeniedError as denied:
        message = denied.refusal.cause
    except RefusedError as refusal:
        message = refusal.cause
    if message:
        await _tell(rules.key, name, message, journal, now)
    value = {"metafield": name, "refused_at": now.isoformat() if message else ""}
    await snapshots.write(document, value, etag)


async def _tell(store: str, name: str, message: str, journal: Journal, now: datetime) -> None:
    refusal = RefusedError(ErrorCode.SHOPIFY_REJECTED, what=f"the definition of the metafield {name}", message=message)
    emit(
        "write_back.definition_refused", level=logging.WARNING, code=refusal.code, owner=refusal.entry.owner, name=name
    )
    await journal.write(
        JournalEntry(
            store=store,
            entity_id="",
            event_id=f"definition-{name}",
            topic="write_back",
            attempt=1,
            at=now,
            outcome="refused",
            note=f"{refusal.code}: {refusal.cause}",
            waiting_until=now + _AGAIN_AFTER,
            evidence={"next_step": refusal.next_step, "owner": refusal.entry.owner},
        )
    )
