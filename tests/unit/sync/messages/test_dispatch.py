"""Whatever a flow returns or raises, the message ends as done, waiting or parked, or goes back to the queue."""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from azure.core.exceptions import HttpResponseError
from builders.root import ROOT

from shared.bus.envelope import Claim, Envelope
from shared.errors import NotYetError, OutcomeUnknownError, RefusedError, ThrottledError, TransientError
from shared.model import Part
from shared.sync.messages.dispatch import LAST_DELIVERY, QueuePorts, handle_message
from shared.sync.messages.outcome import Done, Park, Parts, Retry, RetryPolicy

ENVELOPE = Envelope(
    flow="orders",
    event_id="event-1",
    source="shopify",
    store="nordlys",
    topic="orders/create",
    entity_id="42",
    occurred_at=datetime.now(UTC),
    traceparent="",
    body=b'{"id":42}',
)


def too_large() -> HttpResponseError:
    return _answer(413)


def unavailable() -> HttpResponseError:
    return _answer(503)


def _answer(status: int) -> HttpResponseError:
    error = HttpResponseError(message="storage answers")
    error.status_code = status
    return error


class Queue:
    def __init__(self, *, broken=False):
        self.sent = []
        self._broken = broken

    async def publish(self, envelope, *, at=None):
        if self._broken:
            raise OutcomeUnknownError("Service Bus did not confirm")
        self.sent.append((envelope, at))


class Journal:
    def __init__(self):
        self.entries = []

    async def write(self, entry):
        self.entries.append(entry)


class Parking:
    def __init__(self):
        self.messages = []

    async def park(self, message):
        self.messages.append(message)


class Bodies:
    def __init__(self, **bodies):
        self._bodies = bodies

    async def get(self, name, *, sha256):
        if name not in self._bodies:
            raise RefusedError("CLAIM_MISSING", blob=name)
        return self._bodies[name]


def queue_ports(*, queue=None, claims=None, policy=None):
    return QueuePorts(
        queue=queue or Queue(),
        claims=claims or Bodies(),
        journal=Journal(),
        parking=Parking(),
        policy=policy or RetryPolicy(),
    )


async def handle(flow, envelope, at):
    await handle_message(flow, envelope.body, envelope.properties(), envelope.message_id, at)


def flow_that(outcome):
    async def flow(envelope):
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    return flow


async def test_a_done_message_leaves_a_journal_entry_with_its_document_and_its_lag():
    at = queue_ports()
    just_now = replace(ENVELOPE, occurred_at=datetime.now(UTC) - timedelta(seconds=2))
    await handle(flow_that(Done("created", document="NL42")), just_now, at)
    (entry,) = at.journal.entries
    assert (entry.outcome, entry.document, entry.note) == ("done", "NL42", "created")
    assert 2 <= entry.seconds < 10
    assert at.queue.sent == []
    assert at.parking.messages == []


@pytest.mark.parametrize("way", [Retry, lambda error: error], ids=["answered", "raised"])
async def test_a_transient_error_sends_a_copy_that_waits_and_keeps_its_session(way):
    at = queue_ports()
    await handle(flow_that(way(TransientError("F&O restarts"))), ENVELOPE, at)
    ((copy, when),) = at.queue.sent
    assert (copy.attempt, copy.message_id, copy.session_id) == (2, "event-1:r2", ENVELOPE.session_id)
    assert timedelta(seconds=4) < when - datetime.now(UTC) < timedelta(seconds=8)
    (entry,) = at.journal.entries
    assert (entry.outcome, entry.note, entry.waiting_until) == ("waiting", "F&O restarts", when)


async def test_the_delay_that_the_other_system_asked_for_is_kept():
    at = queue_ports()
    await handle(flow_that(ThrottledError("busy", retry_after=timedelta(seconds=90))), ENVELOPE, at)
    ((_, when),) = at.queue.sent
    assert timedelta(seconds=88) < when - datetime.now(UTC) < timedelta(seconds=93)


async def test_a_refusal_is_parked_whole_with_its_reason():
    at = queue_ports()
    error = RefusedError("UNKNOWN_SKU", sku="X", title="Thing", company="nleu")
    await handle(flow_that(Park(error)), ENVELOPE, at)
    (message,) = at.parking.messages
    assert (message.body, message.properties, message.error.code) == (
        ENVELOPE.body,
        ENVELOPE.properties(),
        "UNKNOWN_SKU",
    )
    assert at.journal.entries[0].outcome == "parked"
    assert "SKU X" in at.journal.entries[0].note


async def test_a_refusal_because_amounts_differ_is_journalled_with_its_proof():
    at = queue_ports()
    proof = {"subject": "#1001", "totals": [{"name": "total", "shopify": "1.00 EUR", "fo": "1.01 EUR"}]}
    error = RefusedError("SUM_DIFFERS", sum="1.01", total="1.00", difference="0.01").with_proof(proof)
    await handle(flow_that(Park(error)), ENVELOPE, at)
    assert at.journal.entries[0].evidence == {"sum": "1.01", "total": "1.00", "difference": "0.01", "proof": proof}
    assert at.parking.messages[0].error.proof == proof


