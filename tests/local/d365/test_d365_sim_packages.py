"""Exports of data management: a project runs, its package is fetched, and both can be seen over OData."""

import csv
import io
import zipfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from builders.root import ROOT
from fixtures.d365_sim import Answer, Client, Clock, running_f_and_o

from local.d365 import Simulator, load_world
from local.d365.csdl import read_schema
from local.d365.packages.projects import data_entity
from local.d365.simulator import METADATA

PROJECT = {"name": "SHOP", "sets": ["ReleasedProductsV2", "ProductTranslations"]}
DMF = "{http://schemas.microsoft.com/dynamics/2015/01/DataManagement}"


@pytest.fixture
def clock() -> Clock:
    return Clock(datetime(2026, 7, 30, 8, 58, 53, tzinfo=UTC))


@pytest.fixture
async def d365(wire: None, clock: Clock) -> AsyncIterator[Client]:
    async with running_f_and_o(clock=clock) as client:
        await project(client)
        yield client


async def project(d365: Client, status: int = 200, **changes: Any) -> Any:
    answer = await d365.admin("PUT", "export-projects", PROJECT | changes)
    assert answer.status == status, answer.text
    return answer.json


async def call(d365: Client, name: str, **body: Any) -> Answer:
    path = f"/data/DataManagementDefinitionGroups/Microsoft.Dynamics.DataEntities.{name}"
    return await d365.call("POST", path, body)


async def act(d365: Client, name: str, **body: Any) -> Any:
    answer = await call(d365, name, **body)
    assert answer.status == 200, answer.text
    return answer.json["value"]


async def export(d365: Client, name: str = "ExportToPackage", **changes: Any) -> str:
    body = {
        "definitionGroupId": "SHOP",
        "packageName": "shop.zip",
        "executionId": "",
        "reExecute": False,
        "legalEntityId": "WEB",
    }
    execution: str = await act(d365, name, **body | changes)
    return execution


async def fetch(d365: Client, execution: str) -> zipfile.ZipFile:
    link = await act(d365, "GetExportedPackageUrl", executionId=execution)
    async with d365.http.get(link) as answer:
        assert (answer.status, answer.content_type) == (200, "application/zip")
        return zipfile.ZipFile(io.BytesIO(await answer.read()))


def rows_of(package: zipfile.ZipFile, file: str) -> list[dict[str, str]]:
    text = package.read(file).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


async def test_a_package_has_a_file_for_each_entity_with_the_rows_of_the_company(d365: Client) -> None:
    await d365.admin(
        "POST", "products/LAMP/text", {"language": "nl", "name": 'Lamp "Hal", rood', "description": "a\nb"}
    )
    execution = await export(d365)
    assert await act(d365, "GetExecutionSummaryStatus", executionId=execution) == "Succeeded"
    package = await fetch(d365, execution)
    assert package.namelist() == [
        "Manifest.xml",
        "PackageHeader.xml",
        "Released products V2.csv",
        "Product translations.csv",
    ]
    products = rows_of(package, "Released products V2.csv")
    assert [row["ITEMNUMBER"] for row in products] == ["LAMP", "MUG", "FREIGHT", "TEE"]
    assert "DATAAREAID" not in products[0]
    assert len(products[0]) == 265
    shown = ("SALESPRICE", "SELLSTARTDATE", "PRODUCTTYPE", "ISPHANTOM", "ORIGINSTATEID")
    assert [products[0][name] for name in shown] == ["34.500000", "1900-01-01 00:00:00", "Item", "No", ""]
    (text,) = (row for row in rows_of(package, "Product translations.csv") if row["LANGUAGEID"] == "nl")
    assert (text["PRODUCTNAME"], text["DESCRIPTION"]) == ('Lamp "Hal", rood', "a\nb")

    manifest = ET.fromstring(package.read("Manifest.xml"))
    assert manifest.findtext(f"{DMF}DefinitionGroupName") == "SHOP"
    entities = manifest.findall(f"{DMF}PackageEntityList/{DMF}DataManagementPackageEntityData")
    assert [each.findtext(f"{DMF}InputFilePath") for each in entities] == package.namelist()[2:]
    assert ET.fromstring(package.read("PackageHeader.xml")).tag == f"{DMF}DataManagementPackageHeader"


