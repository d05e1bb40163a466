"""What all tests share: one stack of the whole world for each process, on ports of its own, and the app as indexed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis_examples import import_all_modules, load_profile
from whole_world import World, start_world
from wire_guard import WireGuard

from local.functions.worker import Function, load_app

load_profile()


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(WireGuard(), "wire-guard")


def pytest_collection_finish(session: pytest.Session) -> None:
    import_all_modules(session.items)


@pytest.fixture(scope="session")
def wire() -> None:
    """Asked for by whatever starts a process or opens a socket: see wire_guard.py."""


@pytest.fixture(scope="session")
async def world(wire: None, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """The app and everything around it, over the wire. Tests share it: each uses orders and SKUs of its own."""
    async with start_world(tmp_path_factory.mktemp("stack") / "stack.log") as everything:
        yield everything


@pytest.fixture(scope="session")
async def functions() -> list[Function]:
    """The app's functions. Microsoft's worker indexes an app once in a process: twice is a clash of names to it."""
    return await load_app(Path(__file__).parents[1])
