"""The simulator's webhooks: what is sent, how it is signed, what happens when it does not arrive."""

import base64
import hashlib
import hmac
import json
from collections import Counter
from collections.abc import AsyncIterator

import pytest
from fixtures.shopify_sim import NORDLYS, PRAIRIE, Client, Received, running_client

SUBSCRIBE = """mutation Subscribe($uri: String!, $name: String) {
  webhookSubscriptionCreate(topic: ORDERS_CREATE, webhookSubscription: {uri: $uri, name: $name}) {
    webhookSubscription { id topic uri apiVersion { handle } } userErrors { field message }
  }
}"""


@pytest.fixture
async def client(wire: None) -> AsyncIterator[Client]:
    async with running_client() as running:
        yield running


def signed_with(secret: str, received: Received) -> bool:
    expected = base64.b64encode(hmac.new(secret.encode(), received.body, hashlib.sha256).digest()).decode()
    return hmac.compare_digest(expected, received.headers["X-Shopify-Hmac-Sha256"])


async def test_new_order_is_announced_with_all_headers(client: Client):
    order = await client.place(note="Grüße")
    (received,) = await client.settle()
    assert received.path == "/nordlys/orders"
    assert json.loads(received.body) == order
    assert "Grüße".encode() in received.body
    assert received.headers["X-Shopify-Topic"] == "orders/create"
    assert received.headers["X-Shopify-Shop-Domain"] == NORDLYS
    assert received.headers["X-Shopify-API-Version"] == "2026-10"
    assert received.headers["X-Shopify-Triggered-At"] == "2026-11-23T09:00:00.000000000Z"
    assert received.headers["User-Agent"] == "Shopify-Captain-Hook"
    assert received.headers["X-Shopify-Webhook-Id"] != received.headers["X-Shopify-Event-Id"]
    assert "X-Shopify-Test" not in received.headers


async def test_oldest_secret_signs_until_it_is_revoked(client: Client):
    await client.place()
    assert signed_with("dev-nordlys-old", (await client.settle())[-1])
    await client.sim("POST", "secrets", {"rotate": "dev-nordlys-newest"})
    await client.place()
    assert signed_with("dev-nordlys-old", (await client.settle())[-1])
    await client.sim("POST", "secrets", {"revoke": "dev-nordlys-old"})
    await client.place()
    assert signed_with("dev-nordlys-new", (await client.settle())[-1])


async def test_refused_webhook_comes_again_with_the_same_id_and_bytes(client: Client):
    client.receiver.answers = [500, 302, 404]
    await client.place()
    received = await client.settle()
    assert len(received) == 4
    assert len({r.headers["X-Shopify-Webhook-Id"] for r in received}) == 1
    assert len({r.body for r in received}) == 1
    assert {r.path for r in received} == {"/nordlys/orders"}
    attempts = await client.sim("GET", "deliveries")
    assert [(a["attempt"], a["status"]) for a in attempts] == [(1, 500), (2, 302), (3, 404), (4, 200)]


async def test_gives_up_after_eight_retries(client: Client):
    client.receiver.answers = [503] * 20
    await client.place()
    assert len(await client.settle()) == 9


async def test_receiver_that_is_down_is_recorded_as_an_attempt_without_status(client: Client):
    client.shopify.simulator.shops[NORDLYS].subscriptions.clear()
    await client.sim("POST", "orders/raw", {"body": "{}", "uri": "http://127.0.0.1:9/"}, 202)
    await client.settle()
    attempts = await client.sim("GET", "deliveries")
    assert {(a["status"], a["error"]) for a in attempts} == {(None, "ClientConnectorError")}


async def test_duplicate_has_the_same_webhook_id(client: Client):
    await client.fault("webhook_duplicate")
    await client.place()
    received = await client.settle()
    assert Counter(r.headers["X-Shopify-Webhook-Id"] for r in received).most_common(1)[0][1] == 2


async def test_dropped_webhook_never_comes(client: Client):
    await client.fault("webhook_drop")
    await client.place()
    assert await client.settle() == []


async def test_held_webhook_comes_after_the_next_one(client: Client):
    await client.fault("webhook_hold", topic="orders/create")
    await client.place()
    await client.place()
    names = [json.loads(r.body)["name"] for r in await client.settle()]
    assert names == ["#1002", "#1001"]


async def test_held_webhook_is_released_with_the_faults(client: Client):
    await client.fault("webhook_hold")
    await client.place()
    assert await client.settle() == []
    await client.control("DELETE", "/_sim/faults", status=204)
    assert len(await client.settle()) == 1


