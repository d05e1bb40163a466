"""The finer mutations of products: texts, options, tags, publications, inventory items."""

from typing import Any

import pytest
from fixtures.shop_catalogue import UPDATE, coat, make, read, told
from fixtures.shopify_sim import Client, running_client

LONG = "x" * 256
STORE, COUNTER = "gid://shopify/Publication/75001001", "gid://shopify/Publication/75001002"
OPTIONS_CREATE = """mutation Create(
    $id: ID!, $options: [OptionCreateInput!]!, $how: ProductOptionCreateVariantStrategy) {
  productOptionsCreate(productId: $id, options: $options, variantStrategy: $how) {
    product { options { name values optionValues { name hasVariants } } variants(first: 99) { nodes { title } } }
    userErrors { field message code }
  }
}"""
OPTION_UPDATE = """mutation Update($id: ID!, $option: OptionUpdateInput!, $add: [OptionValueCreateInput!],
    $rename: [OptionValueUpdateInput!], $delete: [ID!]) {
  productOptionUpdate(productId: $id, option: $option, optionValuesToAdd: $add, optionValuesToUpdate: $rename,
      optionValuesToDelete: $delete, variantStrategy: LEAVE_AS_IS) {
    product { options { id name position values optionValues { id name hasVariants } }
      variants(first: 9) { nodes { id title } } }
    userErrors { field message code }
  }
}"""
REORDER = """mutation Reorder($id: ID!, $options: [OptionReorderInput!]!) {
  productOptionsReorder(productId: $id, options: $options) {
    product { options { name values } variants(first: 9) { nodes { title } } } userErrors { field message code }
  }
}"""
TAGS = """mutation Tag($id: ID!, $tags: [String!]!) {{
  tags{0}(id: $id, tags: $tags) {{ node {{ ... on Product {{ tags }} }} userErrors {{ field message }} }}
}}"""
PUBLISH = """mutation Publish($id: ID!, $input: [PublicationInput!]!) {{
  publishable{0}(id: $id, input: $input) {{
    publishable {{ resourcePublicationsCount {{ count }} ... on Product {{ publishedAt
      resourcePublicationsV2(first: 9, onlyPublished: false) {{
        nodes {{ isPublished publishDate publication {{ id }} }} }} }} }}
    shop {{ id }} userErrors {{ field message }}
  }}
}}"""
ITEM = """mutation Item($id: ID!, $input: InventoryItemInput!) {
  inventoryItemUpdate(id: $id, input: $input) {
    inventoryItem { sku harmonizedSystemCode unitCost { amount } measurement { weight { value unit } } }
    userErrors { field message }
  }
}"""


@pytest.fixture
async def client(wire: None):
    async with running_client() as client:
        yield client


async def update(client: Client, **given: Any) -> dict[str, Any]:
    return (await client.data(UPDATE, {"product": given}))["productUpdate"]


async def test_texts_change_and_move_updated_at(client: Client):
    made = await make(client, coat(tags=["a"]))
    client.clock.advance(5)
    same = await update(client, id=made["id"], title="Coat", tags=["A", "a"])
    assert (same["product"]["tags"], same["product"]["updatedAt"] == made["updatedAt"]) == (["A"], False)
    client.clock.advance(5)
    assert (await update(client, id=made["id"], title="Coat"))["product"] == same["product"]
    changed = await update(client, id=made["id"], title="Parka", vendor="", descriptionHtml="<p>x</p>", status="ACTIVE")
    product = changed["product"]
    assert (product["title"], product["handle"], product["vendor"]) == ("Parka", "coat", "Nordlys Outdoor")
    assert (product["descriptionHtml"], product["status"]) == ("<p>x</p>", "ACTIVE")
    assert product["updatedAt"] > same["product"]["updatedAt"]
    by_handle = await client.data(UPDATE, {"product": {"title": "P"}, "identifier": {"handle": "coat"}})
    assert by_handle["productUpdate"]["product"]["title"] == "P"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"title": ""}, [("title", "Title can't be blank")]),
        ({"title": LONG}, [("title", "Title is too long (maximum is 255 characters)")]),
        ({"vendor": LONG}, [("vendor", "Vendor is too long (maximum is 255 characters)")]),
        (
            {"productType": LONG},
            [
                ("productType", "Product type is too long (maximum is 255 characters)"),
                ("customProductType", "Custom product type is too long (maximum is 255 characters)"),
            ],
        ),
        ({"handle": LONG}, [("handle", "Handle is too long (maximum is 255 characters)")]),
        (
            {"handle": "gas-stove"},
            [("input.handle", "Handle 'gas-stove' already in use. Please provide a new handle.")],
        ),
        ({"tags": [LONG]}, [("tags", "Product tags is invalid")]),
        ({"id": "gid://shopify/Product/1"}, [("id", "Product does not exist")]),
    ],
)
async def test_texts_are_refused_with_shopifys_words(client: Client, given: dict[str, Any], expected: list[tuple]):
    made = await make(client)
    payload = await update(client, **{"id": made["id"], **given})
    assert told(payload) == expected
    assert await read(client, made["id"]) == made


