"""Where telemetry is sent while it is measured."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
from collections.abc import Iterator
from multiprocessing.connection import Connection
from typing import Final

from aiohttp import web

SILENT: Final = {
    "APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL": "true",
    "APPLICATIONINSIGHTS_CONTROLPLANE_DISABLED": "true",
}
"""Settings without which the exporter reports about itself to its makers, which is not measured."""


@contextlib.contextmanager
def endpoint() -> Iterator[str]:
    """The address of an endpoint that accepts telemetry and discards it, in a process of its own."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs,), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}"
    finally:
        process.terminate()
        process.join()


def _serve(announce: Connection) -> None:
    async def take(request: web.Request) -> web.Response:
        await request.read()
        return web.json_response({"itemsReceived": 1, "itemsAccepted": 1, "errors": []})

    async def serve() -> None:
        app = web.Application(client_max_size=100_000_000)
        app.router.add_post("/{path:.*}", take)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        announce.send(runner.addresses[0][1])
        await asyncio.Event().wait()

    asyncio.run(serve())
