"""function_app.py against what it must agree with: the worker, host.json, the topology and the local settings.

The app is indexed by Microsoft's own worker library, which checks bindings and annotations as in Azure.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest
from builders.root import ROOT

from local.functions.config import load_host_config
from local.functions.ncrontab import parse_schedule
from local.functions.triggers import ServiceBusTrigger, TimerTrigger, read_triggers
from local.functions.worker import Function
from local.shopify.topics import ENDPOINTS
from local.stack import Ports, app_settings
from shared.flows import TOPICS

SETTING = re.compile(r"%([^%]+)%")

type Bindings = Mapping[str, Mapping[str, Any]]


@pytest.fixture(scope="module")
def triggers(functions: list[Function]) -> Bindings:
    """The trigger binding of each function, by name."""
    return {
        function.name: binding
        for function in functions
        for binding in function.bindings
        if binding["type"].endswith("Trigger")
    }


@pytest.fixture(scope="module")
def settings() -> Mapping[str, str]:
    return app_settings(Ports())


@pytest.fixture(scope="module")
def topology() -> Mapping[str, Any]:
    document: Mapping[str, Any] = json.loads((ROOT / "infra" / "topology.json").read_text())
    return document


def test_app_has_the_functions_that_the_design_names(triggers: Bindings) -> None:
    kinds = {name: binding["type"] for name, binding in triggers.items()}
    expected = {
        "orders_webhook": "httpTrigger",
        "refunds_webhook": "httpTrigger",
        "transactions_webhook": "httpTrigger",
        "fo_events": "httpTrigger",
        "fulfillment_holds_webhook": "httpTrigger",
        "fulfillment_orders_webhook": "httpTrigger",
        "sync_order": "serviceBusTrigger",
        "push_stock": "timerTrigger",
        "write_back": "timerTrigger",
        "sweep_orders": "timerTrigger",
        "export_tables": "timerTrigger",
        "health": "httpTrigger",
    }
    assert kinds == kinds | expected


def test_webhooks_and_health_have_the_routes_that_are_registered_elsewhere(triggers: Bindings) -> None:
    for family in TOPICS:
        assert triggers[f"{family}_webhook"]["route"] == f"webhooks/shopify/{{store}}/{family}"
        assert triggers[f"{family}_webhook"]["methods"] == ["POST"]
    assert (triggers["fo_events"]["route"], triggers["fo_events"]["methods"]) == ("events/fo", ["POST"])
    assert triggers["health"]["route"] == "health"
    assert triggers["health"]["methods"] == ["GET"]


def test_the_simulated_shops_send_each_topic_to_the_address_that_takes_it() -> None:
    taken = {topic: family for family, topics in TOPICS.items() for topic in topics}
    assert taken.items() <= ENDPOINTS.items()


@pytest.mark.wire
@pytest.mark.parametrize("setting", ["FoEventsConnection", "FoEventsConnection__fullyQualifiedNamespace"])
def test_the_queue_of_fos_events_has_a_function_where_it_has_a_connection(
    setting: str, triggers: Bindings, topology: Mapping[str, Any]
) -> None:
    assert "fo_event_message" not in triggers
    code = (
        "import json, function_app\n"
        "for each in function_app.app.get_functions():\n"
        "    if each.get_function_name() == 'fo_event_message':\n"
        "        print(json.dumps([binding.get_dict_repr() for binding in each.get_bindings()], default=str))\n"
    )
    environ = {**os.environ, setting: "sbns-fo-1.servicebus.windows.net"}
    shown = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environ, capture_output=True, text=True, check=True
    ).stdout
    (binding,) = json.loads(shown)
    assert (binding["queueName"], binding["connection"]) == ("fo-events", "FoEventsConnection")
    assert not binding.get("isSessionsEnabled")
    assert "fo-events" not in {queue["name"] for queue in topology["queues"]}


def test_http_functions_need_no_key(triggers: Bindings) -> None:
    levels = {
        name: str(binding["authLevel"]).lower()
        for name, binding in triggers.items()
        if binding["type"] == "httpTrigger"
    }
    assert set(levels.values()) == {"anonymous"}, levels


def test_queue_triggers_read_queues_that_exist_with_their_kind_of_sessions(
    functions: list[Function], settings: Mapping[str, str], topology: Mapping[str, Any]
) -> None:
    with_sessions = {queue["name"]: bool(queue.get("requiresSession")) for queue in topology["queues"]}
    with_sessions |= {
        f"{each['topic']}/Subscriptions/{each['name']}": bool(each.get("requiresSession"))
        for each in topology["subscriptions"]
    }
    sources = {
        trigger.source: trigger.sessions
        for trigger in read_triggers(functions, settings)
        if isinstance(trigger, ServiceBusTrigger)
    }
    assert sources
    assert sources == {source: with_sessions.get(source) for source in sources}


def test_every_setting_that_a_binding_names_is_set_by_the_local_stack(
    triggers: Bindings, settings: Mapping[str, str]
) -> None:
    named = {
        setting
        for binding in triggers.values()
        for value in binding.values()
        if isinstance(value, str)
        for setting in SETTING.findall(value)
    }
    named |= {binding["connection"] for binding in triggers.values() if "connection" in binding}
    assert named
    assert named <= set(settings)


def test_schedules_can_be_followed(functions: list[Function], settings: Mapping[str, str]) -> None:
    timers = [each for each in read_triggers(functions, settings) if isinstance(each, TimerTrigger)]
    assert timers
    for timer in timers:
        assert parse_schedule(timer.schedule)
        assert not timer.run_on_startup, "runs on every scale-out too"


def test_lock_lasts_longer_than_the_longest_run() -> None:
    # Otherwise a message is delivered a second time while its first run still goes on.
    config = load_host_config(ROOT, {})
    assert config.function_timeout is not None
    assert config.function_timeout < config.service_bus.max_auto_lock_renewal


def test_messages_are_completed_by_the_host() -> None:
    assert load_host_config(ROOT, {}).service_bus.auto_complete
