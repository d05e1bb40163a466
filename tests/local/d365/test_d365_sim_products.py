"""Products in F&O: what people do to them, and what the entity sets show of it."""

import base64
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from builders.root import ROOT
from fixtures.d365_sim import Client, Clock, running_f_and_o

from local.d365 import Simulator, load_world

NOW = "2026-07-30T08:58:53Z"
LATER = "2026-07-30T09:28:53Z"
JACKET = {
    "number": "JACKET",
    "name": "Rain jacket",
    "description": "Keeps out rain.",
    "names": {"nl": "Regenjas"},
    "colors": [{"id": "Green", "names": {"en-US": "Forest green", "nl": "Bosgroen"}}, "Navy"],
    "sizes": ["S", "M"],
    "variants": "every",
    "company": "web",
    "price": "129.00",
    "tax_item_group": "FULL",
    "state": "New",
    "released": {"NetProductWeight": 0.42},
}
STATES = ("New", "Released")


@pytest.fixture
def clock() -> Clock:
    return Clock(datetime(2026, 7, 30, 8, 58, 53, 250_000, tzinfo=UTC))


@pytest.fixture
async def d365(wire: None, clock: Clock) -> AsyncIterator[Client]:
    async with running_f_and_o(clock=clock) as client:
        for state in STATES:
            await do(client, "PUT", "records/ProductLifecycleStates", LifecycleStateId=state)
        yield client


async def do(d365: Client, method: str, path: str, /, status: int = 200, **body: Any) -> Any:
    answer = await d365.admin(method, path, body)
    assert answer.status == status, answer.text
    return answer.json


async def create(d365: Client, **changes: Any) -> None:
    await do(d365, "POST", "products", 201, **{**JACKET, **changes})


async def shown(d365: Client, path: str, *fields: str) -> list[tuple[Any, ...]]:
    return [tuple(row[name] for name in fields) for row in await d365.rows(path)]


async def test_a_new_product_is_seen_in_all_sets_with_the_same_texts_values_and_variants(d365: Client) -> None:
    await create(d365)
    of_it = "$filter=ProductMasterNumber eq 'JACKET'"
    assert await shown(
        d365, "ProductsV2?$filter=ProductNumber eq 'JACKET'", "ProductName", "ProductDescription", "ProductSubType"
    ) == [("Rain jacket", "Keeps out rain.", "ProductMaster")]
    assert await shown(d365, "ProductMasters?$filter=ProductNumber eq 'jacket'", "ProductDimensionGroupName") == [
        ("SizeColor",)
    ]
    assert await shown(d365, "ProductTranslations?$filter=ProductNumber eq 'JACKET'", "LanguageId", "ProductName") == [
        ("en-US", "Rain jacket"),
        ("nl", "Regenjas"),
    ]
    assert await shown(
        d365, f"ProductMasterColors?{of_it}&$orderby=DisplaySequenceNumber", "ProductColorId", "DisplaySequenceNumber"
    ) == [("Green", 1), ("Navy", 2)]
    assert await shown(
        d365, f"ProductMasterColorTranslations?{of_it}", "ProductMasterColorId", "LanguageId", "TranslatedColorName"
    ) == [("Green", "en-US", "Forest green"), ("Green", "nl", "Bosgroen")]
    released = await d365.rows(f"ReleasedProductVariantsV2?{of_it}&$orderby=ProductColorId,ProductSizeId desc")
    assert [
        (row["ProductVariantNumber"], row["ProductSizeId"], row["ProductName"], row["ProductLifecycleStateId"])
        for row in released
    ] == [
        ("JACKET-GREEN-S", "S", "Rain jacket", "New"),
        ("JACKET-GREEN-M", "M", "Rain jacket", "New"),
        ("JACKET-NAVY-S", "S", "Rain jacket", "New"),
        ("JACKET-NAVY-M", "M", "Rain jacket", "New"),
    ]
    (item,) = await d365.rows("ReleasedProductsV2?$filter=ItemNumber eq 'JACKET'")
    assert (item["NetProductWeight"], item["SalesPrice"], item["SalesPriceQuantity"]) == (Decimal("0.42"), 129, 1)
    assert (item["SellStartDate"], item["dataAreaId"]) == ("1900-01-01T12:00:00Z", "web")