async def test_exactly_one_input(client: Client):
    body = await client.graphql("mutation { productUpdate { userErrors { message } } }")
    text = "productUpdate must include exactly one of the following arguments: input, product."
    assert (body["errors"][0]["message"], body["errors"][0]["extensions"]["code"]) == (text, "INVALID_FIELD_ARGUMENTS")


async def test_options_take_the_place_of_the_default_one(client: Client):
    made = await make(client, {"title": "Lamp"})
    options = [{"name": "Color", "values": [{"name": "Red"}, {"name": "Blue"}]}]
    payload = (await client.data(OPTIONS_CREATE, {"id": made["id"], "options": options}))["productOptionsCreate"]
    assert payload["product"]["variants"]["nodes"] == [{"title": "Red"}]
    assert payload["product"]["options"] == [
        {
            "name": "Color",
            "values": ["Red"],
            "optionValues": [{"name": "Red", "hasVariants": True}, {"name": "Blue", "hasVariants": False}],
        }
    ]
    asked = {"id": made["id"], "options": [{"name": "Size", "values": [{"name": "S"}, {"name": "L"}]}], "how": "CREATE"}
    payload = (await client.data(OPTIONS_CREATE, asked))["productOptionsCreate"]
    assert [each["title"] for each in payload["product"]["variants"]["nodes"]] == ["Red / S", "Red / L"]


def option(name: str, *values: str) -> dict[str, Any]:
    return {"name": name, "values": [{"name": each} for each in values]}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([option("Color", "x")], ("options.0", "Option 'Color' already exists.", "OPTION_ALREADY_EXISTS")),
        ([option("A / B", "x")], ("options.0.name", "The name contains unsupported sequence ' / '", "INVALID_NAME")),
        ([option(LONG, "x")], ("options.0", "Option name is too long.", "OPTION_NAME_TOO_LONG")),
        (
            [option("Fit")],
            ("options.0", "Option 'Fit' must specify at least one option value.", "OPTION_VALUES_MISSING"),
        ),
        (
            [option("Fit", "x"), option("Cut", "x")],
            ("options", "Can only specify a maximum of 3 options", "OPTIONS_OVER_LIMIT"),
        ),
    ],
)
async def test_new_options_are_refused(client: Client, options: list[dict], expected: tuple):
    made = await make(client)
    payload = (await client.data(OPTIONS_CREATE, {"id": made["id"], "options": options}))["productOptionsCreate"]
    assert told(payload) == [expected]
    assert await read(client, made["id"]) == made


