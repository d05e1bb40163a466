"""Every trigger of the app, one line of work each: the table of contents.

The flows behind them are in shared/sync; shared/triggers.py stands between Functions' types and ours.
"""

from __future__ import annotations

import azure.functions as func

from shared import triggers

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)  # a webhook's signature is its authentication


@app.route("webhooks/shopify/{store}/orders", methods=["POST"])
async def orders_webhook(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    """Shopify tells of an order: verified, put on the topic, acknowledged."""
    return await triggers.receive_webhook("orders", req, context)


@app.route("webhooks/shopify/{store}/refunds", methods=["POST"])
async def refunds_webhook(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    """Shopify tells of goods or money given back."""
    return await triggers.receive_webhook("refunds", req, context)


@app.route("webhooks/shopify/{store}/transactions", methods=["POST"])
async def transactions_webhook(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    """Shopify tells of a payment: authorised, captured, refunded, voided."""
    return await triggers.receive_webhook("transactions", req, context)


@app.service_bus_queue_trigger(
    arg_name="message", queue_name="orders", connection="ServiceBusConnection", is_sessions_enabled=True
)
async def sync_order(message: func.ServiceBusMessage) -> None:
    """One event about one order: F&O is brought to the order's state."""
    await triggers.sync_order(message)


@app.timer_trigger(arg_name="timer", schedule="%PUSH_STOCK_SCHEDULE%", run_on_startup=False)
async def push_stock(timer: func.TimerRequest) -> None:
    """F&O's sellable stock to every store's locations, only what changed."""
    await triggers.push_stock()


@app.timer_trigger(arg_name="timer", schedule="%WRITE_BACK_SCHEDULE%", run_on_startup=False)
async def write_back(timer: func.TimerRequest) -> None:
    """F&O's order numbers to the orders in Shopify, from the outbox."""
    await triggers.write_back()


@app.timer_trigger(arg_name="timer", schedule="%SWEEP_SCHEDULE%", run_on_startup=False)
async def sweep_orders(timer: func.TimerRequest) -> None:
    """Orders that no webhook told of, and what differs between both systems."""
    await triggers.sweep_orders()


@app.route("health", methods=["GET"])
async def health(req: func.HttpRequest) -> func.HttpResponse:
    """Whether settings and rules are complete, for probes and for the person who has just deployed."""
    return await triggers.health()