async def test_a_refusal_is_remembered_only_when_the_message_is_kept():
    at, seen = queue_ports(), []

    async def remember():
        seen.append(len(at.parking.messages))

    outcome = Parts(Done(""), parked=(Park(RefusedError("NO_LINES")),), then=remember)
    await handle(flow_that(outcome), ENVELOPE, at)
    assert seen == [1]


async def test_an_exhausted_message_is_parked_with_its_last_reason_and_not_before_both_limits():
    policy = RetryPolicy(max_attempts=3, max_age=timedelta(hours=1))
    trouble = flow_that(TransientError("F&O restarts"))
    old = replace(ENVELOPE, occurred_at=datetime.now(UTC) - timedelta(hours=2))
    for envelope, ends in (
        (replace(old, attempt=2), "waiting"),
        (replace(ENVELOPE, attempt=9), "waiting"),
        (replace(old, attempt=3), "parked"),
    ):
        at = queue_ports(policy=policy)
        await handle(trouble, envelope, at)
        assert at.journal.entries[0].outcome == ends
    assert at.parking.messages[0].error.code == "ATTEMPTS_EXHAUSTED"
    assert "F&O restarts" in at.parking.messages[0].error.cause


@pytest.mark.parametrize(
    "bug",
    [ZeroDivisionError("secret"), RecursionError(), too_large(), _answer(404), _answer(412)],
    ids=lambda bug: str(type(bug)),
)
async def test_a_message_at_which_the_app_fails_is_tried_again_and_then_parked(bug):
    policy = RetryPolicy()
    for attempt in (1, 2):
        at = queue_ports(policy=policy)
        await handle(flow_that(bug), replace(ENVELOPE, attempt=attempt), at)
        assert [
            (copy.attempt, entry.outcome) for (copy, _), entry in zip(at.queue.sent, at.journal.entries, strict=True)
        ] == [(attempt + 1, "waiting")]
    at = queue_ports(policy=policy)
    await handle(flow_that(bug), replace(ENVELOPE, attempt=3), at)
    (message,) = at.parking.messages
    assert (message.error.code, message.body) == ("APP_FAILED", ENVELOPE.body)
    assert message.error.details["problem"].startswith(f"{type(bug).__name__} in test_dispatch, line ")
    assert "secret" not in message.error.cause


async def test_a_message_whose_handling_never_ends_is_parked_unread_before_the_queue_dead_letters_it():
    handled = []

    async def flow(envelope):
        handled.append(envelope)
        raise asyncio.CancelledError  # as when the process ends

    ends, remembered = [], []

    async def remember(envelope):
        remembered.append(envelope.entity_id)

    for delivery in range(1, LAST_DELIVERY + 1):
        at = replace(queue_ports(), remember=remember)
        try:
            await handle_message(flow, ENVELOPE.body, ENVELOPE.properties(), "event-1", at, delivery)
        except asyncio.CancelledError:
            ends.append("delivered again")
    assert (len(handled), ends) == (LAST_DELIVERY - 1, ["delivered again"] * (LAST_DELIVERY - 1))
    (message,) = at.parking.messages
    assert (message.error.code, message.body) == ("APP_FAILED", ENVELOPE.body)
    assert remembered == [ENVELOPE.entity_id]  # so that a later event closes it


def test_a_message_is_parked_before_the_queue_counts_its_last_delivery():
    queues = json.loads((ROOT / "infra/topology.json").read_text())["queues"]
    assert all(queue["maxDeliveryCount"] > LAST_DELIVERY for queue in queues)


@pytest.mark.parametrize(
    "wrong", [{"attempt": -1}, {"attempt": 0}, {"attempt": 2**40}, {"topic": "t" * 20_000}, {"schema": "9" * 5000}]
)
async def test_a_message_with_impossible_properties_is_parked_as_foreign(wrong):
    at = queue_ports()
    await handle_message(flow_that(Done("never")), b"{}", {**ENVELOPE.properties(), **wrong}, "foreign-1", at)
    (message,) = at.parking.messages
    assert (message.error.code, message.event_id) == ("ENVELOPE_UNREADABLE", "foreign-1")


async def test_foreign_messages_without_an_id_have_a_row_each():
    at = queue_ports()
    for body in (b"one", b"other", b"other"):
        await handle_message(flow_that(Done("never")), body, {}, "", at)
    assert len({message.event_id for message in at.parking.messages}) == 2


async def test_when_the_copy_cannot_be_sent_the_message_stays_in_the_queue():
    at = queue_ports(queue=Queue(broken=True))
    with pytest.raises(OutcomeUnknownError):
        await handle(flow_that(TransientError("F&O restarts")), ENVELOPE, at)
    assert at.journal.entries == []


