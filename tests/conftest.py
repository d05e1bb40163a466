"""One stack for all tests that need the whole world: started once, on ports of its own, stopped at the end."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from whole_world import World, start_world


@pytest.fixture(scope="session")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """The app and everything around it, over the wire. Tests share it: each uses orders and SKUs of its own."""
    async with start_world(tmp_path_factory.mktemp("stack") / "stack.log") as everything:
        yield everything
