"""What F&O invoiced, and authorised money that is about to expire."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from shared.d365.moved import Moved
from shared.d365.sales_invoices import invoiced_since
from shared.mapping.orders.plan import order_reference
from shared.model import Part
from shared.rules import StoreRules
from shared.sync.shipments.captures import report_unbooked
from shared.sync.shipments.ports import ShipmentPorts
from shared.sync.shipments.sources.source import Source

_CAPTURES: Final = frozenset({Part.CAPTURES})
_AUTHORIZED: Final = 100
"""Orders in one run whose authorisations are about to expire."""


def sources_of_captures(rules: StoreRules, ports: ShipmentPorts) -> list[Source]:
    if not rules.captures.is_on:
        return []

    async def invoices(since: datetime) -> Mapping[str, Moved]:
        return await invoiced_since(ports.fo, rules.company, since)

    async def authorizations(_: datetime) -> Mapping[str, Moved]:
        """F&O shows nothing of them: those that the app remembers."""
        now = ports.now()
        moved: dict[str, Moved] = {}
        for order in await ports.captures.due(rules.key, now, limit=_AUTHORIZED):
            link = await ports.links.get(rules.key, order.order_id)
            if link is not None and link.sales_order and not link.given_up:
                row, reference = f"authorization {order.look_at}", order_reference(rules.key, order.order_id)
                moved[link.sales_order] = Moved(now, {row}, reference)
            else:
                await report_unbooked(order, ports)
        return moved

    return [Source("invoices", _CAPTURES, invoices), Source("authorizations", _CAPTURES, authorizations)]
