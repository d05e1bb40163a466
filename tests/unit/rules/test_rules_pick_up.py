"""Whether a store's orders may be picked up, and by which modes of delivery F&O tells them."""

import pytest

from tests.builders.sales import EU, with_rules

STANDARD = {"title": "*", "delivery_mode": "STD"}
COUNTER = {"title": "Counter*", "delivery_mode": "10", "pick_up_at": 71001001}


def store(pick_up=None, *shipping, told="picked"):
    delivery = {} if pick_up is None else {"delivery": {"pick_up": pick_up}}
    return with_rules(EU, orders=delivery, shipping=(*shipping, STANDARD), shipments={"pick_up": told})


@pytest.mark.parametrize(
    ("rules", "asks", "modes"),
    [
        (store(), False, frozenset()),
        (store({"delivery_mode": "EXPR"}), True, {"EXPR"}),
        (store({}), True, None),
        (store(None, COUNTER), True, {"10"}),
        (store({"delivery_mode": "EXPR"}, COUNTER), True, {"EXPR", "10"}),
        (store({}, COUNTER), True, None),
        (store({"delivery_mode": "EXPR"}, told="packing_slip"), False, {"EXPR"}),
        (store({"delivery_mode": "EXPR"}, told="never"), False, {"EXPR"}),
    ],
)
def test_fo_is_asked_what_is_picked_only_of_orders_to_pick_up(rules, asks, modes):
    assert rules.tells_when_picked is asks
    assert rules.pick_up_modes == modes