async def test_a_new_product_can_be_sold_and_counted(d365: Client) -> None:
    await create(d365)
    await do(d365, "POST", "on-hand", company="web", variant="JACKET-NAVY-M", warehouse="11", physical=3)
    number = await d365.order({"ItemNumber": "JACKET", "ProductColorId": "Navy", "ProductSizeId": "M"})
    (line,) = await d365.rows(f"SalesOrderLinesV3?$filter=SalesOrderNumber eq '{number}'")
    assert (line["SalesPrice"], line["LineDescription"]) == (129, "Rain jacket")
    refused = await d365.line(number, ItemNumber="JACKET", ProductColorId="Navy", ProductSizeId="XL")
    assert "no released variant" in refused.infolog
    await do(d365, "POST", "products/JACKET/text", language="en-US", name="Storm jacket")
    row = await d365.on_hand("JACKET")
    assert row is not None
    assert row["ProductName"] == "Storm jacket"


async def test_a_product_is_created_without_a_company_and_released_into_each(d365: Client) -> None:
    product = {key: JACKET[key] for key in ("number", "name", "colors", "sizes", "variants")}
    await do(d365, "POST", "products", 201, **product)
    assert await d365.rows("ReleasedProductsV2?$filter=ItemNumber eq 'JACKET'") == []
    for company in ("web", "dat"):
        await do(d365, "POST", "products/JACKET/release", company=company, price="10", tax_item_group="FULL")
    variants = await d365.rows("ReleasedProductVariantsV2?$filter=ItemNumber eq 'JACKET'")
    assert len(variants) == 8
    refused = await do(d365, "POST", "products/JACKET/release", 409, company="web")
    assert refused["error"] == "company web has item JACKET already"


async def test_a_state_is_given_to_the_item_and_its_variants_or_to_some_variants(d365: Client) -> None:
    await create(d365)
    await do(d365, "POST", "items/web/JACKET/state", state="Released")
    where = "$filter=ItemNumber eq 'JACKET'"
    assert await shown(d365, f"ReleasedProductsV2?{where}", "ProductLifecycleStateId") == [("Released",)]
    await do(d365, "POST", "items/web/JACKET/state", state="", variants=["JACKET-NAVY-S"])
    variants = await shown(
        d365, f"ReleasedProductVariantsV2?{where}", "ProductVariantNumber", "ProductLifecycleStateId"
    )
    assert sorted(variants) == [
        ("JACKET-GREEN-M", "Released"),
        ("JACKET-GREEN-S", "Released"),
        ("JACKET-NAVY-M", "Released"),
        ("JACKET-NAVY-S", ""),
    ]
    assert await shown(d365, f"ReleasedProductsV2?{where}", "ProductLifecycleStateId") == [("Released",)]
    refused = await do(d365, "POST", "items/web/JACKET/state", 409, state="Sold")
    assert refused["error"] == "there is no lifecycle state Sold"


async def test_sales_are_stopped_for_the_item_one_variant_or_one_site(d365: Client) -> None:
    await do(d365, "POST", "items/web/TEE/stop")
    where = "$filter=dataAreaId eq 'web' and ItemNumber eq 'TEE'"
    assert await shown(d365, f"ProductDefaultOrderSettings?{where}", "IsSalesProcessingStopped") == [("Yes",)]
    await do(d365, "POST", "items/web/TEE/stop", stopped=False)
    assert await shown(d365, f"ProductDefaultOrderSettings?{where}", "IsSalesProcessingStopped") == [("No",)]
    await do(d365, "POST", "items/web/TEE/stop", variant="TEE-RED-M")
    await do(d365, "POST", "items/web/TEE/stop", site="2")
    fields = ("OperationalSiteId", "ProductColorId", "ProductSizeId", "IsSalesProcessingStopped")
    assert await shown(d365, f"ProductSpecificOrderSettingsV3?{where}", *fields) == [
        ("", "Red", "M", "Yes"),
        ("2", "", "", "Yes"),
    ]


