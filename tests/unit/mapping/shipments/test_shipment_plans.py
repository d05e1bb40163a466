"""Which fulfilments Shopify gets for packing slips, step by step until it has what F&O has."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from shared.mapping.shipments.parcels.adoption import adopt
from shared.mapping.shipments.parcels.plan import plan_shipments
from shared.mapping.shipments.parcels.steps import (
    CancelFulfillment,
    CreateFulfillment,
    MoveFulfillmentOrder,
    OpenFulfillmentOrder,
    UpdateTracking,
)
from shared.model import (
    Fulfillment,
    FulfillmentOrder,
    PackingSlip,
    ParcelLine,
    SentPart,
    SentSlip,
    ShopShipments,
    Tracking,
)
from tests.builders.sales import EU as STORE
from tests.builders.sales import with_rules

EU = with_rules(STORE, shipments={"carriers": ()})
NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
HOME = EU.warehouses[0].location
LINES = {"LOT-1": 1, "LOT-2": 2}
PARCEL = Tracking("JJD0001")
ACTIONS = frozenset({"CREATE_FULFILLMENT", "MOVE", "HOLD"})


def rules(**shipments):
    return with_rules(EU, shipments=shipments)


def slip(number="PS1", tracking=(), warehouse="AMS", minutes=0, **units):
    return PackingSlip(
        sales_order="SN1",
        number=number,
        day="2026-11-27T12:00:00Z",
        warehouse=warehouse,
        carrier="DHL",
        delivery_mode="STD",
        created_at=NOON + timedelta(minutes=minutes),
        units={f"LOT-{lot[1:]}": Decimal(str(count)) for lot, count in units.items()},
        tracking=tuple(tracking),
    )


def open_order(number=100, *, location=HOME, status="OPEN", actions=ACTIONS, **remaining):
    """The lines are l1=2: two units of order line 1 remain."""
    lines = tuple(ParcelLine(number * 10 + int(name[1:]), int(name[1:]), left) for name, left in remaining.items())
    return FulfillmentOrder(id=number, status=status, location_id=location, actions=actions, lines=lines)


def sent_by_others(number=900, **units):
    return Fulfillment(id=number, is_active=True, units={int(name[1:]): count for name, count in units.items()})


def plan(slips, shop, sent=(), applied=EU, now=NOON):
    return plan_shipments(
        slips,
        {each.key: each for each in sent},
        shop,
        applied,
        line_ids=LINES,
        written={*LINES, "LOT-8"},
        now=now + timedelta(hours=1),
    )


def shop(*orders, fulfillments=()):
    return ShopShipments(orders=tuple(orders), fulfillments=tuple(fulfillments))


KEY = "SN1/PS1/2026-11-27"


def shown(one, *, told=True, tracking=(PARCEL,), number=500, **units):
    """The record of a slip with one fulfilment, and that fulfilment."""
    lines = {int(name[1:]): count for name, count in units.items()}
    part = SentPart(fulfillment_id=number, units=lines, tracking=tuple(tracking))
    return SentSlip(key=one.key, parts=(part,), is_told=told), Fulfillment(
        id=number, is_active=True, units=lines, tracking=tuple(tracking)
    )


def test_what_left_is_fulfilled_at_its_location_with_its_number_and_one_notice():
    found = plan([slip(tracking=[PARCEL], l1=2, l2=1)], shop(open_order(l1=3, l2=1)))
    assert found.steps == (
        CreateFulfillment(
            key=KEY,
            orders={100: {1001: 2, 1002: 1}},
            units={1: 2, 2: 1},
            tracking=(PARCEL,),
            company="DHL",
            is_told=True,
        ),
    )
    assert found.findings == ()


def test_nothing_is_left_to_do_once_shopify_has_it():
    one = slip(tracking=[PARCEL], l1=2)
    record, fulfillment = shown(one, l1=2)
    found = plan([one], shop(open_order(l1=1), fulfillments=[fulfillment]), [record])
    assert (found.steps, found.findings, found.wait_until) == ((), (), None)


@pytest.mark.parametrize(
    ("notify", "tracking", "told"),
    [
        ("always", (), True),
        ("always", (PARCEL,), True),
        ("with_tracking", (), False),
        ("with_tracking", (PARCEL,), True),
        ("never", (PARCEL,), False),
    ],
)
def test_the_rules_say_when_the_buyer_is_told(notify, tracking, told):
    (step,) = plan([slip(tracking=tracking, l1=1)], shop(open_order(l1=1)), applied=rules(notify=notify)).steps
    assert step.is_told is told


def test_what_others_fulfilled_counts_for_the_oldest_slips_and_is_never_doubled():
    slips = [slip("PS2", minutes=5, l1=2), slip("PS1", l1=1)]
    by_hand = sent_by_others(l1=2)
    (step,) = plan(slips, shop(open_order(l1=1), fulfillments=[by_hand])).steps
    assert (step.key, step.units) == ("SN1/PS2/2026-11-27", {1: 1})
    more = plan(slips, shop(open_order(l1=0), fulfillments=[sent_by_others(l1=5)]))
    assert (more.steps, more.findings) == ((), ())


def test_a_slip_that_got_smaller_is_cancelled_and_made_again_without_a_second_notice():
    one = slip(tracking=[PARCEL], l1=1)
    record, fulfillment = shown(one, l1=3)
    found = plan([one], shop(open_order(l1=0), fulfillments=[fulfillment]), [record])
    assert found.steps == (CancelFulfillment(record, record.parts[0]),)
    without = replace(record, parts=())
    (again,) = plan([one], shop(open_order(l1=3)), [without]).steps
    assert (again.units, again.is_told) == ({1: 1}, False)


def test_a_slip_that_is_gone_takes_its_fulfilment_with_it():
    record, fulfillment = shown(slip(l1=1), l1=1)
    found = plan([], shop(open_order(l1=0), fulfillments=[fulfillment]), [record])
    assert found.steps == (CancelFulfillment(record, record.parts[0]),)


def test_units_that_others_fulfilled_too_and_that_left_once_are_given_back_by_the_latest_of_ours():
    first, second = slip("PS1", l1=1), slip("PS2", minutes=5, l1=2, l2=1)
    early, made_early = shown(first, number=500, l1=1)
    late, made_late = shown(second, number=501, l1=2, l2=1)
    by_hand = sent_by_others(l1=1)
    has = shop(open_order(l1=0), fulfillments=[made_early, made_late, by_hand])
    assert plan([first, second], has, [early, late]).steps == (CancelFulfillment(late, late.parts[0]),)
    rest = shop(open_order(l1=2, l2=1), fulfillments=[made_early, by_hand])
    (again,) = plan([first, second], rest, [early, replace(late, parts=())]).steps
    assert (again.units, again.is_told) == ({1: 1, 2: 1}, False)


def test_fulfilments_of_others_are_never_cancelled():
    found = plan([], shop(open_order(l1=0), fulfillments=[sent_by_others(l1=1)]))
    assert found.steps == ()


def test_a_slip_that_grew_gets_a_further_fulfilment_for_the_rest():
    one = slip(tracking=[PARCEL], l1=3)
    record, fulfillment = shown(one, l1=1)
    (step,) = plan([one], shop(open_order(l1=5), fulfillments=[fulfillment]), [record]).steps
    assert (step.units, step.is_told) == ({1: 2}, False)


def test_a_fulfilment_of_ours_that_staff_cancelled_is_made_again_without_a_notice():
    one = slip(tracking=[PARCEL], l1=1)
    record, fulfillment = shown(one, l1=1)
    gone = replace(fulfillment, is_active=False)
    (step,) = plan([one], shop(open_order(l1=1), fulfillments=[gone]), [record]).steps
    assert (step.units, step.is_told) == ({1: 1}, False)


def test_a_number_that_comes_later_is_added_once_and_told_once():
    one = slip(tracking=[PARCEL, Tracking("JJD0002")], l1=1)
    record, fulfillment = shown(one, told=False, tracking=(), l1=1)
    found = plan([one], shop(open_order(l1=0), fulfillments=[fulfillment]), [record])
    assert found.steps == (UpdateTracking(KEY, record.parts[0], one.tracking, "DHL", is_told=True),)
    record, fulfillment = shown(one, tracking=one.tracking, l1=1)
    assert plan([one], shop(fulfillments=[fulfillment]), [record]).steps == ()


def test_a_slip_waits_for_its_number_as_long_as_the_rules_say():
    waiting = rules(waits=({"delivery_mode": "STD", "minutes": 90},))
    found = plan([slip(l1=1)], shop(open_order(l1=1)), applied=waiting)
    assert (found.steps, found.wait_until) == ((), NOON + timedelta(minutes=90))
    assert len(plan([slip(l1=1)], shop(open_order(l1=1)), applied=waiting, now=NOON + timedelta(minutes=31)).steps) == 1
    assert len(plan([slip(tracking=[PARCEL], l1=1)], shop(open_order(l1=1)), applied=waiting).steps) == 1
    other = rules(waits=({"delivery_mode": "EXPR", "minutes": 90},))
    assert len(plan([slip(l1=1)], shop(open_order(l1=1)), applied=other).steps) == 1


def test_another_warehouse_moves_its_units_first():
    elsewhere = open_order(location=5, l1=3)
    found = plan([slip(l1=2)], shop(elsewhere))
    assert found.steps == (MoveFulfillmentOrder(KEY, 100, HOME, {1001: 2}),)
    (kept,) = plan([slip(l1=2)], shop(elsewhere), applied=rules(other_warehouse="keep")).steps
    assert kept.orders == {100: {1001: 2}}
    (stuck,) = plan([slip(l1=2)], shop(replace(elsewhere, actions=frozenset({"CREATE_FULFILLMENT"})))).steps
    assert stuck.orders == {100: {1001: 2}}


def test_the_fulfilment_order_of_the_warehouses_location_comes_first():
    (step,) = plan([slip(l1=1)], shop(open_order(90, location=5, l1=3), open_order(100, l1=1))).steps
    assert step.orders == {100: {1001: 1}}


def test_one_call_for_each_location_and_one_notice_for_all():
    kept = rules(other_warehouse="keep")
    found = plan(
        [slip(tracking=[PARCEL], l1=3)], shop(open_order(100, l1=1), open_order(110, location=5, l1=2)), applied=kept
    )
    assert [(step.units, step.is_told) for step in found.steps] == [({1: 1}, True), ({1: 2}, False)]
    together = plan([slip(l1=3)], shop(open_order(100, l1=1), open_order(110, l1=2)))
    assert [step.orders for step in together.steps] == [{100: {1001: 1}, 110: {1101: 2}}]


def test_a_scheduled_fulfilment_order_is_opened_first():
    scheduled = open_order(status="SCHEDULED", actions=frozenset(), l1=1)
    assert plan([slip(l1=1)], shop(scheduled)).steps == (OpenFulfillmentOrder(KEY, 100),)


@pytest.mark.parametrize(
    ("order", "code"),
    [
        (open_order(status="ON_HOLD", actions=frozenset(), l1=1), "SHIPPED_ON_HOLD"),
        (replace(open_order(l1=1), is_third_party=True), "SHIPPED_AT_THIRD_PARTY"),
        (open_order(status="CLOSED", actions=frozenset(), l1=0), "SHIPPED_MORE_THAN_OPEN"),
        (open_order(status="CANCELLED", actions=frozenset(), l1=1), "SHIPPED_NOT_FULFILLABLE"),
        (open_order(status="INCOMPLETE", actions=frozenset({"MOVE"}), l1=1), "SHIPPED_NOT_FULFILLABLE"),
        (open_order(actions=frozenset({"MOVE"}), l1=1), "SHIPPED_NOT_FULFILLABLE"),
        (replace(open_order(l1=1), method="RETAIL"), "SHIPPED_MORE_THAN_OPEN"),
    ],
)
def test_what_cannot_be_shown_is_told(order, code):
    found = plan([slip(l1=1)], shop(order))
    assert found.steps == ()
    assert [each.code for each in found.findings] == [code]


def test_too_many_units_are_shown_as_far_as_they_are_open_and_the_rest_is_told():
    found = plan([slip(l1=5)], shop(open_order(l1=2)))
    (step,) = found.steps
    assert step.units == {1: 2}
    assert [(each.code, "3 units more" in each.cause) for each in found.findings] == [("SHIPPED_MORE_THAN_OPEN", True)]


def test_an_unknown_warehouse_is_told_and_the_goods_are_shown():
    found = plan([slip(warehouse="NOWHERE", l1=1)], shop(open_order(l1=1)))
    assert [each.code for each in found.findings] == ["SHIPPED_FROM_UNKNOWN_WAREHOUSE"]
    assert len(found.steps) == 1


def test_each_reason_is_told_with_its_units_and_the_held_ones_once():
    held = replace(open_order(100, status="ON_HOLD", actions=frozenset(), l1=2), holds=((1, "Other"), (2, "Fraud")))
    service = replace(open_order(110, l1=1), is_third_party=True)
    found = plan([slip("PS1", l1=4), slip("PS2", minutes=1, l1=1)], shop(held, service))
    assert [(each.code, each.details["slip"], each.details["units"]) for each in found.findings] == [
        ("SHIPPED_ON_HOLD", "PS1", "2"),
        ("SHIPPED_AT_THIRD_PARTY", "PS1", "1"),
        ("SHIPPED_MORE_THAN_OPEN", "PS1", "1"),
        ("SHIPPED_MORE_THAN_OPEN", "PS2", "1"),
    ]
    assert "(Other, Fraud)" in found.findings[0].cause
    assert "unknown" in plan([slip(l1=1)], shop(replace(held, holds=()))).findings[0].cause


def test_what_a_closed_fulfilment_order_shows_as_remaining_counts_only_where_no_later_one_has_the_line():
    closed = open_order(100, status="CLOSED", actions=frozenset(), l1=2)
    later = open_order(110, status="CLOSED", actions=frozenset(), l1=0)
    other = open_order(110, status="CLOSED", actions=frozenset(), l2=0)

    def codes(*orders):
        return [each.code for each in plan([slip(l1=1)], shop(*orders)).findings]

    assert codes(closed, later) == ["SHIPPED_MORE_THAN_OPEN"]
    assert codes(closed, other) == ["SHIPPED_NOT_FULFILLABLE"]


def test_what_left_of_a_cancelled_order_is_told_as_such():
    has = replace(shop(open_order(status="CLOSED", actions=frozenset(), l1=0)), is_cancelled=True)
    found = plan([slip(l1=2)], has)
    assert [(each.code, each.details["units"]) for each in found.findings] == [("SHIPPED_AFTER_CANCEL", "2")]


def test_what_came_back_and_services_that_the_app_wrote_are_no_shipment():
    found = plan([slip(l1=-1), slip("PS2", l8=4), slip("PS3", l9=-2)], shop(open_order(l1=1)))
    assert (found.steps, found.findings) == ((), ())


def test_a_line_that_the_app_did_not_write_is_told_with_its_item():
    one = replace(slip(l1=1, l9=2), items={"LOT-9": "BAG-BLUE"})
    found = plan([one, slip("PS2", l7=1)], shop(open_order(l1=1)))
    assert len(found.steps) == 1
    assert [each.code for each in found.findings] == ["SHIPPED_LINE_UNKNOWN"] * 2
    assert "has 2 of item BAG-BLUE (lot LOT-9)" in found.findings[0].cause
    assert "has 1 of item unknown (lot LOT-7)" in found.findings[1].cause


def test_of_a_part_of_a_unit_whole_units_are_shown_and_the_rest_is_told():
    found = plan([slip(l1="1.5", l2=1)], shop(open_order(l1=3, l2=1)))
    assert [step.units for step in found.steps] == [{1: 1, 2: 1}]
    assert [each.code for each in found.findings] == ["SHIPPED_FRACTION"]
    half = plan([slip(l1="0.5")], shop(open_order(l1=1)))
    assert (half.steps, [each.code for each in half.findings]) == ((), ["SHIPPED_FRACTION"])


def test_a_carrier_whose_page_shopify_cannot_know_is_told_once_and_its_parcels_are_shown():
    def told(*slips, **more):
        found = plan(slips, shop(open_order(l1=5)), **more)
        assert len(found.steps) == len(slips)
        return [(each.code, each.details["carrier"]) for each in found.findings]

    own = [replace(slip(name, tracking=[PARCEL], l1=1), carrier="Bike") for name in ("PS1", "PS2")]
    assert told(*own) == [("SHIPPED_BY_UNKNOWN_CARRIER", "Bike")]
    assert told(*own, applied=rules(carriers=({"company": "UPS"},))) == []
    assert told(*own, applied=rules(carriers=({"company": "Bike", "url": "https://bike.example/{number}"},))) == []
    assert told(replace(own[0], carrier="")) == []
    assert told(replace(own[0], tracking=())) == []
    assert told(replace(own[0], tracking=(Tracking("1", "https://bike.example/1"), PARCEL))) != []


def test_a_carrier_that_others_have_shown_is_not_told():
    one = replace(slip(tracking=[PARCEL], l1=1), carrier="Bike")
    assert plan([one], shop(fulfillments=[sent_by_others(l1=1)])).findings == ()
    record, fulfillment = shown(one, l1=1)
    found = plan([one], shop(fulfillments=[fulfillment]), [record])
    assert [each.code for each in found.findings] == ["SHIPPED_BY_UNKNOWN_CARRIER"]


def test_another_carrier_or_address_is_sent_without_a_notice_where_it_is_known_what_was_sent():
    one = slip(tracking=[PARCEL], l1=1)
    record, fulfillment = shown(one, l1=1)
    assert plan([one], shop(fulfillments=[fulfillment]), [record]).steps == ()

    def steps_of(**sent):
        part = replace(record.parts[0], **sent)
        steps = plan([one], shop(fulfillments=[fulfillment]), [replace(record, parts=(part,))]).steps
        assert steps in ((), (UpdateTracking(KEY, part, one.tracking, "DHL", is_told=False),))
        return len(steps)

    assert steps_of(company="DHL") == 0
    assert steps_of(company="Bike") == 1
    assert steps_of(company="DHL", tracking=(Tracking("JJD0001", "https://old.example"),)) == 1


def test_what_is_opened_or_moved_is_the_only_step():
    scheduled = open_order(90, status="SCHEDULED", actions=frozenset(), l2=1)
    found = plan([slip(l1=1, l2=1), slip("PS2", minutes=1, l1=1)], shop(scheduled, open_order(location=5, l1=2)))
    assert found.steps == (OpenFulfillmentOrder(KEY, 90),)
    first, second = open_order(location=5, l1=1), open_order(110, location=6, l1=1)
    assert plan([slip(l1=2)], shop(first, second)).steps == (MoveFulfillmentOrder(KEY, 100, HOME, {1001: 1}),)
    here = open_order(90, l2=1)
    found = plan([slip("PS0", minutes=-5, l2=1), slip(l1=1)], shop(here, first))
    assert found.steps == (MoveFulfillmentOrder(KEY, 100, HOME, {1001: 1}),)


def test_a_fulfilment_service_that_was_not_asked_gives_its_units_back_where_the_rules_say_so():
    service = replace(open_order(location=5, l1=2), is_third_party=True)
    moves = rules(third_party="move", other_warehouse="keep")
    move = (MoveFulfillmentOrder(KEY, 100, HOME, {1001: 2}),)
    assert plan([slip(l1=2)], shop(service), applied=moves).steps == move
    incomplete = replace(service, status="INCOMPLETE", actions=frozenset({"MOVE"}))
    assert plan([slip(l1=2)], shop(incomplete), applied=moves).steps == move
    (own,) = plan([slip(l1=1)], shop(service, open_order(110, l1=1)), applied=moves).steps
    assert own.orders == {110: {1101: 1}}

    def told(order, applied=moves, **which):
        found = plan([slip(l1=2, **which)], shop(order), applied=applied)
        assert found.steps == ()
        return [each.code for each in found.findings]

    assert told(service, applied=EU) == ["SHIPPED_AT_THIRD_PARTY"]
    assert told(replace(service, is_requested=True)) == ["SHIPPED_AT_THIRD_PARTY"]
    assert told(replace(service, actions=frozenset({"CREATE_FULFILLMENT"}))) == ["SHIPPED_AT_THIRD_PARTY"]
    assert told(replace(service, status="CLOSED", is_requested=False)) == ["SHIPPED_AT_THIRD_PARTY"]
    assert told(replace(service, method="NONE")) == ["SHIPPED_MORE_THAN_OPEN"]
    assert "SHIPPED_AT_THIRD_PARTY" in told(service, warehouse="NOWHERE")


def test_a_slip_of_which_shopify_refused_a_step_gets_no_other():
    smaller, grown, late = slip("PS1", l1=1), slip("PS2", l1=2), slip("PS3", tracking=[PARCEL], l2=1)
    one, its = shown(smaller, number=500, l1=2)
    two, further = shown(grown, number=501, l1=1)
    three, last = shown(late, number=502, tracking=(), l2=1)
    sent, has = [one, two, three], shop(open_order(l1=5), fulfillments=[its, further, last])

    def steps(refused):
        by_key = {each.key: each for each in sent}
        slips = [smaller, grown, late]
        written = LINES.keys()
        found = plan_shipments(slips, by_key, has, EU, line_ids=LINES, written=written, now=NOON, refused=refused)
        return [type(step).__name__ for step in found.steps]

    assert steps([]) == ["CancelFulfillment"]
    assert steps([one.key]) == ["CreateFulfillment"]
    assert steps([one.key, two.key]) == ["UpdateTracking"]
    assert steps([one.key, two.key, three.key]) == []


def test_carriers_are_named_as_shopify_spells_them():
    named = rules(carriers=({"carrier": "dhl", "company": "DHL Express"}, {"company": "UPS"}))
    (step,) = plan([slip(tracking=[PARCEL], l1=1)], shop(open_order(l1=1)), applied=named).steps
    assert (step.company, step.tracking) == ("DHL Express", (PARCEL,))
    own = rules(carriers=({"company": "Fietskoerier", "url": "https://fiets.example/{number}"},))
    (step,) = plan([slip(tracking=[PARCEL], l1=1)], shop(open_order(l1=1)), applied=own).steps
    assert step.tracking == (Tracking("JJD0001", "https://fiets.example/JJD0001"),)


def test_an_attempt_whose_answer_was_lost_is_recognized_by_its_units():
    intended = SentSlip(key=KEY, intent={1: 2}, seen=(7,), tells=True)
    old, made = sent_by_others(7, l1=2), sent_by_others(8, l1=2)
    part = SentPart(fulfillment_id=8, units={1: 2}, tracking=(PARCEL,))
    assert adopt(intended, [old, made], (PARCEL,)) == SentSlip(key=KEY, parts=(part,), is_told=True)
    assert adopt(intended, [old], (PARCEL,)) == SentSlip(key=KEY)
    assert adopt(intended, [old, sent_by_others(8, l1=1)], (PARCEL,)) == SentSlip(key=KEY)
    assert adopt(replace(intended, is_told=True), [old], (PARCEL,)) == SentSlip(key=KEY, is_told=True)
    assert adopt(SentSlip(key=KEY, is_told=True), [made], (PARCEL,)) == SentSlip(key=KEY, is_told=True)


def collected(number=100, **parts):
    return replace(open_order(number, **parts), method="PICK_UP")


def test_goods_to_pick_up_stay_where_the_buyer_comes_and_write_to_nobody():
    found = plan([slip(tracking=[PARCEL], l1=2)], shop(collected(location=99, l1=2)), applied=rules(notify="always"))
    (step,) = found.steps
    assert isinstance(step, CreateFulfillment)
    assert (step.orders, step.is_told) == ({100: {1001: 2}}, False)


def test_the_notice_is_about_what_is_sent_of_a_slip():
    seen = shop(collected(location=99, l1=2), open_order(101, l1=1))
    found = plan([slip(l1=3)], seen, applied=rules(notify="always", other_warehouse="keep"))
    assert [(step.units, step.is_told) for step in found.steps] == [({1: 1}, True), ({1: 2}, False)]
    found = plan(
        [slip(l1=3)],
        shop(collected(l1=2), open_order(101, location=99, l1=1)),
        applied=rules(notify="always", other_warehouse="keep"),
    )
    assert [(step.units, step.is_told) for step in found.steps] == [({1: 2}, False), ({1: 1}, True)]


def test_what_the_buyer_picks_up_waits_for_no_tracking_number():
    waiting = rules(waits=({"minutes": 60},))
    found = plan([slip(l1=2)], shop(collected(l1=2)), applied=waiting, now=NOON - timedelta(hours=1))
    assert (len(found.steps), found.wait_until) == (1, None)
    found = plan(
        [slip(l1=2)], shop(collected(l1=1), open_order(101, l1=1)), applied=waiting, now=NOON - timedelta(hours=1)
    )
    assert (found.steps, found.wait_until) == ((), NOON + timedelta(hours=1))


def test_by_rule_staff_hand_over_what_the_buyer_picks_up():
    by_staff = rules(collected="staff", other_warehouse="keep")
    seen = shop(collected(l1=2), open_order(101, l1=1))
    assert plan([slip(l1=2)], shop(collected(l1=2)), applied=by_staff) == plan([], shop())
    (step,) = plan([slip(l1=1), slip("PS2", minutes=1, l1=2)], seen, applied=by_staff).steps
    assert (step.key, step.orders) == ("SN1/PS2/2026-11-27", {101: {1011: 1}})
    ended = shop(replace(collected(l1=0), status="CLOSED"), fulfillments=[sent_by_others(l1=2)])
    assert plan([slip(l1=2)], ended, applied=by_staff) == plan([], shop())
