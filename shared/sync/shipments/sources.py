"""Where F&O shows what moved of its sales orders, and which parts of an order each place concerns."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from shared.d365.moved import Moved
from shared.d365.packing_slips import moved_since, with_tracking
from shared.d365.picked import packed_since, picked_since
from shared.model import Part
from shared.rules import StoreRules
from shared.sync.shipments.ports import ShipmentPorts

_UNTRACKED: Final = 100
"""Sales orders in one run that are asked for late tracking numbers."""


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

    async def picked(since: datetime) -> Mapping[str, Moved]:
        return await picked_since(ports.fo, rules.company, since, rules.pick_up_modes)

    async def packed(since: datetime) -> Mapping[str, Moved]:
        is_known = rules.tenant.warehouse_management == "yes"
        return await packed_since(ports.fo, rules.company, since, rules.pick_up_modes, is_known=is_known)

    sources = [Source("slips", shipments, slips), Source("tracking", shipments, tracking)]
    if rules.tells_when_picked:
        sources.append(Source("picked", shipments, picked))
        if rules.tenant.warehouse_management != "no":
            sources.append(Source("packed", shipments, packed))
    return tuple(sources)
