"""Which orders a run of the sweep compares, what becomes of the others, and where the next run goes on."""

import json
import logging
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from shared.bus.envelope import HEALING
from shared.errors import ErrorCode, RefusedError, ThrottledError, TransientError
from shared.mapping.shopify.graphql import read_graphql_state
from shared.model import Part
from shared.shopify.sweep import ListedOrder
from shared.store.links import OrderLink
from shared.sync.sweep.missed import event_of
from tests.builders.compared_orders import NUMBER, PAID, SALE
from tests.builders.graphql_order import order_node
from tests.builders.log_events import events_in
from tests.builders.payments import NOON
from tests.builders.sales import with_rules
from tests.builders.swept_orders import LONG_AGO, PLAIN_STATE, SWEPT, SweptWorld

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
BY_EVENT = with_rules(SWEPT, sweep={"heal": ("orders", "states", "differences")}, changes={"by_staff": "overrule"})


@pytest.fixture
def world():
    return SweptWorld()


@pytest.fixture
def events(caplog):
    caplog.set_level(logging.INFO, logger="connector")
    return lambda name="reconciliation.done": events_in(caplog, name)


def counted(event):
    """The counts of a run that are not 0."""
    names = ("agreeing", "differing", "differences", "missed", "healed", "busy", "unknown", "refused")
    return {name: event[name] for name in names if event[name]}


async def counts(world, events, after=0):
    await world.sweep(after)
    return counted(events()[-1])


def reprice(world, price="40.00", number=NUMBER):
    for row in world.fo.tables["SalesOrderLinesV3"]:
        if row["SalesOrderNumber"] == number:
            row |= {"SalesPrice": Decimal(price), "LineAmount": Decimal(price) * row["OrderedSalesQuantity"]}


def test_the_node_of_the_order_is_read_as_the_order():
    read = read_graphql_state(order_node(SALE, [PAID]), store="nordlys", side=SWEPT.currency_side)
    assert read.order == replace(SALE, lines=tuple(replace(each, variant_id=1) for each in SALE.lines))
    assert read.transactions == (PAID,)


# ---- orders that both systems have


async def test_an_order_that_agrees_is_counted_with_both_sums_and_nothing_is_written(world, events):
    await world.booked()
    assert await counts(world, events) == {"agreeing": 1}
    (done,) = events()
    assert (done["level"], done["shopify"], done["fo"]) == ("INFO", "100.00 EUR", "100.00 EUR")
    assert (world.journal_rows.rows, world.queue) == ({}, [])
    assert [call for call in world.fo.calls if not call.startswith("GET")] == []


async def test_a_difference_is_reported_journaled_with_its_evidence_and_left(world, events):
    await world.booked()
    reprice(world)
    assert await counts(world, events) == {"differing": 1, "differences": 1}
    assert (events()[0]["level"], events()[0]["fo"]) == ("WARNING", "80.00 EUR")
    (told,) = events("reconciliation.difference")
    assert (told["level"], told["code"], told["order"]) == ("WARNING", "SALES_ORDER_DIFFERS", SALE.name)
    assert (told["sales_order"], told["shopify"], told["fo"]) == (NUMBER, "100.00 EUR", "80.00 EUR")
    (row,) = world.noted("differs")
    assert (row["PartitionKey"], row["topic"], row["document"]) == (f"nordlys-{SALE.id}", "reconciliation", NUMBER)
    assert row["event_id"] == "reconciliation-20261123T120000Z"
    assert row["note"].startswith("SALES_ORDER_DIFFERS: ")
    (difference,) = json.loads(row["evidence"])["differences"]
    assert (difference["shopify"], difference["fo"]) == ("100.00 EUR", "80.00 EUR")
    assert world.queue == []


async def test_a_long_note_is_cut_and_the_evidence_is_whole(world):
    await world.booked()
    for number in range(100, 160):
        await world.pay(replace(PAID, id=number), recorded=False)
    await world.sweep()
    (row,) = world.noted("differs")
    assert len(row["note"]) <= 2000
    assert row["note"].endswith(" ...")
    assert len(json.loads(row["evidence"])["differences"]) == 60


async def test_a_difference_is_mended_by_an_event_where_the_rules_say_so(events):
    world = SweptWorld(BY_EVENT)
    await world.booked()
    reprice(world)
    assert await counts(world, events) == {"differing": 1, "differences": 1, "healed": 1}
    (sent,) = world.queue
    assert (sent.source, sent.entity_id) == (HEALING, str(SALE.id))
    (row,) = world.noted("sent")
    assert row["note"] == "differences: the sales order differs"
    assert [each["what"] for each in events("sweep.order_healed")] == ["the sales order differs"]