async def test_new_options_of_nothing_and_of_too_many_variants(client: Client):
    asked = {"id": "gid://shopify/Product/1", "options": [option("Fit", "x")]}
    payload = (await client.data(OPTIONS_CREATE, asked))["productOptionsCreate"]
    assert told(payload) == [("productId", "Product does not exist", "PRODUCT_DOES_NOT_EXIST")]
    lamp = await make(client, {"title": "Lamp"})
    twice = {"id": lamp["id"], "options": [option("Fit", "x"), option("Fit", "x")]}
    payload = (await client.data(OPTIONS_CREATE, twice))["productOptionsCreate"]
    assert told(payload) == [("options.1", "Duplicated option name.", "DUPLICATED_OPTION_NAME")]
    many = [option(name, *(f"{name}{n}" for n in range(50))) for name in "ab"]
    payload = await client.data(OPTIONS_CREATE, {"id": lamp["id"], "options": many, "how": "CREATE"})
    text = "The number of created variants would exceed the 2048 variants per product limit"
    assert told(payload["productOptionsCreate"]) == [("options", text, "TOO_MANY_VARIANTS_CREATED")]


async def test_an_option_is_renamed_and_moved_with_its_values(client: Client):
    made = await make(client)
    color, size = made["options"]
    asked = {
        "id": made["id"],
        "option": {"id": color["id"], "name": "Shade", "position": 2},
        "add": [{"name": "Green"}],
        "rename": [{"id": color["optionValues"][0]["id"], "name": "Crimson"}],
    }
    product = (await client.data(OPTION_UPDATE, asked))["productOptionUpdate"]["product"]
    assert [(each["id"], each["name"], each["position"]) for each in product["options"]] == [
        (size["id"], "Size", 1),
        (color["id"], "Shade", 2),
    ]
    shades = product["options"][1]
    assert shades["values"] == ["Crimson", "Blue"]
    assert [(each["name"], each["hasVariants"]) for each in shades["optionValues"]] == [
        ("Crimson", True),
        ("Blue", True),
        ("Green", False),
    ]
    assert [each["title"] for each in product["variants"]["nodes"]] == ["M / Crimson", "M / Blue"]
    assert [each["id"] for each in product["variants"]["nodes"]] == [each["id"] for each in made["variants"]["nodes"]]
    gone = {"id": made["id"], "option": {"id": color["id"]}, "delete": [shades["optionValues"][2]["id"]]}
    product = (await client.data(OPTION_UPDATE, gone))["productOptionUpdate"]["product"]
    assert [each["name"] for each in product["options"][1]["optionValues"]] == ["Crimson", "Blue"]


async def test_an_option_is_refused(client: Client):
    made = await make(client)
    color = made["options"][0]

    async def refused(**given: Any) -> list[tuple]:
        asked = {"id": made["id"], "option": {"id": color["id"]}, **given}
        payload = (await client.data(OPTION_UPDATE, asked))["productOptionUpdate"]
        assert await read(client, made["id"]) == made
        return told(payload)

    other = {"id": "gid://shopify/ProductOption/1"}
    assert await refused(option=other) == [("option", "Option does not exist", "OPTION_DOES_NOT_EXIST")]
    named = {"id": color["id"], "name": "A / B"}
    text = "The name contains unsupported sequence ' / '"
    assert await refused(option=named) == [("option.name", text, "INVALID_NAME")]
    used = [color["optionValues"][0]["id"]]
    text = "Option value with variants linked cannot be deleted."
    assert await refused(delete=used) == [("optionValuesToDelete.0", text, "OPTION_VALUE_HAS_VARIANTS")]
    text = "Option value already exists."
    assert await refused(add=[{"name": "Blue"}]) == [("optionValuesToAdd.0", text, "OPTION_VALUE_ALREADY_EXISTS")]


