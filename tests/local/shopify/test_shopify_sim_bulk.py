"""Bulk operations: what is refused at once, how they run, and what they leave."""

import json
from typing import Any

import aiohttp
import pytest
from fixtures.shop_catalogue import make, told
from fixtures.shopify_sim import Client, running_client

RUN_QUERY = """mutation RunQuery($query: String!, $group: Boolean!) {
  bulkOperationRunQuery(query: $query, groupObjects: $group) {
    bulkOperation { id status objectCount url completedAt query type } userErrors { field message code } }
}"""
RUN_MUTATION = """mutation RunMutation($mutation: String!, $path: String!, $name: String) {
  bulkOperationRunMutation(mutation: $mutation, stagedUploadPath: $path, clientIdentifier: $name) {
    bulkOperation { id status type } userErrors { field message code } }
}"""
CANCEL = """mutation Cancel($id: ID!) {
  bulkOperationCancel(id: $id) { bulkOperation { id status } userErrors { field message } }
}"""
READ = """query Read($id: ID!) { bulkOperation(id: $id) {
  status errorCode objectCount rootObjectCount fileSize url partialDataUrl completedAt } }"""
STAGE = """mutation Stage($input: [StagedUploadInput!]!) { stagedUploadsCreate(input: $input) {
  stagedTargets { url parameters { name value } } userErrors { message } } }"""
PRODUCTS = "{ products { edges { node { id title variants { edges { node { id sku } } } } } } }"
TOO_DEEP = """{ products { edges { node { id variants { edges { node { id inventoryItem { inventoryLevels {
  edges { node { id item { variant { metafields { edges { node { id } } } } } } } } } } } } } } } }"""
PRICES = """mutation Prices($id: ID!, $rows: [ProductVariantsBulkInput!]!) {
  productVariantsBulkUpdate(productId: $id, variants: $rows) {
    productVariants { id price } userErrors { field message code } } }"""


@pytest.fixture
async def client(wire: None):
    async with running_client() as client:
        yield client


async def run_query(client: Client, query: str = PRODUCTS, *, group: bool = False) -> dict[str, Any]:
    return (await client.data(RUN_QUERY, {"query": query, "group": group}))["bulkOperationRunQuery"]


async def stage(client: Client, content: str) -> str:
    """The path of an uploaded file."""
    given = {
        "resource": "BULK_MUTATION_VARIABLES",
        "filename": "rows.jsonl",
        "mimeType": "text/jsonl",
        "httpMethod": "POST",
    }
    target = (await client.data(STAGE, {"input": [given]}))["stagedUploadsCreate"]["stagedTargets"][0]
    form = aiohttp.FormData()
    for each in target["parameters"]:
        form.add_field(each["name"], each["value"])
    form.add_field("file", content.encode(), filename="rows.jsonl")
    async with client.http.post(target["url"], data=form) as response:
        assert response.status == 201
    return {each["name"]: each["value"] for each in target["parameters"]}["key"]


async def run_mutation(client: Client, mutation: str, rows: list[Any], **more: Any) -> dict[str, Any]:
    path = await stage(client, "\n".join(json.dumps(each) for each in rows))
    return await start(client, mutation, path, **more)


async def start(client: Client, mutation: str, path: str, **more: Any) -> dict[str, Any]:
    return (await client.data(RUN_MUTATION, {"mutation": mutation, "path": path, **more}))["bulkOperationRunMutation"]


async def finish(client: Client, id_: str) -> dict[str, Any]:
    await client.sim("POST", "bulk", {})
    return (await client.data(READ, {"id": id_}))["bulkOperation"]


async def rows_at(client: Client, url: str) -> list[dict[str, Any]]:
    async with client.http.get(url) as response:
        assert response.status == 200
        return [json.loads(line) for line in (await response.text()).splitlines()]


