"""Which fields F&O's entity sets have: asked once for each set that is used, at its first use.

F&O refuses a whole request for one field that it does not know. Versions differ, and configuration keys take fields
away: without catch weight no product has IsCatchWeightProduct. A field that the app can do without is left out; one
that it needs is named in an error that waits, and is looked for again.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any, Final

from shared.d365.entities import PUBLIC_NAMES
from shared.errors import DeniedError, ErrorCode, TransientError
from shared.model.fo_order import FoRow

_UNKNOWN_FOR: Final = 3600.0
"""Seconds until the metadata are asked again that could not be read. Until then nothing is left out."""

type ReadEntity = Callable[[str], Awaitable[FoRow | None]]
"""The metadata of a public entity by its name; None where F&O does not tell."""


class KnownFields:
    """Use one for the whole process."""

    def __init__(self, read: ReadEntity, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._read = read
        self._clock = clock
        self._known: dict[str, frozenset[str]] = {}
        self._asked: dict[str, float] = {}
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def absent(
        self, entity_set: str, fields: Collection[str], dispensable: Mapping[str, Collection[str]]
    ) -> frozenset[str]:
        """Those of the fields that F&O does not have and that the app can do without, by entity set.

        Raises DeniedError FO_FIELD_MISSING for one that it needs. Nothing is absent where F&O does not tell.
        """
        known = await self._of(entity_set)
        if known is None:
            return frozenset()
        absent = frozenset(fields) - known
        if needed := absent.difference(dispensable.get(entity_set, ())):
            self._known.pop(entity_set, None)
            self._asked.pop(entity_set, None)
            raise DeniedError(ErrorCode.FO_FIELD_MISSING, entity_set=entity_set, fields=", ".join(sorted(needed)))
        return absent

    async def _of(self, entity_set: str) -> frozenset[str] | None:
        async with self._locks[entity_set]:
            if entity_set not in self._known and self._clock() >= self._asked.get(entity_set, 0.0):
                self._asked[entity_set] = self._clock() + _UNKNOWN_FOR
                if fields := await self._ask(entity_set):
                    self._known[entity_set] = fields
            return self._known.get(entity_set)

    async def _ask(self, entity_set: str) -> frozenset[str]:
        name = PUBLIC_NAMES.get(entity_set)
        if name is None:
            return frozenset()
        try:
            entity = await self._read(name)
        except TransientError:
            return frozenset()
        return fields_of(entity, entity_set)


def fields_of(entity: FoRow | None, entity_set: str) -> frozenset[str]:
    """Of a public entity's metadata; none where they are not those of this set."""
    if entity is None or entity.get("EntitySetName") != entity_set:
        return frozenset()
    properties: Any = entity.get("Properties")
    if not isinstance(properties, list):
        return frozenset()
    return frozenset(
        each["Name"] for each in properties if isinstance(each, dict) and isinstance(each.get("Name"), str)
    )
