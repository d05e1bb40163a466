"""What Azure's SDK and Table Storage make of an answer that is lost: the tables in memory do the same."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest
from azure.core import MatchConditions
from azure.core.exceptions import ServiceRequestError, ServiceResponseError
from azure.data.tables import UpdateMode
from azure.data.tables.aio import TableClient, TableServiceClient
from builders.root import ROOT
from chaos_wire import AzureOver, How, TableOver, Wire

from local.azurite import connection_string, provision, start_azurite
from local.process import free_port
from shared.store import tables
from tests.builders.memory_table import MemoryTable

ROW = {"PartitionKey": "one", "RowKey": "two", "said": "first"}


@pytest.fixture(scope="module")
async def storage(wire: None) -> AsyncIterator[str]:
    blob, queue, table = free_port(), free_port(), free_port()
    azurite = await start_azurite(ROOT, blob_port=blob, queue_port=queue, table_port=table, log=lambda part, line: None)
    try:
        text = connection_string(blob, queue, table)
        await provision(text, json.loads((ROOT / "infra/storage.json").read_text()))
        yield text
    finally:
        await azurite.stop()


async def both(storage: str, wire: Wire) -> AsyncIterator[TableClient | TableOver]:
    yield TableOver(wire, "links", MemoryTable())
    async with TableServiceClient.from_connection_string(
        storage, transport=AzureOver(wire), retry_backoff_factor=0
    ) as service:
        yield service.get_table_client("links")


async def test_a_row_replaced_without_an_answer_looks_like_a_conflict(storage: str) -> None:
    """It is written again, and has another ETag by then."""
    wire = Wire()
    async for table in both(storage, wire):
        await tables.overwrite(table, ROW)
        row = await tables.read(table, "one", "two")
        assert row is not None
        wire.begin((0, How.ANSWER_LOST))
        assert await tables.write(table, {**ROW, "said": "second"}, etag=row["etag"]) is None
        assert len(wire.calls) == 2
        again = await tables.read(table, "one", "two")
        assert again is not None
        assert again["said"] == "second"


@pytest.mark.parametrize("how", [How.ANSWER_LOST, How.UNREACHABLE])
async def test_a_new_row_and_a_merged_one_are_not_written_again(storage: str, how: How) -> None:
    wire = Wire()
    async for table in both(storage, wire):
        wire.begin((0, how))
        with pytest.raises((ServiceRequestError, ServiceResponseError)):
            await table.create_entity({**ROW, "RowKey": f"new, {how}"})
        assert len(wire.calls) == 1
        await tables.overwrite(table, ROW)
        row = await tables.read(table, "one", "two")
        assert row is not None
        wire.begin((0, how))
        with pytest.raises((ServiceRequestError, ServiceResponseError)):
            await table.update_entity(
                ROW, mode=UpdateMode.MERGE, etag=row["etag"], match_condition=MatchConditions.IfNotModified
            )
        assert len(wire.calls) == 1


@pytest.mark.parametrize("how", [How.ANSWER_LOST, How.UNREACHABLE])
async def test_other_calls_are_repeated_and_done(storage: str, how: How) -> None:
    wire = Wire()
    async for table in both(storage, wire):
        wire.begin((0, how))
        await tables.overwrite(table, ROW)
        wire.begin((0, how))
        row = await tables.read(table, "one", "two")
        assert row is not None
        wire.begin((0, how))
        found = table.query_entities("RowKey eq @key", parameters={"key": "two"})
        assert [each["said"] async for each in found] == ["first"]
