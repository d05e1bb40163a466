"""The outside world and the app on one machine: `python -m local.stack`, or `make up`.

Service Bus, storage, F&O, Shopify and the Functions host each run as a process of their own; the app runs unchanged
with the settings of local.settings.sample.json, in which only the addresses are replaced, and the schedules of
infra/timers.json. With --without-host another host runs the app, such as `func start`: its settings are written into
local.settings.json. `--settings` only prints them.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import signal
import sys
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from local.azurite import connection_string, provision, start_azurite
from local.process import LogLine, Part, StackError, free_port, is_taken, python, start
from shared.command_line import run
from shared.flows import TOPICS

ROOT: Final = Path(__file__).resolve().parent.parent
SCHEDULES: Final[Mapping[str, str]] = {
    timer["setting"]: timer["schedule"] for timer in json.loads((ROOT / "infra/timers.json").read_text())
}
"""Each timer's setting -> its schedule."""
NO_PAUSE: Final[Mapping[str, str]] = {"ORDER_CHANGE_PAUSE_SECONDS": "0"}
"""For `overrides`: each change of an order goes to F&O at once."""
_START_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Ports:
    host: int = 7071
    service_bus: int = 5672
    service_bus_control: int = 5673
    blob: int = 10000
    queue: int = 10001
    table: int = 10002
    shopify: int = 7200
    d365: int = 7300

    @classmethod
    def free(cls) -> Ports:
        """Free ports, so that several runs can share a machine."""
        taken: set[int] = set()
        while len(taken) < len(cls.__dataclass_fields__):
            taken.add(free_port())
        return cls(*taken)

    def occupied(self) -> list[str]:
        return [f"{name} ({port})" for name, port in self.by_name().items() if is_taken(port)]

    def by_name(self) -> dict[str, int]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


@dataclass(slots=True)
class Stack:
    ports: Ports
    settings: Mapping[str, str]
    """The app's settings, as the host gives them to it."""
    parts: list[Part] = field(default_factory=list)

    @property
    def host(self) -> str:
        return f"http://127.0.0.1:{self.ports.host}"

    @property
    def shopify(self) -> str:
        return f"http://127.0.0.1:{self.ports.shopify}"

    @property
    def d365(self) -> str:
        return f"http://127.0.0.1:{self.ports.d365}"

    @property
    def service_bus_control(self) -> str:
        return f"http://127.0.0.1:{self.ports.service_bus_control}"

    @property
    def storage(self) -> str:
        return self.settings["StateStorage"]

    def dead(self) -> list[str]:
        return [part.name for part in self.parts if not part.is_running]


def app_settings(ports: Ports, overrides: Mapping[str, str] | None = None) -> dict[str, str]:
    """local.settings.sample.json with this run's addresses, and the timers' schedules."""
    sample: dict[str, str] = json.loads((ROOT / "local.settings.sample.json").read_text())["Values"]
    storage = connection_string(ports.blob, ports.queue, ports.table)
    d365 = f"http://127.0.0.1:{ports.d365}"
    return {
        **sample,
        **SCHEDULES,
        "AzureWebJobsStorage": storage,
        "StateStorage": storage,
        "ServiceBusConnection": sample["ServiceBusConnection"].replace(":5672", f":{ports.service_bus}"),
        "SHOPIFY_BASE_URL": f"http://127.0.0.1:{ports.shopify}/{{shop_domain}}",
        "D365_BASE_URL": d365,
        "IDENTITY_ENDPOINT": f"{d365}/msi/token",
        **(overrides or {}),
    }


@contextlib.asynccontextmanager
async def running(
    ports: Ports,
    *,
    log: LogLine,
    overrides: Mapping[str, str] | None = None,
    app: Path = ROOT,
    world: Path = ROOT / "local/world.toml",
    topology: Path = ROOT / "infra/topology.json",
    with_host: bool = True,
) -> AsyncIterator[Stack]:
    """The whole stack, ready; stopped again however the body ends. `overrides` replace settings of the app, `app` is
    the folder of its function_app.py, `world` what Shopify and F&O hold, `topology` what Service Bus has. Without its
    host, the app is left to another one at the same port. Raises StackError when a part does not start.
    """
    if occupied := ports.occupied():
        raise StackError(f"These ports are in use: {', '.join(occupied)}. Stop it, or use --free-ports.")
    stack = Stack(ports, app_settings(ports, overrides))
    try:
        await _start_world(stack, world, topology, log)
        if with_host:
            await _start_host(stack, app, log)
        yield stack
    finally:
        for part in reversed(stack.parts):  # the app first, then the systems it uses
            await part.stop()


async def _start_host(stack: Stack, app: Path, log: LogLine) -> None:
    command = python("-m", "local.functions", "--port", str(stack.ports.host), "--app", str(app))
    host = await start("host", command, log=log, env=stack.settings, folder=ROOT)
    stack.parts.append(host)
    await host.ready(_START_SECONDS)


