"""The time that a function has before the host ends it.

At functionTimeout (4 minutes in host.json) the host restarts the whole worker, and every other invocation in that
process fails with the one that was slow (github.com/Azure/azure-functions-host/issues/8720). So a flow ends by itself
before that.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final

from shared.errors import OutOfTimeError

FLOW_TIME: Final = timedelta(seconds=200)
"""For what a flow does with one message, or in one run of a timer."""

INVOCATION_TIME: Final = timedelta(seconds=230)
"""For all of an invocation: the flow, the copy that waits, the journal, progress that is stored at the end."""


@asynccontextmanager
async def ended_after(limit: timedelta) -> AsyncIterator[asyncio.Timeout]:
    """Cancels what is inside after that time, and raises OutOfTimeError once it has ended."""
    deadline = asyncio.timeout(limit.total_seconds())
    try:
        async with deadline:
            yield deadline
    except TimeoutError:
        if deadline.expired():
            raise OutOfTimeError(limit) from None
        raise
