"""`host.json`, `local.settings.json`, and the names that bindings take from the environment."""

import json
import logging
import os
import re
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from local.functions.errors import StartError

_TIME_SPAN = re.compile(r"(?:(\d+)\.)?(\d{1,2}):(\d{2}):(\d{2}(?:\.\d{1,7})?)")
_OVERRIDE = "AzureFunctionsJobHost"
_SETTING = re.compile(r"%([^%]+)%")

# The names of .NET's log levels, as host.json has them.
_LOG_LEVELS = {
    "trace": logging.DEBUG,
    "debug": logging.DEBUG,
    "information": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "critical": logging.CRITICAL,
    "none": logging.CRITICAL + 10,
}


def parse_time_span(text: str) -> timedelta:
    """.NET's `[d.]hh:mm:ss[.fffffff]`. Raises ValueError.

    .NET reads hours of 24 and more as days; that trap is refused instead.
    """
    match = _TIME_SPAN.fullmatch(text)
    if not match:
        raise ValueError(f"{text!r} is no time span: write it as hh:mm:ss")
    days, hours, minutes, seconds = match.groups()
    if int(hours) > 23 or int(minutes) > 59 or float(seconds) >= 60:
        raise ValueError(f"{text!r} is no time span: hours go to 23, minutes and seconds to 59")
    return timedelta(days=int(days or 0), hours=int(hours), minutes=int(minutes), seconds=float(seconds))


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceBusOptions:
    """`extensions.serviceBus` of host.json, version 5 of the extension. Times in seconds.

    The defaults are those of the extension's ServiceBusOptions.cs.
    """

    max_concurrent_calls: int
    max_concurrent_sessions: int
    session_idle_timeout: float
    max_auto_lock_renewal: float
    auto_complete: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class HostConfig:
    route_prefix: str
    function_timeout: float | None
    """In seconds; None for no limit ("-1" in host.json)."""
    log_level: int
    is_open_telemetry: bool
    """Whether `telemetryMode` asks for it."""
    service_bus: ServiceBusOptions


def load_host_config(app_dir: Path, environment: Mapping[str, str]) -> HostConfig:
    """Reads host.json, under the settings `AzureFunctionsJobHost__section__key` that override it in Azure too.

    Raises StartError when it is missing, or has a setting that this host does not support.
    """
    path = app_dir / "host.json"
    document = _read_json(path)
    for name, value in environment.items():
        prefix, *keys = name.split("__")
        if prefix == _OVERRIDE and keys:
            _override(document, keys, value)
    if document.get("version") != "2.0":
        raise StartError(f'{path}: "version" must be "2.0"')
    extensions = document.get("extensions", {})
    bus = extensions.get("serviceBus", {})
    for outdated in ("messageHandlerOptions", "sessionHandlerOptions"):
        if outdated in bus:
            raise StartError(f"{path}: serviceBus.{outdated} belongs to version 4 of the extension; 5 ignores it")
    level = str(document.get("logging", {}).get("logLevel", {}).get("default", "Information"))
    if level.lower() not in _LOG_LEVELS:
        raise StartError(f"{path}: logging.logLevel.default is {level!r}, which is no log level")
    try:
        timeout = str(document.get("functionTimeout", "00:30:00"))
        return HostConfig(
            route_prefix=str(extensions.get("http", {}).get("routePrefix", "api")).strip("/"),
            function_timeout=None if timeout == "-1" else parse_time_span(timeout).total_seconds(),
            log_level=_LOG_LEVELS[level.lower()],
            is_open_telemetry=str(document.get("telemetryMode")).lower() == "opentelemetry",
            service_bus=ServiceBusOptions(
                max_concurrent_calls=_count(bus, "maxConcurrentCalls", 16 * (os.cpu_count() or 1)),
                max_concurrent_sessions=_count(bus, "maxConcurrentSessions", 8),
                session_idle_timeout=_seconds(bus, "sessionIdleTimeout", "00:01:00"),
                max_auto_lock_renewal=_seconds(bus, "maxAutoLockRenewalDuration", "00:05:00"),
                auto_complete=str(bus.get("autoCompleteMessages", True)).lower() == "true",
            ),
        )
    except ValueError as error:
        raise StartError(f"{path}: {error}") from error


def apply_local_settings(path: Path, environment: MutableMapping[str, str]) -> None:
    """Puts the `Values` of local.settings.json into the environment; what is there already stays.

    Raises StartError for a file that is encrypted, or holds anything but strings.
    """
    document = _read_json(path)
    if document.get("IsEncrypted"):
        raise StartError(f"{path} is encrypted: run `func settings decrypt`")
    for name, value in document.get("Values", {}).items():
        if not isinstance(value, str):
            raise StartError(f"{path}: the value of {name} must be a string")
        environment.setdefault(name, value)


def resolve_settings(text: str, environment: Mapping[str, str], where: str) -> str:
    """The text with every `%NAME%` replaced by that setting. Raises StartError when one is not set."""

    def value_of(match: re.Match[str]) -> str:
        name = match[1]
        if not environment.get(name):
            raise StartError(f"{where}: %{name}% is not set. Add {name} to local.settings.json")
        return environment[name]

    return _SETTING.sub(value_of, text)


def connection_string(name: str, environment: Mapping[str, str], where: str) -> str:
    """The Service Bus connection string that a binding's `connection` names.

    Raises StartError when the setting is missing, or when it is a connection by identity.
    """
    if value := environment.get(name):
        return value
    namespace = environment.get(f"{name}__fullyQualifiedNamespace")
    if namespace:
        raise StartError(
            f"{where}: {name}__fullyQualifiedNamespace ({namespace}) connects by managed identity, which the "
            f"local host does not do. Set {name} to a connection string"
        )
    raise StartError(f"{where}: the connection {name} is not set. Add {name} to local.settings.json")


def _read_json(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise StartError(f"{path} does not exist") from None
    except ValueError as error:
        raise StartError(f"{path} is no valid JSON: {error}") from error
    if not isinstance(document, dict):
        raise StartError(f"{path} must hold a JSON object")
    return document


def _override(document: dict[str, Any], keys: list[str], value: str) -> None:
    """Sets one value, finding the names in the document whatever their case, as .NET does."""
    first, *rest = keys
    name = next((name for name in document if name.lower() == first.lower()), first)
    if rest:
        _override(document.setdefault(name, {}), rest, value)
    else:
        document[name] = value


def _count(section: dict[str, Any], name: str, default: int) -> int:
    text = str(section.get(name, default))
    if not text.isdecimal() or int(text) < 1:
        raise ValueError(f"serviceBus.{name} is {text}, and must be a whole number from 1")
    return int(text)


def _seconds(section: dict[str, Any], name: str, default: str) -> float:
    return parse_time_span(str(section.get(name, default))).total_seconds()
