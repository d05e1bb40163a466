"""Where an order is delivered, and where it is taxed. The two differ for a sale at a point of sale."""

from __future__ import annotations

from shared.errors import ErrorCode, RefusedError
from shared.model import Address, Order, Place
from shared.rules import StoreRules


def ship_to(order: Order) -> Address | None:
    """The delivery address, None if the buyer takes the goods along: a billing address is no delivery."""
    return order.shipping_address if order.location_id is not None else order.destination


def sold_at(location_id: int | None) -> str:
    """Which warehouse an order without delivery needs: for the text of NO_WAREHOUSE."""
    return f"for the Shopify location {location_id}, where the order was sold"


def place_of_sale(order: Order, rules: StoreRules) -> Place:
    """The country and province whose tax applies: of the delivery, else of the point of sale, else the store's home
    country.

    Raises RefusedError NO_ADDRESS for goods that must be shipped and have no address, unless the rules allow it.
    """
    address = ship_to(order)
    if address is not None:
        return Place(address.country, address.province)
    if order.location_id is not None:
        for warehouse in rules.warehouses:
            if warehouse.location == order.location_id:
                return Place(warehouse.country, warehouse.province)
        raise RefusedError(ErrorCode.NO_WAREHOUSE, wanted=sold_at(order.location_id), store=rules.key)
    if rules.orders.address_without_shipping == "refuse" and any(line.requires_shipping for line in order.lines):
        raise RefusedError(ErrorCode.NO_ADDRESS)
    return Place(rules.country, rules.province)
