"""The host's own endpoints, under `/admin` as in Azure Functions."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus

from aiohttp import web

from local.functions.timer_triggers import Timer
from local.functions.worker import VERSION, Function
from local.json_line import json_line


class AdminApi:
    """Lists functions, returns the host's state, and runs timers on demand."""

    def __init__(self, functions: Sequence[Function], timers: Mapping[str, Timer]) -> None:
        self._functions = {function.name: function for function in functions}
        self._timers = timers
        self._runs: set[asyncio.Task[object]] = set()

    def add_routes(self, app: web.Application) -> None:
        app.router.add_get("/admin/host/status", self._status)
        app.router.add_get("/admin/functions", self._list)
        app.router.add_post("/admin/functions/{name}", self._run)

    async def _status(self, _request: web.Request) -> web.Response:
        return json_line({"state": "Running", "version": VERSION})

    async def _list(self, _request: web.Request) -> web.Response:
        functions = self._functions.values()
        return json_line([{"name": function.name, "config": {"bindings": function.bindings}} for function in functions])

    async def _run(self, request: web.Request) -> web.Response:
        """202 at once, as func answers; with `?wait=true`, this host's own addition, how the run ended."""
        name = request.match_info["name"]
        if name not in self._functions:
            return _problem(HTTPStatus.NOT_FOUND, f"there is no function {name}")
        if name not in self._timers:
            return _problem(HTTPStatus.BAD_REQUEST, f"{name} is no timer: call its URL, or send to its queue")
        if not _is_input(await request.text()):
            return _problem(HTTPStatus.BAD_REQUEST, 'the body must be JSON of the form {"input": "..."}')
        run = asyncio.create_task(self._timers[name].run())
        self._runs.add(run)
        run.add_done_callback(self._runs.discard)
        if request.query.get("wait") != "true":
            return web.Response(status=HTTPStatus.ACCEPTED)
        invocation = await run
        outcome = invocation.outcome
        report = {"invocationId": invocation.id, "milliseconds": round(invocation.seconds * 1000, 1)}
        if outcome.error is None:
            return json_line({"result": "Succeeded", **report})
        failure = {"result": "Failed", "error": outcome.error, "traceback": outcome.traceback}
        return json_line({**failure, **report}, status=HTTPStatus.INTERNAL_SERVER_ERROR)


def _is_input(body: str) -> bool:
    try:
        return isinstance(json.loads(body), dict)
    except ValueError:
        return False


def _problem(status: HTTPStatus, text: str) -> web.Response:
    return json_line({"error": text}, status=status)
