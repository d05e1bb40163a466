"""The Admin API of the simulator: tokens, validation, cost, search, reads."""

import base64
import json
from collections.abc import AsyncIterator

import pytest
from fixtures.shopify_sim import NORDLYS, PRAIRIE, Client, running_client

FIRST_LOCATION = "gid://shopify/Location/71001001"


@pytest.fixture
async def client(wire: None) -> AsyncIterator[Client]:
    async with running_client() as running:
        yield running


def codes(body: dict) -> list[str]:
    return [error["extensions"]["code"] for error in body["errors"]]


# ---------------------------------------------------------------- tokens


async def test_client_credentials_are_taken_as_json_too(client: Client):
    given = {
        "grant_type": "client_credentials",
        "client_id": "dev-nordlys-client",
        "client_secret": "dev-nordlys-old",
    }
    answer = await client.control("POST", f"/{NORDLYS}/admin/oauth/access_token", given)
    assert answer["access_token"].startswith("shpat_")
    assert answer["expires_in"] == 86399
    assert "write_inventory" in answer["scope"].split(",")


@pytest.mark.parametrize(
    ("change", "status"),
    [({"client_secret": "no"}, 401), ({"client_id": "no"}, 400), ({"grant_type": "password"}, 400)],
)
async def test_wrong_credentials_get_no_token(client: Client, change: dict, status: int):
    given = {
        "grant_type": "client_credentials",
        "client_id": "dev-nordlys-client",
        "client_secret": "dev-nordlys-new",
    }
    await client.control("POST", f"/{NORDLYS}/admin/oauth/access_token", {**given, **change}, status)


async def test_token_dies_after_a_day(client: Client):
    await client.data("{ shop { id } }")
    client.clock.advance(24 * 3600)
    assert (await client.send("{ shop { id } }")).status == 401


async def test_token_of_one_shop_does_not_open_another(client: Client):
    other = client.at(PRAIRIE)
    other.token = await client.log_in()
    response = await other.send("{ shop { id } }")
    assert response.status == 401
    assert "Invalid API key or access token" in (await response.json())["errors"]


async def test_revoked_secret_takes_its_tokens_along(client: Client):
    await client.log_in("dev-nordlys-old")
    await client.sim("POST", "secrets", {"revoke": "dev-nordlys-old"})
    assert (await client.send("{ shop { id } }")).status == 401


# ---------------------------------------------------------------- transport


async def test_every_answer_names_its_request_and_version(client: Client):
    response = await client.send("{ shop { id } }")
    assert response.headers["X-Request-Id"]
    assert response.headers["X-Shopify-API-Version"] == "2026-10"


async def test_version_that_is_gone_falls_forward_to_the_oldest_supported(client: Client):
    response = await client.send("{ shop { id } }", version="2025-10")
    assert response.headers["X-Shopify-API-Version"] == "2026-01"


async def test_unimplemented_field_is_a_loud_error_not_null(client: Client):
    body = await client.graphql("{ shop { plan { shopifyPlus } } }")
    assert codes(body) == ["NOT_SIMULATED"]
    assert "Shop.plan" in body["errors"][0]["message"]


# ---------------------------------------------------------------- validation as graphql-ruby words it


@pytest.mark.parametrize(
    ("query", "code", "message", "path"),
    [
        (
            "query Q { shop { nme } }",
            "undefinedField",
            "Field 'nme' doesn't exist on type 'Shop'",
            ["query Q", "shop", "nme"],
        ),
        (
            "query Q { shop { id } orders(fist: 1) { nodes { id } } }",
            "argumentNotAccepted",
            "Field 'orders' doesn't accept argument 'fist'",
            ["query Q", "orders", "fist"],
        ),
        (
            'mutation M { tagsAdd(id: "gid://shopify/Order/1") { node { id } } }',
            "missingRequiredArguments",
            "Field 'tagsAdd' is missing required arguments: tags",
            ["mutation M", "tagsAdd"],
        ),
        (
            "query Q { orders(first: 1, sortKey: COLOUR) { nodes { id } } }",
            "argumentLiteralsIncompatible",
            "Argument 'sortKey' on Field 'orders' has an invalid value (COLOUR). Expected type 'OrderSortKeys'.",
            ["query Q", "orders", "sortKey"],
        ),
        (
            (
                'mutation M { inventorySetQuantities(input: {name: "available", reason: "correction"}) '
                "{ userErrors { code } } }"
            ),
            "missingRequiredInputObjectAttribute",
            (
                "Argument 'quantities' on InputObject 'InventorySetQuantitiesInput' is required. "
                "Expected type [InventoryQuantityInput!]!"
            ),
            ["mutation M", "inventorySetQuantities", "input"],
        ),
        (
            "query Q { shop { id @sometimes } }",
            "undefinedDirective",
            "Directive @sometimes is not defined",
            ["query Q", "shop", "id"],
        ),
        (
            'mutation M @idempotent(key: "k") { tagsAdd(id: "gid://shopify/Order/1", tags: []) { node { id } } }',
            "directiveCannotBeApplied",
            "'@idempotent' can't be applied to mutations (allowed: fields)",
            ["mutation M"],
        ),
        (
            "query Q($unused: Int) { shop { id } }",
            "variableNotUsed",
            "Variable $unused is declared by Q but not used",
            ["query Q"],
        ),
        (
            "query Q { shop }",
            "selectionMismatch",
            (
                "Field must have selections (field 'shop' returns Shop but has no selections. "
                "Did you mean 'shop { ... }'?)"
            ),
            ["query Q", "shop"],
        ),
    ],
)
async def test_invalid_document_is_refused_without_data_or_cost(
    client: Client, query: str, code: str, message: str, path: list[str]
):
    body = await client.graphql(query)
    error = body["errors"][0]
    assert (error["extensions"]["code"], error["message"], error["path"]) == (code, message, path)
    assert "data" not in body
    assert "extensions" not in body


