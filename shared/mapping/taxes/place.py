"""Where an order's goods go, and where it is taxed. The two differ for a sale over the counter."""

from __future__ import annotations

from typing import NamedTuple

from shared.errors import ErrorCode, RefusedError
from shared.model import Address, Order
from shared.rules import StoreRules


class Place(NamedTuple):
    country: str
    """ISO 3166-1 alpha-2."""
    province: str


def ship_to(order: Order) -> Address | None:
    """Where the goods go, None if the buyer takes them along: then a billing address is just where he lives."""
    return order.shipping_address if order.location_id is not None else order.destination


def place_of_sale(order: Order, rules: StoreRules) -> Place:
    """The country and province whose tax applies: of the delivery, else of the shop's counter, else the store's home.

    Raises RefusedError NO_ADDRESS for goods that must be shipped and have no address, unless the rules allow it.
    """
    address = ship_to(order)
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
