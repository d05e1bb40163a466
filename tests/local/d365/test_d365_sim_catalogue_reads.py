"""Reading a whole catalogue from F&O: thousands of products, page by page, and reads that end too early."""

from collections import Counter
from collections.abc import AsyncIterator, Iterable
from typing import Any

import pytest
from fixtures.d365_sim import Answer, Client, running_f_and_o

from local.d365 import Options
from local.d365.catalogue.views import StoredSet
from local.d365.tables import Row


@pytest.fixture
async def d365(wire: None) -> AsyncIterator[Client]:
    async with running_f_and_o(Options(page_size=3)) as client:
        yield client


async def do(d365: Client, method: str, path: str, /, status: int = 200, **body: Any) -> Any:
    answer = await d365.admin(method, path, body)
    assert answer.status == status, answer.text
    return answer.json


async def read(d365: Client, path: str) -> tuple[list[Any], Answer]:
    """All rows until there is no further page, and the last answer."""
    answer = await d365.data("GET", path)
    rows = []
    while answer.status == 200:
        rows += answer.json["value"]
        link = answer.json.get("@odata.nextLink")
        if link is None:
            break
        answer = await d365.call("GET", link.removeprefix(d365.simulator.base_url))
    return rows, answer


async def everything(d365: Client, path: str) -> list[Any]:
    rows, last = await read(d365, path)
    assert last.status == 200, last.text
    return rows


FILLED = {"company": "web", "products": 4, "variants": 6, "languages": ["nl"], "tax_item_group": "FULL"}


async def test_a_company_is_filled_with_products_that_share_the_variants(d365: Client) -> None:
    assert await do(d365, "POST", "catalogue", 201, **FILLED) == {"products": 4, "variants": 6}
    items = await everything(d365, "ReleasedProductsV2?$filter=ItemNumber eq 'GEN*'")
    assert [row["ItemNumber"] for row in items] == ["GEN000001", "GEN000002", "GEN000003", "GEN000004"]
    variants = await everything(d365, "ReleasedProductVariantsV2?$filter=ItemNumber eq 'GEN*'")
    assert Counter(row["ItemNumber"] for row in variants) == {
        "GEN000001": 2,
        "GEN000002": 2,
        "GEN000003": 1,
        "GEN000004": 1,
    }
    assert {row["ProductLifecycleStateId"] for row in items + variants} == {"Released"}
    texts = await everything(d365, "ProductTranslations?$filter=ProductNumber eq 'GEN000001'")
    assert [(row["LanguageId"], row["ProductName"]) for row in texts] == [("en-US", "Product 1"), ("nl", "Product 1")]
    barcodes = await everything(d365, "ProductNumberIdentifiedBarcodes?$filter=ProductNumber eq 'GEN*'")
    assert {row["ProductNumber"] for row in barcodes} == {row["ProductVariantNumber"] for row in variants}
    for row in barcodes:
        digits = [int(digit) for digit in row["Barcode"]]
        assert sum(digits[::2] + [3 * digit for digit in digits[1::2]]) % 10 == 0


async def test_products_of_a_filling_are_sold_like_others(d365: Client) -> None:
    await do(d365, "POST", "catalogue", 201, **FILLED, variant_texts=True, price_group="WEB", tiers=2)
    number = await d365.order(PriceCustomerGroupCode="WEB")
    variant = {"ItemNumber": "GEN000002", "ProductColorId": "Black", "ProductSizeId": "S"}
    line = await d365.line(number, **variant, OrderedSalesQuantity=9)
    assert (line.status, str(line.json["SalesPrice"])) == (201, "10.02")
    line = await d365.line(number, **variant, OrderedSalesQuantity=10)
    assert (line.status, str(line.json["SalesPrice"])) == (201, "9.02")
    (row,) = await everything(d365, "ProductTranslations?$filter=ProductNumber eq 'GEN000002-BLACK-S'")
    assert row["ProductName"] == "GEN000002 : Black : S"


async def test_a_filling_without_variants_has_a_barcode_for_each_product(d365: Client) -> None:
    await do(d365, "POST", "catalogue", 201, company="web", products=2, prefix="P")
    assert await everything(d365, "ProductMasters?$filter=ProductNumber eq 'P0*'") == []
    barcodes = await everything(d365, "ProductNumberIdentifiedBarcodes?$filter=dataAreaId eq 'web'")
    assert [row["ProductNumber"] for row in barcodes] == ["P000001", "P000002"]