@pytest.mark.parametrize(
    ("wish", "verdict"),
    [
        ({}, "good"),
        ({"signature": "wrong"}, "bad"),
        ({"signature": "truncated"}, "bad"),
        ({"signature": "revoked"}, "bad"),
        ({"secret": "dev-prairie-old"}, "bad"),
    ],
)
async def test_raw_webhook_is_signed_as_asked(client: Client, wish: dict, verdict: str):
    body = base64.b64encode(b'{"id": 1, "note": "\xc3\xa6"}').decode()
    await client.sim("POST", "orders/raw", {"topic": "orders/create", "body_base64": body, **wish}, 202)
    (received,) = await client.settle()
    assert received.body == base64.b64decode(body)
    assert signed_with("dev-nordlys-old", received) is (verdict == "good")


async def test_raw_webhook_can_come_unsigned_and_as_a_test(client: Client):
    await client.sim("POST", "orders/raw", {"body": "{}", "signature": "missing", "test": True}, 202)
    (received,) = await client.settle()
    assert "X-Shopify-Hmac-Sha256" not in received.headers
    assert received.headers["X-Shopify-Test"] == "true"


async def test_our_own_writes_to_an_order_are_announced_too(client: Client):
    order = await client.place()
    client.clock.advance(5)
    gid = order["admin_graphql_api_id"]
    data = await client.data(
        """mutation Mark($id: ID!, $fields: [MetafieldsSetInput!]!) {
          metafieldsSet(metafields: $fields) { metafields { key value compareDigest } userErrors { message } }
          tagsAdd(id: $id, tags: ["in-fo"]) { node { ... on Order { tags } } userErrors { message } }
        }""",
        {
            "id": gid,
            "fields": [
                {
                    "ownerId": gid,
                    "namespace": "d365",
                    "key": "sales_order",
                    "type": "single_line_text_field",
                    "value": "SO-1",
                }
            ],
        },
    )
    assert data["metafieldsSet"]["metafields"][0]["value"] == "SO-1"
    assert data["tagsAdd"]["node"]["tags"] == ["in-fo"]
    topics = [r.headers["X-Shopify-Topic"] for r in await client.settle()]
    assert topics == ["orders/create", "orders/updated", "orders/updated"]
    last = json.loads(client.receiver.received[-1].body)
    assert last["tags"] == "in-fo"
    assert last["updated_at"] == "2026-11-23T10:00:06+01:00"


async def test_adding_a_tag_that_is_there_announces_nothing(client: Client):
    order = await client.place(tags=["Gift"])
    await client.data(
        'mutation M($id: ID!) { tagsAdd(id: $id, tags: ["gift"]) { userErrors { message } } }',
        {"id": order["admin_graphql_api_id"]},
    )
    assert len(await client.settle()) == 1


async def test_subscription_through_the_api_dies_after_eight_failures_in_a_row(client: Client):
    shop = client.shopify.simulator.shops[NORDLYS]
    shop.subscriptions.clear()
    uri = f"{client.receiver.url}/mine"
    data = await client.data(SUBSCRIBE, {"uri": uri, "name": "mine"})
    assert data["webhookSubscriptionCreate"]["webhookSubscription"]["uri"] == uri
    client.receiver.answers = [500] * 9
    await client.place()
    received = await client.settle()
    assert received[0].headers["X-Shopify-Name"] == "mine"
    listed = await client.data("{ webhookSubscriptions(first: 5) { nodes { uri } } }")
    assert listed["webhookSubscriptions"]["nodes"] == []


async def test_subscriptions_of_the_app_itself_are_not_listed(client: Client):
    data = await client.data("{ webhookSubscriptions(first: 5) { nodes { uri } } }")
    assert data["webhookSubscriptions"]["nodes"] == []


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("", "Address can't be blank"),
        ("http://example.com/hook", "Address protocol http:// is not supported"),
        ("https://x.myshopify.com/hook", "Address cannot be a Shopify or an internal domain"),
    ],
)
async def test_bad_address_is_refused(client: Client, uri: str, message: str):
    data = await client.data(SUBSCRIBE, {"uri": uri})
    assert data["webhookSubscriptionCreate"]["userErrors"] == [
        {"field": ["webhookSubscription", "callbackUrl"], "message": message}
    ]


@pytest.mark.parametrize("uri", ["arn:aws:events:eu-west-1::event-source/aws.partner/x", "pubsub://project:topic"])
async def test_addresses_that_shopify_takes_and_the_simulator_does_not_say_so(client: Client, uri: str):
    body = await client.graphql(SUBSCRIBE, {"uri": uri})
    assert [error["extensions"]["code"] for error in body["errors"]] == ["NOT_SIMULATED"]