async def test_what_no_event_would_mend_is_not_sent(events):
    world = SweptWorld(BY_EVENT)
    await world.booked()
    world.fo.tables["CustomerPaymentJournalLines"].clear()
    assert await counts(world, events) == {"differing": 1, "differences": 1}
    assert world.queue == []


async def test_a_payment_without_record_is_missed(world, events):
    await world.booked()
    world.payments._table.rows.clear()
    assert await counts(world, events) == {"missed": 1}
    assert [row["note"] for row in world.noted("sent")] == [f"states: transaction {PAID.id}"]
    assert world.sent == [SALE.id]


async def test_of_two_sales_orders_one_is_held_and_the_order_differs(world, events):
    await world.booked()
    world.sell("SN-OTHER")
    assert await counts(world, events) == {"differing": 1, "differences": 1}
    assert [row["IsSalesProcessingStopped"] for row in world.fo.tables["SalesOrderHeadersV4"]] == ["No", "Yes"]


@pytest.mark.parametrize("writes_back", [True, False])
async def test_the_link_follows_a_sales_order_that_went_further_and_an_event_has_to_update_it(events, *, writes_back):
    world = SweptWorld(with_rules(SWEPT, flows={"write_back": writes_back}))
    link = await world.booked(digest="d", held="risk", is_holding=True, promised={"1": "products:1"}, lots={"a": "b"})
    world.sell("SN-OTHER", "Delivered")
    assert await counts(world, events) == {"differing": 1, "differences": 1, "missed": 1}
    assert [row["note"] for row in world.noted("sent")] == [
        f"states: its sales order is SN-OTHER now, and was {NUMBER}"
    ]
    now = await world.ports.links.get("nordlys", SALE.id)
    assert (now.sales_order, now.version, now.customer_account) == ("SN-OTHER", link.version, link.customer_account)
    assert (now.digest, now.fingerprints, now.promised, now.lots, now.held, now.is_holding) == (
        "",
        {},
        {},
        {},
        "",
        False,
    )
    due = await world.ports.outbox.due("nordlys", NOON, limit=9)
    assert [row.number for row in due] == (["SN-OTHER"] if writes_back else [])


async def test_a_copy_of_a_further_order_that_went_further_is_followed_too(world, events):
    await world.booked(further=("SNB",))
    world.sell("SNB", reference=f"shopify-nordlys-{SALE.id}-2")
    world.sell("SNC", "Picked", reference=f"shopify-nordlys-{SALE.id}-2")
    assert (await counts(world, events))["missed"] == 1
    now = await world.ports.links.get("nordlys", SALE.id)
    assert (now.sales_order, now.further) == (NUMBER, ("SNC",))
    assert await world.ports.outbox.due("nordlys", NOON, limit=9) == []


async def test_an_order_that_fo_deleted_is_reported(world, events):
    await world.booked()
    world.fo.tables["SalesOrderHeadersV4"].clear()
    world.fo.tables["SalesOrderLinesV3"].clear()
    assert await counts(world, events) == {"differing": 1, "differences": 1}
    assert [each["code"] for each in events("reconciliation.difference")] == ["FO_ORDER_GONE"]


async def test_duplicates_of_an_order_that_is_not_compared_are_reported_all_the_same(world, events):
    await world.booked()
    await world.note(SALE.id, SALE.version, "parked")
    world.sell("SN-OTHER")
    assert await counts(world, events) == {"differing": 1, "differences": 1, "busy": 1}
    assert [each["code"] for each in events("reconciliation.difference")] == ["SALES_ORDER_TWICE"]
    assert [row["document"] for row in world.noted("differs")] == [NUMBER]


# ---- not settled yet


async def test_an_order_that_changed_within_the_last_minutes_is_busy(world, events):
    shown = replace(PLAIN_STATE, order=replace(SALE, version=NOON - 9 * MINUTE))
    await world.booked(shown)
    assert await counts(world, events) == {"busy": 1}
    assert await counts(world, events, after=1) == {"agreeing": 1}  # settle_minutes to the second


@pytest.mark.parametrize("outcome", ["waiting", "parked"])
async def test_an_order_with_an_event_on_its_way_is_busy(world, events, outcome):
    await world.booked()
    await world.note(SALE.id, SALE.version, outcome, waiting_until=NOON + MINUTE)
    assert await counts(world, events) == {"busy": 1}


