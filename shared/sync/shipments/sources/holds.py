"""Holds of F&O, and orders with a hold that one system has of the other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

from shared.d365.moved import Moved
from shared.d365.order_holds import HoldChange, credit_holds_since, stopped_since
from shared.model import HoldOrigin, Part
from shared.rules import StoreRules
from shared.sync.shipments.ports import ShipmentPorts
from shared.sync.shipments.sources.source import Source

_LOOKED_AT_EVERY: Final = "%Y-%m-%dT%H"
"""Orders with a hold are looked at once an hour, whatever was missed: the hour of a moment."""


def sources_of_holds(rules: StoreRules, ports: ShipmentPorts) -> tuple[Source, ...]:
    """A hold that ended may let a shipment be shown that waits for it."""
    parts = frozenset({Part.HOLDS, Part.SHIPMENTS})

    async def flags(since: datetime) -> Mapping[str, Moved]:
        """Every order is stamped when it changes: only those that staff hold, or that have a hold recorded, matter."""
        changes = await stopped_since(ports.fo, rules.company, since)
        if not changes:
            return {}
        recorded = await ports.links.with_holds(rules.key)
        ours = {number for link in await ports.links.held(rules.key) for number in link.numbers}
        return _moved(
            each for each in changes if each.sales_order in recorded or (each.is_held and each.sales_order not in ours)
        )

    async def credit(since: datetime) -> Mapping[str, Moved]:
        return _moved(await credit_holds_since(ports.fo, rules.company, since))

    async def recorded(_: datetime) -> Mapping[str, Moved]:
        now = ports.now()
        numbers = await ports.links.with_holds(rules.key)
        return {number: Moved(now, {f"hold {now:{_LOOKED_AT_EVERY}}"}) for number in numbers}

    holds = rules.holds
    found = [Source("flags", parts, flags)] if HoldOrigin.STAFF in holds.to_shopify or holds.from_shopify else []
    if HoldOrigin.CREDIT in holds.to_shopify:
        found.append(Source("credit", parts, credit))
    return (*found, Source("holds", parts, recorded))


def _moved(changes: Iterable[HoldChange]) -> dict[str, Moved]:
    moved: dict[str, Moved] = {}
    for each in changes:
        found = moved.setdefault(each.sales_order, Moved(each.at))
        found.at = max(found.at, each.at)
        found.rows.add(f"{each.is_held}/{each.at.isoformat()}")
    return moved
