"""When the buyer is told that goods can be picked up."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from types import SimpleNamespace

import pytest

from shared.mapping.shipments.pick_up import (
    delivered_by_lot,
    is_collected,
    needs_picked,
    open_at_counter,
    plan_pick_up,
    ready_units,
    remember_picked,
    settle_told,
)
from shared.model import FoStatus, Fulfillment, FulfillmentOrder, ParcelLine, PickUp, ShopShipments
from tests.builders.sales import EU, with_rules

PICKED = with_rules(EU, shipments={"pick_up": "picked"})
SLIPPED = with_rules(EU, shipments={"pick_up": "packing_slip"})


def part(number=100, *, status="OPEN", method="PICK_UP", service=False, holds=(), **remaining):
    """The lines are l1=2: two units of order line 1 remain."""
    lines = tuple(ParcelLine(number * 10 + int(name[1:]), int(name[1:]), left) for name, left in remaining.items())
    return FulfillmentOrder(
        id=number,
        status=status,
        location_id=1,
        actions=frozenset(),
        lines=lines,
        method=method,
        is_third_party=service,
        holds=holds,
    )


def shop(*parts, fulfilled=None, cancelled=None):
    sent = [Fulfillment(id=1, is_active=True, units=fulfilled or {})]
    sent += [Fulfillment(id=2, is_active=False, units=cancelled or {})]
    return ShopShipments(orders=parts, fulfillments=tuple(sent))


def plan(seen, ready, known=None, *, applied=PICKED, left=None):
    return plan_pick_up(seen, ready, known or PickUp(), applied, left=left or {})


def told(seen, ready, known=None, **other):
    return dict(plan(seen, ready, known, **other).tell)


def codes(seen, ready, known=None, **other):
    return [(each.code, int(each.details["units"])) for each in plan(seen, ready, known, **other).findings]


def test_the_buyer_is_told_of_a_fulfilment_order_once_all_of_it_is_ready():
    seen = shop(part(l1=2, l2=1))
    assert told(seen, {1: 2}) == told(seen, {1: 1, 2: 1}) == told(seen, {}) == {}
    assert told(seen, {1: 2, 2: 1}) == {100: {1: 2, 2: 1}}
    assert told(seen, {1: 2, 2: 1}, PickUp(told={100: {1: 2, 2: 1}})) == {}


def test_what_has_left_and_is_fulfilled_counts_as_ready_once():
    seen = shop(part(l1=2), fulfilled={1: 1}, cancelled={1: 5})
    assert told(seen, {1: 2}) == {}
    assert told(seen, {1: 3}) == {100: {1: 2}}


def test_a_line_of_several_fulfilment_orders_is_ready_as_a_whole():
    seen = shop(part(l1=1), part(101, l1=2), part(102, method="SHIPPING", l1=1), part(103, l2=1))
    assert told(seen, {1: 3, 2: 1}) == {103: {2: 1}}
    assert told(seen, {1: 4}) == {100: {1: 1}, 101: {1: 2}}


def test_a_fulfilment_order_of_a_counter_of_a_service_or_an_ended_one_is_left_alone():
    for other in (
        part(method="RETAIL", l1=1),
        part(method="NONE", l1=1),
        part(method="SHIPPING", l1=1),
        part(service=True, l1=1),
        part(status="CLOSED", l1=1),
        part(status="CANCELLED", l1=1),
        part(status="SCHEDULED", l1=1),
        part(l1=0),
    ):
        assert (told(shop(other), {1: 1}), codes(shop(other), {1: 1})) == ({}, [])
    assert told(shop(part(status="IN_PROGRESS", l1=1)), {1: 1}) == {100: {1: 1}}


def test_what_is_on_hold_is_told_to_staff_when_it_is_ready():
    seen = shop(part(status="ON_HOLD", holds=((1, "Other"), (2, "Incorrect address")), l1=2))
    assert codes(seen, {1: 1}) == []
    (finding,) = plan(seen, {1: 2}).findings
    assert finding.code == "READY_ON_HOLD"
    assert finding.details["reasons"] == "Other, Incorrect address"
    assert (finding.details["units"], finding.details["fulfillment_order"]) == ("2", "100")
    assert told(seen, {1: 2}) == {}
    assert codes(seen, {1: 2}, PickUp(told={100: {1: 2}})) == []


def test_units_that_were_told_are_not_told_again_in_another_fulfilment_order():
    """A cancelled fulfilment leaves a new one."""
    seen = shop(part(101, l1=3))
    assert told(seen, {1: 3}, PickUp(told={100: {1: 3}})) == {}
    assert told(seen, {1: 3}, PickUp(told={100: {1: 2}})) == {101: {1: 3}}


def test_what_was_told_and_is_not_ready_any_more_is_told_to_staff():
    known = PickUp(told={100: {1: 3}})
    assert codes(shop(part(l1=3)), {1: 1}, known) == [("READY_TAKEN_BACK", 2)]
    assert codes(shop(part(l1=3)), {1: 3}, known) == []
    assert codes(shop(part(l1=2)), {1: 2}, known) == []  # a unit was removed from the order
    assert codes(shop(part(l1=2), fulfilled={1: 1}), {}, known) == [("READY_TAKEN_BACK", 3)]
    assert codes(shop(part(l1=1, l2=1)), {1: 1}, known) == []  # nobody was told of line 2


def test_nobody_is_told_of_goods_that_the_buyer_has():
    seen, ready = shop(part(l1=2)), {1: 2}
    assert told(seen, ready, left={1: 2}) == {}
    assert told(seen, ready, left={1: 1}) == {100: {1: 2}}
    assert told(seen, ready, left={1: 2}, applied=SLIPPED) == {100: {1: 2}}
    by_staff = with_rules(PICKED, shipments={"pick_up": "picked", "collected": "staff"})
    assert told(seen, ready, left={1: 2}, applied=by_staff) == {100: {1: 2}}


def line(lot, *, remaining, order="SN1"):
    return SimpleNamespace(lot=lot, order=order, remaining=Decimal(remaining), is_open=bool(remaining))


def fo(status, *lines, number="SN1"):
    return SimpleNamespace(headers=(SimpleNamespace(number=number, status=status),), lines=lines)


def test_what_is_open_when_the_order_is_picked_is_picked():
    seen = fo(FoStatus.PICKED, line("L1", remaining=2), line("L2", remaining=0), line("L3", remaining=1))
    assert remember_picked({}, seen, {"L1": Decimal(1)}) == {"L1": 3, "L3": 1}


def test_what_is_added_to_a_picked_order_is_not_picked():
    known = {"L1": Decimal(2)}
    assert remember_picked(known, fo(FoStatus.PICKED, line("L1", remaining=3), line("L2", remaining=1)), {}) == known


@pytest.mark.parametrize("status", [FoStatus.OPEN, FoStatus.CONFIRMED])
def test_an_order_that_is_not_picked_any_more_is_forgotten_and_others_are_not(status):
    known = {"L1": Decimal(2), "OTHER": Decimal(1)}
    assert remember_picked(known, fo(status, line("L1", remaining=2)), {}) == {"OTHER": 1}


@pytest.mark.parametrize("status", [FoStatus.PARTLY_DELIVERED, FoStatus.DELIVERED, FoStatus.INVOICED])
def test_what_was_picked_stays_so_when_a_part_has_left(status):
    known = {"L1": Decimal(2)}
    assert remember_picked(known, fo(status, line("L1", remaining=1)), {"L1": Decimal(1)}) == known


def test_a_further_sales_order_is_picked_by_itself():
    header = SimpleNamespace
    seen = SimpleNamespace(
        headers=(header(number="SN1", status=FoStatus.OPEN), header(number="SN1B", status=FoStatus.PICKED)),
        lines=(line("L1", remaining=1), line("L2", remaining=1, order="SN1B")),
    )
    assert remember_picked({}, seen, {}) == {"L2": 1}


def test_ready_is_what_left_and_what_is_picked_beyond_it_and_still_open():
    lots = {"L1": 1, "L2": 1, "L3": 2}
    delivered = {"L1": Decimal(1), "CHARGE": Decimal(1)}
    seen = fo(
        FoStatus.PICKED,
        line("L1", remaining=2),
        line("L2", remaining=1),
        line("L3", remaining=1),
        line("CHARGE", remaining=1),
    )
    assert ready_units(delivered, lots) == {1: 1, 2: 0}
    assert ready_units(delivered, lots, seen) == {1: 1, 2: 0}
    picked = {"L1": Decimal(3), "L2": Decimal(4), "CHARGE": Decimal(2)}
    assert ready_units(delivered, lots, seen, picked) == {1: 4, 2: 0}
    assert ready_units({"L1": Decimal(2)}, lots, seen, {"L1": Decimal(1)}) == {1: 2, 2: 0}
    assert ready_units({"L1": Decimal("1.5")}, lots) == {1: 1, 2: 0}


def test_units_of_slips_are_added_by_lot():
    slips = [SimpleNamespace(units={"L1": Decimal(2)}), SimpleNamespace(units={"L1": Decimal(-1), "L2": Decimal(1)})]
    assert delivered_by_lot(slips) == {"L1": 1, "L2": 1}


def test_fo_is_asked_what_is_picked_while_something_waits_at_the_counter():
    assert open_at_counter(shop(part(l1=2), part(101, method="SHIPPING", l2=1), part(102, l1=1))) == {1: 3}
    assert needs_picked(shop(part(l1=1)), PICKED)
    assert not needs_picked(shop(part(method="SHIPPING", l1=1)), PICKED)
    assert not needs_picked(shop(part(l1=1)), SLIPPED)


def test_only_a_parcel_that_is_picked_up_as_a_whole_needs_no_notice():
    assert is_collected([part(), part(101)])
    assert not is_collected([part(), part(101, method="SHIPPING")])


def test_an_attempt_whose_fulfilment_order_has_ended_counts_as_told():
    known = PickUp(told={99: {1: 1}}, telling={100: {1: 2}, 101: {2: 1}})
    settled = settle_told(known, shop(part(l1=0), part(101, l2=1)))
    assert settled == replace(known, told={99: {1: 1}, 100: {1: 2}}, telling={101: {2: 1}})
    assert settle_told(settled, shop(part(101, l2=1))) == settled
