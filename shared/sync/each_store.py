"""A timer's work for every store."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any


async def side_by_side(runs: Iterable[Coroutine[Any, Any, None]], *, otherwise: str) -> None:
    """Runs the stores side by side. One store's trouble does not keep the others waiting; it is raised at the end, as
    ExceptionGroup with the message `otherwise`, so that the timer's run counts as failed.
    """
    ends = await asyncio.gather(*runs, return_exceptions=True)
    troubles = [_plain(end) for end in ends if end is not None]
    if troubles:
        raise ExceptionGroup(otherwise, troubles)


def _plain(trouble: BaseException) -> Exception:
    """A run that was cancelled is no trouble of a store: that goes on to the caller as it is."""
    if isinstance(trouble, Exception):
        return trouble
    raise trouble
