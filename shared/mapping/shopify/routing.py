"""How the buyer gets the goods, from the order's fulfilment orders, which only GraphQL has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from shared.model import DeliveryMethod

_ENDED: Final = ("CLOSED", "CANCELLED")


def read_delivery(nodes: Sequence[dict[str, Any]]) -> tuple[DeliveryMethod | None, int | None]:
    """The delivery method, and the id of the location that all of the goods are assigned to, None where it is not one.

    No method while there are no fulfilment orders: Shopify makes them when it routes the order. Where methods are
    mixed, PICK_UP without a location if it is among them, else SHIPPING. Goods whose method is not given are shipped.
    """
    current = [node for node in nodes if node["status"] not in _ENDED]
    current = current or [node for node in nodes if node["status"] != "CANCELLED"]
    if not current:
        return None, None
    methods = {_method(node): node for node in current}
    if len(methods) > 1:
        methods.pop(DeliveryMethod.NONE, None)
    its = [node for node in current if _method(node) in methods]
    if len(methods) > 1:
        return (DeliveryMethod.PICK_UP if DeliveryMethod.PICK_UP in methods else DeliveryMethod.SHIPPING), None
    locations = {_location(node) for node in its}
    return next(iter(methods)), locations.pop() if len(locations) == 1 else None


def _method(node: dict[str, Any]) -> DeliveryMethod:
    method = (node["deliveryMethod"] or {}).get("methodType")
    return DeliveryMethod(method) if method in set(DeliveryMethod) else DeliveryMethod.SHIPPING


def _location(node: dict[str, Any]) -> int | None:
    location = node["assignedLocation"]["location"]
    return None if location is None else int(location["id"].rpartition("/")[2])
