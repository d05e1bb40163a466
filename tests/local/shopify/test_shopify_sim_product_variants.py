"""The bulk mutations of variants."""

from typing import Any

import pytest
from fixtures.shop_catalogue import WEB, coat, make, read, told, variant
from fixtures.shopify_sim import Client, running_client

LONG = "x" * 256
_SHOWN = """product { id variants(first: 99) { nodes { title } } }
    productVariants { id title sku price inventoryItem { tracked } }
    userErrors { field message code }"""
CREATE = f"""mutation Create($id: ID!, $rows: [ProductVariantsBulkInput!]!, $how: ProductVariantsBulkCreateStrategy) {{
  productVariantsBulkCreate(productId: $id, variants: $rows, strategy: $how) {{ {_SHOWN} }}
}}"""
UPDATE = f"""mutation Update($id: ID!, $rows: [ProductVariantsBulkInput!]!, $partly: Boolean) {{
  productVariantsBulkUpdate(productId: $id, variants: $rows, allowPartialUpdates: $partly) {{ {_SHOWN} }}
}}"""
DELETE = """mutation Delete($id: ID!, $ids: [ID!]!) {
  productVariantsBulkDelete(productId: $id, variantsIds: $ids) {
    product { variants(first: 9) { nodes { title } } } userErrors { field message code }
  }
}"""
_NO_QUANTITIES = (
    "Inventory quantities can only be provided during create. To update inventory for existing variants, "
    "use inventoryAdjustQuantities."
)
NOBODY = "gid://shopify/Product/999999999999"


@pytest.fixture
async def client(wire: None):
    async with running_client() as client:
        yield client


async def create(client: Client, product: str, *rows: dict[str, Any], how: str = "DEFAULT") -> dict[str, Any]:
    asked = {"id": product, "rows": list(rows), "how": how}
    return (await client.data(CREATE, asked))["productVariantsBulkCreate"]


async def update(client: Client, product: str, *rows: dict[str, Any], partly: bool = False) -> dict[str, Any]:
    asked = {"id": product, "rows": list(rows), "partly": partly}
    return (await client.data(UPDATE, asked))["productVariantsBulkUpdate"]


async def test_variants_are_added_with_new_values_and_stock(client: Client):
    made = await make(client)
    row = variant("Green", "L", inventoryItem={"sku": "G", "tracked": True})
    row["inventoryQuantities"] = [{"locationId": WEB, "availableQuantity": 4}]
    payload = await create(client, made["id"], row)
    assert told(payload) == []
    assert [(each["title"], each["sku"], each["price"]) for each in payload["productVariants"]] == [
        ("Green / L", "G", "10.00")
    ]
    product = await read(client, made["id"])
    assert [each["title"] for each in product["variants"]["nodes"]] == ["Red / M", "Blue / M", "Green / L"]
    assert [each["values"] for each in product["options"]] == [["Red", "Blue", "Green"], ["M", "L"]]
    assert product["totalInventory"] == 4