async def test_all_that_is_wrong_with_a_subscription_is_reported_at_once(client: Client):
    data = await client.data(SUBSCRIBE, {"uri": "", "name": "no spaces"})
    errors = data["webhookSubscriptionCreate"]["userErrors"]
    assert [error["field"][1] for error in errors] == ["callbackUrl", "name"]


async def test_names_of_subscriptions_differ_in_more_than_case(client: Client):
    query = SUBSCRIBE.replace("{ id topic", "{ filter id topic")
    data = await client.data(query, {"uri": "https://example.com/one", "name": "Mine"})
    assert data["webhookSubscriptionCreate"]["webhookSubscription"]["filter"] == ""
    data = await client.data(query, {"uri": "https://example.com/two", "name": "mine"})
    (error,) = data["webhookSubscriptionCreate"]["userErrors"]
    assert error["message"] == "Name already exists, no duplicate allowed"


async def test_a_test_notification_is_the_official_example_with_its_header(client: Client):
    await client.sim("POST", "orders/sample", {}, status=202)
    (received,) = await client.settle()
    body = json.loads(received.body)
    assert received.headers["X-Shopify-Test"] == "true"
    assert (body["test"], body["cancelled_at"]) == (True, "2021-12-31T19:00:00-05:00")
    assert signed_with("dev-nordlys-old", received)


async def test_there_is_no_test_notification_of_an_unknown_topic(client: Client):
    await client.sim("POST", "orders/sample", {"topic": "orders/nonsense"}, status=400)


async def test_two_changes_can_share_a_second(client: Client):
    order = await client.place()
    first = await client.sim("PATCH", f"orders/{order['id']}", {"note": "one"})
    second = await client.sim("PATCH", f"orders/{order['id']}", {"note": "two", "same_second": True})
    third = await client.sim("POST", f"orders/{order['id']}/refund", {"amount": "1", "same_second": True})
    assert first["updated_at"] == second["updated_at"] == third["order"]["updated_at"]
    assert first["updated_at"] > order["updated_at"]
    assert (first["note"], second["note"]) == ("one", "two")


async def test_shops_are_announced_under_their_own_store(client: Client):
    prairie = client.at(PRAIRIE)
    await prairie.place(lines=[{"sku": "TEE-RED-M", "quantity": 1}], location_id=72002002)
    (received,) = await client.settle()
    assert received.path == "/prairie/orders"
    assert signed_with("dev-prairie-old", received)
    levels = {(r["sku"], r["location_id"]): r for r in await prairie.sim("GET", "inventory")}
    assert levels["TEE-RED-M", 72002002]["committed"] == 1
    assert levels["TEE-RED-M", 72001001]["committed"] == 0


async def test_amended_order_is_announced_as_updated(client: Client):
    order = await client.place()
    client.clock.advance(1)
    amended = await client.sim("PATCH", f"orders/{order['id']}", {"note": "Ring twice", "tags": ["vip"]})
    *_, last = await client.settle()
    assert last.headers["X-Shopify-Topic"] == "orders/updated"
    assert json.loads(last.body) == amended
    assert amended["note"] == "Ring twice"
    await client.sim("PATCH", f"orders/{order['id']}", {"line_items": []}, 400)


async def test_order_can_be_placed_without_a_webhook_or_with_two(client: Client):
    await client.place(announce=[])
    assert await client.settle() == []
    await client.place(announce=["orders/create", "orders/updated"])
    topics = {r.headers["X-Shopify-Topic"] for r in await client.settle()}
    assert topics == {"orders/create", "orders/updated"}


@pytest.mark.parametrize(
    "change",
    [
        {"lines": []},
        {"lines": [{"sku": "NO-SUCH", "quantity": 1}]},
        {"lines": [{"title": "Custom", "quantity": 1}]},
        {"lines": [{"sku": "TENT-2P", "quantity": 0}]},
        {"currency": "DKK"},
        {"location_id": 1},
        {"created_at": "2026-11-23T09:00:00"},
        {"discount_codes": [{"code": "X"}]},
        {"financial_status": "refunded"},
    ],
)
async def test_senseless_checkout_is_refused_and_takes_no_stock(client: Client, change: dict):
    checkout = {"lines": [{"sku": "TENT-2P", "quantity": 1}], **change}
    await client.sim("POST", "orders", checkout, 400)
    assert (await client.sim("GET", "orders"))["orders"] == []
    assert {r["committed"] for r in await client.sim("GET", "inventory")} == {0}
    assert await client.settle() == []
