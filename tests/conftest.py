"""What all tests share: one stack of the whole world, started once on ports of its own, and the app as indexed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from whole_world import World, start_world

from local.functions.worker import Function, load_app


@pytest.fixture(scope="session")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """The app and everything around it, over the wire. Tests share it: each uses orders and SKUs of its own."""
    async with start_world(tmp_path_factory.mktemp("stack") / "stack.log") as everything:
        yield everything


@pytest.fixture(scope="session")
async def functions() -> list[Function]:
    """The app's functions. Microsoft's worker indexes an app once in a process: twice is a clash of names to it."""
    return await load_app(Path(__file__).parents[1])
