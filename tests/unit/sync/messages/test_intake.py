"""From a webhook's body to the entity and the session of its message."""

import base64
import hmac
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest
from builders.orders import as_json, line, order_payload

from shared.bus.envelope import Envelope
from shared.error_catalogue import CATALOGUE
from shared.errors import ErrorCode, OutcomeUnknownError, WebhookRefusedError
from shared.flows import ORDERS
from shared.settings import Secret
from shared.sync.messages.intake import IntakePorts, StoreIntake, receive_webhook

SHOP = "nordlys-outdoor.myshopify.com"
ORDER_ID = 5_500_000_000_001
WITH_THE_ORDER = [
    "orders/create",
    "orders/updated",
    "orders/cancelled",
    "orders/paid",
    "orders/fulfilled",
    "orders/partially_fulfilled",
]


class Queue:
    """Service Bus that confirms everything."""

    async def publish(self, envelope: Envelope, *, at: object = None) -> None:
        pass


class Claims:
    """Blob Storage that confirms everything."""

    async def put(self, name: str, body: bytes) -> str:
        return sha256(name.encode() + body).hexdigest()


PORTS = IntakePorts(
    stores={"nordlys": StoreIntake(SHOP, (Secret("new"),), frozenset({ORDERS.name}))},
    publisher=Queue(),
    claims=Claims(),
    max_bytes=5_000_000,
)


async def receive(body: bytes, topic: str = "orders/updated", event: str = "e-1", **changes: Any) -> Envelope:
    """The accepted webhook. `changes`: headers, `family`, `store`, `secret` or `ports` in place of the right ones."""
    family = next((family for family, topics in ORDERS.webhooks.items() if topic in topics), "orders")
    secret = changes.pop("secret", "new").encode()
    headers = {
        "x-shopify-topic": topic,
        "x-shopify-hmac-sha256": base64.b64encode(hmac.new(secret, body, sha256).digest()).decode(),
        "x-shopify-shop-domain": SHOP,
        "x-shopify-webhook-id": event,
    }
    family, store = changes.pop("family", family), changes.pop("store", "nordlys")
    ports = changes.pop("ports", PORTS)
    headers |= {name.replace("_", "-"): value for name, value in changes.items()}
    return await receive_webhook(family, store, headers, body, traceparent="", ports=ports)


def without_gids(value: Any) -> Any:
    """The payload as an includeFields setting of the subscription trims it."""
    match value:
        case dict():
            return {key: without_gids(part) for key, part in value.items() if key != "admin_graphql_api_id"}
        case list():
            return [without_gids(part) for part in value]
        case _:
            return value


@pytest.mark.parametrize("topic", WITH_THE_ORDER)
async def test_a_body_without_gids_is_in_the_session_of_its_order(topic: str) -> None:
    whole = await receive(as_json(order_payload()), topic, "e-1")
    trimmed = await receive(as_json(without_gids(order_payload())), topic, "e-2")
    assert trimmed.entity_id == whole.entity_id == str(ORDER_ID)
    assert trimmed.session_id == whole.session_id


@pytest.mark.parametrize("at", ["first", "last"])
async def test_only_the_top_level_id_of_a_body_is_its_orders(at: str) -> None:
    payload = without_gids(order_payload(lines=[line(11), line(12)]))
    order_id = payload.pop("id")
    payload["refunds"] = [{"id": 9, "order_id": 666, "transactions": [{"id": 10, "order_id": 666}]}]
    ordered = {"id": order_id, **payload} if at == "first" else {**payload, "id": order_id}
    assert (await receive(as_json(ordered))).entity_id == str(ORDER_ID)


@pytest.mark.parametrize(
    "typed",
    ['"id": 666', '{"id":666}', '\\"id\\":666,', '"order_id":666', '","id":666,"x":"', "\\", '\\","id":666,"x":"'],
)
async def test_what_a_buyer_typed_is_never_the_orders_id(typed: str) -> None:
    personal = {"note": typed, "note_attributes": [{"name": typed, "value": typed}]}
    payload = without_gids(order_payload(**personal))
    assert (await receive(as_json(personal | payload))).entity_id == str(ORDER_ID)


async def test_a_gid_with_escaped_slashes_is_read() -> None:
    assert (await receive(rb'{"admin_graphql_api_id":"gid:\/\/shopify\/Order\/42"}')).entity_id == "42"


async def test_an_id_that_the_body_has_twice_is_read_as_the_flow_reads_it() -> None:
    body = b'{"id":1,"id":42}'
    assert (await receive(body)).entity_id == "42"


@pytest.mark.parametrize(
    ("topic", "body"),
    [
        ("refunds/create", b'{"id":42,"note":"no order_id"}'),
        ("order_transactions/create", b'{"id":42,"kind":"sale"}'),
    ],
)
async def test_the_id_of_a_refund_or_a_transaction_is_not_an_orders(topic: str, body: bytes) -> None:
    assert (await receive(body, topic)).entity_id == ""


