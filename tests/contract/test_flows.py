"""shared/flows.py against what it names: handlers, entity sets, documents, functions, queues, settings, the store file.

The scopes of each flow are compared with Shopify's schema in test_graphql_documents.py.
"""

import inspect
import json
import re
import subprocess
import sys
from collections.abc import Mapping
from typing import Any, get_type_hints

import pytest
from builders.root import ROOT

from local.functions.worker import Function
from shared.bus.envelope import Envelope
from shared.clients import build
from shared.flows import BY_FAMILY, BY_QUEUE, BY_TIMER, BY_TOPIC, FLOWS, ORDERS, SWITCHES, Direction, Flow
from shared.rules.store import Flows, Masters
from shared.settings import read_settings
from tools.permissions import uses_of

each_flow = pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.name)

SETTINGS = {
    "ServiceBusConnection__fullyQualifiedNamespace": "sb.servicebus.windows.net",
    "StateStorage__tableServiceUri": "https://state.table.core.windows.net",
    "StateStorage__blobServiceUri": "https://state.blob.core.windows.net",
    "D365_BASE_URL": "https://contoso.operations.dynamics.com",
    **{
        f"SHOPIFY_{path.stem.upper().replace('-', '_')}_{name}": "x"
        for path in (ROOT / "config/stores").glob("*.toml")
        for name in ("WEBHOOK_SECRETS", "CLIENT_ID", "CLIENT_SECRET")
    },
}


@pytest.fixture(scope="module")
def bindings(functions: list[Function]) -> Mapping[str, Mapping[str, Any]]:
    """The trigger binding of each function, by name."""
    return {
        function.name: binding
        for function in functions
        for binding in function.bindings
        if binding["type"].endswith("Trigger")
    }


@each_flow
def test_handler_is_an_async_function_that_takes_what_starts_the_flow(flow: Flow) -> None:
    handler = flow.load_handler()
    assert inspect.iscoroutinefunction(handler)
    required = [
        name for name, each in inspect.signature(handler).parameters.items() if each.default is inspect.Parameter.empty
    ]
    assert required == (["envelope", "ports"] if flow.queue else ["ports"])
    if flow.queue:
        assert get_type_hints(handler)["envelope"] is Envelope


@each_flow
def test_the_handler_of_a_flows_events_takes_what_a_queues_does(flow: Flow) -> None:
    assert bool(flow.events) == bool(flow.event_handler)
    for topic in flow.carried:
        handler = flow.load_handler(topic)
        assert inspect.iscoroutinefunction(handler)
        assert list(inspect.signature(handler).parameters) == ["envelope", "ports"]
        assert get_type_hints(handler) | {"return": None} == {
            "envelope": Envelope,
            "ports": get_type_hints(flow.load_handler())["ports"],
            "return": None,
        }
    assert flow.events.isdisjoint(BY_TOPIC)


async def test_clients_build_for_each_handler_the_ports_that_it_takes() -> None:
    services = build(read_settings(SETTINGS))
    expected = {flow.name: get_type_hints(flow.load_handler())["ports"] for flow in FLOWS}
    assert {name: type(ports) for name, ports in services.ports.items()} == expected
    assert set(services.queues) == set(BY_QUEUE)


@each_flow
def test_entity_sets_are_those_that_the_code_uses(flow: Flow) -> None:
    assert flow.entity_sets == set(uses_of(flow).access)


@each_flow
def test_documents_are_those_that_the_code_sends(flow: Flow) -> None:
    assert flow.documents == uses_of(flow).documents


NO_BUSINESS_DATA = {"subscribe", "subscription_repair"}
"""Documents that write to Shopify, but nothing that one of the two systems is the master of."""


@each_flow
def test_flow_writes_only_to_the_system_that_its_direction_names(flow: Flow) -> None:
    uses = uses_of(flow)
    writes_to_fo = any(set(verbs) - {"read"} for verbs in uses.access.values())
    writes_to_shopify = any(
        re.search(r"^mutation\b", (ROOT / f"shared/shopify/queries/{name}.graphql").read_text(), re.MULTILINE)
        for name in uses.documents - NO_BUSINESS_DATA
    )
    if flow.direction is Direction.TO_NEITHER:
        assert not writes_to_fo
        assert not flow.entity_sets
    to_fo = flow.direction in {Direction.TO_FO, Direction.TO_BOTH}
    to_shopify = flow.direction in {Direction.TO_SHOPIFY, Direction.TO_BOTH}
    assert (writes_to_fo, writes_to_shopify) == (to_fo, to_shopify)


@each_flow
def test_flow_starts_in_one_way(flow: Flow) -> None:
    assert (flow.queue is None) != (flow.timer is None)
    assert flow.queue or not flow.webhooks or flow.event_handler


def test_names_families_topics_and_functions_are_used_once() -> None:
    names = [flow.name for flow in FLOWS]
    assert len(set(names)) == len(names)
    assert len(BY_FAMILY) == sum(len(flow.webhooks) for flow in FLOWS)
    assert len(BY_TOPIC) == sum(len(topics) for flow in FLOWS for topics in flow.webhooks.values())
    assert len(BY_QUEUE) + len(BY_TIMER) == len(FLOWS)


def test_switches_and_masters_are_keys_of_a_store_file() -> None:
    assert set(SWITCHES) == set(Flows.model_fields)
    assert {flow.master for flow in FLOWS if flow.master} <= set(Masters.model_fields)


def test_functions_are_those_of_the_flows_and_health(bindings: Mapping[str, Mapping[str, Any]]) -> None:
    queues = {each["queueName"] for each in bindings.values() if each["type"] == "serviceBusTrigger"}
    timers = {name: each["schedule"] for name, each in bindings.items() if each["type"] == "timerTrigger"}
    routes = {name for name, each in bindings.items() if each["type"] == "httpTrigger"}
    assert queues == set(BY_QUEUE)
    assert timers == {name: f"%{flow.timer.schedule}%" for name, flow in BY_TIMER.items() if flow.timer}
    assert routes == {f"{family}_webhook" for family in BY_FAMILY} | {"fo_events", "health"}


def test_each_queue_gets_the_messages_of_its_flow() -> None:
    topology = json.loads((ROOT / "infra/topology.json").read_text())
    queues = {queue["name"] for queue in topology["queues"]}
    forwarded = {
        each["forwardTo"]: each["rule"]["correlationFilter"]["properties"]["flow"] for each in topology["subscriptions"]
    }
    assert set(BY_QUEUE) <= queues
    assert forwarded == {queue: flow.name for queue, flow in BY_QUEUE.items() if flow.webhooks}
    assert ORDERS.queue in forwarded


@pytest.mark.wire
def test_cold_start_loads_no_flow_and_no_client() -> None:
    code = "import sys, function_app; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    floors = ("clients", "sync", "mapping", "rules", "shopify", "d365", "bus", "store")
    late = ("httpx", "pydantic", "azure.identity", "azure.servicebus", "azure.data", "azure.storage")
    late += tuple(f"shared.{name}" for name in floors)
    names = loaded.split()
    assert "shared.flows" in names
    assert [name for name in names if name.startswith(late)] == []