@pytest.mark.parametrize("group", [True, False])
async def test_a_query_gives_a_row_for_each_object(client: Client, group: bool):  # noqa: FBT001 - a parameter of the test
    made = await make(client)
    started = (await run_query(client, group=group))["bulkOperation"]
    assert (started["status"], started["objectCount"], started["url"]) == ("CREATED", "0", None)
    ended = await finish(client, started["id"])
    assert (ended["status"], ended["objectCount"], ended["rootObjectCount"]) == ("COMPLETED", "17", "8")
    rows = await rows_at(client, ended["url"])
    red, blue = ({"id": v["id"], "sku": v["sku"], "__parentId": made["id"]} for v in made["variants"]["nodes"])
    assert len(rows) == 17
    if group:
        assert rows[-3:] == [{"id": made["id"], "title": "Coat"}, red, blue]
    else:
        assert [each["title"] for each in rows[:8]][-1] == "Coat"
        assert rows[-2:] == [red, blue]
    assert ended["fileSize"] == str(sum(len(json.dumps(r, separators=(",", ":"))) + 1 for r in rows))


async def test_filters_and_aliases_and_objects_inside_nodes(client: Client):
    query = """query Q { wanted: productVariants(query: "sku:TENT-2P") { edges { node { id ...Stock } } }
        shop { name } }
      fragment Stock on ProductVariant { inventoryItem { tracked inventoryLevels { edges { node { id } } } } }"""
    started = (await run_query(client, query))["bulkOperation"]
    ended = await finish(client, started["id"])
    variant, level, shop = await rows_at(client, ended["url"])
    assert variant == {"id": "gid://shopify/ProductVariant/91001", "inventoryItem": {"tracked": True}}
    assert (level["__parentId"], "inventory_item_id=101001" in level["id"]) == (variant["id"], True)
    assert shop == {"name": "Nordlys Outdoor"}


async def test_a_whole_assortment_is_read_page_by_page(client: Client):
    await client.sim("POST", "products/generate", {"count": 350, "variants": 2}, 201)
    started = (await run_query(client))["bulkOperation"]
    ended = await finish(client, started["id"])
    assert (ended["objectCount"], ended["rootObjectCount"]) == (str(7 + 7 + 350 * 3), "357")


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("{ products { edges { node { id }", "Invalid bulk query: syntax error, unexpected end of file"),
        ("mutation { x }", "Invalid operation type. Only `query` operations are supported."),
        ("{ shop { name } }", "Bulk queries must contain at least one connection."),
        (
            '{ node(id: "gid://shopify/Product/81001") { id } }',
            "Bulk queries cannot contain a top level `node` field.",
        ),
        (
            "{ products { nodes { id } } }",
            (
                "All connection fields in a bulk query must select their contents using 'edges' > 'node', e.g: "
                "'products { edges { node {'. Selecting via 'nodes' is not supported. Invalid connection fields: "
                "'products'."
            ),
        ),
        (
            "{" + " ".join(f"a{n}: products {{ edges {{ node {{ id }} }} }}" for n in range(6)) + "}",
            "Bulk queries cannot contain more than 5 connections.",
        ),
        (
            "{ products { edges { node { title variants { edges { node { id } } } } } } }",
            (
                "The parent 'node' field for a nested connection must select the 'id' field without an alias and must "
                "be of 'ID' return type. Connection fields without 'id': products."
            ),
        ),
        (
            "{ orders { edges { node { id refunds { id refundLineItems { edges { node { id } } } } } } } }",
            "Queries that contain a connection field within a list field are not currently supported.",
        ),
        (
            TOO_DEEP,
            "Bulk queries cannot contain connections with a nesting depth greater than 2.",
        ),
    ],
)
async def test_a_query_of_another_shape_is_refused(client: Client, query: str, text: str):
    payload = await run_query(client, query)
    assert told(payload) == [("query", text, "INVALID")]


async def test_the_size_of_a_document(client: Client):
    base = "{ products { edges { node { id } } } }"
    padded = base + "#" + "x" * (65_535 - len(base))
    ((_, text, code),) = told(await run_query(client, padded))
    assert (text, code) == ("Query is too large (65536 bytes; maximum is 65535 bytes)", "INVALID")
    assert told(await run_query(client, padded[:-1])) == []
    ((path, text, code),) = told(await start(client, "mutation { x }" + "#" + "x" * 65_521, "valid"))
    assert (path, text, code) == ("query", "is too large (65536 bytes; maximum is 65535 bytes)", "INVALID_MUTATION")


