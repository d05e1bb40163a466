"""The host's own telemetry: a row of AppRequests for each HTTP request.

In Azure the .NET host writes it, in a process of its own, by ASP.NET Core's instrumentation. What is in it is as in
github.com/Azure/azure-functions-host: OpenTelemetryConfigurationExtensions.cs adds the route to the name, and
`faas.trigger`; its dispatcher adds `faas.name`. The function gets the row's traceparent, so that what it does is the
row's child. `SOURCE` marks the rows of this host; Azure's do not have it.

It is on where Azure's is: host.json asks for OpenTelemetry, and a connection string is set. But Azure leaves out
requests to 127.0.0.1, which are all there are here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from local.functions.invocations import TraceContext
from local.functions.triggers import HttpTrigger

SOURCE = {"source": "local.functions"}
_FAILED = 500


class RequestRows:
    """Writes the rows; made once for a host."""

    def __init__(self, provider: TracerProvider, prefix: str) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("Microsoft.AspNetCore")
        self._prefix = prefix

    @contextmanager
    def of_request(
        self, trigger: HttpTrigger, method: str, path: str, trace: TraceContext
    ) -> Iterator[tuple[TraceContext, Span]]:
        """The trace that the function continues, and the row, which `answered` completes."""
        route = "/".join(part for part in (self._prefix, trigger.route) if part)
        attributes = {
            "http.request.method": method,
            "http.route": route,
            "url.path": path,
            "faas.trigger": "http",
            "faas.name": trigger.function.name,
            **SOURCE,
        }
        parent = TraceContextTextMapPropagator().extract({"traceparent": trace.parent, "tracestate": trace.state})
        with self._tracer.start_as_current_span(
            f"{method} {route}", parent, SpanKind.SERVER, attributes, record_exception=False
        ) as row:
            carrier: dict[str, str] = {}
            TraceContextTextMapPropagator().inject(carrier)
            yield TraceContext(carrier["traceparent"], carrier.get("tracestate", "")), row

    def close(self) -> None:
        """Sends what waits."""
        self._provider.shutdown()


def answered(row: Span, status: int) -> None:
    row.set_attribute("http.response.status_code", status)
    if status >= _FAILED:
        row.set_status(Status(StatusCode.ERROR))


def request_rows(environment: Mapping[str, str], *, is_open_telemetry: bool, prefix: str) -> RequestRows | None:
    """None where the host has no telemetry of its own."""
    connection = environment.get("APPLICATIONINSIGHTS_CONNECTION_STRING")
    if not connection or not is_open_telemetry:
        return None
    from azure.monitor.opentelemetry.exporter import AzureMonitorTraceExporter  # noqa: PLC0415 - slow to load
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    provider = TracerProvider(resource=Resource({"service.name": environment.get("WEBSITE_SITE_NAME", "func")}))
    exporter = AzureMonitorTraceExporter(connection_string=connection, tracer_provider=provider)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return RequestRows(provider, prefix)