async def stamps(d365: Client, item: str = "TEE") -> tuple[str, ...]:
    where = f"$filter=dataAreaId eq 'web' and ItemId eq '{item}'"
    (one,) = await d365.rows(f"InventTableBiEntities?{where}")
    modules = await d365.rows(f"InventTableModuleBiEntities?{where}&$orderby=ModuleType")
    assert [row["ModuleType"] for row in modules] == ["Invent", "Purch", "Sales"]
    return (one["SysModifiedDateTime"], *(row["SysModifiedDateTime"] for row in modules))


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"ProductLifecycleStateId": "Released"}, (LATER, NOW, NOW, NOW)),
        ({"NetProductWeight": 1}, (LATER, NOW, NOW, NOW)),
        ({"IntrastatCommodityCode": "61091000"}, (LATER, NOW, NOW, NOW)),
        ({"SalesPrice": 25}, (NOW, NOW, NOW, LATER)),
        ({"SalesUnitSymbol": "box"}, (NOW, NOW, NOW, LATER)),
        ({"PurchasePrice": 9}, (NOW, NOW, LATER, NOW)),
        ({"SalesPrice": 24}, (NOW, NOW, NOW, NOW)),
        ({"SellEndDate": "2026-08-01"}, (NOW, NOW, NOW, NOW)),
        ({"ProductLifeCycleValidToDate": "2026-08-01"}, (NOW, NOW, NOW, NOW)),
    ],
)
async def test_stamps_move_with_the_fields_of_their_table_alone(
    d365: Client, clock: Clock, fields: dict[str, Any], expected: tuple[str, ...]
) -> None:
    clock.turn(minutes=30)
    await do(d365, "PUT", "records/ReleasedProductsV2", dataAreaId="web", ItemNumber="TEE", **fields)
    assert await stamps(d365) == expected


async def test_texts_values_variants_barcodes_attributes_and_pictures_move_no_stamp(d365: Client, clock: Clock) -> None:
    await do(
        d365, "PUT", "records/ProductAttributes", ProductAttributeTypeName="T", AttributeName="Fit", DataType="Text"
    )
    await do(d365, "PUT", "records/ProductCategories", ProductCategoryHierarchyName="Shop", CategoryName="Shirts")
    clock.turn(minutes=30)
    await do(d365, "POST", "products/TEE/text", language="en-US", name="New tee")
    await do(d365, "POST", "products/TEE/values", dimension="color", values=["Green"])
    await do(d365, "POST", "products/TEE/variants", variants=[{"number": "TEE-GRN-M", "color": "Green", "size": "M"}])
    await do(d365, "POST", "items/web/TEE/barcode", barcode="123", variant="TEE-GRN-M")
    await do(d365, "POST", "items/web/TEE/state", state="Released", variants=["TEE-GRN-M"])
    await do(d365, "POST", "products/TEE/attributes", Fit="wide")
    await do(d365, "POST", "products/TEE/category", hierarchy="Shop", category="Shirts")
    await do(d365, "POST", "items/web/TEE/image", file="tee.png")
    await do(d365, "POST", "items/web/TEE/stop")
    assert await stamps(d365) == (NOW, NOW, NOW, NOW)
    fields = ("ProductVariantNumber", "ProductName")
    assert await shown(d365, "ReleasedProductVariantsV2?$filter=ProductColorId eq 'Green'", *fields) == [
        ("TEE-GRN-M", "New tee"),
        ("TEE-GRN-M", "New tee"),
    ]


async def test_what_was_stamped_since_a_moment_is_found_by_a_filter(d365: Client, clock: Clock) -> None:
    clock.turn(minutes=30)
    await create(d365)
    found = await d365.rows(f"InventTableBiEntities?$filter=SysModifiedDateTime ge {LATER}")
    assert [(row["ItemId"], row["SysCreatedDateTime"], row["ItemType"]) for row in found] == [("JACKET", LATER, "Item")]
    (product,) = await d365.rows("ProductsV2?$filter=ProductNumber eq 'JACKET'")
    assert found[0]["Product"] > 0
    assert product["ProductNumber"] == "JACKET"


