"""Between Azure Functions' types and the flows.

Clients and flows are imported at the first invocation, not with this module: the import of function_app is the app's
cold start, and the packages behind the clients take longer to load than everything else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

import azure.functions as func

from shared.errors import ConfigurationError, WebhookRefusedError
from shared.telemetry import heartbeat

if TYPE_CHECKING:
    from shared.clients import Services


async def receive_webhook(family: str, req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    """200 when Service Bus has the message; else the refusal's own status, with code, cause and next step."""
    from shared.sync.messages.intake import receive_webhook as receive  # noqa: PLC0415 - see the module's docstring

    headers = {name.lower(): value for name, value in req.headers.items()}
    store = req.route_params.get("store", "")
    try:
        envelope = await receive(
            family,
            store,
            headers,
            req.get_body(),
            traceparent=context.trace_context.trace_parent or "",
            ports=_services().intake,
        )
    except WebhookRefusedError as refusal:
        refused = {"code": refusal.code, "cause": refusal.cause, "next_step": refusal.next_step}
        return _json(refused, refusal.entry.status or 400)
    return _json({"accepted": envelope.event_id}, 200)


async def sync_order(message: func.ServiceBusMessage) -> None:
    from shared.sync.messages.dispatch import handle_message  # noqa: PLC0415 - see the module's docstring

    services = _services()
    await handle_message(
        services.sync_order,
        message.get_body(),
        message.application_properties,
        message.message_id,
        services.orders_desk,
    )


async def push_stock() -> None:
    from shared.sync.stock.run import push_all_stock  # noqa: PLC0415 - see the module's docstring

    ports = _services().stock
    with heartbeat("push_stock"):
        await push_all_stock(ports)


async def write_back() -> None:
    from shared.sync.order_numbers import push_numbers  # noqa: PLC0415 - see the module's docstring

    ports = _services().write_back
    with heartbeat("write_back"):
        await push_numbers(ports)


async def sweep_orders() -> None:
    from shared.sync.sweep.run import sweep_orders as sweep  # noqa: PLC0415 - see the module's docstring

    ports = _services().sweep
    with heartbeat("sweep_orders"):
        await sweep(ports)


async def health() -> func.HttpResponse:
    """200 with the configured stores, or 503 with every mistake in the configuration (names, never values)."""
    try:
        services = _services()
    except ConfigurationError as error:
        return _json({"status": "misconfigured", "mistakes": error.mistakes}, 503)
    stores = {key: {"company": rules.company, "flows": dict(rules.flows)} for key, rules in services.rules.items()}
    return _json({"status": "ready", "stores": stores}, 200)


def _services() -> Services:
    from shared.clients import services  # noqa: PLC0415 - see the module's docstring

    return services()


def _json(body: Mapping[str, object], status: int) -> func.HttpResponse:
    return func.HttpResponse(
        json.dumps(body, ensure_ascii=False), status_code=status, mimetype="application/json", charset="utf-8"
    )
