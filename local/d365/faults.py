"""What goes wrong on request: faults waiting for the call they are meant for."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

type Kind = Literal[
    "throttle",
    "update_conflict",
    "never_selected",
    "no_number",
    "timed_out",
    "changed",
    "override",
    "denied",
    "bad_gateway",
    "unavailable",
    "reset",
    "slow",
    "timeout_after_commit",
    "failed",
    "empty",
    "short",
]
_KINDS: tuple[str, ...] = get_args(Kind.__value__)
_REFUSALS = frozenset({"update_conflict", "never_selected", "no_number", "timed_out", "changed"})
_READS = frozenset({"failed", "empty", "short"})
_IN_SERVICE = _REFUSALS | _READS | {"override"}
"""Kinds that strike one operation, alone or inside a batch. The others strike whole requests."""
_FIELDS = frozenset({"kind", "method", "set", "times", "retry_after", "ms", "field", "value", "page"})


@dataclass(frozen=True, slots=True)
class Fault:
    """
    Strikes `times` calls (None: until cleared) of `method` on `entity_set` ("" for any; `$batch` and `$metadata` are
    named so). `retry_after` is the throttle's header in seconds, None for none. `ms`: how long `slow` takes, and
    how long `timeout_after_commit` keeps the caller waiting before the connection goes. `override` puts `value` into
    `field`: of the record that a write would store, or of the records that a read gives. `failed`, `empty` and `short`
    strike the reading of a list: it fails, it has no rows, or it has no page after this one. `page` (from 1): only
    requests for this page of a list.
    """

    kind: Kind
    method: str = ""
    entity_set: str = ""
    times: int | None = 1
    retry_after: int | None = None
    ms: int = 0
    field: str = ""
    value: Any = None
    page: int | None = None

    def matches(self, method: str, entity_set: str, page: int) -> bool:
        is_meant = self.method in ("", method) and self.entity_set in ("", entity_set)
        return is_meant and self.page in (None, page)


def parse_fault(raw: Mapping[str, Any]) -> Fault:
    """Raises ValueError for what is no fault."""
    unknown = set(raw) - _FIELDS
    if unknown:
        raise ValueError(f"unknown fields: {', '.join(sorted(unknown))}")
    if raw.get("kind") not in _KINDS:
        raise ValueError(f"kind is one of {', '.join(_KINDS)}")
    if (raw["kind"] == "override") != ("field" in raw):
        raise ValueError("override needs a field, and no other kind has one")
    times = None if raw.get("times", 1) is None else int(raw.get("times", 1))
    if times is not None and times < 1:
        raise ValueError("times is a number from 1, or null for always")
    page = None if raw.get("page") is None else int(raw["page"])
    if page is not None and page < 1:
        raise ValueError("page is a number from 1")
    return Fault(
        kind=raw["kind"],
        method=str(raw.get("method", "")).upper(),
        entity_set=str(raw.get("set", "")),
        times=times,
        retry_after=None if raw.get("retry_after") is None else int(raw["retry_after"]),
        ms=int(raw.get("ms", 0)),
        field=str(raw.get("field", "")),
        value=raw.get("value"),
        page=page,
    )


class Faults:
    def __init__(self) -> None:
        self._waiting: list[Fault] = []

    def add(self, fault: Fault) -> None:
        self._waiting.append(fault)

    def clear(self) -> None:
        self._waiting.clear()

    def take_refusal(self, method: str, entity_set: str) -> Fault | None:
        """The fault of F&O itself that strikes this operation."""
        return self._take(method, entity_set, _REFUSALS)

    def take_override(self, method: str, entity_set: str) -> Fault | None:
        return self._take(method, entity_set, {"override"})

    def take_read(self, entity_set: str, page: int) -> Fault | None:
        """The fault that strikes this reading of a list."""
        return self._take("GET", entity_set, _READS, page)

    def take(self, method: str, entity_set: str, page: int = 1) -> Fault | None:
        """The fault of the line or the gateway that strikes this request."""
        return self._take(method, entity_set, frozenset(_KINDS) - _IN_SERVICE, page)

    def _take(self, method: str, entity_set: str, kinds: AbstractSet[str], page: int = 1) -> Fault | None:
        for position, fault in enumerate(self._waiting):
            if fault.kind in kinds and fault.matches(method, entity_set, page):
                if fault.times is not None:
                    left = replace(fault, times=fault.times - 1)
                    self._waiting[position : position + 1] = [left] if fault.times > 1 else []
                return fault
        return None
