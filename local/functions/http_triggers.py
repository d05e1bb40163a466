"""HTTP functions on aiohttp."""

import re
from collections.abc import Iterable
from functools import partial
from http import HTTPStatus

from aiohttp import ClientPayloadError, hdrs, web
from azure.functions.meta import Datum

from local.functions.errors import StartError
from local.functions.invocations import Invoker, TraceContext, continue_trace
from local.functions.request_rows import RequestRows, answered
from local.functions.triggers import HttpTrigger

# Azure's limit of a request body without the setting FUNCTIONS_REQUEST_BODY_SIZE_LIMIT: 100 MiB.
DEFAULT_BODY_LIMIT = 104_857_600

# The part of ASP.NET Core's route constraints that aiohttp's patterns express as they are.
_CONSTRAINTS = {"int": r"-?\d+", "long": r"-?\d+", "alpha": r"[A-Za-z]+", "guid": r"[0-9a-fA-F-]{36}"}
_PARAMETER = re.compile(r"\{(?P<rest>\*{0,2})(?P<name>\w+)(?::(?P<constraint>[^}?]+))?(?P<optional>\??)\}")

# aiohttp writes these itself, from the body.
_FRAMING_HEADERS = {"content-length", "transfer-encoding", "connection"}


def add_http_functions(
    app: web.Application,
    triggers: Iterable[HttpTrigger],
    *,
    prefix: str,
    invoker: Invoker,
    rows: RequestRows | None = None,
) -> None:
    """Adds a route for each function: literal ones first, then parameters, catch-alls last, as in ASP.NET.

    Raises StartError for a route that cannot be translated.
    """
    for trigger in sorted(triggers, key=lambda trigger: _rank(trigger.route)):
        for path in route_paths(trigger.route, prefix):
            resource = app.router.add_resource(path)
            for method in trigger.methods or (hdrs.METH_ANY,):
                resource.add_route(method, partial(_answer, trigger, invoker, rows))


def route_paths(template: str, prefix: str) -> list[str]:
    """The aiohttp paths of an Azure route template; two when its last parameter is optional.

    Raises StartError for a constraint that is not known here.
    """

    def translate(match: re.Match[str]) -> str:
        if match["rest"]:
            return f"{{{match['name']}:.*}}"
        if not match["constraint"]:
            return f"{{{match['name']}}}"
        if match["constraint"] not in _CONSTRAINTS:
            raise StartError(f"route {template!r}: the constraint {match['constraint']!r} is not supported")
        return f"{{{match['name']}:{_CONSTRAINTS[match['constraint']]}}}"

    path = "/" + "/".join(part for part in (prefix, template) if part)
    paths = [_PARAMETER.sub(translate, path)]
    last = _PARAMETER.search(path, path.rfind("/"))
    if last and (last["optional"] or last["rest"]):
        paths.append(_PARAMETER.sub(translate, path[: last.start()].rstrip("/")) or "/")
    return paths


def _rank(route: str) -> list[int]:
    return [2 if "{*" in part else 1 if "{" in part else 0 for part in route.split("/")]


async def _answer(
    trigger: HttpTrigger, invoker: Invoker, rows: RequestRows | None, request: web.Request
) -> web.Response:
    try:
        body = await request.read()
    except (ClientPayloadError, ConnectionError):
        # The client disconnected before the end of its body: this answer reaches no one.
        return web.Response(status=HTTPStatus.BAD_REQUEST)
    headers = request.headers
    trace = continue_trace(headers.get("traceparent"), headers.get("tracestate"))
    if rows is None:
        return await _invoke(trigger, invoker, _encode(request, body), trace)
    with rows.of_request(trigger, request.method, request.path, trace) as (continued, row):
        response = await _invoke(trigger, invoker, _encode(request, body), continued)
        answered(row, response.status)
        return response


async def _invoke(trigger: HttpTrigger, invoker: Invoker, data: Datum, trace: TraceContext) -> web.Response:
    invocation = await invoker.run(trigger.function, trigger.argument, data, trace=trace)
    if invocation.outcome.error is not None:
        return web.Response(status=HTTPStatus.INTERNAL_SERVER_ERROR)
    return _decode(invocation.outcome.value)


def _encode(request: web.Request, body: bytes) -> Datum:
    """The request as the .NET host hands it to the worker: values that repeat are joined with a comma."""
    headers: dict[str, Datum] = {}
    for name, value in request.headers.items():
        _add(headers, name.lower(), value)
    query: dict[str, Datum] = {}
    for name, value in request.query.items():
        _add(query, name, value)
    return Datum(
        {
            "method": Datum(request.method, "string"),
            "url": Datum(str(request.url), "string"),
            "headers": headers,
            "query": query,
            "params": {name: Datum(value, "string") for name, value in request.match_info.items()},
            "body": Datum(body, "bytes"),
        },
        "http",
    )


def _add(values: dict[str, Datum], name: str, value: str) -> None:
    earlier = values.get(name)
    values[name] = Datum(f"{earlier.value},{value}" if earlier else value, "string")


def _decode(value: Datum | None) -> web.Response:
    """The function's `$return`: an encoded HttpResponse, a plain string, or nothing."""
    if value is None:
        return web.Response(status=HTTPStatus.NO_CONTENT)
    if value.type == "string":
        return web.Response(text=value.value)
    parts = value.value
    response = web.Response(status=int(parts["status_code"].value), body=parts["body"].value)
    for name, header in parts["headers"].items():
        if name.lower() not in _FRAMING_HEADERS:
            response.headers[name] = header.value
    for cookies in parts["cookies"] or ():
        for morsel in cookies.values():
            response.headers.add(hdrs.SET_COOKIE, morsel.OutputString())
    return response
