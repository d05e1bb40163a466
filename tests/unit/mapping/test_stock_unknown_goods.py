"""What an edit added to an order, by what Shopify has and by what F&O last got."""

from __future__ import annotations

import json

import pytest

from shared.mapping.stock.unknown import AddedUnits, added_units
from shared.model import OrderedGoods, OrderedLine, Sale

HEADER = {"delivery_address": "x"}


def line(number, item, ordered, left=None):
    return OrderedLine(number, item, ordered, ordered if left is None else left)


def got(**quantities):
    """Line -> what F&O last got of it; None where that is not known."""
    known = {
        f"products:{name[1:]}": json.dumps({} if units is None else {"quantity": units})
        for name, units in quantities.items()
    }
    return HEADER | known


def added(goods, fingerprints, *, parked=(), is_recent=False):
    return added_units(goods, fingerprints, parked=parked, is_recent=is_recent)


@pytest.mark.parametrize(
    ("located", "location"),
    [
        ([Sale(101, 7, 5)], 7),
        ([Sale(101, 7, 2), Sale(101, 7, 3)], 7),
        ([Sale(101, 7, 2), Sale(101, 8, 3)], None),
        ([Sale(101, 7, 2)], None),
        ([], None),
    ],
    ids=["one location", "two fulfilment orders", "two locations", "not routed yet", "not routed at all"],
)
def test_more_units_count_at_their_location_if_there_is_only_one(located, location):
    goods = OrderedGoods((line(1, 101, 5),), tuple(located))
    assert added(goods, got(_1="2")) == AddedUnits((Sale(101, location, 3),))


def test_a_new_line_counts_whole():
    goods = OrderedGoods((line(1, 101, 2), line(2, 102, 4)))
    assert added(goods, got(_1="2")) == AddedUnits((Sale(102, None, 4),))


def test_of_an_item_on_two_lines_the_sum_counts():
    goods = OrderedGoods((line(1, 101, 2, left=0), line(2, 101, 3)))
    assert added(goods, got(_1="2")) == AddedUnits((Sale(101, None, 1),))


@pytest.mark.parametrize("units", [2, 1])
def test_units_that_were_removed_or_not_changed_add_nothing(units):
    assert added(OrderedGoods((line(1, 101, 2, left=units),)), got(_1="2")) == AddedUnits()


def test_units_that_were_shipped_and_came_back_do_not_hide_added_ones():
    """Of five, two came back; then one more was added."""
    goods = OrderedGoods((line(1, 101, 6, left=4),), (Sale(101, 7, 5), Sale(101, 7, 1)))
    assert added(goods, got(_1="5")) == AddedUnits((Sale(101, 7, 1),))


def test_removed_units_count_where_the_order_changed_a_moment_ago():
    goods = OrderedGoods((line(1, 101, 4, left=2),), (Sale(101, 7, 2),))
    assert added(goods, got(_1="2"), is_recent=True) == AddedUnits((Sale(101, None, 2),))


def test_what_is_subtracted_already_does_not_count_again():
    goods = OrderedGoods((line(1, 101, 5), line(2, 102, 1)))
    assert added(goods, got(_1="2"), parked=[Sale(101, 7, 2), Sale(102, None, 3)]) == AddedUnits((Sale(101, None, 1),))


def test_an_order_that_fo_does_not_have_counts_whole():
    assert added(OrderedGoods((line(1, 101, 5),)), None, parked=[Sale(101, 7, 2)]) == AddedUnits((Sale(101, None, 3),))


def test_an_item_is_unclear_where_one_of_its_lines_is():
    goods = OrderedGoods((line(1, 101, 5), line(2, 101, 1), line(3, 102, 2)))
    assert added(goods, got(_1=None, _2="1")) == AddedUnits((Sale(102, None, 2),), frozenset({101}))


def test_without_any_record_of_what_fo_got_all_that_is_left_is_unclear():
    goods = OrderedGoods((line(1, 101, 5), line(2, 102, 1, left=0)))
    assert added(goods, {}) == AddedUnits((), frozenset({101}))
