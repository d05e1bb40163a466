"""Texts of products and options in the shop's other languages."""

import hashlib
from typing import Any

import pytest
from fixtures.shop_catalogue import UPDATE, coat, make, number, told
from fixtures.shopify_sim import Client, running_client

REGISTER = """mutation Register($id: ID!, $rows: [TranslationInput!]!) {
  translationsRegister(resourceId: $id, translations: $rows) {
    translations { key locale value outdated } userErrors { field message code } }
}"""
REMOVE = """mutation Remove($id: ID!, $keys: [String!]!, $locales: [String!]!) {
  translationsRemove(resourceId: $id, translationKeys: $keys, locales: $locales) {
    translations { key locale } userErrors { field message code } }
}"""
CONTENT = """query Content($id: ID!) { translatableResource(resourceId: $id) {
  translatableContent { key value digest locale type } translations(locale: "de") { key value outdated }
  nestedTranslatableResources(first: 9, resourceType: PRODUCT_OPTION) { nodes { resourceId } } } }"""
BY_IDS = """query ByIds($ids: [ID!]!) { translatableResourcesByIds(first: 99, resourceIds: $ids) {
  nodes { resourceId translatableContent { key value } } } }"""


@pytest.fixture
async def client(wire: None):
    async with running_client() as client:
        yield client


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def row(key: str, value: str, original: str, locale: str = "de", **more: Any) -> dict[str, Any]:
    return {"key": key, "value": value, "locale": locale, "translatableContentDigest": digest(original), **more}


async def register(client: Client, id_: str, *rows: dict[str, Any]) -> dict[str, Any]:
    return (await client.data(REGISTER, {"id": id_, "rows": list(rows)}))["translationsRegister"]


async def test_what_can_be_translated_has_a_digest(client: Client):
    made = await make(client, coat(descriptionHtml="<p>Warm</p>", seo={"title": "C"}))
    found = (await client.data(CONTENT, {"id": made["id"]}))["translatableResource"]
    assert [(each["key"], each["value"], each["type"]) for each in found["translatableContent"]] == [
        ("title", "Coat", "SINGLE_LINE_TEXT_FIELD"),
        ("body_html", "<p>Warm</p>", "HTML"),
        ("handle", "coat", "URI"),
        ("meta_title", "C", "SINGLE_LINE_TEXT_FIELD"),
    ]
    assert {each["digest"] for each in found["translatableContent"]} >= {digest("Coat"), digest("<p>Warm</p>")}
    assert {each["locale"] for each in found["translatableContent"]} == {"en"}
    options = [each["id"] for each in made["options"]]
    assert [each["resourceId"] for each in found["nestedTranslatableResources"]["nodes"]] == options
    values = [each["id"] for each in made["options"][0]["optionValues"]]
    found = await client.data(BY_IDS, {"ids": [*values, options[0], "gid://shopify/Product/1"]})
    nodes = found["translatableResourcesByIds"]["nodes"]
    assert {(each["resourceId"], each["translatableContent"][0]["value"]) for each in nodes} == {
        (options[0], "Color"),
        (values[0], "Red"),
        (values[1], "Blue"),
    }


async def test_texts_are_translated_and_become_outdated(client: Client):
    made = await make(client)
    payload = await register(client, made["id"], row("title", "Mantel", "Coat"), row("title", "Jas", "Coat", "nl"))
    assert payload == {
        "translations": [
            {"key": "title", "locale": "de", "value": "Mantel", "outdated": False},
            {"key": "title", "locale": "nl", "value": "Jas", "outdated": False},
        ],
        "userErrors": [],
    }
    await client.data(UPDATE, {"product": {"id": made["id"], "title": "Parka"}})
    found = (await client.data(CONTENT, {"id": made["id"]}))["translatableResource"]
    assert found["translations"] == [{"key": "title", "value": "Mantel", "outdated": True}]
    red = made["options"][0]["optionValues"][0]["id"]
    await register(client, red, row("name", "Rot", "Red"))
    ask = """query Ask($id: ID!) { product(id: $id) { translations(locale: "nl") { value }
        options { optionValues { translations(locale: "de") { value } } } } }"""
    found = (await client.data(ask, {"id": made["id"]}))["product"]
    assert found["translations"] == [{"value": "Jas"}]
    assert found["options"][0]["optionValues"][0]["translations"] == [{"value": "Rot"}]
    asked = {"id": made["id"], "keys": ["title", "body_html"], "locales": ["de"]}
    removed = (await client.data(REMOVE, asked))["translationsRemove"]
    assert removed == {"translations": [{"key": "title", "locale": "de"}], "userErrors": []}
    again = (await client.data(REMOVE, asked))["translationsRemove"]
    assert again == {"translations": [], "userErrors": []}


