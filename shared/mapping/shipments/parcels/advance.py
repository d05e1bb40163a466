"""What Shopify has of an order after a step whose result is known, so that it need not be read again."""

from __future__ import annotations

from dataclasses import replace

from shared.mapping.shipments.parcels.steps import CreateFulfillment, UpdateTracking
from shared.model import Fulfillment, FulfillmentOrder, ShopShipments


def with_fulfillment(shop: ShopShipments, step: CreateFulfillment, fulfillment_id: int) -> ShopShipments:
    """After the fulfilment was made: its units remain no more."""
    made = Fulfillment(id=fulfillment_id, is_active=True, units=step.units, tracking=step.tracking)
    orders = tuple(_without(order, step) for order in shop.orders)
    return replace(shop, orders=orders, fulfillments=(*shop.fulfillments, made))


def _without(order: FulfillmentOrder, step: CreateFulfillment) -> FulfillmentOrder:
    sent = step.orders.get(order.id, {})
    return replace(
        order, lines=tuple(replace(line, remaining=line.remaining - sent.get(line.id, 0)) for line in order.lines)
    )


def with_tracking(shop: ShopShipments, step: UpdateTracking) -> ShopShipments:
    """After the fulfilment got its numbers."""
    return replace(
        shop,
        fulfillments=tuple(
            replace(each, tracking=step.tracking) if each.id == step.part.fulfillment_id else each
            for each in shop.fulfillments
        ),
    )
