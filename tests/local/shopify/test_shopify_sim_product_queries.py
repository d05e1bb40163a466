"""Reading products and variants: search, pages, metafields; and what staff do with them."""

import time
from decimal import Decimal

import pytest
from fixtures.shop_catalogue import DEFINE, coat, define_item, make, number, read, told, variant
from fixtures.shopify_sim import Client, running_client

SEARCH = "query Search($query: String) { products(first: 99, query: $query) { nodes { title } } }"
VARIANTS = "query Search($query: String) { productVariants(first: 99, query: $query) { nodes { sku } } }"
METAFIELDS = """mutation Set($fields: [MetafieldsSetInput!]!) {
  metafieldsSet(metafields: $fields) {
    metafields { key value ownerType compareDigest } userErrors { field message code }
  }
}"""


@pytest.fixture
async def client(wire: None):
    async with running_client() as client:
        yield client


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ("status:draft", ["Coat"]),
        ("tag:winter", ["Coat"]),
        ("barcode:871", ["Coat"]),
        ("sku:'COAT-RED' OR sku:'MUG-ENAMEL'", ["Enamel mug", "Coat"]),
        ("vendor:Nord", ["Coat"]),
        ("product_type:Jacket AND status:draft", ["Coat"]),
        ("updated_at:>='2026-11-23T08:59:59Z'", ["Coat"]),
        ("updated_at:>'2026-11-23T09:00:00Z'", []),
        ("handle:coat", ["Coat"]),
    ],
)
async def test_products_are_searched(client: Client, query: str, titles: list[str]):
    rows = [variant("Red", "M", sku="COAT-RED", barcode="871"), variant("Blue", "M")]
    await make(client, coat(tags=["winter"], vendor="Nord", productType="Jacket", variants=rows))
    found = await client.data(SEARCH, {"query": query})
    assert [each["title"] for each in found["products"]["nodes"]] == titles


@pytest.mark.parametrize("query", ["barcode:871", "product_status:draft sku:COAT-RED", "vendor:Nord AND tag:winter"])
async def test_variants_are_searched(client: Client, query: str):
    rows = [variant("Red", "M", sku="COAT-RED", barcode="871")]
    await make(client, coat(tags=["winter"], vendor="Nord", variants=rows))
    assert (await client.data(VARIANTS, {"query": query}))["productVariants"]["nodes"] == [{"sku": "COAT-RED"}]


async def test_unknown_filters_warn_and_documented_ones_are_not_guessed(client: Client):
    body = await client.graphql(SEARCH, {"query": "colour:red"})
    assert len(body["data"]["products"]["nodes"]) == 7
    assert body["extensions"]["search"][0]["warnings"][0]["code"] == "invalid_field"
    for query in ("price:>5", "metafields.custom.fit:x"):
        body = await client.graphql(SEARCH, {"query": query})
        assert body["errors"][0]["extensions"]["code"] == "NOT_SIMULATED"


@pytest.mark.parametrize("root", ["products", "productVariants"])
async def test_pages_run_both_ways_and_survive_changes(client: Client, root: str):
    ask = f"""query Page($first: Int, $after: String, $last: Int, $before: String, $back: Boolean) {{
      {root}(first: $first, after: $after, last: $last, before: $before, reverse: $back) {{
        nodes {{ id }} pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }} }}"""

    async def page(**window) -> tuple[list[int], dict]:
        found = (await client.data(ask, window))[root]
        return [number(each["id"]) % 1000 for each in found["nodes"]], found["pageInfo"]

    whole, info = await page(first=99)
    assert (len(whole), info["hasNextPage"], info["hasPreviousPage"]) == (7, False, False)
    first, info = await page(first=3)
    assert (first, info["hasNextPage"], info["hasPreviousPage"]) == (whole[:3], True, False)
    second, info = await page(first=3, after=info["endCursor"])
    assert (second, info["hasNextPage"], info["hasPreviousPage"]) == (whole[3:6], True, True)
    assert await page(last=3, before=info["startCursor"]) == (whole[:3], (await page(first=3))[1])
    back, info = await page(first=5, back=True)
    assert (back, info["hasNextPage"]) == (whole[::-1][:5], True)
    assert (await page(first=5, back=True, after=info["endCursor"]))[0] == whole[::-1][5:]
    assert (await page(last=2, back=True))[0] == whole[::-1][-2:]


async def test_a_whole_assortment_is_read_in_time_that_grows_with_it(client: Client):
    shop = client.shopify.simulator.shops[client.shop]
    ask = """query P($after: String) {
      products(first: 250, after: $after) { nodes { id } pageInfo { endCursor hasNextPage } } }"""

    async def seconds() -> float:
        started, after, more = time.perf_counter(), None, True
        while more:
            info = (await client.data(ask, {"after": after}))["products"]["pageInfo"]
            after, more = info["endCursor"], info["hasNextPage"]
        return time.perf_counter() - started

    shop.add_variants(2_500, "A-{n}", Decimal(1), {})
    small = await seconds()
    shop.add_variants(17_500, "B-{n}", Decimal(1), {})
    assert await seconds() < 30 * small


