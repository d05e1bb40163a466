"""Spans, events and metrics of the real code path, kept in memory: webhook, message, processing, calls."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256

import httpx
import pytest
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import Counter, Histogram, MeterProvider, ObservableCounter
from opentelemetry.sdk.metrics.export import AggregationTemporality, InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import SpanKind, StatusCode

from shared.azure_monitor import OpenTelemetry
from shared.bus.encoding import to_message
from shared.bus.envelope import Envelope
from shared.d365.odata.client import FoCall, ODataClient
from shared.errors import RefusedError, TransientError, WebhookIgnoredError, WebhookRefusedError
from shared.settings import Secret
from shared.shopify.admin.client import AdminClient
from shared.shopify.queries import Query
from shared.sync.messages import intake
from shared.sync.messages.dispatch import QueuePorts, handle_message
from shared.sync.messages.intake import IntakePorts, StoreIntake, receive_webhook
from shared.sync.messages.outcome import Done, MessageOutcome
from shared.telemetry import PerMinute, annotate, emit, export_to, heartbeat
from tests.builders.local_slots import LocalSlots
from tests.builders.static_token import StaticToken

SHOP = "nordlys-outdoor.myshopify.com"
FROM_SHOPIFY = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
BODY = b'{"id":42,"admin_graphql_api_id":"gid://shopify/Order/42","email":"ada@example.com"}'


@dataclass
class Recorder:
    spans_of: InMemorySpanExporter
    logs: InMemoryLogRecordExporter
    reader: InMemoryMetricReader

    @property
    def spans(self) -> dict[str, ReadableSpan]:
        return {span.name: span for span in self.spans_of.get_finished_spans()}

    @property
    def events(self) -> dict[str, dict[str, object]]:
        kept = [dict(log.log_record.attributes or {}) for log in self.logs.get_finished_logs()]
        return {str(event.pop("microsoft.custom_event.name")): event for event in kept}

    def points(self, name: str) -> dict[tuple[object, ...], float]:
        """The metric's figures by what it is split by."""
        data = self.reader.get_metrics_data()
        assert data
        return {
            tuple(point.attributes.values()): point.value
            for resource in data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.name == name
            for point in metric.data.data_points
        }

    @property
    def metrics(self) -> dict[str, float]:
        data = self.reader.get_metrics_data()
        return {
            metric.name: getattr(point, "value", None) or getattr(point, "sum", 0)
            for resource in (data.resource_metrics if data else ())
            for scope in resource.scope_metrics
            for metric in scope.metrics
            for point in metric.data.data_points
        }


AS_AZURE_WANTS = dict.fromkeys((Counter, Histogram, ObservableCounter), AggregationTemporality.DELTA)
"""What was added since the last export, as azure-monitor-opentelemetry-exporter has it."""


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    kept = Recorder(InMemorySpanExporter(), InMemoryLogRecordExporter(), InMemoryMetricReader(AS_AZURE_WANTS))
    tracers, loggers = TracerProvider(ALWAYS_ON, shutdown_on_exit=False), LoggerProvider(shutdown_on_exit=False)
    tracers.add_span_processor(SimpleSpanProcessor(kept.spans_of))
    loggers.add_log_record_processor(SimpleLogRecordProcessor(kept.logs))
    exporter = OpenTelemetry(tracers, loggers, MeterProvider([kept.reader], shutdown_on_exit=False))
    export_to(exporter)
    yield kept
    export_to(None)
    exporter.shutdown()


class Wire:
    """Stands for Service Bus: what was sent, as a receiver gets it."""

    def __init__(self) -> None:
        self.sent: list[Envelope] = []

    async def publish(self, envelope: Envelope, *, at: datetime | None = None) -> None:
        assert to_message(envelope, at=at).application_properties
        self.sent.append(envelope)


class Kept:
    """Journal, parking and claims that only keep."""

    def __init__(self) -> None:
        self.things: list[object] = []

    async def write(self, entry: object) -> None:
        self.things.append(entry)

    async def park(self, message: object) -> None:
        self.things.append(message)