@pytest.mark.parametrize(
    ("how", "default", "custom"),
    [("DEFAULT", 1, 2), ("PRESERVE_STANDALONE_VARIANT", 2, 2), ("REMOVE_STANDALONE_VARIANT", 1, 1)],
)
async def test_the_strategies_for_a_single_variant(client: Client, how: str, default: int, custom: int):
    lamp = await make(client, {"title": "Lamp"})
    payload = await create(client, lamp["id"], variant("Red", names=("Title",)), how=how)
    assert len(payload["product"]["variants"]["nodes"]) == default
    single = await make(client, coat(title="Single", variants=[variant("Red", "M")]))
    payload = await create(client, single["id"], variant("Blue", "M"), how=how)
    assert len(payload["product"]["variants"]["nodes"]) == custom


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (
            variant("Blue", "Blue", names=("Color", "Color")),
            [("variants.0.optionValues", "Duplicated option name 'Color'", "INVALID_INPUT")],
        ),
        (
            variant("Blue", "x", names=("Color", "Fit")),
            [("variants.0.optionValues.1", "Option does not exist", "INVALID_INPUT")],
        ),
        (variant("Blue"), [("variants.0", "You need to add option values for Size", "NEED_TO_ADD_OPTION_VALUES")]),
        (
            variant(LONG, "M"),
            [("variants.0.optionValues.0.name", "Option value name is too long", "INVALID_INPUT")],
        ),
        (variant("x", "M", price=None), [("variants.0.price", "Price can't be blank", "INVALID")]),
        (
            variant("x", "M", price="-5"),
            [("variants.0.price", "Price must be greater than or equal to 0", "GREATER_THAN_OR_EQUAL_TO")],
        ),
        (
            variant("x", "M", price="1000000000000000000"),
            [("variants.0.price", "Price must be less than 1000000000000000000", "INVALID_INPUT")],
        ),
        (
            variant("x", "M", compareAtPrice="1000000000000000000"),
            [("variants.0.compareAtPrice", "must be less than 1000000000000000000", "INVALID_INPUT")],
        ),
        (
            variant("x", "M", inventoryItem={"measurement": {"weight": {"value": -1, "unit": "KILOGRAMS"}}}),
            [("variants.0", "Weight must be greater than or equal to 0", "GREATER_THAN_OR_EQUAL_TO")],
        ),
        (
            variant("x", "M", inventoryItem={"measurement": {"weight": {"value": 2e9, "unit": "KILOGRAMS"}}}),
            [("variants.0", "Weight must be less than 2000000000", "INVALID_INPUT")],
        ),
        (
            variant("x", "M", inventoryItem={"sku": LONG}),
            [
                ("variants.0", "SKU is too long (maximum is 255 characters)", "INVALID_INPUT"),
                ("variants.0", "is too long (maximum is 255 characters)", None),
            ],
        ),
        (
            variant("x", "M", barcode=LONG),
            [("variants.0.barcode", "Barcode is too long (maximum is 255 characters)", "INVALID_INPUT")],
        ),
        (
            variant("x", "M", inventoryItem={"cost": "-1"}),
            [
                ("variants.0", "must be greater than or equal to 0", None),
                (
                    "variants.0.inventoryItem.cost",
                    "Cost per item must be greater than or equal to 0",
                    "GREATER_THAN_OR_EQUAL_TO",
                ),
            ],
        ),
        (
            variant("x", "M", inventoryQuantities=[{"locationId": WEB, "availableQuantity": 2_000_000_000}]),
            [
                (
                    "variants.0.inventoryQuantities",
                    "Inventory quantity must be less than or equal to 1000000000",
                    "INVALID_INPUT",
                )
            ],
        ),
        (
            variant(
                "Blue", "L", inventoryQuantities=[{"locationId": "gid://shopify/Location/1", "availableQuantity": 1}]
            ),
            [
                (
                    "variants.0.inventoryQuantities",
                    "Quantity for Blue / L couldn't be set because the location was deleted.",
                    "TRACKED_VARIANT_LOCATION_NOT_FOUND",
                )
            ],
        ),
        (
            variant("Red", "M"),
            [
                (
                    "variants.0",
                    "The variant 'Red / M' already exists. Please change at least one option value.",
                    "VARIANT_ALREADY_EXISTS_CHANGE_OPTION_VALUE",
                )
            ],
        ),
    ],
)
async def test_a_new_variant_is_refused_and_none_is_made(client: Client, row: dict[str, Any], expected: list[tuple]):
    made = await make(client)
    payload = await create(client, made["id"], row, variant("Fine", "M"))
    assert told(payload) == expected
    assert (payload["product"], payload["productVariants"]) == (None, [])
    assert await read(client, made["id"]) == made


async def test_empty_batches_and_unknown_products(client: Client):
    made = await make(client)
    error = ("productId", "Product does not exist", "PRODUCT_DOES_NOT_EXIST")
    assert (await create(client, made["id"]))["productVariants"] == []
    assert (await update(client, made["id"]))["productVariants"] == []
    lost = await create(client, NOBODY, variant("Red", "M"))
    assert (lost["product"], lost["productVariants"], told(lost)) == (None, [], [error])
    lost = await update(client, NOBODY, {"id": made["variants"]["nodes"][0]["id"]})
    assert (lost["product"], lost["productVariants"], told(lost)) == (None, None, [error])
    lost = (await client.data(DELETE, {"id": NOBODY, "ids": []}))["productVariantsBulkDelete"]
    assert (lost["product"], told(lost)) == (None, [error])


async def test_prices_change_and_a_compare_at_price_is_cleared(client: Client):
    made = await make(client, coat(variants=[variant("Red", "M", compareAtPrice="12"), variant("Blue", "M")]))
    red, blue = made["variants"]["nodes"]
    client.clock.advance(5)
    row = {"id": red["id"], "price": "9.5", "compareAtPrice": None, "inventoryPolicy": "CONTINUE"}
    payload = await update(client, made["id"], row)
    assert [(each["id"], each["price"]) for each in payload["productVariants"]] == [(red["id"], "9.50")]
    product = await read(client, made["id"])
    changed, same = product["variants"]["nodes"]
    assert (changed["compareAtPrice"], changed["inventoryPolicy"], same) == (None, "CONTINUE", blue)
    assert changed["updatedAt"] == product["updatedAt"] > made["updatedAt"]
    client.clock.advance(5)
    await update(client, made["id"], row)
    assert await read(client, made["id"]) == product


