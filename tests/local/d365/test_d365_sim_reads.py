"""Reading from the F&O simulator: companies, options, pages, values."""

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest
from fixtures.d365_sim import Client, running_f_and_o

from local.d365 import Options


@pytest.fixture
async def d365(wire: None) -> AsyncIterator[Client]:
    async with running_f_and_o(Options(page_size=3)) as client:
        yield client


async def test_another_companys_rows_are_invisible_without_cross_company(d365: Client) -> None:
    hidden = await d365.call("GET", "/data/Warehouses?$filter=dataAreaId eq 'web'")
    assert (hidden.status, hidden.json["value"]) == (200, [])
    shown = await d365.data("GET", "Warehouses?$filter=dataAreaId eq 'WEB'&$select=dataAreaId,WarehouseId")
    assert [row["WarehouseId"] for row in shown.json["value"]] == ["11", "12", "21"]
    assert {row["dataAreaId"] for row in shown.json["value"]} == {"web"}


async def test_a_key_in_another_company_is_not_found_without_cross_company(d365: Client) -> None:
    path = "CustomersV3(dataAreaId='web',CustomerAccount='DAT-000004')"
    assert (await d365.call("GET", f"/data/{path}")).status == 404
    assert (await d365.call("PATCH", f"/data/{path}", {"NameAlias": "x"})).status == 404
    assert (await d365.data("GET", path)).status == 200


async def test_shared_sets_belong_to_no_company(d365: Client) -> None:
    answer = await d365.call("GET", "/data/Currencies('USD')?$select=CurrencyCode")
    assert answer.json["CurrencyCode"] == "USD"


async def test_keys_meet_without_regard_to_case(d365: Client) -> None:
    answer = await d365.data("GET", "CustomersV3(dataAreaId='WEB',CustomerAccount='dat-000004')")
    assert answer.json["CustomerAccount"] == "DAT-000004"


async def test_a_missing_row_is_404_without_a_body(d365: Client) -> None:
    answer = await d365.data("GET", "CustomersV3(dataAreaId='web',CustomerAccount='none')")
    assert (answer.status, answer.text) == (404, "")


async def test_select_order_top_skip_and_count_work_together(d365: Client) -> None:
    answer = await d365.data(
        "GET",
        "Warehouses?$select=dataAreaId,WarehouseId&$orderby=WarehouseId desc,dataAreaId asc&$top=2&$skip=1&$count=true",
    )
    assert answer.json["@odata.count"] == 6
    assert [(row["WarehouseId"], row["dataAreaId"]) for row in answer.json["value"]] == [("21", "web"), ("12", "dat")]
    assert set(answer.json["value"][0]) == {"@odata.etag", "dataAreaId", "WarehouseId"}


async def test_the_plain_count_counts_what_the_filter_finds(d365: Client) -> None:
    answer = await d365.data("GET", "Warehouses/$count?$filter=OperationalSiteId eq '2'")
    assert (answer.status, answer.text) == (200, "2")


async def test_pages_follow_each_other_until_nothing_is_left(d365: Client) -> None:
    link = (
        "/data/Warehouses?cross-company=true&$select=WarehouseId&$filter=WarehouseId%20ne%20'none'&$orderby=dataAreaId"
    )
    sizes = []
    while link:
        page = (await d365.call("GET", link)).json
        sizes.append(len(page["value"]))
        link = page.get("@odata.nextLink", "").removeprefix(d365.simulator.base_url)
    assert sizes == [3, 3]


async def test_a_top_below_the_page_size_ends_the_list(d365: Client) -> None:
    answer = await d365.data("GET", "Warehouses?$top=2")
    assert len(answer.json["value"]) == 2
    assert "@odata.nextLink" not in answer.json


@pytest.mark.parametrize(
    "options",
    [
        "$select=NoSuchField",
        "$orderby=NoSuchField",
        "$orderby=WarehouseId upward",
        "$filter=NoSuchField eq 1",
        "$filter=WarehouseId in ('11')",
        "$expand=NoSuchNavigation",
        "$top=-1",
        "$top=two",
        "$count=yes",
        "$apply=groupby((WarehouseId))",
        "$search=x",
        "$top=1&$top=2",
    ],
)
async def test_an_option_that_f_and_o_does_not_know_fails_the_whole_read(d365: Client, options: str) -> None:
    answer = await d365.data("GET", f"Warehouses?{options}")
    assert answer.status == 400
    assert answer.json["error"]["innererror"]["type"].endswith("ODataException")


async def test_list_options_on_a_single_row_are_refused(d365: Client) -> None:
    answer = await d365.data(
        "GET", "CustomersV3(dataAreaId='web',CustomerAccount='DAT-000004')?$filter=NameAlias eq 'x'"
    )
    assert answer.status == 400


