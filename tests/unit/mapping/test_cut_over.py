"""Orders from before the go-live, and orders that were fulfilled before F&O had them."""

from datetime import UTC, date, datetime

import pytest

from shared.errors import RefusedError
from shared.mapping.cut_over import (
    is_before_first_day,
    is_finished,
    is_held_as_fulfilled,
    refuse_already_fulfilled,
    refuse_before_first_day,
    units_already_fulfilled,
)
from shared.model import DeliveryMethod, Order, OrderState, Risk
from tests.builders.sales import EU, line, order, with_rules

AMSTERDAM = with_rules(EU, orders={"first_day": date(2026, 11, 2)})
HELD = with_rules(EU, orders={"already_fulfilled": "hold"})


def state(one: Order, shipped: dict[int, int], delivery: DeliveryMethod | None = None) -> OrderState:
    return OrderState(order=one, refunds=(), transactions=None, risk=Risk.NONE, shipped=shipped, delivery=delivery)


def test_the_first_day_begins_at_midnight_in_the_stores_time_zone():
    late = order(line(), created_at=datetime(2026, 11, 1, 22, 59, tzinfo=UTC))
    early = order(line(), created_at=datetime(2026, 11, 1, 23, 0, tzinfo=UTC))
    assert is_before_first_day(late, AMSTERDAM)
    assert not is_before_first_day(early, AMSTERDAM)
    assert not is_before_first_day(late, with_rules(EU, orders={"first_day": None}))


def test_an_older_order_is_refused_with_the_command_that_brings_it():
    old = order(line(), created_at=datetime(2025, 3, 3, 9, tzinfo=UTC))
    with pytest.raises(RefusedError) as refused:
        refuse_before_first_day(old, AMSTERDAM)
    assert refused.value.code == "ORDER_BEFORE_FIRST_DAY"
    assert f"bring nordlys {old.id}" in refused.value.next_step
    refuse_before_first_day(order(line()), AMSTERDAM)


def test_goods_that_shopify_shows_as_fulfilled_are_never_asked_to_be_shipped_again():
    sent = state(order(line(1, quantity=3), line(2)), {1: 2})
    assert units_already_fulfilled(sent) == {1: 2}
    with pytest.raises(RefusedError) as refused:
        refuse_already_fulfilled(sent, EU)
    assert refused.value.code == "ALREADY_FULFILLED"
    assert "2 x TENT-2P" in refused.value.cause
    assert not is_held_as_fulfilled(sent, EU)


def test_the_rules_may_hold_what_is_fulfilled():
    sent = state(order(line(1)), {1: 1})
    refuse_already_fulfilled(sent, HELD)
    assert is_held_as_fulfilled(sent, HELD)
    assert not is_held_as_fulfilled(state(order(line(1)), {}), HELD)


@pytest.mark.parametrize(
    "sold",
    [
        state(order(line(1), location_id=71001001, shipping_address=None), {1: 1}),
        state(order(line(1)), {1: 1}, DeliveryMethod.RETAIL),
        state(order(line(1, requires_shipping=False)), {1: 1}),
        state(order(line(1)), {}),
    ],
)
def test_what_is_fulfilled_when_it_is_sold_is_booked(sold):
    assert units_already_fulfilled(sold) == {}
    refuse_already_fulfilled(sold, EU)


def test_units_that_were_given_back_since_are_not_counted():
    assert units_already_fulfilled(state(order(line(1, quantity=1)), {1: 3, 9: 2})) == {1: 1}


def test_an_order_is_finished_once_all_its_goods_are_fulfilled():
    assert is_finished(state(order(line(1, quantity=2), line(2, requires_shipping=False)), {1: 2}))
    assert not is_finished(state(order(line(1, quantity=2)), {1: 1}))
    assert is_finished(state(order(line(1), location_id=71001001, shipping_address=None), {}))