async def test_fields_that_differ_only_in_null_may_share_a_name(client: Client):
    """graphql-ruby merges `String` and `String!`; the specification does not."""
    gid = (await client.place())["admin_graphql_api_id"]
    query = "query Q($id: ID!) { node(id: $id) { ... on Order { label: note } ... on Product { label: title } } }"
    assert await client.data(query, {"id": gid}) == {"node": {"label": None}}
    other = query.replace("label: note", "label: tags")
    assert codes(await client.graphql(other, {"id": gid})) == ["fieldConflict"]


async def test_plain_user_error_has_no_code(client: Client):
    body = await client.graphql(
        'mutation M { tagsAdd(id: "gid://shopify/Order/1", tags: ["a"]) { userErrors { code } } }'
    )
    assert body["errors"][0]["message"] == "Field 'code' doesn't exist on type 'UserError'"


async def test_syntax_error_names_line_and_column(client: Client):
    body = await client.graphql("query {\n  shop {\n    id")
    assert body["errors"][0]["message"] == "syntax error, unexpected end of file at [3, 7]"
    assert codes(body) == ["PARSE_ERROR"]


async def test_variable_of_the_wrong_shape_lists_its_problems(client: Client):
    query = (
        "mutation M($input: InventorySetQuantitiesInput!) "
        '{ inventorySetQuantities(input: $input) @idempotent(key: "k") { userErrors { code } } }'
    )
    given = {"name": "available", "ignoreCompareQuantity": True, "quantities": [{"quantity": "x"}]}
    body = await client.graphql(query, {"input": given})
    extensions = body["errors"][0]["extensions"]
    assert extensions["code"] == "INVALID_VARIABLE"
    assert extensions["value"] == given
    problems = {tuple(p["path"]): p["explanation"] for p in extensions["problems"]}
    assert problems["ignoreCompareQuantity",] == "Field is not defined on InventorySetQuantitiesInput"
    assert problems["reason",] == "Expected value to not be null"
    assert problems["quantities", 0, "inventoryItemId"] == "Expected value to not be null"
    assert "extensions" not in body


async def test_input_array_over_250_is_refused(client: Client):
    body = await client.graphql(
        "query Q($ids: [ID!]!) { nodes(ids: $ids) { id } }", {"ids": ["gid://shopify/Order/1"] * 251}
    )
    assert body["errors"][0] == {
        "message": "The input array size of 251 is greater than the maximum allowed of 250.",
        "path": ["nodes", "ids"],
        "extensions": {"code": "MAX_INPUT_SIZE_EXCEEDED"},
    }


@pytest.mark.parametrize(
    ("window", "message"),
    [
        ("", "you must provide one of first or last"),
        ("(first: 1, last: 1)", "providing both first and last is not supported"),
    ],
)
async def test_connection_needs_one_of_first_and_last(client: Client, window: str, message: str):
    body = await client.graphql(f"{{ orders{window} {{ nodes {{ id }} }} }}")
    assert body["errors"][0]["message"] == message
    assert codes(body) == ["BAD_REQUEST"]


