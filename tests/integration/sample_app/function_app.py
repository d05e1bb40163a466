"""A function app that shows what reached it: every kind of trigger that the local host has."""

import asyncio
import json
import threading

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

seen: list[dict[str, object]] = []


@app.route("echo/{name}", methods=["POST"])
async def echo(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    report = {
        "url": req.url,
        "name": req.route_params["name"],
        "query": dict(req.params),
        "header": req.headers.get("X-SHOPIFY-TOPIC"),
        "trace_parent": context.trace_context.trace_parent,
        "invocation_id": context.invocation_id,
    }
    return func.HttpResponse(
        req.get_body(), status_code=202, headers={"X-Report": json.dumps(report)}, mimetype="application/octet-stream"
    )


@app.route("files/{*rest}", methods=["GET"])
def in_a_thread(req: func.HttpRequest) -> str:
    return f"{req.route_params['rest']} on {threading.current_thread().name}"


@app.route("files/index", methods=["GET"])
async def literal_route(req: func.HttpRequest) -> func.HttpResponse:
    response = func.HttpResponse("index")
    response.headers.add("Set-Cookie", "a=1; Path=/")
    response.headers.add("Set-Cookie", "b=2")
    return response


@app.route("broken", methods=["GET"])
async def broken(req: func.HttpRequest) -> func.HttpResponse:
    raise RuntimeError("broken on purpose")


@app.route("slow", methods=["GET"])
async def slow(req: func.HttpRequest) -> func.HttpResponse:
    await asyncio.sleep(float(req.params["seconds"]))
    return func.HttpResponse("slept")


@app.route("seen", methods=["GET"])
async def list_seen(req: func.HttpRequest) -> func.HttpResponse:
    """What triggers have brought, once there is as much as asked for, or after a second."""
    wanted = int(req.params.get("count", "0"))
    for _ in range(50):
        if len(seen) >= wanted:
            break
        await asyncio.sleep(0.02)
    return func.HttpResponse(json.dumps(seen), mimetype="application/json")


@app.service_bus_queue_trigger(
    arg_name="msg", queue_name="%SESSION_QUEUE%", connection="ServiceBusConnection", is_sessions_enabled=True
)
async def in_sessions(msg: func.ServiceBusMessage, context: func.Context) -> None:
    note("in_sessions", msg, context.trace_context.trace_parent)
    first_delivery = msg.delivery_count == 1
    if msg.get_body() == b"fail once" and first_delivery:
        raise RuntimeError("failed on purpose")
    if msg.get_body() == b"hang once" and first_delivery:
        await asyncio.sleep(60)
    if msg.get_body() == b"take a second":
        await asyncio.sleep(1)


@app.service_bus_queue_trigger(arg_name="msg", queue_name="plain", connection="ServiceBusConnection")
def without_sessions(msg: func.ServiceBusMessage) -> None:
    note("without_sessions", msg, "")


@app.service_bus_topic_trigger(
    arg_name="msg", topic_name="events", subscription_name="all", connection="ServiceBusConnection"
)
async def from_subscription(msg: func.ServiceBusMessage) -> None:
    note("from_subscription", msg, "")


@app.timer_trigger(arg_name="timer", schedule="%TIMER_SCHEDULE%")
async def on_schedule(timer: func.TimerRequest) -> None:
    seen.append({"timer": True, "past_due": timer.past_due})


@app.timer_trigger(arg_name="timer", schedule="0 0 0 1 1 *")
def failing_timer(timer: func.TimerRequest) -> None:
    raise RuntimeError("the timer failed on purpose")


def note(function: str, msg: func.ServiceBusMessage, trace_parent: str) -> None:
    enqueued = msg.enqueued_time_utc
    seen.append(
        {
            "function": function,
            "body": msg.get_body().decode(),
            "message_id": msg.message_id,
            "session_id": msg.session_id,
            "correlation_id": msg.correlation_id,
            "content_type": msg.content_type,
            "application_properties": msg.application_properties,
            "user_properties": msg.user_properties,
            "delivery_count": msg.delivery_count,
            "sequence_number": msg.sequence_number,
            "lock_token": msg.lock_token,
            "enqueued": enqueued.isoformat() if enqueued else None,
            "trace_parent": trace_parent,
        }
    )