class Closed:
    async def before(self) -> None: ...

    async def success(self) -> None: ...

    async def failure(self, wait: object = None) -> None: ...


class Token:
    async def get_token(self, *scopes: str, **_: object) -> object:
        return type("AccessToken", (), {"token": "t", "expires_on": 4_000_000_000})()


def record_call(name: str):
    return lambda call: emit(name, **{field: getattr(call, field) for field in call.__slots__})


def f_and_o(status: int = 200) -> ODataClient:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(status, json={"value": []})

    return ODataClient(
        "https://fo.example",
        Token(),
        slots=LocalSlots(2),
        timeout=5,
        breaker=Closed(),
        on_call=record_call("fo.call"),
        transport=httpx.MockTransport(answer),
    )


async def send_webhook(
    wire: Wire,
    *,
    secret: str = "s",
    body: bytes = BODY,
    topic: str = "orders/create",
    version: str = "2026-10",
    **given: PerMinute,
) -> Envelope:
    ports = IntakePorts(
        **given,
        stores={"nordlys": StoreIntake(SHOP, (Secret("s"),), frozenset({"orders"}), "2026-10")},
        publisher=wire,
        claims=Kept(),
        notes=Kept(),
        max_bytes=10_000,
    )
    headers = {
        "x-shopify-topic": topic,
        "x-shopify-hmac-sha256": base64.b64encode(hmac.digest(secret.encode(), body, sha256)).decode(),
        "x-shopify-shop-domain": SHOP,
        "x-shopify-webhook-id": "event-1",
        "x-shopify-api-version": version,
    }
    return await receive_webhook("orders", "nordlys", headers, body, traceparent=FROM_SHOPIFY, ports=ports)


async def handle(flow, envelope: Envelope, wire: Wire) -> None:
    kept = Kept()
    queue_ports = QueuePorts(queue=wire, claims=kept, journal=kept, parking=kept)
    await handle_message(flow, envelope.body, envelope.properties(), envelope.message_id, queue_ports)


async def sync(envelope: Envelope) -> MessageOutcome:
    """The calls of a flow, made by the real clients."""
    annotate(order="#1001")
    client = f_and_o()
    await client.query("CustomersV3", company="nleu", select=["CustomerAccount"])
    await client.aclose()
    async with httpx.AsyncClient(
        transport=httpx.MockTransport(lambda _: httpx.Response(200, json={"data": {"shop": {}}}))
    ) as http:
        admin = AdminClient(
            http,
            f"https://{SHOP}",
            api_version="2026-10",
            tokens=StaticToken(Secret("t")),
            on_call=record_call("shopify.call"),
            on_other_version=lambda _: None,
        )
        await admin.run(Query("Shop", "query Shop { shop { id } }", repeatable=True), {})
    return Done("created", document="SN42")


async def test_the_hosts_request_handling_and_calls_are_one_trace(recorder: Recorder) -> None:
    wire = Wire()
    await send_webhook(wire)
    await handle(sync, wire.sent[0], wire)
    spans = recorder.spans
    chain = ["sync orders", "GET /CustomersV3", "POST /Shop"]
    kinds = [SpanKind.CONSUMER, SpanKind.CLIENT, SpanKind.CLIENT]
    assert set(spans) == set(chain)
    assert [spans[name].kind for name in chain] == kinds
    assert {f"{span.context.trace_id:032x}" for span in spans.values()} == {FROM_SHOPIFY.split("-")[1]}
    parents = {name: spans[name].parent.span_id for name in chain}
    assert f"{parents['sync orders']:016x}" == FROM_SHOPIFY.split("-")[2]
    assert parents["GET /CustomersV3"] == parents["POST /Shop"] == spans["sync orders"].context.span_id