async def test_a_body_set_aside_reaches_the_flow_but_not_the_copies():
    seen = []

    async def flow(envelope):
        seen.append(envelope.body)
        raise TransientError("later")

    claimed = replace(ENVELOPE, body=b"", claim=Claim("nordlys/event-1", "00"))
    at = queue_ports(claims=Bodies(**{"nordlys/event-1": b"large"}))
    await handle(flow, claimed, at)
    assert seen == [b"large"]
    ((copy, _),) = at.queue.sent
    assert (copy.body, copy.claim) == (b"", claimed.claim)


async def test_a_body_that_is_gone_is_parked_as_such():
    at = queue_ports()
    await handle(flow_that(Done("never")), replace(ENVELOPE, body=b"", claim=Claim("gone", "00")), at)
    assert at.parking.messages[0].error.code == "CLAIM_MISSING"


async def test_a_foreign_message_is_parked_with_its_body():
    at = queue_ports()
    await handle_message(flow_that(Done("never")), b"hello", {}, "foreign-1", at)
    (message,) = at.parking.messages
    assert (message.error.code, message.event_id, message.body) == ("ENVELOPE_UNREADABLE", "foreign-1", b"hello")


def test_waits_double_up_to_the_longest_with_some_jitter():
    policy = RetryPolicy(first=timedelta(seconds=5), longest=timedelta(minutes=15))
    error = TransientError("x")
    waits = [policy.wait(attempt, error).total_seconds() for attempt in (1, 2, 3, 8, 50)]
    for wait, least in zip(waits, (5, 10, 20, 640, 900), strict=True):
        assert least <= wait <= least * 1.25


def test_no_attempt_is_made_before_the_delay_that_the_other_system_asked_for():
    error = ThrottledError("busy", retry_after=timedelta(seconds=90))
    waits = [RetryPolicy().wait(attempt, error).total_seconds() for attempt in (1, 2, 20) for _ in range(20)]
    assert min(waits) >= 90
    assert max(waits) <= 92


async def test_each_refused_part_is_parked_for_itself_and_a_waiting_part_gets_one_copy():
    at = queue_ports()
    outcome = Parts(
        Done("created", document="SN1"),
        parked=(
            Park(RefusedError("PAYMENTS_DIFFER", problem="2.00 EUR was given back of 1.00 EUR"), Part.PAYMENTS),
            Park(RefusedError("REFUND_WITHOUT_ORDER", refund=7, amount="1.00 EUR"), Part.REFUNDS),
        ),
        retry=Retry(TransientError("F&O restarts")),
    )
    await handle(flow_that(outcome), ENVELOPE, at)
    assert [message.part for message in at.parking.messages] == [Part.PAYMENTS, Part.REFUNDS]
    assert [copy.attempt for copy, _ in at.queue.sent] == [ENVELOPE.attempt + 1]
    (entry,) = at.journal.entries
    assert (entry.outcome, entry.document) == ("parked", "SN1")
    assert "PAYMENTS_DIFFER" in entry.note
    assert "REFUND_WITHOUT_ORDER" in entry.note
    assert entry.note.endswith("F&O restarts; created")


async def test_waiting_for_work_that_fo_has_to_do_first_spends_no_attempts():
    policy = RetryPolicy(max_attempts=3, max_age=timedelta(hours=1))
    late = ENVELOPE.occurred_at + timedelta(days=3)
    assert policy.is_exhausted(TransientError("F&O restarts"), 9, ENVELOPE.occurred_at, late)
    assert not policy.is_exhausted(NotYetError("not invoiced"), 9, ENVELOPE.occurred_at, late)


async def attempts(*outcomes):
    """The ports, after so many attempts at one message, each an hour after the one before."""
    at, envelope, started = queue_ports(), ENVELOPE, ENVELOPE.occurred_at
    for hours, outcome in enumerate(outcomes):
        at = replace(at, now=lambda hours=hours: started + timedelta(hours=hours))
        await handle(flow_that(outcome), envelope, at)
        if len(at.queue.sent) == hours + 1:
            envelope = at.queue.sent[-1][0]
    return at


async def test_one_failure_after_a_day_of_waiting_is_the_first():
    at = await attempts(*[Retry(NotYetError("not invoiced"))] * 30, Retry(TransientError("F&O restarts")))
    assert at.parking.messages == []
    copy, _ = at.queue.sent[-1]
    assert (copy.attempt, copy.waits, copy.tries) == (32, 30, 2)


async def test_failures_are_counted_without_the_waits_between_them():
    wait, failure = Retry(NotYetError("not invoiced")), KeyError("x")
    at = await attempts(wait, failure, wait, wait, failure, wait)
    assert at.parking.messages == []
    at = await attempts(wait, failure, wait, failure, wait, failure)
    (parked,) = at.parking.messages
    assert (parked.error.code, parked.error.details["times"]) == ("APP_FAILED", "3")
