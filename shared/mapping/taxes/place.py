"""Where an order is delivered, and where it is taxed. The two differ for a sale at a point of sale."""

from __future__ import annotations

from shared.errors import ErrorCode, RefusedError
from shared.mapping.personal_data import withheld
from shared.model import Address, DeliveryMethod, Order, OrderRecord, Place
from shared.rules import StoreRules, Warehouse


def ship_to(order: Order) -> Address | None:
    """The delivery address, None if the buyer takes the goods along or picks them up.

    A billing address is no delivery: it only shows where an order without goods to ship is taxed.
    """
    if order.delivery is DeliveryMethod.PICK_UP:
        return None
    if order.location_id is not None or order.has_goods_to_ship:
        return order.shipping_address
    return order.destination


def place_of_sale(order: Order, rules: StoreRules, known: OrderRecord | None = None) -> Place:
    """The country and province whose tax applies: of the location that serves the order by rule, else of the delivery,
    else of the point of sale, else the store's home country. An order without a full address keeps the place that is
    recorded for it; without a recorded place, its billing address counts, as in the release that booked it.

    Raises RefusedError for goods of a new order that must be shipped: PERSONAL_DATA_WITHHELD where the address is not
    full, NO_ADDRESS where there is none, unless the rules allow it; LOCATION_WITHOUT_WAREHOUSE for a point of sale that
    the rules do not have.
    """
    address = ship_to(order)
    is_full = address is not None and not address.is_withheld
    if known is not None and known.place is not None and not is_full:
        return known.place
    if known is None and _are_goods_sent(order):
        _require_address(order, rules)
    if known is not None and address is None and order.location_id is None:
        address = order.destination  # an older release booked the order, and kept no place
    handed_over_at = order.served_by
    if handed_over_at is None and address is None:
        handed_over_at = order.location_id
    if handed_over_at is not None and (warehouse := warehouse_at(handed_over_at, rules)) is not None:
        return Place(warehouse.country, warehouse.province)
    if address is not None:
        return Place(address.country, address.province)
    return Place(rules.country, rules.province)


def warehouse_at(location: int, rules: StoreRules) -> Warehouse | None:
    """The first warehouse of a Shopify location; None for another location where the rules book such orders at home.

    Raises RefusedError LOCATION_WITHOUT_WAREHOUSE for another location where they do not.
    """
    for warehouse in rules.warehouses:
        if warehouse.location == location:
            return warehouse
    if rules.orders.address_without_shipping == "refuse":
        raise RefusedError(ErrorCode.LOCATION_WITHOUT_WAREHOUSE, location=location, store=rules.key)
    return None


def _are_goods_sent(order: Order) -> bool:
    if not order.has_goods_to_ship or order.delivery is DeliveryMethod.PICK_UP:
        return False
    return order.location_id is None or order.shipping_address is not None


def _require_address(order: Order, rules: StoreRules) -> None:
    refusal = withheld(order, order.shipping_address)
    if refusal is not None:
        raise refusal
    if order.shipping_address is None and rules.orders.address_without_shipping == "refuse":
        raise RefusedError(ErrorCode.NO_ADDRESS, store=rules.key)