async def test_a_variant_gets_another_value(client: Client):
    made = await make(client)
    red, _ = made["variants"]["nodes"]
    row = {"id": red["id"], "optionValues": [{"optionName": "Color", "name": "Rose"}]}
    payload = await update(client, made["id"], row)
    assert payload["productVariants"][0]["title"] == "Rose / M"
    taken = {"id": red["id"], "optionValues": [{"optionName": "Color", "name": "Blue"}]}
    text = "The variant 'Blue / M' already exists. Please change at least one option value."
    assert told(await update(client, made["id"], taken)) == [("variants.0", text, "VARIANT_ALREADY_EXISTS")]


@pytest.mark.parametrize(
    ("wishes", "expected"),
    [
        (
            {"inventoryItem": {"cost": "-1"}},
            [
                ("variants.0", "must be greater than or equal to 0", None),
                (
                    "variants.0.inventoryItem.cost",
                    "Cost per item must be greater than or equal to 0",
                    "GREATER_THAN_OR_EQUAL_TO",
                ),
            ],
        ),
        (
            {"price": "-1", "compareAtPrice": "1000000000000000000"},
            [
                ("variants.0.compareAtPrice", "must be less than 1000000000000000000", "INVALID_INPUT"),
                ("variants.0.price", "Price must be greater than or equal to 0", "GREATER_THAN_OR_EQUAL_TO"),
            ],
        ),
    ],
)
async def test_a_wrong_figure_shows_the_variants_as_they_are(
    client: Client, wishes: dict[str, Any], expected: list[tuple]
):
    made = await make(client)
    red, blue = made["variants"]["nodes"]
    payload = await update(client, made["id"], {"id": red["id"], **wishes}, {"id": blue["id"], "price": "1"})
    assert told(payload) == expected
    assert [each["price"] for each in payload["productVariants"]] == ["10.00", "10.00"]
    assert await read(client, made["id"]) == made


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"price": "1"}, ("variants.0.id", "Product variant is missing ID attribute", "PRODUCT_VARIANT_ID_MISSING")),
        (
            {"id": "gid://shopify/ProductVariant/91001"},
            ("variants.0.id", "Product variant does not exist", "PRODUCT_VARIANT_DOES_NOT_EXIST"),
        ),
        (
            {"optionValues": [{"optionName": "Fit", "name": "x"}]},
            ("variants.0.optionValues.0", "Option does not exist", "OPTION_DOES_NOT_EXIST"),
        ),
        (
            {"inventoryQuantities": [{"locationId": WEB, "availableQuantity": 1}]},
            (
                "variants.0.inventoryQuantities",
                _NO_QUANTITIES,
                "NO_INVENTORY_QUANTITIES_ON_VARIANTS_UPDATE",
            ),
        ),
    ],
)
async def test_a_row_that_does_not_fit_stops_all(client: Client, row: dict[str, Any], expected: tuple):
    made = await make(client)
    red, blue = made["variants"]["nodes"]
    whole = row if "price" in row or "id" in row else {"id": red["id"], **row}
    payload = await update(client, made["id"], whole, {"id": blue["id"], "price": "1"})
    assert told(payload) == [expected]
    assert (payload["product"]["id"], payload["productVariants"]) == (made["id"], None)
    assert await read(client, made["id"]) == made


async def test_partial_updates_write_what_is_right(client: Client):
    made = await make(client)
    red, blue = made["variants"]["nodes"]
    rows = ({"id": red["id"], "price": "-1"}, {"id": blue["id"], "price": "1"})
    payload = await update(client, made["id"], *rows, partly=True)
    assert [path for path, *_ in told(payload)] == ["variants.0.price"]
    assert [each["price"] for each in payload["productVariants"]] == ["10.00", "1.00"]
    assert [each["price"] for each in (await read(client, made["id"]))["variants"]["nodes"]] == ["10.00", "1.00"]


async def test_variants_are_deleted(client: Client):
    made = await make(client)
    red, _ = made["variants"]["nodes"]
    wrong = {"id": made["id"], "ids": [red["id"], "gid://shopify/ProductVariant/91001"]}
    payload = (await client.data(DELETE, wrong))["productVariantsBulkDelete"]
    text = "At least one variant does not belong to the product"
    code = "AT_LEAST_ONE_VARIANT_DOES_NOT_BELONG_TO_THE_PRODUCT"
    assert (payload["product"], told(payload)) == (None, [("variantsIds.1", text, code)])
    assert await read(client, made["id"]) == made
    payload = (await client.data(DELETE, {"id": made["id"], "ids": [red["id"]]}))["productVariantsBulkDelete"]
    assert payload["product"]["variants"]["nodes"] == [{"title": "Blue / M"}]
