"""Duplicate detection by MessageId."""

from collections import OrderedDict


class DuplicateHistory:
    """The MessageIds accepted in the last `window` seconds. A repeat does not prolong the memory of the first."""

    def __init__(self, window: float) -> None:
        self._window = window
        self._seen: OrderedDict[str, float] = OrderedDict()

    def is_repeat(self, message_id: str, now: float) -> bool:
        """Records the id when it is new."""
        while self._seen and next(iter(self._seen.values())) + self._window <= now:
            self._seen.popitem(last=False)
        if message_id in self._seen:
            return True
        self._seen[message_id] = now
        return False