async def test_barcodes_are_seen_by_dimensions_and_by_product_number(d365: Client) -> None:
    await do(d365, "POST", "items/web/TEE/barcode", barcode="0810000000012", variant="TEE-RED-M")
    await do(d365, "POST", "items/web/LAMP/barcode", barcode="0810000000029", unit="box")
    fields = ("ItemNumber", "ProductColorId", "ProductSizeId", "ProductQuantityUnitSymbol", "Barcode")
    assert await shown(d365, "ProductBarcodesV3", *fields) == [
        ("TEE", "Red", "M", "ea", "0810000000012"),
        ("LAMP", "", "", "box", "0810000000029"),
    ]
    assert await shown(d365, "ProductNumberIdentifiedBarcodes", "ProductNumber", "Barcode") == [
        ("TEE-RED-M", "0810000000012"),
        ("LAMP", "0810000000029"),
    ]


async def test_sellable_products_are_listed_only_with_dual_write(d365: Client) -> None:
    assert await d365.rows("SellableReleasedProducts") == []
    await do(d365, "POST", "tenant", dual_write=True)
    await do(d365, "POST", "items/web/LAMP/stop")
    fields = ("ProductNumber", "ProductName", "IsSalesStopped", "IsStockedProduct", "SalesPrice", "CurrencyCode")
    assert await shown(
        d365, "SellableReleasedProducts?$filter=dataAreaId eq 'web'&$orderby=ProductNumber", *fields
    ) == [
        ("FREIGHT", "Freight", "No", "No", 0, "USD"),
        ("LAMP", "Lamp", "Yes", "Yes", Decimal("34.5"), "USD"),
        ("MUG", "Mug", "No", "Yes", Decimal("12.95"), "USD"),
        ("TEE-BLU-M", "Tee", "No", "Yes", 24, "USD"),
        ("TEE-RED-M", "Tee", "No", "Yes", 24, "USD"),
    ]


async def test_attachments_are_listed_without_their_bytes_and_read_one_by_one(d365: Client) -> None:
    await do(d365, "POST", "items/web/TEE/image", file="front.png", color="#ff0000", default=True)
    await do(d365, "POST", "items/web/TEE/image", file="front.png", content="AAEC")
    of_it = "$filter=ItemNumber eq 'TEE'&$select=AttachedDateTime,IsDefaultProductImage,FileType"
    listed = await d365.rows(f"ReleasedProductDocumentAttachments?{of_it}")
    assert [(row["AttachedDateTime"], row["IsDefaultProductImage"], row["FileType"]) for row in listed] == [
        (NOW, "Yes", "png"),
        ("2026-07-30T08:58:54Z", "No", "png"),
    ]
    assert "Attachment" not in listed[0]
    key = "dataAreaId='web',ItemNumber='TEE',DocumentAttachmentTypeCode='Image',AttachmentDescription='front'"
    read = await d365.data("GET", f"ReleasedProductDocumentAttachments({key},AttachedDateTime={NOW})")
    assert base64.b64decode(read.json["Attachment"]).startswith(b"\x89PNG")


