"""The app's state in Azure Table Storage. Inserts-if-absent and ETags resolve every race.

Tables are named in infra/storage.json and created by Bicep (locally by the stack), never by the app.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from hashlib import sha256
from http import HTTPStatus
from typing import Any, Final

from azure.core import MatchConditions
from azure.core.exceptions import (
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)
from azure.data.tables import TableEntity, UpdateMode
from azure.data.tables.aio import TableClient

_FORBIDDEN: Final = re.compile(r"[/\\#?%\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffd]")

TEXT_LIMIT: Final = 30_000
"""UTF-16 units of a text property, of at most 32 Ki."""
REASON_LIMIT: Final = 8_000
"""UTF-16 units of a cause, note or next step: all properties of a row have at most 1 MiB together."""
_KEY_LIMIT: Final = 480
"""UTF-16 units of a key, of at most 512: a part of an event follows it."""
_DIGEST: Final = 24
_CUT: Final = " ..."

_REFUSED: Final = (HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.REQUEST_URI_TOO_LONG)

type TableRow = dict[str, Any]
"""A row of Azure Table Storage by column name, with PartitionKey and RowKey."""


def key(text: str) -> str:
    """The text as a table key: forbidden characters replaced by "_", the end of a long one by its hash."""
    allowed = _FORBIDDEN.sub("_", text)
    if _length(allowed) <= _KEY_LIMIT:
        return allowed
    digest = sha256(text.encode(errors="surrogatepass")).hexdigest()[:_DIGEST]
    return f"{cut(allowed, _KEY_LIMIT - _DIGEST - 1)}-{digest}"


def cut(text: str, limit: int = TEXT_LIMIT) -> str:
    """The text as Azure takes it: halves of characters replaced, and cut after `limit` UTF-16 units."""
    encoded = text.encode("utf-16-le", "surrogatepass")
    if len(encoded) <= 2 * limit:
        return encoded.decode("utf-16-le", "replace")
    return encoded[: 2 * (limit - len(_CUT))].decode("utf-16-le", "replace") + _CUT


def fits(text: str, limit: int = TEXT_LIMIT) -> bool:
    """Whether `cut` leaves its length as it is."""
    return _length(text) <= limit


def is_refused(problem: Exception) -> bool:
    """Whether storage does not take what was sent, and will not take it later either."""
    return isinstance(problem, HttpResponseError) and problem.status_code in _REFUSED


def _length(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def order_key(order_id: int) -> str:
    """The row key of a row per order, padded so that keys sort as the ids do."""
    return f"order-{order_id:020d}"


def order_id_of(row_key: str) -> int:
    """The order's id in an order_key."""
    return int(row_key.removeprefix("order-"))


def part_key(order_id: int, part_id: int) -> str:
    """The row key of a part of an order (a transaction, a refund), padded so that keys sort as the ids do."""
    return f"{order_id:020d}-{part_id:020d}"


def part_ids_of(row_key: str) -> tuple[int, int]:
    """The ids of the order and of its part in a part_key."""
    order_id, part_id = map(int, row_key.split("-"))
    return order_id, part_id


def with_etag(entity: TableEntity) -> TableRow:
    """The entity as a row with its ETag under "etag"."""
    return {**entity, "etag": entity.metadata["etag"]}


async def rows_of_parts(table: TableClient, partition: str, order_id: int) -> AsyncIterator[TableRow]:
    """The rows, with their ETags, of all parts of one order."""
    found = table.query_entities(
        "PartitionKey eq @partition and RowKey ge @first and RowKey lt @after",
        parameters={"partition": partition, "first": part_key(order_id, 0), "after": part_key(order_id + 1, 0)},
    )
    async for row in found:
        yield with_etag(row)


async def read(table: TableClient, partition: str, row: str) -> TableRow | None:
    """The row with its ETag under "etag", or None."""
    try:
        entity = await table.get_entity(partition, row)
    except ResourceNotFoundError:
        return None
    return with_etag(entity)


async def write(table: TableClient, row: TableRow, *, etag: str | None, keep_others: bool = False) -> str | None:
    """Inserts (etag None) or replaces what still has the ETag. Returns the new ETag, or None when another writer was
    first. With `keep_others`, columns that the row does not name stay: a newer release may have written them.
    """
    try:
        if etag is None:
            answer = await table.create_entity(row, response_preference="return-no-content")
        else:
            answer = await table.update_entity(
                row,
                mode=UpdateMode.MERGE if keep_others else UpdateMode.REPLACE,
                etag=etag,
                match_condition=MatchConditions.IfNotModified,
            )
    except (ResourceExistsError, ResourceModifiedError, ResourceNotFoundError):
        return None
    return str(answer["etag"])


async def overwrite(table: TableClient, row: TableRow) -> None:
    """Inserts or replaces the row: for rows of which every write has the same content."""
    await table.upsert_entity(row, mode=UpdateMode.REPLACE)
