"""What the local Functions host reads from host.json, local.settings.json and the environment."""

import json
import logging
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from local.functions.config import (
    apply_local_settings,
    connection_string,
    load_host_config,
    parse_time_span,
    resolve_settings,
)
from local.functions.errors import StartError


def write(folder: Path, document: Any, name: str = "host.json") -> Path:
    path = folder / name
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return path


def test_options_of_host_json_are_read(tmp_path: Path) -> None:
    bus = {
        "maxConcurrentCalls": 3,
        "maxConcurrentSessions": 5,
        "sessionIdleTimeout": "00:00:30",
        "maxAutoLockRenewalDuration": "00:06:00",
        "autoCompleteMessages": False,
    }
    document = {
        "version": "2.0",
        "functionTimeout": "00:04:00",
        "logging": {"logLevel": {"default": "Warning"}},
        "extensions": {"http": {"routePrefix": "v1"}, "serviceBus": bus},
    }
    write(tmp_path, document)
    config = load_host_config(tmp_path, {})
    assert (config.route_prefix, config.function_timeout) == ("v1", 240)
    assert config.log_level == logging.WARNING
    assert config.service_bus.max_concurrent_calls == 3
    assert config.service_bus.max_concurrent_sessions == 5
    assert config.service_bus.session_idle_timeout == 30
    assert config.service_bus.max_auto_lock_renewal == 360
    assert not config.service_bus.auto_complete


def test_what_host_json_leaves_out_has_the_defaults_of_azure(tmp_path: Path) -> None:
    write(tmp_path, {"version": "2.0"})
    config = load_host_config(tmp_path, {})
    assert (config.route_prefix, config.function_timeout) == ("api", 1800)
    assert config.service_bus.max_concurrent_sessions == 8
    assert config.service_bus.max_auto_lock_renewal == 300
    assert config.service_bus.auto_complete


def test_function_timeout_of_minus_one_is_no_limit(tmp_path: Path) -> None:
    write(tmp_path, {"version": "2.0", "functionTimeout": "-1"})
    assert load_host_config(tmp_path, {}).function_timeout is None


@pytest.mark.parametrize(
    ("document", "complaint"),
    [
        ({}, "version"),
        ("{", "no valid JSON"),
        ("[]", "JSON object"),
        ({"version": "2.0", "functionTimeout": "soon"}, "'soon' is no time span"),
        ({"version": "2.0", "logging": {"logLevel": {"default": "Loud"}}}, "'Loud'"),
        ({"version": "2.0", "extensions": {"serviceBus": {"maxConcurrentCalls": 0}}}, "maxConcurrentCalls is 0"),
        ({"version": "2.0", "extensions": {"serviceBus": {"messageHandlerOptions": {}}}}, "version 4"),
    ],
)
def test_host_json_that_cannot_be_followed_is_refused(tmp_path: Path, document: Any, complaint: str) -> None:
    write(tmp_path, document)
    with pytest.raises(StartError, match=complaint):
        load_host_config(tmp_path, {})


def test_settings_override_host_json_as_in_azure(tmp_path: Path) -> None:
    bus = {"sessionIdleTimeout": "00:00:30", "maxConcurrentCalls": 4}
    write(tmp_path, {"version": "2.0", "extensions": {"serviceBus": bus}})
    environment = {
        "AzureFunctionsJobHost__extensions__ServiceBus__sessionIdleTimeout": "00:00:02",
        "AzureFunctionsJobHost__extensions__serviceBus__autoCompleteMessages": "false",
        "AzureFunctionsJobHost__extensions__serviceBus__maxConcurrentSessions": "12",
        "AzureFunctionsJobHost__functionTimeout": "00:00:09",
    }
    config = load_host_config(tmp_path, environment)
    assert config.function_timeout == 9
    assert config.service_bus.session_idle_timeout == 2
    assert (config.service_bus.max_concurrent_calls, config.service_bus.max_concurrent_sessions) == (4, 12)
    assert not config.service_bus.auto_complete


def test_missing_host_json_is_named(tmp_path: Path) -> None:
    with pytest.raises(StartError, match=r"host\.json does not exist"):
        load_host_config(tmp_path, {})


def test_local_settings_do_not_override_the_environment(tmp_path: Path) -> None:
    path = write(tmp_path, {"IsEncrypted": False, "Values": {"A": "file", "B": "file"}}, "local.settings.json")
    environment = {"A": "environment"}
    apply_local_settings(path, environment)
    assert environment == {"A": "environment", "B": "file"}


@pytest.mark.parametrize(
    ("document", "complaint"),
    [({"IsEncrypted": True, "Values": {}}, "encrypted"), ({"Values": {"A": 1}}, "value of A must be a string")],
)
def test_local_settings_that_cannot_be_used_are_refused(tmp_path: Path, document: Any, complaint: str) -> None:
    path = write(tmp_path, document, "local.settings.json")
    with pytest.raises(StartError, match=complaint):
        apply_local_settings(path, {})


def test_settings_in_names_are_resolved() -> None:
    assert resolve_settings("%A%-%B%", {"A": "orders", "B": "eu"}, "f") == "orders-eu"


def test_missing_setting_is_named_with_its_function() -> None:
    with pytest.raises(StartError, match="function f: %QUEUE% is not set"):
        resolve_settings("%QUEUE%", {}, "function f")


def test_connection_by_identity_names_the_setting_to_use_instead() -> None:
    with pytest.raises(StartError, match=r"managed identity.*Set Bus to a connection string"):
        connection_string("Bus", {"Bus__fullyQualifiedNamespace": "x.servicebus.windows.net"}, "f")


def test_missing_connection_is_named() -> None:
    with pytest.raises(StartError, match="the connection Bus is not set"):
        connection_string("Bus", {}, "f")


def test_time_span_reads_days_and_fractions() -> None:
    assert parse_time_span("1.02:03:04.5") == timedelta(days=1, hours=2, minutes=3, seconds=4.5)