async def test_options_and_values_are_reordered_and_variants_follow(client: Client):
    made = await make(client)
    rows = [{"name": "Size"}, {"name": "Color", "values": [{"name": "Blue"}, {"name": "Red"}]}]
    payload = (await client.data(REORDER, {"id": made["id"], "options": rows}))["productOptionsReorder"]
    assert payload["product"] == {
        "options": [{"name": "Size", "values": ["M"]}, {"name": "Color", "values": ["Blue", "Red"]}],
        "variants": {"nodes": [{"title": "M / Blue"}, {"title": "M / Red"}]},
    }


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([{"name": "Fit"}], ("options", "Option name 'Fit' does not exist.", "OPTION_NAME_DOES_NOT_EXIST")),
        (
            [{"id": "gid://shopify/ProductOption/999999999"}],
            ("options", "Option id '999999999' does not exist.", "OPTION_ID_DOES_NOT_EXIST"),
        ),
        (
            [{"name": "Color"}, {"name": "Color"}],
            ("options.1", "Duplicated option name 'Color'.", "DUPLICATED_OPTION_NAME"),
        ),
        (
            [{"name": "Color", "values": [{"name": "Puce"}]}],
            ("options", "Option value 'Puce' does not exist.", "OPTION_VALUE_DOES_NOT_EXIST"),
        ),
        (
            [{"name": "Size"}, {"name": "Color", "values": [{"name": "Red"}, {"name": "Red"}]}],
            ("options.1", "Duplicated option value 'Red'.", "DUPLICATED_OPTION_VALUE"),
        ),
        (
            [{"name": "Size"}, {"id": "gid://shopify/ProductOption/1"}],
            (
                "options",
                "Only specify one of `id` or `name` fields for options.",
                "MIXING_ID_AND_NAME_KEYS_IS_NOT_ALLOWED",
            ),
        ),
    ],
)
async def test_a_reordering_is_refused(client: Client, rows: list[dict], expected: tuple):
    made = await make(client)
    payload = (await client.data(REORDER, {"id": made["id"], "options": rows}))["productOptionsReorder"]
    assert told(payload) == [expected]
    assert await read(client, made["id"]) == made


async def test_tags_are_added_and_removed_one_by_one(client: Client):
    made = await make(client, coat(tags=["b"]))
    added = await client.data(TAGS.format("Add"), {"id": made["id"], "tags": ["c, A", "B"]})
    assert added["tagsAdd"] == {"node": {"tags": ["A", "b", "c"]}, "userErrors": []}
    client.clock.advance(5)
    removed = await client.data(TAGS.format("Remove"), {"id": made["id"], "tags": ["a", "absent"]})
    assert removed["tagsRemove"] == {"node": {"tags": ["b", "c"]}, "userErrors": []}
    assert (await read(client, made["id"]))["updatedAt"] > made["updatedAt"]
    for verb in ("Add", "Remove"):
        missing = await client.data(TAGS.format(verb), {"id": "gid://shopify/Product/1", "tags": ["x"]})
        error = {"field": ["id"], "message": "Product does not exist"}
        assert missing[f"tags{verb}"] == {"node": None, "userErrors": [error]}


async def test_a_product_is_published_and_unpublished(client: Client):
    made = await make(client)
    later = "2026-11-23T12:00:00Z"
    asked = {"id": made["id"], "input": [{"publicationId": STORE, "publishDate": later}, {"publicationId": COUNTER}]}
    shown = (await client.data(PUBLISH.format("Publish"), asked))["publishablePublish"]["publishable"]
    assert (shown["publishedAt"], shown["resourcePublicationsCount"]) == (None, {"count": 1})
    assert shown["resourcePublicationsV2"]["nodes"] == [
        {"isPublished": False, "publishDate": later, "publication": {"id": STORE}},
        {"isPublished": True, "publishDate": "2026-11-23T09:00:00Z", "publication": {"id": COUNTER}},
    ]
    client.clock.advance(3 * 3600)
    ask = """query Q($id: ID!, $at: ID!) { product(id: $id) { publishedAt publishedOnPublication(publicationId: $at)
        unpublishedPublications(first: 9) { nodes { name } } } }"""
    found = await client.data(ask, {"id": made["id"], "at": STORE})
    assert found["product"] == {
        "publishedAt": later,
        "publishedOnPublication": True,
        "unpublishedPublications": {"nodes": []},
    }
    asked = {"id": made["id"], "input": [{"publicationId": STORE}]}
    shown = (await client.data(PUBLISH.format("Unpublish"), asked))["publishableUnpublish"]["publishable"]
    assert [each["publication"]["id"] for each in shown["resourcePublicationsV2"]["nodes"]] == [COUNTER]


