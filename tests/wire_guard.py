"""Which tests start a process or open a socket, and a guard that holds all others to it.

Such a test has the fixture `wire`: by itself, or by a fixture that asks for it. A test that opens its sockets in its
own body may be marked `@pytest.mark.wire` instead. `pytest -m "not wire"` runs the rest. In a run without any wire
test, a bind, a connect or a new process fails the test that made it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest

GUARDED = frozenset(
    {
        "socket.bind",
        "socket.connect",
        "socket.getaddrinfo",
        "socket.sendto",
        "subprocess.Popen",
        "os.exec",
        "os.fork",
        "os.posix_spawn",
        "os.system",
    }
)
"""Audit events, https://docs.python.org/3/library/audit_events.html. A socket pair, such as asyncio wakes itself with,
raises none of them."""


class WireUsedError(RuntimeError):
    """A test outside `wire` started a process or opened a socket."""


class WireGuard:
    """A pytest plugin. One for each process: an audit hook cannot be taken back."""

    def __init__(self) -> None:
        self._is_on = False
        self._is_in_test = False
        self._seen: list[str] = []
        sys.addaudithook(self._audit)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            if "wire" in getattr(item, "fixturenames", ()):
                item.add_marker("wire")

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self._is_on = not any(item.get_closest_marker("wire") for item in session.items)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self) -> Iterator[None]:
        self._is_in_test = True
        try:
            return (yield)
        finally:
            self._is_in_test = False

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_setup(self) -> Iterator[None]:
        return (yield from self._checked())

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self) -> Iterator[None]:
        return (yield from self._checked())

    def _checked(self) -> Iterator[None]:
        """Fails a test that caught the error itself, too."""
        self._seen.clear()
        result = yield
        if self._seen:
            raise WireUsedError(self._seen[0])
        return result

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not (event in GUARDED and self._is_on and self._is_in_test):
            return
        text = (
            f"{event}{arguments!r:.200} in a test that is not marked `wire`. Ask for the fixture `wire` in the test or "
            "in the fixture that does this, or mark the test `@pytest.mark.wire`."
        )
        self._seen.append(text)
        raise WireUsedError(text)
