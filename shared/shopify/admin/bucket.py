"""Shopify's budget of query cost, from its answers: a bucket that refills at a steady rate."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

_NEGLIGIBLE: Final = 0.01
"""Points below which a shortage is ignored, as a rounding error."""


class CostBucket:
    """Computes how long to wait until the budget covers a document; no wait before the first answer.

    A document's cost is the requestedQueryCost of its last answer. It is charged before the call; the answer then sets
    the budget that is really left.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._costs: dict[str, float] = {}
        self._maximum = float("inf")
        self._rate = 1.0
        self._available = float("inf")
        self._as_of = clock()

    def wait(self, name: str) -> float:
        """Seconds. A document that costs more than a full bucket waits for a full one; Shopify then refuses it."""
        shortage = min(self._costs.get(name, 0.0), self._maximum) - self._now()
        return shortage / self._rate if shortage > _NEGLIGIBLE else 0.0

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
        """Points available now."""
        return min(self._maximum, self._available + (self._clock() - self._as_of) * self._rate)
