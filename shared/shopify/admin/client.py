"""A client of one shop's Admin GraphQL API: paced by the query budget, repeating only calls that are safe to repeat."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final, Protocol

import httpx

from shared.errors import DeniedError, ErrorCode, OutcomeUnknownError, RefusedError, ThrottledError, TransientError
from shared.settings import Secret
from shared.shopify.admin.answers import Json, data_of
from shared.shopify.admin.bucket import CostBucket
from shared.shopify.admin.tokens import TokenSource
from shared.shopify.queries import Query
from shared.telemetry import emit

_PAUSES: Final = (0.5, 1.5)
"""Seconds before the second and the third attempt; after that the queue retries."""

_LONGEST_WAIT: Final = 15.0
"""Seconds that the client waits at most for one call; a longer wait is left to the queue."""

_DEFAULT_WAIT: Final = 1.0

_NOT_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_DENYING: Final = {
    httpx.codes.UNAUTHORIZED,
    httpx.codes.PAYMENT_REQUIRED,  # the shop is frozen
    httpx.codes.FORBIDDEN,
    httpx.codes.LOCKED,
    430,  # of Shopify only: refused for security reasons
}


@dataclass(frozen=True, slots=True)
class ShopifyCall:
    """One HTTP call to the Admin API, for telemetry."""

    query: str
    status: int | None
    """None when no answer came."""
    seconds: float
    request_id: str
    """Shopify's, for its support."""


class QueryRunner(Protocol):
    """What reading and writing one subject needs of AdminClient."""

    async def run(self, query: Query, variables: dict[str, Any]) -> Json: ...


class AdminClient:
    """One shop's Admin API, called as the app. Use one per shop for the whole process; `http` may be shared by all.

    Raises RefusedError (SHOPIFY_REJECTED, SHOPIFY_SHAPE) for what stays wrong, DeniedError, ThrottledError and
    TransientError for what may be sent again, OutcomeUnknownError for a mutation that may have happened.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        url: str,
        *,
        api_version: str,
        tokens: TokenSource,
        on_call: Callable[[ShopifyCall], None],
        on_other_version: Callable[[str], None],
        bucket: CostBucket | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`url` is the shop's address; `on_other_version` is called once when Shopify answers with another API
        version, as it does after it has retired ours.
        """
        self._http = http
        self._url = f"{url}/admin/api/{api_version}/graphql.json"
        self._version = api_version
        self._tokens = tokens
        self._on_call = on_call
        self._on_other_version = on_other_version
        self._other_version_reported = False
        self._bucket = bucket or CostBucket()
        self._sleep = sleep

    async def run(self, query: Query, variables: dict[str, Any]) -> Json:
        """The document's data. Decimals are sent as texts; numbers with a fraction are returned as Decimal."""
        for pause in _PAUSES:
            try:
                return await self._attempt(query, variables)
            except OutcomeUnknownError:
                raise
            except TransientError as error:
                wait = pause if error.retry_after is None else error.retry_after.total_seconds()
                if wait > _LONGEST_WAIT:
                    raise
                await self._sleep(wait)
        return await self._attempt(query, variables)

    async def _attempt(self, query: Query, variables: dict[str, Any]) -> Json:
        await self._pace(query.name)
        with self._bucket.charged(query.name):
            response = await self._signed(query, variables)
        if response.status_code != httpx.codes.OK:
            raise _failure(response, query)
        try:
            body = json.loads(response.content, parse_float=Decimal)
        except ValueError as error:
            raise _unsettled(query, f"Shopify answered {query.name} with something that is not JSON") from error
        if cost := (body.get("extensions") or {}).get("cost"):
            self._bucket.learn(query.name, cost)
        try:
            return data_of(body, query.name)
        except ThrottledError as error:
            wait = self._bucket.wait(query.name) or _DEFAULT_WAIT
            emit("shopify.throttled", query=query.name, wait_seconds=round(wait, 3))
            raise ThrottledError(error.reason, retry_after=timedelta(seconds=wait)) from None
        except DeniedError:
            raise
        except TransientError as error:
            raise _unsettled(query, error.reason) from None

    async def _pace(self, name: str) -> None:
        """Waits until the budget covers the document. Cheaper ones may go first meanwhile, again and again."""
        began = self._bucket.clock()
        while (wait := self._bucket.wait(name)) > 0:
            until = self._bucket.clock() - began + wait
            if until > _LONGEST_WAIT:
                raise ThrottledError(f"Shopify's query budget is spent ({name})", retry_after=timedelta(seconds=until))
            await self._sleep(wait)

    async def _signed(self, query: Query, variables: dict[str, Any]) -> httpx.Response:
        """The answer to the call with a valid token; a refused token is renewed once."""
        content = json.dumps({"query": query.text, "operationName": query.name, "variables": variables}, default=_exact)
        token = await self._tokens.token()
        response = await self._post(query, content, token)
        if response.status_code == httpx.codes.UNAUTHORIZED:
            token = await self._tokens.token(other_than=token)
            response = await self._post(query, content, token)
        return response

    async def _post(self, query: Query, content: str, token: Secret) -> httpx.Response:
        headers = {"Content-Type": "application/json", "X-Shopify-Access-Token": token.reveal()}
        started = time.monotonic()
        status, request_id = None, ""
        try:
            response = await self._http.post(self._url, content=content, headers=headers)
            status, request_id = response.status_code, response.headers.get("X-Request-Id", "")
        except _NOT_SENT as error:
            raise TransientError(f"Shopify cannot be reached: {type(error).__name__}") from error
        except httpx.RequestError as error:
            raise _unsettled(query, f"no answer to {query.name}: {type(error).__name__}") from error
        finally:
            self._on_call(ShopifyCall(query.name, status, time.monotonic() - started, request_id))
        version = response.headers.get("X-Shopify-API-Version", self._version)
        if version != self._version and not self._other_version_reported:
            self._other_version_reported = True
            self._on_other_version(version)
        return response


def _failure(response: httpx.Response, query: Query) -> RefusedError | TransientError:
    """What an HTTP status other than 200 stands for."""
    status = response.status_code
    if status == httpx.codes.TOO_MANY_REQUESTS:
        try:
            seconds = float(response.headers.get("Retry-After", _DEFAULT_WAIT))  # Shopify writes "2.0"
        except ValueError:
            seconds = _DEFAULT_WAIT
        return ThrottledError(f"Shopify did not take {query.name}", retry_after=timedelta(seconds=seconds))
    if status in _DENYING:
        return DeniedError(ErrorCode.SHOPIFY_DENIED, message=f"HTTP {status}")
    if httpx.codes.is_server_error(status) or status == httpx.codes.REQUEST_TIMEOUT:
        return _unsettled(query, f"Shopify answered {query.name} with {status}")
    return RefusedError(ErrorCode.SHOPIFY_REJECTED, what=query.name, message=f"HTTP {status}")


def _unsettled(query: Query, reason: str) -> TransientError:
    """TransientError for a query or an idempotent mutation, which may be repeated; else OutcomeUnknownError."""
    return TransientError(reason) if query.repeatable else OutcomeUnknownError(reason)


def _exact(value: object) -> str:
    if isinstance(value, Decimal):
        return f"{value:f}"
    raise TypeError(f"{type(value).__name__} cannot be a GraphQL variable")
