"""From a webhook's body to the entity and the session of its message."""

import base64
import hmac
import json
import logging
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest
from azure.core.exceptions import ServiceRequestError
from builders.log_events import events_in
from builders.orders import as_json, line, order_payload

from shared.bus.envelope import Envelope
from shared.error_catalogue import CATALOGUE
from shared.errors import ErrorCode, OutcomeUnknownError, WebhookIgnoredError, WebhookRefusedError
from shared.flows import BY_EVENT, ORDERS, SHIPMENTS, TOPICS
from shared.mapping.shopify.events import only_names, require_order_id
from shared.settings import Secret
from shared.store.journal import JournalEntry
from shared.sync.messages.intake import NOTES, IntakePorts, StoreIntake, receive_webhook

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


class Notes:
    """The journal; `error` is what its next write fails with."""

    def __init__(self, error: Exception | None = None) -> None:
        self.entries: list[JournalEntry] = []
        self.error = error

    async def write(self, entry: JournalEntry) -> None:
        error, self.error = self.error, None
        if error is not None:
            raise error
        self.entries.append(entry)


class Claims:
    """Blob Storage that confirms everything."""

    async def put(self, name: str, body: bytes) -> str:
        return sha256(name.encode() + body).hexdigest()


PORTS = IntakePorts(
    stores={"nordlys": StoreIntake(SHOP, (Secret("new"),), frozenset({ORDERS.name}))},
    publisher=Queue(),
    claims=Claims(),
    notes=Notes(),
    max_bytes=5_000_000,
)


async def receive(body: bytes, topic: str = "orders/updated", event: str = "e-1", **changes: Any) -> Envelope:
    """The accepted webhook. `changes`: headers, `family`, `store`, `secret` or `ports` in place of the right ones."""
    family = next((family for family, topics in TOPICS.items() if topic in topics), "orders")
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
BODY_OF_ANY = b'{"order_id":42,"admin_graphql_api_id":"gid://shopify/Order/42"}'
TOPICS_OF_ORDERS = frozenset().union(*ORDERS.webhooks.values())


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
    ErrorCode.SECRETS_MISSING: ({"ports": ports_with(lacks_secrets=True)}, {}),
    ErrorCode.WRONG_SHOP: ({"x_shopify_shop_domain": "prairie-supply.myshopify.com"}, {}),
    ErrorCode.HEADER_MISSING: ({"x_shopify_topic": ""}, {}),
    ErrorCode.SIGNATURE_WRONG: (
        {"secret": "newer"},
        {"secret": "newer", "ports": ports_with(secrets=("newer", "new"))},
    ),
    ErrorCode.NOT_QUEUED: ({"ports": ports_with(publisher=UnconfirmedQueue())}, {}),
}


@pytest.mark.parametrize("code", REPAIRED)
async def test_a_refused_webhook_is_accepted_once_the_next_step_was_carried_out(code: ErrorCode) -> None:
    wrong, right = REPAIRED[code]
    with pytest.raises(WebhookRefusedError) as refused:
        await receive(BODY, **wrong)
    assert refused.value.code is code
    assert (await receive(BODY, **right)).entity_id == "42"


async def test_a_body_beyond_the_hard_limit_is_refused_without_a_look_at_its_signature() -> None:
    for secret in ("new", "forged"):
        with pytest.raises(WebhookRefusedError) as refused:
            await receive(b" " * 20_000_001, secret=secret)
        assert (refused.value.code, refused.value.entry.status) == (ErrorCode.BODY_TOO_LARGE, 413)


# Code -> the signed delivery that is ignored, and what is accepted once the next step was carried out.
IGNORED: dict[ErrorCode, tuple[dict[str, Any], dict[str, Any]]] = {
    ErrorCode.FLOW_OFF: ({"flows": frozenset()}, {}),
    ErrorCode.UNKNOWN_TOPIC: ({"topic": "products/update"}, {}),
}


async def receive_ignored(code: ErrorCode, notes: Notes, **changes: Any) -> WebhookIgnoredError:
    """The answer to the delivery that is ignored for this code; `changes` as in `receive`, or of the ports."""
    wrong = dict(IGNORED[code][0])
    given = {name: changes.pop(name) for name in ("noted",) if name in changes}
    ports = ports_with(flows=wrong.pop("flows", frozenset({ORDERS.name})), notes=notes, publisher=Unused(), **given)
    with pytest.raises(WebhookIgnoredError) as ignored:
        await receive(BODY, **wrong, ports=ports, **changes)
    return ignored.value


