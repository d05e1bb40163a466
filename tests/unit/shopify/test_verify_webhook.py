"""Verifying webhooks: every reason to refuse one, and the two secrets that may sign it."""

import base64
import hmac
from datetime import UTC, datetime
from hashlib import sha256

import pytest

from shared.errors import WebhookRefusedError
from shared.settings import Secret
from shared.shopify import webhooks

SHOP = "nordlys-outdoor.myshopify.com"
BODY = b'{"id":820982911946154508,"admin_graphql_api_id":"gid:\\/\\/shopify\\/Order\\/1","note":"x"}'
ORDER = b'{"id":42,"admin_graphql_api_id":"gid://shopify/Order/42","note":"caf\xc3\xa9"}'


def sign(body: bytes, secret: str) -> str:
    return base64.b64encode(hmac.new(secret.encode(), body, sha256).digest()).decode()


def headers(body: bytes, secret: str = "new", **overrides: str | None) -> dict[str, str]:
    complete = {
        "x-shopify-topic": "orders/create",
        "x-shopify-hmac-sha256": sign(body, secret),
        "x-shopify-shop-domain": SHOP,
        "x-shopify-webhook-id": "b54557e4-bdd9-4b37-8a5f-bf7d70bcd043",
        "x-shopify-triggered-at": "2026-08-07T22:57:57.290670248Z",
    }
    changed = {name.replace("_", "-"): value for name, value in overrides.items()}
    return {name: value for name, value in {**complete, **changed}.items() if value is not None}


def verify(body: bytes, given: dict[str, str]) -> webhooks.Webhook:
    return webhooks.verify_webhook(given, body, secrets=[Secret("new"), Secret("old")], shop_domain=SHOP)


def refusal(body: bytes, given: dict[str, str]) -> WebhookRefusedError:
    with pytest.raises(WebhookRefusedError) as caught:
        verify(body, given)
    return caught.value


def test_a_signed_webhook_is_accepted_with_its_ids_and_its_time() -> None:
    webhook = verify(ORDER, headers(ORDER))
    assert (webhook.event_id, webhook.topic, webhook.order_id) == (
        "b54557e4-bdd9-4b37-8a5f-bf7d70bcd043",
        "orders/create",
        "42",
    )
    assert webhook.triggered_at == datetime(2026, 8, 7, 22, 57, 57, 290670, UTC)


def test_shopifys_published_way_of_signing_gives_the_known_vector() -> None:
    body = '{"id":820982911946154508,"note":"æøå"}'.encode()
    assert sign(body, "test-client-secret") == "g5F9SqxaUfmZvxOMdrJGnTuU5S7aJviJTuab05mATCA="
    given = headers(body, "test-client-secret")
    webhook = webhooks.verify_webhook(given, body, secrets=[Secret("test-client-secret")], shop_domain=SHOP)
    assert webhook.order_id == ""


def test_the_previous_secret_is_still_accepted_while_shopify_rotates() -> None:
    assert verify(ORDER, headers(ORDER, "old")).order_id == "42"


@pytest.mark.parametrize(
    "signature",
    [
        pytest.param(sign(ORDER, "revoked"), id="revoked secret"),
        pytest.param(sign(ORDER + b" ", "new"), id="another body"),
        pytest.param(sign(ORDER, "new")[:-4], id="truncated"),
        pytest.param(sign(ORDER, "new").lower(), id="other case"),
        pytest.param("é" * 44, id="not ascii"),
        pytest.param(hmac.new(b"new", ORDER, sha256).hexdigest(), id="hex instead of base64"),
    ],
)
def test_a_signature_that_does_not_fit_is_unauthorized(signature: str) -> None:
    error = refusal(ORDER, headers(ORDER, x_shopify_hmac_sha256=signature))
    assert (error.code, error.entry.status) == ("SIGNATURE_WRONG", 401)


@pytest.mark.parametrize("body", [ORDER, b""], ids=["an order", "empty"])
@pytest.mark.parametrize("signature", [None, "", " "])
def test_a_request_without_a_signature_is_unauthorized(signature: str | None, body: bytes) -> None:
    error = refusal(body, headers(body, x_shopify_hmac_sha256=signature))
    assert (error.code, error.entry.status) == ("SIGNATURE_WRONG", 401)


@pytest.mark.parametrize("name", ["x_shopify_topic", "x_shopify_shop_domain", "x_shopify_webhook_id"])
def test_a_missing_header_is_a_bad_request_that_names_it(name: str) -> None:
    error = refusal(ORDER, headers(ORDER, **{name: None}))
    assert (error.code, error.entry.status) == ("HEADER_MISSING", 400)
    assert name.replace("_", "-") in error.cause


