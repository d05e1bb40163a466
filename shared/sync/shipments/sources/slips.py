"""Packing slips that were posted, corrected or cancelled, and their late tracking numbers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from shared.d365.flat_shipments import rows_moved_since
from shared.d365.moved import Moved
from shared.d365.moved_lines import lines_modified_since
from shared.d365.packing_slips import moved_since
from shared.model import Part
from shared.rules import StoreRules
from shared.sync.shipments.parcels.slips import has_tracking
from shared.sync.shipments.ports import ShipmentPorts
from shared.sync.shipments.sources.late_tracking import LateTracking
from shared.sync.shipments.sources.open_orders import OpenOrders
from shared.sync.shipments.sources.source import Find, Source

_SHIPMENTS: Final = frozenset({Part.SHIPMENTS})
_OF_LINES: Final = frozenset({Part.SHIPMENTS, Part.GIVEN_UP, Part.STATUS})
"""Parts that an order's lines tell of: where nothing else does, all of them."""


def sources_of_slips(rules: StoreRules, ports: ShipmentPorts) -> list[Source]:
    is_asked = rules.tenant.finds_slips == "by_order"
    sources = [] if is_asked else [_slips(rules, ports)]
    if is_asked or not rules.tenant.stamps_orders:
        orders = OpenOrders(rules, ports)
        parts = _SHIPMENTS if rules.tenant.stamps_orders else _OF_LINES
        sources.append(Source("orders", parts, orders.find, orders.settle))
    if has_tracking(rules):
        late = LateTracking(rules, ports)
        sources.append(Source("tracking", _SHIPMENTS, late.find, late.settle))
    return sources


def _slips(rules: StoreRules, ports: ShipmentPorts) -> Source:
    """As the tenant lets them be found."""
    if rules.tenant.finds_slips == "by_line":
        return Source("lines", _SHIPMENTS, _by_line(rules, ports))
    return Source("slips", _SHIPMENTS, _by_time(rules, ports))


def _by_line(rules: StoreRules, ports: ShipmentPorts) -> Find:
    async def find(since: datetime) -> Mapping[str, Moved]:
        return await lines_modified_since(ports.fo, rules.company, since)

    return find


def _by_time(rules: StoreRules, ports: ShipmentPorts) -> Find:
    entity = rules.tenant.shipments_entity

    async def find(since: datetime) -> Mapping[str, Moved]:
        if entity is not None:
            return await rows_moved_since(ports.fo, rules.company, entity, since)
        moved, gone = await moved_since(ports.fo, rules.company, since)
        for number, order in (await ports.shipments.of_slips(rules.key, gone)).items():
            moved.setdefault(order, Moved(ports.now())).rows.add(f"{number} is gone")
        return moved

    return find