async def test_spans_hold_order_event_and_fo_number_and_calls_what_was_called(recorder: Recorder) -> None:
    wire = Wire()
    await send_webhook(wire)
    await handle(sync, wire.sent[0], wire)
    handled = dict(recorder.spans["sync orders"].attributes or {})
    named = {"event_id": "event-1", "entity_id": "42", "order": "#1001", "document": "SN42", "outcome": "done"}
    assert handled.items() >= named.items()
    called = dict(recorder.spans["GET /CustomersV3"].attributes or {})
    assert (
        called.items() >= {"entity_set": "CustomersV3", "status": 200, "peer.service": "F&O", "order": "#1001"}.items()
    )
    assert "example.com" not in json.dumps([span.to_json() for span in recorder.spans.values()])


async def test_a_copy_that_waits_keeps_the_trace(recorder: Recorder) -> None:
    async def busy(envelope: Envelope) -> MessageOutcome:
        raise TransientError("ada@example.com is locked")

    wire = Wire()
    await send_webhook(wire)
    await handle(busy, wire.sent[0], wire)
    first, copy = wire.sent
    assert copy.traceparent == first.traceparent
    waiting = recorder.events["message.waiting"]
    assert waiting["reason"] == "TransientError"
    assert "ada" not in json.dumps(waiting)
    assert recorder.metrics["messages.retried"] == 1


async def test_an_event_of_our_own_begins_a_trace_that_its_retry_stays_in(recorder: Recorder) -> None:
    async def busy(envelope: Envelope) -> MessageOutcome:
        raise TransientError("later")

    wire = Wire()
    of_our_own = replace(await send_webhook(wire), traceparent="", source="sweep")
    await handle(busy, of_our_own, wire)
    await handle(busy, wire.sent[-1], wire)
    attempts = [span for span in recorder.spans_of.get_finished_spans() if span.name == "sync orders"]
    assert len(attempts) == 2
    assert len({span.context.trace_id for span in attempts}) == 1


async def test_a_parked_message_is_reported_by_code_and_never_with_fos_text(recorder: Recorder) -> None:
    async def refused(envelope: Envelope) -> MessageOutcome:
        raise RefusedError("FO_REJECTED", what="POST CustomersV3", infolog="Ada Lovelace, 1600 Broadway is wrong")

    wire = Wire()
    await handle(refused, await send_webhook(wire), wire)
    parked = recorder.events["message.parked"]
    assert (parked["code"], bool(parked["owner"])) == ("FO_REJECTED", True)
    assert "Ada" not in json.dumps([parked, *(span.to_json() for span in recorder.spans.values())])


async def test_a_bug_is_a_failed_span_without_its_message(recorder: Recorder) -> None:
    async def broken(envelope: Envelope) -> MessageOutcome:
        raise ValueError("Ada Lovelace")

    wire = Wire()
    await handle(broken, await send_webhook(wire), wire)
    assert "Ada" not in json.dumps(recorder.events["message.failed"])
    span = recorder.spans["sync orders"]
    assert (span.status.status_code, span.status.description, len(span.events)) == (StatusCode.ERROR, "ValueError", 0)


async def test_flood_of_refused_webhooks_is_counted_and_not_told_one_by_one(recorder: Recorder) -> None:
    now = [30.0]
    told = PerMinute(3, clock=lambda: now[0])
    for second in (30.0, 30.0, 30.0, 30.0, 59.0, 60.0):
        now[0] = second
        with pytest.raises(WebhookRefusedError) as refused:
            await send_webhook(Wire(), secret="forged", told=told)
        assert refused.value.code == "SIGNATURE_WRONG"
    await send_webhook(Wire(), told=told)
    spans = [span.attributes.get("http.response.status_code") for span in recorder.spans_of.get_finished_spans()]
    assert spans == [401, 401, 401, 401]
    refusals = [log for log in recorder.logs.get_finished_logs() if "SIGNATURE_WRONG" in str(log.log_record.attributes)]
    assert len(refusals) == 4
    assert recorder.metrics["webhooks.refused"] == 6


