"""A run of the sweep: which changes it sends, where the next run begins, and what ends it early."""

import logging
from datetime import timedelta

import pytest

from shared.errors import ErrorCode, RefusedError, ThrottledError, TransientError
from shared.model import Part
from shared.rules import Flows
from shared.store.links import OrderLink
from tests.builders.log_events import events_in
from tests.builders.payments import NOON
from tests.builders.sales import US, with_rules
from tests.builders.swept_orders import LONG_AGO, SWEPT, Shop, SweptWorld

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
UNCOMPARED = with_rules(SWEPT, sweep={"sample": 0})


@pytest.fixture
def world():
    """Nothing is compared: what webhooks missed is looked for alone."""
    return SweptWorld(UNCOMPARED)


@pytest.fixture
def events(caplog):
    caplog.set_level(logging.INFO, logger="connector")
    return lambda name="sweep.done": events_in(caplog, name)


def link(order_id, version, **other):
    return OrderLink("nordlys", order_id, version, **other)


# ---- what was missed


async def test_an_order_without_link_and_journal_is_sent_and_journaled(world, events):
    world.list(5, NOON - HOUR)
    await world.sweep()
    (sent,) = world.queue
    assert (sent.entity_id, sent.topic, sent.store, sent.source) == ("5", "sweep/order", "nordlys", "sweep")
    (row,) = world.noted("sent")
    assert (row["PartitionKey"], row["event_id"], row["note"]) == ("nordlys-5", sent.event_id, "orders: a change")
    assert (row["topic"], row["at"], row["attempt"]) == ("sweep/heal", NOON.isoformat(), 1)
    (missed,) = events("sweep.order_missed")
    assert (missed["level"], missed["order"], missed["sent"]) == ("WARNING", 5, True)
    (done,) = events()
    assert (done["level"], done["changed"], done["missed"], "halted" in done) == ("WARNING", 1, 1, False)


async def test_a_change_of_an_order_that_fo_has_is_a_missed_state(world):
    world.list(5, NOON - HOUR)
    await world.ports.links.put(link(5, NOON - HOUR - MINUTE, sales_order="SN5"))
    await world.sweep()
    assert world.sent == [5]
    assert [row["note"] for row in world.noted("sent")] == ["states: a change"]


async def test_an_order_that_is_linked_and_not_in_fo_is_a_missed_order(world):
    world.list(5, NOON - HOUR)
    await world.ports.links.put(link(5, NOON - HOUR - MINUTE))
    await world.sweep()
    assert [row["note"] for row in world.noted("sent")] == ["orders: a change"]


@pytest.mark.parametrize("version", [NOON - HOUR, NOON])
async def test_a_change_that_the_link_has_is_not_missed(world, version, events):
    world.list(5, NOON - HOUR)
    await world.ports.links.put(link(5, version, sales_order="SN5"))
    await world.sweep()
    assert (world.queue, world.journal_rows.rows) == ([], {})
    assert (events()[0]["level"], events()[0]["changed"], events()[0]["missed"]) == ("INFO", 1, 0)


async def test_an_order_that_is_only_claimed_is_late_and_missed(world, events):
    """A worker claims the order with its version before F&O has it, and its message is lost then."""
    world.list(5, NOON - HOUR)
    await world.ports.links.put(link(5, NOON - HOUR, claimed_until=NOON - 59 * MINUTE))
    await world.sweep()
    assert world.sent == [5]
    assert [late["entity_id"] for late in events("sweep.order_late")] == ["5"]
    assert (events()[0]["late"], events()[0]["missed"]) == (1, 1)


async def test_an_order_that_is_claimed_again_and_again_while_fo_is_away_is_late_and_not_sent(world, events):
    world.list(5, NOON - HOUR)
    await world.ports.links.put(link(5, NOON - HOUR))
    await world.note(5, NOON - HOUR, "waiting", waiting_until=NOON + MINUTE)
    await world.sweep()
    assert (world.sent, events()[0]["late"]) == ([], 1)


@pytest.mark.parametrize("decided", [{"not_booked": "placed before"}, {"parked_parts": frozenset({Part.READING})}])
async def test_an_order_that_is_left_out_or_parked_is_neither_late_nor_missed(world, events, decided):
    world.list(5, NOON - HOUR)
    await world.ports.links.put(link(5, NOON - HOUR, **decided))
    await world.sweep()
    assert (world.sent, events()[0]["late"]) == ([], 0)


async def test_an_order_that_was_given_up_is_left_alone(world):
    world.list(5, NOON - HOUR)
    await world.ports.links.put(link(5, LONG_AGO, given_up=True))
    await world.sweep()
    assert world.queue == []


