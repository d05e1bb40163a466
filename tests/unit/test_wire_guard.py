"""The guard of `make test-fast`. These tests are marked `wire`, so that only the guard that they make watches them."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest
from wire_guard import WireGuard, WireUsedError

pytestmark = pytest.mark.wire


@pytest.fixture
def guard() -> Iterator[WireGuard]:
    guard = WireGuard()
    guard._is_on = guard._is_in_test = True
    yield guard
    guard._is_on = False


def bind() -> None:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))


def connect() -> None:
    with socket.socket() as one:
        one.connect(("127.0.0.1", 9))


def start() -> None:
    subprocess.run([sys.executable, "-c", ""], check=True)


def serve() -> None:
    in_a_loop_of_its_own(asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0))


def in_a_loop_of_its_own(work: Coroutine[Any, Any, Any]) -> None:
    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(work)
    finally:
        loop.close()


@pytest.mark.parametrize("use", [bind, connect, start, serve])
def test_a_socket_or_a_process_is_refused(guard: WireGuard, use: Callable[[], None]) -> None:
    with pytest.raises(WireUsedError, match="Ask for the fixture `wire`"):
        use()


def test_a_test_that_catches_the_error_fails_all_the_same(guard: WireGuard) -> None:
    call = guard.pytest_runtest_call()
    next(call)
    with pytest.raises(WireUsedError):
        bind()
    with pytest.raises(WireUsedError):
        call.send(None)


def test_an_event_loop_is_no_use_of_the_wire(guard: WireGuard) -> None:
    call = guard.pytest_runtest_call()
    next(call)
    in_a_loop_of_its_own(asyncio.sleep(0))
    with pytest.raises(StopIteration):
        call.send(None)
