"""productSet: a product as a whole, with what it deletes and what it refuses."""

from typing import Any

import pytest
from fixtures.shop_catalogue import (
    SET,
    WEB,
    by_item,
    coat,
    define_item,
    make,
    number,
    put,
    read,
    refusals,
    variant,
)
from fixtures.shopify_sim import Client, running_client

MISMATCH = "The input argument `metafields` (if present) must contain the `customId` value."


@pytest.fixture
async def client(wire: None):
    async with running_client() as client:
        yield client


async def test_a_product_is_made_with_its_options_variants_and_stock(client: Client):
    item = {
        "tracked": True,
        "cost": "4.50",
        "harmonizedSystemCode": "6201.40",
        "countryCodeOfOrigin": "US",
        "provinceCodeOfOrigin": "CA",
        "measurement": {"weight": {"value": 1.2, "unit": "KILOGRAMS"}},
    }
    red = variant(
        "Red",
        "M",
        sku="COAT-RED",
        barcode="871",
        compareAtPrice="12",
        taxCode="P1",
        inventoryItem=item,
        inventoryQuantities=[{"locationId": WEB, "name": "available", "quantity": 3}],
        metafields=[{"namespace": "custom", "key": "unit", "type": "single_line_text_field", "value": "ea"}],
    )
    given = coat(
        variants=[red, variant("Blue", "M")], tags=["winter", "Sale", "sale"], vendor="Nord", productType="Coat"
    )
    made = await make(client, given, descriptionHtml="<p>Warm</p>", category="gid://shopify/TaxonomyCategory/aa-1")
    assert (made["title"], made["handle"], made["status"], made["vendor"]) == ("Coat", "coat", "DRAFT", "Nord")
    assert made["tags"] == ["Sale", "winter"]
    assert made["category"]["fullName"] == "Apparel & Accessories > Clothing"
    assert [(each["name"], each["values"]) for each in made["options"]] == [("Color", ["Red", "Blue"]), ("Size", ["M"])]
    first, second = made["variants"]["nodes"]
    assert (first["title"], first["sku"], first["price"], first["compareAtPrice"]) == (
        "Red / M",
        "COAT-RED",
        "10.00",
        "12.00",
    )
    stored = first["inventoryItem"]
    assert stored["unitCost"] == {"amount": "4.5", "currencyCode": "EUR"}
    assert (stored["harmonizedSystemCode"], stored["provinceCodeOfOrigin"]) == ("620140", "CA")
    assert stored["measurement"]["weight"] == {"value": 1.2, "unit": "KILOGRAMS"}
    assert stored["inventoryLevels"]["nodes"] == [{"location": {"id": WEB}, "quantities": [{"quantity": 3}]}]
    assert first["metafields"]["nodes"] == [{"namespace": "custom", "key": "unit", "value": "ea"}]
    assert (second["sku"], second["inventoryPolicy"], second["inventoryItem"]["tracked"]) == (None, "DENY", False)
    assert second["inventoryItem"]["measurement"]["weight"] == {"value": 0, "unit": "KILOGRAMS"}
    assert await read(client, made["id"]) == made


async def test_stock_that_is_not_tracked_is_left_out_of_the_total(client: Client):
    def stocked(colour: str, quantity: int, tracked: bool) -> dict[str, Any]:
        level = {"locationId": WEB, "name": "available", "quantity": quantity}
        return variant(colour, "M", inventoryItem={"tracked": tracked}, inventoryQuantities=[level])

    made = await make(client, coat(variants=[stocked("Red", 2, True), stocked("Blue", 3, False)]))
    body = await client.data("query ($id: ID!) { product(id: $id) { totalInventory } }", {"id": made["id"]})
    assert body["product"]["totalInventory"] == 2