async def test_a_project_decides_fields_encoding_and_delimiter(d365: Client) -> None:
    fields = {"ReleasedProductsV2": ["ItemNumber", "SalesPrice"]}
    await project(d365, sets=["ReleasedProductsV2"], fields=fields, encoding="utf-16", delimiter=";")
    package = await fetch(d365, await export(d365))
    lines = package.read("Released products V2.csv").decode("utf-16").split("\r\n")
    assert lines[:2] == ["ITEMNUMBER;SALESPRICE", "LAMP;34.500000"]


async def test_a_run_takes_its_time_and_only_then_has_a_package(d365: Client, clock: Clock) -> None:
    await project(d365, seconds=90)
    execution = await export(d365, "ExportToPackageAsync", executionId="mine")
    assert execution == "mine"
    await d365.admin("POST", "products/LAMP/text", {"language": "de", "name": "after the start"})
    assert await act(d365, "GetExecutionSummaryStatus", executionId="mine") == "Executing"
    assert (await call(d365, "GetExportedPackageUrl", executionId="mine")).status == 500
    clock.turn(seconds=90)
    assert await act(d365, "GetExecutionSummaryStatus", executionId="mine") == "Succeeded"
    texts = rows_of(await fetch(d365, "mine"), "Product translations.csv")
    assert "de" not in {row["LANGUAGEID"] for row in texts}


async def test_a_link_needs_its_signature_and_expires(d365: Client, clock: Clock) -> None:
    execution = await export(d365)
    link = await act(d365, "GetExportedPackageUrl", executionId=execution)
    async with d365.http.get(link.partition("sig=")[0] + "sig=guessed") as answer:
        assert answer.status == 403
    clock.turn(hours=1)
    async with d365.http.get(link) as answer:
        assert answer.status == 403


@pytest.mark.parametrize(
    ("outcome", "staging", "rows"), [("Failed", "Error", None), ("PartiallySucceeded", "Finished", 3)]
)
async def test_a_run_that_does_not_succeed_has_errors_and_too_few_rows(
    d365: Client, outcome: str, staging: str, rows: int | None
) -> None:
    await project(d365, outcome=outcome)
    execution = await export(d365)
    assert await act(d365, "GetExecutionSummaryStatus", executionId=execution) == outcome
    assert "Released products V2" in await act(d365, "GetExecutionErrors", executionId=execution)
    (job,) = await d365.rows("DataManagementExecutionJobDetails?$filter=EntityName eq 'Released products V2'")
    assert (job["JobId"], job["StagingStatus"]) == (execution, staging)
    if rows is None:
        assert (await call(d365, "GetExportedPackageUrl", executionId=execution)).status == 500
    else:
        assert len(rows_of(await fetch(d365, execution), "Released products V2.csv")) == rows


async def test_an_incremental_project_exports_what_changed_since_its_last_run(d365: Client, clock: Clock) -> None:
    await project(d365, incremental=True)
    clock.turn(minutes=1)
    assert len(rows_of(await fetch(d365, await export(d365)), "Released products V2.csv")) == 4
    clock.turn(minutes=5)
    assert rows_of(await fetch(d365, await export(d365)), "Released products V2.csv") == []
    lamp = {"dataAreaId": "web", "ItemNumber": "LAMP", "SalesPrice": 35}
    await d365.admin("PUT", "records/ReleasedProductsV2", lamp)
    clock.turn(minutes=1)
    preview = await export(d365, "ExportToPackagePreview", count=9)
    assert len(rows_of(await fetch(d365, preview), "Released products V2.csv")) == 1
    clock.turn(minutes=1)
    (row,) = rows_of(await fetch(d365, await export(d365)), "Released products V2.csv")
    assert (row["ITEMNUMBER"], row["SALESPRICE"]) == ("LAMP", "35.000000")
    (entity,) = await d365.rows("DataManagementEntities?$filter=EntityName eq 'Released products V2'")
    assert entity["ChangeTrackingType"] == "ALL"


