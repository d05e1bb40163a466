"""F&O over HTTP: who may in, what goes wrong on the way, and the log of it."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

from aiohttp import web

from local.d365 import edm
from local.d365.admin import Admin
from local.d365.admin_catalogue import CatalogueAdmin
from local.d365.admin_money import MoneyAdmin
from local.d365.admin_packages import PackageAdmin
from local.d365.admin_prices import PriceAdmin, service_prices
from local.d365.admin_slips import SlipAdmin
from local.d365.batch import Batches
from local.d365.entra import Entra
from local.d365.errors import ODataError
from local.d365.faults import Fault
from local.d365.packages.exports import ACTIONS
from local.d365.query import page_of
from local.d365.service import Answer, DataService, Operation, refusal
from local.d365.simulator import Simulator

_LARGEST_BODY = 64 * 1024 * 1024
_BUSY = (
    "This request could not be processed at this time due to system experiencing high resource utilization. "
    "Please try again later."
)
_GATEWAY_PAGE = "<html><head><title>502 - Web server received an invalid response</title></head><body></body></html>"


class Server:
    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self._service = DataService(simulator)
        self._batches = Batches(simulator, self._service)

    def application(self) -> web.Application:
        app = web.Application(client_max_size=_LARGEST_BODY)
        app.add_routes(Entra(self._simulator).routes())
        app.add_routes(MoneyAdmin(self._simulator).routes())  # first: its orders/.../settle is no action of Admin's
        app.add_routes(SlipAdmin(self._simulator).routes())
        app.add_routes(CatalogueAdmin(self._simulator).routes())
        app.add_routes(PriceAdmin(self._simulator).routes())
        app.add_routes(PackageAdmin(self._simulator).routes())
        app.add_routes(Admin(self._simulator).routes())
        app.add_routes([web.route("*", "/data{tail:.*}", self._data)])
        app.add_routes([web.post("/api/services/{path:.+}", self._service_call)])
        app.add_routes([web.get("/metadata/PublicEntities('{name}')", self._public_entity)])
        return app

    async def _public_entity(self, request: web.Request) -> web.Response:
        """The metadata of one entity: its set and its fields."""
        simulator, name = self._simulator, request.match_info["name"]
        simulator.http_calls[f"GET /metadata/PublicEntities('{name}')"] += 1
        if simulator.tokens.bearer(request.headers.get("Authorization", ""), simulator.base_url) is None:
            return web.Response(status=401)
        fault = simulator.faults.take("GET", "PublicEntities")
        if fault is not None and (refused := _gateway(fault)) is not None:
            return web.Response(status=refused.status)
        for entity_set in simulator.schema.sets.values():
            if entity_set.type_name.rpartition(".")[2] == name:
                properties = [
                    {"Name": field.name, "TypeName": field.type, "IsKey": field.name in entity_set.keys}
                    for field in entity_set.properties.values()
                ]
                entity = {"Name": name, "EntitySetName": entity_set.name, "Properties": properties}
                return web.json_response(entity)
        return web.Response(status=404)

    async def _service_call(self, request: web.Request) -> web.Response:
        """A custom service of the tenant: its price service, if it has one."""
        simulator, path = self._simulator, request.match_info["path"]
        simulator.http_calls[f"POST /api/services/{path}"] += 1
        client = simulator.tokens.bearer(request.headers.get("Authorization", ""), simulator.base_url)
        if client is None or not simulator.is_registered(client):
            return web.Response(status=401)
        if path != simulator.books.tenant.price_service:
            return web.Response(status=404)
        fault = simulator.faults.take("POST", "services")
        if fault is not None and (refused := _gateway(fault)) is not None:
            return web.Response(status=refused.status, headers=refused.headers, text=refused.body)
        try:
            prices = service_prices(simulator.books, edm.loads(await request.read()))
        except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError) as error:
            thrown = {
                "Message": f"{type(error).__name__}: {error}",
                "ExceptionType": "Microsoft.Dynamics.Ax.Xpp.ErrorException",
            }
            return web.json_response(thrown, status=500)
        return web.Response(text=edm.dumps({"prices": prices}), content_type="application/json")

    async def _data(self, request: web.Request) -> web.StreamResponse:
        started = time.monotonic()
        method, target = request.method, request.raw_path.removeprefix("/data").removeprefix("/")
        set_name = target.partition("?")[0].partition("(")[0].replace("%24", "$")
        key = "(key)" if "(" in target.partition("?")[0] else ""
        self._simulator.http_calls[f"{method} /data/{set_name}{key}"] += 1
        with self._simulator.counted():
            answer = await self._answer(request, method, target, set_name)
        status = answer.status if answer is not None else 0
        milliseconds = (time.monotonic() - started) * 1000
        trace = request.headers.get("x-ms-client-request-id", "-")
        _log(f"{method} /data/{target[:200]} -> {status or 'connection lost'} {milliseconds:.1f} ms {trace}")
        if answer is None:
            if request.transport is not None:
                request.transport.abort()
            return web.Response()
        return web.Response(
            status=answer.status,
            headers={**answer.headers, "ms-dyn-aid": str(uuid4()), "OData-Version": "4.0"},
            body=answer.body.encode() or None,
        )

    async def _answer(self, request: web.Request, method: str, target: str, set_name: str) -> Answer | None:
        """None when the connection is to break without an answer."""
        client = self._simulator.tokens.bearer(request.headers.get("Authorization", ""), self._simulator.base_url)
        if client is None or not self._simulator.is_registered(client):
            return Answer(401, {"WWW-Authenticate": "Bearer"})
        page = page_of(target.partition("?")[2], self._simulator.options.page_size)
        fault = self._simulator.faults.take(method, set_name.removeprefix(ACTIONS), page)
        if fault is not None and fault.kind == "reset":
            return None
        if fault is not None and fault.kind == "slow":
            await asyncio.sleep(fault.ms / 1000)
        refused = _gateway(fault) if fault is not None else None
        if refused is not None:
            return refused
        answer = self._execute(request, method, target, set_name, await request.read())
        if fault is not None and fault.kind == "timeout_after_commit":
            await asyncio.sleep(fault.ms / 1000)
            return None
        return answer

    def _execute(self, request: web.Request, method: str, target: str, set_name: str, body: bytes) -> Answer:
        """No await in here: a request happens at once, as seen by all others."""
        if method == "GET" and set_name == "$metadata":
            return Answer(200, {"Content-Type": "application/xml"}, self._simulator.metadata())
        if method == "POST" and set_name == "$batch":
            try:
                return self._batches.execute(request.headers.get("Content-Type", ""), body)
            except ODataError as error:
                return refusal(error)
        if method == "POST" and set_name.startswith(ACTIONS):
            return self._action(set_name.removeprefix(ACTIONS), body)
        if method == "GET" and set_name == "":
            return self._service.document()
        headers = {name.lower(): value for name, value in request.headers.items()}
        return self._service.execute(Operation(method, target, headers, body))

    def _action(self, action: str, body: bytes) -> Answer:
        """An action of data management."""
        simulator = self._simulator
        try:
            value = simulator.exports.act(action, body, simulator.base_url)
        except ODataError as error:
            return refusal(error)
        head = {"@odata.context": f"{simulator.base_url}/data/$metadata#Edm.String", "value": value}
        return Answer(200, {"Content-Type": "application/json; odata.metadata=minimal"}, edm.dumps(head))


def _gateway(fault: Fault) -> Answer | None:
    """What stands before F&O answers in its stead."""
    match fault.kind:
        case "throttle":
            headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
            return Answer(429, {**headers, "Content-Type": "text/plain"}, _BUSY)
        case "denied":
            return Answer(403, {}, "")
        case "bad_gateway":
            return Answer(502, {"Content-Type": "text/html"}, _GATEWAY_PAGE)
        case "unavailable":
            return Answer(503, {"Content-Type": "text/html"}, "The service is unavailable.")
        case _:
            return None


@asynccontextmanager
async def serve(simulator: Simulator, port: int) -> AsyncIterator[str]:
    """Listens on 127.0.0.1 (any free port when 0) while the context is open, and gives the base URL."""
    runner = web.AppRunner(Server(simulator).application(), access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", port)
        await site.start()
        host, bound = runner.addresses[0][:2]
        simulator.base_url = f"http://{host}:{bound}"
        yield simulator.base_url
    finally:
        await runner.cleanup()


def _log(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