async def test_a_product_without_variants_has_the_default_one(client: Client):
    made = await make(client, {"title": "Lamp"})
    assert [(each["name"], each["values"]) for each in made["options"]] == [("Title", ["Default Title"])]
    (only,) = made["variants"]["nodes"]
    assert (only["title"], only["price"], only["inventoryItem"]["tracked"]) == ("Default Title", "0.00", False)
    given = {"title": "Lamp", "productOptions": [{"name": "Title", "values": [{"name": "Default Title"}]}]}
    named = await make(client, given, variants=[variant("Default Title", names=("Title",), sku="L")])
    assert (named["handle"], named["variants"]["nodes"][0]["title"]) == ("lamp-1", "Default Title")


async def test_it_is_found_by_its_item_and_updated(client: Client):
    await define_item(client)
    first = (await put(client, coat(), by_item("A-1")))["product"]
    assert first["metafields"]["nodes"] == [
        {"namespace": "app--284957184001", "key": "item", "type": "id", "value": "A-1"}
    ]
    again = (await put(client, {"title": "Long coat"}, by_item("A-1")))["product"]
    assert (again["id"], again["title"], again["variants"]) == (first["id"], "Long coat", first["variants"])
    found = await client.data(
        """{ there: productByIdentifier(identifier: {customId: {key: "item", value: "A-1"}}) { id }
             absent: productByIdentifier(identifier: {customId: {key: "item", value: "a-1"}}) { id }
             byHandle: productByIdentifier(identifier: {handle: "coat"}) { id } }"""
    )
    assert found == {"there": {"id": first["id"]}, "absent": None, "byHandle": {"id": first["id"]}}


async def test_a_custom_id_needs_a_definition_of_the_type_id(client: Client):
    body = await client.graphql(SET, {"input": coat(), "identifier": by_item("A-1"), "now": True})
    assert body["data"] == {"productSet": None}
    (error,) = body["errors"]
    assert error["message"] == "Metafield definition of type 'id' is required when using custom ids."
    assert (error["extensions"]["code"], error["path"]) == ("NOT_FOUND", ["productSet"])


@pytest.mark.parametrize(
    ("metafields", "errors"),
    [
        ([{"key": "item", "value": "A-1"}], 0),
        ([{"namespace": "$app", "key": "item", "value": "A-1"}], 0),
        ([{"key": "item", "value": "A-1", "type": "id"}], 1),
        ([{"key": "item", "value": "A-2"}], 1),
        ([], 1),
    ],
)
async def test_metafields_beside_a_custom_id_contain_it_without_its_type(
    client: Client, metafields: list[dict[str, Any]], errors: int
):
    await define_item(client)
    payload = await put(client, coat(metafields=metafields), by_item("A-1"))
    told = [(each["field"], each["message"], each["code"]) for each in payload["userErrors"]]
    assert told == [(["input"], MISMATCH, "METAFIELD_MISMATCH")] * errors


async def test_what_a_list_does_not_name_is_deleted_and_what_is_left_out_stays(client: Client):
    custom = [
        {"namespace": "custom", "key": key, "type": "single_line_text_field", "value": "x"} for key in ("fit", "care")
    ]
    made = await make(client, coat(metafields=custom, tags=["a", "b"], vendor="Nord"))
    red, blue = made["variants"]["nodes"]
    kept = {**variant("Blue", "M"), "id": blue["id"], "price": "11"}
    given = {"productOptions": [{"name": "Color", "values": [{"name": "Blue"}]}, coat()["productOptions"][1]]}
    changed = await put(client, {**given, "variants": [kept], "metafields": custom[:1]}, {"id": made["id"]})
    product = changed["product"]
    assert (product["title"], product["vendor"], product["tags"]) == ("Coat", "Nord", ["a", "b"])
    assert [(each["id"], each["sku"], each["price"]) for each in product["variants"]["nodes"]] == [
        (blue["id"], "COAT-BLUE", "11.00")
    ]
    assert [each["id"] for each in product["options"]] == [each["id"] for each in made["options"]]
    assert product["options"][0]["optionValues"][0]["id"] == made["options"][0]["optionValues"][1]["id"]
    assert [each["key"] for each in product["metafields"]["nodes"]] == ["fit"]
    gone = await client.data("query V($id: ID!) { productVariant(id: $id) { id } }", {"id": red["id"]})
    assert gone == {"productVariant": None}


