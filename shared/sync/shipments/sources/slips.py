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
_GIVEN_UP: Final = frozenset({Part.GIVEN_UP})


def sources_of_slips(rules: StoreRules, ports: ShipmentPorts) -> list[Source]:
    sources = _slips(rules, ports)
    if has_tracking(rules):
        late = LateTracking(rules, ports)
        sources.append(Source("tracking", _SHIPMENTS, late.find, late.settle))
    return sources


def _slips(rules: StoreRules, ports: ShipmentPorts) -> list[Source]:
    """As the tenant lets them be found. Where it has no stamps of sales lines to search by, the open orders show what
    F&O gave up as well.
    """
    has_stamps = rules.tenant.slip_search != "by_order"
    parts: frozenset[Part] = frozenset() if has_stamps or rules.given_up.action == "ignore" else _GIVEN_UP
    match rules.tenant.finds_slips:
        case "by_order":
            parts |= _SHIPMENTS
            found: list[Source] = []
        case "by_line":
            found = [Source("lines", _SHIPMENTS, _by_line(rules, ports))]
        case _:
            found = [Source("slips", _SHIPMENTS, _by_time(rules, ports))]
    if parts:
        orders = OpenOrders(rules, ports)
        found.append(Source("orders", parts, orders.find, orders.settle))
    return found


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
