"""A night's export is whole or not used, and restores what the tables lack, only that, and with its types."""

import gzip
import json
import logging
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.errors import ConnectorError
from shared.sync.exports import TABLES, ExportPorts, Restored, export_tables, restore_tables
from tests.builders.log_events import events_in
from tests.builders.memory_blobs import MemoryContainer
from tests.builders.memory_table import MemoryTable

NIGHT = datetime(2026, 11, 28, 2, 15, tzinfo=UTC)
ROW = {"PartitionKey": "nordlys", "RowKey": "42", "sales_order": "SN42", "attempts": 2, "version": NIGHT}


@dataclass
class Storage:
    tables: dict[str, MemoryTable] = field(default_factory=lambda: {name: MemoryTable() for name in TABLES})
    container: MemoryContainer = field(default_factory=MemoryContainer)

    @property
    def ports(self) -> ExportPorts:
        tables: Any = self.tables
        container: Any = self.container
        return ExportPorts(tables, container)

    async def export(self, *, after: timedelta = timedelta(0)) -> None:
        await export_tables(self.ports, now=lambda: NIGHT + after)

    def rows(self, name: str) -> list[dict[str, Any]]:
        return [dict(row) for _, row in sorted(self.tables[name].rows.items())]


@pytest.fixture
def storage() -> Storage:
    return Storage()


async def test_lost_rows_come_back_as_they_were_and_what_is_there_stays(storage: Storage) -> None:
    links = [{**ROW, "RowKey": f"{number:03}"} for number in range(103)]
    for row in links:
        await storage.tables["links"].create_entity(row)
    await storage.tables["refunds"].create_entity(ROW)
    await storage.export()
    lost = Storage(container=storage.container)
    newer = {**ROW, "RowKey": "007", "sales_order": "SN7-B"}
    await lost.tables["links"].create_entity(newer)
    night, done = await restore_tables(lost.ports)
    assert night == "2026-11-28"
    assert done == {
        "links": Restored(102, 1),
        "payments": Restored(0, 0),
        "refunds": Restored(1, 0),
        "shipments": Restored(0, 0),
    }
    assert lost.rows("links") == [*links[:7], newer, *links[8:]]
    assert lost.rows("refunds") == [ROW]


async def test_an_export_says_what_it_has_and_how_long_it_took(
    storage: Storage, caplog: pytest.LogCaptureFixture
) -> None:
    await storage.tables["payments"].create_entity(ROW)
    caplog.set_level(logging.INFO, "connector")
    times = iter((NIGHT, NIGHT + timedelta(seconds=90)))
    await export_tables(storage.ports, now=lambda: next(times))
    (done,) = events_in(caplog, "export.done")
    assert (done["night"], done["seconds"], done["flow"]) == ("2026-11-28", 90, "export")
    assert (done["links"], done["payments"], done["refunds"]) == (0, 1, 0)


async def test_a_second_run_of_a_day_replaces_the_first(storage: Storage) -> None:
    await storage.export()
    await storage.tables["links"].create_entity(ROW)
    await storage.export(after=timedelta(hours=3))
    lost = Storage(container=storage.container)
    assert (await restore_tables(lost.ports))[1]["links"] == Restored(1, 0)


async def test_the_last_night_is_restored_unless_another_one_is_named(storage: Storage) -> None:
    await storage.export()
    await storage.tables["links"].create_entity(ROW)
    await storage.export(after=timedelta(days=1))
    assert (await restore_tables(Storage(container=storage.container).ports))[0] == "2026-11-29"
    before = await restore_tables(Storage(container=storage.container).ports, night="2026-11-28")
    assert before == ("2026-11-28", dict.fromkeys(TABLES, Restored(0, 0)))


async def test_a_night_that_is_missing_or_incomplete_is_not_restored(storage: Storage) -> None:
    with pytest.raises(ConnectorError, match="there is no export of any night"):
        await restore_tables(storage.ports)
    await storage.export()
    await storage.export(after=timedelta(days=1))
    del storage.container.blobs["2026-11-29/manifest.json"]
    assert (await restore_tables(storage.ports))[0] == "2026-11-28"
    with pytest.raises(ConnectorError, match="no export of 2026-11-29; there are: 2026-11-28"):
        await restore_tables(storage.ports, night="2026-11-29")


async def test_a_damaged_table_is_not_restored(storage: Storage) -> None:
    await storage.export()
    changed = gzip.compress(json.dumps(ROW, default=str).encode() + b"\n")
    await storage.container.upload_blob("2026-11-28/links.jsonl.gz", changed, overwrite=True)
    with pytest.raises(ConnectorError, match="the export of links of 2026-11-28 is damaged"):
        await restore_tables(storage.ports)
    assert storage.rows("links") == []


async def test_a_value_that_json_does_not_have_is_not_left_out_silently(storage: Storage) -> None:
    storage.tables["links"].rows["nordlys", "42"] = {**ROW, "blob": b"bytes"}  # type: ignore[assignment]
    with pytest.raises(TypeError, match="a value of the type bytes cannot be exported"):
        await storage.export()
    assert "2026-11-28/manifest.json" not in storage.container.blobs
