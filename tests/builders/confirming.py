"""An operator who looks at all that is held of a flow, and confirms it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from shared.store.blobs import Snapshots
from shared.sync.brake import Held, confirm, digest_of, read_held_changes


async def confirm_held(
    snapshots: Snapshots, store: str, flow: str, now: datetime, *, leaving: Collection[str] = ()
) -> list[Held]:
    """Nothing where nothing is held."""
    held = [each for each in await read_held_changes(snapshots, store) if each.flow == flow]
    return await confirm(snapshots, store, flow, now, shown=digest_of(held), leaving=leaving) if held else []
