"""Which fulfilments in Shopify are not the app's, and whether F&O would send their goods again."""

from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace

import pytest

from shared.mapping.shipments.by_staff import note_of, units_by_others, would_send_again
from shared.mapping.shipments.parcels.lines import line_ids_of
from shared.model import DeliveryMethod, OrderState, Risk, SentPart, SentSlip
from tests.builders.sales import line, order

SALE = order(line(1, quantity=3, sku="BAG"), line(2, quantity=1, sku="", title="Map"))


def state(parcels, *, sale=SALE, **other):
    shipped = {}
    for units in parcels.values():
        for line_id, count in units.items():
            shipped[line_id] = shipped.get(line_id, 0) + count
    return OrderState(
        order=sale, refunds=(), transactions=None, risk=Risk.NONE, shipped=shipped, parcels=parcels, **other
    )


def test_what_the_app_made_is_its_own():
    ours = SentSlip(key="A", parts=(SentPart(fulfillment_id=10, units={1: 2}),))
    assert units_by_others(state({10: {1: 2}}), [ours]) == {}
    assert units_by_others(state({10: {1: 2}, 11: {1: 1, 2: 1}}), [ours]) == {1: 1, 2: 1}
    assert units_by_others(state({10: {1: 2}}), []) == {1: 2}


def test_what_the_app_may_be_making_is_its_own_by_its_units():
    making = SentSlip(key="A", intent={1: 2}, seen=(9,))
    assert units_by_others(state({10: {1: 2}}), [making]) == {}
    assert units_by_others(state({10: {1: 1}}), [making]) == {1: 1}
    assert units_by_others(state({9: {1: 2}}), [making]) == {1: 2}


def test_goods_that_are_not_sent_do_not_count():
    download = order(line(1, quantity=3, requires_shipping=False))
    assert units_by_others(state({10: {1: 3}}, sale=download), []) == {}
    assert units_by_others(state({10: {1: 3}}, delivery=DeliveryMethod.RETAIL), []) == {}
    assert units_by_others(state({10: {1: 3, 7: 1}}), []) == {1: 3}


def test_no_more_counts_than_the_order_still_has():
    assert units_by_others(state({10: {1: 3}}, sale=order(line(1, quantity=2))), []) == {1: 2}


def fo(*lines):
    return SimpleNamespace(
        lines=tuple(SimpleNamespace(lot=lot, done=Decimal(done), is_open=bool(left)) for lot, done, left in lines)
    )


@pytest.mark.parametrize(
    ("lines", "again"),
    [
        ([("L1", 0, 3)], True),
        ([("L1", 1, 2)], True),
        ([("L1", 2, 1)], False),
        ([("L1", 1, 1), ("L1B", 1, 0)], False),
        ([("L1", 1, 0), ("L1B", 0, 1)], True),
        ([("L1", 1, 0)], False),
        ([("OTHER", 0, 3)], False),
        ([], False),
    ],
)
def test_fo_would_send_again_what_it_has_open_and_did_not_deliver(lines, again):
    seen = state({10: {1: 2}})
    assert would_send_again(seen, {1: 2}, fo(*lines), {"L1": 1, "L1B": 1}) is again


def test_lines_that_others_did_not_fulfil_do_not_count():
    assert not would_send_again(state({10: {1: 2}}), {2: 1}, fo(("L1", 0, 3)), {"L1": 1})


def test_the_note_names_the_goods():
    assert note_of({1: 2, 2: 1}, SALE) == "fulfilled in Shopify by others than the app: 2 x BAG, 1 x Map"
    assert note_of({}, SALE) == "fulfilled in Shopify by others than the app: nothing any more"


def test_charges_stand_for_no_order_line():
    sources = {"L1": "products:1", "L2": "shipping:7", "L3": "custom lines:3", "L4": "gift cards:4", "L5": "tips:5"}
    assert line_ids_of(sources) == {"L1": 1, "L3": 3}