async def _start_world(stack: Stack, world: Path, topology: Path, log: LogLine) -> None:
    """Starts everything but the app, at the same time."""
    ports = stack.ports
    commands = {
        "servicebus": [
            *(
                "local.servicebus",
                "--port",
                str(ports.service_bus),
                "--control-port",
                str(ports.service_bus_control),
            ),
            *("--topology", str(topology)),
        ],
        "d365": ["local.d365", "--port", str(ports.d365), "--world", str(world)],
        "shopify": [
            *("local.shopify", "--port", str(ports.shopify), "--world", str(world)),
            *("--webhooks", f"{stack.host}/api/webhooks/shopify"),
            *("--topics", ",".join(sorted(frozenset().union(*TOPICS.values())))),
        ],
    }
    for name, command in commands.items():
        stack.parts.append(await start(name, python("-m", *command), log=log, folder=ROOT))
    started = list(stack.parts)
    azurite = await start_azurite(ROOT, blob_port=ports.blob, queue_port=ports.queue, table_port=ports.table, log=log)
    stack.parts.append(azurite)
    await asyncio.gather(*(part.ready(_START_SECONDS) for part in started))
    await provision(stack.storage, json.loads((ROOT / "infra/storage.json").read_text()))


class Terminal:
    """Shows what the parts write, and knows when they are done with it."""

    def __init__(self) -> None:
        self._heard = asyncio.Event()

    def __call__(self, part: str, line: str) -> None:
        self._heard.set()
        sys.stderr.write(f"{part:>10} | {line}\n")

    async def silence(self, *, seconds: float = 0.5, at_most: float = 5.0) -> None:
        """Until no part has written a line for that long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(at_most):
                while True:
                    self._heard.clear()
                    await asyncio.wait_for(self._heard.wait(), seconds)


def stop_on_signals() -> asyncio.Event:
    """Set by Ctrl-C or SIGTERM."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


async def up(ports: Ports, *, with_host: bool) -> None:
    """Runs until Ctrl-C, or until a part stops by itself: then raises StackError."""
    stop = stop_on_signals()
    began = time.monotonic()
    terminal = Terminal()
    async with running(ports, log=terminal, with_host=with_host) as stack:
        took = time.monotonic() - began
        await terminal.silence()
        print(_addresses(stack, took), flush=True)
        if not with_host:
            print(_for_another_host(write_settings(ports, ROOT / "local.settings.json"), ports), flush=True)
        while not stop.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), 1)
            if dead := stack.dead():
                raise StackError(f"{', '.join(dead)} stopped by itself; its last lines are above.")
        print("Stopping ...", flush=True)


def _addresses(stack: Stack, seconds: float) -> str:
    rows = {
        "webhooks": f"{stack.host}/api/webhooks/shopify/{{store}}/orders",
        "health": f"{stack.host}/api/health",
        "push stock now": f"POST {stack.host}/admin/functions/push_stock?wait=true",
        "Shopify": f"{stack.shopify}/{{shop_domain}}/admin/api/2026-10/graphql.json",
        "  stock in Shopify": f"{stack.shopify}/nordlys-outdoor.myshopify.com/_sim/inventory",
        "F&O": f"{stack.d365}/data",
        "  sales orders": f"{stack.d365}/_sim/orders",
        "  set on-hand": f"POST {stack.d365}/_sim/on-hand",
        "Service Bus": stack.settings["ServiceBusConnection"],
        "  queues": stack.service_bus_control,
        "storage": f"http://127.0.0.1:{stack.ports.blob} (blobs), http://127.0.0.1:{stack.ports.table} (tables)",
    }
    lines = [f"  {name:<18} {value}" for name, value in rows.items()]
    return "\n".join(["", f"The stack is up after {seconds:.1f} s. Ctrl-C stops it.", "", *lines, ""])


def other_host_settings(ports: Ports) -> dict[str, str]:
    """For `func start`. The host's telemetry stays off there: host.json turns OpenTelemetry on, which has nowhere to
    send to on this machine, and which not every version of Core Tools has.
    """
    return {**app_settings(ports), "AzureFunctionsJobHost__telemetryMode": "ApplicationInsights"}


def write_settings(ports: Ports, path: Path) -> Path:
    """Writes a local.settings.json, in which other settings stay. Raises StackError for a file of another form."""
    try:
        document = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        values = {**document.get("Values", {}), **other_host_settings(ports)}
    except (ValueError, AttributeError, TypeError) as problem:
        raise StackError(f"{path} is no file of settings ({problem}): move it elsewhere.") from problem
    document |= {"IsEncrypted": False, "Values": values}
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    return path


def _for_another_host(settings: Path, ports: Ports) -> str:
    return "\n".join(
        [
            f"The app does not run yet. Its settings are in {settings.name}. In another shell:",
            "",
            f"  . .venv/bin/activate && func start --port {ports.host}",
            "",
        ]
    )


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m local.stack", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--free-ports", action="store_true", help="take any free ports instead of the usual ones")
    parser.add_argument("--without-host", action="store_true", help="leave the app to another host, such as func start")
    parser.add_argument("--settings", action="store_true", help="only print the app's settings, as local.settings.json")
    options = parser.parse_args()
    ports = Ports.free() if options.free_ports else Ports()
    if options.settings:
        print(json.dumps({"IsEncrypted": False, "Values": other_host_settings(ports)}, indent=2))
        return 0
    try:
        asyncio.run(up(ports, with_host=not options.without_host))
    except StackError as error:
        sys.stderr.write(f"\n{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(run(main))
