"""The orders that F&O has, asked in turn how far F&O is with them: where it can be asked for nothing by time.

Each run asks for the next ones, the oldest first, and remembers what it saw of those that moved. So F&O gets the same
few reads a minute however many orders there are, and each order is asked once in a round: of 10,000 orders that are
not invoiced, every 65 minutes.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from shared.d365.moved import Moved, digest_of
from shared.d365.moved_lines import ORDERS_A_READ, progress_of
from shared.rules import StoreRules
from shared.sync.shipments.ports import ShipmentPorts

READS: Final = 6
"""Calls to F&O in one run."""
ORDERS: Final = READS * ORDERS_A_READ
"""Sales orders that one run asks for."""
_LINKS: Final = 20_000
"""Rows of the table `links` that one run reads at most: most of a shop's orders are invoiced, and are passed over."""
_START: Final[Mapping[str, Any]] = {"after": -1, "round": 1, "known": {}}


class OpenOrders:
    """One run. `find` before the events are sent, `settle` after."""

    def __init__(self, rules: StoreRules, ports: ShipmentPorts) -> None:
        self._rules = rules
        self._ports = ports
        self._name = f"shipments/{rules.key}/open"
        self._state: dict[str, Any] = {}
        self._etag: str | None = None

    async def find(self, _: datetime) -> Mapping[str, Moved]:
        """Raises what the F&O client does."""
        state, self._etag = await self._ports.snapshots.read(self._name)
        self._state = {**_START, **(state or {})}
        known: dict[str, tuple[str, int]] = dict(self._state["known"])
        asked = await self._next(known)
        now, moved = self._ports.now(), {}
        for number, progress in (await progress_of(self._ports.fo, self._rules.company, asked)).items():
            seen = digest_of(progress.rows) if progress.rows else ""
            before = known.get(number, ("", 0))[0]
            if before.partition(" ")[0] != seen:
                # With the time: a state may come again, after a correction, while the queue knows its first event.
                moved[number] = Moved(now, {*progress.rows, f"asked {now.isoformat()}"})
            ended = f" {asked[number]}" if progress.is_ended else ""
            if seen:
                known[number] = (f"{seen}{ended}", self._state["round"])
            else:
                known.pop(number, None)
        if self._state["after"] == _START["after"]:  # the round is over: what it did not meet is too old, or gone
            this = self._state["round"]
            known = {number: what for number, what in known.items() if what[1] == this}
            self._state["round"] = this + 1
        self._state["known"] = known
        return moved

    async def settle(self) -> None:
        """Stores how far the round is. Raises TransientError when another run was faster."""
        if self._state:
            await self._ports.snapshots.write(self._name, self._state, self._etag)

    async def _next(self, known: dict[str, tuple[str, int]]) -> dict[str, str]:
        """The sales orders to ask for, each with the time of the last change that F&O got from the app. Those that are
        invoiced, and did not change since, are passed over.
        """
        oldest = self._ports.now() - timedelta(days=self._rules.shipments.open_days)
        asked: dict[str, str] = {}
        count = 0
        async for order in self._ports.links.booked(self._rules.key, after=self._state["after"]):
            count += 1
            if order.applied_at >= oldest:
                at = order.applied_at.isoformat()
                for number in order.sales_orders:
                    seen = known.get(number, ("", 0))[0]
                    if seen.endswith(f" {at}"):
                        known[number] = (seen, self._state["round"])
                    else:
                        asked[number] = at
            self._state["after"] = order.order_id
            if len(asked) >= ORDERS or count >= _LINKS:
                return asked
        self._state["after"] = _START["after"]
        return asked
