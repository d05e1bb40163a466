"""httpx's requests sent by aiohttp, whose reader of answers is compiled: a third of the processor time of httpx's own.

Callers build on its errors: httpx.ConnectError and ConnectTimeout say that nothing of the request was sent, so that a
write may be sent again. All others say that the other side may have acted on it.
"""

from __future__ import annotations

import asyncio
import select
from typing import Final
from urllib.request import getproxies
from weakref import WeakSet

import aiohttp
import httpx
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aiohttp.tracing import Trace
from yarl import URL

_KEPT_SECONDS: Final = 5.0
"""How long a connection waits for its next call: gateways close those that were idle for some time."""
_HEADER_BYTES: Final = 65_536
_HEADERS: Final = 1_000
"""Of an answer: the longest, and how many. Both are many times aiohttp's own limits."""
_NOT_ADDED: Final = ("Content-Type",)
"""What aiohttp would add to a body without it."""


def open_transport() -> httpx.AsyncBaseTransport | None:
    """None, which stands for httpx's own, where a proxy is set."""
    return None if getproxies().keys() - {"no"} else AiohttpTransport()


class AiohttpTransport(httpx.AsyncBaseTransport):
    """Sends each request once and reads its answer whole. For one event loop; close it at the end.

    The client needs a limit for each phase of a call.
    """

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Raises httpx.ConnectError, ConnectTimeout, ReadTimeout, ReadError, or LocalProtocolError for a request that
        cannot be sent.
        """
        seconds: dict[str, float] = request.extensions["timeout"]
        body = await request.aread()
        request.headers.pop("Transfer-Encoding", None)  # of a body in parts, which is whole now
        try:
            # aiohttp limits neither the writing nor, while it goes on, the wait for the answer.
            async with asyncio.timeout(seconds["connect"] + seconds["read"]):
                answer = await self._opened().request(
                    request.method,
                    URL(str(request.url), encoded=True),
                    headers=request.headers.multi_items(),
                    data=body or None,
                    allow_redirects=False,
                    timeout=aiohttp.ClientTimeout(connect=seconds["connect"], sock_read=seconds["read"]),
                )
            async with answer:
                content = await _read(answer, seconds["read"])
        except aiohttp.ClientConnectorError as error:
            raise httpx.ConnectError(str(error)) from error
        # The text of the others may have the address, with its filter.
        except aiohttp.ConnectionTimeoutError:
            raise httpx.ConnectTimeout("no connection in time") from None
        except TimeoutError:
            raise httpx.ReadTimeout("no answer in time") from None
        except ValueError as error:
            raise httpx.LocalProtocolError(type(error).__name__) from None
        except (aiohttp.ClientError, OSError) as error:
            raise httpx.ReadError(type(error).__name__) from None
        return httpx.Response(answer.status, headers=answer.raw_headers, content=content)

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=_Connector(limit=0, keepalive_timeout=_KEPT_SECONDS),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                skip_auto_headers=_NOT_ADDED,
                max_line_size=_HEADER_BYTES,
                max_field_size=_HEADER_BYTES,
                max_headers=_HEADERS,
            )
            # Else a GET or DELETE whose connection broke is sent again, which nothing here would know of.
            self._session._retry_connection = False  # noqa: SLF001 - there is no other way; test_transport.py sees it
        return self._session


async def _read(answer: aiohttp.ClientResponse, seconds: float) -> bytes:
    """The body. With a part that is no HTTP, aiohttp ends the connection and its own limit, and never the body."""
    content = answer.content
    protocol = answer.connection.protocol if answer.connection is not None else None
    closed = protocol.closed if protocol is not None else None

    def break_off(_: asyncio.Future[None]) -> None:
        if not content.is_eof():
            content.set_exception(aiohttp.ClientPayloadError())

    if closed is not None:
        closed.add_done_callback(break_off)
    try:
        parts = []
        while part := await asyncio.wait_for(content.readany(), seconds):
            parts.append(part)
        if closed is not None and closed.done() and closed.exception() and not _has_length(answer):
            raise aiohttp.ClientPayloadError  # aiohttp takes a reset for the end
        return b"".join(parts)
    finally:
        if closed is not None:
            closed.remove_done_callback(break_off)


def _has_length(answer: aiohttp.ClientResponse) -> bool:
    """Or ends itself."""
    return "Content-Length" in answer.headers or "Transfer-Encoding" in answer.headers


class _Connector(aiohttp.TCPConnector):
    """Closes a kept connection on which something came unasked: aiohttp would take it for the answer to the next call.
    A server says so that it ends the connection, or ends it, which the event loop may not have seen yet.
    """

    def __init__(self, *, limit: int, keepalive_timeout: float) -> None:
        super().__init__(limit=limit, keepalive_timeout=keepalive_timeout)
        self._used: WeakSet[ResponseHandler] = WeakSet()

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - as the base class has it
    ) -> Connection:
        while True:
            connection = await super().connect(req, traces, timeout)
            protocol = connection.protocol
            if protocol is None or protocol not in self._used:
                break
            if not (protocol.should_close or _is_readable(connection)):
                return connection
            connection.close()
        if protocol is not None:
            self._used.add(protocol)
            if protocol.closed is not None:
                protocol.closed.add_done_callback(_notice)
        return connection


def _notice(closed: asyncio.Future[None]) -> None:
    """Asks for the error, which asyncio would log otherwise: the next call finds the connection closed."""
    if not closed.cancelled():
        closed.exception()


def _is_readable(connection: Connection) -> bool:
    """Bytes, or the end."""
    transport = connection.transport
    if transport is None:
        return True
    socket = transport.get_extra_info("socket")
    if not hasattr(select, "poll"):  # on Windows
        return bool(select.select([socket], [], [], 0)[0])
    waiting = select.poll()
    waiting.register(socket, select.POLLIN)
    return bool(waiting.poll(0))
