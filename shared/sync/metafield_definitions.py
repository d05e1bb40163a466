"""The definitions of the metafields that hold F&O's number and its status: made once in each shop, before the first."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Final

from shared.errors import DeniedError, ErrorCode, RefusedError
from shared.rules import StoreRules
from shared.shopify.admin.client import AdminClient
from shared.shopify.write_back import NUMBER_TEXTS, DefinitionTexts, MetafieldKey, define
from shared.store.blobs import Snapshots
from shared.store.journal import Journal, JournalEntry
from shared.telemetry import emit

_AGAIN_AFTER: Final = timedelta(days=1)


async def ensure_number_definition(
    rules: StoreRules, admin: AdminClient, snapshots: Snapshots, journal: Journal, now: datetime
) -> None:
    """As ensure_definition; what Shopify refuses is in the journal too."""
    slot = MetafieldKey(rules.write_back.namespace, rules.write_back.key)
    refusal = await ensure_definition(f"write_back/{rules.key}", slot, NUMBER_TEXTS, admin, snapshots, now)
    if refusal is not None:
        await _write_down(rules.key, slot, refusal, journal, now)


async def ensure_definition(  # noqa: PLR0917 - what is defined, and where
    document: str, slot: MetafieldKey, texts: DefinitionTexts, admin: AdminClient, snapshots: Snapshots, now: datetime
) -> RefusedError | None:
    """Makes the definition if the shop has none. What Shopify refuses is told, returned, and tried again a day later:
    the metafield is written without it, where only staff do not see it. `document` is the snapshot that remembers it.

    Raises TransientError where Shopify does not answer.
    """
    name = f"{slot.namespace}.{slot.key}"
    known, etag = await snapshots.read(document)
    if known is not None and known["metafield"] == name:
        refused_at = known["refused_at"]
        if not refused_at or now < datetime.fromisoformat(refused_at) + _AGAIN_AFTER:
            return None
    try:
        message = await define(admin, slot, texts)
    except DeniedError as denied:
        message = denied.refusal.cause
    except RefusedError as refused:
        message = refused.cause
    value = {"metafield": name, "refused_at": now.isoformat() if message else ""}
    await snapshots.write(document, value, etag)
    if not message:
        return None
    refusal = RefusedError(ErrorCode.SHOPIFY_REJECTED, what=f"the definition of the metafield {name}", message=message)
    emit(
        "write_back.definition_refused", level=logging.WARNING, code=refusal.code, owner=refusal.entry.owner, name=name
    )
    return refusal


async def _write_down(store: str, slot: MetafieldKey, refusal: RefusedError, journal: Journal, now: datetime) -> None:
    await journal.write(
        JournalEntry(
            store=store,
            entity_id="",
            event_id=f"definition-{slot.namespace}.{slot.key}",
            topic="write_back",
            attempt=1,
            at=now,
            outcome="refused",
            note=f"{refusal.code}: {refusal.cause}",
            waiting_until=now + _AGAIN_AFTER,
            evidence={"next_step": refusal.next_step, "owner": refusal.entry.owner},
        )
    )
