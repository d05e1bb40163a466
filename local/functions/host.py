"""The host: loads an app, listens to its triggers, and stops in order."""

import asyncio
import logging
import os
from collections.abc import Iterable
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from aiohttp import web

from local.functions import worker
from local.functions.admin import AdminApi
from local.functions.config import HostConfig, apply_local_settings, load_host_config
from local.functions.errors import StartError
from local.functions.http_triggers import DEFAULT_BODY_LIMIT, add_http_functions
from local.functions.invocations import Invoker
from local.functions.listener import Listener
from local.functions.ncrontab import parse_schedule
from local.functions.request_rows import request_rows
from local.functions.servicebus_triggers import make_client, make_listener
from local.functions.timer_triggers import Timer
from local.functions.triggers import HttpTrigger, ServiceBusTrigger, TimerTrigger, Trigger, read_triggers

_log = logging.getLogger("host")

GRACE_SECONDS = 10.0
"""How long running invocations may take to end when the host stops."""

_FLUSH_SECONDS = 1.0
"""How long answers may take after that to reach their clients."""


class Host:
    """One app, running: an async context manager. `url` is where it listens, once it has been entered.

    Entering raises StartError when the app cannot run as configured, and OSError when the port is taken.
    """

    def __init__(self, app_dir: Path, *, port: int = 0, settings: Path | None = None) -> None:
        self._app_dir = app_dir.resolve()
        self._port = port
        self._settings = settings
        self._resources = AsyncExitStack()
        self.url = ""

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as resources:
            await self._start(resources)
            self._resources = resources.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._resources.__aexit__(kind, error, trace)

    async def _start(self, resources: AsyncExitStack) -> None:
        """Starts everything, and leaves with `resources` what stops it again, last started first."""
        if self._settings:
            apply_local_settings(self._settings, os.environ)
        config = load_host_config(self._app_dir, os.environ)
        logging.getLogger().setLevel(config.log_level)
        # func start sets this too; in Azure it is "Production".
        os.environ.setdefault("AZURE_FUNCTIONS_ENVIRONMENT", "Development")
        functions = await worker.load_app(self._app_dir)
        resources.callback(worker.close)
        triggers = read_triggers(functions, os.environ)
        invoker = Invoker(timeout=config.function_timeout)

        listeners: list[Listener] = []
        timers: dict[str, Timer] = {}
        for trigger in triggers:
            if isinstance(trigger, TimerTrigger):
                timers[trigger.function.name] = _make_timer(trigger, invoker)
            elif isinstance(trigger, ServiceBusTrigger):
                client = await resources.enter_async_context(make_client(trigger))
                listeners.append(make_listener(trigger, config.service_bus, invoker, client))

        body_limit = int(os.environ.get("FUNCTIONS_REQUEST_BODY_SIZE_LIMIT", DEFAULT_BODY_LIMIT))
        app = web.Application(client_max_size=body_limit)
        AdminApi(functions, timers).add_routes(app)
        http_triggers = [trigger for trigger in triggers if isinstance(trigger, HttpTrigger)]
        rows = request_rows(os.environ, is_open_telemetry=config.is_open_telemetry, prefix=config.route_prefix)
        if rows is not None:
            resources.callback(rows.close)
        add_http_functions(app, http_triggers, prefix=config.route_prefix, invoker=invoker, rows=rows)
        site = await _serve(app, self._port, resources)
        self.url = site.name
        for line in describe(triggers, self.url, config):
            _log.info("%s", line)

        resources.push_async_callback(_wind_down, site, timers.values(), listeners, invoker)
        for listener in listeners:
            listener.start()
        for timer in timers.values():
            timer.start()


async def _serve(app: web.Application, port: int, resources: AsyncExitStack) -> web.TCPSite:
    """Listens. Bodies stay as they were sent: Azure does not unpack gzip either."""
    runner = web.AppRunner(app, access_log=None, auto_decompress=False, shutdown_timeout=_FLUSH_SECONDS)
    await runner.setup()
    resources.push_async_callback(runner.cleanup)
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    return site


async def _wind_down(
    site: web.TCPSite, timers: Iterable[Timer], listeners: Iterable[Listener], invoker: Invoker
) -> None:
    """Takes nothing new, and gives what runs its time to end and messages theirs to be settled."""
    await site.stop()
    for timer in timers:
        timer.stop()
    await asyncio.gather(invoker.drain(GRACE_SECONDS), *(listener.stop(GRACE_SECONDS) for listener in listeners))


def _make_timer(trigger: TimerTrigger, invoker: Invoker) -> Timer:
    try:
        return Timer(trigger, parse_schedule(trigger.schedule), invoker)
    except ValueError as error:
        raise StartError(f"function {trigger.function.name}: {error}") from error


def describe(triggers: Iterable[Trigger], url: str, config: HostConfig) -> list[str]:
    """A line for each function with what calls it, as func prints at start."""
    lines = []
    for trigger in triggers:
        match trigger:
            case HttpTrigger():
                path = "/".join(part for part in (url, config.route_prefix, trigger.route) if part)
                source = f"[{','.join(trigger.methods) or 'ANY'}] {path}"
            case ServiceBusTrigger():
                source = f"Service Bus {trigger.source}{' with sessions' if trigger.sessions else ''}"
            case TimerTrigger():
                source = f"timer {trigger.schedule} (UTC)"
        lines.append(f"{trigger.function.name}: {source}")
    return lines
