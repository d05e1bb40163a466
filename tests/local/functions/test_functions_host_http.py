"""HTTP functions, timers and the admin endpoints of the local host, over the wire."""

import asyncio
import gzip
import io
import json
import time
from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio
from fixtures.functions_host import SETTINGS, RunningHost, functions_host

BODY_LIMIT = 200_000
TRACE_PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def host(wire: None) -> AsyncIterator[RunningHost]:
    settings = {**SETTINGS, "FUNCTIONS_REQUEST_BODY_SIZE_LIMIT": str(BODY_LIMIT)}
    async with functions_host(settings) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def http(host: RunningHost) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(host.url) as session:
        yield session


async def test_function_gets_the_request_as_it_was_sent(http: aiohttp.ClientSession) -> None:
    body = bytes(range(256))
    headers = {"x-shopify-topic": "orders/create", "traceparent": TRACE_PARENT}
    async with http.post("/api/echo/nordlys?a=1&a=2&b=%C3%A6", data=body, headers=headers) as answer:
        assert await answer.read() == body
        assert answer.status == 202
        assert answer.headers["Content-Type"] == "application/octet-stream"
        report = json.loads(answer.headers["X-Report"])
    assert report["name"] == "nordlys"
    assert report["query"] == {"a": "1,2", "b": "æ"}
    assert report["header"] == "orders/create"
    assert report["trace_parent"] == TRACE_PARENT
    assert report["url"].startswith("http://127.0.0.1")


async def test_compressed_body_is_not_unpacked(http: aiohttp.ClientSession) -> None:
    body = gzip.compress(b"as it is signed")
    async with http.post("/api/echo/x", data=body, headers={"Content-Encoding": "gzip"}) as answer:
        assert await answer.read() == body


async def test_empty_body_is_empty_bytes(http: aiohttp.ClientSession) -> None:
    async with http.post("/api/echo/x") as answer:
        assert (answer.status, await answer.read()) == (202, b"")


async def test_request_without_a_trace_begins_one(http: aiohttp.ClientSession) -> None:
    parents = set()
    for _ in range(2):
        async with http.post("/api/echo/x") as answer:
            parents.add(json.loads(answer.headers["X-Report"])["trace_parent"])
    assert len(parents) == 2


async def test_synchronous_function_runs_in_a_thread_and_takes_the_rest_of_the_path(
    http: aiohttp.ClientSession,
) -> None:
    async with http.get("/api/files/2026/11/report.csv") as answer:
        assert (await answer.text()).startswith("2026/11/report.csv on ThreadPoolExecutor")


async def test_literal_route_goes_before_a_catch_all(http: aiohttp.ClientSession) -> None:
    async with http.get("/api/files/index") as answer:
        assert await answer.text() == "index"
        assert answer.headers.getall("Set-Cookie") == ["a=1; Path=/", "b=2"]


async def test_unknown_route_is_404_and_wrong_method_405(http: aiohttp.ClientSession) -> None:
    async with http.get("/api/nothing") as answer:
        assert answer.status == 404
    async with http.get("/echo/without-prefix") as answer:
        assert answer.status == 404
    async with http.get("/api/echo/x") as answer:
        assert (answer.status, answer.headers["Allow"]) == (405, "POST")


async def test_function_that_raises_is_500_and_its_traceback_is_in_the_log(
    http: aiohttp.ClientSession, host: RunningHost
) -> None:
    async with http.get("/api/broken") as answer:
        assert (answer.status, await answer.read()) == (500, b"")
    await host.until_logged("broken failed in")
    await host.until_logged("RuntimeError: broken on purpose")
    assert "Native invocation failed" not in host.log


async def test_functions_run_side_by_side(http: aiohttp.ClientSession) -> None:
    async def slow() -> int:
        async with http.get("/api/slow?seconds=0.3") as answer:
            return answer.status

    started = time.perf_counter()
    assert await asyncio.gather(*(slow() for _ in range(20))) == [200] * 20
    assert time.perf_counter() - started < 3


async def test_function_that_passes_its_timeout_is_500(http: aiohttp.ClientSession, host: RunningHost) -> None:
    async with http.get("/api/slow?seconds=60") as answer:
        assert answer.status == 500
    await host.until_logged("took longer than functionTimeout, 2 s")


async def test_body_over_the_limit_is_413(http: aiohttp.ClientSession) -> None:
    async with http.post("/api/echo/x", data=io.BytesIO(bytes(BODY_LIMIT))) as answer:
        assert answer.status == 202
    async with http.post("/api/echo/x", data=io.BytesIO(bytes(BODY_LIMIT + 1))) as answer:
        assert answer.status == 413


async def test_client_that_goes_away_within_its_body_does_no_harm(
    http: aiohttp.ClientSession, host: RunningHost
) -> None:
    port = int(host.url.rsplit(":", 1)[1])
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"POST /api/echo/x HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nhalf")
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    async with http.post("/api/echo/x", data=b"next") as answer:
        assert await answer.read() == b"next"
    assert "Error handling request" not in host.log


async def test_admin_lists_functions_and_state(http: aiohttp.ClientSession) -> None:
    async with http.get("/admin/host/status") as answer:
        assert (await answer.json())["state"] == "Running"
    async with http.get("/admin/functions") as answer:
        functions = {function["name"]: function["config"]["bindings"] for function in await answer.json()}
    assert functions["in_sessions"][0]["isSessionsEnabled"] is True


async def test_timer_runs_on_demand(http: aiohttp.ClientSession) -> None:
    async with http.post("/admin/functions/on_schedule?wait=true", json={"input": ""}) as answer:
        assert answer.status == 200
        assert (await answer.json())["result"] == "Succeeded"
    async with http.get("/api/seen") as answer:
        assert {"timer": True, "past_due": False} in await answer.json()


async def test_timer_that_fails_on_demand_answers_with_the_reason(http: aiohttp.ClientSession) -> None:
    async with http.post("/admin/functions/failing_timer?wait=true", json={"input": ""}) as answer:
        assert answer.status == 500
        report = await answer.json()
    assert report["error"] == "RuntimeError('the timer failed on purpose')"
    assert "failing_timer" in report["traceback"]


async def test_timer_on_demand_without_waiting_is_accepted(http: aiohttp.ClientSession) -> None:
    async with http.post("/admin/functions/failing_timer", json={"input": ""}) as answer:
        assert (answer.status, await answer.read()) == (202, b"")


@pytest.mark.parametrize(
    ("name", "body", "status"),
    [("nobody", "{}", 404), ("echo", "{}", 400), ("on_schedule", "", 400), ("on_schedule", "[]", 400)],
)
async def test_what_cannot_be_run_on_demand_is_refused(
    http: aiohttp.ClientSession, name: str, body: str, status: int
) -> None:
    async with http.post(f"/admin/functions/{name}", data=body) as answer:
        assert answer.status == status
        assert (await answer.json())["error"]