async def test_metafields_of_products_and_variants_are_set_all_or_none(client: Client):
    made = await make(client)
    red = made["variants"]["nodes"][0]["id"]
    fields = [
        {"ownerId": owner, "namespace": "custom", "key": "fit", "type": kind, "value": "x"}
        for owner, kind in ((made["id"], "single_line_text_field"), (red, "number_integer"))
    ]
    payload = (await client.data(METAFIELDS, {"fields": fields}))["metafieldsSet"]
    assert told(payload) == [("metafields.1.value", "Value must be an integer.", "INVALID_VALUE")]
    assert await read(client, made["id"]) == made
    client.clock.advance(5)
    payload = (await client.data(METAFIELDS, {"fields": [fields[0], {**fields[1], "value": "3"}]}))["metafieldsSet"]
    assert [each["ownerType"] for each in payload["metafields"]] == ["PRODUCT", "PRODUCTVARIANT"]
    product = await read(client, made["id"])
    assert product["variants"]["nodes"][0]["metafields"]["nodes"] == [
        {"namespace": "custom", "key": "fit", "value": "3"}
    ]
    assert product["updatedAt"] > made["updatedAt"]
    client.clock.advance(5)
    await client.data(METAFIELDS, {"fields": [fields[0]]})
    assert (await read(client, made["id"]))["updatedAt"] == product["updatedAt"]


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        ("boolean", "yes", "Value must be true or false."),
        ("date", "1.2.2026", "Value must be in YYYY-MM-DD format."),
        (
            "date_time",
            "soon",
            "Value must be in \u201cYYYY-MM-DDTHH:MM:SS\u201d format. For example: 2022-06-01T15:30:00",
        ),
        ("number_decimal", "1000000000000000000", "Value must be within +/-1000000000000000000."),
        ("money", '{"amount": "1", "currency_code": "ZZZ"}', "Value contains an invalid currency, ZZZ."),
        ("money", '{"amount": "x", "currency_code": "EUR"}', "Value must have a numeric amount."),
        ("single_line_text_field", "a\nb", "Value must be a single line text string."),
    ],
)
async def test_a_value_fits_its_type(client: Client, kind: str, value: str, text: str):
    field = {
        "ownerId": "gid://shopify/Product/81001",
        "namespace": "custom",
        "key": "fit",
        "type": kind,
        "value": value,
    }
    payload = (await client.data(METAFIELDS, {"fields": [field]}))["metafieldsSet"]
    assert told(payload) == [("metafields.0.value", text, "INVALID_VALUE")]


async def test_an_id_belongs_to_one_owner(client: Client):
    await define_item(client)
    one, two = "gid://shopify/Product/81001", "gid://shopify/Product/81002"
    fields = [{"ownerId": each, "key": "item", "value": "A-1"} for each in (one, two)]
    payload = (await client.data(METAFIELDS, {"fields": fields}))["metafieldsSet"]
    assert [code for *_, code in told(payload)] == ["CAPABILITY_VIOLATION"]
    await client.data(METAFIELDS, {"fields": fields[:1]})
    payload = (await client.data(METAFIELDS, {"fields": fields[1:]}))["metafieldsSet"]
    assert [code for *_, code in told(payload)] == ["CAPABILITY_VIOLATION"]
    await client.data(METAFIELDS, {"fields": [{**fields[0], "value": "A-2"}]})
    assert told((await client.data(METAFIELDS, {"fields": fields[1:]}))["metafieldsSet"]) == []
    ask = """query Ask($value: String!) {
      productByIdentifier(identifier: {customId: {key: "item", value: $value}}) { id } }"""
    found = [await client.data(ask, {"value": each}) for each in ("A-1", "A-2")]
    assert [each["productByIdentifier"]["id"] for each in found] == [two, one]


async def test_a_definition_of_an_id_is_made_once(client: Client):
    definition = {"name": "Item", "namespace": "$app", "key": "item", "type": "id", "ownerType": "PRODUCT"}
    capable = {**definition, "capabilities": {"uniqueValues": {"enabled": False}}}
    payload = (await client.data(DEFINE, {"definition": capable}))["metafieldDefinitionCreate"]
    text = "Capability unique_values is required for type id but is disabled"
    assert told(payload) == [("definition", text, "CAPABILITY_REQUIRED_BUT_DISABLED")]
    made = (await client.data(DEFINE, {"definition": definition}))["metafieldDefinitionCreate"]["createdDefinition"]
    assert made["capabilities"] == {"uniqueValues": {"enabled": True, "eligible": True}}
    payload = (await client.data(DEFINE, {"definition": definition}))["metafieldDefinitionCreate"]
    text = "Key is in use for Product metafields on the 'app--284957184001' namespace."
    assert told(payload) == [("definition.key", text, "TAKEN")]
    ask = """{ metafieldDefinitions(first: 9, ownerType: PRODUCT, namespace: "$app") { nodes { key type { name } } }
        metafieldDefinition(identifier: {ownerType: PRODUCTVARIANT, namespace: "$app", key: "item"}) { id } }"""
    assert await client.data(ask) == {
        "metafieldDefinitions": {"nodes": [{"key": "item", "type": {"name": "id"}}]},
        "metafieldDefinition": None,
    }