async def test_a_renamed_value_is_renamed_wherever_it_is_a_key(d365: Client) -> None:
    await create(d365)
    await do(d365, "POST", "items/web/JACKET/barcode", barcode="1", variant="JACKET-GREEN-S")
    agreed = {"ItemNumber": "JACKET", "ProductColorId": "Green", "Price": 99}
    await do(d365, "POST", "trade-agreements", 201, company="web", prices=[agreed])
    rename = {"dimension": "color", "from": "Green", "to": "Moss"}
    await do(d365, "POST", "products/JACKET/rename-value", **rename)
    for set_name, field in (
        ("ProductMasterColors", "ProductColorId"),
        ("ProductMasterColorTranslations", "ProductMasterColorId"),
        ("ReleasedProductVariantsV2", "ProductColorId"),
        ("ProductBarcodesV3", "ProductColorId"),
        ("SalesPriceAgreements", "ProductColorId"),
    ):
        assert await d365.rows(f"{set_name}?$filter={field} eq 'Moss'"), set_name
        assert not await d365.rows(f"{set_name}?$filter={field} eq 'Green'"), set_name
    number = await d365.order()
    sold = await d365.line(number, ItemNumber="JACKET", ProductColorId="Moss", ProductSizeId="S")
    assert (sold.status, sold.json["SalesPrice"]) == (201, 99)

    await do(d365, "POST", "on-hand", company="web", variant="JACKET-NAVY-M", warehouse="11", physical=3)
    again = await do(d365, "POST", "products/JACKET/rename-value", 409, **rename | {"from": "Moss", "to": "Fern"})
    assert "has stock" in again["error"]


@pytest.mark.parametrize(
    ("data_type", "value", "field", "shown_value"),
    [
        ("Text", "Cotton", "TextValue", "Cotton"),
        ("Decimal", 1.5, "DecimalValue", Decimal("1.5")),
        ("Integer", 3, "IntegerValue", 3),
        ("TrueFalse", True, "BooleanValue", "Yes"),
        ("Currency", 12, "CurrencyValue", 12),
        ("DateTime", "2026-07-30T10:00:00Z", "DateTimeValue", "2026-07-30T10:00:00Z"),
    ],
)
async def test_an_attribute_has_its_value_in_the_field_of_its_type(
    d365: Client, data_type: str, value: object, field: str, shown_value: object
) -> None:
    definition = {"ProductAttributeTypeName": "T", "AttributeName": "A", "DefaultCurrencyCode": "USD"}
    await do(d365, "PUT", "records/ProductAttributes", **definition, DataType=data_type)
    await do(d365, "POST", "products/LAMP/attributes", A=value)
    (row,) = await d365.rows("ProductAttributeValuesV3?$filter=ProductNumber eq 'LAMP'")
    assert (row["DataType"], row[field]) == (data_type, shown_value)
    assert row["CurrencyCode"] == ("USD" if data_type == "Currency" else "")


async def test_a_product_has_one_category_in_a_hierarchy(d365: Client) -> None:
    for name in ("Tents", "Lamps"):
        await do(d365, "PUT", "records/ProductCategories", ProductCategoryHierarchyName="Shop", CategoryName=name)
        await do(d365, "POST", "products/LAMP/category", hierarchy="Shop", category=name)
    assert await shown(d365, "ProductCategoryAssignments", "ProductNumber", "ProductCategoryName") == [
        ("LAMP", "Lamps")
    ]
    refused = await do(d365, "POST", "products/LAMP/category", 409, hierarchy="Shop", category="Boats")
    assert refused["error"] == "hierarchy Shop has no category Boats"


@pytest.mark.parametrize(
    ("set_name", "body", "reason"),
    [
        ("ProductTranslations", {"ProductNumber": "GHOST", "LanguageId": "nl"}, "there is no product GHOST"),
        ("ProductTranslations", {"ProductNumber": "LAMP"}, "ProductTranslations needs LanguageId"),
        ("ProductTranslations", {"ProductNumber": "LAMP", "LanguageId": "nl", "Title": "x"}, "has no field Title"),
        ("ProductTranslations", {"ProductNumber": "LAMP", "LanguageId": 5}, "cannot convert the JSON value 5"),
        ("ProductDefaultOrderSettings", {"dataAreaId": "web", "ItemNumber": "GHOST"}, "company web has no item GHOST"),
        ("ReleasedProductsV2", {"dataAreaId": "dat", "ItemNumber": "GHOST"}, "company dat has no item GHOST"),
        ("ProductsV2", {"ProductNumber": "LAMP", "ProductName": "x"}, "names and descriptions are in"),
        ("SalesOrderHeadersV4", {"SalesOrderNumber": "1"}, "is no table of the catalogue"),
    ],
)
async def test_a_record_that_contradicts_the_others_is_refused(
    d365: Client, set_name: str, body: dict[str, Any], reason: str
) -> None:
    refused = await do(d365, "PUT", f"records/{set_name}", 409, **body)
    assert reason in refused["error"]


