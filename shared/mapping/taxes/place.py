"""Where an order is delivered, and where it is taxed. The two differ for a sale at a point of sale."""

from __future__ import annotations

from shared.errors import ErrorCode, RefusedError
from shared.model import Address, Order, OrderRecord, Place
from shared.rules import StoreRules


def ship_to(order: Order) -> Address | None:
    """The delivery address, None if the buyer takes the goods along: a billing address is no delivery."""
    return order.shipping_address if order.location_id is not None else order.destination


def place_of_sale(order: Order, rules: StoreRules, known: OrderRecord | None = None) -> Place:
    """The country and province whose tax applies: of the delivery, else of the point of sale, else the store's home
    country. An order without a full address keeps the place that is recorded for it.

    Raises RefusedError NO_ADDRESS for goods that must be shipped and have no address, unless the rules allow it.
    """
    address = ship_to(order)
    if known is not None and known.place is not None and (address is None or address.is_withheld):
        return known.place
    if address is not None:
        return Place(address.country, address.province)
    if order.location_id is not None:
        for warehouse in rules.warehouses:
            if warehouse.location == order.location_id:
                return Place(warehouse.country, warehouse.province)
        raise RefusedError(ErrorCode.NO_WAREHOUSE, country="the counter", location=order.location_id, store=rules.key)
    if rules.orders.address_without_shipping == "refuse" and any(line.requires_shipping for line in order.lines):
        raise RefusedError(ErrorCode.NO_ADDRESS)
    return Place(rules.country, rules.province)
