"""The row of the leased slots in memory, with an ETag, and the ways in which storage answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from shared.d365.odata.leases import Leases, read_leases, write_leases
from shared.errors import StorageAwayError


class LeaseRow:
    """`loads` and `saves` count the calls to the table."""

    def __init__(self) -> None:
        self.leases = Leases()
        self.version = 0
        self.loads = 0
        self.saves = 0
        self.is_away = False
        self.loses_answers = False
        self.before_save: Callable[[], Awaitable[None]] | None = None
        """Runs once, between another process's reading and writing."""

    async def load(self) -> tuple[Leases, str | None]:
        self._assert_there()
        self.loads += 1
        return self.leases, str(self.version) if self.version else None

    async def save(self, leases: Leases, etag: str | None) -> str | None:
        self._assert_there()
        self.saves += 1
        before, self.before_save = self.before_save, None
        if before is not None:
            await before()
        if etag != (str(self.version) if self.version else None):
            return None
        self.leases, self.version = read_leases(write_leases(leases)), self.version + 1
        if self.loses_answers:
            raise StorageAwayError("the answer was lost")
        return str(self.version)

    def _assert_there(self) -> None:
        if self.is_away:
            raise StorageAwayError("storage is away")
