"""What the broker has to do later: lock expiry, message expiry, scheduled messages."""

import heapq
from collections.abc import Callable, Hashable
from itertools import count

_SLACK = 64


class Agenda:
    """Actions by due time. An entry is replaced or cancelled by its key; both cost O(log n) at most.

    Cancelled entries stay in the heap until they come up or outnumber the living ones.
    """

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Hashable]] = []
        self._entries: dict[Hashable, tuple[int, Callable[[], None]]] = {}
        self._serial = count()

    def __len__(self) -> int:
        return len(self._entries)

    def put(self, key: Hashable, due: float, action: Callable[[], None]) -> None:
        serial = next(self._serial)
        self._entries[key] = (serial, action)
        heapq.heappush(self._heap, (due, serial, key))
        if len(self._heap) > 2 * len(self._entries) + _SLACK:
            self._heap = [entry for entry in self._heap if self._alive(entry)]
            heapq.heapify(self._heap)

    def cancel(self, key: Hashable) -> None:
        self._entries.pop(key, None)

    def next_due(self) -> float | None:
        while self._heap and not self._alive(self._heap[0]):
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def run_due(self, now: float) -> None:
        """Runs what is due at `now`, oldest first, including what these actions make due."""
        while (due := self.next_due()) is not None and due <= now:
            key = heapq.heappop(self._heap)[2]
            _, action = self._entries.pop(key)
            action()

    def _alive(self, entry: tuple[float, int, Hashable]) -> bool:
        current = self._entries.get(entry[2])
        return current is not None and current[0] == entry[1]