async def test_a_renamed_option_value_keeps_its_variant_by_ids(client: Client):
    made = await make(client)
    color, size = made["options"]
    red, blue = made["variants"]["nodes"]
    values = [{"id": color["optionValues"][0]["id"], "name": "Crimson"}, {"name": "Blue"}]
    options = [{"id": color["id"], "name": "Shade", "values": values}, {"id": size["id"], "values": [{"name": "M"}]}]
    rows = [
        {"id": each["id"], **variant(value, "M", names=("Shade", "Size"))}
        for each, value in ((red, "Crimson"), (blue, "Blue"))
    ]
    product = (await put(client, {"productOptions": options, "variants": rows}, {"id": made["id"]}))["product"]
    assert [(each["id"], each["title"]) for each in product["variants"]["nodes"]] == [
        (red["id"], "Crimson / M"),
        (blue["id"], "Blue / M"),
    ]
    assert product["options"][0]["optionValues"][0] == {**color["optionValues"][0], "name": "Crimson"}


async def test_an_existing_variant_without_its_id_is_not_simulated(client: Client):
    made = await make(client)
    body = await client.graphql(SET, {"input": coat(), "identifier": {"id": made["id"]}, "now": True})
    assert body["errors"][0]["extensions"]["code"] == "NOT_SIMULATED"
    assert len((await read(client, made["id"]))["variants"]["nodes"]) == 2


async def test_in_the_background_it_is_done_when_it_is_asked_for(client: Client):
    answer = (await client.data(SET, {"input": coat(), "now": False}))["productSet"]
    operation = answer["productSetOperation"]
    assert (answer["product"], operation["status"], operation["product"]) == (None, "CREATED", None)
    ask = """query Ask($id: ID!) { productOperation(id: $id) {
        status product { title } ... on ProductSetOperation { userErrors { message code } } } }"""
    done = (await client.data(ask, {"id": operation["id"]}))["productOperation"]
    assert done == {"status": "COMPLETE", "product": {"title": "Coat"}, "userErrors": []}
    bad = (await client.data(SET, {"input": {"title": ""}, "now": False}))["productSet"]["productSetOperation"]
    done = (await client.data(ask, {"id": bad["id"]}))["productOperation"]
    assert done["userErrors"] == [{"message": "Title must be specified", "code": "INVALID_PRODUCT"}]


LONG = "x" * 256
TWO = [{"name": "Size", "values": [{"name": "S"}]}, {"name": "Color", "values": [{"name": "Red"}]}]


