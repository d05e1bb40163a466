"""Slots for calls to F&O that belong to one process alone, for tests that are not about sharing them."""

from __future__ import annotations

import asyncio


class LocalSlots:
    """So many calls at once. `free` frees at once, whether the call has ended or not; `freed` lists which it was."""

    def __init__(self, slots: int = 8) -> None:
        self.among = slots
        self.freed: list[bool] = []
        self._free = asyncio.Semaphore(slots)

    async def take(self) -> LocalSlots:
        await self._free.acquire()
        return self

    def start(self) -> None:
        pass

    def free(self, *, ended: bool) -> None:
        self.freed.append(ended)
        self._free.release()
