"""The Admin API over HTTP: token endpoint and GraphQL endpoint, with injected faults."""

import asyncio
import json
import logging
import re
import socket
import struct
import time
import uuid
from typing import Any

from aiohttp import web

from local.shopify.execution import Answer, internal_error, record, run_graphql
from local.shopify.faults import Fault, FaultKind
from local.shopify.mutation_root import Notify
from local.shopify.state import Shop, Simulator, served_version

log = logging.getLogger("shopify")

_REFUSALS = {
    "shop_not_permitted": "Client credentials cannot be performed on this shop.",
    "app_not_installed": "The app is not installed on this shop.",
}
_UNAUTHORIZED = {"errors": "[API] Invalid API key or access token (unrecognized login or wrong password)"}
_GATEWAY_PAGE = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"


class AdminApi:
    """Handlers for `/{shop}/admin/...`."""

    def __init__(self, simulator: Simulator, notify: Notify) -> None:
        self._simulator = simulator
        self._notify = notify
        self.stopping = asyncio.Event()

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/{shop}/admin/oauth/access_token", self.access_token),
            web.post("/{shop}/admin/api/{version}/graphql.json", self.graphql),
        ]

    async def access_token(self, request: web.Request) -> web.Response:
        """Client credentials grant, JSON or form. Refusals follow OAuth; none is recorded."""
        shop = find_shop(self._simulator, request)
        if shop.refuses_tokens:
            return _oauth_error(
                400, shop.refuses_tokens, _REFUSALS.get(shop.refuses_tokens, "The request was refused.")
            )
        given = await _fields(request)
        if given.get("grant_type") != "client_credentials":
            return _oauth_error(400, "unsupported_grant_type", "Only client_credentials is supported.")
        if given.get("client_id") != shop.seed.client_id:
            return _oauth_error(400, "application_cannot_be_found", "No app has this client id.")
        secret = str(given.get("client_secret", ""))
        if secret not in shop.client_secrets():
            return _oauth_error(401, "invalid_client", "The client secret is not valid.")
        lifetime = self._simulator.token_lifetime
        token = shop.grant(secret, lifetime)
        log.info("%s token granted", shop.seed.store)
        return web.json_response(
            {
                "access_token": token,
                "scope": ",".join(sorted(shop.scopes)),
                "expires_in": max(0, int(lifetime.total_seconds()) - 1),
            }
        )

    async def graphql(self, request: web.Request) -> web.StreamResponse:
        started = time.perf_counter()
        shop = find_shop(self._simulator, request)
        headers = {
            "X-Request-Id": f"{uuid.uuid4()}-{int(time.time())}",
            "X-Shopify-API-Version": served_version(request.match_info["version"]),
        }
        payload = await _graphql_payload(request)
        if payload is None:
            return web.json_response({"errors": {"query": "Required parameter missing or invalid"}}, status=400)
        operation = _operation_name(payload)
        token = shop.valid_token(request.headers.get("X-Shopify-Access-Token"))
        if token is None or self._take(FaultKind.UNAUTHORIZED, shop, operation):
            return web.json_response(_UNAUTHORIZED, status=401, headers=headers)
        slow = self._take(FaultKind.SLOW, shop, operation)
        if slow:
            await asyncio.sleep(slow.seconds)
        refused = self._refusal(request, shop, operation, headers)
        if refused is not None:
            return refused
        asked = request.match_info["version"]
        other = self._simulator.faults.take(
            FaultKind.OTHER_ANSWER, shop.seed.domain, operation=operation, version=asked
        )
        if other is not None:
            return web.json_response(other.body, headers=headers)
        if self._take(FaultKind.INTERNAL_ERROR, shop, operation):
            answer = internal_error()
        else:
            version = headers["X-Shopify-API-Version"]
            answer = run_graphql(self._simulator, shop, payload, token=token, version=version, notify=self._notify)
        self._log(shop, answer, started)
        await self._lose_answer(request, shop, operation)
        return web.json_response(answer.body, headers=headers)

    def _take(self, kind: FaultKind, shop: Shop, operation: str | None) -> Fault | None:
        return self._simulator.faults.take(kind, shop.seed.domain, operation=operation)

    def _refusal(
        self, request: web.Request, shop: Shop, operation: str | None, headers: dict[str, str]
    ) -> web.Response | None:
        """The response of a fault that prevents the call from running."""
        if self._take(FaultKind.CONNECTION_RESET, shop, operation):
            reset(request)
            raise web.HTTPServiceUnavailable
        limited = self._take(FaultKind.TOO_MANY_REQUESTS, shop, operation)
        if limited:
            if limited.retry_after is not None:
                headers["Retry-After"] = limited.retry_after
            text = "Exceeded 4 calls per second for api client. Reduce request rates to resume uninterrupted service."
            return web.json_response({"errors": text}, status=429, headers=headers)
        if self._take(FaultKind.SERVER_ERROR, shop, operation):
            return web.json_response({"errors": "Internal Server Error"}, status=500, headers=headers)
        if self._take(FaultKind.BAD_GATEWAY, shop, operation):
            return web.Response(text=_GATEWAY_PAGE, content_type="text/html", status=502)
        if self._take(FaultKind.UNAVAILABLE, shop, operation):
            return web.json_response({"errors": "Service Unavailable"}, status=503, headers=headers)
        return None

    async def _lose_answer(self, request: web.Request, shop: Shop, operation: str | None) -> None:
        """Lose the response of a call that has run."""
        silent = self._take(FaultKind.TIMEOUT_AFTER_COMMIT, shop, operation)
        if silent:
            try:
                await asyncio.wait_for(self.stopping.wait(), silent.seconds)
            except TimeoutError:
                log.info("%s answer withheld for %s s", shop.seed.store, silent.seconds)
        if silent or self._take(FaultKind.RESET_AFTER_COMMIT, shop, operation):
            reset(request)
            raise web.HTTPServiceUnavailable

    def _log(self, shop: Shop, answer: Answer, started: float) -> None:
        ms = round((time.perf_counter() - started) * 1000)
        record(self._simulator, shop, answer, ms)
        name = answer.operation or ",".join(answer.fields) or "?"
        problems = f" errors={','.join(answer.codes)}" if answer.codes else ""
        log.info("%s %s cost=%s ms=%s%s", shop.seed.store, name, answer.actual, ms, problems)


