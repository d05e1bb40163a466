"""What the app remembers, in Azure Table Storage. Inserts-if-absent and ETags decide every race.

Tables are named in infra/storage.json and made by Bicep (locally by the stack), never by the app.
"""

from __future__ import annotations

import re
from typing import Any, Final

from azure.core import MatchConditions
from azure.core.exceptions import ResourceExistsError, ResourceModifiedError, ResourceNotFoundError
from azure.data.tables import UpdateMode
from azure.data.tables.aio import TableClient

_FORBIDDEN: Final = re.compile(r"[/\\#?%\x00-\x1f\x7f-\x9f]")

type Row = dict[str, Any]


def key(text: str) -> str:
    """The text as a table key: characters that keys must not hold become "_", at most 512 characters stay."""
    return _FORBIDDEN.sub("_", text)[:512]


async def read(table: TableClient, partition: str, row: str) -> Row | None:
    """The row with its ETag under "etag", or None."""
    try:
        entity = await table.get_entity(partition, row)
    except ResourceNotFoundError:
        return None
    return {**entity, "etag": entity.metadata["etag"]}


async def write(table: TableClient, row: Row, *, etag: str | None) -> str | None:
    """Inserts (etag None) or replaces what still has the ETag. Gives the new ETag, or None when somebody else was
    first.
    """
    try:
        if etag is None:
            answer = await table.create_entity(row)
        else:
            answer = await table.update_entity(
                row, mode=UpdateMode.REPLACE, etag=etag, match_condition=MatchConditions.IfNotModified
            )
    except (ResourceExistsError, ResourceModifiedError, ResourceNotFoundError):
        return None
    return str(answer["etag"])


async def overwrite(table: TableClient, row: Row) -> None:
    """Writes the row whatever was there: for rows whose key says all, so that a second write says the same."""
    await table.upsert_entity(row, mode=UpdateMode.REPLACE)
