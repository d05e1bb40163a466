"""Shopify's budget of query cost, from its answers: a bucket that refills at a steady rate.

The bucket is the app's in this shop: all its processes take from it, and each answer says what they left.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

_NEGLIGIBLE: Final = 0.01
"""Points below which a shortage is ignored, as a rounding error."""
_RESERVE: Final = 0.1
"""The part of the bucket that is left to calls that other processes send at the same moment. They all wait for the same
refill: without a reserve all but one of them would be refused, each time again.
"""


class CostBucket:
    """Computes how long to wait until the budget covers a document; no wait before the first answer.

    A document's cost is the requestedQueryCost of its last answer. The budget is that of the last answer, with what was
    refilled since, less the cost of the calls that are under way.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._costs: dict[str, float] = {}
        self._maximum = float("inf")
        self._reserve = 0.0
        self._rate = 1.0
        self._available = float("inf")
        self._as_of = clock()
        self._under_way = 0.0

    def wait(self, name: str) -> float:
        """Seconds until the budget covers the document and the reserve. A document that costs more than a full bucket
        waits for a full one; Shopify then refuses it.
        """
        shortage = min(self._costs.get(name, 0.0) + self._reserve, self._maximum) - self._now()
        return shortage / self._rate if shortage > _NEGLIGIBLE else 0.0

    @contextmanager
    def charged(self, name: str) -> Iterator[None]:
        """Around one call: its cost is taken, also from the budget that answers to earlier calls tell meanwhile."""
        cost = self._costs.get(name, 0.0)
        self._available, self._as_of = self._now() - cost, self.clock()
        self._under_way += cost
        try:
            yield
        finally:
            self._under_way -= cost

    def learn(self, name: str, cost: Mapping[str, Any]) -> None:
        """From extensions.cost of an answer, good or throttled, once its own call is not under way any more."""
        status = cost["throttleStatus"]
        self._costs[name] = float(cost["requestedQueryCost"])
        self._maximum = float(status["maximumAvailable"])
        self._reserve = self._maximum * _RESERVE
        self._rate = float(status["restoreRate"])
        self._available = float(status["currentlyAvailable"]) - self._under_way
        self._as_of = self.clock()

    def _now(self) -> float:
        """Points available now."""
        return min(self._maximum, self._available + (self.clock() - self._as_of) * self._rate)
