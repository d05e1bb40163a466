"""Between Azure Functions' types and the flows.

Clients and flows are imported at the first invocation, not with this module: the import of function_app is the app's
cold start, and the packages behind the clients take longer to load than everything else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Final

import azure.functions as func

from shared.errors import ConfigurationError, WebhookIgnoredError, WebhookRefusedError
from shared.flows import BY_EVENT, BY_QUEUE, BY_TIMER, FLOWS, running
from shared.telemetry import emit, heartbeat

if TYPE_CHECKING:
    from shared.clients import Services

_TEXT: Final = json.JSONEncoder(ensure_ascii=False)


async def receive(family: str, req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    """200 when Service Bus has confirmed the message. Of a webhook that was ignored, or refused, code, cause and next
    step, with the code's status.
    """
    from shared.sync.messages.intake import receive_webhook  # noqa: PLC0415 - see the module's docstring

    store = req.route_params.get("store", "")
    ports = _services().intake
    ports.publisher.warm()
    try:
        envelope = await receive_webhook(
            family,
            store,
            req.headers,
            req.get_body(),
            traceparent=context.trace_context.trace_parent or "",
            ports=ports,
        )
    except (WebhookIgnoredError, WebhookRefusedError) as answer:
        reason = {"code": answer.code, "cause": answer.cause, "next_step": answer.next_step}
        return _json(reason, answer.entry.status or 400)
    return _json({"accepted": envelope.event_id}, 200)


async def receive_fo_event(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    """202 when Service Bus has confirmed the hints. Of an event that was ignored, or refused, code, cause and next
    step, with the code's status.
    """
    from shared.sync.shipments.fo_events import receive_fo_event as receive  # noqa: PLC0415 - as above

    ports = _services().fo_events
    trace = context.trace_context.trace_parent or ""
    try:
        hints = await receive(req.params.get("key", ""), req.get_body(), traceparent=trace, ports=ports)
    except (WebhookIgnoredError, WebhookRefusedError) as answer:
        reason = {"code": answer.code, "cause": answer.cause, "next_step": answer.next_step}
        return _json(reason, answer.entry.status or 400)
    return _json({"accepted": hints}, 202)


async def take_fo_message(message: func.ServiceBusMessage) -> None:
    """One event in the queue of F&O's Service Bus endpoint. Raises only for one that must be delivered again."""
    from shared.sync.shipments.fo_events import take_fo_message as take  # noqa: PLC0415 - as above

    await take(message.get_body(), traceparent="", ports=_services().fo_events)


async def handle(queue: str, message: func.ServiceBusMessage) -> None:
    """Runs the flow of the queue on one message. Raises only for a message that the queue must deliver again."""
    from shared.sync.deadline import INVOCATION_TIME, ended_after  # noqa: PLC0415 - see the module's docstring
    from shared.sync.messages.dispatch import handle_message  # noqa: PLC0415

    topic = str((message.application_properties or {}).get("topic", ""))
    flow, services = BY_EVENT.get(topic, BY_QUEUE[queue]), _services()
    with running(flow):
        async with ended_after(INVOCATION_TIME):
            await handle_message(
                partial(flow.load_handler(topic), ports=services.ports[flow.name]),
                message.get_body(),
                message.application_properties,
                message.message_id,
                services.queues[queue],
                message.delivery_count or 1,
            )


async def run(timer: str) -> None:
    """Runs the flow of the timer for every store, and records how the run ended. Raises what the flow raises, and
    OutOfTimeError for a run that was cut off: its progress is stored, and the next run continues.

    While F&O is in maintenance a flow that needs F&O does nothing, which the event timer.skipped records.
    """
    from shared.sync.deadline import FLOW_TIME, INVOCATION_TIME, ended_after  # noqa: PLC0415

    flow, services = BY_TIMER[timer], _services()
    handler = flow.load_handler()
    until = services.maintenance.until(datetime.now(UTC)) if flow.entity_sets else None
    with heartbeat(timer), running(flow):
        if until is not None:
            emit("timer.skipped", maintenance_until=until)
            return
        async with ended_after(INVOCATION_TIME), ended_after(FLOW_TIME):
            await handler(services.ports[flow.name])


async def health() -> func.HttpResponse:
    """200 with the configured stores, or 503 with every mistake in the configuration (names, never values). A store
    that lacks secrets is "misconfigured", and the app "degraded" as long as another store works. While F&O is in
    maintenance the app is ready: what arrives waits.

    It opens the link to Service Bus as well: whoever asks regularly keeps a webhook from waiting for that.
    """
    try:
        services = _services()
        services.intake.publisher.warm()
    except ConfigurationError as error:
        return _json({"status": "misconfigured", "mistakes": error.mistakes}, 503)
    stores = {
        key: {
            "status": "misconfigured" if key in services.mistakes else "ready",
            "company": rules.company,
            "flows": {flow.switch: rules.runs(flow) for flow in FLOWS},
            "mistakes": services.mistakes.get(key, ()),
        }
        for key, rules in services.rules.items()
    }
    wrong = services.fo_event_mistakes
    kind = "misconfigured" if wrong else "ready" if services.fo_events.keys else "off"
    now = datetime.now(UTC)
    parts = {
        "stores": stores,
        "fo": {
            "maintenance_until": _text(services.maintenance.until(now)),
            "next_maintenance": _text(services.maintenance.next(now)),
        },
        "fo_events": {"status": kind, "mistakes": wrong},
    }
    if services.mistakes.keys() >= stores.keys():
        return _json({"status": "misconfigured", **parts}, 503)
    return _json({"status": "degraded" if services.mistakes or wrong else "ready", **parts}, 200)


def _services() -> Services:
    from shared.clients import services  # noqa: PLC0415 - see the module's docstring

    return services()


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _json(body: Mapping[str, object], status: int) -> func.HttpResponse:
    return func.HttpResponse(
        _TEXT.encode(body) + "\n", status_code=status, mimetype="application/json", charset="utf-8"
    )
