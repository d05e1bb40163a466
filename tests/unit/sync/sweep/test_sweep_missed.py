"""The journal has the changes of an order that the app received; a change that it has not becomes one event."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.bus.envelope import read_envelope
from shared.flows import ORDERS
from shared.mapping.shopify.events import order_id_of
from shared.shopify.sweep import ListedOrder
from shared.sync.orders.reading import read_json
from shared.sync.sweep.missed import (
    HEALING_TOPIC,
    TOPIC,
    event_of,
    healing_of,
    is_recorded,
    is_settled,
    is_under_way,
)

CHANGED = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
OVERDUE = CHANGED + timedelta(hours=1)
MINUTE = timedelta(minutes=1)


def row(occurred_at=CHANGED, outcome="done", topic="orders/updated", until=None, took=2.0):
    return {
        "topic": topic,
        "outcome": outcome,
        "at": (occurred_at + timedelta(seconds=took)).isoformat(),
        "seconds": round(took, 3),
        "waiting_until": until.isoformat() if until else "",
    }


def recorded(*rows):
    return is_recorded(rows, CHANGED, overdue=OVERDUE)


READING = {topic for family, topics in ORDERS.webhooks.items() if family != "transactions" for topic in topics}


@pytest.mark.parametrize("topic", sorted(READING | {TOPIC}))
def test_any_event_of_the_change_or_of_a_later_one_records_it(topic):
    assert recorded(row(topic=topic))
    assert recorded(row(CHANGED + MINUTE, topic=topic))


def test_an_event_of_a_transaction_does_not_since_the_order_need_not_be_read_for_it():
    assert not recorded(row(topic="order_transactions/create"))
    assert recorded(row(topic="order_transactions/create"), row(topic="orders/updated"))


def test_an_earlier_event_does_not_however_late_it_was_handled():
    assert not recorded(row(CHANGED - MINUTE, took=3600.0))


def test_an_event_of_the_very_moment_counts_although_its_age_was_rounded():
    assert recorded(row(took=1.2346))
    assert recorded(row(took=1.2344))


@pytest.mark.parametrize("topic", ["write_back", "reconciliation", "push_stock"])
def test_our_own_work_on_the_order_records_no_change(topic):
    assert not recorded(row(CHANGED + MINUTE, topic=topic))


def test_a_parked_event_was_recorded():
    assert recorded(row(outcome="parked"))


def test_an_event_that_waits_was_heard_until_it_is_overdue():
    assert recorded(row(outcome="waiting", until=OVERDUE + MINUTE))
    assert not recorded(row(outcome="waiting", until=OVERDUE - MINUTE))
    assert recorded(row(outcome="waiting", until=OVERDUE - MINUTE), row(outcome="done"))


def test_an_order_without_journal_is_not_recorded():
    assert not recorded()


@pytest.mark.parametrize(("outcome", "settled"), [("done", True), ("waiting", False), ("parked", False)])
def test_an_order_is_settled_when_its_last_event_was_done(outcome, settled):
    differs = row(CHANGED + MINUTE, outcome="differs", topic="reconciliation")
    assert is_settled([row(outcome="parked"), row(outcome=outcome, until=OVERDUE), differs]) is settled


def test_the_event_of_a_change_names_its_order_and_is_the_same_whenever_it_is_made():
    order = ListedOrder(5551, CHANGED, CHANGED)
    event = event_of("nordlys", order)
    assert event == event_of("nordlys", ListedOrder(5551, CHANGED.astimezone(), CHANGED))
    assert order_id_of(read_json(event.body)) == 5551
    assert read_envelope(event.body, event.properties()) == event
    others = [
        ("prairie", order),
        ("nordlys", ListedOrder(5552, CHANGED, CHANGED)),
        ("nordlys", ListedOrder(5551, OVERDUE, CHANGED)),
    ]
    assert len({event.event_id, *(event_of(*other).event_id for other in others)}) == 4


def sent(at=CHANGED, event_id="sweep-1"):
    return row(at, "sent", HEALING_TOPIC, took=0.0) | {"event_id": event_id}


def handled(at=CHANGED + MINUTE, event_id="sweep-1", outcome="done"):
    return row(at, outcome, TOPIC, until=OVERDUE, took=0.0) | {"event_id": event_id}


def under_way(*rows):
    return is_under_way(rows, overdue=CHANGED - MINUTE)


@pytest.mark.parametrize("outcome", ["done", "waiting", "parked"])
def test_a_healing_is_under_way_until_its_event_was_handled(outcome):
    assert under_way(sent())
    assert under_way(sent(), handled(event_id="webhook-1"))
    assert not under_way(sent(), handled(outcome=outcome))


def test_a_healing_that_is_sent_again_is_under_way_again():
    assert under_way(sent(), handled(), sent(CHANGED + 2 * MINUTE))
    assert not under_way(sent(), handled(), sent(CHANGED + 2 * MINUTE), handled(CHANGED + 3 * MINUTE))


def test_a_healing_that_was_not_handled_in_time_is_lost():
    assert not under_way(sent(CHANGED - MINUTE))
    assert not under_way()


def test_a_healing_of_a_difference_is_another_event_in_each_run():
    order = ListedOrder(5551, CHANGED, CHANGED)
    events = [event_of("nordlys", order), *(healing_of("nordlys", order, at) for at in (CHANGED, OVERDUE))]
    assert len({event.event_id for event in events}) == len(events)
    assert {event.topic for event in events} == {TOPIC}
