"""Business events of F&O: what the app answers over HTTP, and what a hint brings about."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from typing import Any, Final

import httpx
import pytest
from whole_world import World, start_world

from local.d365.faults import Fault
from local.stores import changed_stores, with_shipments
from shared.errors import OutcomeUnknownError, WebhookIgnoredError, WebhookRefusedError
from shared.settings import Secret
from shared.sync.shipments.fo_events import (
    HINTED,
    LARGEST,
    FoEventPorts,
    hints_of,
    receive_fo_event,
    take_fo_message,
)
from tests.builders.both_sides import App, app_in_process
from tests.builders.sales import with_rules
from tests.builders.shipped_order import BAG, EU, shipped
from tests.integration.test_shipments_reach_shopify import MADE, NOTHING

NEW_KEY: Final = "dev-key-of-fo-events-new-0123456789"
OLD_KEY: Final = "dev-key-of-fo-events-old-0123456789"


def posted(**fields: object) -> dict[str, object]:
    """The event of a posted sales invoice, as F&O's contract has it."""
    return {
        "BusinessEventId": "SalesInvoicePostedBusinessEvent",
        "BusinessEventLegalEntity": "NLEU",
        "ContextRecordSubject": "",
        "ControlNumber": 5637985363,
        "EventId": str(uuid.uuid4()).upper(),
        "EventTime": "/Date(1564070440000)/",
        "EventTimeIso8601": "2019-07-25T16:00:40.000000Z",
        "MajorVersion": 0,
        "MinorVersion": 0,
        "InvoiceAccount": "US-001",
        "InvoiceId": "CIV-000695",
        "SalesOrderId": "NLEU-000774",
        "InvoiceTaxAmount": 0.0,
        "LegalEntity": "NLEU",
        **fields,
    }


