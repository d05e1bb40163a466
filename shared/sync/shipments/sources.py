"""Where F&O shows what moved of its sales orders, and which parts of an order each place concerns."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from shared.d365.moved import Moved
from shared.d365.packing_slips import moved_since, with_tracking
from shared.d365.sales_invoices import invoiced_since
from shared.model import Part
from shared.rules import StoreRules
from shared.sync.shipments.captures import report_unbooked
from shared.sync.shipments.ports import ShipmentPorts

_UNTRACKED: Final = 100
"""Sales orders in one run that are asked for late tracking numbers."""
_AUTHORIZED: Final = 100
"""Orders in one run whose authorisations are about to expire."""


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

    sources = [Source("slips", shipments, slips), Source("tracking", shipments, tracking)]
    if rules.captures.is_on:
        sources += _of_captures(rules, ports)
    return tuple(sources)


def _of_captures(rules: StoreRules, ports: ShipmentPorts) -> list[Source]:
    captures = frozenset({Part.CAPTURES})

    async def invoices(since: datetime) -> Mapping[str, Moved]:
        return await invoiced_since(ports.fo, rules.company, since)

    async def authorizations(_: datetime) -> Mapping[str, Moved]:
        """F&O shows nothing of them: those that are about to expire, as the app remembers."""
        now = ports.now()
        moved: dict[str, Moved] = {}
        for order in await ports.captures.due(rules.key, now, limit=_AUTHORIZED):
            link = await ports.links.get(rules.key, order.order_id)
            if link is not None and link.sales_order:
                moved[link.sales_order] = Moved(now, {f"authorization {order.look_at}"})
            else:
                await report_unbooked(order, ports)
        return moved

    return [Source("invoices", captures, invoices), Source("authorizations", captures, authorizations)]