class Unused:
    async def publish(self, envelope: Envelope, *, at: object = None) -> None:
        raise AssertionError("an ignored webhook was published")


@pytest.mark.parametrize("code", IGNORED)
async def test_a_signed_webhook_without_a_use_is_answered_with_200_once_a_note_is_stored(code: ErrorCode) -> None:
    notes = Notes()
    ignored = await receive_ignored(code, notes, noted=set())
    assert (ignored.code, ignored.entry.status) == (code, 200)
    (note,) = notes.entries
    assert (note.store, note.event_id, note.outcome) == ("nordlys", "e-1", "ignored")
    assert note.note == f"{code}: {ignored.cause}"
    assert (await receive(BODY, **IGNORED[code][1])).entity_id == "42"


@pytest.mark.parametrize("code", IGNORED)
async def test_what_is_ignored_is_noted_once_for_each_code_and_topic(code: ErrorCode) -> None:
    notes, noted = Notes(), set()
    for event in ("e-1", "e-2", "e-3"):
        await receive_ignored(code, notes, noted=noted, event=event)
    assert [note.event_id for note in notes.entries] == ["e-1"]


async def test_the_notes_of_a_process_are_bounded_since_the_signature_does_not_cover_the_topic() -> None:
    notes, noted = Notes(), set()
    for number in range(NOTES + 5):
        ports = ports_with(notes=notes, noted=noted)
        with pytest.raises(WebhookIgnoredError):
            await receive(BODY, topic=f"made/up{number}", ports=ports)
    assert len(notes.entries) == len(noted) == NOTES


@pytest.mark.parametrize("error", [ServiceRequestError("away"), TimeoutError()])
async def test_a_note_that_is_not_stored_is_no_reason_to_acknowledge_and_the_retry_stores_it(error: Exception) -> None:
    notes, noted = Notes(error), set()
    ports = ports_with(flows=frozenset(), notes=notes, noted=noted)
    with pytest.raises(WebhookRefusedError) as refused:
        await receive(BODY, ports=ports)
    assert (refused.value.code, refused.value.entry.status) == (ErrorCode.NOT_QUEUED, 503)
    await receive_ignored(ErrorCode.FLOW_OFF, notes, noted=noted)
    assert len(notes.entries) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"flows": frozenset[str]()}, id="a flow that is off"),
        pytest.param({"topic": "products/update"}, id="a topic without a flow"),
        pytest.param({"max_bytes": 10}, id="a large body"),
    ],
)
async def test_an_unsigned_webhook_gets_nothing_noted_or_published(wrong: dict[str, Any]) -> None:
    notes = Notes()
    topic = wrong.pop("topic", "orders/updated")
    with pytest.raises(WebhookRefusedError) as refused:
        await receive(BODY, topic=topic, secret="forged", ports=ports_with(notes=notes, publisher=Unused(), **wrong))
    assert (refused.value.code, refused.value.entry.status) == (ErrorCode.SIGNATURE_WRONG, 401)
    assert notes.entries == []


@pytest.mark.parametrize("topic", sorted(TOPICS_OF_ORDERS))
async def test_a_topic_at_another_familys_address_goes_to_its_flow(topic: str) -> None:
    for family in ORDERS.webhooks:
        envelope = await receive(BODY_OF_ANY, topic, family=family)
        assert (envelope.flow, envelope.topic, envelope.entity_id) == (ORDERS.name, topic, "42")


@pytest.mark.parametrize("topic", sorted(TOPICS_OF_ORDERS))
async def test_of_a_body_over_the_limit_only_the_orders_id_is_published(topic: str) -> None:
    body = as_json({"order_id": 42, "admin_graphql_api_id": "gid://shopify/Order/42", "note": "x" * 300_000})
    whole = await receive(body, topic, ports=ports_with(max_bytes=len(body)))
    assert whole.claim is not None
    small = await receive(body, topic, ports=ports_with(max_bytes=len(body) - 1))
    assert (small.claim, small.entity_id, small.topic) == (None, "42", topic)
    assert small.session_id == whole.session_id
    payload = json.loads(small.body)
    assert only_names(payload)
    assert require_order_id(payload, topic) == 42


