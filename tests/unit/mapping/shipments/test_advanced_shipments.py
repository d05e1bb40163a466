"""What Shopify has after a step whose result is known."""

from __future__ import annotations

from shared.mapping.shipments.parcels.advance import with_fulfillment, with_tracking
from shared.mapping.shipments.parcels.steps import CreateFulfillment, UpdateTracking
from shared.model import Fulfillment, FulfillmentOrder, ParcelLine, SentPart, ShopShipments, Tracking

PARCEL = Tracking("JJD0001")


def order(number: int, *lines: ParcelLine) -> FulfillmentOrder:
    return FulfillmentOrder(id=number, status="OPEN", location_id=1, actions=frozenset({"MOVE"}), lines=lines)


def test_units_of_a_fulfilment_remain_no_more_and_all_else_stays() -> None:
    before = ShopShipments(
        orders=(order(100, ParcelLine(1, 11, 3), ParcelLine(2, 12, 1)), order(200, ParcelLine(1, 11, 3))),
        fulfillments=(Fulfillment(id=8, is_active=False, units={11: 1}),),
        is_cancelled=True,
    )
    step = CreateFulfillment(
        key="SN1/PS1", orders={100: {1: 2}}, units={11: 2}, tracking=(PARCEL,), company="DHL", is_told=True
    )
    assert with_fulfillment(before, step, 9) == ShopShipments(
        orders=(order(100, ParcelLine(1, 11, 1), ParcelLine(2, 12, 1)), order(200, ParcelLine(1, 11, 3))),
        fulfillments=(
            Fulfillment(id=8, is_active=False, units={11: 1}),
            Fulfillment(id=9, is_active=True, units={11: 2}, tracking=(PARCEL,)),
        ),
        is_cancelled=True,
    )


def test_a_fulfilment_has_its_new_numbers() -> None:
    one, other = (Fulfillment(id=number, is_active=True, units={11: 1}) for number in (8, 9))
    step = UpdateTracking("SN1/PS1", SentPart(fulfillment_id=9, units={11: 1}), (PARCEL,), "DHL", is_told=True)
    after = with_tracking(ShopShipments(orders=(), fulfillments=(one, other)), step)
    assert [each.tracking for each in after.fulfillments] == [(), (PARCEL,)]