@pytest.mark.parametrize("size", ["251", "-1"])
@pytest.mark.parametrize("path", ["orders", "order.lineItems", "order.refunds", "order.transactions"])
async def test_no_list_gives_more_than_250_at_once(client: Client, path: str, size: str):
    gid = (await client.place())["admin_graphql_api_id"]
    root, _, part = path.partition(".")
    window = f"(first: {size})"
    lists = {"lineItems": f"lineItems{window} {{ nodes {{ id }} }}"}
    inner = lists.get(part, f"{part}{window} {{ id }}")
    query = f'{{ order(id: "{gid}") {{ {inner} }} }}' if part else f"{{ {root}{window} {{ nodes {{ id }} }} }}"
    assert codes(await client.graphql(query)) == ["BAD_REQUEST"]


async def test_a_list_without_pages_is_truncated_only_where_asked(client: Client):
    payment = [{"gateway": "gift_card", "amount": "1.00"} for _ in range(30)]
    gid = (await client.place(payment=payment))["admin_graphql_api_id"]
    query = "query Q($id: ID!) { order(id: $id) { some: transactions(first: 25) { id } transactions { id } "
    data = await client.data(query + "transactionsCount { count } fulfillmentsCount { count } } }", {"id": gid})
    assert [len(data["order"][name]) for name in ("some", "transactions")] == [25, 30]
    assert data["order"]["transactionsCount"] == {"count": 30}
    assert data["order"]["fulfillmentsCount"] == {"count": 0}


@pytest.mark.parametrize(
    ("given", "message"),
    [("nonsense", "invalid id"), ("gid://shopify/Product/1", "Invalid id: gid://shopify/Product/1")],
)
async def test_id_of_another_kind_is_not_found_loudly(client: Client, given: str, message: str):
    body = await client.graphql("query Q($id: ID!) { order(id: $id) { id } }", {"id": given})
    assert (body["errors"][0]["message"], codes(body)) == (message, ["RESOURCE_NOT_FOUND"])
    assert body["data"] == {"order": None}


async def test_unknown_order_is_null(client: Client):
    assert await client.data('{ order(id: "gid://shopify/Order/1") { id } }') == {"order": None}


# ---------------------------------------------------------------- access scopes


async def test_missing_scope_is_access_denied_for_that_field_only(client: Client):
    shop = client.shopify.simulator.shops[NORDLYS]
    shop.scopes = frozenset({"read_products", "read_inventory"})
    body = await client.graphql('{ shop { id } order(id: "gid://shopify/Order/1") { id } }')
    assert codes(body) == ["ACCESS_DENIED"]
    assert body["errors"][0]["message"].startswith(
        "Access denied for order field. Required access: `read_orders` access scope"
    )
    assert body["data"]["order"] is None
    assert body["data"]["shop"]["id"]


async def test_reading_orders_is_no_right_to_tag_them(client: Client):
    client.shopify.simulator.shops[NORDLYS].scopes = frozenset({"read_orders"})
    body = await client.graphql(
        'mutation { tagsAdd(id: "gid://shopify/Order/1", tags: ["x"]) { userErrors { message } } }'
    )
    assert codes(body) == ["ACCESS_DENIED"]


async def test_writing_a_resource_includes_reading_it(client: Client):
    client.shopify.simulator.shops[NORDLYS].scopes = frozenset({"write_orders"})
    assert await client.data("{ orders(first: 1) { nodes { id } } }")


async def test_own_scopes_can_be_read(client: Client):
    data = await client.data("{ currentAppInstallation { accessScopes { handle } } }")
    assert {"handle": "read_orders"} in data["currentAppInstallation"]["accessScopes"]


# ---------------------------------------------------------------- cost


async def test_cost_is_charged_as_used_and_restored_over_time(client: Client):
    query = '{ productVariants(first: 50, query: "sku:TENT-2P") { nodes { id } } }'
    cost = (await client.graphql(query))["extensions"]["cost"]
    assert cost["actualQueryCost"] < cost["requestedQueryCost"]
    assert cost["throttleStatus"] == {
        "maximumAvailable": 2000,
        "currentlyAvailable": 2000 - cost["actualQueryCost"],
        "restoreRate": 100,
    }
    client.clock.advance(1)
    again = (await client.graphql("{ shop { id } }"))["extensions"]["cost"]
    assert again["throttleStatus"]["currentlyAvailable"] == 1999