async def test_an_order_of_which_something_is_parked_is_busy(world, events):
    await world.booked(parked_parts=frozenset({Part.PAYMENTS}))
    assert await counts(world, events) == {"busy": 1}


async def test_what_the_sweep_has_just_sent_is_not_compared_before_it_is_handled(world, events):
    await world.booked()
    await world.note(SALE.id, NOON - MINUTE, "sent", topic="sweep/heal", event_id="sweep-1")
    reprice(world)
    assert await counts(world, events) == {"busy": 1}
    await world.note(SALE.id, NOON, topic="sweep/order", event_id="sweep-1")
    assert await counts(world, events) == {"differing": 1, "differences": 1}


async def test_an_order_that_changed_again_while_it_is_read_is_busy(world, events):
    await world.booked()
    world.shop.states[SALE.id] = replace(PLAIN_STATE, order=replace(SALE, version=SALE.version + MINUTE))
    assert await counts(world, events) == {"busy": 1}


# ---- changes that were missed before the run looks for them


async def test_a_change_from_before_the_run_looks_back_is_missed(world, events):
    await world.booked()
    await world.ports.links.put(replace(await world.ports.links.get("nordlys", SALE.id), version=LONG_AGO - 30 * DAY))
    assert await counts(world, events) == {"missed": 1}
    assert [row["note"] for row in world.noted("sent")] == ["states: a change"]


async def test_a_change_that_this_run_looked_for_is_busy(world, events):
    shown = replace(PLAIN_STATE, order=replace(SALE, version=NOON - 60 * MINUTE))
    await world.booked(shown)
    await world.ports.links.put(replace(await world.ports.links.get("nordlys", SALE.id), version=LONG_AGO))
    assert await counts(world, events) == {"busy": 1}


async def test_a_change_whose_event_the_journal_has_is_compared(world, events):
    await world.booked()
    await world.ports.links.put(replace(await world.ports.links.get("nordlys", SALE.id), version=LONG_AGO - 30 * DAY))
    await world.note(SALE.id, SALE.version)
    assert await counts(world, events) == {"agreeing": 1}


# ---- orders that F&O lacks


async def test_an_order_without_link_from_after_the_first_run_is_missed(world, events):
    world.remember(since=NOON - 3 * MINUTE)
    world.list(5, NOON - DAY)
    assert await counts(world, events) == {"missed": 1}
    assert [row["note"] for row in world.noted("sent")] == ["orders: F&O lacks the order"]


async def test_an_order_from_before_the_first_run_is_not_the_apps(world, events):
    world.list(5, NOON - DAY, created=LONG_AGO - timedelta(seconds=1))
    assert await counts(world, events) == {"unknown": 1}
    assert world.queue == []


async def test_an_order_of_the_moment_of_the_first_run_is_the_apps(world, events):
    world.list(5, NOON - DAY, created=LONG_AGO)
    assert await counts(world, events) == {"missed": 1}


@pytest.mark.parametrize(("version", "outcome"), [(NOON - MINUTE, "done"), (NOON - DAY, "parked")])
async def test_an_order_that_fo_lacks_is_busy_while_it_is_not_settled(world, events, version, outcome):
    world.list(5, version, created=NOON - DAY)
    await world.note(5, version, outcome)
    assert await counts(world, events) == {"busy": 1}


async def test_an_order_that_fo_lacks_is_busy_while_the_sweeps_event_is_on_its_way(world, events):
    world.list(5, NOON - DAY)
    event_id = event_of("nordlys", ListedOrder(5, NOON - DAY, NOON - DAY)).event_id
    await world.note(5, NOON - MINUTE, "sent", topic="sweep/heal", event_id=event_id)
    assert await counts(world, events) == {"busy": 1}


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        ({}, {"missed": 1}),
        ({"not_booked": "a test order"}, {"unknown": 1}),
        ({"parked_parts": frozenset({Part.ORDER})}, {"unknown": 1}),
        ({"given_up": True}, {"unknown": 1}),
    ],
)
async def test_an_order_with_a_link_and_no_sales_order_is_missed_unless_the_app_has_a_reason(
    world, events, other, expected
):
    world.list(5, NOON - DAY)
    await world.ports.links.put(OrderLink("nordlys", 5, NOON, **other))
    assert await counts(world, events) == expected


