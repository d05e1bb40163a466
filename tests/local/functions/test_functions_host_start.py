"""Starting and stopping the local Functions host, and the reasons for which it does not start."""

import asyncio
import json
import shutil
from pathlib import Path

import aiohttp
import pytest
from fixtures.functions_host import SAMPLE_APP, SETTINGS, functions_host, refusal

pytestmark = pytest.mark.wire

APP = """
import azure.functions as func
app = func.FunctionApp()
"""
TIMER = """
@app.timer_trigger(arg_name="timer", schedule="*/1 * * * * *")
def tick(timer: func.TimerRequest) -> None:
    print("tick", flush=True)
"""


def write_app(folder: Path, code: str, values: dict[str, str] | None = None) -> Path:
    (folder / "host.json").write_text('{"version": "2.0"}')
    (folder / "function_app.py").write_text(code)
    if values is not None:
        (folder / "local.settings.json").write_text(json.dumps({"IsEncrypted": False, "Values": values}))
    return folder


async def test_start_lists_each_function_and_stop_is_clean() -> None:
    async with functions_host() as host:
        await host.until_logged(f"echo: [POST] {host.url}/api/echo/{{name}}")
        await host.until_logged("in_sessions: Service Bus in-sessions with sessions")
        await host.until_logged("on_schedule: timer 0 0 0 1 1 * (UTC)")
        assert await host.stop() == 0
        assert "Traceback" not in host.log


async def test_unreachable_broker_is_logged_once_for_each_queue() -> None:
    async with functions_host() as host, aiohttp.ClientSession(host.url) as http:
        async with http.get("/api/slow?seconds=1.5") as answer:
            assert answer.status == 200
        assert host.log.count("in-sessions: no connection to Service Bus") == 1
        assert host.log.count("plain: no connection to Service Bus") == 1


async def test_timer_follows_its_schedule(tmp_path: Path) -> None:
    async with functions_host({}, app=write_app(tmp_path, APP + TIMER)) as host:
        assert host.process.stdout is not None
        for _ in range(2):
            assert await asyncio.wait_for(host.process.stdout.readline(), 5) == b"tick\n"


async def test_stop_lets_a_running_request_end() -> None:
    async with functions_host() as host, aiohttp.ClientSession(host.url) as http:
        request = asyncio.create_task(http.get("/api/slow?seconds=1.5").__aenter__())
        async with http.get("/api/seen"):
            pass
        stop = asyncio.create_task(host.stop())
        async with await request as answer:
            assert await answer.text() == "slept"
        assert await stop == 0


async def test_settings_come_from_the_file_where_the_environment_has_none(tmp_path: Path) -> None:
    shutil.copytree(SAMPLE_APP, tmp_path / "app", ignore=shutil.ignore_patterns("__pycache__"))
    values = {**SETTINGS, "SESSION_QUEUE": "from-file", "TIMER_SCHEDULE": "0 0 0 2 2 *"}
    (tmp_path / "app" / "local.settings.json").write_text(json.dumps({"Values": values}))
    environment = {"SESSION_QUEUE": "from-environment"}
    async with functions_host(environment, app=tmp_path / "app") as host:
        await host.until_logged("Service Bus from-environment")
        await host.until_logged("timer 0 0 0 2 2 *")


@pytest.mark.parametrize("missing", ["ServiceBusConnection", "SESSION_QUEUE", "TIMER_SCHEDULE"])
async def test_missing_setting_stops_the_start(missing: str) -> None:
    settings = {name: value for name, value in SETTINGS.items() if name != missing}
    log = await refusal(SAMPLE_APP, settings)
    assert "The function app does not start" in log
    assert missing in log
    assert "Traceback" not in log


@pytest.mark.parametrize(
    ("code", "complaint"),
    [
        ("import azure.functions", "Could not find top level function app instances"),
        ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
        (
            APP + "@app.route('x')\ndef f(request: func.HttpRequest) -> str: ...",
            "the following parameters are declared in Python but not in the function definition",
        ),
        (
            APP + "@app.timer_trigger(arg_name='t', schedule='0 * * * *  * *')\ndef f(t: func.TimerRequest): ...",
            "has 7 fields",
        ),
        (
            APP + "@app.route('x/{id:datetime}')\ndef f(req: func.HttpRequest) -> str: ...",
            "constraint 'datetime' is not supported",
        ),
    ],
)
async def test_app_that_cannot_be_indexed_gives_the_reason(tmp_path: Path, code: str, complaint: str) -> None:
    assert complaint in await refusal(write_app(tmp_path, code))


async def test_folder_without_an_app_is_refused(tmp_path: Path) -> None:
    (tmp_path / "host.json").write_text('{"version": "2.0"}')
    assert "function_app.py does not exist" in await refusal(tmp_path)


async def test_port_that_is_taken_is_refused(tmp_path: Path) -> None:
    server = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        app = write_app(tmp_path, APP + TIMER)
        assert "address already in use" in await refusal(app, {}, "--port", str(port))
