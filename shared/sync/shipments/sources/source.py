"""A place in F&O that shows what moved of its sales orders."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from shared.d365.moved import Moved
from shared.model import Part

type Find = Callable[[datetime], Awaitable[Mapping[str, Moved]]]
"""Takes the moment since when; gives what moved by sales order. Raises what the F&O client does."""


async def _nothing_to_settle() -> None:
    pass


@dataclass(frozen=True, slots=True)
class Source:
    name: str
    """Of its watermark, in the progress of the store."""
    parts: frozenset[Part]
    """That may have moved with the sales order."""
    find: Find
    settle: Callable[[], Awaitable[None]] = _nothing_to_settle
    """Stores how far it has come, for a source that asks in turn: called once the events are sent."""
