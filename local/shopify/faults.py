"""Faults that tests inject."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class FaultKind(StrEnum):
    # answers to GraphQL calls
    THROTTLED = "throttled"
    TOO_MANY_REQUESTS = "too_many_requests"
    SERVER_ERROR = "server_error"
    BAD_GATEWAY = "bad_gateway"
    UNAVAILABLE = "unavailable"
    INTERNAL_ERROR = "internal_error"
    UNAUTHORIZED = "unauthorized"
    OTHER_ANSWER = "other_answer"
    CONNECTION_RESET = "connection_reset"
    SLOW = "slow"
    # the write happened, the answer is lost
    TIMEOUT_AFTER_COMMIT = "timeout_after_commit"
    RESET_AFTER_COMMIT = "reset_after_commit"
    # semantics
    IDEMPOTENCY_CONCURRENT = "idempotency_concurrent"
    INDEX_LAG = "index_lag"
    # a bulk operation fails after body.rows rows, with body.code
    BULK_FAILURE = "bulk_failure"
    # webhooks
    WEBHOOK_DUPLICATE = "webhook_duplicate"
    WEBHOOK_DELAY = "webhook_delay"
    WEBHOOK_DROP = "webhook_drop"
    WEBHOOK_HOLD = "webhook_hold"


@dataclass(slots=True)
class Fault:
    """`times` None: until cleared. `shop`, `operation`, `topic` and `version` narrow it down; None means any."""

    kind: FaultKind
    times: int | None = 1
    shop: str | None = None
    operation: str | None = None
    topic: str | None = None
    #: seconds that slow, timeout_after_commit, index_lag and webhook_delay last
    seconds: float = 1.0
    #: 429 only; None leaves the header out
    retry_after: str | None = None
    #: the API version that is asked for; other_answer only
    version: str | None = None
    #: what other_answer gives instead of running the call; of bulk_failure rows and code
    body: dict[str, Any] = field(default_factory=dict)

    def matches(self, shop: str, operation: str | None, topic: str | None, version: str | None) -> bool:
        pairs = ((self.shop, shop), (self.operation, operation), (self.topic, topic), (self.version, version))
        return all(wanted is None or wanted == actual for wanted, actual in pairs)


@dataclass(slots=True)
class Faults:
    """The pending faults. `take` uses one up, `find` does not."""

    pending: list[Fault] = field(default_factory=list)

    def add(self, document: dict[str, Any]) -> Fault:
        """A fault from JSON; raises ValueError or TypeError on an unknown kind or parameter."""
        fault = Fault(**{**document, "kind": FaultKind(document["kind"])})
        self.pending.append(fault)
        return fault

    def find(
        self,
        kind: FaultKind,
        shop: str,
        *,
        operation: str | None = None,
        topic: str | None = None,
        version: str | None = None,
    ) -> Fault | None:
        matching = (f for f in self.pending if f.kind is kind and f.matches(shop, operation, topic, version))
        return next(matching, None)

    def take(
        self,
        kind: FaultKind,
        shop: str,
        *,
        operation: str | None = None,
        topic: str | None = None,
        version: str | None = None,
    ) -> Fault | None:
        fault = self.find(kind, shop, operation=operation, topic=topic, version=version)
        if fault and fault.times is not None:
            fault.times -= 1
            if fault.times <= 0:
                self.pending.remove(fault)
        return fault

    def clear(self) -> None:
        self.pending.clear()