def sized(*names: str, **wishes: Any) -> dict[str, Any]:
    """A product with one option."""
    values = [{"name": each} for each in dict.fromkeys(names)]
    rows = [variant(each, names=("Size",), **wishes) for each in names]
    return {"title": "Sock", "productOptions": [{"name": "Size", "values": values}], "variants": rows}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"title": " "}, ("input.title", "Title must be specified", "INVALID_PRODUCT")),
        ({"title": LONG}, ("input.title", "is too long (maximum is 255 characters)", "INVALID_PRODUCT")),
        ({"vendor": LONG}, ("input", "Vendor is too long (maximum is 255 characters)", "INVALID_PRODUCT")),
        ({"handle": LONG}, ("input", "Handle is too long (maximum is 255 characters)", "INVALID_PRODUCT")),
        ({"tags": [LONG]}, ("input", "Product tags is invalid", "INVALID_PRODUCT")),
        (
            {"handle": "Gas stove"},
            ("input.handle", "Handle 'Gas stove' already in use. Please provide a new handle.", "HANDLE_NOT_UNIQUE"),
        ),
        (
            {"productOptions": TWO, "variants": None},
            ("input.variants", "Variants input is required when updating product options", "VARIANTS_INPUT_MISSING"),
        ),
        (
            {"productOptions": [{"name": "Color / Size", "values": [{"name": "S"}]}]},
            ("input.productOptions.0.name", "The name contains unsupported sequence ' / '", "INVALID_INPUT"),
        ),
        (
            {"productOptions": [TWO[0], TWO[0]]},
            ("input.productOptions", "Duplicated option name 'Size'", "DUPLICATED_OPTION_NAME"),
        ),
        (
            {"productOptions": [TWO[0], {"name": "Color"}]},
            (
                "input.productOptions.1",
                "Option 'Color' must specify at least one option value.",
                "OPTION_VALUES_MISSING",
            ),
        ),
        (
            {"productOptions": [{"name": LONG, "values": [{"name": "S"}]}]},
            ("input.productOptions.0.name", "Option name is too long.", "INVALID_INPUT"),
        ),
        (
            {"productOptions": [{"name": "Size", "values": [{"name": LONG}]}]},
            ("input.productOptions.0.values.0", "Option value name is too long.", "INVALID_INPUT"),
        ),
        (
            {"productOptions": [{"name": each, "values": [{"name": "S"}]} for each in "abcd"]},
            ("input.productOptions", "Can only specify a maximum of 3 options", "INVALID_INPUT"),
        ),
        (
            {"productOptions": [{"name": "Size", "values": [{"name": str(n)} for n in range(101)]}]},
            ("input.productOptions.0.values", "Option values over limit.", "INVALID_INPUT"),
        ),
        (
            {"metafields": [{"namespace": "custom", "key": "fit", "value": "x"}]},
            ("input.metafields.0.type", "Type can't be blank", "INVALID_METAFIELD"),
        ),
        (
            {"metafields": [{"namespace": "custom", "key": "fit", "value": "x", "type": "number_integer"}]},
            ("input.metafields.0.value", "Value must be an integer.", "INVALID_METAFIELD"),
        ),
        (sized("M", "M"), ("input.variants.1", "The variant 'M' already exists.", "INVALID_VARIANT")),
        (
            sized("M", price="-5"),
            ("input.variants.0.price", "Price must be greater than or equal to 0", "INVALID_VARIANT"),
        ),
        (
            sized("M", sku=LONG),
            ("input.variants.0.sku", "SKU is too long (maximum is 255 characters)", "INVALID_VARIANT"),
        ),
        (
            sized("M", barcode=LONG),
            ("input.variants.0.barcode", "Barcode is too long (maximum is 255 characters)", "INVALID_VARIANT"),
        ),
        (
            sized("M", inventoryItem={"cost": "-1"}),
            (
                "input.variants.0.inventoryItem.cost",
                "Cost per item must be greater than or equal to 0",
                "INVALID_VARIANT",
            ),
        ),
        (
            sized("M", inventoryItem={"cost": "1000000000000000000"}),
            (
                "input.variants.0.inventoryItem.cost",
                "Cost per item must be less than 1000000000000000000",
                "INVALID_VARIANT",
            ),
        ),
        (
            sized("M", id="gid://shopify/ProductVariant/91001"),
            ("input.variants.0.id", "Product variant does not exist", "PRODUCT_VARIANT_DOES_NOT_EXIST"),
        ),
    ],
)
async def test_it_is_refused_with_shopifys_words_and_writes_nothing(
    client: Client, given: dict[str, Any], expected: tuple
):
    assert await refusals(client, {**coat(), **given}) == [expected]