def find_shop(simulator: Simulator, request: web.Request) -> Shop:
    shop = simulator.shops.get(request.match_info["shop"])
    if shop is None:
        raise web.HTTPNotFound(text=json.dumps({"errors": "Not Found"}), content_type="application/json")
    return shop


def reset(request: web.Request) -> None:
    """Close the connection with a TCP reset."""
    transport = request.transport
    if transport is None:
        return
    sock = transport.get_extra_info("socket")
    if sock is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


async def _fields(request: web.Request) -> dict[str, Any]:
    if request.content_type == "application/json":
        try:
            document = json.loads(await request.text())
        except ValueError:
            return {}
        return document if isinstance(document, dict) else {}
    return dict(await request.post())


async def _graphql_payload(request: web.Request) -> dict[str, Any] | None:
    """The call from a JSON body, or from a bare document sent as application/graphql."""
    text = await request.text()
    if request.content_type == "application/graphql":
        return {"query": text}
    try:
        document = json.loads(text)
    except ValueError:
        return None
    if not isinstance(document, dict) or not isinstance(document.get("query"), str):
        return None
    return document if isinstance(document.get("variables") or {}, dict) else None


def _operation_name(payload: dict[str, Any]) -> str | None:
    """The operation name that faults are matched with: `operationName`, else the first name in the document."""
    named = re.search(r"\b(?:query|mutation)\s+(\w+)", payload["query"])
    sent: str | None = payload.get("operationName")
    return sent or (named[1] if named else None)


def _oauth_error(status: int, code: str, description: str) -> web.Response:
    return web.json_response({"error": code, "error_description": description}, status=status)
