"""Uploads the package to the app in Azure, as it was built, and waits until Azure has deployed it.

`python infra/deploy.py --resource-group rg-test --name func-test-xxxx --zip build/app.zip`, signed in by `az login`.

Azure CLI's own upload always has Azure build the package again for Python on Flex Consumption (azure-cli 2.91.0), with
a Python that may be older than the app's. This makes the same call with RemoteBuild=false, as azd 1.23.5 does.
"""

# ruff: noqa: INP001 - a script beside the templates, no package
from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPException
from pathlib import Path
from typing import Any, Final
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

_ARM: Final = "https://management.azure.com/"
_REQUEST_SECONDS: Final = 600
_UPLOAD_SECONDS: Final = 600
"""How long an upload is tried: a new role assignment of the app's identity takes minutes until storage knows it."""
_DEPLOY_SECONDS: Final = 900
_UPLOAD_PAUSE: Final = 15.0
_POLL_PAUSE: Final = 2.0
# How a deployment stands, by the number in its `status`.
_ENDED: Final = {
    -1: "it was cancelled",
    3: "it failed",
    5: "another deployment is under way",
    6: "it succeeded only in part",
}
_SUCCEEDED: Final = 4
_MAY_PASS: Final = frozenset({HTTPStatus.FORBIDDEN, HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})


class DeploymentError(Exception):
    """Azure does not have the new package. Says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Site:
    """The deployment site of one app."""

    url: str
    """Without a trailing slash."""
    token: str


def deploy(
    package: bytes,
    site: Site,
    *,
    out: Callable[[str], None] = print,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Returns once Azure has deployed the package. Raises DeploymentError."""
    number = _upload(package, site, out=out, sleep=sleep, clock=clock)
    out(f"uploaded as deployment {number}")
    _wait(number, site, out=out, sleep=sleep, clock=clock)
    out("deployed")


def _upload(
    package: bytes,
    site: Site,
    *,
    out: Callable[[str], None],
    sleep: Callable[[float], None],
    clock: Callable[[], float],
) -> str:
    """The deployment's id."""
    started = clock()
    while True:
        request = Request(  # noqa: S310 - https, or a test's loopback address
            f"{site.url}/api/publish?RemoteBuild=false",
            data=package,
            method="POST",
            headers={"Authorization": f"Bearer {site.token}", "Content-Type": "application/zip"},
        )
        status, answer = _call(request)
        if status in {HTTPStatus.OK, HTTPStatus.ACCEPTED} and answer.strip('" \r\n'):
            return answer.strip('" \r\n')
        if not _may_pass(status, answer) or clock() - started > _UPLOAD_SECONDS:
            raise DeploymentError(_refused(status, answer))
        out(f"not taken yet ({status or 'no answer'}): trying again in {_UPLOAD_PAUSE:.0f} s")
        sleep(_UPLOAD_PAUSE)


def _may_pass(status: int, answer: str) -> bool:
    """Whether a later upload may succeed: the site wakes up, or the app's identity may not write its container yet."""
    is_new_role = status == HTTPStatus.BAD_REQUEST and "BlobUploadFailed" in answer
    return is_new_role or status in _MAY_PASS or status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == 0


def _refused(status: int, answer: str) -> str:
    steps: dict[int, str] = {
        HTTPStatus.UNAUTHORIZED: "Sign in again: az login.",
        HTTPStatus.FORBIDDEN: "You need the role Website Contributor or Contributor on the app.",
        HTTPStatus.NOT_FOUND: "Check the app's name and that its plan is Flex Consumption.",
    }
    step = steps.get(status, "") if status else "Check the network, and the address of the app."
    return f"Azure did not take the package ({status or 'no answer'}): {answer[:500].strip()} {step}".strip()


def _wait(
    number: str, site: Site, *, out: Callable[[str], None], sleep: Callable[[float], None], clock: Callable[[], float]
) -> None:
    """Asks for the deployment until it has ended. Azure answers 200 while it runs and also when it has failed."""
    started, shown, was_seen = clock(), "", False
    while clock() - started < _DEPLOY_SECONDS:
        request = Request(  # noqa: S310 - https, or a test's loopback address
            f"{site.url}/api/deployments/{number}", headers={"Authorization": f"Bearer {site.token}"}
        )
        status, answer = _call(request)
        if status == HTTPStatus.NOT_FOUND and was_seen:
            # The process that deploys is replaced at its end, and its deployments with it: azd takes this for the end.
            out("Azure no longer shows the deployment, as it does after some that have ended: look at /api/health")
            return
        if status in {HTTPStatus.OK, HTTPStatus.ACCEPTED}:
            was_seen = True
            found = _read(answer)
            text = str(found.get("status_text") or found.get("progress") or "").strip()
            if found.get("status") == _SUCCEEDED:
                return
            if found.get("status") in _ENDED:
                raise DeploymentError(f"deployment {number}: {_ENDED[found['status']]}. {text}".strip())
            if text and text != shown:
                shown = text
                out(text)
        elif status == HTTPStatus.UNAUTHORIZED:
            raise DeploymentError("the token has ended while Azure deployed. Sign in again, and look at /api/health.")
        sleep(_POLL_PAUSE)
    raise DeploymentError(f"deployment {number} did not end within {_DEPLOY_SECONDS} s. Look at /api/health.")


def _read(answer: str) -> dict[str, Any]:
    """What Azure says of the deployment; nothing, where a gateway answered in its place."""
    try:
        found = json.loads(answer)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _call(request: Request) -> tuple[int, str]:
    """Status and body; 0 when no answer came."""
    try:
        with urlopen(request, timeout=_REQUEST_SECONDS) as answer:  # noqa: S310 - see above
            return answer.status, answer.read().decode(errors="replace")
    except HTTPError as refusal:
        with refusal, suppress(HTTPException, OSError):
            return refusal.code, refusal.read().decode(errors="replace")
        return refusal.code, ""
    except (URLError, HTTPException, OSError) as problem:
        return 0, str(getattr(problem, "reason", problem))


def _site(group: str, name: str) -> Site:
    """The app's deployment site, and a token for it."""
    query = "properties.hostNameSslStates[?hostType=='Repository'].name | [0]"
    kind = "Microsoft.Web/sites"
    shown = ["resource", "show", "--resource-group", group, "--name", name, "--resource-type", kind, "--query", query]
    host = _az(*shown, "--output", "tsv")
    token = _az("account", "get-access-token", "--resource", _ARM, "--query", "accessToken", "--output", "tsv")
    return Site(f"https://{host}", token)


def _az(*arguments: str) -> str:
    try:
        ended = subprocess.run(["az", *arguments], capture_output=True, text=True, check=True)  # noqa: S603, S607
    except FileNotFoundError:
        raise DeploymentError("Azure CLI is not installed, or not on PATH.") from None
    except subprocess.CalledProcessError as problem:
        raise DeploymentError(f"az {' '.join(arguments[:2])}: {problem.stderr.strip()}") from None
    return ended.stdout.strip()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--resource-group", required=True)
    parser.add_argument("--name", required=True, help="of the app")
    parser.add_argument("--zip", type=Path, required=True, help="made by infra/package.py --zip")
    arguments = parser.parse_args()
    try:
        deploy(arguments.zip.read_bytes(), _site(arguments.resource_group, arguments.name))
    except (DeploymentError, OSError) as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
