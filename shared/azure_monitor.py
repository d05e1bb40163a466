"""Events and spans by OpenTelemetry to Azure Monitor: Application Insights and its Log Analytics workspace.

Imported only if Application Insights is configured, since OpenTelemetry and its exporter take longer to load than the
app itself. Every span is recorded, sampled or not, so that every order's trace can be looked up.

Server and consumer spans become rows of AppRequests, with the events of messages without trouble as attributes;
internal spans, and calls to other systems, rows of AppDependencies; all other events rows of AppEvents; metrics rows of
AppMetrics.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from threading import Lock
from typing import Final

from opentelemetry import trace
from opentelemetry._logs import LogRecord
from opentelemetry.metrics import CallbackOptions, Meter, Observation
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from shared.metrics import CALLS, METRICS, OF_THE_SPAN, Metric
from shared.telemetry import Fields, Kind, Span, Value

_SCOPE: Final = "connector"

# The exporter makes a log record with this attribute a custom event, which is a row of AppEvents.
_EVENT_NAME: Final = "microsoft.custom_event.name"

_KINDS: Final = {
    "server": SpanKind.SERVER,
    "consumer": SpanKind.CONSUMER,
    "internal": SpanKind.INTERNAL,
}
_NOT_FOUND: Final = 404
_BAD: Final = 400

type _Record = Callable[[float, Mapping[str, Value]], None]


class OpenTelemetry:
    """An exporter to OpenTelemetry's providers, independent of where they export to."""

    def __init__(self, tracers: TracerProvider, loggers: LoggerProvider, meters: MeterProvider) -> None:
        self._providers = (tracers, loggers, meters)
        self._tracer = tracers.get_tracer(_SCOPE)
        self._logger = loggers.get_logger(_SCOPE)
        self._propagator = TraceContextTextMapPropagator()
        self._metrics: defaultdict[str, list[tuple[Metric, _Record]]] = defaultdict(list)
        meter = meters.get_meter(_SCOPE)
        for metric in METRICS:
            self._metrics[metric.event].append((metric, _instrument(meter, metric)))

    def event(self, name: str, fields: Fields) -> None:
        self.count(name, fields)
        if system := CALLS.get(name):
            self._call(system, fields)
        elif name in OF_THE_SPAN:
            trace.get_current_span().set_attributes({**fields, name: True})
        else:
            self._logger.emit(LogRecord(timestamp=time.time_ns(), attributes={_EVENT_NAME: name, **fields}))

    def count(self, name: str, fields: Fields) -> None:
        for metric, record in self._metrics.get(name, ()):
            by = {field: fields[field] for field in metric.by if field in fields}
            record(float(fields.get(metric.value, 0)) if metric.value else 1, by)

    @contextmanager
    def span(self, name: str, kind: Kind, parent: str, began: int | None) -> Iterator[Span]:
        context = self._propagator.extract({"traceparent": parent}) if parent else None
        with self._tracer.start_as_current_span(
            name,
            context,
            _KINDS[kind],
            start_time=began,
            record_exception=False,  # its message may contain a buyer's text
            set_status_on_exception=False,
        ) as opened:
            try:
                yield _OpenSpan(opened)
            except BaseException as error:
                opened.set_status(Status(StatusCode.ERROR, type(error).__name__))
                raise

    def shutdown(self) -> None:
        """Sends what is buffered and ends the sending threads."""
        for provider in self._providers:
            provider.shutdown()

    def _call(self, system: str, fields: Fields) -> None:
        """A span for a call that has just ended. Its address is without keys and filters, which may be personal data.
        404 is no error: F&O answers it for a record that does not exist.
        """
        end = time.time_ns()
        status = int(fields.get("status", 0))
        method, what = fields.get("method", "POST"), fields.get("entity_set") or fields.get("query", "")
        span = self._tracer.start_span(
            f"{method} /{what}",
            kind=SpanKind.CLIENT,
            start_time=end - int(float(fields.get("seconds", 0)) * 1e9),
            attributes={**fields, **_http(status, str(method)), "url.full": f"/{what}", "peer.service": system},
        )
        if not 0 < status < _BAD and status != _NOT_FOUND:
            span.set_status(Status(StatusCode.ERROR))
        span.end(end)


class _OpenSpan:
    def __init__(self, span: trace.Span) -> None:
        self._span = span

    @property
    def traceparent(self) -> str:
        context = self._span.get_span_context()
        return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"

    def add(self, fields: Fields) -> None:
        self._span.set_attributes(fields)
        if "status" in fields:
            self._span.set_attributes(_http(int(fields["status"]), "POST"))

    def fail(self, reason: str) -> None:
        self._span.set_status(Status(StatusCode.ERROR, reason))


def _http(status: int, method: str) -> dict[str, Value]:
    """The attributes by which the exporter fills ResultCode."""
    return {"http.request.method": method, "http.response.status_code": status}


class _Totals:
    """A metric's sums, by the fields that it is split by. OpenTelemetry asks for them when it exports: to add to a
    counter of its own takes 20 µs, a tenth of what a webhook costs.
    """

    def __init__(self) -> None:
        self._lock = Lock()  # OpenTelemetry asks in a thread of its own
        self._sums: dict[tuple[tuple[str, Value], ...], float] = {}
        self._told: dict[tuple[tuple[str, Value], ...], float] = {}

    def add(self, value: float, by: Mapping[str, Value]) -> None:
        key = tuple(by.items())
        with self._lock:
            self._sums[key] = self._sums.get(key, 0) + value

    def grown(self, _: CallbackOptions) -> list[Observation]:
        """Those that are new or have changed since the last time: each is a row in Azure, new ones of 0 too."""
        with self._lock:
            sums = self._sums.copy()
        before, self._told = self._told, sums
        return [Observation(total, dict(key)) for key, total in sums.items() if total != before.get(key)]


def _instrument(meter: Meter, metric: Metric) -> _Record:
    match metric.kind:
        case "count":
            sums = _Totals()
            meter.create_observable_counter(metric.name, [sums.grown], metric.unit, metric.what)
            return sums.add
        case "distribution":
            return meter.create_histogram(metric.name, metric.unit, metric.what).record
        case "state":
            return meter.create_gauge(metric.name, metric.unit, metric.what).set


@cache
def azure_monitor(connection_string: str, app: str) -> OpenTelemetry:
    """The process's exporter to Application Insights. `app` names the app there, as the Functions host does.

    The exporter authenticates with the identity in APPLICATIONINSIGHTS_AUTHENTICATION_STRING, as the host does.
    """
    from azure.monitor.opentelemetry.exporter import (  # noqa: PLC0415 - tests of the spans do not need it
        AzureMonitorLogExporter,
        AzureMonitorMetricExporter,
        AzureMonitorTraceExporter,
    )
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor  # noqa: PLC0415
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    resource = Resource({"service.name": app})
    tracers = TracerProvider(ALWAYS_ON, resource)
    spans = AzureMonitorTraceExporter(connection_string=connection_string, tracer_provider=tracers)
    tracers.add_span_processor(BatchSpanProcessor(spans))
    loggers = LoggerProvider(resource)
    events = AzureMonitorLogExporter(connection_string=connection_string)
    loggers.add_log_record_processor(BatchLogRecordProcessor(events))
    figures = AzureMonitorMetricExporter(connection_string=connection_string)
    return OpenTelemetry(tracers, loggers, MeterProvider([PeriodicExportingMetricReader(figures)], resource))