async def test_an_ignored_webhook_is_answered_with_200_and_counted_apart(recorder: Recorder) -> None:
    told = PerMinute(1, clock=lambda: 30.0)
    for _ in range(3):
        with pytest.raises(WebhookIgnoredError):
            await send_webhook(Wire(), topic="products/update", told=told)
    assert recorder.spans["webhook"].attributes["http.response.status_code"] == 200
    assert recorder.spans["webhook"].attributes["topic"] == "products/update"
    assert "webhook.accepted" not in recorder.spans["webhook"].attributes
    assert recorder.events["webhook.ignored"]["code"] == "UNKNOWN_TOPIC"
    assert recorder.metrics["webhooks.ignored"] == 3
    assert "webhooks.refused" not in recorder.metrics


def test_each_code_has_its_own_allowance() -> None:
    told = PerMinute(1, clock=lambda: 0.0)
    assert [told.allows(code) for code in ("A", "A", "B", "A", "B")] == [True, False, True, False, False]


def test_an_error_that_leaves_its_span_is_named_there_by_its_type_alone(recorder: Recorder) -> None:
    with pytest.raises(ValueError, match="Ada"), heartbeat("a timer"):
        raise ValueError("Ada Lovelace")
    assert "Ada" not in recorder.spans["a timer"].to_json()
    assert recorder.spans["a timer"].status.description == "ValueError"


async def test_the_webhooks_span_has_the_status_that_shopify_gets(recorder: Recorder) -> None:
    with pytest.raises(WebhookRefusedError, match="SIGNATURE_WRONG"):
        await send_webhook(Wire(), secret="revoked")
    assert recorder.spans["webhook"].attributes["http.response.status_code"] == 401
    assert recorder.events["webhook.refused"]["code"] == "SIGNATURE_WRONG"
    assert recorder.metrics["webhooks.refused"] == 1
    refused = recorder.spans["webhook"]
    assert f"{refused.parent.span_id:016x}" == FROM_SHOPIFY.split("-")[2]
    (told,) = recorder.logs.get_finished_logs()
    assert told.log_record.span_id == refused.context.span_id

    class Broken(Wire):
        async def publish(self, envelope: Envelope, *, at: datetime | None = None) -> None:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await send_webhook(Broken())
    assert recorder.spans["webhook"].attributes["http.response.status_code"] == 500
    assert recorder.spans["webhook"].status.description == "ZeroDivisionError"


async def test_a_webhook_that_goes_well_is_counted_by_store_and_topic_and_has_no_row(recorder: Recorder) -> None:
    await send_webhook(Wire())
    await send_webhook(Wire(), topic="orders/updated")
    assert (recorder.spans, recorder.events) == ({}, {})
    assert recorder.points("webhooks.accepted") == {("nordlys", "orders/create"): 1, ("nordlys", "orders/updated"): 1}


