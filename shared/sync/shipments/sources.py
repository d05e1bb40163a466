"""Where F&O shows what moved of its sales orders, and which parts of an order each place concerns."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from shared.d365.moved import Moved
from shared.d365.order_holds import HoldChange, credit_holds_since, stopped_since
from shared.d365.packing_slips import moved_since, with_tracking
from shared.model import HoldOrigin, Part
from shared.rules import StoreRules
from shared.sync.shipments.ports import ShipmentPorts

_UNTRACKED: Final = 100
"""Sales orders in one run that are asked for late tracking numbers."""
_LOOKED_AT_EVERY: Final = "%Y-%m-%dT%H"
"""Orders with a hold are looked at once an hour, whatever was missed: the hour of a moment."""


@dataclass(frozen=True, slots=True)
class Source:
    name: str
    """Of its watermark, in the progress of the store."""
    parts: frozenset[Part]
    find: Callable[[datetime], Awaitable[Mapping[str, Moved]]]
    """Takes the moment since when; gives what moved by sales order. Raises what the F&O client does."""


def sources_of(rules: StoreRules, ports: ShipmentPorts) -> tuple[Source, ...]:
    """Those that the store's rules need, the cheapest first."""
    shipments = frozenset({Part.SHIPMENTS})

    async def slips(since: datetime) -> Mapping[str, Moved]:
        moved, gone = await moved_since(ports.fo, rules.company, since)
        for number, order in (await ports.shipments.of_slips(rules.key, gone)).items():
            moved.setdefault(order, Moved(ports.now())).rows.add(f"{number} is gone")
        return moved

    async def tracking(_: datetime) -> Mapping[str, Moved]:
        """F&O does not stamp the numbers: of orders that were shown without one, whether they have one now."""
        now = ports.now()
        age = timedelta(days=rules.shipments.tracking_days)
        waiting = await ports.shipments.without_tracking(rules.key, now - age, limit=_UNTRACKED)
        tracked = await with_tracking(ports.fo, rules.company, waiting)
        return {number: Moved(now, {f"tracking {now.isoformat()}"}) for number in tracked}

    return (
        Source("slips", shipments, slips),
        Source("tracking", shipments, tracking),
        *_sources_of_holds(rules, ports),
    )


def _sources_of_holds(rules: StoreRules, ports: ShipmentPorts) -> tuple[Source, ...]:
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
