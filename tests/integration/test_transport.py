"""The transport of calls to F&O and Shopify against servers that misbehave, beside httpx's own as the measure.

What a caller must know of a failed call is whether anything was sent, so each server counts what reached it.
"""

from __future__ import annotations

import asyncio
import gc
import gzip
import socket
import struct
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx
import pytest

from shared.transport import AiohttpTransport, open_transport

pytestmark = pytest.mark.wire

TRANSPORTS = [AiohttpTransport, httpx.AsyncHTTPTransport]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
ADDRESS = "/data/SalesOrderHeadersV2?$filter=CustRef%20eq%20'O%27%27Neil%2B1'%26&a=%2F+%C3%A5&b=..%2f&$select=x,y"
BIG = b"x" * 30_000_000
SECONDS = 0.5

type Reply = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Server:
    url: str
    requests: list[bytes] = field(default_factory=list)
    """As they came, head and body."""
    connections: int = 0
    asked: asyncio.Event = field(default_factory=asyncio.Event)


@asynccontextmanager
async def serving(*replies: Reply) -> AsyncIterator[Server]:
    """Reads each request, and then does with its connection what the next reply says; the last one goes on."""
    server = Server("")
    left = list(replies)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.connections += 1
        try:
            while not writer.is_closing():
                head = await reader.readuntil(b"\r\n\r\n")
                server.requests.append(head)
                server.requests[-1] += await reader.readexactly(_length(head))
                server.asked.set()
                reply = left.pop(0) if len(left) > 1 else left[0]
                await reply(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async with listening(serve) as address:
        server.url = f"http://{address}"
        yield server


@asynccontextmanager
async def listening(serve: Reply) -> AsyncIterator[str]:
    """Its address, without a scheme."""
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield "{}:{}".format(*server.sockets[0].getsockname())
    finally:
        server.close()
        server.close_clients()


def _length(head: bytes) -> int:
    fields = [line.lower().split(b":") for line in head.split(b"\r\n")]
    return next((int(each[1]) for each in fields if each[0] == b"content-length"), 0)


def says(answer: bytes) -> Reply:
    async def reply(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await writer.drain()

    return reply


def says_and_ends(answer: bytes) -> Reply:
    async def reply(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        writer.close()

    return reply


def breaks_after(answer: bytes) -> Reply:
    """A reset, as a gateway sends it that dies."""

    async def reply(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await asyncio.sleep(0.05)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    return reply


async def is_silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.read()


@asynccontextmanager
async def client(kind: type[httpx.AsyncBaseTransport]) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=kind(), timeout=httpx.Timeout(SECONDS)) as http:
        yield http


async def failure_of(call: Awaitable[httpx.Response]) -> httpx.RequestError:
    try:
        answer = await call
    except httpx.RequestError as error:
        return error
    pytest.fail(f"answered {answer.status_code} {answer.text!r}")


PART = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"
BREAKS = {
    "closed": says_and_ends(b""),
    "reset": breaks_after(b""),
    "half a head": says_and_ends(b"HTTP/1.1 200 OK\r\nContent-Le"),
    "half a body": says_and_ends(PART),
    "half a body and reset": breaks_after(PART),
    "half a chunk": says_and_ends(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhal"),
    "no length and reset": breaks_after(b"HTTP/1.1 200 OK\r\n\r\nhalf"),
    "no HTTP": says_and_ends(b"<html>Bad gateway</html>\r\n\r\n"),
}
STOPS = {"silent": is_silent, "stops in the body": says(PART)}
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"


@pytest.mark.parametrize("kind", TRANSPORTS)
@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE"])
@pytest.mark.parametrize("fault", [*BREAKS, *STOPS])
@pytest.mark.parametrize("calls_before", [0, 1], ids=["new connection", "kept connection"])
async def test_what_goes_wrong_after_sending_counts_as_sent_and_was_sent_once(
    kind: type[httpx.AsyncBaseTransport], method: str, fault: str, calls_before: int
) -> None:
    reply = BREAKS[fault] if fault in BREAKS else STOPS[fault]
    async with serving(*[says(OK)] * calls_before, reply) as server, client(kind) as http:
        for _ in range(calls_before):
            await http.get(server.url)
        content = None if method in ("GET", "DELETE") else b"{}"
        error = await failure_of(http.request(method, server.url, content=content))

    expected = httpx.ReadTimeout if fault in STOPS else (httpx.ReadError, httpx.RemoteProtocolError)
    assert isinstance(error, expected)
    assert len(server.requests) == calls_before + 1
    assert server.connections == 1


@pytest.mark.parametrize("kind", TRANSPORTS)
@pytest.mark.parametrize("rest", [b"<html>\r\n", b"3\r\nabcdef\r\n", b"0\r\nno trailer\r\n\r\n"])
async def test_a_body_that_goes_on_as_something_else_ends_the_call(
    kind: type[httpx.AsyncBaseTransport], rest: bytes
) -> None:
    """In a segment of its own, as a gateway adds its page to what it had begun to pass on."""

    async def goes_on(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(CHUNKED)
        await asyncio.sleep(0.1)
        writer.write(rest)

    async with serving(goes_on) as server, client(kind) as http, asyncio.timeout(20 * SECONDS):
        error = await failure_of(http.post(server.url, content=b"{}"))

    assert isinstance(error, (httpx.ReadError, httpx.RemoteProtocolError))
    assert len(server.requests) == 1


@pytest.mark.filterwarnings("ignore:Sending a large body")
@pytest.mark.parametrize("kind", TRANSPORTS)
async def test_a_body_that_nobody_reads_ends_in_time(kind: type[httpx.AsyncBaseTransport]) -> None:
    """The other side has part of it."""

    async def reads_nothing(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await writer.wait_closed()

    async with listening(reads_nothing) as address, client(kind) as http, asyncio.timeout(20 * SECONDS):
        error = await failure_of(http.post(f"http://{address}", content=BIG))

    assert isinstance(error, (httpx.WriteTimeout, httpx.ReadTimeout))


@pytest.mark.parametrize("kind", TRANSPORTS)
async def test_an_address_where_nothing_listens_was_sent_nothing(kind: type[httpx.AsyncBaseTransport]) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        async with client(kind) as http:
            error = await failure_of(http.post("http://{}:{}".format(*unused.getsockname()), content=b"{}"))

    assert isinstance(error, httpx.ConnectError)


@pytest.mark.parametrize("kind", TRANSPORTS)
async def test_a_name_that_stands_for_no_address_was_sent_nothing(kind: type[httpx.AsyncBaseTransport]) -> None:
    async with client(kind) as http:
        error = await failure_of(http.post("http://no-such-shop.invalid", content=b"{}"))

    assert isinstance(error, httpx.ConnectError)


@pytest.mark.parametrize("kind", TRANSPORTS)
async def test_a_name_that_takes_long_to_look_up_was_sent_nothing(
    kind: type[httpx.AsyncBaseTransport], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of its addresses takes from the same limit."""

    def slow(*_: object, **__: object) -> list[object]:
        time.sleep(4 * SECONDS)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    async with client(kind) as http:
        error = await failure_of(http.post("http://slow.example", content=b"{}"))

    assert isinstance(error, httpx.ConnectTimeout)
    assert error.__suppress_context__
    assert "slow.example" not in str(error.__cause__)


@pytest.mark.parametrize("kind", TRANSPORTS)
async def test_a_server_that_never_agrees_on_a_key_was_sent_nothing(kind: type[httpx.AsyncBaseTransport]) -> None:
    async def says_nothing(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    async with listening(says_nothing) as address, client(kind) as http:
        error = await failure_of(http.post(f"https://{address}", content=b"{}"))

    assert isinstance(error, httpx.ConnectTimeout)


@pytest.mark.parametrize("kind", TRANSPORTS)
async def test_a_server_that_speaks_no_tls_was_sent_nothing(kind: type[httpx.AsyncBaseTransport]) -> None:
    async def answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with listening(answers) as address, client(kind) as http:
        error = await failure_of(http.post(f"https://{address}", content=b"{}"))

    assert isinstance(error, httpx.ConnectError)


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE"])
async def test_a_request_arrives_as_httpx_sends_it(method: str) -> None:
    """Address, fields and body, on a second call of the connection too."""
    arrived = []
    for kind in TRANSPORTS:
        async with serving(says(OK)) as server, client(kind) as http:
            for headers in ({"Authorization": "Bearer x", "Content-Type": "multipart/mixed; boundary=b"}, {}):
                content = None if method in ("GET", "DELETE") else "Åsa\r\n\r\n".encode()
                await http.request(method, f"{server.url}{ADDRESS}", content=content, headers=headers)
            assert server.connections == 1
            arrived.append([_plain(each, server.url) for each in server.requests])

    assert arrived[0] == arrived[1]
    assert arrived[0][0][0] == f"{method} {ADDRESS} HTTP/1.1".encode()


def _plain(request: bytes, url: str) -> tuple[bytes, list[bytes], bytes]:
    """First line, fields in lower case and in order of the alphabet, and body. aiohttp gives each DELETE a length."""
    head, _, body = request.partition(b"\r\n\r\n")
    first, *fields = head.replace(url.removeprefix("http://").encode(), b"HOST").split(b"\r\n")
    named = sorted(each.partition(b":")[0].lower() + each.partition(b":")[2] for each in fields)
    return first, [each for each in named if each != b"content-length 0"], body


@pytest.mark.parametrize(
    "answer",
    [
        OK,
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 429 No\r\nRetry-After: 7\r\nSet-Cookie: a=1\r\nset-cookie: b=2\r\nContent-Length: 4\r\n\r\nslow",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n\xc3\xa5\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Security-Policy: " + b"p" * 20_000 + b"\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nConnection: Upgrade, Keep-Alive\r\nUpgrade: h2,h2c\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: a\r\n" % at for at in range(200)) + b"Content-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX-Name: \xe5sa\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s"
        % (len(gzip.compress(b'{"a": 1}' * 900)), gzip.compress(b'{"a": 1}' * 900)),
    ],
    ids=[
        "plain",
        "no content",
        "redirect",
        "cookies",
        "chunked",
        "long field",
        "upgrade",
        "many fields",
        "latin",
        "gzip",
    ],
)
async def test_an_answer_reads_as_httpx_reads_it(answer: bytes) -> None:
    read = []
    for kind in TRANSPORTS:
        async with serving(says(answer)) as server, client(kind) as http:
            got = await http.get(server.url)
            read.append((got.status_code, got.headers.multi_items(), got.text))
            assert (await http.get(server.url)).status_code == got.status_code
            assert server.connections == 1

    assert _without_length(read[0]) == _without_length(read[1])


def _without_length(read: tuple[int, list[tuple[str, str]], str]) -> tuple[int, list[tuple[str, str]], str]:
    """httpx counts a chunked body for its reader."""
    status, fields, text = read
    return status, [(name, value) for name, value in fields if name != "content-length"], text


async def test_a_call_that_is_given_up_leaves_no_connection_to_the_next_one() -> None:
    """Its answer would be read as the next call's."""
    async with serving(is_silent, says(OK)) as server, client(AiohttpTransport) as http:
        call = asyncio.create_task(http.post(server.url, content=b"{}"))
        await server.asked.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert (await http.get(server.url)).text == "ok"

    assert server.connections == 2


async def test_a_connection_that_the_server_closed_while_idle_is_not_used() -> None:
    async with serving(says_and_ends(OK), says(OK)) as server, client(AiohttpTransport) as http:
        await http.get(server.url)
        await asyncio.sleep(0.1)
        assert (await http.post(server.url, content=b"{}")).text == "ok"

    assert server.connections == 2


async def test_what_a_server_says_on_an_idle_connection_is_no_answer_to_the_next_call() -> None:
    """A gateway tells so that it ends the connection, and may end it later."""

    async def answers_and_tells(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(OK)
        await asyncio.sleep(0.05)
        writer.write(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")

    async with serving(answers_and_tells, says(OK)) as server, client(AiohttpTransport) as http:
        await http.get(server.url)
        await asyncio.sleep(0.1)
        assert (await http.post(server.url, content=b"{}")).text == "ok"

    assert server.connections == 2


@pytest.mark.parametrize("kind", TRANSPORTS)
@pytest.mark.parametrize("end", [b"", b"HTTP/1.1 408 Request Timeout\r\n\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n"])
async def test_a_connection_that_ended_while_the_app_was_busy_is_not_used(
    kind: type[httpx.AsyncBaseTransport], end: bytes
) -> None:
    """The event loop has not seen yet what waits at the socket. The server is in a thread, whose clock goes on."""
    connections = []

    def serve() -> None:
        for at in range(2):
            connection, _ = bound.accept()
            connections.append(connection)
            connection.recv(65_536)
            connection.sendall(OK)
            if at == 0:
                answered.wait()
                connection.sendall(end)
                connection.close()

    answered = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as bound:
        bound.settimeout(20 * SECONDS)
        url = "http://{}:{}".format(*bound.getsockname())
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        async with client(kind) as http:
            await http.post(url, content=b"{}")
            answered.set()
            time.sleep(0.2)  # noqa: ASYNC251 - a mapping that keeps the loop
            answer = await http.post(url, content=b"{}")
        assert (answer.status_code, answer.text) == (200, "ok")
        thread.join()
    connections[1].close()


@pytest.mark.parametrize("kind", TRANSPORTS)
async def test_a_server_that_answers_before_it_is_asked_is_asked_once(kind: type[httpx.AsyncBaseTransport]) -> None:
    """As a gateway that refuses at once."""
    connections = 0

    async def refuses(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        writer.write(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")
        await reader.read()
        writer.close()

    async with listening(refuses) as address, client(kind) as http:
        answer = await http.post(f"http://{address}", content=b"{}")

    assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE
    assert connections == 1


async def test_calls_on_a_kept_connection_leave_nothing_with_it() -> None:
    """Each call waits for the end of its connection, which outlives many calls."""
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n"

    async def in_two_segments(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(chunked)
        await asyncio.sleep(0.01)
        writer.write(b"0\r\n\r\n")

    transport = AiohttpTransport()
    async with serving(in_two_segments) as server, httpx.AsyncClient(transport=transport, timeout=SECONDS) as http:
        for _ in range(5):
            assert (await http.post(server.url, content=b"{}")).text == "ok"
        assert transport._session is not None
        assert transport._session.connector is not None
        ((kept, _),) = next(iter(transport._session.connector._conns.values()))
        assert kept.closed is not None
        assert len(kept.closed._callbacks) == 1

    assert server.connections == 1


async def test_an_idle_connection_that_is_reset_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(says(CHUNKED + b"0\r\n\r\n"), breaks_after(OK)) as server, client(AiohttpTransport) as http:
        for _ in range(2):
            await http.post(server.url, content=b"{}")
        await asyncio.sleep(0.2)
        assert (await http.get(server.url)).text == "ok"
    gc.collect()

    assert server.connections == 2
    assert not caplog.records


async def test_a_body_in_parts_is_sent_whole() -> None:
    async def parts() -> AsyncIterator[bytes]:
        yield b"{"
        yield b"}"

    async with serving(says(OK)) as server, client(AiohttpTransport) as http:
        await http.post(server.url, content=parts())

    (request,) = server.requests
    assert request.lower().count(b"content-length: 2\r\n") == 1
    assert b"transfer-encoding" not in request.lower()
    assert request.endswith(b"\r\n\r\n{}")


async def test_a_field_that_cannot_be_sent_is_told_as_an_error_of_httpx() -> None:
    async with serving(says(OK)) as server, client(AiohttpTransport) as http:
        error = await failure_of(http.get(server.url, headers={"X-Name": "a\r\nb"}))

    assert isinstance(error, httpx.LocalProtocolError)
    assert not server.requests


async def test_no_error_has_the_address_of_the_call() -> None:
    """Its filter may be a buyer's e-mail address, and errors are logged."""
    async with serving(says_and_ends(b"no HTTP\r\n\r\n")) as server, client(AiohttpTransport) as http:
        with pytest.raises(httpx.ReadError, match="ClientResponseError") as failed:
            await http.get(f"{server.url}/data/CustomersV3?$filter=Email eq 'asa@example.com'")

    assert failed.value.__cause__ is None
    assert failed.value.__suppress_context__


def test_where_a_proxy_is_set_httpx_finds_its_way(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    assert isinstance(open_transport(), AiohttpTransport)
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    assert open_transport() is None