async def test_a_change_whose_event_the_journal_has_is_not_missed(world):
    world.list(5, NOON - HOUR)
    await world.note(5, NOON - HOUR, "parked")
    await world.sweep()
    assert world.queue == []


@pytest.mark.parametrize(("due", "sent"), [(-10, [5]), (-9, [])])
async def test_an_event_that_should_have_been_tried_again_since_it_settled_is_lost(world, due, sent):
    world.list(5, NOON - HOUR)
    await world.note(5, NOON - HOUR, "waiting", waiting_until=NOON + due * MINUTE)
    await world.sweep()
    assert world.sent == sent


async def test_what_is_sent_is_not_sent_again_before_the_overlap_is_over(world):
    world.list(5, NOON - HOUR)
    runs = []
    for after in (0, 60, 59, 1):
        await world.sweep(after)
        runs.append(len(world.sent))
    assert runs == [1, 1, 1, 2]


async def test_what_the_rules_leave_to_people_is_journaled_once_and_not_sent(events):
    world = SweptWorld(with_rules(UNCOMPARED, sweep={"heal": ("states",)}))
    world.list(5, NOON - HOUR)
    await world.sweep()
    await world.sweep(15)
    assert world.queue == []
    assert [row["note"] for row in world.noted("left")] == ["orders: a change"]
    assert [each["sent"] for each in events("sweep.order_missed")] == [False]


async def test_an_event_that_cannot_be_sent_is_not_journaled_and_the_next_run_sends_it(world, events):
    world.list(5, NOON - HOUR)
    world.fails_to_send = True
    with pytest.raises(ExceptionGroup, match="sweep failed") as caught:
        await world.sweep()
    assert [str(each) for each in caught.value.exceptions] == ["Service Bus is away"]
    assert (world.journal_rows.rows, events()[0]["halted"]) == ({}, "TransientError")
    assert world.progress()["since"] == NOON - 3 * HOUR
    world.fails_to_send = False
    await world.sweep(15)
    assert world.sent == [5]


# ---- not settled yet


@pytest.mark.parametrize(("age", "sent"), [(10, [5]), (9, [])])
async def test_a_change_is_not_checked_while_its_webhooks_may_arrive(world, age, sent, events):
    world.list(5, NOON - age * MINUTE)
    await world.sweep()
    assert world.sent == sent
    assert events()[0]["changed"] == len(sent)
    await world.sweep(1)
    assert world.sent == [5]


async def test_no_page_is_read_behind_one_with_changes_that_are_not_settled(world):
    world.shop.page = 2
    for number, age in ((1, 30), (2, 5), (3, 4), (4, 3)):
        world.list(number, NOON - age * MINUTE)
    await world.sweep()
    assert (world.sent, world.shop.calls.count("SweepOrders")) == ([1], 1)


# ---- where the next run begins


async def test_the_next_run_begins_at_the_overlap_before_the_latest_settled_change(world):
    world.remember(since=NOON - 10 * HOUR)
    world.list(1, NOON - 5 * HOUR)
    world.list(2, NOON - HOUR)
    world.list(3, NOON - MINUTE)
    await world.sweep()
    assert world.progress()["since"] == NOON - HOUR - 120 * MINUTE


async def test_it_never_begins_earlier_than_this_one(world):
    world.list(1, NOON - 2 * HOUR)
    await world.sweep()
    assert world.progress()["since"] == NOON - 3 * HOUR


async def test_without_changes_it_begins_where_this_one_did(world):
    await world.sweep()
    assert world.progress()["since"] == NOON - 3 * HOUR


async def test_the_very_first_run_begins_at_its_own_time():
    world = SweptWorld(UNCOMPARED)
    world.snapshots.documents.clear()
    world.list(1, NOON - HOUR)
    await world.sweep()
    assert world.queue == []
    assert (world.progress()["since"], world.progress()["began"], world.progress()["next_id"]) == (NOON, NOON, 0)


async def test_the_progress_of_a_release_without_a_beginning_counts_from_where_it_stood(world):
    world.snapshots.documents["sweep/nordlys"] = (
        f'{{"since": "{(NOON - HOUR).isoformat()}", "next_id": 7, "subscribed": true}}'
    )
    await world.sweep()
    assert world.progress() | {"began": NOON - HOUR} == world.progress()
    assert (world.progress()["next_id"], world.progress()["subscribed"]) == (7, True)


async def test_another_run_that_was_faster_fails_this_one(world):
    world.snapshots.lost_race = True
    with pytest.raises(ExceptionGroup) as caught:
        await world.sweep()
    assert [type(each) for each in caught.value.exceptions] == [TransientError]


# ---- runs that end early


async def test_every_page_of_changes_is_read(world):
    world.shop.page = 2
    for number in range(1, 6):
        world.list(number, NOON - HOUR + number * MINUTE)
    await world.sweep()
    assert world.sent == [1, 2, 3, 4, 5]