async def test_a_slow_webhook_has_a_row_with_its_whole_time(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Slow(Wire):
        async def publish(self, envelope: Envelope, *, at: datetime | None = None) -> None:
            await asyncio.sleep(0.02)

    monkeypatch.setattr(intake, "SLOW", 0.01)
    told = PerMinute(1, clock=lambda: 30.0)
    for _ in range(2):
        await send_webhook(Slow(), told=told)
    (slow,) = recorder.spans_of.get_finished_spans()
    assert slow.attributes.items() >= {"http.response.status_code": 200, "event_id": "event-1"}.items()
    assert (slow.end_time - slow.start_time) / 1e9 >= 0.02
    assert recorder.events["webhook.slow"].items() >= {"store": "nordlys", "topic": "orders/create"}.items()
    assert recorder.metrics["webhooks.accepted"] == 2


async def test_bodies_of_another_version_are_told_in_the_trace_of_their_request(recorder: Recorder) -> None:
    await send_webhook(Wire(), version="2025-01")
    (told,) = recorder.logs.get_finished_logs()
    assert recorder.events["shopify.other_version"]["version"] == "2025-01"
    assert f"{told.log_record.trace_id:032x}" == FROM_SHOPIFY.split("-")[1]


@pytest.mark.parametrize(
    ("status", "state"), [(200, "UNSET"), (404, "UNSET"), (429, "ERROR"), (500, "ERROR"), (None, "ERROR")]
)
def test_a_call_failed_unless_it_was_answered_or_found_nothing(
    recorder: Recorder, status: int | None, state: str
) -> None:
    record_call("fo.call")(FoCall("GET", "CustomersV3", status, 0.5, "id", 0.25, 8))
    span = recorder.spans["GET /CustomersV3"]
    assert span.status.status_code.name == state
    assert (span.end_time - span.start_time) / 1e9 == pytest.approx(0.5)
    assert recorder.metrics["fo.calls"] == 0.5


def test_metrics_count_what_their_table_lists(recorder: Recorder) -> None:
    emit("webhook.accepted", store="nordlys", topic="orders/create")
    emit("webhook.accepted", store="nordlys", topic="orders/updated")
    emit("order.booked", store="nordlys", company="nleu", seconds=2.5)
    emit("stock.pushed", store="nordlys", changed=7)
    emit("breaker.changed", system="fo", open=True)
    for _ in range(3):
        emit("payment.booked", store="nordlys", company="nleu", journal="J1")
    emit("refund.booked", store="nordlys", company="nleu", documents=2)
    emit("write_back.pushed", store="nordlys", numbers=4)
    emit("write_back.refused", store="nordlys", code="SHOPIFY_REJECTED")
    found = recorder.metrics
    assert found.items() >= {"payments.booked": 3, "refunds.booked": 1}.items()
    assert found.items() >= {"write_back.numbers": 4, "write_back.refused": 1}.items()
    assert found.items() >= {"webhooks.accepted": 1, "orders.booked": 1, "orders.lag": 2.5, "stock.figures": 7}.items()
    assert found["breaker.open"] == 1


def test_each_export_has_what_was_added_since_the_last_one(recorder: Recorder) -> None:
    """A row for each store, minute and metric, where there was nothing, would cost more than all others."""
    emit("stock.pushed", store="nordlys", changed=7)
    emit("stock.pushed", store="prairie", changed=1)
    assert recorder.points("stock.figures") == {("nordlys",): 7, ("prairie",): 1}
    emit("stock.pushed", store="nordlys", changed=0)
    assert "stock.figures" not in recorder.metrics
    emit("stock.pushed", store="nordlys", changed=2)
    emit("stock.pushed", store="nordlys", changed=3)
    assert recorder.points("stock.figures") == {("nordlys",): 5}


async def test_a_timer_reports_that_it_succeeded_or_failed(recorder: Recorder) -> None:
    with heartbeat("push_stock"):
        pass
    assert recorder.events["timer.succeeded"]["timer"] == "push_stock"
    with pytest.raises(ZeroDivisionError), heartbeat("push_stock"):
        raise ZeroDivisionError
    assert recorder.events["timer.failed"]["reason"] == "ZeroDivisionError"
    assert recorder.metrics["timers.succeeded"] == 1


@pytest.mark.parametrize(
    "secret",
    [
        "shpua_0123456789abcdef",
        "eyJ0eXAi.eyJhdWQi.c2ln",
        "https://x.blob.core.windows.net/a?sig=c2VjcmV0",
        "AccountKey=c2VjcmV0==",
        "client_secret=c2VjcmV0",
    ],
)
def test_secrets_of_every_outside_system_are_masked(recorder: Recorder, secret: str) -> None:
    emit("library.said", words=f"refused {secret} now")
    assert recorder.events["library.said"]["words"].endswith("<token> now")


async def test_without_an_exporter_the_hosts_trace_is_passed_on() -> None:
    wire = Wire()
    assert (await send_webhook(wire)).traceparent == FROM_SHOPIFY
    earlier = replace(wire.sent[0], occurred_at=datetime.now(UTC))
    await handle(sync, earlier, wire)
