"""Every trigger of the app: the table of contents.

shared/flows.py declares each flow, shared/sync carries it out; shared/triggers.py translates Functions' types.
"""

from __future__ import annotations

import os

import azure.functions as func

from shared import triggers
from shared.settings import has_fo_queue

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)  # a webhook's signature is its authentication

# --- webhooks and events in ---


@app.route("webhooks/shopify/{store}/orders", methods=["POST"])
async def orders_webhook(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    """An event about an order: verified, published, acknowledged."""
    return await triggers.receive("orders", req, context)


@app.route("webhooks/shopify/{store}/refunds", methods=["POST"])
async def refunds_webhook(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    """A refund: goods returned or money given back."""
    return await triggers.receive("refunds", req, context)


@app.route("webhooks/shopify/{store}/transactions", methods=["POST"])
async def transactions_webhook(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    """A payment transaction: authorised, captured, refunded or voided."""
    return await triggers.receive("transactions", req, context)


@app.route("events/fo", methods=["POST"])
async def fo_events(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    """A business event of F&O: a hint that a sales order moved."""
    return await triggers.receive_fo_event(req, context)


@app.route("webhooks/shopify/{store}/fulfillment_holds", methods=["POST"])
async def fulfillment_holds_webhook(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    """A hold of a fulfilment order: set or released."""
    return await triggers.receive("fulfillment_holds", req, context)


@app.route("webhooks/shopify/{store}/fulfillment_orders", methods=["POST"])
async def fulfillment_orders_webhook(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    """A fulfilment order: moved to another location, or put on hold."""
    return await triggers.receive("fulfillment_orders", req, context)


# --- queue workers ---


@app.service_bus_queue_trigger(
    arg_name="message", queue_name="orders", connection="ServiceBusConnection", is_sessions_enabled=True
)
async def sync_order(message: func.ServiceBusMessage) -> None:
    """One event about one order: F&O is brought to the order's state."""
    await triggers.handle("orders", message)


if has_fo_queue(os.environ):

    @app.service_bus_queue_trigger(arg_name="message", queue_name="fo-events", connection="FoEventsConnection")
    async def fo_event_message(message: func.ServiceBusMessage) -> None:
        """A business event of F&O over Service Bus, where the deployment has a namespace for them."""
        await triggers.take_fo_message(message)


# --- timers ---


@app.timer_trigger(arg_name="timer", schedule="%PUSH_STOCK_SCHEDULE%", run_on_startup=False)
async def push_stock(timer: func.TimerRequest) -> None:
    """F&O's sellable stock to the locations of every store; writes only what changed."""
    await triggers.run("push_stock")


@app.timer_trigger(arg_name="timer", schedule="%PUSH_PRICES_SCHEDULE%", run_on_startup=False)
async def push_prices(timer: func.TimerRequest) -> None:
    """F&O's prices to the variants and price lists of every store; writes only what changed."""
    await triggers.run("push_prices")


@app.timer_trigger(arg_name="timer", schedule="%WRITE_BACK_SCHEDULE%", run_on_startup=False)
async def write_back(timer: func.TimerRequest) -> None:
    """F&O's order numbers to the orders in Shopify, from the outbox."""
    await triggers.run("write_back")


@app.timer_trigger(arg_name="timer", schedule="%PUSH_SHIPMENTS_SCHEDULE%", run_on_startup=False)
async def push_shipments(timer: func.TimerRequest) -> None:
    """Orders that moved in F&O, as events, with which Shopify gets their shipments, status, holds and captures."""
    await triggers.run("push_shipments")


@app.timer_trigger(arg_name="timer", schedule="%PUSH_PRODUCTS_SCHEDULE%", run_on_startup=False)
async def push_products(timer: func.TimerRequest) -> None:
    """What F&O sells to every store's shop, with its variants and texts; writes only what changed."""
    await triggers.run("push_products")


@app.timer_trigger(arg_name="timer", schedule="%SWEEP_SCHEDULE%", run_on_startup=False)
async def sweep_orders(timer: func.TimerRequest) -> None:
    """Order changes whose webhook was missed, and differences between both systems."""
    await triggers.run("sweep_orders")


@app.timer_trigger(arg_name="timer", schedule="%EXPORT_SCHEDULE%", run_on_startup=False)
async def export_tables(timer: func.TimerRequest) -> None:
    """The tables that say what F&O has, into a versioned container."""
    await triggers.run("export_tables")


# --- health ---


@app.route("health", methods=["GET"])
async def health(req: func.HttpRequest) -> func.HttpResponse:
    """Whether settings and rules are complete: for probes, and after a deployment."""
    return await triggers.health()