async def test_expand_goes_one_level_both_ways(d365: Client) -> None:
    number = await d365.order({"OrderedSalesQuantity": 2}, {"ItemNumber": "FREIGHT"}, SalesOrderOriginCode="SHOPIFY")
    where = f"$filter=SalesOrderNumber eq '{number}'"
    (header,) = await d365.rows(
        f"SalesOrderHeadersV2?{where}&$select=SalesOrderNumber&$expand=SalesOrderLines($select=ItemNumber,LineAmount)",
    )
    lines = [(line["ItemNumber"], line["LineAmount"]) for line in header["SalesOrderLines"]]
    assert lines == [("LAMP", 69), ("FREIGHT", 0)]
    (header,) = await d365.rows(f"SalesOrderHeadersV4?{where}&$select=SalesOrderNumber&$expand=SalesOrderOrigin")
    assert header["SalesOrderOrigin"]["OriginCode"] == "SHOPIFY"
    for refused in (
        "SalesOrderHeadersV4?$expand=SalesOrderLines",
        "SalesOrderHeadersV2?$expand=SalesOrderLines($expand=X)",
    ):
        assert (await d365.data("GET", refused)).status == 400


async def test_safety_stock_shows_as_coverage_of_the_variant(d365: Client) -> None:
    (row,) = await d365.rows("ItemCoverageSettingsV2?$filter=dataAreaId eq 'web'")
    assert (row["ItemNumber"], row["CoverageProductColorId"], row["CoverageProductSizeId"]) == ("TEE", "Red", "M")
    assert (row["CoverageSiteId"], row["CoverageWarehouseId"]) == ("1", "11")
    assert row["MinimumOnHandInventoryQuantity"] == 2


async def test_a_variant_is_found_by_its_number(d365: Client) -> None:
    where = "$filter=dataAreaId eq 'web' and ProductVariantNumber eq 'TEE-BLU-M'"
    (row,) = await d365.rows(f"ReleasedProductVariantsV2?{where}")
    assert (row["ItemNumber"], row["ProductColorId"], row["ProductSizeId"]) == ("TEE", "Blue", "M")


async def test_on_hand_is_computed_and_missing_where_nothing_ever_moved(d365: Client) -> None:
    row = await d365.on_hand("LAMP")
    assert row is not None
    figures = {name: value for name, value in row.items() if name.endswith("Quantity")}
    assert figures == {
        "OnHandQuantity": 10,
        "ReservedOnHandQuantity": 2,
        "AvailableOnHandQuantity": 8,
        "OrderedQuantity": 5,
        "ReservedOrderedQuantity": 0,
        "AvailableOrderedQuantity": 5,
        "OnOrderQuantity": 1,
        "TotalAvailableQuantity": 12,
    }
    assert await d365.on_hand("LAMP", "21") is None
    key = (
        "dataAreaId='web',ItemNumber='TEE',ProductColorId='Red',ProductConfigurationId='',ProductSizeId='M',"
        "ProductStyleId='',ProductVersionId='',InventorySiteId='1',InventoryWarehouseId='11'"
    )
    assert (await d365.data("GET", f"WarehousesOnHandV2({key})")).json["OnHandQuantity"] == 3


async def test_decimals_come_and_go_exactly(d365: Client) -> None:
    number = await d365.order({"SalesPrice": 0.1, "OrderedSalesQuantity": 3, "LineDiscountPercentage": 12.345678})
    (line,) = await d365.rows(f"SalesOrderLinesV3?$filter=SalesOrderNumber eq '{number}'")
    assert (line["SalesPrice"], line["LineDiscountPercentage"]) == (Decimal("0.1"), Decimal("12.345678"))


async def test_metadata_and_service_document_list_the_sets(d365: Client) -> None:
    metadata = await d365.call("GET", "/data/$metadata")
    assert metadata.headers["Content-Type"].startswith("application/xml")
    assert '<EntitySet Name="SalesOrderHeadersV4"' in metadata.text
    document = (await d365.call("GET", "/data")).json
    assert "SalesOrderLinesV3" in [entry["url"] for entry in document["value"]]


async def test_on_hand_of_some_items_is_what_the_whole_list_shows_of_them_before_and_after_a_change(
    d365: Client,
) -> None:
    async def of_lamps(condition: str) -> list[dict[str, object]]:
        rows = (await d365.data("GET", f"WarehousesOnHandV2?$filter={condition}")).json["value"]
        return [{**row, "@odata.etag": ""} for row in rows if row["ItemNumber"] == "LAMP"]

    by_place = "dataAreaId eq 'web' and InventoryWarehouseId eq '11'"
    by_number = f"{by_place} and (ItemNumber eq 'lamp' or ItemNumber eq 'X')"
    before = await of_lamps(by_number)
    assert before == await of_lamps(by_place) != []
    lamp = {"company": "web", "item": "LAMP", "warehouse": "11", "delta": 3}
    assert (await d365.admin("POST", "on-hand", lamp)).status == 200
    assert await of_lamps(by_number) == await of_lamps(by_place) != before
