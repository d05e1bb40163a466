"""The check after a deployment: passes before the first secrets are entered, fails for everything else."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from infra.health import wait
from tests.builders.loopback_site import serving

pytestmark = pytest.mark.wire

READY = {"status": "ready", "stores": {"nordlys": {"status": "ready", "mistakes": []}}}
NO_SECRETS = {
    "status": "misconfigured",
    "stores": {"nordlys": {"status": "misconfigured", "mistakes": ["SHOPIFY_NORDLYS_CLIENT_ID is missing"]}},
}
WRONG = {"status": "misconfigured", "mistakes": ["D365_BASE_URL is missing"]}


class App:
    """Answers with one status and body after the other, the last one for ever."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, str]] = []
        self.url = ""

    def next(self) -> tuple[int, str]:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@pytest.fixture
def app() -> Iterator[App]:
    app = App()

    def answer(_method: str, path: str, _headers: dict[str, str], _body: bytes) -> tuple[int, str]:
        return app.next() if path == "/api/health" else (404, "")

    with serving(answer) as app.url:
        yield app


def run(app: App) -> tuple[int, list[str]]:
    now = [0.0]
    said: list[str] = []

    def sleep(seconds: float) -> None:
        now[0] += seconds

    return wait(app.url, out=said.append, sleep=sleep, clock=lambda: now[0]), said


def test_app_that_is_ready_passes(app: App) -> None:
    app.answers = [(200, json.dumps(READY))]
    assert run(app) == (0, ["nordlys is ready"])


def test_first_deployment_passes_and_says_which_secrets_are_missing(app: App) -> None:
    app.answers = [(503, json.dumps(NO_SECRETS))]
    assert run(app) == (0, ["nordlys is not served yet: SHOPIFY_NORDLYS_CLIENT_ID is missing"])


def test_wrong_settings_fail_with_each_mistake(app: App) -> None:
    app.answers = [(503, json.dumps(WRONG))]
    assert run(app) == (1, ["wrong: D365_BASE_URL is missing"])


def test_app_that_starts_is_awaited(app: App) -> None:
    app.answers = [(503, "Function host is not running."), (404, ""), (200, json.dumps(READY))]
    code, said = run(app)
    assert (code, said[-1]) == (0, "nordlys is ready")


def test_app_that_never_answers_fails(app: App) -> None:
    app.answers = [(503, "Function host is not running.")]
    code, said = run(app)
    assert code == 1
    assert "did not say how it is" in said[-1]
