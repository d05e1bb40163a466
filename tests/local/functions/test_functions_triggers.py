"""What the local Functions host makes of bindings, and which it refuses."""

from typing import Any

import pytest

from local.functions.config import HostConfig, ServiceBusOptions
from local.functions.errors import StartError
from local.functions.host import describe
from local.functions.http_triggers import route_paths
from local.functions.servicebus_triggers import make_client
from local.functions.triggers import HttpTrigger, ServiceBusTrigger, TimerTrigger, read_triggers
from local.functions.worker import Function

ENVIRONMENT = {
    "Bus": "Endpoint=sb://127.0.0.1:1;SharedAccessKeyName=x;SharedAccessKey=y;UseDevelopmentEmulator=true;",
    "QUEUE": "orders",
    "SCHEDULE": "0 */2 * * * *",
}
HTTP = {"type": "httpTrigger", "name": "req", "route": "health", "methods": ["GET"]}
QUEUE = {"type": "serviceBusTrigger", "name": "msg", "connection": "Bus", "queueName": "%QUEUE%"}
TIMER = {"type": "timerTrigger", "name": "timer", "schedule": "%SCHEDULE%"}


def function(*bindings: dict[str, Any], name: str = "f") -> Function:
    return Function(name, "1", bindings)


def test_triggers_are_read_with_their_settings_resolved() -> None:
    functions = [
        function(HTTP, {"type": "http", "name": "$return"}),
        function({**QUEUE, "isSessionsEnabled": True}),
        function(TIMER),
    ]
    http, queue, timer = read_triggers(functions, ENVIRONMENT)
    assert isinstance(http, HttpTrigger)
    assert isinstance(queue, ServiceBusTrigger)
    assert isinstance(timer, TimerTrigger)
    assert (http.route, http.methods) == ("health", ("GET",))
    assert (queue.source, queue.sessions, queue.connection) == ("orders", True, ENVIRONMENT["Bus"])
    assert timer.schedule == "0 */2 * * * *"


def test_subscription_is_named_with_its_topic() -> None:
    binding = {"type": "serviceBusTrigger", "name": "m", "connection": "Bus"}
    topic = {"topicName": "commerce-events", "subscriptionName": "orders"}
    (trigger,) = read_triggers([function({**binding, **topic})], ENVIRONMENT)
    assert isinstance(trigger, ServiceBusTrigger)
    assert trigger.source == "commerce-events/Subscriptions/orders"


def test_disabled_function_is_left_out() -> None:
    environment = {**ENVIRONMENT, "AzureWebJobs.f.Disabled": "true"}
    assert read_triggers([function(TIMER)], environment) == []


@pytest.mark.parametrize(
    ("bindings", "complaint"),
    [
        ([], "has no trigger"),
        ([{"type": "blobTrigger", "name": "b"}], "blobTrigger is not supported"),
        ([HTTP, {"type": "queue", "name": "out"}], "the binding queue is not supported"),
        ([{**QUEUE, "cardinality": "MANY"}], "cardinality many"),
        ([{**QUEUE, "autoCompleteMessages": False}], "autoCompleteMessages must be true"),
        ([{**QUEUE, "connection": "Missing"}], "the connection Missing is not set"),
        ([{**QUEUE, "queueName": "%NONE%"}], "%NONE% is not set"),
        ([{**TIMER, "schedule": "%NONE%"}], "function f: %NONE% is not set"),
    ],
)
def test_binding_that_the_host_cannot_serve_stops_it_at_start(bindings: list[dict[str, Any]], complaint: str) -> None:
    with pytest.raises(StartError, match=complaint):
        read_triggers([function(*bindings)], ENVIRONMENT)


def test_malformed_connection_string_names_the_function() -> None:
    (trigger,) = read_triggers([function(QUEUE)], {**ENVIRONMENT, "Bus": "nonsense"})
    assert isinstance(trigger, ServiceBusTrigger)
    with pytest.raises(StartError, match="function f: its connection string is wrong"):
        make_client(trigger)


@pytest.mark.parametrize(
    ("template", "paths"),
    [
        ("webhooks/shopify/{store}/orders", ["/api/webhooks/shopify/{store}/orders"]),
        ("files/{*rest}", ["/api/files/{rest:.*}", "/api/files"]),
        ("orders/{id:int}", [r"/api/orders/{id:-?\d+}"]),
        ("orders/{id?}", ["/api/orders/{id}", "/api/orders"]),
        ("", ["/api"]),
    ],
)
def test_azure_routes_become_paths(template: str, paths: list[str]) -> None:
    assert route_paths(template, "api") == paths


def test_route_constraint_that_is_not_known_is_refused() -> None:
    with pytest.raises(StartError, match="constraint 'datetime'"):
        route_paths("orders/{day:datetime}", "api")


def test_functions_are_listed_with_what_calls_them() -> None:
    bus = ServiceBusOptions(
        max_concurrent_calls=1,
        max_concurrent_sessions=1,
        session_idle_timeout=1,
        max_auto_lock_renewal=1,
        auto_complete=True,
    )
    config = HostConfig(
        route_prefix="api", function_timeout=None, log_level=20, service_bus=bus, is_open_telemetry=False
    )
    functions = [
        function(HTTP, name="health"),
        function({**QUEUE, "isSessionsEnabled": True}, name="sync"),
        function(TIMER, name="push"),
    ]
    assert describe(read_triggers(functions, ENVIRONMENT), "http://127.0.0.1:7071", config) == [
        "health: [GET] http://127.0.0.1:7071/api/health",
        "sync: Service Bus orders with sessions",
        "push: timer 0 */2 * * * * (UTC)",
    ]
