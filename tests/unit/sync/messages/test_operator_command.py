"""What a person does with a parked message, where the outside world is in the way."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shared.bus.envelope import OPERATOR, Envelope
from shared.errors import ConnectorError, OutcomeUnknownError, RefusedError, TransientError
from shared.model import Part, SoldUnits
from shared.operator.__main__ import list_parked, main
from shared.store.links import OrderLink
from shared.store.parking import Parked, State
from shared.sync.messages.parked import ParkedPorts, bring, discard, release, release_hold, replay

NOW = datetime(2026, 11, 2, 10, tzinfo=UTC)
ENVELOPE = Envelope("orders", "event-1", "shopify", "nordlys", "orders/create", "42", NOW, "", b"", attempt=9)
PARKED = Parked(
    flow="orders",
    store="nordlys",
    event_id="event-1",
    entity_id="42",
    at=NOW,
    code="UNKNOWN_SKU",
    cause="",
    owner="",
    next_step="",
    properties=ENVELOPE.properties(),
    state=State.OPEN,
    closed_at=None,
    why="",
    blob="b",
    sha256="s",
    etag="1",
)
REPLAY = "event-1.replay-20261102T100000000000"
SENT = replace(PARKED, state=State.REPLAYED, closed_at=NOW + timedelta(hours=1), why=f"sent again as {REPLAY}")


class Parking:
    """One body; remembers what was closed, unless somebody else is always faster, and left this state."""

    def __init__(self, *, body=b'{"id":42}', contested=None):
        self._body = body
        self._contested = contested
        self.closed = []

    async def body(self, parked):
        return self._body

    async def close(self, parked, state, why, now):
        self.closed.append((parked.event_id, state, why))
        return self._contested is None

    async def of_event(self, event_id):
        return [replace(PARKED, state=self._contested)]

    async def close_all(self, flow, store, entity_id, *, state, why, now):
        self.closed.append((entity_id, state, why))


class Links:
    def __init__(self, link=None):
        self.link = link

    async def get(self, store, order_id):
        return self.link

    async def put(self, link):
        self.link = link


class Queue:
    def __init__(self, *, broken=False):
        self.sent = []
        self._broken = broken

    async def __call__(self, envelope):
        if self._broken:
            raise OutcomeUnknownError("Service Bus did not confirm")
        self.sent.append(envelope)


class Journal:
    def __init__(self):
        self.entries = []

    async def write(self, entry):
        self.entries.append((entry.outcome, entry.note, entry.entity_id, entry.event_id))


def ports(**given):
    usual = {"parking": Parking(), "links": Links(), "claims": None, "publish": Queue(), "journal": Journal()}
    return ParkedPorts(**(usual | {"by": "kim@contoso.com"} | given))


async def test_a_replay_keeps_all_but_the_id_the_attempts_and_who_sends_it():
    at = ports()
    assert await replay([PARKED], at) == REPLAY
    assert at.publish.sent == [replace(ENVELOPE, event_id=REPLAY, attempt=1, body=b'{"id":42}', source=OPERATOR)]
    assert at.parking.closed == [("event-1", State.REPLAYED, f"sent again as {REPLAY} by kim@contoso.com")]


async def test_the_same_replay_has_the_same_id_until_the_row_is_marked():
    at = ports()
    assert [await replay([PARKED], at) for _ in range(2)] == [REPLAY] * 2


@pytest.mark.parametrize("event_id", ["event-1", REPLAY, "event-1.replay-9"])
async def test_what_was_parked_again_is_sent_under_an_id_that_the_queue_has_not_seen(event_id):
    soon = NOW + timedelta(seconds=1)
    again = replace(PARKED, event_id=event_id, at=soon)
    assert await replay([again], ports()) == "event-1.replay-20261102T100001000000"


async def test_what_was_sent_again_before_is_not_sent_and_says_so():
    at = ports()
    with pytest.raises(ConnectorError, match=rf"sent again as {REPLAY} on 2026-11-02 at 11:00 UTC.*--again"):
        await replay([SENT, replace(SENT, part=Part.PAYMENTS)], at)
    assert (at.publish.sent, at.parking.closed) == ([], [])


async def test_what_was_sent_again_before_is_sent_once_more_if_a_person_says_so():
    at = ports()
    sent = [await replay([SENT], at, once_more=NOW + timedelta(hours=hours)) for hours in (2, 3)]
    assert len({REPLAY, *sent}) == len({envelope.message_id for envelope in at.publish.sent} | {REPLAY}) == 3


async def test_a_message_with_a_part_that_is_open_again_is_sent():
    again = replace(PARKED, part=Part.PAYMENTS, at=NOW + timedelta(hours=2))
    assert await replay([SENT, again], ports()) == "event-1.replay-20261102T120000000000"


async def test_a_message_that_was_not_confirmed_stays_open():
    at = ports(publish=Queue(broken=True))
    with pytest.raises(OutcomeUnknownError):
        await replay([PARKED], at)
    assert at.parking.closed == []


async def test_a_message_that_was_never_ours_cannot_be_sent_again():
    at = ports()
    with pytest.raises(RefusedError) as refused:
        await replay([replace(PARKED, properties={})], at)
    assert refused.value.code == "ENVELOPE_UNREADABLE"
    assert at.publish.sent == []


async def test_a_lost_claim_is_sent_again_as_it_was_since_its_blob_may_be_restored():
    claimed = replace(PARKED, properties={**PARKED.properties, "claim_blob": "c", "claim_sha256": "d"})
    at = ports(parking=Parking(body=b""))
    await replay([claimed], at)
    (sent,) = at.publish.sent
    assert sent.claim is not None
    assert sent.claim.blob == "c"


async def test_two_people_at_the_same_message_get_an_error():
    at = ports(parking=Parking(contested=State.DISCARDED))
    with pytest.raises(TransientError, match="look again"):
        await replay([PARKED], at)
    with pytest.raises(TransientError, match="look again"):
        await discard([PARKED], "nonsense", sales_order="", ports=at)


async def test_a_message_that_the_app_was_done_with_before_it_was_marked_was_sent_all_the_same():
    assert await replay([PARKED], ports(parking=Parking(contested=State.RESOLVED))) == REPLAY


async def test_an_order_given_up_is_no_pending_sale_any_more():
    links = Links(OrderLink("nordlys", 42, NOW, parked_digest="d", sold={"A": 1}))
    at = ports(links=links)
    await discard([PARKED], "nonsense", sales_order="", ports=at)
    assert (links.link.sales_order, links.link.given_up) == ("none (discarded)", True)
    assert at.parking.closed == [("42", State.DISCARDED, "nonsense (by kim@contoso.com)")]


async def test_a_change_given_up_leaves_the_order_that_fo_has_alone():
    booked = OrderLink("nordlys", 42, NOW, sales_order="SN42", parked_digest="d")
    links = Links(booked)
    at = ports(links=links)
    await discard([PARKED], "done in F&O", sales_order="", ports=at)
    assert links.link is booked
    assert at.parking.closed == [("event-1", State.DISCARDED, "done in F&O (by kim@contoso.com)")]


SOLD = (SoldUnits("A", 1),)
BEFORE, AFTER = ENVELOPE.occurred_at - timedelta(hours=1), ENVELOPE.occurred_at + timedelta(hours=1)


@pytest.mark.parametrize(
    ("part", "version", "sold", "parked_version"),
    [
        (Part.ORDER, BEFORE, (), ENVELOPE.occurred_at),
        (Part.READING, BEFORE, SOLD, ENVELOPE.occurred_at),
        (Part.ORDER, AFTER, (), None),
        (Part.PAYMENTS, BEFORE, SOLD, None),
    ],
    ids=["a change", "an event that was not read", "F&O has a later state", "a payment"],
)
async def test_what_a_discarded_change_adds_is_not_held_back_any_more(part, version, sold, parked_version):
    links = Links(OrderLink("nordlys", 42, version, sales_order="SN42", sold=SOLD))
    await discard([replace(PARKED, part=part)], "done in F&O", sales_order="", ports=ports(links=links))
    assert (links.link.sold, links.link.parked_version) == (sold, parked_version)


@pytest.mark.parametrize("link", [None, OrderLink("nordlys", 42, NOW, parked_digest="d", sold=(SoldUnits("A", 1),))])
async def test_an_order_is_released_whether_or_not_a_message_about_it_is_parked(link):
    at = ports(links=Links(link))
    await release("nordlys", 42, "sold at the fair", sales_order="", now=NOW, ports=at)
    released = at.links.link
    assert (released.sales_order, released.given_up) == ("none (discarded)", True)
    assert (released.not_booked, released.is_pending_sale) == ("released: sold at the fair (by kim@contoso.com)", False)
    assert at.parking.closed == [("42", State.DISCARDED, "sold at the fair (by kim@contoso.com)")]


async def test_an_order_that_fo_has_or_is_about_to_have_is_not_released():
    booked = OrderLink("nordlys", 42, NOW, sales_order="SN42")
    claimed = OrderLink("nordlys", 42, NOW, claimed_until=NOW + timedelta(minutes=1))
    for link, problem, text in ((booked, ConnectorError, "SN42"), (claimed, TransientError, "another worker")):
        at = ports(links=Links(link))
        with pytest.raises(problem, match=text):
            await release("nordlys", 42, "nonsense", sales_order="", now=NOW, ports=at)
        assert (at.links.link, at.parking.closed) == (link, [])


async def test_a_hold_is_ended_by_an_event_that_says_why_and_who():
    held = OrderLink("nordlys", 42, NOW, sales_order="SN42", held="risk")
    at = ports(links=Links(held))
    event = "release-hold-nordlys-42-20261102T100000Z"
    assert await release_hold("nordlys", 42, "the buyer called", NOW, at) == event
    (sent,) = at.publish.sent
    assert (sent.event_id, sent.topic, sent.source) == (event, "operator/release-hold", OPERATOR)
    assert (sent.flow, sent.store, sent.entity_id, sent.occurred_at) == ("orders", "nordlys", "42", NOW)
    why = "the buyer called (by kim@contoso.com), 2026-11-02 10:00 UTC"
    assert json.loads(sent.body) == {"order_id": 42, "why": why}
    note = "release-hold, held for its risk: the buyer called, by kim@contoso.com"
    assert at.journal.entries == [("asked", note, "42", event)]
    assert at.links.link is held


@pytest.mark.parametrize(
    ("link", "problem"),
    [
        (None, "no sales order of order 42"),
        (OrderLink("nordlys", 42, NOW, held="risk"), "no sales order of order 42"),
        (
            OrderLink("nordlys", 42, NOW, sales_order="by hand", held="risk", given_up=True),
            "no sales order of order 42",
        ),
        (OrderLink("nordlys", 42, NOW, sales_order="SN42"), "does not hold SN42"),
    ],
)
async def test_what_the_app_does_not_hold_is_not_released_from_a_hold(link, problem):
    at = ports(links=Links(link))
    with pytest.raises(ConnectorError, match=problem):
        await release_hold("nordlys", 42, "nonsense", NOW, at)
    assert (at.publish.sent, at.journal.entries) == ([], [])


async def test_journal_has_who_asked_before_anything_is_sent():
    at = ports(publish=Queue(broken=True))
    with pytest.raises(OutcomeUnknownError):
        await bring("nordlys", 42, NOW, at)
    assert at.journal.entries == [("asked", "bring, by kim@contoso.com", "42", "bring-nordlys-42-20261102T100000Z")]


async def test_journal_has_who_decided_what_about_which_order():
    at = ports()
    await replay([PARKED], at)
    await discard([PARKED], "entered by hand", sales_order="", ports=at)
    await release("nordlys", 43, "sold at the fair", sales_order="", now=NOW, ports=at)
    assert at.journal.entries == [
        ("asked", f"replay as {REPLAY}, by kim@contoso.com", "42", "event-1"),
        ("asked", "discard: entered by hand, by kim@contoso.com", "42", "event-1"),
        ("asked", "release: sold at the fair, by kim@contoso.com", "43", ""),
    ]


@pytest.mark.parametrize(
    ("store", "code", "said"),
    [
        (None, None, "Nothing is parked"),
        ("nordlys", None, "Nothing is parked for store nordlys"),
        (None, "UNKNOWN_SKU", "Nothing is parked with code UNKNOWN_SKU"),
    ],
)
def test_a_list_of_nothing_says_so(store, code, said):
    printed = []
    list_parked(
        [replace(PARKED, store="prairie", code="NO_LINES")] if store or code else [], store, code, printed.append
    )
    assert printed == [said]


def test_without_settings_it_says_where_they_come_from(capsys, monkeypatch):
    for name in ("ServiceBusConnection", "StateStorage"):
        monkeypatch.delenv(name, raising=False)
    assert main(["list"]) == 1
    output = capsys.readouterr().err
    assert "ServiceBusConnection__fullyQualifiedNamespace is missing" in output
    assert "In Azure the app's settings are in the environment" in output
    assert "--settings local.settings.sample.json" in output


@pytest.mark.parametrize("text", [None, "{", "[]", '{"Values": 3}'])
def test_a_file_of_settings_that_cannot_be_read_is_a_wrong_argument(capsys, tmp_path, text):
    path = tmp_path / "local.settings.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(SystemExit) as ended:
        main(["--settings", str(path), "list"])
    assert ended.value.code == 2
    assert "error: --settings: " in capsys.readouterr().err


def test_settings_that_are_missing_are_all_named(capsys, monkeypatch, tmp_path):
    for name in ("ServiceBusConnection", "StateStorage"):
        monkeypatch.delenv(name, raising=False)
    settings = tmp_path / "local.settings.json"
    settings.write_text(json.dumps({"Values": {"StateStorage__blobServiceUri": "https://x"}}))
    assert main(["--settings", str(settings), "list"]) == 1
    output = capsys.readouterr().err
    assert "ServiceBusConnection__fullyQualifiedNamespace is missing" in output
    assert "StateStorage__tableServiceUri is missing" in output
    assert "blobServiceUri" not in output