@pytest.mark.parametrize(
    ("topic", "body"),
    [
        ("refunds/create", b'{"id":7,"order_id":42}'),
        ("orders/edited", b'{"order_edit":{"id":7,"order_id":42}}'),
        ("orders/risk_assessment_changed", b'{"provider_id":null,"order_id":"42","risk_level":"LOW"}'),
        ("orders/risk_assessment_changed", b'{"admin_graphql_api_order_id":"gid://shopify/Order/42"}'),
    ],
)
async def test_other_bodies_about_an_order_are_in_its_session(topic: str, body: bytes) -> None:
    assert (await receive(body, topic)).entity_id == "42"


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"{not json", id="not JSON"),
        pytest.param(b"[1, 2]", id="a list"),
        pytest.param(b"42", id="a number"),
        pytest.param(b'{"line_items":[{"id":42}],"customer":{"id":42}}', id="only nested ids"),
        pytest.param(b'{"id":' + b"9" * 5000 + b"}", id="endless id"),
        pytest.param(b'{"id":-42}', id="negative"),
        pytest.param(b'{"id":42.5}', id="a fraction"),
        pytest.param(b'{"id":true}', id="a flag"),
        pytest.param(b"[" * 100_000, id="nested beyond reading"),
    ],
)
async def test_a_signed_body_without_an_order_id_is_accepted_with_a_session_of_its_own(body: bytes) -> None:
    first, second = await receive(body, event="e-1"), await receive(body, event="e-2")
    assert (first.entity_id, second.entity_id) == ("", "")
    assert first.session_id != second.session_id


BODY = b'{"id":42,"admin_graphql_api_id":"gid://shopify/Order/42"}'


def ports_with(*, flows: frozenset[str] = frozenset({ORDERS.name}), **changes: Any) -> IntakePorts:
    secrets = changes.pop("secrets", ("new",))
    lacks_secrets = changes.pop("lacks_secrets", False)
    store = StoreIntake(SHOP, tuple(map(Secret, secrets)), flows, lacks_secrets=lacks_secrets)
    return replace(PORTS, stores={"nordlys": store}, **changes)


@pytest.mark.parametrize("secrets", [(), ("new",)], ids=["of webhooks", "of the Admin API"])
async def test_a_store_that_lacks_secrets_refuses_so_that_shopify_tries_again(secrets: tuple[str, ...]) -> None:
    lacking = StoreIntake(SHOP, tuple(map(Secret, secrets)), frozenset({ORDERS.name}), lacks_secrets=True)
    ports = replace(PORTS, stores={**PORTS.stores, "prairie": lacking})
    with pytest.raises(WebhookRefusedError) as refused:
        await receive(BODY, store="prairie", ports=ports)
    assert (refused.value.code, refused.value.entry.status) == (ErrorCode.SECRETS_MISSING, 503)
    assert (await receive(BODY, store="nordlys", ports=ports)).entity_id == "42"


class UnconfirmedQueue:
    async def publish(self, envelope: Envelope, *, at: object = None) -> None:
        raise OutcomeUnknownError("no answer")


# Code -> what is wrong with the delivery, and the delivery after the next step was carried out.
REPAIRED: dict[ErrorCode, tuple[dict[str, Any], dict[str, Any]]] = {
    ErrorCode.UNKNOWN_STORE: ({"store": "nordlis"}, {}),
    ErrorCode.FLOW_OFF: ({"ports": ports_with(flows=frozenset())}, {}),
    ErrorCode.SECRETS_MISSING: ({"ports": ports_with(lacks_secrets=True)}, {}),
    ErrorCode.WRONG_SHOP: ({"x_shopify_shop_domain": "prairie-supply.myshopify.com"}, {}),
    ErrorCode.HEADER_MISSING: ({"x_shopify_topic": ""}, {}),
    ErrorCode.SIGNATURE_WRONG: (
        {"secret": "newer"},
        {"secret": "newer", "ports": ports_with(secrets=("newer", "new"))},
    ),
    ErrorCode.UNKNOWN_TOPIC: ({"family": "refunds"}, {}),
    ErrorCode.BODY_TOO_LARGE: ({"ports": ports_with(max_bytes=10)}, {}),
    ErrorCode.NOT_QUEUED: ({"ports": ports_with(publisher=UnconfirmedQueue())}, {}),
}
NOTHING_TO_DO = {ErrorCode.BODY_EMPTY: "Nothing: Shopify never sends an empty body."}


@pytest.mark.parametrize("code", REPAIRED)
async def test_a_refused_webhook_is_accepted_once_the_next_step_was_carried_out(code: ErrorCode) -> None:
    wrong, right = REPAIRED[code]
    with pytest.raises(WebhookRefusedError) as refused:
        await receive(BODY, **wrong)
    assert refused.value.code is code
    assert (await receive(BODY, **right)).entity_id == "42"


def test_every_code_of_a_refused_webhook_is_repaired_or_says_that_nothing_is_to_be_done() -> None:
    refused = {code for code, entry in CATALOGUE.items() if entry.status is not None}
    assert refused == REPAIRED.keys() | NOTHING_TO_DO.keys()
    assert {code: CATALOGUE[code].next_step for code in NOTHING_TO_DO} == NOTHING_TO_DO
