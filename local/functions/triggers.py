"""The bindings of an indexed function, read as what the host has to listen to."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from local.functions.config import connection_string, resolve_settings
from local.functions.errors import StartError
from local.functions.worker import Function


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpTrigger:
    function: Function
    argument: str
    route: str
    methods: tuple[str, ...]
    """Upper case; empty means every method."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceBusTrigger:
    function: Function
    argument: str
    connection: str
    """The connection string itself, not the setting's name."""
    entity: str
    """A queue, or a topic when there is a subscription."""
    subscription: str | None
    sessions: bool

    @property
    def source(self) -> str:
        return f"{self.entity}/Subscriptions/{self.subscription}" if self.subscription else self.entity


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerTrigger:
    function: Function
    argument: str
    schedule: str
    run_on_startup: bool


type Trigger = HttpTrigger | ServiceBusTrigger | TimerTrigger


def read_triggers(functions: Iterable[Function], environment: Mapping[str, str]) -> list[Trigger]:
    """The trigger of each function, with every setting that it names resolved; disabled functions left out.

    Raises StartError for a setting that is missing, and for a binding that this host does not have.
    """
    return [
        _read_trigger(function, environment)
        for function in functions
        if environment.get(f"AzureWebJobs.{function.name}.Disabled", "").lower() not in {"true", "1"}
    ]


def _read_trigger(function: Function, environment: Mapping[str, str]) -> Trigger:
    where = f"function {function.name}"
    binding: Mapping[str, Any] | None = None
    for candidate in function.bindings:
        kind = str(candidate["type"])
        if kind.endswith("Trigger"):
            binding = candidate
        elif kind != "http":
            raise StartError(f"{where}: the binding {kind} is not supported by the local host")
    if binding is None:
        raise StartError(f"{where} has no trigger")
    argument = str(binding["name"])

    def resolved(key: str) -> str:
        return resolve_settings(str(binding[key]), environment, where)

    match binding["type"]:
        case "httpTrigger":
            return HttpTrigger(
                function=function,
                argument=argument,
                route=str(binding.get("route", function.name)).strip("/"),
                methods=tuple(str(method).upper() for method in binding.get("methods") or ()),
            )
        case "timerTrigger":
            return TimerTrigger(
                function=function,
                argument=argument,
                schedule=resolved("schedule"),
                run_on_startup=bool(binding.get("runOnStartup", False)),
            )
        case "serviceBusTrigger":
            if str(binding.get("cardinality", "one")).lower() != "one":
                raise StartError(f"{where}: cardinality many is not supported by the local host")
            if binding.get("autoCompleteMessages") is False:
                raise StartError(f"{where}: autoCompleteMessages must be true, Python cannot settle by hand")
            return ServiceBusTrigger(
                function=function,
                argument=argument,
                connection=connection_string(str(binding["connection"]), environment, where),
                entity=resolved("queueName" if "queueName" in binding else "topicName"),
                subscription=resolved("subscriptionName") if "subscriptionName" in binding else None,
                sessions=bool(binding.get("isSessionsEnabled", False)),
            )
        case kind:
            raise StartError(f"{where}: {kind} is not supported by the local host")