@pytest.mark.parametrize(
    ("query", "cost"),
    [
        ("{ orders(first: 250) { nodes { id } pageInfo { endCursor } } }", 13),
        ("{ orders(first: 250) { nodes { lineItems(first: 250) { nodes { id } } } } }", 156),
        ("query Q($first: Int = 250) { orders(first: $first) { nodes { id } } }", 13),
        # one price, whatever the number of ids
        ('{ nodes(ids: ["gid://shopify/Order/1"]) { id ... on Order { customer { id } } } }', 2),
        ('{ nodes(ids: ["gid://shopify/Order/1", "gid://shopify/Job/2"]) { id ... on Order { customer { id } } } }', 2),
        ("{ products(first: 250) { nodes { variants(first: 250) { nodes { id } } measurement: createdAt } } }", 156),
        (
            (
                'mutation { inventoryActivate(inventoryItemId: "gid://shopify/InventoryItem/1", '
                'locationId: "gid://shopify/Location/1") @idempotent(key: "c") { inventoryLevel { location { id } '
                'item { id } quantities(names: ["available"]) { name } } userErrors { field } } }'
            ),
            13,
        ),
    ],
)
async def test_requested_cost_equals_what_live_stores_charged(client: Client, query: str, cost: int):
    body = await client.graphql(query)
    assert body["extensions"]["cost"]["requestedQueryCost"] == cost


async def test_query_over_a_thousand_points_never_runs(client: Client):
    page = "nodes { lineItems(first: 250) { nodes { taxLines { priceSet { shopMoney { amount } } } } } }"
    aliases = " ".join(f"a{i}: orders(first: 250) {{ {page} }}" for i in range(4))
    body = await client.graphql(f"{{ {aliases} }}")
    assert codes(body) == ["MAX_COST_EXCEEDED"]
    assert body["errors"][0]["extensions"]["maxCost"] == 1000
    assert "extensions" not in body


async def test_empty_bucket_throttles_until_it_has_leaked_enough(client: Client):
    await client.fault("throttled")
    body = await client.graphql("{ locations(first: 10) { nodes { id } } }")
    assert codes(body) == ["THROTTLED"]
    cost = body["extensions"]["cost"]
    assert cost["actualQueryCost"] is None
    wait = (cost["requestedQueryCost"] - cost["throttleStatus"]["currentlyAvailable"]) / 100
    assert "errors" in await client.graphql("{ locations(first: 10) { nodes { id } } }")
    client.clock.advance(wait)
    assert "errors" not in await client.graphql("{ locations(first: 10) { nodes { id } } }")


# ---------------------------------------------------------------- search and paging


async def orders_at(client: Client, count: int) -> list[str]:
    names = []
    for _ in range(count):
        names.append((await client.place())["name"])
        client.clock.advance(60)
    return names


@pytest.mark.parametrize("direction", ["false", "true"])
async def test_pages_follow_each_other_without_gap_or_repeat(client: Client, direction: str):
    names = await orders_at(client, 5)
    query = (
        f"query Q($after: String) {{ orders(first: 2, after: $after, sortKey: UPDATED_AT, reverse: {direction}) "
        "{ nodes { name } pageInfo { hasNextPage endCursor } } }"
    )
    found, after, more = [], None, True
    while more:
        page = (await client.data(query, {"after": after}))["orders"]
        found += [node["name"] for node in page["nodes"]]
        after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
    assert found == (names if direction == "false" else names[::-1])


@pytest.mark.parametrize("path", ["products", "productVariants", "inventoryItems"])
async def test_the_last_value_of_a_cursor_may_be_a_text(client: Client, path: str):
    whole = (await client.data(f"{{ {path}(first: 3) {{ nodes {{ id }} }} }}"))[path]["nodes"]
    last_id = int(whole[0]["id"].rpartition("/")[2])
    cursor = base64.b64encode(json.dumps({"last_id": last_id, "last_value": str(last_id)}).encode()).decode()
    query = f"query Q($after: String) {{ {path}(first: 2, after: $after) {{ nodes {{ id }} }} }}"
    assert (await client.data(query, {"after": cursor}))[path]["nodes"] == whole[1:]
    wrong = base64.b64encode(json.dumps({"last_id": last_id, "last_value": "x"}).encode()).decode()
    assert codes(await client.graphql(query, {"after": wrong})) == ["BAD_REQUEST"]