HASH = (
    "translations.0.translatableContentDigest",
    "Translatable content hash is invalid",
    "INVALID_TRANSLATABLE_CONTENT",
)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (
            row("title", "x", "Coat", "en"),
            [
                (
                    "translations.0.locale",
                    "Locale cannot be the same as the shop's primary locale",
                    "INVALID_LOCALE_FOR_SHOP",
                )
            ],
        ),
        (
            row("title", "x", "Coat", "ja"),
            [("translations.0.locale", "Locale is not a valid locale for the shop", "INVALID_LOCALE_FOR_SHOP")],
        ),
        (
            row("title", "x", "Coat", marketId="gid://shopify/Market/1"),
            [
                (
                    "translations.0.marketId",
                    "The market corresponding to the `marketId` argument doesn't exist",
                    "MARKET_DOES_NOT_EXIST",
                )
            ],
        ),
        (
            row("title", " ", "Coat"),
            [("translations.0.value", "Value can't be blank", "FAILS_RESOURCE_VALIDATION")],
        ),
        (
            row("title", "Coat", "Coat"),
            [("translations.0.value", "Value cannot match original content", "FAILS_RESOURCE_VALIDATION")],
        ),
        (
            row("handle", "x" * 256, "coat"),
            [
                (
                    "translations.0.value",
                    'Value fails validation on resource: ["Handle is too long (maximum is 255 characters)"]',
                    "FAILS_RESOURCE_VALIDATION",
                )
            ],
        ),
        (row("title", "x", "Other"), [HASH]),
        (
            row("incorrect_key", "x", "Coat"),
            [
                (
                    "translations.0.key",
                    "Key incorrect_key is not a valid translatable field",
                    "INVALID_KEY_FOR_MODEL",
                ),
                HASH,
            ],
        ),
    ],
)
async def test_a_translation_is_refused_and_none_is_written(client: Client, given: dict, expected: list[tuple]):
    made = await make(client)
    payload = await register(client, made["id"], given, row("title", "Mantel", "Coat", "fr"))
    assert (payload["translations"], told(payload)) == (None, expected)
    shop = client.shopify.simulator.shops[client.shop]
    assert shop.translations == {}


async def test_other_refusals(client: Client):
    lost = "gid://shopify/Product/1"
    error = ("resourceId", f"Resource {lost} does not exist", "RESOURCE_NOT_FOUND")
    assert told(await register(client, lost, row("title", "x", "y"))) == [error]
    payload = (await client.data(REMOVE, {"id": lost, "keys": ["title"], "locales": ["de"]}))["translationsRemove"]
    assert told(payload) == [error]
    made = await make(client)
    rows = [row("title", f"x{n}", "Coat") for n in range(101)]
    text = "Too many keys for resource - maximum 100 per mutation"
    assert told(await register(client, made["id"], *rows)) == [("resourceId", text, "TOO_MANY_KEYS_FOR_RESOURCE")]


async def test_languages_and_what_staff_translate(client: Client):
    found = await client.data("{ shopLocales { locale primary published } }")
    assert [(each["locale"], each["primary"]) for each in found["shopLocales"]] == [
        ("en", True),
        ("nl", False),
        ("de", False),
        ("fr", False),
    ]
    made = await make(client)
    staff = {"locale": "de", "texts": {"title": "Mantel"}}
    await client.sim("POST", f"products/{number(made['id'])}/translations", staff)
    found = (await client.data(CONTENT, {"id": made["id"]}))["translatableResource"]
    assert found["translations"] == [{"key": "title", "value": "Mantel", "outdated": False}]
    page = await client.data("{ translatableResources(first: 3, resourceType: PRODUCT) { nodes { resourceId } } }")
    assert len(page["translatableResources"]["nodes"]) == 3
