"""Goods that buyers pick up, packed by warehouse management."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from shared.d365.moved import Moved
from shared.d365.picked import packed_since
from shared.model import Part
from shared.rules import StoreRules
from shared.sync.shipments.ports import ShipmentPorts
from shared.sync.shipments.sources.source import Source

_SHIPMENTS: Final = frozenset({Part.SHIPMENTS})


def sources_of_packed(rules: StoreRules, ports: ShipmentPorts) -> list[Source]:
    management = rules.tenant.warehouse_management
    if not rules.tells_when_picked or management == "no":
        return []

    async def packed(since: datetime) -> Mapping[str, Moved]:
        return await packed_since(ports.fo, rules.company, since, rules.pick_up_modes, is_known=management == "yes")

    return [Source("packed", _SHIPMENTS, packed)]