async def test_selling_moves_a_product(client: Client):
    before = await read(client, "gid://shopify/Product/81001")
    client.clock.advance(5)
    await client.place()
    after = await read(client, "gid://shopify/Product/81001")
    assert after["updatedAt"] > before["updatedAt"]
    assert after["variants"]["nodes"][0]["updatedAt"] == before["variants"]["nodes"][0]["updatedAt"]


async def test_staff_edit_products(client: Client):
    made = await client.sim("POST", "products", {"title": "Sock", "sku": "SOCK", "price": "4.50", "tags": ["x"]}, 201)
    gid = f"gid://shopify/Product/{made['id']}"
    product = await read(client, gid)
    assert (product["title"], product["status"], product["tags"]) == ("Sock", "ACTIVE", ["x"])
    assert product["variants"]["nodes"][0]["price"] == "4.50"
    client.clock.advance(5)
    await client.sim("PATCH", f"products/{made['id']}", {"title": "Stocking", "seo_title": "S", "tags": ["y"]})
    changed = await read(client, gid)
    assert (changed["title"], changed["seo"]["title"], changed["tags"]) == ("Stocking", "S", ["y"])
    assert changed["updatedAt"] > product["updatedAt"]
    await client.sim("PATCH", f"products/{made['id']}", {"colour": "x"}, 400)
    coats = number((await make(client))["id"])
    await client.sim("POST", f"products/{coats}/variants", {"values": {"Color": "Pink", "Size": "M"}, "sku": "P"}, 201)
    await client.sim("POST", f"products/{coats}/variants", {"values": {"Color": "Pink", "Size": "M"}}, 400)
    await client.sim(
        "PATCH", f"products/{coats}/options", {"option": "Color", "rename": "Shade", "values": {"Red": "Rose"}}
    )
    pink = client.shopify.simulator.shops[client.shop].variant_by_sku["P"]
    await client.sim("PATCH", f"variants/{pink.id}", {"price": "7", "sku": "Q"})
    shown = await client.sim("GET", f"products/{coats}")
    assert [(each["sku"], each["values"], each["price"]) for each in shown["variants"]] == [
        ("COAT-RED", ["Rose", "M"], "10.00"),
        ("COAT-BLUE", ["Blue", "M"], "10.00"),
        ("Q", ["Pink", "M"], "7"),
    ]
    await client.sim("DELETE", f"variants/{pink.id}")
    await client.sim("DELETE", f"products/{coats}")
    assert (await client.sim("GET", f"products/{coats}", status=404)) == {"errors": "Not Found"}
    assert len(await client.sim("GET", "products")) == 8


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("sku:'coat-red'", ["COAT-RED"]),
        ('sku:"COAT-RED" OR sku:MUG-ENAMEL OR sku:none', ["MUG-ENAMEL", "COAT-RED"]),
        ("sku:none", []),
        ("sku:'COAT-RED,COAT-BLUE'", ["COAT-RED", "COAT-BLUE"]),
        ("sku:COAT-RED AND status:x", None),
    ],
)
async def test_skus_are_found_whatever_their_case(client: Client, query: str, found: list[str] | None):
    await make(client)
    body = await client.graphql(VARIANTS, {"query": query})
    if found is None:
        assert body["extensions"]["search"][0]["warnings"][0]["field"] == "status"
    else:
        assert [each["sku"] for each in body["data"]["productVariants"]["nodes"]] == found


async def test_a_sku_that_moves_is_found_at_its_new_place(client: Client):
    made = await make(client, coat(variants=[variant("Red", "M", sku="SAME"), variant("Blue", "M", sku="SAME")]))
    first, second = (number(each["id"]) for each in made["variants"]["nodes"])
    shop = client.shopify.simulator.shops[client.shop]
    assert shop.variant_by_sku["SAME"].id == first
    await client.sim("PATCH", f"variants/{first}", {"sku": "OTHER"})
    assert (shop.variant_by_sku["SAME"].id, shop.variant_by_sku["OTHER"].id) == (second, first)
    await client.sim("DELETE", f"variants/{second}")
    assert "SAME" not in shop.variant_by_sku
    assert (await client.data(VARIANTS, {"query": "sku:SAME"}))["productVariants"]["nodes"] == []