async def test_other_refusals(client: Client):
    both = {**coat(), "id": "gid://shopify/Product/81001"}
    told = await refusals(client, both, {"id": "gid://shopify/Product/81001"})
    assert told == [("input", "The id field is not allowed if identifier is provided.", "ID_NOT_ALLOWED")]
    told = await refusals(client, {**coat(), "id": "gid://shopify/Product/1"})
    assert told == [("input.id", "Product does not exist", "PRODUCT_DOES_NOT_EXIST")]
    told = await refusals(client, {**coat(), "productType": LONG})
    assert [text for _, text, _ in told] == [
        "Product type is too long (maximum is 255 characters)",
        "Custom product type is too long (maximum is 255 characters)",
    ]
    given = coat(variants=[variant(color, "M") for color in ("Red", "Blue", "Red", "Blue")])
    hint = "already exists. Please change at least one option value."
    assert [(path, text) for path, text, _ in await refusals(client, given)] == [
        ("input.variants.2", f"The variant 'Red / M' {hint}"),
        ("input.variants.3", f"The variant 'Blue / M' {hint}"),
    ]


@pytest.mark.parametrize(
    ("given", "code", "text"),
    [
        ({"variants": [variant("Red", "M")] * 2049}, "MAX_INPUT_SIZE_EXCEEDED", "size of 2049 is greater than"),
        ({"tags": ["a"] * 251}, "MAX_INPUT_SIZE_EXCEEDED", "size of 251 is greater than the maximum allowed of 250."),
        (
            {"variants": [variant("Red", "M", price="abc")]},
            "INVALID_VARIABLE",
            "variants.0.price (invalid money 'abc')",
        ),
        (
            {"variants": [variant("Red", "M", inventoryItem={"cost": "cheap"})]},
            "INVALID_VARIABLE",
            "variants.0.inventoryItem.cost (invalid decimal 'cheap')",
        ),
        (
            {"category": "gid://shopify/TaxonomyCategory/zz-1"},
            "INVALID_PRODUCT_TAXONOMY_NODE_ID",
            "Invalid product_taxonomy_node_id",
        ),
        ({"descriptionHtml": "<script>x</script>"}, "NOT_SIMULATED", "<script> in a description"),
        ({"descriptionHtml": "<p>open"}, "NOT_SIMULATED", "leaves <p> open"),
        ({"title": "Bell\u0007"}, "NOT_SIMULATED", "control characters"),
        ({"collections": ["gid://shopify/Collection/1"]}, "NOT_SIMULATED", "ProductSetInput.collections"),
    ],
)
async def test_top_level_errors(client: Client, given: dict[str, Any], code: str, text: str):
    body = await client.graphql(SET, {"input": coat(**given), "now": True})
    assert (body["errors"][0]["extensions"]["code"], text in body["errors"][0]["message"]) == (code, True)


async def test_each_variant_and_metafield_costs_something(client: Client):
    plain = """mutation Set($input: ProductSetInput!) { productSet(input: $input) { userErrors { message } } }"""
    sizes = [str(n) for n in range(50)]
    body = await client.graphql(plain, {"input": sized(*sizes)})
    assert body["extensions"]["cost"]["requestedQueryCost"] == 10 + 10
    fields = [{"namespace": "custom", "key": f"k{n}", "type": "number_integer", "value": "1"} for n in range(10)]
    body = await client.graphql(plain, {"input": {"title": "x", "metafields": fields}})
    assert body["extensions"]["cost"]["actualQueryCost"] == 10 + 4


async def test_a_deleted_variant_leaves_its_order_line(client: Client):
    made = await make(client, coat(title="Rope"))
    placed = await client.place(lines=[{"sku": "COAT-RED", "quantity": 1}])
    blue = made["variants"]["nodes"][1]
    given = coat(title="Rope", variants=[{"id": blue["id"], **variant("Blue", "M")}])
    await put(client, {**given, "productOptions": coat()["productOptions"]}, {"id": made["id"]})
    order = await client.sim("GET", f"orders/{placed['id']}")
    assert (order["line_items"][0]["sku"], order["line_items"][0]["variant_id"]) == ("COAT-RED", None)
    assert number(blue["id"]) in client.shopify.simulator.shops[client.shop].variants