async def test_a_mutation_is_run_for_each_line(client: Client):
    made = await make(client)
    red, blue = (each["id"] for each in made["variants"]["nodes"])
    rows = [
        {"id": made["id"], "rows": [{"id": red, "price": "5"}]},
        {"id": made["id"], "rows": [{"id": blue, "price": "-1"}]},
        {"id": made["id"], "rows": [{"id": blue, "price": "6"}], "more": 1},
        {"id": "gid://shopify/Product/1", "rows": "x"},
    ]
    started = await run_mutation(client, PRICES, rows)
    assert (told(started), started["bulkOperation"]["type"]) == ([], "MUTATION")
    ended = await finish(client, started["bulkOperation"]["id"])
    assert (ended["status"], ended["objectCount"]) == ("COMPLETED", "4")
    first, second, third, fourth = await rows_at(client, ended["url"])
    assert [each["__lineNumber"] for each in (first, second, third, fourth)] == [0, 1, 2, 3]
    assert first["data"]["productVariantsBulkUpdate"]["productVariants"] == [{"id": red, "price": "5.00"}]
    assert second["data"]["productVariantsBulkUpdate"]["userErrors"][0]["code"] == "GREATER_THAN_OR_EQUAL_TO"
    assert third["data"]["productVariantsBulkUpdate"]["userErrors"] == []
    assert fourth["errors"][0]["extensions"]["code"] == "INVALID_VARIABLE"
    shop = client.shopify.simulator.shops[client.shop]
    assert [str(each.price) for each in shop.products[int(made["id"].rpartition("/")[2])].variants] == ["5", "6"]


async def test_a_product_set_in_bulk_is_synchronous(client: Client):
    mutation = """mutation Set($input: ProductSetInput!) { productSet(input: $input, synchronous: false) {
      product { title } productSetOperation { id } userErrors { message } } }"""
    started = await run_mutation(client, mutation, [{"input": {"title": f"P{n}"}} for n in range(60)])
    ended = await finish(client, started["bulkOperation"]["id"])
    rows = await rows_at(client, ended["url"])
    assert [each["data"]["productSet"]["product"]["title"] for each in rows] == [f"P{n}" for n in range(60)]


NO_FILE = (
    "The JSONL file could not be found. Try uploading the file again, and check that you've entered the URL correctly "
    "for the stagedUploadPath mutation argument."
)


@pytest.mark.parametrize(
    ("mutation", "more", "expected"),
    [
        (
            "mutation { x",
            {},
            (
                None,
                "Failed to parse the mutation - syntax error, unexpected end of file at [1, 13]",
                "INVALID_MUTATION",
            ),
        ),
        (
            "{ shop { id } }",
            {},
            (None, "Invalid operation type. Only `mutation` operations are supported.", "INVALID_MUTATION"),
        ),
        ("mutation { a b }", {}, ("mutation", "You must specify a single top level mutation.", None)),
        (
            'mutation { bulkOperationRunQuery(query: "x") { userErrors { message } } }',
            {},
            ("mutation", "You must use an allowed mutation name.", None),
        ),
        (
            """mutation M($p: ProductUpdateInput!) { productUpdate(product: $p) { product {
                 a: variants(first: 1) { edges { node { id } } } b: media(first: 1) { edges { node { id } } } } } }""",
            {},
            ("mutation", "Bulk mutations cannot contain more than 1 connection.", None),
        ),
        (
            PRICES,
            {"name": "short"},
            ("clientIdentifier", "is too short (minimum is 10 characters)", "INVALID_MUTATION"),
        ),
        (
            PRICES,
            {"name": "x" * 256},
            ("clientIdentifier", "is too long (maximum is 255 characters)", "INVALID_MUTATION"),
        ),
        (PRICES, {}, (None, NO_FILE, "NO_SUCH_FILE")),
    ],
)
async def test_a_mutation_is_refused(client: Client, mutation: str, more: dict, expected: tuple):
    assert told(await start(client, mutation, "tmp/none.jsonl", **more)) == [expected]


async def test_an_empty_file_and_a_broken_line(client: Client):
    path = await stage(client, "")
    error = (None, "The input file is empty.", "INVALID_STAGED_UPLOAD_FILE")
    assert told(await start(client, PRICES, path)) == [error]
    path = await stage(client, json.dumps({"id": "gid://shopify/Product/1", "rows": []}) + "\nnot JSON")
    started = (await start(client, PRICES, path))["bulkOperation"]
    ended = await finish(client, started["id"])
    assert (ended["status"], ended["errorCode"], ended["url"]) == ("FAILED", "INTERNAL_SERVER_ERROR", None)
    assert [each["__lineNumber"] for each in await rows_at(client, ended["partialDataUrl"])] == [0]


