"""Shopify's budget of query cost, as its answers tell it: a bucket that refills at a steady rate."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

_NOTHING: Final = 0.01
"""Points that do not count: rounding of the clock's arithmetic."""


class CostBucket:
    """Tells how long to wait until a document can be paid for: not at all before the first answer told anything.

    A document's cost is what Shopify asked for it last time (requestedQueryCost): that much is charged up front, and
    what was not used is given back.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._costs: dict[str, float] = {}
        self._maximum = float("inf")
        self._rate = 1.0
        self._available = float("inf")
        self._as_of = clock()

    def wait(self, name: str) -> float:
        """Seconds. A document dearer than the whole bucket needs a full one, and is then Shopify's to refuse."""
        shortage = min(self._costs.get(name, 0.0), self._maximum) - self._now()
        return shortage / self._rate if shortage > _NOTHING else 0.0

    def charge(self, name: str) -> None:
        self._available = self._now() - self._costs.get(name, 0.0)
        self._as_of = self._clock()

    def learn(self, name: str, cost: Mapping[str, Any]) -> None:
        """From extensions.cost of an answer, good or throttled."""
        status = cost["throttleStatus"]
        self._costs[name] = float(cost["requestedQueryCost"])
        self._maximum = float(status["maximumAvailable"])
        self._rate = float(status["restoreRate"])
        self._available = float(status["currentlyAvailable"])
        self._as_of = self._clock()

    def _now(self) -> float:
        """Points there are now."""
        return min(self._maximum, self._available + (self._clock() - self._as_of) * self._rate)