async def test_sales_orders_that_no_link_names_are_held_and_the_order_is_not_sent(world, events):
    await world.booked()
    await world.ports.links.put(
        replace(await world.ports.links.get("nordlys", SALE.id), sales_order="", fingerprints={}, digest="")
    )
    world.sell("SN-OTHER")
    assert await counts(world, events) == {"differing": 1, "differences": 1, "unknown": 1}
    assert world.queue == []


# ---- which orders, and where the next run goes on


def many(world, *numbers):
    for number in numbers:
        world.list(number, NOON - DAY)


async def test_each_run_takes_its_sample_and_the_next_one_the_next_ones_until_the_first_again(events):
    world = SweptWorld(with_rules(SWEPT, sweep={"sample": 2}))
    many(world, 11, 12, 13)
    begins = []
    for _ in range(3):
        assert sum((await counts(world, events)).values()) == (1 if begins[-1:] == [13] else 2)
        begins.append(world.progress()["next_id"])
    assert begins == [13, 0, 13]


async def test_orders_older_than_the_window_are_not_compared(events):
    world = SweptWorld(with_rules(SWEPT, sweep={"window_days": 2}))
    world.list(1, NOON - MINUTE, created=NOON - 2 * DAY - timedelta(seconds=1))
    world.list(2, NOON - MINUTE, created=NOON - 2 * DAY)
    assert await counts(world, events) == {"busy": 1}


async def test_without_a_sample_nothing_is_asked_for(world, events):
    world.rules = with_rules(SWEPT, sweep={"sample": 0})
    await world.booked()
    await world.sweep()
    assert (world.shop.calls.count("SweepOrders"), events()) == (1, [])


async def test_a_run_without_orders_reports_no_comparison(world, events):
    await world.sweep()
    assert events() == []


async def test_an_order_that_cannot_be_read_ends_the_run_and_the_next_one_begins_after_it(world, events):
    await world.booked()
    many(world, 1)
    await world.ports.links.put(OrderLink("nordlys", 1, NOON, given_up=True))

    def fail(name):
        if name == "OrderState":
            raise TransientError("it changes")

    world.shop.on_call = fail
    with pytest.raises(ExceptionGroup) as caught:
        await world.sweep()
    assert [str(each) for each in caught.value.exceptions] == ["it changes"]
    assert world.progress()["next_id"] == SALE.id + 1
    assert counted(events()[0]) == {"unknown": 1}


async def test_a_throttled_comparison_goes_on_with_the_same_order(world, events):
    await world.booked()

    def throttle(name):
        if name == "OrderState":
            raise ThrottledError("the query budget is spent")

    world.shop.on_call = throttle
    await world.sweep()
    assert (world.progress()["next_id"], events("sweep.done")[0]["halted"]) == (SALE.id, "the query budget is spent")
    world.shop.on_call = lambda _name: None
    assert await counts(world, events) == {"agreeing": 1}
    assert world.progress()["next_id"] == 0


async def test_a_comparison_that_is_out_of_time_goes_on_with_the_order_that_it_did_not_begin(world, events):
    await world.booked()
    many(world, 1)
    await world.ports.links.put(OrderLink("nordlys", 1, NOON, given_up=True))
    world.shop.on_call = lambda name: world.clock.pass_by(seconds=60 if name == "SweepOrders" else 0)
    get = world.ports.links.get

    async def slow(store, order_id):
        world.clock.pass_by(seconds=60)
        return await get(store, order_id)

    world.ports.links.get = slow
    await world.sweep()
    assert counted(events()[0]) == {"unknown": 1}
    assert events("sweep.done")[0]["halted"] == "time limit reached"
    assert world.progress()["next_id"] == SALE.id


async def test_a_refusal_of_one_order_stops_none_of_the_others(world, events):
    await world.booked()
    many(world, 1)
    await world.ports.links.put(OrderLink("nordlys", 1, NOON, sales_order="SN1", company="nleu"))
    world.shop.states[1] = replace(PLAIN_STATE, order=replace(SALE, id=1, version=NOON - DAY))
    shop, run = world.shop, world.shop.run

    async def refuse(query, variables):
        if variables.get("order", "").endswith("/1"):
            raise RefusedError(ErrorCode.SHOPIFY_SHAPE, what="OrderState", problem="it lists too few parts")
        return await run(query, variables)

    shop.run = refuse
    assert await counts(world, events) == {"agreeing": 1, "refused": 1}
    (told,) = events("reconciliation.refused")
    assert (told["level"], told["order"], told["sales_order"], told["code"]) == ("WARNING", 1, "SN1", "SHOPIFY_SHAPE")
