"""Tracking numbers that came after the packing slip: F&O does not stamp them, so that slips are asked in turn."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from shared.d365.moved import Moved
from shared.rules import StoreRules
from shared.sync.shipments.parcels.slips import numbers_of_slips
from shared.sync.shipments.ports import ShipmentPorts

SLIPS: Final = 36
"""Packing slips that one run asks for: two or three calls to F&O."""


class LateTracking:
    """One run. `find` before the events are sent, `settle` after."""

    def __init__(self, rules: StoreRules, ports: ShipmentPorts) -> None:
        self._rules = rules
        self._ports = ports
        self._name = f"shipments/{rules.key}/tracking"
        self._before, self._after = "", ""
        self._etag: str | None = None

    async def find(self, _: datetime) -> Mapping[str, Moved]:
        """Of the next slips, those with numbers that Shopify does not show. Raises what the F&O client does."""
        rules, now = self._rules, self._ports.now()
        state, self._etag = await self._ports.snapshots.read(self._name)
        self._before = self._after = str(state["after"]) if state else ""
        asked, self._after = await self._ports.shipments.to_ask(rules.key, now, after=self._before, limit=SLIPS)
        found = await numbers_of_slips(self._ports.fo, rules, asked)
        moved: dict[str, Moved] = {}
        for slip in asked:
            numbers = found.get((slip.sales_order, slip.number), frozenset())
            if numbers and (not slip.shown or any(shown != numbers for shown in slip.shown)):
                row = f"tracking {slip.number} {' '.join(sorted(numbers))}"
                moved.setdefault(slip.sales_order, Moved(now)).rows.add(row)
        return moved

    async def settle(self) -> None:
        """Stores how far the round is. Raises TransientError when another run was faster."""
        if self._after != self._before:
            await self._ports.snapshots.write(self._name, {"after": self._after}, self._etag)