async def test_a_preview_has_as_many_rows_as_asked_for(d365: Client) -> None:
    package = await fetch(d365, await export(d365, "ExportToPackagePreview", count=2))
    assert len(rows_of(package, "Released products V2.csv")) == 2
    assert (await call(d365, "ExportToPackagePreview", definitionGroupId="SHOP")).status == 400


async def test_projects_and_runs_are_seen_over_odata(d365: Client) -> None:
    execution = await export(d365)
    (group,) = await d365.rows("DataManagementDefinitionGroups?$expand=Details")
    assert (group["Name"], group["OperationType"]) == ("SHOP", "Export")
    assert [row["EntityName"] for row in group["Details"]] == ["Released products V2", "Product translations"]
    jobs = await d365.rows("DataManagementExecutionJobDetails")
    assert [(row["JobId"], row["EntityName"], row["StagingRecordsCreatedCount"]) for row in jobs] == [
        (execution, "Released products V2", 4),
        (execution, "Product translations", 4),
    ]
    (entity,) = await d365.rows("DataManagementEntities?$filter=TargetName eq 'ReleasedProductV2Entity'")
    assert (entity["EntityName"], entity["IsShared"], entity["ChangeTrackingType"]) == (
        "Released products V2",
        "No",
        "None",
    )


@pytest.mark.parametrize(
    ("action", "body", "status", "reason"),
    [
        ("ExportToPackage", {"definitionGroupId": "GHOST", "packageName": "x", "legalEntityId": "web"}, 500, "GHOST"),
        ("ExportToPackage", {"definitionGroupId": "SHOP", "packageName": "x", "legalEntityId": "xx"}, 500, "xx"),
        ("ExportToPackage", {"definitionGroupId": "SHOP", "legalEntityId": "web"}, 400, "'packageName' is missing"),
        ("GetExecutionErrors", {"executionId": "none"}, 500, "The execution none does not exist."),
    ],
)
async def test_what_cannot_be_done_is_refused(
    d365: Client, action: str, body: dict[str, Any], status: int, reason: str
) -> None:
    refused = await call(d365, action, **body)
    assert (refused.status, reason in refused.infolog) == (status, True)


async def test_other_actions_are_not_simulated_and_all_need_a_token(d365: Client) -> None:
    assert (await call(d365, "ImportFromPackage")).status == 501
    assert await act(d365, "GetExecutionSummaryStatus", executionId="none") == "Unknown"
    await d365.admin("POST", "faults", {"kind": "throttle", "set": "ExportToPackage", "retry_after": 7})
    throttled = await call(d365, "ExportToPackage")
    assert (throttled.status, throttled.headers["Retry-After"]) == (429, "7")
    path = "/data/DataManagementDefinitionGroups/Microsoft.Dynamics.DataEntities.GetExecutionSummaryStatus"
    assert (await d365.call("POST", path, {"executionId": "x"}, Authorization="")).status == 401


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"sets": ["Ghosts"]}, "there is no entity set Ghosts"),
        ({"fields": {"ReleasedProductsV2": ["Colour"]}}, "the project has no ReleasedProductsV2 with a field Colour"),
        ({"outcome": "Done"}, "outcome is one of"),
        ({"encoding": "utf-7000"}, "unknown encoding"),
        ({"speed": 1}, "unknown keys: speed"),
    ],
)
async def test_a_project_that_cannot_be_is_refused(d365: Client, changes: dict[str, Any], reason: str) -> None:
    assert reason in (await project(d365, 400, **changes))["error"]


def test_data_management_names_entities_in_words_and_no_two_alike() -> None:
    sets = read_schema(METADATA).sets
    names = [data_entity(entity_set) for entity_set in sets.values()]
    assert len(set(names)) == len(names)
    assert data_entity(sets["SalesOrderHeadersV4"]) == "Sales order headers V4"
    assert data_entity(sets["SysAADClients"]) == "Sys AAD clients"


def test_the_world_has_projects_for_products_and_prices() -> None:
    fo = Simulator(load_world(ROOT / "local/world.toml"))
    assert set(fo.exports.projects) == {"SHOPIFY-PRODUCTS", "SHOPIFY-PRICES"}