@pytest.mark.parametrize(
    ("changes", "status", "reason"),
    [
        ({"company": "ghost"}, 409, "there is no company ghost"),
        ({"products": 0}, 400, "a product has 0 to 50 variants"),
        ({"variants": 201}, 400, "a product has 0 to 50 variants"),
        ({"tiers": 10}, 400, "tiers are 1 to 9"),
        ({"colour": "red"}, 400, "unknown keys: colour"),
    ],
)
async def test_a_filling_that_cannot_be_is_refused(
    d365: Client, changes: dict[str, Any], status: int, reason: str
) -> None:
    assert reason in (await do(d365, "POST", "catalogue", status, **FILLED | changes))["error"]


async def test_a_company_is_filled_once_under_a_prefix(d365: Client) -> None:
    await do(d365, "POST", "catalogue", 201, **FILLED)
    assert "already" in (await do(d365, "POST", "catalogue", 409, **FILLED))["error"]
    await do(d365, "POST", "catalogue", 201, **FILLED, prefix="MORE")


class Counting(StoredSet):
    """Counts how often all rows are looked through."""

    times = 0

    def rows(self) -> Iterable[Row]:
        self.times += 1
        return super().rows()


async def test_further_pages_do_not_look_through_all_rows_again_unless_something_changed(d365: Client) -> None:
    await do(d365, "POST", "catalogue", 201, **FILLED)
    texts = Counting(d365.simulator.books, "ProductTranslations")
    d365.simulator.entities["ProductTranslations"] = texts
    path = "ProductTranslations?$orderby=ProductNumber desc,LanguageId"
    assert len(await everything(d365, path)) == 12  # four of the other products, and two of each
    assert texts.times == 1

    first = await d365.data("GET", path)
    await do(d365, "POST", "products/FREIGHT/text", language="de", name="Versand")
    link = first.json["@odata.nextLink"].removeprefix(d365.simulator.base_url)
    rows = first.json["value"]
    while link:
        page = (await d365.call("GET", link)).json
        rows += page["value"]
        link = page.get("@odata.nextLink", "").removeprefix(d365.simulator.base_url)
    assert "Versand" in [row["ProductName"] for row in rows]


PATH = "ReleasedProductsV2?$filter=dataAreaId eq 'web'&$select=ItemNumber"


async def test_a_read_fails_at_its_second_page(d365: Client) -> None:
    await do(d365, "POST", "faults", 201, kind="failed", set="ReleasedProductsV2", page=2)
    rows, last = await read(d365, PATH)
    assert (len(rows), last.status, last.infolog) == (3, 500, "Reading ReleasedProductsV2 failed.")
    assert len(await everything(d365, PATH)) == 4


async def test_a_read_ends_without_its_further_pages(d365: Client) -> None:
    await do(d365, "POST", "faults", 201, kind="short", set="ReleasedProductsV2")
    assert len(await everything(d365, PATH)) == 3
    assert len(await everything(d365, PATH)) == 4


async def test_a_read_is_empty(d365: Client) -> None:
    await do(d365, "POST", "faults", 201, kind="empty", set="ReleasedProductsV2", times=2)
    answer = await d365.data("GET", f"{PATH}&$count=true")
    assert (answer.status, answer.json["value"], answer.json["@odata.count"]) == (200, [], 0)
    assert (await d365.data("GET", "ReleasedProductsV2/$count")).text == "0"
    assert len(await everything(d365, PATH)) == 4


async def test_any_fault_of_the_line_can_wait_for_a_page(d365: Client) -> None:
    await do(d365, "POST", "faults", 201, kind="unavailable", set="ReleasedProductsV2", page=2)
    assert (await d365.data("GET", PATH)).status == 200
    rows, last = await read(d365, PATH)
    assert (len(rows), last.status) == (3, 503)
    refused = await do(d365, "POST", "faults", 400, kind="short", page=0)
    assert refused["error"] == "page is a number from 1"


async def test_reading_and_writing_one_record_is_not_struck_by_faults_of_lists(d365: Client) -> None:
    await do(d365, "POST", "faults", 201, kind="failed", set="ReleasedProductsV2", times=None)
    key = "ReleasedProductsV2(dataAreaId='web',ItemNumber='LAMP')"
    assert (await d365.data("GET", key)).status == 200
    assert (await d365.data("PATCH", key, {"SearchName": "LAMPS"})).status == 204
