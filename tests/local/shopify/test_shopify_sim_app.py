"""The app in a shop: its subscriptions, its scopes, what it is refused, and its metafield definitions."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from fixtures.shopify_sim import NORDLYS, Client, running_client

_ADDRESS = "https://app.example.com/api/webhooks/shopify/nordlys/orders"
_CREATE = """mutation ($topic: WebhookSubscriptionTopic!, $given: WebhookSubscriptionInput!) {
  webhookSubscriptionCreate(topic: $topic, webhookSubscription: $given) {
    webhookSubscription { id uri format filter includeFields name apiVersion { handle } }
    userErrors { field message }
  }
}"""
_UPDATE = """mutation ($id: ID!, $given: WebhookSubscriptionInput!) {
  webhookSubscriptionUpdate(id: $id, webhookSubscription: $given) {
    webhookSubscription { id topic uri format filter includeFields name }
    userErrors { field message }
  }
}"""
_DELETE = """mutation ($id: ID!) {
  webhookSubscriptionDelete(id: $id) { deletedWebhookSubscriptionId userErrors { field message } }
}"""
_DEFINE = """mutation ($definition: MetafieldDefinitionInput!) {
  metafieldDefinitionCreate(definition: $definition) {
    createdDefinition {
      id name pinnedPosition access { admin } capabilities { adminFilterable { enabled } }
    }
    userErrors { field message code }
  }
}"""
_DEFINED = """query ($key: String!) {
  metafieldDefinition(identifier: {ownerType: ORDER, namespace: "$app", key: $key}) { id name }
}"""
_TAKEN = {"field": ["webhookSubscription", "callbackUrl"], "message": "Address for this topic has already been taken"}


@pytest.fixture
async def client(wire: None) -> AsyncIterator[Client]:
    async with running_client() as running:
        running.shopify.simulator.shops[NORDLYS].subscriptions.clear()
        yield running


async def create(client: Client, topic: str = "ORDERS_CREATE", **given: Any) -> Any:
    data = await client.data(_CREATE, {"topic": topic, "given": {"uri": _ADDRESS, **given}})
    return data["webhookSubscriptionCreate"]


async def update(client: Client, id_: str, **given: Any) -> Any:
    return (await client.data(_UPDATE, {"id": id_, "given": given}))["webhookSubscriptionUpdate"]


async def test_a_subscription_is_taken_by_topic_address_format_and_filter_together(client: Client):
    assert (await create(client))["userErrors"] == []
    assert (await create(client))["userErrors"] == [_TAKEN]
    assert (await create(client, format="XML"))["userErrors"] == []
    assert (await create(client, filter="id:1"))["userErrors"] == []
    assert (await create(client, "ORDERS_UPDATED"))["userErrors"] == []
    assert (await create(client, includeFields=["id"]))["userErrors"] == [_TAKEN]


async def test_an_update_changes_what_it_gives_and_keeps_id_and_topic(client: Client):
    made = (await create(client, uri="https://old.example.com/hook", format="XML", includeFields=["id"], name="mine"))[
        "webhookSubscription"
    ]
    changed = await update(client, made["id"], uri=_ADDRESS, format="JSON", includeFields=None)
    assert changed == {
        "webhookSubscription": {
            "id": made["id"],
            "topic": "ORDERS_CREATE",
            "uri": _ADDRESS,
            "format": "JSON",
            "filter": "",
            "includeFields": [],
            "name": "mine",
        },
        "userErrors": [],
    }


async def test_an_update_to_a_taken_address_changes_nothing_and_says_all_that_is_wrong(client: Client):
    await create(client, name="first")
    other = (await create(client, uri="https://old.example.com/hook"))["webhookSubscription"]
    refused = await update(client, other["id"], uri=_ADDRESS, name="FIRST")
    assert [error["message"] for error in refused["userErrors"]] == [
        "Address for this topic has already been taken",
        "Name already exists, no duplicate allowed",
    ]
    refused = await update(client, other["id"], uri="", filter="gibberish")
    assert [error["message"] for error in refused["userErrors"]] == [
        "Address can't be blank",
        "The specified filter is invalid, please ensure you specify the field(s) you wish to filter on.",
    ]
    listed = await client.data("{ webhookSubscriptions(first: 5) { nodes { uri } } }")
    assert [node["uri"] for node in listed["webhookSubscriptions"]["nodes"]] == [
        _ADDRESS,
        "https://old.example.com/hook",
    ]


async def test_a_subscription_may_keep_its_own_address_and_name(client: Client):
    made = (await create(client, name="mine"))["webhookSubscription"]
    assert (await update(client, made["id"], uri=_ADDRESS, name="mine"))["userErrors"] == []


async def test_a_deleted_subscription_is_gone(client: Client):
    made = (await create(client))["webhookSubscription"]
    data = await client.data(_DELETE, {"id": made["id"]})
    assert data["webhookSubscriptionDelete"] == {"deletedWebhookSubscriptionId": made["id"], "userErrors": []}
    again = await client.data(_DELETE, {"id": made["id"]})
    assert again["webhookSubscriptionDelete"]["userErrors"][0]["field"] == ["id"]
    assert (await update(client, made["id"], uri=_ADDRESS))["userErrors"][0]["field"] == ["id"]


async def test_neither_xml_nor_a_filter_is_delivered(client: Client):
    await create(client, uri=f"{client.receiver.url}/xml", format="XML")
    await create(client, uri=f"{client.receiver.url}/some", filter="id:1")
    await client.place()
    assert await client.settle() == []


async def test_the_apps_version_is_that_of_every_webhook(client: Client):
    await client.sim("PATCH", "app", {"webhook_version": "2026-07"})
    made = await create(client, uri=f"{client.receiver.url}/orders")
    assert made["webhookSubscription"]["apiVersion"] == {"handle": "2026-07"}
    await client.place()
    (received,) = await client.settle()
    assert received.headers["X-Shopify-API-Version"] == "2026-07"


async def test_an_app_without_approval_gets_no_subscription(client: Client):
    await client.sim("PATCH", "app", {"protected_data_approved": False})
    assert [error["message"] for error in (await create(client))["userErrors"]] == [
        "This app is not approved to subscribe to webhook topics containing protected customer data."
    ]


async def test_a_refused_token_has_its_reason(client: Client):
    await client.sim("PATCH", "app", {"refuses_tokens": "shop_not_permitted"})
    form = {
        "grant_type": "client_credentials",
        "client_id": "dev-nordlys-client",
        "client_secret": "dev-nordlys-new",
    }
    url = f"{client.shopify.url}/{NORDLYS}/admin/oauth/access_token"
    async with client.http.post(url, data=form) as response:
        assert (response.status, (await response.json())["error"]) == (400, "shop_not_permitted")


async def test_orders_of_more_than_60_days_need_a_scope(client: Client):
    young = await client.place(created_at="2026-09-24T09:00:01Z")
    old = await client.place(created_at="2026-09-24T09:00:00Z")
    query = "query ($id: ID!) { order(id: $id) { id } orders(first: 5) { nodes { id } } }"

    async def seen(order: dict[str, Any]) -> tuple[bool, int]:
        data = await client.data(query, {"id": order["admin_graphql_api_id"]})
        return data["order"] is not None, len(data["orders"]["nodes"])

    assert (await seen(young), await seen(old)) == ((True, 1), (False, 1))
    scopes = client.shopify.simulator.shops[NORDLYS].scopes
    await client.sim("PATCH", "app", {"scopes": [*scopes, "read_all_orders"]})
    client.token = ""
    assert await seen(old) == (True, 2)


_RISK = "query ($id: ID!) { order(id: $id) { risk { recommendation assessments { riskLevel provider { title } } } } }"


@pytest.mark.parametrize(
    ("wishes", "levels"),
    [
        ({}, ["LOW"]),
        ({"risk": "pending"}, ["PENDING"]),
        ({"risk": None}, []),
        ({"payment": "unpaid"}, []),
        ({"gateway": "bank_deposit"}, []),
        ({"source_name": "shopify_draft_order"}, []),
    ],
)
async def test_what_is_assessed_when_an_order_is_placed(client: Client, wishes: dict[str, Any], levels: list[str]):
    order = await client.place(**wishes)
    risk = (await client.data(_RISK, {"id": order["admin_graphql_api_id"]}))["order"]["risk"]
    assert [each["riskLevel"] for each in risk["assessments"]] == levels


async def test_each_provider_has_one_assessment_and_the_strictest_decides(client: Client):
    order = await client.place(risk="high")
    path = f"orders/{order['id']}/risk"
    await client.sim("POST", path, {"level": "low"})
    await client.sim("POST", path, {"level": "medium", "provider": {"id": 7, "title": "Guard"}})
    risk = (await client.data(_RISK, {"id": order["admin_graphql_api_id"]}))["order"]["risk"]
    assert risk == {
        "recommendation": "INVESTIGATE",
        "assessments": [
            {"riskLevel": "LOW", "provider": None},
            {"riskLevel": "MEDIUM", "provider": {"title": "Guard"}},
        ],
    }


def definition(**parts: Any) -> dict[str, Any]:
    return {
        "definition": {
            "name": "Sales order",
            "namespace": "$app",
            "key": "sales_order",
            "type": "single_line_text_field",
            "ownerType": "ORDER",
            **parts,
        }
    }


async def test_a_definition_is_created_once(client: Client):
    filterable = {"adminFilterable": {"enabled": True}}
    variables = definition(pin=True, access={"admin": "MERCHANT_READ"}, capabilities=filterable)
    assert (await client.data(_DEFINED, {"key": "sales_order"}))["metafieldDefinition"] is None
    made = (await client.data(_DEFINE, variables))["metafieldDefinitionCreate"]["createdDefinition"]
    assert (made["pinnedPosition"], made["access"], made["capabilities"]) == (
        1,
        {"admin": "MERCHANT_READ"},
        {"adminFilterable": {"enabled": True}},
    )
    found = (await client.data(_DEFINED, {"key": "sales_order"}))["metafieldDefinition"]
    assert found == {"id": made["id"], "name": "Sales order"}
    (error,) = (await client.data(_DEFINE, variables))["metafieldDefinitionCreate"]["userErrors"]
    assert (error["field"], error["code"]) == (["definition", "key"], "TAKEN")


@pytest.mark.parametrize(
    ("parts", "code"),
    [
        ({"key": "x"}, "TOO_SHORT"),
        ({"key": "a b"}, "INVALID_CHARACTER"),
        ({"name": "x" * 256}, "TOO_LONG"),
        ({"namespace": "custom", "access": {"admin": "MERCHANT_READ"}}, "INVALID"),
    ],
)
async def test_a_definition_that_shopify_refuses(client: Client, parts: dict[str, Any], code: str):
    payload = (await client.data(_DEFINE, definition(**parts)))["metafieldDefinitionCreate"]
    assert ([error["code"] for error in payload["userErrors"]], payload["createdDefinition"]) == ([code], None)


@pytest.mark.parametrize(
    ("limit", "parts", "code"),
    [
        ("most_pinned", {"pin": True}, "PINNED_LIMIT_REACHED"),
        (
            "most_filterable",
            {"capabilities": {"adminFilterable": {"enabled": True}}},
            "OWNER_TYPE_LIMIT_EXCEEDED_FOR_USE_AS_ADMIN_FILTERS",
        ),
    ],
)
async def test_the_limits_of_definitions(client: Client, limit: str, parts: dict[str, Any], code: str):
    setattr(client.shopify.simulator.shops[NORDLYS], limit, 0)
    payload = (await client.data(_DEFINE, definition(**parts)))["metafieldDefinitionCreate"]
    assert [error["code"] for error in payload["userErrors"]] == [code]
    assert (await client.data(_DEFINE, definition()))["metafieldDefinitionCreate"]["userErrors"] == []
