"""The app's telemetry: events with their fields, correlated, in one trace, without personal data.

Flows `emit` events and open `span`s, independent of where those are sent. Without an exporter an event is one JSON
object a line in the log. With one (shared/azure_monitor.py) it is sent there instead, and metrics are derived from it.

Fields are names, numbers, codes and fixed texts: never a body, and never a text of F&O, Shopify or a buyer, which the
journal keeps. As a second safeguard, whatever looks like an e-mail address, a phone number or a secret is masked before
it leaves the process.
"""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import Final, Literal, Protocol

type Value = str | int | float | bool
type Fields = Mapping[str, Value]
type Kind = Literal["server", "consumer", "internal"]
"""OpenTelemetry's span kind."""

logger: Final = logging.getLogger("connector")

_context: ContextVar[dict[str, object] | None] = ContextVar("telemetry_context", default=None)

# Each is searched for only in a text with one of its marks, and reads every run of characters once, whatever follows:
# the time of a search that began anew at each of them would grow with the square of their number. So a run has one
# beginning (the look-behinds) and is not given up in part (`++`, `(?>...)`).
_PERSONAL: Final = (
    ("<email>", ("@",), re.compile(r"(?<![\w.+-])[\w.+-]++@[\w-]++\.[\w.-]+")),
    ("<token>", ("eyJ",), re.compile(r"(?<![\w-])(?>[\w-]*?eyJ)[\w-]++\.[\w-]++\.[\w-]*")),
    ("<token>", ("shp", "Bearer"), re.compile(r"shp[a-z]{2}_\w+|Bearer\s+\S+")),
    ("<token>", ("=",), re.compile(r"(?:SharedAccessKey|AccountKey|client_secret|sig)=[^;&\s\"]+")),
    ("<phone>", ("+",), re.compile(r"\+\d[\d ()-]{7,}\d")),
)


class Span(Protocol):
    """An operation that is being recorded."""

    @property
    def traceparent(self) -> str:
        """W3C trace context, by which other processes continue the trace."""

    def add(self, fields: Fields) -> None: ...

    def fail(self, reason: str) -> None:
        """Marks it as failed, for an error that ends here."""


class Exporter(Protocol):
    """A destination of events and spans."""

    def event(self, name: str, fields: Fields) -> None: ...

    def count(self, name: str, fields: Fields) -> None:
        """Adds the event to its metrics, and sends nothing else of it."""

    def span(self, name: str, kind: Kind, parent: str, began: int | None) -> AbstractContextManager[Span]:
        """A child of `parent` (a traceparent), or of the enclosing span if that is "". `began` is in nanoseconds since
        1970; None is now.
        """


_exporters: Final[list[Exporter]] = []


def export_to(exporter: Exporter | None) -> None:
    """Sends events and spans to the exporter from now on; with None, events are log lines again."""
    _exporters[:] = [] if exporter is None else [exporter]


def quiet_libraries() -> None:
    """Keeps only warnings of libraries: they log the address of every request, which contains filters and keys."""
    for name in ("azure", "httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)


@lru_cache(maxsize=2048)  # the spans and events of one message repeat its fields
def redact(text: str) -> str:
    """The text with e-mail addresses, international phone numbers and secrets masked."""
    for mask, marks, pattern in _PERSONAL:
        if any(mark in text for mark in marks):
            text = pattern.sub(mask, text)
    return text


@contextmanager
def correlated(**fields: object) -> Iterator[None]:
    """Adds the fields to every event and span inside: event_id, store, order ..."""
    token = _context.set({**(_context.get() or {}), **fields})
    try:
        yield
    finally:
        _context.reset(token)


def annotate(**fields: object) -> None:
    """Adds fields that have become known to the innermost `correlated`, and so to the spans around it."""
    known = _context.get()
    if known is not None:
        known.update(fields)


def count(event: str, **fields: object) -> None:
    """Adds the event to its metrics alone: no row and no log line. The fields are those that they are split by; what is
    correlated is not added.
    """
    for exporter in _exporters:
        exporter.count(event, _clean(fields))


def emit(event: str, *, level: int = logging.INFO, **fields: object) -> None:
    """Sends one event with its fields. Values are redacted; None is left out."""
    for exporter in _exporters:
        exporter.event(event, _clean({**(_context.get() or {}), **fields}))
    if not _exporters and logger.isEnabledFor(level):
        known = {key: value for key, value in fields.items() if value is not None}
        record = {"event": event, **(_context.get() or {}), **known}
        logger.log(level, "%s", redact(json.dumps(record, default=str, ensure_ascii=False)))


@contextmanager
def span(name: str, kind: Kind, parent: str = "", *, began: int | None = None) -> Iterator[Span]:
    """An operation with a beginning and an end, part of the trace `parent`, or of the enclosing span.

    Where only the end shows whether it is worth a row, it is opened then, with the time at which it began (time_ns). It
    gets all fields that are correlated at its end. Without an exporter it only passes the trace on.
    """
    if not _exporters:
        yield _Unrecorded(parent)
        return
    with _exporters[0].span(name, kind, parent, began) as opened:
        try:
            yield opened
        finally:
            opened.add(_clean(_context.get() or {}))


@contextmanager
def heartbeat(timer: str) -> Iterator[None]:
    """Around a timer's run: sends timer.succeeded, whose absence raises an alert, or timer.failed."""
    began = time.monotonic()
    with correlated(timer=timer), span(timer, "internal"):
        try:
            yield
        except BaseException as error:
            emit("timer.failed", level=logging.ERROR, reason=type(error).__name__)
            raise
        emit("timer.succeeded", seconds=round(time.monotonic() - began, 3))


class _Unrecorded:
    """A span that is not recorded."""

    def __init__(self, traceparent: str) -> None:
        self.traceparent = traceparent

    def add(self, fields: Fields) -> None:
        """Nothing to add to."""

    def fail(self, reason: str) -> None:
        """Nothing to mark."""


class PerMinute:
    """Whether something may be told in full: so often a minute for each key."""

    def __init__(self, limit: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit
        self._clock = clock
        self._minute = 0
        self._counts: dict[str, int] = {}

    def allows(self, key: str) -> bool:
        """Counts the key. Keys must be few: codes, no ids."""
        minute = int(self._clock() // 60)
        if minute != self._minute:
            self._minute, self._counts = minute, {}
        self._counts[key] = self._counts.get(key, 0) + 1
        return self._counts[key] <= self._limit


def _clean(fields: Mapping[str, object]) -> dict[str, Value]:
    return {
        key: value if isinstance(value, int | float) else redact(str(value))
        for key, value in fields.items()
        if value is not None
    }
