"""The package is uploaded as it was built, and the upload ends as Azure says, against a site that answers as recorded.

Azure answers with a deployment's id, and 200 for it whatever has become of it; its number says how it stands.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from infra.deploy import DeploymentError, Site, deploy
from tests.builders.loopback_site import serving

pytestmark = pytest.mark.wire

PACKAGE = b"PK the archive"
TOKEN = "a-token"
NUMBER = "d1c0ffee"
PENDING, BUILDING, DEPLOYING, FAILED, SUCCESS, CONFLICT = range(6)


@dataclass
class Deployments:
    """The deployment site: it takes one package, and then answers with what a test has prepared."""

    uploads: list[tuple[int, str]] = field(default_factory=lambda: [(202, json.dumps(NUMBER))])
    states: list[tuple[int, str]] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    url: str = ""

    def state(self, status: int, text: str = "") -> None:
        self.states.append((200, json.dumps({"id": NUMBER, "status": status, "status_text": text})))

    def upload(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, str]:
        if path != "/api/publish?RemoteBuild=false":
            return 404, "no such call"
        if headers.get("Authorization") != f"Bearer {TOKEN}":
            return 401, "no such token"
        if headers.get("Content-Type") != "application/zip" or body != PACKAGE:
            return 415, "not an archive"
        return self.uploads.pop(0)

    def poll(self, path: str) -> tuple[int, str]:
        return self.states.pop(0) if path == f"/api/deployments/{NUMBER}" else (404, "")


@pytest.fixture
def site() -> Iterator[Deployments]:
    deployments = Deployments()

    def answer(method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, str]:
        deployments.seen.append(path)
        return deployments.upload(path, headers, body) if method == "POST" else deployments.poll(path)

    with serving(answer) as deployments.url:
        yield deployments


class Clock:
    """Moves only while somebody waits."""

    def __init__(self) -> None:
        self.now = 0.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def __call__(self) -> float:
        return self.now


def run(site: Deployments, token: str = TOKEN) -> list[str]:
    """What it said."""
    said: list[str] = []
    clock = Clock()
    deploy(PACKAGE, Site(site.url, token), out=said.append, sleep=clock.sleep, clock=clock)
    return said


def test_package_is_uploaded_without_a_build_and_the_end_is_awaited(site: Deployments) -> None:
    site.state(PENDING)
    site.state(DEPLOYING, "Uploading to storage")
    site.state(SUCCESS)
    assert run(site) == [f"uploaded as deployment {NUMBER}", "Uploading to storage", "deployed"]
    assert site.seen[0] == "/api/publish?RemoteBuild=false"
    assert len(site.seen) == 4


def test_failed_deployment_is_an_error_although_azure_answers_200(site: Deployments) -> None:
    site.state(FAILED, "the container does not exist")
    with pytest.raises(DeploymentError, match=r"it failed\. the container does not exist"):
        run(site)


def test_second_deployment_at_the_same_time_is_told(site: Deployments) -> None:
    site.state(CONFLICT)
    with pytest.raises(DeploymentError, match="another deployment is under way"):
        run(site)


def test_upload_waits_for_the_role_of_a_new_identity(site: Deployments) -> None:
    site.uploads.insert(0, (400, "BlobUploadFailedException: 403 AuthorizationPermissionMismatch"))
    site.uploads.insert(0, (503, "starting"))
    site.state(SUCCESS)
    assert len([line for line in run(site) if "trying again" in line]) == 2


def test_role_that_never_comes_ends_with_what_is_missing(site: Deployments) -> None:
    site.uploads = [(403, "no")] * 100
    with pytest.raises(DeploymentError, match="Website Contributor"):
        run(site)


def test_refused_package_is_not_sent_again(site: Deployments) -> None:
    site.uploads = [(400, "the archive is damaged")]
    with pytest.raises(DeploymentError, match="the archive is damaged"):
        run(site)


def test_wrong_token_says_to_sign_in(site: Deployments) -> None:
    with pytest.raises(DeploymentError, match="az login"):
        run(site, token="another")


def test_deployment_that_is_not_shown_yet_is_awaited(site: Deployments) -> None:
    site.states += [(404, ""), (404, "")]
    site.state(SUCCESS)
    assert run(site)[-1] == "deployed"


def test_deployment_that_vanishes_has_ended_and_health_has_to_show_how(site: Deployments) -> None:
    site.state(DEPLOYING)
    site.states.append((404, ""))
    assert any("/api/health" in line for line in run(site))


def test_deployment_that_never_ends_is_told(site: Deployments, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site, "poll", answer_always(json.dumps({"status": BUILDING})))
    with pytest.raises(DeploymentError, match="did not end"):
        run(site)


def test_answer_of_a_gateway_is_no_end_of_the_deployment(site: Deployments) -> None:
    site.states += [(200, "<html>busy</html>"), (502, "bad gateway")]
    site.state(SUCCESS)
    assert run(site)[-1] == "deployed"


def test_status_that_http_does_not_name_is_told(site: Deployments) -> None:
    site.uploads = [(499, "closed")]
    with pytest.raises(DeploymentError, match="499"):
        run(site)


def answer_always(text: str) -> Callable[[str], tuple[int, str]]:
    return lambda _: (200, text)
