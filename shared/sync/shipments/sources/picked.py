"""Goods that buyers pick up, once the warehouse has them ready."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from shared.d365.moved import Moved
from shared.d365.picked import packed_since, picked_since
from shared.model import Part
from shared.rules import StoreRules
from shared.sync.shipments.ports import ShipmentPorts
from shared.sync.shipments.sources.source import Source

_SHIPMENTS: Final = frozenset({Part.SHIPMENTS})


def sources_of_picked(rules: StoreRules, ports: ShipmentPorts) -> list[Source]:
    if not rules.tells_when_picked:
        return []
    management = rules.tenant.warehouse_management

    async def picked(since: datetime) -> Mapping[str, Moved]:
        return await picked_since(ports.fo, rules.company, since, rules.pick_up_modes)

    async def packed(since: datetime) -> Mapping[str, Moved]:
        return await packed_since(ports.fo, rules.company, since, rules.pick_up_modes, is_known=management == "yes")

    sources = [Source("picked", _SHIPMENTS, picked)]
    return sources if management == "no" else [*sources, Source("packed", _SHIPMENTS, packed)]