def test_an_endless_webhook_id_is_refused_since_it_would_not_fit_a_message_id() -> None:
    assert refusal(ORDER, headers(ORDER, x_shopify_webhook_id="x" * 200)).code == "HEADER_MISSING"


NO_TEXT = [
    pytest.param(b"\xe9\xff".decode("utf-8", "surrogateescape"), id="bytes that are no UTF-8"),
    pytest.param("caf\u00e9", id="text beyond ASCII"),
    pytest.param("a\x00b", id="a control character"),
    pytest.param("a\u2028b", id="a line separator"),
]


@pytest.mark.parametrize("value", NO_TEXT)
@pytest.mark.parametrize("name", ["x_shopify_topic", "x_shopify_shop_domain", "x_shopify_webhook_id"])
def test_a_header_that_is_no_plain_text_is_a_bad_request_that_names_it(name: str, value: str) -> None:
    error = refusal(ORDER, headers(ORDER, **{name: value}))
    assert (error.code, error.entry.status) == ("HEADER_MISSING", 400)
    assert name.replace("_", "-") in error.cause


@pytest.mark.parametrize("value", NO_TEXT)
def test_a_signature_that_is_no_plain_text_is_unauthorized(value: str) -> None:
    error = refusal(ORDER, headers(ORDER, x_shopify_hmac_sha256=value))
    assert (error.code, error.entry.status) == ("SIGNATURE_WRONG", 401)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b"\xff".decode("utf-8", "surrogateescape"), id="bytes that are no UTF-8"),
        pytest.param("0001-01-01T00:00:00+14:00", id="before the first year in UTC"),
        pytest.param("9999-12-31T23:59:59-14:00", id="after the last year in UTC"),
        pytest.param("soon", id="no time"),
    ],
)
def test_a_time_that_cannot_be_read_is_the_time_of_arrival(text: str) -> None:
    before = datetime.now(UTC)
    webhook = verify(ORDER, headers(ORDER, x_shopify_triggered_at=text))
    assert before <= webhook.triggered_at.astimezone(UTC) <= datetime.now(UTC)


def test_another_shops_webhook_is_refused_although_its_secret_is_ours() -> None:
    error = refusal(ORDER, headers(ORDER, x_shopify_shop_domain="prairie-supply.myshopify.com"))
    assert (error.code, error.entry.status) == ("WRONG_SHOP", 401)


def test_the_signature_is_computed_up_to_the_hard_limit_and_no_further() -> None:
    largest = b" " * 20_000_000
    assert verify(largest, headers(largest)).body is largest
    too_large = largest + b" "
    for given in (headers(too_large), {}):
        error = refusal(too_large, given)
        assert (error.code, error.entry.status) == ("BODY_TOO_LARGE", 413)
    assert refusal(largest, {}).code == "SIGNATURE_WRONG"


@pytest.mark.parametrize("topic", ["products/update", "unheard/of"])
def test_any_topic_is_verified(topic: str) -> None:
    assert verify(ORDER, headers(ORDER, x_shopify_topic=topic)).topic == topic


def test_a_gid_that_a_buyer_typed_into_the_note_is_not_the_orders_id() -> None:
    typed = rb'{"note":"\"admin_graphql_api_id\":\"gid://shopify/Order/666\"","id":42'
    body = typed + rb',"admin_graphql_api_id":"gid://shopify/Order/42"}'
    assert verify(body, headers(body)).order_id == "42"


def test_a_body_without_an_order_id_is_accepted() -> None:
    assert verify(b"not json", headers(b"not json")).order_id == ""
    assert verify(b"", headers(b"")).order_id == ""
    assert verify(BODY, headers(BODY)).order_id == ""


def test_an_id_from_the_gid_is_distinguished_from_an_order_id_that_may_be_nested() -> None:
    nested = b'{"id":42,"refunds":[{"id":1,"order_id":42}]}'
    assert verify(ORDER, headers(ORDER)).has_gid
    assert not verify(nested, headers(nested)).has_gid
    assert not verify(b"not json", headers(b"not json")).has_gid


@pytest.mark.parametrize(
    "body",
    [
        b'{"id":7,"admin_graphql_api_id":"gid://shopify/Refund/7","order_id":42,"note":"\\"order_id\\":9"}',
        b'{"note":"\\"order_id\\": 9","id":7,"order_id": 42}',
        b'{"typed \\"order_id": 9, "order_id": 42}',
        b'{"order_edit":{"id":7,"order_id":42}}',
        b'{"provider_id":null,"order_id":"42","admin_graphql_api_order_id":"gid://shopify/Order/42"}',
    ],
)
def test_a_body_without_the_order_still_has_the_id_of_its_order(body: bytes) -> None:
    assert verify(body, headers(body)).order_id == "42"
