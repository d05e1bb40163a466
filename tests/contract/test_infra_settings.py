"""The app settings that Bicep sets are those that the code and the host read, and none is left out."""

import ast
import json
import re
from collections.abc import Iterator, Mapping

import pytest
from builders.infrastructure import ENVIRONMENTS, EVERY_OPTION, deployment, read
from builders.root import ROOT
from builders.source import nodes_of

from local.functions.ncrontab import parse_schedule
from local.functions.worker import Function
from shared.settings import read_connections, read_settings, store_keys

# Read, but not set by us in Azure: why.
NOT_IN_AZURE = {
    "ServiceBusConnection": "a connection string; in Azure the identity takes its place",
    "StateStorage": "a connection string; in Azure the identity takes its place",
    "D365_TENANT": "the simulator's kind; in Azure the name of F&O's host tells",
    "SHOPIFY_BASE_URL": "points to a simulator; the default is the shop's own domain",
    "WEBSITE_HOSTNAME": "Azure sets it",
    "WEBSITE_SITE_NAME": "Azure sets it",
}
# Read by the Functions host or by Microsoft's libraries, not by our code.
READ_BY_OTHERS = {"APPLICATIONINSIGHTS_AUTHENTICATION_STRING", "OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG"}
IDENTITY = ("credential", "clientId")
HOST_STORAGE = {f"AzureWebJobsStorage__{part}" for part in ("blobServiceUri", *IDENTITY)}
OVERRIDE = "AzureFunctionsJobHost__"

# Flex Consumption refuses these or is broken by them.
FORBIDDEN = re.compile(
    r"FUNCTIONS_(WORKER_RUNTIME|WORKER_RUNTIME_VERSION|WORKER_PROCESS_COUNT|EXTENSION_VERSION)"
    r"|SCM_DO_BUILD_DURING_DEPLOYMENT|ENABLE_ORYX_BUILD|WEBSITE_CONTENT\w*|WEBSITE_RUN_FROM_PACKAGE"
    r"|WEBSITE_VNET_ROUTE_ALL|WEBSITE_TIME_ZONE|TZ|AzureWebJobsStorage|AzureWebJobsDashboard"
)
REFERENCE = re.compile(
    r"\[format\('@Microsoft\.KeyVault\(SecretUri=\{0\}secrets/shopify-\{1\}-(?P<what>[a-z-]+)\)', "
    r"reference\('[^']+/vaults/[^']+', '[\d-]+'\)\.vaultUri, '(?P<store>[a-z0-9-]+)'\)\]"
)


class Recorded(Mapping[str, str]):
    """An environment that records which names are read."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values
        self.asked: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.asked.add(name)
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


@pytest.fixture(scope="module", params=ENVIRONMENTS)
def settings(request: pytest.FixtureRequest) -> Mapping[str, str]:
    return deployment(request.param).app_settings


def in_azure(settings: Mapping[str, str]) -> Recorded:
    """As the app sees it: references to Key Vault resolved, addresses that only Azure knows filled in."""
    return Recorded({name: REFERENCE.sub("a-secret", str(value)) for name, value in settings.items()})


def bound(functions: list[Function]) -> set[str]:
    """The settings that bindings name: connections and whole values in per cent signs."""
    bindings = [binding for function in functions for binding in function.bindings]
    connections = {str(binding["connection"]) for binding in bindings if "connection" in binding}
    named = {
        name
        for binding in bindings
        for value in binding.values()
        if isinstance(value, str)
        for name in re.findall(r"%(\w+)%", value)
    }
    suffixes = ("fullyQualifiedNamespace", *IDENTITY)
    return named | {f"{connection}__{suffix}" for connection in connections for suffix in suffixes}


def test_the_app_starts_with_what_bicep_sets(settings: Mapping[str, str]) -> None:
    started = read_settings(in_azure(settings))
    assert started.service_bus.connection_string is None
    assert started.state.connection_string is None
    assert sorted(started.shops) == store_keys(ROOT / settings["STORES_FOLDER"])


def test_every_setting_that_is_read_is_set(settings: Mapping[str, str], functions: list[Function]) -> None:
    environ = in_azure(settings)
    read_settings(environ)
    assert (environ.asked | bound(functions) | HOST_STORAGE) - set(settings) == set(NOT_IN_AZURE)


def test_every_setting_that_is_set_is_read(settings: Mapping[str, str], functions: list[Function]) -> None:
    environ = in_azure(settings)
    read_settings(environ)
    overrides = {name for name in settings if name.startswith(OVERRIDE)}
    assert set(settings) - overrides == (environ.asked | bound(functions) | HOST_STORAGE | READ_BY_OTHERS) - set(
        NOT_IN_AZURE
    )


def test_no_other_module_reads_the_environment() -> None:
    """Otherwise the comparisons would miss some."""
    readers = {
        str(path.relative_to(ROOT))
        for path in [*(ROOT / "shared").rglob("*.py"), ROOT / "function_app.py"]
        for node in nodes_of(path)
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"}
    }
    assert readers == {"shared/clients.py", "shared/operator/__main__.py", "function_app.py"}


def test_the_operators_command_runs_on_the_apps_settings(settings: Mapping[str, str]) -> None:
    of_the_app, of_the_command = in_azure(settings), in_azure(settings)
    connections = read_connections(of_the_command)
    read_settings(of_the_app)
    assert of_the_command.asked <= of_the_app.asked
    assert (connections.service_bus.connection_string, connections.state.connection_string) == (None, None)


def test_overrides_name_what_is_in_host_json(settings: Mapping[str, str]) -> None:
    for name in settings:
        if name.startswith(OVERRIDE):
            value = json.loads((ROOT / "host.json").read_text(encoding="utf-8"))
            for part in name.removeprefix(OVERRIDE).split("__"):
                value = value[part]
            assert isinstance(value, int), name


def test_nothing_is_set_that_flex_consumption_forbids(settings: Mapping[str, str]) -> None:
    assert not [name for name in settings if FORBIDDEN.fullmatch(name)]


def test_secrets_are_references_without_a_version(settings: Mapping[str, str]) -> None:
    secrets = {name: value for name, value in settings.items() if name.startswith("SHOPIFY_")}
    assert len(secrets) == 3 * len(store_keys(ROOT / settings["STORES_FOLDER"]))
    for name, value in secrets.items():
        match = REFERENCE.fullmatch(value)
        assert match, name
        assert f"shopify-{match['store']}-{match['what']}" == name.lower().replace("_", "-")


def test_a_key_with_a_hyphen_gets_the_name_that_the_app_asks_for() -> None:
    match = REFERENCE.fullmatch(deployment(EVERY_OPTION).app_settings["SHOPIFY_NORDLYS_UK_CLIENT_ID"])
    assert match
    assert (match["store"], match["what"]) == ("nordlys-uk", "client-id")


def test_every_timer_of_the_app_has_its_schedule(settings: Mapping[str, str], functions: list[Function]) -> None:
    timers = {
        function.name: binding["schedule"].strip("%")
        for function in functions
        for binding in function.bindings
        if binding["type"] == "timerTrigger"
    }
    assert {timer["function"]: timer["setting"] for timer in read("timers.json")} == timers
    for setting in timers.values():
        assert parse_schedule(settings[setting])


def test_every_queue_has_its_function(functions: list[Function]) -> None:
    queues = [
        str(binding["queueName"])
        for function in functions
        for binding in function.bindings
        if binding["type"] == "serviceBusTrigger"
    ]
    assert sorted(queues) == sorted(queue["name"] for queue in read("topology.json")["queues"])