async def test_a_body_over_the_limit_without_gids_names_its_order_too() -> None:
    body = as_json(without_gids(order_payload()) | {"note": "x" * 300_000})
    assert require_order_id(json.loads((await receive(body, ports=ports_with(max_bytes=10))).body), "") == ORDER_ID


@pytest.mark.parametrize("body", [b'{"note":"' + b"x" * 300_000 + b'"}', b"x" * 300_000], ids=["an object", "no JSON"])
async def test_a_body_over_the_limit_that_names_no_order_is_kept_whole(body: bytes) -> None:
    kept: dict[str, bytes] = {}

    class Blobs:
        async def put(self, name: str, body: bytes) -> str:
            kept[name] = body
            return ""

    envelope = await receive(body, ports=ports_with(max_bytes=10, claims=Blobs()))
    assert envelope.claim is not None
    assert kept == {envelope.claim.blob: body}
    assert envelope.entity_id == ""


async def test_bodies_in_another_api_version_are_reported_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="connector")
    stores = {"nordlys": StoreIntake(SHOP, (Secret("new"),), frozenset({ORDERS.name}), api_version="2026-10")}
    ports = replace(PORTS, stores=stores, versions=set())
    for version in ("2026-10", "2026-07", "2026-07", "2026-04", "", "not a version", "x" * 21):
        assert await receive(b'{"id":42}', x_shopify_api_version=version, ports=ports)
    found = [(each["store"], each["traffic"], each["version"], each["expected"]) for each in told(caplog)]
    assert found == [("nordlys", "webhooks", "2026-07", "2026-10"), ("nordlys", "webhooks", "2026-04", "2026-10")]


async def test_who_has_a_signed_body_cannot_fill_the_log_with_versions(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="connector")
    ports = replace(PORTS, versions=set())
    for number in range(NOTES + 5):
        await receive(b'{"id":42}', x_shopify_api_version=f"2026-{number}", ports=ports)
    assert len(told(caplog)) == NOTES


def told(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    return events_in(caplog, "shopify.other_version")


async def test_an_empty_body_that_is_signed_is_accepted_like_any_without_an_id() -> None:
    envelope = await receive(b"")
    assert (envelope.entity_id, envelope.claim) == ("", None)


def test_every_code_of_an_answer_is_refused_ignored_or_beyond_the_hard_limit() -> None:
    statuses = {code: entry.status for code, entry in CATALOGUE.items() if entry.status is not None}
    of_fo = {code for code in statuses if code.startswith("FO_EVENT")}  # tests/integration/test_fo_events.py
    assert statuses.keys() - of_fo == REPAIRED.keys() | IGNORED.keys() | {ErrorCode.BODY_TOO_LARGE}
    assert {code for code, status in statuses.items() if status == 200} - of_fo == IGNORED.keys()
    assert {code for code, status in statuses.items() if status == 503} == {
        ErrorCode.SECRETS_MISSING,
        ErrorCode.NOT_QUEUED,
    }


@pytest.mark.parametrize("topic", sorted(frozenset().union(*SHIPMENTS.webhooks.values())))
async def test_a_webhook_that_names_no_order_goes_on_the_orders_queue_in_a_session_of_its_own(topic: str) -> None:
    body = b'{"fulfillment_order":{"id":"gid://shopify/FulfillmentOrder/7"},"fulfillment_hold":{"id":"x"}}'
    ports = ports_with(flows=frozenset({ORDERS.name, SHIPMENTS.name}))
    envelope = await receive(body, topic, store="nordlys", ports=ports)
    assert (envelope.flow, envelope.topic, envelope.entity_id, envelope.body) == (ORDERS.name, topic, "", body)
    assert BY_EVENT[topic] is SHIPMENTS
    with pytest.raises(WebhookIgnoredError) as ignored:
        await receive(body, topic, ports=ports_with(notes=Notes(), publisher=Unused()))
    assert (ignored.value.code, "shipments" in ignored.value.cause) == (ErrorCode.FLOW_OFF, True)