async def test_a_record_is_changed_in_the_given_fields_and_removed_by_its_key(d365: Client) -> None:
    text = {"ProductNumber": "LAMP", "LanguageId": "de"}
    await do(d365, "PUT", "records/ProductTranslations", **text, ProductName="Lampe", Description="Hell.")
    await do(d365, "PUT", "records/ProductTranslations", **text, ProductName="Leuchte")
    where = "ProductTranslations?$filter=LanguageId eq 'de'"
    assert await shown(d365, where, "ProductName", "Description") == [("Leuchte", "Hell.")]
    await do(d365, "DELETE", "records/ProductTranslations", **text)
    assert await d365.rows(where) == []
    refused = await do(d365, "DELETE", "records/ProductTranslations", 409, **text)
    assert "has no record" in refused["error"]


async def test_only_masters_have_values(d365: Client) -> None:
    refused = await do(d365, "POST", "products/LAMP/values", 409, dimension="color", values=["Red"])
    assert refused["error"] == "product LAMP is no master: it has no dimensions"


async def test_a_product_that_is_refused_leaves_nothing_behind(d365: Client) -> None:
    refused = await do(d365, "POST", "products", 409, **JACKET, attributes={"Fit": "wide"})
    assert refused["error"] == "there is no attribute Fit"
    assert await d365.rows("ProductsV2?$filter=ProductNumber eq 'JACKET'") == []
    assert await d365.rows("ProductMasterColors?$filter=ProductMasterNumber eq 'JACKET'") == []
    await create(d365)
    again = await do(d365, "POST", "products", 409, **JACKET)
    assert again["error"] == "company web has item JACKET already"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"name": "x"}, "number"),
        ({"number": "A", "name": "A", "colour": "red"}, "unknown keys: colour"),
        ({"number": "A", "name": "A", "variants": [{"number": "A-1"}]}, "variant A-1 has no dimensions"),
        (
            {"number": "A", "name": "A", "colors": ["Red"], "variants": [{"number": "A-1", "color": "Blue"}]},
            "product A has no ProductColorId Blue",
        ),
        ({"number": "A", "name": "A", "descriptions": {"nl": "x"}}, "needs a name in its language"),
        ({"number": "A", "name": "A", "categories": ["Tents"]}, "HIERARCHY/CATEGORY"),
    ],
)
async def test_a_product_that_cannot_be_read_is_refused(d365: Client, body: dict[str, Any], reason: str) -> None:
    refused = await do(d365, "POST", "products", 400, **body)
    assert reason in refused["error"]


async def test_odata_only_reads_what_the_product_department_keeps(d365: Client) -> None:
    body = {"ProductNumber": "LAMP", "LanguageId": "nl", "ProductName": "Lamp"}
    refused = await d365.data("POST", "ProductTranslations", body)
    assert (refused.status, "read only" in refused.infolog) == (400, True)
    key = "ProductTranslations(ProductNumber='lamp',LanguageId='EN-us')"
    assert (await d365.data("GET", key)).json["ProductName"] == "Lamp"


def test_the_world_has_a_product_that_nobody_approved_yet() -> None:
    fo = Simulator(load_world(ROOT / "local/world.toml"))
    item = fo.books.find("ReleasedProductsV2", "usmf", "JACKET")
    assert item is not None
    assert item.values["ProductLifecycleStateId"] == "New"
    known = fo.books.item("usmf", "JACKET")
    assert known is not None
    assert len(known.variants) == 6
    assert len(list(fo.entities["ReleasedProductDocumentAttachments"].rows())) == 2
    others = [row.values["ProductLifecycleStateId"] for row in fo.books.rows("ReleasedProductsV2") if row is not item]
    assert others.count("Released") == 9
