import pytest

from shared.mapping.shopify.graphql import read_delivery
from shared.model import DeliveryMethod


def fulfilment_order(method: str | None, location: int | None = 1, status: str = "OPEN") -> dict:
    return {
        "status": status,
        "deliveryMethod": method and {"methodType": method},
        "assignedLocation": {"location": location and {"id": f"gid://shopify/Location/{location}"}},
    }


@pytest.mark.parametrize("method", list(DeliveryMethod))
def test_the_one_method_of_an_order_is_its_own_with_its_location(method):
    assert read_delivery([fulfilment_order(method.value, 7)]) == (method, 7)


def test_an_order_that_is_not_routed_yet_has_no_method():
    assert read_delivery([]) == (None, None)
    assert read_delivery([fulfilment_order("PICK_UP", status="CANCELLED")]) == (None, None)


def test_downloads_beside_goods_do_not_count():
    assert read_delivery([fulfilment_order("NONE", 1), fulfilment_order("PICK_UP", 2)]) == (DeliveryMethod.PICK_UP, 2)


def test_goods_that_are_picked_up_at_two_locations_or_only_in_part_have_no_one_location():
    two = [fulfilment_order("PICK_UP", 1), fulfilment_order("PICK_UP", 2)]
    part = [fulfilment_order("PICK_UP", 1), fulfilment_order("SHIPPING", 1)]
    assert read_delivery(two) == read_delivery(part) == (DeliveryMethod.PICK_UP, None)


def test_other_mixed_methods_and_methods_that_are_not_given_are_shipping():
    assert read_delivery([fulfilment_order("LOCAL"), fulfilment_order("SHIPPING")]) == (DeliveryMethod.SHIPPING, None)
    assert read_delivery([fulfilment_order(None)]) == (DeliveryMethod.SHIPPING, 1)
    assert read_delivery([fulfilment_order("DRONE")]) == (DeliveryMethod.SHIPPING, 1)


def test_a_location_that_is_deleted_is_none():
    assert read_delivery([fulfilment_order("PICK_UP", None)]) == (DeliveryMethod.PICK_UP, None)


def test_what_is_closed_counts_once_nothing_is_open():
    closed = fulfilment_order("SHIPPING", 1, "CLOSED")
    assert read_delivery([closed, fulfilment_order("PICK_UP", 2)]) == (DeliveryMethod.PICK_UP, 2)
    assert read_delivery([closed]) == (DeliveryMethod.SHIPPING, 1)
