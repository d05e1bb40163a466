"""Holds of F&O, and orders with a hold that one system has of the other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

from shared.d365.moved import Moved, add_row
from shared.d365.order_holds import HoldChange, credit_holds_since
from shared.mapping.orders.plan import order_reference
from shared.model import HoldOrigin, Part
from shared.rules import StoreRules
from shared.sync.shipments.ports import ShipmentPorts
from shared.sync.shipments.sources.source import Source

_LOOKED_AT_EVERY: Final = "%Y-%m-%dT%H"
"""Orders with a hold are looked at once an hour, whatever was missed: the hour of a moment."""


def sources_of_holds(rules: StoreRules, ports: ShipmentPorts) -> list[Source]:
    """A hold that ended may let a shipment be shown that waits for it."""
    parts = frozenset({Part.HOLDS, Part.SHIPMENTS})

    async def credit(since: datetime) -> Mapping[str, Moved]:
        return _moved(await credit_holds_since(ports.fo, rules.company, since))

    async def recorded(_: datetime) -> Mapping[str, Moved]:
        """With the reference: F&O may not have the sales order any more."""
        now = ports.now()
        row = f"hold {now:{_LOOKED_AT_EVERY}}"
        return {
            number: Moved(now, {row}, order_reference(rules.key, order_id))
            for number, order_id in (await ports.links.with_holds(rules.key)).items()
        }

    found = [Source("holds", parts, recorded)]
    return [Source("credit", parts, credit), *found] if HoldOrigin.CREDIT in rules.holds.to_shopify else found


def _moved(changes: Iterable[HoldChange]) -> dict[str, Moved]:
    moved: dict[str, Moved] = {}
    for each in changes:
        add_row(moved, each.sales_order, each.at, f"{each.is_held}/{each.at.isoformat()}")
    return moved
