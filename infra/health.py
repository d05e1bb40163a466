"""Waits until the deployed app says how it is: `python infra/health.py https://func-test-xxxx.azurewebsites.net`.

Exit code 0 when its settings and rules are right. Stores whose secrets are not in the vault yet are told, and are no
failure: the first deployment has to come before the secrets. 1 when anything else is wrong, or the app does not answer.
"""

# ruff: noqa: INP001 - a script beside the templates, no package
from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any, Final
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

_SECONDS: Final = 300
_PAUSE: Final = 10.0
_REQUEST_SECONDS: Final = 30


def wait(
    url: str,
    *,
    out: Callable[[str], None] = print,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> int:
    """The exit code."""
    started = clock()
    while True:
        found = _ask(f"{url.rstrip('/')}/api/health")
        if isinstance(found, dict):
            return _judge(found, out)
        if clock() - started > _SECONDS:
            out(f"{url} did not say how it is within {_SECONDS} s: {found}. Look at its log stream in the portal.")
            return 1
        out(f"no answer yet: {found}")
        sleep(_PAUSE)


def _judge(found: dict[str, Any], out: Callable[[str], None]) -> int:
    for mistake in found.get("mistakes", ()):
        out(f"wrong: {mistake}")
    # In GitHub Actions a line that begins so is shown on the page of the run.
    warning = "::warning::" if os.environ.get("GITHUB_ACTIONS") else ""
    for key, store in sorted(found.get("stores", {}).items()):
        if store.get("status") == "ready":
            out(f"{key} is ready")
        for mistake in store.get("mistakes", ()):
            out(f"{warning}{key} is not served yet: {mistake}")
    return 0 if "stores" in found else 1


def _ask(url: str) -> dict[str, Any] | str:
    """What the app says, with 200 and with 503; a text when it does not say anything."""
    try:
        with urlopen(Request(url), timeout=_REQUEST_SECONDS) as answer:  # noqa: S310 - the address that was given
            return _read(answer.read()) or f"HTTP {answer.status} without the app's own answer"
    except HTTPError as refusal:
        with refusal:
            return _read(refusal.read()) or f"HTTP {refusal.code}"
    except (URLError, TimeoutError, ConnectionError) as problem:
        return str(getattr(problem, "reason", problem))


def _read(body: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(body)
    except ValueError:
        return None
    return found if isinstance(found, dict) and "status" in found else None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url", help="of the app, without a path")
    return wait(parser.parse_args().url)


if __name__ == "__main__":
    sys.exit(main())
