"""Plain HTTP on the loopback interface, for an operator's script or a demonstration.

    GET    /depths                how much is in each entity
    POST   /faults                a `SendFault` as JSON
    DELETE /faults                sends behave again
    POST   /connections/drop      cuts every connection
    POST   /links/detach?entity=  detaches the links to one entity, or all

Every answer is JSON.
"""

from dataclasses import asdict

from aiohttp import web
from pydantic import ValidationError

from local.json_line import json_line
from local.servicebus.faults import SendFault
from local.servicebus.server import ServiceBusEmulator


class ControlPort:
    def __init__(self, emulator: ServiceBusEmulator, *, host: str = "127.0.0.1", port: int = 0) -> None:
        self._emulator = emulator
        self._host, self._port = host, port
        application = web.Application()
        application.add_routes(
            [
                web.get("/depths", self._depths),
                web.post("/faults", self._inject),
                web.delete("/faults", self._clear),
                web.post("/connections/drop", self._drop),
                web.post("/links/detach", self._detach),
            ]
        )
        self._runner = web.AppRunner(application, access_log=None)

    async def start(self) -> None:
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, self._port).start()
        self._port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        await self._runner.cleanup()

    @property
    def url(self) -> str:
        return f"http://{self._host}:{self._port}"

    async def _depths(self, _request: web.Request) -> web.Response:
        return json_line({path: asdict(depth) for path, depth in self._emulator.namespace.depths().items()})

    async def _inject(self, request: web.Request) -> web.Response:
        try:
            fault = SendFault.model_validate_json(await request.read())
        except ValidationError as error:
            raise web.HTTPBadRequest(text=error.json() + "\n", content_type="application/json") from error
        self._emulator.faults.inject(fault)
        return json_line(fault.model_dump())

    async def _clear(self, _request: web.Request) -> web.Response:
        self._emulator.faults.clear()
        return json_line({})

    async def _drop(self, _request: web.Request) -> web.Response:
        return json_line({"dropped": self._emulator.drop_connections()})

    async def _detach(self, request: web.Request) -> web.Response:
        return json_line({"detached": self._emulator.detach_links(request.query.get("entity"))})
