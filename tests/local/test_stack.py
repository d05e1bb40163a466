"""The local stack without its host, and what people see of it in a terminal."""

import asyncio
import json

import pytest

from local.functions.config import apply_local_settings, load_host_config
from local.json_line import json_line
from local.process import StackError
from local.stack import ROOT, Ports, Terminal, app_settings, running, write_settings
from shared.triggers import health

PORTS = Ports(host=7001, service_bus=7002, d365=7003)
TELEMETRY = "AzureFunctionsJobHost__telemetryMode"


def test_another_host_gets_the_apps_settings_and_no_telemetry(tmp_path):
    path = write_settings(PORTS, tmp_path / "local.settings.json")
    environ = {}
    apply_local_settings(path, environ)
    assert environ.pop(TELEMETRY) == "ApplicationInsights"
    assert environ == app_settings(PORTS)
    assert not {"APPLICATIONINSIGHTS_CONNECTION_STRING", "OTEL_EXPORTER_OTLP_ENDPOINT"} & environ.keys()


def test_what_the_telemetry_setting_overrides_is_in_host_json():
    assert json.loads((ROOT / "host.json").read_text())["telemetryMode"] == "OpenTelemetry"
    load_host_config(ROOT, {TELEMETRY: "ApplicationInsights"})


def test_settings_of_the_developer_stay_when_they_are_written_again(tmp_path):
    path = tmp_path / "local.settings.json"
    path.write_text(json.dumps({"Values": {"MINE": "1", "D365_BASE_URL": "http://old"}, "Host": {"CORS": "*"}}))
    write_settings(PORTS, path)
    written = json.loads(path.read_text())
    assert (written["Values"]["MINE"], written["Host"]) == ("1", {"CORS": "*"})
    assert written["Values"]["D365_BASE_URL"] == "http://127.0.0.1:7003"


@pytest.mark.parametrize("text", ["{", "[]", '{"Values": 3}'])
def test_a_file_of_another_form_is_kept(tmp_path, text):
    path = tmp_path / "local.settings.json"
    path.write_text(text)
    with pytest.raises(StackError, match="no file of settings"):
        write_settings(PORTS, path)
    assert path.read_text() == text


async def test_the_addresses_wait_until_the_parts_are_silent(capsys):
    terminal = Terminal()
    asyncio.get_running_loop().call_later(0.05, terminal, "host", "a line")
    await terminal.silence(seconds=0.5)
    assert capsys.readouterr().err == "      host | a line\n"


async def test_parts_that_are_never_silent_do_not_keep_the_addresses_back():
    await Terminal().silence(seconds=3600, at_most=0.01)


def test_json_answers_end_with_a_newline():
    assert json_line({"a": 1}, 201).text == '{"a": 1}\n'


async def test_the_apps_json_answers_end_with_a_newline():
    body = (await health()).get_body()
    assert json.loads(body)["status"]
    assert body.endswith(b"}\n")


@pytest.mark.wire
async def test_without_its_host_everything_but_the_app_runs():
    ports = Ports.free()
    async with running(ports, log=lambda part, line: None, with_host=False) as stack:
        occupied = {name.split(" ")[0] for name in ports.occupied()}
        assert occupied == set(ports.by_name()) - {"host"}
        assert [part.name for part in stack.parts] == ["servicebus", "d365", "shopify", "azurite"]