async def test_cursor_stays_valid_after_a_change_of_its_record(client: Client):
    names = await orders_at(client, 3)
    query = (
        "query Q($after: String) { orders(first: 1, after: $after, sortKey: UPDATED_AT) "
        "{ nodes { id name } pageInfo { endCursor } } }"
    )
    first = (await client.data(query))["orders"]
    await client.data(
        'mutation M($id: ID!) { tagsAdd(id: $id, tags: ["x"]) { userErrors { message } } }',
        {"id": first["nodes"][0]["id"]},
    )
    second = (await client.data(query, {"after": first["pageInfo"]["endCursor"]}))["orders"]
    assert second["nodes"][0]["name"] == names[1]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("updated_at:>='2026-11-23T09:01:00Z'", ["#1002", "#1003"]),
        ("updated_at:>'2026-11-23T09:01:00Z'", ["#1003"]),
        ("created_at:<=now", ["#1001", "#1002", "#1003"]),
        ("name:1002", ["#1002"]),
        ("name:#1001 OR name:#1003", ["#1001", "#1003"]),
        ("-name:1002 financial_status:paid", ["#1001", "#1003"]),
        ("(name:1001 OR name:1002) AND NOT name:1001", ["#1002"]),
        ("sku:NOT-SOLD", []),
    ],
)
async def test_orders_are_found_by_documented_filters(client: Client, query: str, expected: list[str]):
    await orders_at(client, 3)
    body = await client.graphql("query Q($q: String) { orders(first: 10, query: $q) { nodes { name } } }", {"q": query})
    assert [node["name"] for node in body["data"]["orders"]["nodes"]] == expected
    assert "search" not in body["extensions"]


async def test_unknown_search_field_matches_everything_and_warns(client: Client):
    names = await orders_at(client, 2)
    body = await client.graphql('{ orders(first: 10, query: "colour:red") { nodes { name } } }')
    assert [node["name"] for node in body["data"]["orders"]["nodes"]] == names
    (search,) = body["extensions"]["search"]
    assert search["path"] == ["orders"]
    assert search["warnings"] == [
        {"field": "colour", "message": "Invalid search field for this query.", "code": "invalid_field"}
    ]


async def test_timestamp_without_quotes_is_torn_at_its_colons(client: Client):
    body = await client.graphql('{ orders(first: 10, query: "updated_at:>=2026-11-23T09:00:00Z") { nodes { name } } }')
    (search,) = body["extensions"]["search"]
    assert search["parsed"]["and"][1] == {"field": "00", "match_all": "00Z"}
    assert search["warnings"][0]["field"] == "00"


async def test_documented_but_unsimulated_filter_is_refused(client: Client):
    body = await client.graphql('{ orders(first: 1, query: "risk_level:high") { nodes { id } } }')
    assert codes(body) == ["NOT_SIMULATED"]


async def test_index_lag_hides_fresh_orders_from_search_but_not_from_lookup(client: Client):
    await client.fault("index_lag", seconds=30, times=None)
    order = await client.place()
    query = "query Q($id: ID!) { order(id: $id) { name } orders(first: 5) { nodes { name } } }"
    variables = {"id": order["admin_graphql_api_id"]}
    data = await client.data(query, variables)
    assert (data["order"]["name"], data["orders"]["nodes"]) == ("#1001", [])
    client.clock.advance(30)
    assert (await client.data(query, variables))["orders"]["nodes"] == [{"name": "#1001"}]


# ---------------------------------------------------------------- reads


async def test_variant_is_found_by_sku_with_its_stock(client: Client):
    data = await client.data(
        """query Q($q: String) { productVariants(first: 2, query: $q) { nodes {
            sku legacyResourceId product { title } inventoryItem { id tracked inventoryLevels(first: 5) { nodes {
                location { id name } quantities(names: ["available", "on_hand", "committed"]) { name quantity } } } }
        } } }""",
        {"q": "sku:'LAMP-HEAD'"},
    )
    (variant,) = data["productVariants"]["nodes"]
    assert variant["product"] == {"title": "Head lamp"}
    (level,) = variant["inventoryItem"]["inventoryLevels"]["nodes"]
    assert level["location"]["id"] == FIRST_LOCATION
    assert {q["name"]: q["quantity"] for q in level["quantities"]} == {
        "available": 5,
        "on_hand": 5,
        "committed": 0,
    }


async def test_nodes_keep_order_and_holes(client: Client):
    ids = ["gid://shopify/Order/1", "gid://shopify/Location/71001001", "gid://shopify/InventoryItem/101001"]
    data = await client.data(
        "query Q($ids: [ID!]!) { nodes(ids: $ids) { __typename id ... on InventoryItem { sku } } }", {"ids": ids}
    )
    assert data["nodes"] == [
        None,
        {"__typename": "Location", "id": ids[1]},
        {"__typename": "InventoryItem", "id": ids[2], "sku": "TENT-2P"},
    ]


async def test_calls_are_counted_by_operation_and_can_be_reset(client: Client):
    await client.data("query ReadShop { shop { id } }")
    await client.data("query ReadShop { shop { id } }")
    totals = (await client.control("GET", "/_sim/calls"))["totals"]
    assert totals[NORDLYS]["ReadShop"] == {"calls": 2, "cost": 2, "errors": 0}
    await client.control("DELETE", "/_sim/calls", status=204)
    assert (await client.control("GET", "/_sim/calls"))["calls"] == []