async def test_five_at_once(client: Client):
    ids = [(await run_query(client))["bulkOperation"]["id"] for _ in range(5)]
    text = f"A bulk query operation for this app and shop is already in progress: {', '.join(ids)}."
    assert told(await run_query(client)) == [(None, text, "OPERATION_IN_PROGRESS")]
    assert told(await start(client, PRICES, "tmp/none.jsonl")) == [(None, NO_FILE, "NO_SUCH_FILE")]
    assert told(await run_mutation(client, PRICES, [{}])) == []
    await client.sim("POST", "bulk", {})
    assert told(await run_query(client)) == []


async def test_an_operation_is_cancelled(client: Client):
    started = (await run_query(client))["bulkOperation"]
    payload = (await client.data(CANCEL, {"id": started["id"]}))["bulkOperationCancel"]
    assert payload == {"bulkOperation": {"id": started["id"], "status": "CANCELING"}, "userErrors": []}
    ended = await finish(client, started["id"])
    assert (ended["status"], ended["completedAt"], ended["url"]) == ("CANCELED", None, None)
    done = (await run_query(client))["bulkOperation"]
    await finish(client, done["id"])
    payload = (await client.data(CANCEL, {"id": done["id"]}))["bulkOperationCancel"]
    assert told(payload) == [(None, "A bulk operation cannot be canceled when it is completed")]
    payload = (await client.data(CANCEL, {"id": "gid://shopify/BulkOperation/1"}))["bulkOperationCancel"]
    assert told(payload) == [("id", "Bulk operation does not exist")]
    ask = '{ bulkOperations(first: 9, query: "status:canceled operation_type:query") { nodes { id } } }'
    assert (await client.data(ask))["bulkOperations"]["nodes"] == [{"id": started["id"]}]
    client.clock.advance(60)
    newest = (await run_query(client))["bulkOperation"]["id"]
    ask = "{ bulkOperations(first: 1) { nodes { id } } }"
    assert (await client.data(ask))["bulkOperations"]["nodes"] == [{"id": newest}]


async def test_a_failure_leaves_a_part(client: Client):
    await client.fault("bulk_failure", body={"rows": 3, "code": "TIMEOUT"})
    started = (await run_query(client))["bulkOperation"]
    failed = await finish(client, started["id"])
    assert (failed["status"], failed["errorCode"], failed["url"]) == ("FAILED", "TIMEOUT", None)
    assert len(await rows_at(client, failed["partialDataUrl"])) == 3


async def test_the_scopes_are_those_of_the_caller(client: Client):
    await client.sim("PATCH", "app", {"scopes": ["read_locations"]})
    await client.log_in()
    started = (await run_query(client))["bulkOperation"]
    ended = await finish(client, started["id"])
    assert (ended["status"], ended["errorCode"]) == ("FAILED", "ACCESS_DENIED")


async def test_results_are_kept_for_seven_days(client: Client):
    started = (await run_query(client))["bulkOperation"]
    url = (await finish(client, started["id"]))["url"]
    client.clock.advance(7 * 86_400)
    await client.log_in()
    assert (await client.data(READ, {"id": started["id"]}))["bulkOperation"]["status"] == "EXPIRED"
    async with client.http.get(url) as response:
        assert response.status == 404


async def test_it_runs_by_itself_when_it_is_due_and_tells_so(client: Client):
    subscribe = """mutation S($uri: String!) { webhookSubscriptionCreate(topic: BULK_OPERATIONS_FINISH,
      webhookSubscription: {uri: $uri}) { userErrors { message } } }"""
    await client.data(subscribe, {"uri": f"{client.receiver.url}/bulk"})
    started = (await run_query(client))["bulkOperation"]
    client.clock.advance(2)
    await client.sim("POST", "bulk", {"run": False})
    for _ in range(200):
        if (await client.data(READ, {"id": started["id"]}))["bulkOperation"]["status"] == "COMPLETED":
            break
    (told_,) = [each for each in await client.settle() if each.path == "/bulk"]
    body = json.loads(told_.body)
    assert (told_.headers["X-Shopify-Topic"], body["admin_graphql_api_id"]) == ("bulk_operations/finish", started["id"])
    assert (body["status"], body["type"], body["error_code"]) == ("completed", "query", None)
