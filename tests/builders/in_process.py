"""HTTP to an aiohttp application of the same process, without a socket: what uses nothing else is a fast test."""

from __future__ import annotations

import asyncio

import httpx
from aiohttp import StreamReader, web
from aiohttp.base_protocol import BaseProtocol
from aiohttp.test_utils import make_mocked_request


class InProcess(httpx.AsyncBaseTransport):
    """Gives each request to the application. One whose connection the application aborts has no answer."""

    def __init__(self, app: web.Application) -> None:
        app.freeze()
        self._app = app

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        content = await request.aread()
        loop = asyncio.get_running_loop()
        payload = StreamReader(BaseProtocol(loop), limit=len(content) + 1, loop=loop)
        payload.feed_data(content)
        payload.feed_eof()
        connection = _Connection()
        received = make_mocked_request(
            request.method,
            request.url.raw_path.decode(),
            {**request.headers},
            app=self._app,
            payload=payload,
            transport=connection,
            client_max_size=len(content) + 1,
        )
        try:
            async with asyncio.timeout(request.extensions.get("timeout", {}).get("read")):
                answer = await self._app._handle(received)
        except web.HTTPException as refusal:
            answer = refusal
        except TimeoutError:
            raise httpx.ReadTimeout("no answer in time", request=request) from None
        if connection.is_broken:
            raise httpx.ReadError("the connection broke", request=request)
        assert isinstance(answer, web.Response)
        return httpx.Response(answer.status, headers=[*answer.headers.items()], content=answer.body, request=request)


class _Connection(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__()
        self.is_broken = False

    def abort(self) -> None:
        self.is_broken = True