@pytest.fixture(scope="module")
async def world(wire: None, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    folder = tmp_path_factory.mktemp("stack")
    async with start_world(folder / "stack.log", changed_stores(folder / "stores", with_shipments)) as everything:
        yield everything


async def send(world: World, body: object, key: str | None = NEW_KEY) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    params = {} if key is None else {"key": key}
    return await world.http.post(f"{world.stack.host}/api/events/fo", content=content, params=params)


@pytest.mark.parametrize(
    ("body", "key", "status", "code"),
    [
        pytest.param(posted(), None, 401, "FO_EVENT_KEY_WRONG", id="no key"),
        pytest.param(posted(), "", 401, "FO_EVENT_KEY_WRONG", id="an empty key"),
        pytest.param(posted(), NEW_KEY[:-1], 401, "FO_EVENT_KEY_WRONG", id="the beginning of a key"),
        pytest.param(posted(), f"{NEW_KEY},{OLD_KEY}", 401, "FO_EVENT_KEY_WRONG", id="all keys"),
        pytest.param(posted(), "sch\u00fcssel\ufffd", 401, "FO_EVENT_KEY_WRONG", id="no ASCII"),
        pytest.param(b"", NEW_KEY, 400, "FO_EVENT_UNREADABLE", id="empty"),
        pytest.param(b"<event/>", NEW_KEY, 400, "FO_EVENT_UNREADABLE", id="not JSON"),
        pytest.param(b'{"a":' * 20_000, NEW_KEY, 413, "FO_EVENT_TOO_LARGE", id="nested and large"),
        pytest.param(b"[" * 30_000, NEW_KEY, 400, "FO_EVENT_UNREADABLE", id="deeply nested"),
        pytest.param(b"\xff\xfe\x00", NEW_KEY, 400, "FO_EVENT_UNREADABLE", id="no text"),
        pytest.param([posted()], NEW_KEY, 400, "FO_EVENT_UNREADABLE", id="a list"),
        pytest.param(posted(InvoiceId="x" * LARGEST), NEW_KEY, 413, "FO_EVENT_TOO_LARGE", id="huge"),
        pytest.param({"BusinessEventId": "Test"}, NEW_KEY, 200, "FO_EVENT_WITHOUT_ORDER", id="the test of an endpoint"),
        pytest.param(posted(SalesOrderId=774), NEW_KEY, 200, "FO_EVENT_WITHOUT_ORDER", id="a number that is no text"),
        pytest.param(posted(SalesOrderId="*"), NEW_KEY, 200, "FO_EVENT_WITHOUT_ORDER", id="a wildcard"),
        pytest.param(posted(SalesOrderId="x" * 21), NEW_KEY, 200, "FO_EVENT_WITHOUT_ORDER", id="too long a number"),
        pytest.param(posted(SalesOrderId="\ud800"), NEW_KEY, 200, "FO_EVENT_WITHOUT_ORDER", id="half a character"),
        pytest.param(
            posted(BusinessEventLegalEntity="DEMF", LegalEntity="DEMF"),
            NEW_KEY,
            200,
            "FO_EVENT_OTHER_COMPANY",
            id="another company",
        ),
        pytest.param(
            posted(BusinessEventLegalEntity="\ud800"), NEW_KEY, 200, "FO_EVENT_OTHER_COMPANY", id="no company's name"
        ),
    ],
)
async def test_what_is_no_hint_is_answered_with_the_reason(
    world: World, body: object, key: str | None, status: int, code: str
) -> None:
    answer = await send(world, body, key)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json()["cause"]
    assert answer.json()["next_step"]


@pytest.mark.parametrize("key", [NEW_KEY, OLD_KEY], ids=["new key", "old key"])
async def test_a_hint_about_no_order_of_ours_ends_with_a_note_and_nothing_else(world: World, key: str) -> None:
    event = posted(SalesOrderId=f"N-{uuid.uuid4().hex[:12]}")
    answers = [await send(world, event, key) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [202, 202, 202]
    (event_id,) = {hint for answer in answers for hint in answer.json()["accepted"]}
    ends: list[dict[str, Any]] = []
    for _ in range(100):
        ends = [row for row in await world.journal_of("nordlys", "unknown") if row["event_id"] == event_id]
        if ends:
            break
        await asyncio.sleep(0.2)
    assert [(row["outcome"], row["note"]) for row in ends] == [("done", "F&O's event is about no order of this store")]


async def test_health_says_that_events_are_taken(world: World) -> None:
    health = (await world.http.get(f"{world.stack.host}/api/health")).json()
    assert health["fo_events"] == {"status": "ready", "mistakes": []}


async def test_only_post_is_taken(world: World) -> None:
    answer = await world.http.get(f"{world.stack.host}/api/events/fo", params={"key": NEW_KEY})
    assert answer.status_code in {404, 405}


# ---- what a hint brings about, in one process


@pytest.fixture
async def app() -> AsyncIterator[App]:
    async with app_in_process() as one:
        yield one


async def hint(app: App, event: dict[str, object]) -> list[str]:
    """How the hint and what follows from it ended."""
    (envelope,) = hints_of(json.dumps(event).encode(), {EU.key: EU}, "")
    assert envelope.topic == HINTED
    return [await app.ship(envelope), *await app.handle_shipped()]


@pytest.mark.parametrize("field", ["SalesOrderId", "SalesId", "SalesOrderNumber"])
async def test_a_hint_shows_what_left_before_the_timer_does(app: App, field: str) -> None:
    one = await shipped(app, BAG)
    one.pack("JJD1", BAG_DOWN=3)
    number = one.header["SalesOrderNumber"]
    told = f"told the session of order {one.order.id} that F&O moved it"
    first, made = await hint(app, posted(SalesOrderId=None) | {field: number})
    assert (first, made.split("; ")[0]) == (told, MADE)
    assert (one.shown, one.mails) == ([{"BAG-DOWN": 3}], [("JJD1",)])
    assert await app.push_shipments() == [NOTHING]
    first, nothing = await hint(app, posted(SalesOrderId=number))
    assert (first, nothing.split("; ")[0]) == (told, NOTHING)


async def test_a_hint_while_fo_does_not_answer_is_left_to_the_timer(app: App) -> None:
    one = await shipped(app, BAG)
    one.pack("JJD1", BAG_DOWN=3)
    number = one.header["SalesOrderNumber"]
    app.fo.faults.add(Fault("unavailable", "GET", "SalesOrderHeadersV4", times=1))
    (end,) = await hint(app, posted(SalesOrderId=number))
    assert end.startswith("the timer finds what moved: ")
    assert await app.push_shipments() == [MADE]


async def test_a_forged_hint_writes_nothing(app: App) -> None:
    one = await shipped(app, BAG)
    number = one.header["SalesOrderNumber"]
    forged = posted(SalesOrderId=number, Quantity=3, TrackingNumber="FORGED", InvoiceAmountInAccountingCurrency=1)
    assert [end.split("; ")[0] for end in (await hint(app, forged))[1:]] == [NOTHING]
    assert (one.shown, one.mails) == ([], [])


async def test_a_hint_for_a_store_whose_flow_is_off_is_ignored() -> None:
    off = with_rules(EU, flows={"shipments": False})
    with pytest.raises(WebhookIgnoredError, match="FO_EVENT_OTHER_COMPANY"):
        hints_of(json.dumps(posted()).encode(), {off.key: off}, "")


async def test_two_stores_of_one_company_are_both_asked() -> None:
    other = EU.model_copy(update={"key": "aurora"})
    hints = hints_of(json.dumps(posted()).encode(), {EU.key: EU, other.key: other}, "")
    assert [each.store for each in hints] == ["nordlys", "aurora"]
    assert len({each.event_id for each in hints}) == 2


async def test_the_same_event_has_the_same_id_and_another_one_another() -> None:
    first, second = posted(), posted()
    stores = {EU.key: EU}

    def id_of(event: dict[str, object]) -> str:
        return hints_of(json.dumps(event).encode(), stores, "")[0].event_id

    assert id_of(first) == id_of(dict(first))
    assert id_of(first) != id_of(second)
    assert id_of(posted(EventId=None, SalesOrderId="A")) != id_of(posted(EventId=None, SalesOrderId="B"))


def test_without_keys_nothing_is_taken() -> None:
    ports = FoEventPorts((), {EU.key: EU}, publisher=NoPublisher())  # type: ignore[arg-type]
    with pytest.raises(WebhookRefusedError, match="FO_EVENTS_OFF"):
        asyncio.run(receive_fo_event("", b"{}", traceparent="", ports=ports))


class NoPublisher:
    """Service Bus that takes nothing, or everything."""

    def __init__(self, *, fails: bool = False) -> None:
        self.sent: list[Any] = []
        self._fails = fails

    async def publish(self, envelope: Any) -> None:
        if self._fails:
            raise OutcomeUnknownError("no answer")
        self.sent.append(envelope)


async def test_a_hint_that_service_bus_does_not_confirm_is_refused() -> None:
    ports = FoEventPorts((Secret(NEW_KEY),), {EU.key: EU}, NoPublisher(fails=True))  # type: ignore[arg-type]
    with pytest.raises(WebhookRefusedError, match="NOT_QUEUED"):
        await receive_fo_event(NEW_KEY, json.dumps(posted()).encode(), traceparent="", ports=ports)


async def test_the_queue_of_fo_drops_what_it_cannot_use_and_keeps_what_was_not_sent_on() -> None:
    taking = NoPublisher()
    ports = FoEventPorts((), {EU.key: EU}, taking)  # type: ignore[arg-type]
    for body in (b"<event/>", b"{}", b"x" * (LARGEST + 1)):
        await take_fo_message(body, traceparent="", ports=ports)
    assert taking.sent == []
    await take_fo_message(json.dumps(posted()).encode(), traceparent="", ports=ports)
    assert [each.topic for each in taking.sent] == [HINTED]
    failing = FoEventPorts((), {EU.key: EU}, NoPublisher(fails=True))  # type: ignore[arg-type]
    with pytest.raises(WebhookRefusedError, match="NOT_QUEUED"):
        await take_fo_message(json.dumps(posted()).encode(), traceparent="", ports=failing)
