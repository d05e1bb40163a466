"""Metafields and tags on orders, as apps write them."""

import pytest
from fixtures.shopify_sim import Client, running_client

SET = """mutation Set($fields: [MetafieldsSetInput!]!) {
  metafieldsSet(metafields: $fields) {
    metafields { namespace key value compareDigest }
    userErrors { code elementIndex field message }
  }
}"""
READ = """query Read($id: ID!, $namespace: String) {
  order(id: $id) {
    metafield(key: "sales_order", namespace: $namespace) { value compareDigest }
    metafields(first: 9) { nodes { namespace } }
  }
}"""
TAG = """mutation Tag($id: ID!, $tags: [String!]!) {
  tagsAdd(id: $id, tags: $tags) { node { ... on Order { tags } } userErrors { field message } }
}"""
MINE = "app--284957184001"


@pytest.fixture
async def client(wire: None):
    async with running_client() as client:
        yield client


@pytest.fixture
async def gid(client: Client) -> str:
    return (await client.place())["admin_graphql_api_id"]


def field(owner: str, **wishes) -> dict:
    return {"ownerId": owner, "key": "sales_order", "type": "single_line_text_field", "value": "SN1", **wishes}


async def put(client: Client, *fields: dict) -> dict:
    return (await client.data(SET, {"fields": list(fields)}))["metafieldsSet"]


async def refusal(client: Client, *fields: dict) -> dict:
    """The one user error; nothing is written then."""
    payload = await put(client, *fields)
    assert payload["metafields"] == []
    (error,) = payload["userErrors"]
    return error


@pytest.mark.parametrize(
    ("asked", "stored"),
    [
        ({}, MINE),
        ({"namespace": "$app"}, MINE),
        ({"namespace": "$app:d365"}, f"{MINE}--d365"),
        ({"namespace": "custom"}, "custom"),
    ],
)
async def test_an_apps_own_namespace_is_the_default(client: Client, gid: str, asked: dict, stored: str):
    (written,) = (await put(client, field(gid, **asked)))["metafields"]
    assert (written["namespace"], written["value"]) == (stored, "SN1")
    read = await client.data(READ, {"id": gid, **asked})
    assert read["order"]["metafield"] == {"value": "SN1", "compareDigest": written["compareDigest"]}
    (listed,) = await client.sim("GET", f"orders/{gid.rpartition('/')[2]}/metafields")
    assert (listed["namespace"], listed["key"], listed["value"]) == (stored, "sales_order", "SN1")


async def test_another_apps_metafields_are_hidden_and_refused(client: Client, gid: str):
    error = await refusal(client, field(gid, namespace="app--1"))
    assert (error["code"], error["field"]) == ("APP_NOT_AUTHORIZED", ["metafields", "0"])
    shop = client.shopify.simulator.shops[client.shop]
    await put(client, field(gid, namespace="custom"))
    order = shop.orders[int(gid.rpartition("/")[2])]
    theirs = order.metafields.pop(("custom", "sales_order"))
    theirs.namespace = "app--1"
    order.metafields["app--1", "sales_order"] = theirs
    read = await client.data(READ, {"id": gid, "namespace": "app--1"})
    assert read["order"] == {"metafield": None, "metafields": {"nodes": []}}


@pytest.mark.parametrize("digest", ["0" * 64, "not a digest", None])
async def test_a_metafield_is_set_only_if_it_is_what_was_read(client: Client, gid: str, digest: str | None):
    await put(client, field(gid))
    error = await refusal(client, field(gid, value="SN2", compareDigest=digest))
    assert (error["code"], error["field"]) == ("STALE_OBJECT", ["metafields", "0"])


async def test_a_malformed_digest_passes_where_the_value_stays_as_it_is(client: Client, gid: str):
    await put(client, field(gid))
    assert (await put(client, field(gid, compareDigest="not a digest")))["userErrors"] == []


async def test_the_row_of_an_error_stands_in_its_field_and_never_in_element_index(client: Client, gid: str):
    payload = await put(client, field(gid), field(gid, key="a", value=""), field("gid://shopify/Order/1"))
    assert [error["field"][1] for error in payload["userErrors"]] == ["1", "1", "2"]
    assert {error["elementIndex"] for error in payload["userErrors"]} == {None}
    payload = await put(client, *[field(gid)] * 26)
    assert [(error["field"], error["elementIndex"]) for error in payload["userErrors"]] == [(["metafields"], None)]


async def test_a_definition_gives_the_type_and_enforces_its_limit(client: Client, gid: str):
    definition = {"key": "sales_order", "type": "single_line_text_field", "max_length": 5}
    await client.sim("POST", "metafield_definitions", definition, status=201)
    untyped = {key: value for key, value in field(gid).items() if key != "type"}
    assert (await put(client, untyped))["userErrors"] == []
    error = await refusal(client, field(gid, value="SN5001"))
    assert (error["field"], error["message"]) == (["metafields", "0", "value"], "Value has a maximum length of 5.")
    error = await refusal(client, {**untyped, "key": "other"})
    assert (error["field"], error["code"]) == (["metafields", "0", "type"], "BLANK")


async def test_metafields_of_other_owners_are_not_simulated(client: Client):
    body = await client.graphql(SET, {"fields": [field("gid://shopify/Customer/1")]})
    assert body["errors"][0]["extensions"]["code"] == "NOT_SIMULATED"


async def test_one_refused_metafield_stops_all(client: Client, gid: str):
    error = await refusal(client, field(gid), field("gid://shopify/Order/1"))
    assert (error["code"], error["field"]) == ("INVALID_VALUE", ["metafields", "1", "ownerId"])
    assert (await client.data(READ, {"id": gid}))["order"]["metafield"] is None


async def test_a_reserved_namespace_is_refused_without_a_code(client: Client, gid: str):
    error = await refusal(client, field(gid, namespace="shopify_standard"))
    assert (error["code"], error["message"]) == (None, "Namespace shopify_standard is a reserved namespace")


async def test_a_text_of_tags_is_taken_apart(client: Client, gid: str):
    await client.data(TAG, {"id": gid, "tags": ["vip"]})
    data = await client.data(TAG, {"id": gid, "tags": ["gift, VIP", "Gift ", ""]})
    assert [tag.casefold() for tag in data["tagsAdd"]["node"]["tags"]] == ["gift", "vip"]


async def test_tags_of_an_order_that_is_not_there_are_a_user_error(client: Client):
    data = await client.data(TAG, {"id": "gid://shopify/Order/1", "tags": ["vip"]})
    assert data["tagsAdd"] == {"node": None, "userErrors": [{"field": ["id"], "message": "Order does not exist"}]}