async def test_a_run_that_is_out_of_time_is_continued_by_the_next_from_the_last_change_it_checked(world, events):
    world.shop.page = 2
    for number in range(1, 7):
        world.list(number, NOON - HOUR + number * MINUTE)
    world.shop.on_call = lambda name: world.clock.pass_by(seconds=90 if name == "SweepOrders" else 0)
    await world.sweep()
    assert world.sent == [1, 2]
    assert events()[0]["halted"] == "more orders changed than one run checks"
    assert world.progress()["since"] == NOON - HOUR + 2 * MINUTE
    world.shop.on_call = lambda _name: None
    await world.sweep(120)
    assert sorted(set(world.sent)) == [1, 2, 3, 4, 5, 6]


async def test_a_run_checks_five_thousand_changes_and_the_next_one_the_others(world, events):
    for number in range(1, 5252):
        world.list(number, NOON - 2 * HOUR + timedelta(seconds=number))

    async def is_up_to_date(_store, order_id):
        return link(order_id, NOON, sales_order="SN1")

    world.ports.links.get = is_up_to_date
    await world.sweep()
    assert (events()[0]["changed"], events()[0]["halted"]) == (5000, "more orders changed than one run checks")
    assert world.progress()["since"] == NOON - 2 * HOUR + timedelta(seconds=5000)


async def test_throttling_is_no_failure_and_the_progress_is_saved(world, events):
    def throttle(name):
        if name == "Subscriptions":
            raise ThrottledError("the query budget is spent")

    world.shop.on_call = throttle
    world.list(1, NOON - HOUR)
    await world.sweep()
    assert (events()[0]["halted"], events()[0]["level"]) == ("the query budget is spent", "WARNING")
    assert world.sent == [1]
    assert world.snapshots.writes == 1


@pytest.mark.parametrize(
    ("error", "halted"),
    [
        (TransientError("Shopify is away"), "TransientError"),
        (RefusedError(ErrorCode.SHOPIFY_DENIED, message="no"), "SHOPIFY_DENIED"),
    ],
)
async def test_an_error_of_one_store_does_not_stop_the_other(world, events, error, halted):
    other = Shop()
    other.orders[7] = (NOON - HOUR, NOON - HOUR)
    world.remember(since=NOON - 3 * HOUR, store="prairie")

    def fail(_name):
        raise error

    world.shop.on_call = fail
    with pytest.raises(ExceptionGroup) as caught:
        await world.sweep(prairie=(with_rules(US, sweep={"sample": 0}), other))
    assert caught.value.exceptions == (error,)
    assert [(each.store, each.entity_id) for each in world.queue] == [("prairie", "7")]
    assert {each["store"]: each.get("halted") for each in events()} == {"nordlys": halted, "prairie": None}


async def test_a_store_whose_orders_are_switched_off_is_not_swept(world):
    world.rules = world.rules.model_copy(update={"flows": Flows()})
    await world.sweep()
    assert (world.shop.calls, world.snapshots.writes) == ([], 0)


async def test_a_store_that_is_switched_on_again_after_weeks_gets_every_order_that_changed_meanwhile(world):
    world.list(1, NOON - HOUR)
    await world.sweep()
    stood_at = world.progress()
    on, world.rules = world.rules, world.rules.model_copy(update={"flows": Flows()})
    for week in (1, 2, 3):
        world.list(week + 1, NOON + week * 7 * 24 * HOUR - HOUR)
        await world.sweep(after=7 * 24 * 60)
    assert (world.sent, world.progress()) == ([1], stood_at)
    world.rules = on
    world.shop.page = 2
    await world.sweep(after=15)
    assert world.sent == [1, 1, 2, 3, 4]  # of the first one the journal has no end


# ---- subscriptions


async def test_a_topic_that_shopify_no_longer_sends_is_reported(world, events):
    world.shop.subscribe(world.rules)
    await world.sweep()
    assert (events("webhooks.subscription_lost"), world.progress()["subscribed"]) == ([], True)
    world.shop.subscriptions = [each for each in world.shop.subscriptions if each[0] != "REFUNDS_CREATE"]
    await world.sweep(15)
    assert [each["topic"] for each in events("webhooks.subscription_lost")] == ["refunds/create"]


async def test_subscriptions_are_not_looked_for_while_none_was_ever_listed(world, events):
    await world.sweep()
    assert (events("webhooks.subscription_lost"), world.progress()["subscribed"]) == ([], False)


async def test_the_very_first_run_of_a_shop_without_subscriptions_loses_none(world, events):
    world.snapshots.documents.clear()
    world.shop.subscriptions = []
    await world.sweep()
    assert (events("webhooks.subscription_lost"), world.progress()["subscribed"]) == ([], False)
