"""Counts every call that leaves the process; at one of them the process dies, the connection breaks, or time is up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256
from typing import Any

import httpx
from azure.core.exceptions import AzureError, ServiceRequestError, ServiceResponseError
from azure.core.pipeline.transport import AioHttpTransport
from azure.data.tables import UpdateMode

from shared.transport import AiohttpTransport
from tests.builders.memory_table import MemoryTable


class Killed(BaseException):
    """The process was killed."""


class How(StrEnum):
    KILLED = "killed"
    """After the call, which is before the next one."""
    UNREACHABLE = "never sent"
    ANSWER_LOST = "answer lost"
    OUT_OF_TIME = "out of time"
    """It was carried out, and no answer came before what runs was cut off."""


@dataclass
class Wire:
    """All connections of one process. `strike` says at which call (from 0) what happens, once."""

    strike: tuple[int, How] | None = None
    calls: list[str] = field(default_factory=list)
    dead: bool = False
    deadline: asyncio.Timeout | None = None
    """Of what runs."""

    async def call[A](
        self, name: str, do: Callable[[], Awaitable[A]], *, unsent: Exception, lost: Exception, drop: Callable[[A], Any]
    ) -> A:
        if self.dead:  # a `finally` block may still call: a killed process sends nothing
            raise Killed
        position = len(self.calls)
        self.calls.append(name)
        how = self.strike[1] if self.strike and self.strike[0] == position else None
        if how is How.UNREACHABLE:
            raise unsent
        answer = await do()
        if how is not None:
            dropped = drop(answer)
            if isinstance(dropped, Awaitable):
                await dropped
            if how is How.ANSWER_LOST:
                raise lost
            if how is How.OUT_OF_TIME:
                await self.time_is_up()
            self.die()
        return answer

    def begin(self, strike: tuple[int, How] | None = None) -> None:
        """A new process with the same connections."""
        self.strike, self.calls, self.dead = strike, [], False

    async def time_is_up(self) -> None:
        assert self.deadline is not None
        self.deadline.reschedule(0)
        await asyncio.Event().wait()

    def die(self) -> None:
        self.dead = True
        raise Killed


class HttpxOver(httpx.AsyncBaseTransport):
    """For F&O and Shopify. `altered` changes the body of an answer. Without `inner`, calls go over sockets."""

    def __init__(
        self,
        wire: Wire,
        altered: Callable[[bytes], bytes] | None = None,
        inner: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._wire = wire
        self._altered = altered
        self._inner = inner or AiohttpTransport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        async def send() -> httpx.Response:
            answer = await self._inner.handle_async_request(request)
            body = await answer.aread()
            await answer.aclose()
            headers = [(name, value) for name, value in answer.headers.raw if name.lower() != b"content-length"]
            body = self._altered(body) if self._altered else body
            return httpx.Response(answer.status_code, headers=headers, content=body)

        return await self._wire.call(
            f"{request.method} {request.url.path}",
            send,
            unsent=httpx.ConnectError("not sent", request=request),
            lost=httpx.ReadError("connection lost", request=request),
            drop=lambda answer: None,
        )

    async def aclose(self) -> None:
        await self._inner.aclose()


class AzureOver(AioHttpTransport):
    """For Azure's SDKs, which repeat a request without an answer by themselves."""

    def __init__(self, wire: Wire) -> None:
        super().__init__()
        self._wire = wire

    async def send(self, request: Any, **options: Any) -> Any:
        async def send() -> Any:
            return await super(AzureOver, self).send(request, **options)

        return await self._wire.call(
            f"{request.method} {request.url.partition('?')[0].rpartition('devstoreaccount1')[2]}",
            send,
            unsent=ServiceRequestError("not sent"),
            lost=ServiceResponseError("connection lost"),
            drop=lambda answer: answer.internal_response.close(),
        )


class TableOver:
    """A table in memory, called over the wire."""

    def __init__(self, wire: Wire, name: str, table: MemoryTable) -> None:
        self._wire = wire
        self._name = name
        self._table = table

    async def get_entity(self, *args: Any, **options: Any) -> Any:
        return await self._call("get", lambda: self._table.get_entity(*args, **options))

    async def create_entity(self, *args: Any, **options: Any) -> Any:
        return await self._call("create", lambda: self._table.create_entity(*args, **options), again=False)

    async def update_entity(self, *args: Any, mode: UpdateMode, **options: Any) -> Any:
        again = mode is UpdateMode.REPLACE
        return await self._call("update", lambda: self._table.update_entity(*args, mode=mode, **options), again=again)

    async def upsert_entity(self, *args: Any, **options: Any) -> Any:
        return await self._call("upsert", lambda: self._table.upsert_entity(*args, **options))

    async def query_entities(
        self, query: str, *, parameters: Mapping[str, str], select: Sequence[str] | None = None
    ) -> AsyncIterator[Any]:
        async def rows() -> list[Any]:
            return [row async for row in self._table.query_entities(query, parameters=parameters, select=select)]

        for row in await self._call("query", rows):
            yield row

    async def _call(self, verb: str, do: Callable[[], Awaitable[Any]], *, again: bool = True) -> Any:
        return await _with_azure_retry(self._wire, f"{verb} {self._name}", do, again=again)


class BodiesOver:
    """A blob container in memory, called over the wire."""

    def __init__(self, wire: Wire, held: dict[str, bytes]) -> None:
        self._wire = wire
        self._held = held

    async def put(self, name: str, body: bytes) -> str:
        async def put() -> str:
            self._held[name] = body
            return sha256(body).hexdigest()

        return str(await _with_azure_retry(self._wire, "put blob", put))

    async def get(self, name: str, *, sha256: str) -> bytes:
        del sha256
        return self._held[name]


async def _with_azure_retry(wire: Wire, name: str, do: Callable[[], Awaitable[Any]], *, again: bool = True) -> Any:
    """The call, and another one (`again`) if no answer came.

    test_storage_answers_lost.py shows that Azure's SDK does so: it repeats PUT and GET, not POST and PATCH.
    """

    async def answered() -> Any:
        try:
            return await do()
        except AzureError as refusal:  # an answer too
            return refusal

    async def send() -> Any:
        unsent, lost = ServiceRequestError("not sent"), ServiceResponseError("connection lost")
        return await wire.call(name, answered, unsent=unsent, lost=lost, drop=lambda answer: None)

    try:
        answer = await send()
    except (ServiceRequestError, ServiceResponseError):
        if not again:
            raise
        answer = await send()
    if isinstance(answer, AzureError):
        raise answer
    return answer
