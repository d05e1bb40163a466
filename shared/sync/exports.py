"""The flow export: every night a copy of the tables that say what F&O has, and their restoration.

A night is a folder of the container `exports`, named after its day: a file for each table (gzip, a row of JSON a line),
and a manifest, which is written last. A night without a manifest is incomplete and is never restored.
"""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from itertools import batched
from tempfile import TemporaryFile
from typing import Any, Final

from azure.core.exceptions import ResourceExistsError
from azure.data.tables.aio import TableClient
from azure.storage.blob.aio import ContainerClient

from shared.errors import ConnectorError
from shared.flows import EXPORT
from shared.store.payments import begin_anew, is_kept_apart
from shared.telemetry import correlated, emit

PAYMENTS: Final = "payments"
TABLES: Final = ("links", PAYMENTS, "refunds", "shipments")
_MANIFEST: Final = "/manifest.json"
_AT_ONCE: Final = 50
"""Rows that are inserted concurrently."""
_MOMENT: Final = "$moment"
"""Marks a date in a row's JSON."""


@dataclass(frozen=True, slots=True)
class ExportPorts:
    tables: Mapping[str, TableClient]
    """By name, those of TABLES."""
    exports: ContainerClient


@dataclass(frozen=True, slots=True)
class Restored:
    """Rows of one table."""

    inserted: int
    kept: int
    """Already there, and newer: left as they are."""


async def export_tables(ports: ExportPorts, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
    """Exports each table as it is. A second run of the same day replaces the first."""
    with correlated(flow=EXPORT.name):
        began = now()
        night = f"{began:%Y-%m-%d}"
        manifest = {name: await _export(ports, name, f"{night}/{name}.jsonl.gz") for name in TABLES}
        await ports.exports.upload_blob(f"{night}{_MANIFEST}", json.dumps(manifest), overwrite=True)
        rows = {name: entry["rows"] for name, entry in manifest.items()}
        emit("export.done", night=night, seconds=(now() - began).total_seconds(), **rows)


async def restore_tables(
    ports: ExportPorts, *, night: str | None = None, now: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> tuple[str, dict[str, Restored]]:
    """Inserts the rows of a night, the last one by default, that the tables lack. Returns the night and what was done.
    Payments from before now are looked up in F&O from now on: those that were booked since that night have no row.

    Rows that exist are kept: they are newer. Raises ConnectorError for a night that is missing or damaged, before the
    damaged table is touched.
    """
    nights = [
        blob.name.removesuffix(_MANIFEST) async for blob in ports.exports.list_blobs() if blob.name.endswith(_MANIFEST)
    ]
    chosen = night or max(nights, default="")
    if chosen not in nights:
        raise ConnectorError(f"there is no export of {night or 'any night'}; there are: {', '.join(sorted(nights))}")
    manifest = json.loads(await _read(ports.exports, f"{chosen}{_MANIFEST}"))
    return chosen, {name: await _restore(ports, name, chosen, manifest[name], now()) for name in TABLES}


async def _export(ports: ExportPorts, name: str, blob: str) -> dict[str, Any]:
    rows, digest = 0, sha256()
    with TemporaryFile() as file:
        with gzip.GzipFile(fileobj=file, mode="wb", mtime=0) as packed:
            async for line in _lines(name, ports.tables[name]):
                packed.write(line)
                digest.update(line)
                rows += 1
        file.seek(0)
        await ports.exports.upload_blob(blob, file, overwrite=True)
    return {"rows": rows, "sha256": digest.hexdigest()}


async def _lines(name: str, table: TableClient) -> AsyncIterator[bytes]:
    async for row in table.query_entities("PartitionKey ge @least", parameters={"least": ""}):
        if name != PAYMENTS or not is_kept_apart(row):
            yield json.dumps(dict(row), default=_moment, separators=(",", ":")).encode() + b"\n"


async def _restore(ports: ExportPorts, name: str, night: str, expected: Mapping[str, Any], now: datetime) -> Restored:
    data = gzip.decompress(await _read(ports.exports, f"{night}/{name}.jsonl.gz"))
    if sha256(data).hexdigest() != expected["sha256"]:
        raise ConnectorError(f"the export of {name} of {night} is damaged: restore another night")
    table, inserted = ports.tables[name], 0
    rows = [json.loads(line, object_hook=_with_moments) for line in data.splitlines()]
    if name == PAYMENTS:
        rows = [row for row in rows if not is_kept_apart(row)]  # an earlier release exported them
        await begin_anew(table, rows, now)
    for some in batched(rows, _AT_ONCE, strict=False):
        inserted += await _insert(table, some)
    return Restored(inserted, len(rows) - inserted)


async def _insert(table: TableClient, rows: Sequence[dict[str, Any]]) -> int:
    """How many were not there."""
    return sum(await asyncio.gather(*(_is_inserted(table, row) for row in rows)))


async def _is_inserted(table: TableClient, row: dict[str, Any]) -> bool:
    try:
        await table.create_entity(row)
    except ResourceExistsError:
        return False
    return True


async def _read(exports: ContainerClient, blob: str) -> bytes:
    return await (await exports.download_blob(blob)).readall()


def _moment(value: object) -> dict[str, str]:
    """Raises TypeError for what no table of the app has."""
    if isinstance(value, datetime):
        return {_MOMENT: value.isoformat()}
    raise TypeError(f"a value of the type {type(value).__name__} cannot be exported")


def _with_moments(value: dict[str, Any]) -> Any:
    return datetime.fromisoformat(value[_MOMENT]) if value.keys() == {_MOMENT} else value
