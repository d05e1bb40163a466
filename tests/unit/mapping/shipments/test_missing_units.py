"""Which units F&O gave up, and which of them the buyer waits for."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from shared.mapping.shipments.given_up import given_up_units, missing_units, open_units
from shared.model import Fulfillment, FulfillmentOrder, PackingSlip, ParcelLine, SalesLineState, ShopShipments

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
LINES = {"A": 1, "B": 2, "C": 1}


def line(lot="A", ordered=3, remaining=0, to_invoice=0, *, invoiced=False):
    return SalesLineState(
        sales_order="SN1",
        reference="",
        lot=lot,
        ordered=Decimal(ordered),
        remaining=Decimal(remaining),
        to_invoice=Decimal(to_invoice),
        is_invoiced=invoiced,
        modified_at=NOON,
    )


def slip(**units):
    return PackingSlip(
        sales_order="SN1",
        number="PS1",
        day="2026-11-27T12:00:00Z",
        warehouse="AMS",
        carrier="",
        delivery_mode="",
        created_at=NOON,
        units={lot: Decimal(str(count)) for lot, count in units.items()},
    )


def shop(status="OPEN", sent=(), *, active=True, **remaining):
    lines = tuple(ParcelLine(at, LINES[lot], count) for at, (lot, count) in enumerate(remaining.items()))
    order = FulfillmentOrder(id=1, status=status, location_id=1, actions=frozenset(), lines=lines)
    return ShopShipments(
        orders=(order,), fulfillments=(Fulfillment(id=2, is_active=active, units=dict(sent)),) if sent else ()
    )


@pytest.mark.parametrize(
    ("progress", "slips", "expected"),
    [
        (line(remaining=3), [], {}),
        (line(remaining=2), [], {"A": 1}),
        (line(), [], {"A": 3}),
        (line(), [slip(A=2)], {"A": 1}),
        (line(), [slip(A=2), slip(A=1)], {}),
        (line(), [slip(A=5)], {}),
        (line(remaining=1), [slip(A=3), slip(A=-2)], {"A": 1}),
        (line(remaining=2), [slip(A=0)], {"A": 1}),
        (line(invoiced=True), [], {}),
        (line(invoiced=True), [slip(A=2)], {"A": 1}),
        (line(invoiced=True), [slip(B=2)], {}),
        (line("SERVICE"), [], {}),
    ],
)
def test_given_up_is_what_neither_remains_nor_left(progress, slips, expected):
    assert given_up_units([progress], slips, LINES) == {lot: Decimal(units) for lot, units in expected.items()}


@pytest.mark.parametrize(
    ("progress", "slips", "in_shopify", "expected"),
    [
        ([line(remaining=2)], [], shop(A=3), {1: 1}),
        ([line(remaining=2)], [], shop(A=2), {}),
        ([line()], [], shop(A=2), {1: 2}),
        ([line()], [slip(A=2)], shop(A=3), {1: 1}),
        ([line()], [slip(A=2)], shop(A=1, sent={1: 2}), {1: 1}),
        ([line()], [slip(A=2)], shop(A=1, sent={1: 2}, active=False), {}),
        ([line()], [slip(A=2)], shop(sent={1: 3}), {}),
        ([line(remaining=1)], [slip(A=1)], shop(A=2, sent={1: 1}), {1: 1}),
        ([line()], [], shop("CLOSED", A=3), {}),
        ([line()], [], shop("ON_HOLD", A=3), {1: 3}),
        ([line(ordered=2), line("C", ordered=1, remaining=1)], [], shop(A=3), {1: 2}),
        ([line(ordered=2), line("C", ordered=1, remaining=1)], [], shop(A=1), {}),
        ([line(), line("B", ordered=1)], [], shop(A=3, B=1), {1: 3, 2: 1}),
    ],
)
def test_missing_is_what_shopify_has_open_and_f_o_has_no_units_for(progress, slips, in_shopify, expected):
    given_up = given_up_units(progress, slips, LINES)
    assert missing_units(given_up, progress, slips, in_shopify, LINES) == expected


def test_a_part_of_a_unit_is_no_unit():
    progress = [line(remaining=1.5)]
    assert missing_units(given_up_units(progress, [], LINES), progress, [], shop(A=3), LINES) == {1: 1}


def test_open_is_what_is_to_be_sent_yet():
    assert open_units(shop(A=2, B=0)) == {1: 2, 2: 0}
    assert open_units(shop("CANCELLED", A=2)) == {}
