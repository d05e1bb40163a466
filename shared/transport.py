"""httpx's requests sent by aiohttp, whose reader of answers is compiled: a third of the processor time of httpx's own.

Callers build on its errors: httpx.ConnectError and ConnectTimeout say that nothing of the request was sent, so that a
write may be sent again. All others say that the other side may have acted on it.
"""

from __future__ import annotations

import asyncio
from typing import Final
from urllib.request import getproxies_environment

import aiohttp
import httpx
from aiohttp.connector import Connection
from aiohttp.tracing import Trace
from yarl import URL

_KEPT_SECONDS: Final = 5.0
"""How long a connection waits for its next call: gateways close those that were idle for some time."""
_HEADER_BYTES: Final = 65_536
"""The longest header of an answer, many times aiohttp's own limit."""
_NOT_ADDED: Final = ("Content-Type",)
"""What aiohttp would add to a body without it."""


def open_transport() -> httpx.AsyncBaseTransport | None:
    """None, which stands for httpx's own, where the environment names a proxy."""
    return None if getproxies_environment() else AiohttpTransport()


class AiohttpTransport(httpx.AsyncBaseTransport):
    """Sends each request once and reads its answer whole. For one event loop; close it at the end.

    The client needs a limit for each phase of a call.
    """

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Raises httpx.ConnectError, ConnectTimeout, ReadTimeout or ReadError."""
        seconds: dict[str, float] = request.extensions["timeout"]
        # aiohttp limits neither the writing nor, while it goes on, the wait for the answer.
        until_headers = seconds["connect"] + seconds["read"]
        try:
            async with asyncio.timeout(until_headers):
                answer = await self._opened().request(
                    request.method,
                    URL(str(request.url), encoded=True),
                    headers=request.headers.multi_items(),
                    data=await request.aread() or None,
                    allow_redirects=False,
                    timeout=aiohttp.ClientTimeout(sock_connect=seconds["connect"], sock_read=seconds["read"]),
                )
            async with answer:
                content = await answer.read()
        except aiohttp.ClientConnectorError as error:
            raise httpx.ConnectError(str(error)) from error
        except aiohttp.ConnectionTimeoutError as error:
            raise httpx.ConnectTimeout("no connection in time") from error
        except TimeoutError as error:
            raise httpx.ReadTimeout("no answer in time") from error
        except (aiohttp.ClientError, OSError) as error:
            raise httpx.ReadError(type(error).__name__) from None  # its text may have the address, with its filter
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
            )
            # Else a GET or DELETE whose connection broke is sent again, which nothing here would know of.
            self._session._retry_connection = False  # noqa: SLF001 - there is no other way; test_transport.py sees it
        return self._session


class _Connector(aiohttp.TCPConnector):
    """Closes a connection on which the server said something unasked, such as that it ends: aiohttp would take that
    for the answer to the next call.
    """

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - as the base class has it
    ) -> Connection:
        while True:
            connection = await super().connect(req, traces, timeout)
            if connection.protocol is None or not connection.protocol.should_close:
                return connection
            connection.close()