@pytest.mark.parametrize("verb", ["Publish", "Unpublish"])
@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([{}], ("input.0.publicationId", "PublicationId cannot be empty")),
        (
            [{"publicationId": "gid://shopify/Publication/1"}],
            ("input.0.publicationId", "Publication does not exist or is not publishable"),
        ),
        (
            [{"publicationId": STORE}, {"publicationId": STORE}],
            ("input.1.publicationId", "The same publication was specified more than once"),
        ),
        (
            [{"publicationId": STORE, "publishDate": "1969-01-01T00:00:00Z"}],
            ("input.0.publishDate", "Publish date must be a date after the year 1969"),
        ),
    ],
)
async def test_publishing_is_refused(client: Client, verb: str, rows: list[dict], expected: tuple):
    made = await make(client)
    payload = await client.data(PUBLISH.format(verb), {"id": made["id"], "input": rows})
    assert told(payload[f"publishable{verb}"]) == [expected]
    missing = await client.data(PUBLISH.format(verb), {"id": "gid://shopify/Product/1", "input": rows})
    assert told(missing[f"publishable{verb}"]) == [("id", "Resource does not exist")]


async def test_an_inventory_item_changes_and_moves_its_product(client: Client):
    made = await make(client)
    item = made["variants"]["nodes"][0]["inventoryItem"]["id"]
    client.clock.advance(5)
    given = {
        "cost": "3.10",
        "sku": "NEW",
        "harmonizedSystemCode": "6201 40",
        "measurement": {"weight": {"value": 2, "unit": "POUNDS"}},
    }
    payload = (await client.data(ITEM, {"id": item, "input": given}))["inventoryItemUpdate"]
    assert payload == {
        "inventoryItem": {
            "sku": "NEW",
            "harmonizedSystemCode": "620140",
            "unitCost": {"amount": "3.1"},
            "measurement": {"weight": {"value": 2.0, "unit": "POUNDS"}},
        },
        "userErrors": [],
    }
    assert (await read(client, made["id"]))["updatedAt"] > made["updatedAt"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"cost": "-1"}, ("input.cost", "Cost must be greater than or equal to 0")),
        ({"countryCodeOfOrigin": "ZZ"}, ("input.countryCodeOfOrigin", "Country code of origin is invalid")),
        (
            {"harmonizedSystemCode": "12"},
            (
                "input.harmonizedSystemCode",
                "Harmonized system code must be a number between six and thirteen digits",
            ),
        ),
        (
            {"measurement": {"weight": {"value": -1, "unit": "KILOGRAMS"}}},
            ("input.measurement.weight", "Measurement weight value -1 kg must be >= 0 kg"),
        ),
    ],
)
async def test_an_inventory_item_is_refused(client: Client, given: dict[str, Any], expected: tuple):
    made = await make(client)
    item = made["variants"]["nodes"][0]["inventoryItem"]["id"]
    assert told((await client.data(ITEM, {"id": item, "input": given}))["inventoryItemUpdate"]) == [expected]
    assert await read(client, made["id"]) == made
    missing = await client.data(ITEM, {"id": "gid://shopify/InventoryItem/1", "input": given})
    text = "The product couldn't be updated because it does not exist."
    assert told(missing["inventoryItemUpdate"]) == [("id", text)]


async def test_each_mutation_needs_its_scope(client: Client):
    await client.sim("PATCH", "app", {"scopes": ["read_products"]})
    await client.log_in()
    made = "gid://shopify/Product/81001"
    for document, variables in (
        (UPDATE, {"product": {"id": made, "title": "x"}}),
        (TAGS.format("Add"), {"id": made, "tags": ["x"]}),
        (PUBLISH.format("Publish"), {"id": made, "input": []}),
        (ITEM, {"id": "gid://shopify/InventoryItem/101001", "input": {"cost": "1"}}),
    ):
        body = await client.graphql(document, variables)
        assert body["errors"][0]["extensions"]["code"] == "ACCESS_DENIED"
